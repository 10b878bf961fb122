"""Carrying out what ``supersession`` planned: facts, their sources, and heads by compare-and-swap."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agentctx.errors import Conflict, NotFound
from agentctx.memory.batches import chunks
from agentctx.memory.canonical import instant, json_text, stored
from agentctx.memory.engine import LostRace, Session
from agentctx.memory.reading import facts_where, marks, paths_below
from agentctx.memory.rows import Head, fact_row, head_row, namespace_id, source_rows
from agentctx.memory.supersession import Current, Key, Plan, key_of, plan
from agentctx.memory.tables import EPISODES, FACT_HEADS, FACT_SOURCES, FACTS, Row, Table
from agentctx.memory.versions import removed
from agentctx.memory.words import add_rows
from agentctx.model import Fact


def assert_facts(
    session: Session, tenant: str, facts: Sequence[Fact], expected: int | None = None
) -> list[Head]:
    """Assert canonical facts in order; the heads of their keys. Raises ``Conflict``, ``LostRace``."""
    held = present(session, tenant, facts)
    planned = plan(facts, held, expected, _removed(session, tenant, facts, held))
    _carry_out(session, tenant, planned)
    return planned.heads


def present(session: Session, tenant: str, facts: Sequence[Fact]) -> dict[Key, Current]:
    """What the heads of the keys of ``facts`` point to now, as far as ``supersession`` asks for it."""
    wanted = {key_of(fact) for fact in facts}
    found: dict[Key, Current] = {}
    for space in {fact.namespace for fact in facts}:
        entities = sorted({fact.entity for fact in facts if fact.namespace == space})
        for part in chunks(entities):
            rows = session.rows(
                f"SELECT h.version, {_ASKED} FROM fact_heads h JOIN facts f ON f.id = h.fact_id"
                f" WHERE h.namespace_id = ? AND h.entity IN ({marks(part)})",
                (namespace_id(tenant, space), *part),
            )
            found |= {(space, row[2], row[3]): Current(_asked(row, space), row[0]) for row in rows}
    return {key: current for key, current in found.items() if key in wanted}


_ASKED = "f.id, f.entity, f.property, f.value, f.confidence, f.status, f.valid_at, f.invalid_at, f.expires_at"


def _asked(row: Sequence[Any], space: str) -> Fact:
    _, ident, entity, name, value, confidence, status, valid_at, invalid_at, expires_at = row
    return Fact(
        ident, space, entity, name, json.loads(value), "", stored(valid_at), "", confidence, status,
        invalid_at=stored(invalid_at), expires_at=stored(expires_at),
    )  # fmt: skip


def _removed(
    session: Session, tenant: str, facts: Sequence[Fact], held: dict[Key, Current]
) -> dict[str, int]:
    """The highest version removed from each namespace in which one of ``facts`` is the first of its key."""
    paths = {
        namespace_id(tenant, fact.namespace): fact.namespace for fact in facts if key_of(fact) not in held
    }
    return {paths[space]: version for space, version in removed(session, paths).items()}


def _carry_out(session: Session, tenant: str, planned: Plan) -> None:
    _insert(session, tenant, list(planned.inserts.values()))
    write_rows(session, FACT_SOURCES, planned.sources)
    for old, new in planned.inherited:
        held = session.rows("SELECT kind, ref FROM fact_sources WHERE fact_id = ?", (old,))
        write_rows(session, FACT_SOURCES, [(new, *source) for source in held])
    if planned.closings:
        ended = ("status", "invalid_at", "retired_at", "superseded_by")
        rows = [
            ("superseded", c.invalid_at, c.retired_at, c.superseded_by, c.fact_id) for c in planned.closings
        ]
        session.update(FACTS, ended, ("id",), rows)
    _move_heads(session, tenant, planned)
    for fact in planned.late:
        _insert_late(session, tenant, fact)


def _insert(session: Session, tenant: str, facts: Sequence[Fact]) -> None:
    rows = [fact_row(fact, tenant) for fact in facts]
    if rows:
        add_rows(session, FACTS, rows)
        write_rows(session, FACT_SOURCES, [row for fact in facts for row in source_rows(fact)])


def write_rows(session: Session, table: Table, rows: Sequence[Row]) -> None:
    """Upsert rows as the table says."""
    if rows:
        session.insert(table, rows, table.upsert())


def refuse_foreign(
    session: Session, table: Table, lines: Sequence[Row], tenant: str, written: bool
) -> set[str]:
    """The ids that are there already; of another table than ``episodes`` and ``facts`` none are told.

    Raises ``Conflict`` for ids that another tenant has: a repeated id would take its row away, or be lost.
    Where policies hide that row, only its absence after the writing tells.
    """
    there: set[str] = set()
    if table not in (EPISODES, FACTS):
        return there
    for part in chunks(sorted({str(line[0]) for line in lines})):
        places = ", ".join("?" * len(part))
        found = dict(session.rows(f"SELECT id, tenant_id FROM {table.name} WHERE id IN ({places})", part))
        lost = [one for one in part if found.get(one, "" if written else tenant) != tenant]
        if lost:
            raise Conflict(
                f"{lost[0]} belongs to another tenant of this database", "import into a database of its own"
            )
        there.update(found)
    return there


def _move_heads(session: Session, tenant: str, planned: Plan) -> None:
    """A head that is not as it was read means that another writer was first."""
    created = [head_row(head, tenant) for head in planned.created]
    once = "ON CONFLICT (namespace_id, entity, property) DO NOTHING"
    if created and session.insert(FACT_HEADS, created, once) != len(created):
        raise LostRace
    moved: list[tuple[Any, ...]] = []
    for head, old in planned.moved:
        space, entity, name, fact_id, version = head_row(head, tenant)
        moved.append((fact_id, version, space, entity, name, old))
    swapped = ("namespace_id", "entity", "property", "version")
    if moved and session.update(FACT_HEADS, ("fact_id", "version"), swapped, moved) != len(moved):
        raise LostRace


def _insert_late(session: Session, tenant: str, fact: Fact) -> None:
    """Put a fact into history: it held until the next one of its key began, and ends the one before, unless
    that has the same value.
    """
    key = (namespace_id(tenant, fact.namespace), fact.entity, fact.property)
    mine = "namespace_id = ? AND entity = ? AND property = ? AND status IN ('active', 'superseded')"
    following = session.rows(
        f"SELECT id, valid_at FROM facts WHERE {mine} AND valid_at > ? ORDER BY valid_at, id LIMIT 1",
        (*key, fact.valid_at),
    )
    if not following:
        raise LostRace
    ident, began = following[0]
    held = session.rows(
        f"SELECT id, value FROM facts WHERE {mine} AND valid_at <= ? AND invalid_at > ?",
        (*key, fact.valid_at, fact.valid_at),
    )
    same = [old for old, value in held if json_text(json.loads(value)) == json_text(fact.value)]
    if same:
        write_rows(session, FACT_SOURCES, [(same[0], *source) for source in dict.fromkeys(fact.sources)])
        return
    session.run(
        f"UPDATE facts SET invalid_at = ?, superseded_by = ?, retired_at = ?"
        f" WHERE {mine} AND valid_at <= ? AND invalid_at > ?",
        (fact.valid_at, fact.id, fact.recorded_at, *key, fact.valid_at, fact.valid_at),
    )
    ends = min(instant(began), fact.invalid_at or instant(began))
    _insert(session, tenant, [replace(fact, status="superseded", invalid_at=ends, superseded_by=ident)])


# --------------------------------------------------------------------------- deciding


def retract(session: Session, tenant: str, fact_id: str, now: str) -> None:
    """Say that a fact was never true; a disputed one is not believed at any time. Raises ``NotFound``."""
    touched = session.run(
        "UPDATE facts SET status = 'retracted', invalid_at = valid_at, retired_at = ?,"
        " recorded_at = CASE WHEN status = 'disputed' THEN ? ELSE recorded_at END"
        " WHERE id = ? AND tenant_id = ? AND status <> 'retracted'",
        (now, now, fact_id, tenant),
    )
    if not touched:
        raise NotFound(f"there is no fact {fact_id} that could be retracted")


def resolve(session: Session, tenant: str, fact_id: str, keep: bool, now: str) -> Head | None:
    """Make a disputed fact the current one of its key, or retract it. Raises ``NotFound``.

    It is believed from the decision on: before ``now`` it was only said, so that is when it is recorded.
    """
    spaces = paths_below(session, tenant, "/")
    found = facts_where(session, spaces, "id = ? AND status = 'disputed'", (fact_id,))
    if not found:
        raise NotFound(f"there is no disputed fact {fact_id}", "agentctx fact contradictions lists them")
    if not keep:
        retract(session, tenant, fact_id, now)
        return None
    fact, held = found[0], present(session, tenant, found)
    current = held.get(key_of(fact))
    began = fact.valid_at
    if current and current.fact.status == "active":
        began = max(began, current.fact.valid_at)
        if json_text(current.fact.value) == json_text(fact.value):
            retract(session, tenant, fact_id, now)
            return Head(*key_of(fact), current.fact.id, current.version)
    chosen = replace(fact, status="active", valid_at=began, recorded_at=now)
    weak = {key: Current(replace(c.fact, confidence=0.0), c.version) for key, c in held.items()}
    planned = plan([chosen], weak, removed=_removed(session, tenant, found, held))
    planned.inserts.clear()
    sql = "UPDATE facts SET status = 'active', valid_at = ?, recorded_at = ? WHERE id = ?"
    session.run(sql, (began, now, fact_id))
    _carry_out(session, tenant, planned)
    return planned.heads[0]
