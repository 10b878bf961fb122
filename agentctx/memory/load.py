"""Rows into a live PostgreSQL, one transaction a batch: COPY, as long as nothing of them is there.

Once a batch meets a row that is there, it and those after it go through a staging table and an upsert.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from agentctx.memory.asserting import refuse_foreign, write_rows
from agentctx.memory.batches import BATCH, Batch, Batches, Rows
from agentctx.memory.connections import connect
from agentctx.memory.dump import mirror_statements
from agentctx.memory.engine import Session, migrate
from agentctx.memory.erasing import remove_as_elsewhere
from agentctx.memory.postgres import PostgresSession, transaction, with_words, worded
from agentctx.memory.tables import EPISODES, NAMESPACES, REMOVALS, Row, Table
from agentctx.memory.words import searched_by_words, words_of_rows

Progress = Callable[[int], None]
"""Called after each batch with the number of rows written so far."""


def load(rows: Rows, dsn: str, progress: Progress | None = None, batch_size: int = BATCH) -> int:
    """Create or update the schema behind ``dsn`` and upsert ``rows``; the number of rows written.

    A second run changes nothing. Raises ``MissingExtra``, ``Conflict`` (schema of another agentctx, ids of
    another tenant) and ``AgentctxError`` in the server's words; batches before the failure stay.
    """
    written = 0
    with connect(dsn) as connection:
        transaction(connection, lambda session: migrate(session, "core"), creating=True)
        loading = _Loading(rows.tenant, PostgresSession(connection).has_table(EPISODES.name, "words"))
        batches = Batches(rows, batch_size)
        for batch in batches:
            transaction(connection, partial(loading.write, batch=batch))
            written += sum(len(lines) for lines in batch.values())
            if progress:
                progress(written)
        statements = mirror_statements(rows, batches.kept)
        transaction(connection, lambda session: [session.run(statement) for statement in statements])
    return written


@dataclass(slots=True)
class _Loading:
    """What one load has learnt about its target."""

    tenant: str
    searched: bool
    """There is a search index."""
    fresh: bool = True
    """No row was met so far that was there before."""

    def write(self, session: Session, batch: Batch) -> None:
        """One batch; ``transaction`` runs it again without ``copying`` when a row of it was there."""
        assert isinstance(session, PostgresSession)
        self.fresh = self.fresh and session.copying
        for table, lines in batch.items():
            if self.fresh and refuse_foreign(session, table, lines[:1], self.tenant, written=False):
                self.fresh = False  # known before the words of a whole batch are cut for nothing
            if table is REMOVALS:
                remove_as_elsewhere(session, lines)
            elif table is NAMESPACES:
                write_rows(session, table, lines)
            elif self.fresh:
                target, held = self._target(table, lines)
                session.copy(target.name, target.columns, held)
            else:
                self._upsert(session, table, lines)

    def _target(self, table: Table, lines: Sequence[Row]) -> tuple[Table, Sequence[Row]]:
        """A table as it is there and rows for it, with their words where it has them."""
        if self.searched and searched_by_words(table):
            return with_words(table), worded(lines, words_of_rows(table, lines))
        return table, lines

    def _upsert(self, session: PostgresSession, table: Table, lines: Sequence[Row]) -> None:
        there = refuse_foreign(session, table, lines, self.tenant, written=False)
        if table.on_repeat == "keep":
            lines = [line for line in lines if line[0] not in there]
        target, held = self._target(table, lines)
        columns = ", ".join(target.columns)
        session.run(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS staged_{table.name} ON COMMIT DELETE ROWS AS"
            f" SELECT {columns} FROM {table.name} WITH NO DATA"
        )
        session.copy(f"staged_{table.name}", target.columns, held)
        session.run(
            f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM staged_{table.name} WHERE true"
            f" {target.upsert()}"
        )
