"""What was removed on purpose leaves its id behind, so that an export can remove it elsewhere as well.

An id is forgotten when what it named would have expired: wherever a copy is, nobody sees it any more.
"""

from __future__ import annotations

from collections.abc import Sequence

from agentctx.memory.engine import Session
from agentctx.memory.reading import marks
from agentctx.memory.rows import removal_id
from agentctx.memory.tables import REMOVALS
from agentctx.memory.versions import NAMED

_INTO = f"INSERT INTO removals ({', '.join(REMOVALS.columns)})"


def note_items(session: Session, table: str, ids: Sequence[str], expired_by: str = "") -> None:
    """Before episodes or facts are deleted; those that have expired by then need no trace."""
    alive = " AND (expires_at IS NULL OR expires_at > ?)" if expired_by else ""
    session.run(
        f"{_INTO} SELECT tenant_id, id, namespace_id, '', '', recorded_at, expires_at FROM {table}"
        f" WHERE id IN ({marks(ids)}){alive} ON CONFLICT (tenant_id, id) DO NOTHING",
        (*ids, expired_by) if expired_by else ids,
    )


def note_context(session: Session, space: str, session_id: str, key: str) -> None:
    """Before a working context is deleted."""
    session.run(
        f"{_INTO} SELECT tenant_id, CAST(? AS {_UUID[session.engine]}), namespace_id, session_id, key,"
        " updated_at, expires_at FROM working_context WHERE namespace_id = ? AND session_id = ? AND key = ?"
        f" AND {NAMED} {REMOVALS.upsert()}",
        (removal_id(space, session_id, key), space, session_id, key),
    )


_UUID = {"postgres": "uuid", "sqlite": "text", "core": "uuid"}


def forget_expired(session: Session, tenant: str, now: str) -> None:
    """Take away the ids of what would have expired by ``now``."""
    session.run("DELETE FROM removals WHERE tenant_id = ? AND expires_at <= ?", (tenant, now))
