"""Versions never repeat for a key, even after it was cleared, erased or has expired.

A namespace remembers the highest version that was removed from it, of working context and of facts alike, and
new keys start above it. It is kept as a working context without a key, which no caller can write or read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from agentctx.memory.engine import Session
from agentctx.memory.tables import WORKING_CONTEXT

NAMED = "key <> ''"
"""The condition of a working context that is one."""
REMOVED = (
    "COALESCE((SELECT version FROM working_context"
    " WHERE namespace_id = ? AND session_id = '' AND key = ''), 0)"
)
"""The highest version that was removed from a namespace; 0 when none was."""
_NEVER = "1970-01-01T00:00:00.000000Z"
_HIGHER = (
    "ON CONFLICT (namespace_id, session_id, key) DO UPDATE SET version = excluded.version"
    " WHERE excluded.version > working_context.version"
)


def remove_versioned(session: Session, tenant: str, table: str, condition: str, values: Sequence[Any]) -> int:
    """Delete rows of ``fact_heads`` or ``working_context``, whose versions are remembered; how many."""
    gone = session.rows(f"DELETE FROM {table} WHERE {condition} RETURNING namespace_id, version", values)
    highest: dict[str, int] = {}
    for space, version in gone:
        highest[space] = max(version, highest.get(space, 0))
    rows = [
        (space, "", "", tenant, "null", version, _NEVER, _NEVER) for space, version in sorted(highest.items())
    ]
    if rows:
        session.insert(WORKING_CONTEXT, rows, _HIGHER)
    return len(gone)


def removed(session: Session, spaces: Iterable[str]) -> dict[str, int]:
    """Namespace id -> the highest version that was removed from it."""
    return {space: session.rows(f"SELECT {REMOVED}", (space,))[0][0] for space in spaces}
