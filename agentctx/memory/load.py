"""Rows into a live PostgreSQL: COPY into a staging table, then one upsert, one transaction a batch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from agentctx.memory.asserting import refuse_foreign
from agentctx.memory.batches import BATCH, Batch, Batches, Rows
from agentctx.memory.dump import mirror_statements
from agentctx.memory.engine import Session, migrate
from agentctx.memory.erasing import remove_as_elsewhere
from agentctx.memory.postgres import PostgresSession, connect, transaction
from agentctx.memory.rows import REMOVALS, Row, Table
from agentctx.memory.words import index_rows

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
        searched = PostgresSession(connection).has_table("search")
        batches = Batches(rows, batch_size)
        for batch in batches:
            transaction(connection, partial(_load, batch=batch, tenant=rows.tenant, searched=searched))
            written += sum(len(lines) for lines in batch.values())
            if progress:
                progress(written)
        statements = mirror_statements(rows, batches.kept)
        transaction(connection, lambda session: [session.run(statement) for statement in statements])
    return written


def _load(session: Session, batch: Batch, tenant: str, searched: bool) -> None:
    assert isinstance(session, PostgresSession)
    for table, lines in batch.items():
        if table is REMOVALS:
            remove_as_elsewhere(session, lines, searched)
            continue
        refuse_foreign(session, table, lines, tenant, written=False)
        _stage(session, table, lines)
        columns = ", ".join(table.columns)
        session.run(
            f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM staged_{table.name} WHERE true"
            f" {table.upsert()}"
        )
    if searched:
        index_rows(session, batch)


def _stage(session: PostgresSession, table: Table, lines: list[Row]) -> None:
    columns = ", ".join(table.columns)
    session.run(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS staged_{table.name} ON COMMIT DELETE ROWS AS"
        f" SELECT {columns} FROM {table.name} WITH NO DATA"
    )
    with (
        session.connection.cursor() as cursor,
        cursor.copy(f"COPY staged_{table.name} ({columns}) FROM STDIN") as copy,
    ):
        for line in lines:
            copy.write_row(line)
