"""What asserting facts does to the facts that are there: a plan made of values, carried out by the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agentctx.errors import Conflict
from agentctx.memory.canonical import json_text
from agentctx.memory.ids import derived
from agentctx.memory.rows import Head
from agentctx.model import Fact

Key = tuple[str, str, str]
"""Namespace, entity, property."""


@dataclass(frozen=True, slots=True)
class Current:
    """The fact that the head of a key points to, and the head's version."""

    fact: Fact
    version: int


@dataclass(frozen=True, slots=True)
class Closing:
    """How a fact of the database ends."""

    fact_id: str
    invalid_at: str
    retired_at: str
    superseded_by: str


@dataclass(slots=True)
class Plan:
    """What to write, in this order: inserts, closings, heads, sources; then ``late`` one by one."""

    inserts: dict[str, Fact] = field(default_factory=dict)
    closings: list[Closing] = field(default_factory=list)
    created: list[Head] = field(default_factory=list)
    moved: list[tuple[Head, int]] = field(default_factory=list)
    """New head and the version it must replace."""
    sources: list[tuple[str, str, str]] = field(default_factory=list)
    """(fact id, kind, ref) rows for a fact that was asserted again."""
    inherited: list[tuple[str, str]] = field(default_factory=list)
    """(old id, new id) of facts of the same value: the new one rests on what the old one rested on, too."""
    late: list[Fact] = field(default_factory=list)
    """Facts that began before the current one of their key, and ended when the next one did begin."""
    heads: list[Head] = field(default_factory=list)
    """The head of each asserted fact's key at the end."""


def key_of(fact: Fact) -> Key:
    """The key whose one current value a fact is."""
    return (fact.namespace, fact.entity, fact.property)


def plan(
    facts: Sequence[Fact],
    present: dict[Key, Current],
    expected: int | None = None,
    removed: Mapping[str, int] | None = None,
) -> Plan:
    """The plan for asserting ``facts`` (canonical) in order where ``present`` holds.

    ``removed`` gives, for each namespace, the version above which the keys that are not present begin.
    Raises ``Conflict`` when ``expected`` is given and is not the version of each key.
    """
    made = Plan()
    state = dict(present)
    for fact in facts:
        current = state.get(key_of(fact))
        _check(fact, current, expected)
        first = 1 + (removed or {}).get(fact.namespace, 0)
        state[key_of(fact)] = _assert(made, fact, current, first)
    for key in dict.fromkeys(map(key_of, facts)):
        head = Head(*key, state[key].fact.id, state[key].version)
        if key not in present:
            made.created.append(head)
        elif present[key].version != head.version:
            made.moved.append((head, present[key].version))
    made.heads = [Head(*key_of(f), state[key_of(f)].fact.id, state[key_of(f)].version) for f in facts]
    return made


def _check(fact: Fact, current: Current | None, expected: int | None) -> None:
    version = current.version if current else 0
    if expected is not None and version != expected:
        raise Conflict(
            f"{fact.entity} {fact.property} has version {version}, not {expected}",
            "read the fact again and decide anew",
        )


def _assert(made: Plan, fact: Fact, current: Current | None, first: int) -> Current:
    if current is None:
        made.inserts[fact.id] = fact
        return Current(fact, first)
    old = current.fact
    if _ended(old, fact):
        made.inserts[fact.id] = fact
        return Current(fact, current.version + 1)
    if fact.status == "active" and _equal(old.value, fact.value):
        return _again(made, fact, current)
    if fact.status == "disputed" or fact.confidence < old.confidence:
        made.inserts[fact.id] = replace(fact, status="disputed")
        return current
    if fact.valid_at < old.valid_at:
        made.late.append(fact)
        return current
    _close(made, old, fact)
    made.inserts[fact.id] = fact
    return Current(fact, current.version + 1)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    return json_text(one) == json_text(other)


def _again(made: Plan, fact: Fact, current: Current) -> Current:
    """The same value: a surer or longer lasting statement takes over, from when the old one began.

    One that says that it held before is history: until the old one began.
    """
    old = current.fact
    lasting = bool(old.expires_at) and (not fact.expires_at or fact.expires_at > old.expires_at)
    earlier = fact.valid_at < old.valid_at and fact.confidence >= old.confidence
    if not lasting and fact.confidence <= old.confidence:
        made.sources += [(old.id, kind, ref) for kind, ref in fact.sources]
        made.late += [fact] if earlier else []
        return current
    if earlier:
        made.late.append(replace(fact, id=derived("earlier", fact.id)))
    taken = replace(
        fact,
        valid_at=old.valid_at,
        confidence=max(old.confidence, fact.confidence),
        expires_at=fact.expires_at if lasting else old.expires_at,
    )
    _close(made, old, taken)
    made.inserts[taken.id] = taken
    made.inherited.append((old.id, taken.id))
    return Current(taken, current.version + 1)


def _ended(old: Fact, new: Fact) -> bool:
    return old.status != "active" or bool(old.expires_at and old.expires_at <= new.recorded_at)


def _close(made: Plan, old: Fact, new: Fact) -> None:
    ends = min(old.invalid_at or new.valid_at, new.valid_at)
    if old.id in made.inserts:
        made.inserts[old.id] = replace(
            old, status="superseded", invalid_at=ends, retired_at=new.recorded_at, superseded_by=new.id
        )
    else:
        made.closings.append(Closing(old.id, ends, new.recorded_at, new.id))
