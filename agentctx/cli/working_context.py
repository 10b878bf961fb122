"""Commands on the state of the task in hand."""

from __future__ import annotations

import json

import click

from agentctx.cli.memory import JSON, SPACE, opened, shown, value_of
from agentctx.cli.output import emit_json, say, table, tell


@click.group("context")
def context_command() -> None:
    """The state of the task in hand: JSON with a version and a time to live."""


@context_command.command("set")
@click.argument("key")
@click.argument("value")
@click.option("--text", is_flag=True, help="VALUE is text, not JSON.")
@click.option("--hours", default=72.0, show_default=True, help="How long it lives.")
@click.option("--expect", type=click.IntRange(min=0), help="Only if the key has this version (0: none yet).")
@SPACE
@JSON
def context_set(
    key: str, value: str, text: bool, hours: float, expect: int | None, namespace: str, as_json: bool
) -> None:
    """Save VALUE (JSON; `-` reads standard input) under KEY."""
    with opened() as memory:
        saved = memory.set_context(key, value_of(value, not text), hours, namespace, expect)
    if as_json:
        return emit_json({"context": saved})
    return say(f"version {saved.version} until {saved.expires_at[:16]}Z")


@context_command.command("get")
@click.argument("key")
@SPACE
@JSON
def context_get(key: str, namespace: str, as_json: bool) -> int:
    """The state under KEY as JSON; exit code 1 when there is none (any more)."""
    with opened() as memory:
        found = memory.context(key, namespace)
    if as_json:
        emit_json({"context": found})
    elif found:
        say(json.dumps(found.value, ensure_ascii=False, indent=2))
    else:
        tell(f"there is no context {key!r}")
    return 0 if found else 1


@context_command.command("list")
@SPACE
@JSON
def context_list(namespace: str, as_json: bool) -> None:
    """All states that live."""
    with opened() as memory:
        found = memory.contexts(namespace)
    if as_json:
        return emit_json({"contexts": found})
    rows = [(c.key, str(c.version), c.expires_at[:16], shown(c.value)) for c in found]
    return table(rows, ("key", "version", "until", "value"))


@context_command.command("clear")
@click.argument("key")
@SPACE
@JSON
def context_clear(key: str, namespace: str, as_json: bool) -> int:
    """Remove the state under KEY; exit code 1 when there was none."""
    with opened() as memory:
        there = memory.clear_context(key, namespace)
    if as_json:
        emit_json({"cleared": there})
    elif not there:
        tell(f"there is no context {key!r}")
    return 0 if there else 1
