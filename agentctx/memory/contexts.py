"""Writing working context: the version counts up, and a writer may insist on the version it has read."""

from __future__ import annotations

from functools import cache

from agentctx.errors import Conflict
from agentctx.memory.canonical import namespace_path
from agentctx.memory.engine import Session
from agentctx.memory.rows import context_of_row, context_row
from agentctx.memory.tables import WORKING_CONTEXT, Row
from agentctx.memory.versions import REMOVED
from agentctx.model import WorkingContext


def save(session: Session, tenant: str, context: WorkingContext, expected: int | None) -> WorkingContext:
    """Save ``context`` and give it back as saved. Raises ``Conflict`` (see ``base.Store.save_context``)."""
    row = context_row(context, tenant)
    version = _replace(session, row, expected) if expected else _put(session, row, fresh=expected == 0)
    if version is None:
        raise Conflict(
            f"the context {context.key} does not have version {expected}", "read it and decide anew"
        )
    return context_of_row((*row[:5], version, *row[6:]), namespace_path(context.namespace))


def _replace(session: Session, row: Row, expected: int) -> int | None:
    space, session_id, key, _, value, _, updated_at, expires_at = row
    rows = session.rows(
        "UPDATE working_context SET value = ?, version = version + 1, updated_at = ?, expires_at = ?"
        " WHERE namespace_id = ? AND session_id = ? AND key = ? AND version = ?"
        " AND (expires_at IS NULL OR expires_at > ?) RETURNING version",
        (value, updated_at, expires_at, space, session_id, key, expected, updated_at),
    )
    return rows[0][0] if rows else None


def _put(session: Session, row: Row, fresh: bool) -> int | None:
    space, session_id, key, tenant, value, _, *times = row
    rows = session.rows(_insert(fresh), (space, session_id, key, tenant, value, space, *times))
    return rows[0][0] if rows else None


@cache
def _insert(fresh: bool) -> str:
    only_dead = " WHERE working_context.expires_at <= excluded.updated_at" if fresh else ""
    marks = ", ".join(f"1 + {REMOVED}" if name == "version" else "?" for name in WORKING_CONTEXT.columns)
    return (
        f"INSERT INTO working_context ({', '.join(WORKING_CONTEXT.columns)}) VALUES ({marks})"
        " ON CONFLICT (namespace_id, session_id, key) DO UPDATE SET"
        " value = excluded.value, updated_at = excluded.updated_at, expires_at = excluded.expires_at,"
        f" version = working_context.version + 1{only_dead} RETURNING version"
    )
