"""Rows into a live PostgreSQL, one transaction a batch: COPY, as long as nothing of them is there.

Once a batch meets a row that is there, it and those after it are merged, as imports are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from agentctx.memory.asserting import refuse_foreign
from agentctx.memory.batches import BATCH, Batch, Batches, Rows
from agentctx.memory.connections import connect
from agentctx.memory.dump import mirror_ended, mirror_headless, mirror_of
from agentctx.memory.engine import Session, migrate
from agentctx.memory.merging import Merge, conflict
from agentctx.memory.postgres import PostgresSession, transaction, with_words, worded
from agentctx.memory.tables import EPISODES, FACT_HEADS, NAMESPACES
from agentctx.memory.words import searched_by_words, words_of_rows

Progress = Callable[[int], None]
"""Called after each batch with the number of rows written so far."""


def load(
    rows: Rows,
    dsn: str,
    progress: Progress | None = None,
    batch_size: int = BATCH,
    kept_away: Progress | None = None,
) -> int:
    """Create or update the schema behind ``dsn`` and merge ``rows`` in; the number of rows written.

    A second run changes nothing. ``kept_away`` is told at the end how many rows were removed there before and
    so did not come back. Raises ``MissingExtra``, ``Conflict`` (schema of another agentctx, ids of
    another tenant) and ``AgentctxError`` in the server's words; batches before the failure stay.
    """
    written = away = 0
    with connect(dsn) as connection:
        transaction(connection, _up_to_date, creating=True)
        found = PostgresSession(connection)
        tenant = rows.tenant if found.bound() else ""
        searched = found.has_table(EPISODES.name, "words")
        keyed = bool(found.rows(f"SELECT 1 FROM {FACT_HEADS.name} LIMIT 1"))
        loading = _Loading(Merge(rows.tenant, mirror_of(rows), searched), keyed)
        first = mirror_ended(rows)
        for batch in Batches(rows, batch_size):
            one = partial(loading.write, batch=batch, first=first)
            away += transaction(connection, one, tenant=tenant)
            first = []
            written += sum(len(lines) for lines in batch.values())
            if progress:
                progress(written)
        last = partial(loading.write, batch={}, first=[*first, *mirror_headless(rows)])
        transaction(connection, last, tenant=tenant)
    if kept_away:
        kept_away(away)
    return written


def _up_to_date(session: Session) -> None:
    """The core alone; all of it where a store keeps the words of texts in a table of their own, as it did
    once: they would outlive a text that is removed here.
    """
    migrate(session, session.engine if session.has_table("search") else "core")


@dataclass(slots=True)
class _Loading:
    """What one load has learnt about its target."""

    merge: Merge
    keyed: bool
    """Keys had heads before: facts may meet others of their key under ids of their own."""
    fresh: bool = True
    """No row was met so far that was there before."""

    def write(self, session: Session, batch: Batch, first: Sequence[str]) -> int:
        """``first`` and one batch; how many of its rows stay away.

        ``transaction`` runs it again without ``copying`` when a row of it was there.
        """
        assert isinstance(session, PostgresSession)
        for statement in first:
            session.run(statement)
        coming, away = self.merge.admitted(session, batch)
        self.fresh = self.fresh and session.copying and not self._met(session, coming)
        if self.fresh and (not self.keyed or coming.keys() <= {NAMESPACES, EPISODES}):
            self._copy(session, coming)
        else:
            self.merge.put(session, coming)
        return away

    def _met(self, session: Session, batch: Batch) -> bool:
        """Known before the words of a whole batch are cut for nothing."""
        tenant = self.merge.tenant
        return any(refuse_foreign(session, table, rows[:1], tenant, False) for table, rows in batch.items())

    def _copy(self, session: PostgresSession, batch: Batch) -> None:
        for table, rows in batch.items():
            if table is NAMESPACES:
                session.insert(table, rows, conflict(table))
            elif self.merge.searched and searched_by_words(table):
                lines = worded(rows, words_of_rows(table, rows))
                session.copy(table.name, with_words(table).columns, lines)
            else:
                session.copy(table.name, table.columns, rows)
