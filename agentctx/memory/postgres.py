"""PostgreSQL 14 and later by DSN, through psycopg 3; a transaction is retried after a lost race."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from agentctx.errors import Busy
from agentctx.memory.batches import chunks
from agentctx.memory.connections import Pool, refused
from agentctx.memory.engine import RETRIES, SEVERAL, TOGETHER, LostRace, Matching, Session
from agentctx.memory.migrations import Engine
from agentctx.memory.tables import TABLES, Table

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")

_AGAIN = frozenset({"40001", "40P01"})
"""Serialisation failure, deadlock: the same transaction may succeed when it is run again."""
_REPEATED = "23505"
_SCHEMA_RACE = frozenset({_REPEATED, "42P07", "42710"})
"""What two processes that create the same schema at once get from PostgreSQL."""
_TYPES = {
    **dict.fromkeys(("id", "namespace_id", "fact_id", "owner_id", "superseded_by"), "uuid"),
    **dict.fromkeys(("metadata", "value", "counts"), "jsonb"),
    **dict.fromkeys(("turn", "version"), "bigint"),
    "confidence": "double precision",
    "words": "tsvector",
}
"""Columns by name; ``..._at`` is a time, and everything else is text."""
_FIRST_PAUSE = 0.01


def _marks(sql: str) -> str:
    """``sql`` in the words of psycopg; long statements are not worth the memory of keeping them."""
    return _short_marks(sql) if len(sql) < 4_000 else sql.replace("%", "%%").replace("?", "%s")


@lru_cache(maxsize=512)
def _short_marks(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


class PostgresSession:
    """One transaction on one connection. Several rows of a statement travel as one JSON text."""

    engine: Engine = "postgres"

    def __init__(self, connection: psycopg.Connection[Any], copying: bool = False) -> None:
        """``copying``: many rows are taken for new ones, and a repeated id breaks the transaction off, to be
        run again without it.
        """
        self.connection = connection
        self.copying = copying

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """See ``engine.Session``."""
        return self.connection.execute(_marks(sql), values).fetchall()

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """See ``engine.Session``."""
        return self.connection.execute(_marks(sql), values).rowcount

    def insert(self, table: Table, rows: Sequence[Sequence[Any]], conflict: str = "") -> int:
        """See ``engine.Session``."""
        if len(rows) == 1:
            return self.run(_insert_one(table, conflict), rows[0])
        return self._each(f"{_insert_from(table, _records(table.columns))} {conflict}", rows)

    def add(
        self, table: Table, rows: Sequence[Sequence[Any]], words: Sequence[Sequence[str]], conflict: str = ""
    ) -> int:
        """See ``engine.Session``."""
        target, lines = with_words(table), worded(rows, words)
        if self.copying and len(lines) >= SEVERAL and "DO UPDATE" not in conflict:
            self.copy(target.name, target.columns, lines)
            return len(lines)
        newer = conflict.replace(" DO UPDATE SET ", f" DO UPDATE SET {_WORDS} = excluded.{_WORDS}, ", 1)
        return self.insert(target, lines, newer)

    def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write new rows in the quickest way there is; one that is there already is an error."""
        sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with self.connection.cursor() as cursor, cursor.copy(sql) as copy:
            for row in rows:
                copy.write_row(row)

    def update(
        self, table: Table, changed: Sequence[str], known: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> int:
        """See ``engine.Session``."""
        columns = (*changed, *known)
        sets = ", ".join(f"{name} = {_cast(f'r.c{n}', name)}" for n, name in enumerate(changed))
        same = " AND ".join(f"t.{name} = r.c{n}" for n, name in enumerate(known, len(changed)))
        return self._each(f"UPDATE {table.name} AS t SET {sets} FROM {_records(columns)} WHERE {same}", rows)

    def _each(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run ``sql`` for rows that it reads as JSON: one value to send and one statement to prepare."""
        touched = 0
        for part in chunks(rows, TOGETHER):
            names = [f"c{n}" for n in range(len(part[0]))]
            objects = [dict(zip(names, row, strict=True)) for row in part]
            touched += self.run(sql, (json.dumps(objects, ensure_ascii=False),))
        return touched

    def among(self, column: str, values: Sequence[str]) -> tuple[str, tuple[Any, ...]]:
        """See ``engine.Session``: one value however many there are, so that a statement stays prepared."""
        return f"{column} = ANY(CAST(? AS uuid[]))", (list(values),)

    def has_table(self, name: str, column: str = "") -> bool:
        """See ``engine.Session``."""
        found = self.rows(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND table_name = ?",
            (name,),
        )
        return bool(found) and (not column or (column,) in found)

    def bound(self) -> bool:
        """Whether policies hide the rows of other tenants from this role."""
        return bool(self.rows(_POLICIES)) and bool(self.rows(_ACTIVE)[0][0])

    def wordless(self, table: Table, limit: int) -> list[tuple[Any, ...]]:
        """See ``engine.Session``."""
        columns = ", ".join(table.columns)
        sql = f"SELECT {columns} FROM {table.name} WHERE {_WORDS} IS NULL ORDER BY id LIMIT ?"
        return self.rows(sql, (limit,))

    def index(self, table: Table, entries: Iterable[tuple[str, Sequence[str]]]) -> None:
        """See ``engine.Session``."""
        said = [(" ".join(words), owner) for owner, words in entries]
        self.update(with_words(table), (_WORDS,), ("id",), said)

    def unindex(self, owners: Iterable[str]) -> None:
        """See ``engine.Session``: the words go with their row."""

    def matching(self, words: Sequence[str], every: bool = False) -> Matching:
        """See ``engine.Session``."""
        asked = ((" & " if every else " | ").join(f"'{word}'" for word in words),)
        condition, order = (
            "search.words @@ CAST(? AS tsquery)",
            "ts_rank(search.words, CAST(? AS tsquery)) DESC",
        )
        return Matching(_SEARCHED, condition, order, _WORDS, asked, asked)

    @contextmanager
    def unbound(self) -> Iterator[None]:
        """See ``engine.Session``."""
        bound = [name for (name,) in self.rows(_BOUND, ([table.name for table in TABLES],))]
        for name in bound:
            self.run(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY")
        yield
        for name in bound:
            self.run(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")


def _type(column: str) -> str:
    return _TYPES.get(column) or ("timestamptz" if column.endswith("_at") else "text")


def _records(columns: Sequence[str]) -> str:
    """Rows out of one JSON value as a table ``r`` of ``c0``, ``c1`` ...; JSON in them is text."""
    kinds = (_type(column).replace("jsonb", "text") for column in columns)
    declared = ", ".join(f"c{n} {kind}" for n, kind in enumerate(kinds))
    return f"json_to_recordset(CAST(? AS json)) AS r({declared})"


def _cast(value: str, column: str) -> str:
    return f"CAST({value} AS jsonb)" if _type(column) == "jsonb" else value


@cache
def _insert_one(table: Table, conflict: str) -> str:
    return f"{table.insert()} {conflict}"


def _insert_from(table: Table, records: str) -> str:
    values = ", ".join(_cast(f"r.c{n}", name) for n, name in enumerate(table.columns))
    return f"INSERT INTO {table.name} ({', '.join(table.columns)}) SELECT {values} FROM {records}"


_WORDS = "words"
"""The column for the search index. Words are letters, digits and underscores; between blanks they are what
PostgreSQL reads as a tsvector."""
_SEARCHED = tuple(
    f"(SELECT id AS owner_id, {_WORDS} FROM {name}) AS search" for name in ("facts", "episodes")
)
_POLICIES = (
    "SELECT 1 FROM pg_class WHERE relname = 'episodes' AND relrowsecurity"
    " AND relnamespace = CAST(current_schema() AS regnamespace)"
)
_ACTIVE = "SELECT row_security_active('episodes')"
"""Asked only where there are policies: not every engine has this function."""
_BOUND = (
    "SELECT relname FROM pg_class WHERE relforcerowsecurity AND relname = ANY(?)"
    " AND relnamespace = CAST(current_schema() AS regnamespace)"
)


@cache
def with_words(table: Table) -> Table:
    """``episodes`` or ``facts`` with the column that only this engine has."""
    return replace(table, columns=(*table.columns, _WORDS))


def worded(rows: Sequence[Sequence[Any]], words: Sequence[Sequence[str]]) -> list[tuple[Any, ...]]:
    """Rows of such a table."""
    return [(*row, " ".join(of)) for row, of in zip(rows, words, strict=True)]


def transaction(
    connection: psycopg.Connection[Any],
    work: Callable[[Session], T],
    creating: bool = False,
    tenant: str = "",
) -> T:
    """Run ``work`` in one transaction, again after a lost race; ``creating`` adds races over the schema.

    With ``tenant`` the transaction says whose it is. Raises ``Busy`` when the races do not end,
    ``AgentctxError`` with the server's words for anything else.
    """
    said = f"BEGIN; SET LOCAL agentctx.tenant = {_literal(tenant, connection)}" if tenant else "BEGIN"

    copying = not tenant  # COPY does not ask policies

    def attempt() -> T:
        nonlocal copying
        connection.execute(said, prepare=False)
        try:
            result = work(PostgresSession(connection, copying))
        except BaseException as error:
            _roll_back(connection)
            if copying and getattr(error, "sqlstate", "") == _REPEATED:
                copying = False
                raise LostRace from error
            raise
        connection.commit()
        return result

    return _retried(attempt, _AGAIN | _SCHEMA_RACE if creating else _AGAIN)


def _literal(text: str, connection: psycopg.Connection[Any]) -> str:
    from psycopg.sql import Literal

    return Literal(text).as_string(connection)


def _roll_back(connection: psycopg.Connection[Any]) -> None:
    """A connection that cannot even take back what it began is of no further use."""
    import psycopg

    try:
        connection.rollback()
    except psycopg.Error:
        connection.close()


def _retried(attempt: Callable[[], T], again: frozenset[str] = _AGAIN) -> T:
    import psycopg

    for number in range(RETRIES):
        try:
            return attempt()
        except LostRace:
            pass
        except psycopg.Error as error:
            if error.sqlstate not in again:
                raise refused(error) from error
        time.sleep(_FIRST_PAUSE * 2**number * random.uniform(0.5, 1.0))
    raise Busy("other writers kept PostgreSQL busy", "try again in a moment")


def run_script(connection: psycopg.Connection[Any], statements: Iterable[str], hint: str = "") -> None:
    """Run statements as they are, in one transaction. Raises ``AgentctxError`` in the server's words.

    ``hint`` is for the person whose database does not fit.
    """
    import psycopg

    try:
        with connection.transaction():
            for statement in statements:
                connection.execute(statement)
    except psycopg.Error as error:
        raise refused(error, hint) from error


class PostgresDatabase:
    """Connections to one database; with ``tenant`` every transaction says whose it is, as policies ask."""

    engine: Engine = "postgres"

    def __init__(self, dsn: str) -> None:
        self._pool = Pool(dsn)
        self._tenant = ""

    def of_tenant(self, tenant: str) -> PostgresDatabase:
        """The same connections, for a database whose policies hide the rows of other tenants."""
        made = copy(self)
        made._tenant = tenant
        return made

    def write(self, work: Callable[[Session], T]) -> T:
        """See ``engine.Database``."""
        return self._pool.use(lambda connection: transaction(connection, work, tenant=self._tenant))

    def read(self, work: Callable[[Session], T]) -> T:
        """See ``engine.Database``: only in a transaction can a tenant be said."""
        if self._tenant:
            return self.write(work)
        return self._pool.use(lambda connection: work(PostgresSession(connection)))

    def once(self, work: Callable[[Session], T]) -> T:
        """See ``engine.Database``: one statement is a transaction of its own, and one message."""
        if self._tenant:
            return self.write(work)
        return self._pool.use(lambda connection: _retried(lambda: work(PostgresSession(connection))))

    def create(self, work: Callable[[Session], T]) -> T:
        """See ``engine.Database``."""
        return self._pool.use(lambda connection: transaction(connection, work, True, self._tenant))

    def scrub(self) -> None:
        """See ``engine.Database``: PostgreSQL's own vacuum frees what was removed."""

    def close(self) -> None:
        """See ``engine.Database``."""
        self._pool.close()
