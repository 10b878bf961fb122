"""An import meets what is there: of two states of one row the later one stays, and a key keeps one value.

Nothing that an older export says is lost or revived: a fact that was superseded or retracted since stays so,
a working context that was saved since stays as it is. Versions only grow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agentctx.memory.batches import chunks
from agentctx.memory.engine import Session
from agentctx.memory.erasing import remove_as_elsewhere
from agentctx.memory.reading import marks
from agentctx.memory.rows import fact_of
from agentctx.memory.supersession import settled
from agentctx.memory.tables import FACT_HEADS, FACTS, REMOVALS, WORKING_CONTEXT, Row, Table
from agentctx.memory.words import add_rows, searched_by_words
from agentctx.model import Fact

_KEY = ("namespace_id", "entity", "property")
_ENDED = ("status", "invalid_at", "retired_at", "superseded_by")
_NEWER = {
    FACTS: (
        " WHERE COALESCE(excluded.retired_at, excluded.recorded_at) >= COALESCE(facts.retired_at,"
        " facts.recorded_at)"
    ),
    WORKING_CONTEXT: " WHERE excluded.updated_at >= working_context.updated_at",
}
"""A row of the system clock changes when it is recorded and when it is retired, never otherwise."""
_HIGHER = (
    "ON CONFLICT (namespace_id, entity, property) DO UPDATE SET version = excluded.version"
    " WHERE excluded.version > fact_heads.version"
)


def merge_rows(session: Session, batch: Mapping[Table, Sequence[Row]]) -> None:
    """Write a batch of an import beside what is there; every key of it has one active fact afterwards."""
    for table, rows in batch.items():
        if table is REMOVALS:
            remove_as_elsewhere(session, rows)
            continue
        conflict = _HIGHER if table is FACT_HEADS else table.upsert() + _NEWER.get(table, "")
        if searched_by_words(table):
            add_rows(session, table, rows, conflict)
        else:
            session.insert(table, rows, conflict)
        if table not in (FACTS, FACT_HEADS):
            continue
        place = table.columns.index("id" if table is FACTS else "fact_id")
        for part in chunks(str(row[place]) for row in rows):
            _settle(session, part)
            _point(session, part)


def _same_key(one: str, other: str) -> str:
    return " AND ".join(f"{one}.{column} = {other}.{column}" for column in _KEY)


def _settle(session: Session, touched: Sequence[str]) -> None:
    """Of several active facts of a key all but one end, or become contradictions."""
    names = ", ".join(f"a.{column}" for column in FACTS.columns)
    rows = session.rows(
        f"SELECT DISTINCT a.id, {names} FROM facts f JOIN facts a ON {_same_key('a', 'f')}"
        f" JOIN facts b ON {_same_key('b', 'f')} AND b.status = 'active' AND b.id <> a.id"
        f" WHERE a.status = 'active' AND f.id IN ({marks(touched)})",
        touched,
    )
    keys: dict[tuple[str, str, str], list[Fact]] = {}
    for _, *row in rows:
        keys.setdefault((row[2], row[3], row[4]), []).append(fact_of(row, "/"))
    changed = [fact for facts in keys.values() for fact in settled(facts)]
    ended = [
        (fact.status, fact.invalid_at or None, fact.retired_at or None, fact.superseded_by or None, fact.id)
        for fact in changed
    ]
    if ended:
        session.update(FACTS, _ENDED, ("id",), ended)


def _point(session: Session, touched: Sequence[str]) -> None:
    """Heads follow the active fact of their key."""
    rows = session.rows(
        f"SELECT DISTINCT a.id, h.version + 1, h.namespace_id, h.entity, h.property FROM facts f"
        f" JOIN fact_heads h ON {_same_key('h', 'f')} JOIN facts a ON {_same_key('a', 'f')}"
        f" WHERE a.status = 'active' AND a.id <> h.fact_id AND f.id IN ({marks(touched)})",
        touched,
    )
    if rows:
        session.update(FACT_HEADS, ("fact_id", "version"), _KEY, rows)
