"""The statements of our store written down while it works, and executed again by the raw driver."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from agentctx.memory.engine import Database, Session
from agentctx.memory.postgres import PostgresSession, _marks
from agentctx.memory.sqlite import SqliteSession

Log = list[tuple[str, list[tuple[str, str, Any]]]]
"""Per transaction: its kind (read, write, or once: one statement by itself), and each call.

A call is how it was made, its statement and its values.
"""


class _RecordingPostgres(PostgresSession):
    log: Log

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self.log[-1][1].append(("rows", _marks(sql), tuple(values)))
        return super().rows(sql, values)

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        self.log[-1][1].append(("run", _marks(sql), tuple(values)))
        return super().run(sql, values)

    def copy(self, table: str, columns: Sequence[str], rows: Any) -> None:
        held = [tuple(row) for row in rows]
        sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        self.log[-1][1].append(("copy", sql, held))
        super().copy(table, columns, held)


class _RecordingSqlite(SqliteSession):
    log: Log

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self.log[-1][1].append(("rows", sql, tuple(values)))
        return super().rows(sql, values)

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        self.log[-1][1].append(("run", sql, tuple(values)))
        return super().run(sql, values)

    def _many(self, sql: str, rows: Any) -> int:
        held = [tuple(row) for row in rows]
        self.log[-1][1].append(("many", sql, held))
        return super()._many(sql, held)


class Recorder:
    """A database that writes down every statement; one entry of ``log`` a transaction."""

    def __init__(self, inner: Database) -> None:
        self.inner, self.log, self.engine = inner, Log(), inner.engine

    def _wrapped(self, kind: str, work: Callable[[Session], Any]) -> Callable[[Session], Any]:
        def recorded(session: Any) -> Any:
            made: Any
            if session.engine == "postgres":
                made = _RecordingPostgres(session.connection, session.copying)
            else:
                made = _RecordingSqlite(session.connection)
            made.log = self.log
            self.log.append((kind, []))
            return work(made)

        return recorded

    def write(self, work: Callable[[Session], Any]) -> Any:
        return self.inner.write(self._wrapped("write", work))

    def once(self, work: Callable[[Session], Any]) -> Any:
        kind = "once" if self.engine == "postgres" else "write"
        return self.inner.once(self._wrapped(kind, work))

    def create(self, work: Callable[[Session], Any]) -> Any:
        return self.inner.create(work)

    def read(self, work: Callable[[Session], Any]) -> Any:
        return self.inner.read(self._wrapped("read", work))

    def scrub(self) -> None:
        self.inner.scrub()

    def close(self) -> None:
        self.inner.close()


def replay_postgres(connection: Any, log: Log) -> None:
    for kind, calls in log:
        if kind == "write":
            with connection.transaction():
                _calls(connection, calls)
        else:
            _calls(connection, calls)


def _calls(connection: Any, calls: list[tuple[str, str, Any]]) -> None:
    for how, sql, values in calls:
        if how == "copy":
            with connection.cursor() as cursor, cursor.copy(sql) as copy:
                for row in values:
                    copy.write_row(row)
        elif how == "rows":
            connection.execute(sql, values).fetchall()
        else:
            connection.execute(sql, values)


def replay_sqlite(connection: sqlite3.Connection, log: Log) -> None:
    for kind, calls in log:
        if kind == "write":
            connection.execute("BEGIN IMMEDIATE")
        for how, sql, values in calls:
            if how == "many":
                connection.executemany(sql, values)
            else:
                connection.execute(sql, values).fetchall()
        if kind == "write":
            connection.execute("COMMIT")
