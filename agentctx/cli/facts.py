"""Commands on facts: one value a key, with its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from agentctx.cli.memory import (
    JSON,
    SPACE,
    SUBJECT,
    as_of_options,
    commit_of,
    moment,
    opened,
    shown,
    value_of,
)
from agentctx.cli.output import emit_json, say, table, tell

if TYPE_CHECKING:
    from agentctx.model import Fact


@click.group("fact")
def fact_command() -> None:
    """What is known: one value a key (entity and property), with its history."""


@fact_command.command("set")
@click.argument("entity")
@click.argument("property")
@click.argument("value")
@click.option("--json-value", is_flag=True, help="VALUE is JSON, not text.")
@click.option("--confidence", default=1.0, type=click.FloatRange(0, 1))
@click.option("--since", default="", metavar="TIME", help="From when on it holds; default now.")
@click.option("--ttl", type=click.FloatRange(min=0, min_open=True), help="Hours after which it is gone.")
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="KIND:REFERENCE",
    help="What it rests on: episode:ID, commit:REVISION, note:PATH or url:URL; goes with its last episode.",
)
@click.option("--expect", type=click.IntRange(min=0), help="Only if the key has this version (0: none yet).")
@SUBJECT
@SPACE
@JSON
def fact_set(
    entity: str, property: str, value: str, json_value: bool, expect: int | None, **rest: Any
) -> None:
    """Say what holds now. It supersedes an older value; a less certain one becomes a contradiction."""
    from agentctx.memory.canonical import later

    with opened() as memory:
        given: dict[str, Any] = {"confidence": rest["confidence"], "subject_id": rest["subject_id"]}
        given["sources"] = tuple(_source(told) for told in rest["sources"])
        if rest["since"]:
            given["valid_at"] = rest["since"]
        if rest["ttl"] is not None:
            given["expires_at"] = later(memory.now(), rest["ttl"] * 3600)
        fact = memory.new_fact(entity, property, value_of(value, json_value), rest["namespace"], **given)
        held = memory.store.assert_fact(fact, expect)
        known = memory.store.history(held.namespace, held.entity, held.property)
    if rest["as_json"]:
        return emit_json({"head": held})
    if held.fact_id != fact.id:
        tell(_became(next((one for one in known if one.id == fact.id), None)))
    return say(f"{held.fact_id} version {held.version}")


def _source(told: str) -> tuple[str, str]:
    kind, _, ref = told.partition(":")
    return kind, commit_of(ref) if kind == "commit" and ref else ref


def _became(kept: Fact | None) -> str:
    """What became of a statement that is not the current one; None for one that is no fact of its own."""
    if kept is None:
        return "what held still holds: this is the same value"
    if kept.status == "disputed":
        return (
            f"what held still holds, and is surer: {kept.id} is a contradiction that waits for `fact resolve`"
        )
    return f"what held still holds: {kept.id} is history, until {kept.invalid_at}"


@fact_command.command("get")
@click.argument("entity")
@click.argument("property")
@SPACE
@as_of_options
@JSON
def fact_get(entity: str, property: str, namespace: str, as_of: str, known_at: str, as_json: bool) -> int:
    """The one value of a key now, or at another time; exit code 1 when there is none."""
    from agentctx.flows.memories import key_of

    with opened() as memory:
        found = memory.fact(entity, property, namespace, moment(as_of, known_at))
        head = memory.store.head(memory.inside(namespace), key_of(entity), key_of(property))
    if as_json:
        emit_json({"fact": found, "key_version": head.version if head else 0})
    elif found:
        say(shown(found.value))
    else:
        tell(f"nothing is known about {property} of {entity}")
    return 0 if found else 1


@fact_command.command("list")
@click.argument("entity", default="")
@SPACE
@as_of_options
@JSON
def fact_list(entity: str, namespace: str, as_of: str, known_at: str, as_json: bool) -> None:
    """What holds of all keys, or of one entity."""
    with opened() as memory:
        found = memory.facts(entity, namespace, moment(as_of, known_at))
    if as_json:
        return emit_json({"facts": found})
    rows = [(f.entity, f.property, f"{f.confidence:g}", f.valid_at[:10], shown(f.value)) for f in found]
    return table(rows, ("entity", "property", "sure", "since", "value"))


@fact_command.command("history")
@click.argument("entity")
@click.argument("property")
@SPACE
@JSON
def fact_history(entity: str, property: str, namespace: str, as_json: bool) -> None:
    """Every value a key ever had, oldest first."""
    with opened() as memory:
        found = memory.history(entity, property, namespace)
    if as_json:
        return emit_json({"facts": found})
    rows = [(f.id, f.valid_at[:16], f.invalid_at[:16], f.status, shown(f.value)) for f in found]
    return table(rows, ("id", "from", "until", "status", "value"))


@fact_command.command("contradictions")
@SPACE
@JSON
def fact_contradictions(namespace: str, as_json: bool) -> None:
    """Disputed facts beside what holds now."""
    with opened() as memory:
        found = memory.contradictions(namespace)
    if as_json:
        return emit_json({"contradictions": found})
    rows = [
        (c.disputed.id, f"{c.disputed.entity}.{c.disputed.property}", shown(c.disputed.value),
         f"{c.disputed.confidence:g}", shown(c.current.value) if c.current else "")
        for c in found
    ]  # fmt: skip
    return table(rows, ("id", "key", "disputed", "sure", "current"))


@fact_command.command("resolve")
@click.argument("id")
@click.option("--keep/--dismiss", default=None, help="Make the disputed fact current, or retract it.")
@JSON
def fact_resolve(id: str, keep: bool | None, as_json: bool) -> None:
    """Decide about a disputed fact."""
    if keep is None:
        raise click.UsageError("say --keep (it is true) or --dismiss (it is not)")
    with opened() as memory:
        head = memory.resolve(id, keep)
    if as_json:
        return emit_json({"head": head})
    return say(f"{head.entity}.{head.property} version {head.version}" if head else "dismissed")
