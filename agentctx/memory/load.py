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
from agentctx.memory.postgres import PostgresSession, transaction
from agentctx.memory.rows import NAMESPACES, REMOVALS, Row, Table
from agentctx.memory.words import entries, index_rows, searched_by_words

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
        loading = _Loading(rows.tenant, PostgresSession(connection).has_table("search"))
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
            if table is REMOVALS:
                remove_as_elsewhere(session, lines, self.searched)
            elif table is NAMESPACES:
                write_rows(session, table, lines)
            elif self.fresh:
                self._copy(session, table, lines)
            else:
                self._upsert(session, table, lines)

    def _copy(self, session: PostgresSession, table: Table, lines: Sequence[Row]) -> None:
        session.copy(table.name, table.columns, lines)
        if self.searched and searched_by_words(table):
            session.copy_words(entries(table, lines))

    def _upsert(self, session: PostgresSession, table: Table, lines: Sequence[Row]) -> None:
        refuse_foreign(session, table, lines, self.tenant, written=False)
        columns = ", ".join(table.columns)
        session.run(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS staged_{table.name} ON COMMIT DELETE ROWS AS"
            f" SELECT {columns} FROM {table.name} WITH NO DATA"
        )
        session.copy(f"staged_{table.name}", table.columns, lines)
        written = session.rows(
            f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM staged_{table.name} WHERE true"
            f" {table.upsert()} RETURNING {table.key[0]}"
        )
        if self.searched and searched_by_words(table):
            new = {ident for (ident,) in written}  # an episode that was there has its words already
            index_rows(session, {table: [line for line in lines if line[0] in new]})
