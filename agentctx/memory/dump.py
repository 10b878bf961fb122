"""Rows as plain SQL text that ``psql`` loads into an empty database, and a second time without a change.

One value a line, never a raw control character: a dump can be read, compared and sent through any pipe.
Strings with a backslash or a control character are written ``E'...'``, which means the same whatever
``standard_conforming_strings`` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from agentctx.memory.batches import MIRRORED, Batches, Rows
from agentctx.memory.canonical import instant, namespace_path, plain
from agentctx.memory.merging import conflict, headed, settling
from agentctx.memory.migrations import LEDGER, migrations, statements
from agentctx.memory.removals import gone
from agentctx.memory.rows import namespace_id
from agentctx.memory.tables import REMOVALS, Row, Table, Value

STATEMENT_BYTES = 256 * 1024
"""An INSERT ends after the row that passes this size."""

_SPECIAL = re.compile(r"[\\\x00-\x1f\x7f-\x9f]")
_ESCAPES = {"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}


def literal(value: Value) -> str:
    """One value in SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return quoted(value)
    return repr(value)


def quoted(text: str) -> str:
    """``text`` as an SQL string. It holds no NUL (``canonical.plain`` has made it visible)."""
    doubled = text.replace("'", "''")
    if not _SPECIAL.search(doubled):
        return f"'{doubled}'"
    return f"E'{_SPECIAL.sub(_escaped, doubled)}'"


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    return _ESCAPES.get(character) or f"\\u{ord(character):04x}"


def dump(rows: Rows) -> Iterator[str]:
    """The dump in pieces of whole lines."""
    yield "-- agentctx memory. Load it with: psql -v ON_ERROR_STOP=1 -f FILE\n"
    yield "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n"
    yield "SET client_min_messages = warning;\n\nBEGIN;\n"
    yield from _schema()
    tenant = quoted(plain(rows.tenant))
    yield f"COMMIT;\n\nBEGIN;\nSET LOCAL agentctx.tenant = {tenant};\n"  # as the policies of a server ask
    yield from (f"{statement};\n" for statement in mirror_ended(rows))
    for batch in Batches(rows):
        for table, lines in batch.items():
            yield from _inserts(table, lines, conflict(table, mirror_of(rows)))
            if table is REMOVALS:
                yield from (f"{statement};\n" for statement in gone(tenant, reopen=True))
    mine = f"f.tenant_id = {tenant}"
    for statement in (*gone(tenant), *settling(mine), headed(mine), *mirror_headless(rows)):
        yield f"{statement};\n"
    yield "COMMIT;\n"


def _schema() -> Iterator[str]:
    for migration in migrations("core"):
        for statement in statements(migration, "core"):
            yield f"{statement};\n"
        values = f"{migration.version}, {quoted(migration.name)}, {quoted(migration.checksum)}"
        yield (
            f"INSERT INTO {LEDGER} (version, name, checksum) VALUES ({values})"
            " ON CONFLICT (version) DO NOTHING;\n"
        )


def _inserts(table: Table, rows: Sequence[Row], said: str) -> Iterator[str]:
    head = f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES\n"
    lines: list[str] = []
    size = 0
    for row in rows:
        lines.append(f"({', '.join(literal(value) for value in row)})")
        size += len(lines[-1])
        if size >= STATEMENT_BYTES:
            yield _insert(head, lines, said)
            lines, size = [], 0
    if lines:
        yield _insert(head, lines, said)


def _insert(head: str, lines: Sequence[str], said: str) -> str:
    return head + ",\n".join(lines) + f"\n{said};\n"


def mirror_of(rows: Rows) -> str:
    """The id of the namespace that ``rows`` mirror; empty for none."""
    return namespace_id(rows.tenant, namespace_path(rows.mirror)) if rows.mirror else ""


def mirror_ended(rows: Rows) -> list[str]:
    """Before the rows are written: no fact of the notes is live there that history no longer knows."""
    if not rows.mirror:
        return []
    at = quoted(instant(rows.mirror_at))
    holds = ", ".join(quoted(ident) for ident in rows.mirror_holds)
    return [
        f"UPDATE facts SET status = 'retracted', invalid_at = valid_at, retired_at = {at}"
        f" WHERE {_mirrored(rows)} AND facts.status = 'active'"
        + (f" AND facts.id NOT IN ({holds})" if holds else "")
    ]


def mirror_headless(rows: Rows) -> list[str]:
    """Afterwards: a key whose fact of the notes is over has no head."""
    if not rows.mirror:
        return []
    return [
        f"DELETE FROM fact_heads WHERE namespace_id = {quoted(mirror_of(rows))}"
        f" AND fact_id IN (SELECT id FROM facts WHERE {_mirrored(rows)} AND facts.status <> 'active')"
    ]


def _mirrored(rows: Rows) -> str:
    return f"facts.namespace_id = {quoted(mirror_of(rows))} AND {MIRRORED.format('facts')}"
