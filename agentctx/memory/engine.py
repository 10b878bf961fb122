"""What the store needs of a database: transactions that are retried, and statements with ``?`` marks.

The SQL is the same on every engine; what differs (connections, locks, errors, full-text search) is behind
these two protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from agentctx.memory.migrations import LEDGER, Engine, migrations, pending, statements

T = TypeVar("T")

RETRIES = 8
"""How often a transaction is tried in all before its failure is told."""


class LostRace(Exception):
    """Another writer was first; the transaction is to be run again from its beginning."""


class Session(Protocol):
    """One open transaction."""

    engine: Engine

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The result of a query; ids, times and JSON come as text."""

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute one statement; the number of rows it touched."""

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute one statement for every row."""

    def has_table(self, name: str) -> bool:
        """Whether a table of this name is in the schema."""


class Database(Protocol):
    """One open database, safe to use from several threads."""

    engine: Engine

    def write(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` in one transaction; a lost race or a serialisation failure runs it again."""

    def read(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` on one consistent view."""

    def close(self) -> None:
        """Let go of every connection."""


def migrate(session: Session, profile: Engine) -> tuple[int, ...]:
    """Bring the schema up to date with the files of ``profile``; the versions applied now. Safe to repeat."""
    applied: dict[int, str] = {}
    if session.has_table(LEDGER):
        applied = {int(v): str(c) for v, c in session.rows(f"SELECT version, checksum FROM {LEDGER}")}
    newest = max(migration.version for migration in migrations(session.engine))
    missing = pending(migrations(profile), applied, newest)
    for migration in missing:
        for statement in statements(migration, session.engine):
            session.run(statement)
        session.run(
            f"INSERT INTO {LEDGER} (version, name, checksum) VALUES (?, ?, ?)"
            " ON CONFLICT (version) DO NOTHING",
            (migration.version, migration.name, migration.checksum),
        )
    return tuple(migration.version for migration in missing)
