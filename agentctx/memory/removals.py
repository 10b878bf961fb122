"""What was removed on purpose leaves its id behind: an export can remove it elsewhere as well, and no import,
export or dump that still holds it brings it back.

An id is forgotten when what it named would have expired: wherever a copy is, nobody sees it any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agentctx.memory.batches import Batch, chunks
from agentctx.memory.canonical import stored
from agentctx.memory.engine import Session
from agentctx.memory.reading import marks
from agentctx.memory.rows import UUID, removal_id
from agentctx.memory.tables import (
    EPISODES,
    FACT_HEADS,
    FACT_SOURCES,
    FACTS,
    REMOVALS,
    WORKING_CONTEXT,
    Row,
    Table,
)
from agentctx.memory.versions import NAMED

LATER = f"{REMOVALS.upsert()} WHERE excluded.seen_at >= removals.seen_at"
"""The part of an INSERT after its values: of two clearings of a working context the later one counts."""
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


# --------------------------------------------------------------------------- what comes in


def admitted(session: Session, tenant: str, batch: Mapping[Table, Sequence[Row]]) -> tuple[Batch, int]:
    """The rows of ``batch`` that were not removed here, and how many episodes, facts and contexts were.

    A fact that rests on removed episodes alone is removed with them, as any fact is that was there then; a
    working context that was saved after the one that was cleared comes in.
    """
    coming = {table: list(rows) for table, rows in batch.items()}
    if not session.rows("SELECT 1 FROM removals WHERE tenant_id = ? LIMIT 1", (tenant,)):
        return coming, 0
    gone = _noted(session, tenant, dict.fromkeys(_named(batch)))
    resting = _resting(session, batch, gone)
    if resting:
        session.insert(REMOVALS, resting, LATER)
        gone |= {str(row[1]): str(row[5]) for row in resting}
    kept = {table: [row for row in rows if _stays(table, row, gone)] for table, rows in coming.items()}
    if FACTS in kept:
        kept[FACTS] = [_released(row, gone) for row in kept[FACTS]]
    away = sum(len(coming[t]) - len(kept[t]) for t in (EPISODES, FACTS, WORKING_CONTEXT) if t in kept)
    return {table: rows for table, rows in kept.items() if rows}, away


def reopening(gone: str) -> str:
    """A statement after which facts hold again that the facts ``g`` which ``gone`` names had ended, before
    these are removed as they were elsewhere.

    What was ended by its own clone comes as ended from there again; what met it here alone goes on.
    """
    return (
        "UPDATE facts SET status = 'active', superseded_by = NULL, retired_at = NULL,"
        " invalid_at = CASE WHEN facts.invalid_at < g.valid_at THEN facts.invalid_at END"
        f" FROM facts AS g WHERE g.id = facts.superseded_by AND facts.status = 'superseded' AND {gone}"
    )


def gone(tenant: str, reopen: bool = False) -> list[str]:
    """Statements that remove what stands in ``removals``, for a dump; ``tenant`` as an SQL string.

    With ``reopen`` facts that were ended by what goes now hold again.
    """
    noted = f"SELECT id FROM removals WHERE tenant_id = {tenant} AND key = ''"
    ended_by = f"g.tenant_id = {tenant} AND g.id IN ({noted}) AND facts.id NOT IN ({noted})"
    episode = f"s.kind = 'episode' AND s.ref IN (SELECT CAST(id AS text) FROM ({noted}) AS r)"
    mine = f"tenant_id = {tenant} AND id IN ({noted})"
    own = f"SELECT id FROM facts WHERE {mine}"
    sources = "SELECT 1 FROM fact_sources s WHERE s.fact_id = f.id"
    return [
        f"{_INTO} SELECT f.tenant_id, f.id, f.namespace_id, '', '', f.recorded_at, f.expires_at FROM facts f"
        f" WHERE f.tenant_id = {tenant} AND EXISTS ({sources}) AND NOT EXISTS ({sources} AND NOT ({episode}))"
        " ON CONFLICT (tenant_id, id) DO NOTHING",
        *([reopening(ended_by)] if reopen else []),
        f"DELETE FROM fact_heads WHERE fact_id IN ({own})",
        f"DELETE FROM fact_sources AS s WHERE s.fact_id IN ({own}) OR {episode}",
        f"UPDATE facts SET superseded_by = NULL WHERE tenant_id = {tenant} AND superseded_by IN ({noted})",
        *(f"DELETE FROM {table} WHERE {mine}" for table in ("facts", "episodes")),
        f"DELETE FROM embeddings WHERE tenant_id = {tenant} AND owner_id IN ({noted})",
        "DELETE FROM working_context AS c WHERE EXISTS (SELECT 1 FROM removals r"
        f" WHERE r.tenant_id = {tenant} AND r.key <> '' AND r.namespace_id = c.namespace_id"
        " AND r.session_id = c.session_id AND r.key = c.key AND c.updated_at <= r.seen_at)",
    ]


_SUPERSEDED_BY = FACTS.columns.index("superseded_by")
_SPACE, _RECORDED, _EXPIRES = (FACTS.columns.index(n) for n in ("namespace_id", "recorded_at", "expires_at"))
_UPDATED = WORKING_CONTEXT.columns.index("updated_at")


def _named(batch: Mapping[Table, Sequence[Row]]) -> Iterator[str]:
    """Every id of ``removals`` that rows of ``batch`` may meet."""
    for table, rows in batch.items():
        if table in (EPISODES, FACTS):
            yield from (str(row[0]) for row in rows)
        if table is FACTS:
            yield from (str(row[_SUPERSEDED_BY]) for row in rows if row[_SUPERSEDED_BY])
        elif table is FACT_SOURCES:
            yield from (str(ref) for _, kind, ref in rows if kind == "episode" and UUID.fullmatch(str(ref)))
        elif table is FACT_HEADS:
            yield from (str(row[3]) for row in rows)
        elif table is WORKING_CONTEXT:
            yield from map(_cleared, rows)


def _cleared(context: Row) -> str:
    return removal_id(str(context[0]), str(context[1]), str(context[2]))


def _noted(session: Session, tenant: str, ids: Mapping[str, object]) -> dict[str, str]:
    return {
        str(ident): stored(seen_at)
        for part in chunks(ids)
        for ident, seen_at in session.rows(
            f"SELECT id, seen_at FROM removals WHERE tenant_id = ? AND id IN ({marks(part)})", (tenant, *part)
        )
    }


def _resting(session: Session, batch: Mapping[Table, Sequence[Row]], gone: Mapping[str, str]) -> list[Row]:
    """Rows of ``removals`` for the new facts of ``batch`` that rest on removed episodes alone."""
    rests: dict[object, bool] = {}
    for fact, kind, ref in batch.get(FACT_SOURCES, ()):
        rests[fact] = rests.get(fact, True) and kind == "episode" and ref in gone
    facts = {str(row[0]): row for row in batch.get(FACTS, ()) if rests.get(row[0]) and row[0] not in gone}
    for part in chunks(list(facts)):
        for (there,) in session.rows(f"SELECT id FROM facts WHERE id IN ({marks(part)})", part):
            del facts[there]
    return [
        (row[1], ident, row[_SPACE], "", "", row[_RECORDED], row[_EXPIRES]) for ident, row in facts.items()
    ]


def _stays(table: Table, row: Row, gone: Mapping[str, str]) -> bool:
    if table in (EPISODES, FACTS):
        return row[0] not in gone
    if table is FACT_SOURCES:
        return row[0] not in gone and (row[1] != "episode" or row[2] not in gone)
    if table is FACT_HEADS:
        return row[3] not in gone
    return table is not WORKING_CONTEXT or str(row[_UPDATED]) > gone.get(_cleared(row), "")


def _released(fact: Row, gone: Mapping[str, str]) -> Row:
    """The row of a fact, which names no removed one as its successor."""
    if fact[_SUPERSEDED_BY] not in gone:
        return fact
    return (*fact[:_SUPERSEDED_BY], None, *fact[_SUPERSEDED_BY + 1 :])
