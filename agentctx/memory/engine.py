"""What the store needs of a database: transactions that are retried, and statements with ``?`` marks.

The SQL is the same on every engine; what differs (connections, locks, errors, full-text search) is behind
these two protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from agentctx.errors import AgentctxError
from agentctx.memory.migrations import LEDGER, Engine, migrations, pending, statements
from agentctx.memory.tables import Table

T = TypeVar("T")

RETRIES = 8
"""How often a transaction is tried in all before its failure is told."""
TOGETHER = 500
"""Rows that one call of ``insert`` writes with one statement."""
SEVERAL = 20
"""From so many rows on ``add`` may take more than one statement."""


class Unreachable(AgentctxError):
    """A database that does not answer. The words name its address, which only its owner should read."""


class LostRace(Exception):
    """Another writer was first; the transaction is to be run again from its beginning."""


@dataclass(frozen=True, slots=True)
class Matching:
    """SQL over the words of all texts: a condition, what to order by, and the values of each.

    ``order`` asks for ``column`` and for no other.
    """

    sources: tuple[str, ...]
    """Tables ``search`` of ``owner_id`` and ``column``; each text is in one of them."""
    condition: str
    order: str
    column: str
    condition_values: tuple[str, ...] = ()
    order_values: tuple[str, ...] = ()


class Session(Protocol):
    """One open transaction."""

    engine: Engine

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The result of a query; ids, times and JSON come as text."""

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute one statement; the number of rows it touched."""

    def insert(self, table: Table, rows: Sequence[Sequence[Any]], conflict: str = "") -> int:
        """Insert rows of ``table``; ``conflict`` is the part after the values. The rows that were written."""

    def add(
        self, table: Table, rows: Sequence[Sequence[Any]], words: Sequence[Sequence[str]], conflict: str = ""
    ) -> int:
        """Insert rows of ``episodes`` or ``facts``; those written get their words for the search index."""

    def update(
        self, table: Table, changed: Sequence[str], known: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> int:
        """Set the columns ``changed`` where the columns ``known`` have these values; the rows touched.

        A row holds the values of ``changed``, then those of ``known``; no two rows name the same row.
        """

    def among(self, column: str, values: Sequence[str]) -> tuple[str, tuple[Any, ...]]:
        """The condition that ``column``, which holds ids, is one of ``values``, and its own values."""

    def has_table(self, name: str, column: str = "") -> bool:
        """Whether a table of this name (with a column of that name) is in the schema."""

    def wordless(self, table: Table, limit: int) -> list[tuple[Any, ...]]:
        """Rows of ``episodes`` or ``facts`` that are not in the search index, by id."""

    def index(self, table: Table, entries: Iterable[tuple[str, Sequence[str]]]) -> None:
        """Give rows of ``episodes`` or ``facts`` that are there, by id, their words in the search index."""

    def unindex(self, owners: Iterable[str]) -> None:
        """Take episodes and facts that are about to be removed out of the search index."""

    def matching(self, words: Sequence[str], every: bool = False) -> Matching:
        """How to find the texts that hold any (or every one) of the words, likely ones first."""

    def unbound(self) -> AbstractContextManager[None]:
        """Within it the owner of the tables changes rows of every tenant, whatever the policies."""


class Database(Protocol):
    """One open database, safe to use from several threads."""

    engine: Engine

    def write(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` in one transaction; a lost race or a serialisation failure runs it again."""

    def once(self, work: Callable[[Session], T]) -> T:
        """Like ``write``, for work that is one statement (``SEVERAL``): it may do without a transaction."""

    def create(self, work: Callable[[Session], T]) -> T:
        """Like ``write``, for a transaction that makes the schema beside others that do the same."""

    def read(self, work: Callable[[Session], T]) -> T:
        """Run ``work``, which only reads; each of its statements sees a consistent view."""

    def scrub(self) -> None:
        """After an erasure: leave no copy of what was removed in the files, as far as the engine can."""

    def close(self) -> None:
        """Let go of every connection."""


def migrate(session: Session, profile: Engine) -> tuple[int, ...]:
    """Bring the schema up to date with the files of ``profile``; the versions applied now. Safe to repeat."""
    applied: dict[int, str] = {}
    if session.has_table(LEDGER):
        applied = {int(v): str(c) for v, c in session.rows(f"SELECT version, checksum FROM {LEDGER}")}
    newest = max(migration.version for migration in migrations(session.engine))
    missing = pending(migrations(profile), applied, newest)
    with session.unbound() if missing else nullcontext():
        for migration in missing:
            for statement in statements(migration, session.engine):
                session.run(statement)
            session.run(
                f"INSERT INTO {LEDGER} (version, name, checksum) VALUES (?, ?, ?)"
                " ON CONFLICT (version) DO NOTHING",
                (migration.version, migration.name, migration.checksum),
            )
    return tuple(migration.version for migration in missing)
