"""Commands on what is remembered beside the notes, and what all of them share; episodes alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import click

from agentctx.cli.output import emit_json, say, table, tell
from agentctx.text import counted

if TYPE_CHECKING:
    from agentctx.flows.memories import Memory
    from agentctx.memory.base import AsOf

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
DRY = click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
SUBJECT = click.option(
    "--subject", "subject_id", default="", help="The person or thing it is about (for erasure)."
)
SPACE = click.option("--namespace", default="", help="Slash path below the repository's own.")
LIMIT = click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 1000))


def opened() -> Memory:
    """The memory of the repository we are in."""
    from agentctx.flows.memories import Memory

    return Memory.open()


def as_of_options(command: Decorated) -> Decorated:
    """``--as-of`` and ``--known-at``: a reading of another day."""
    known = click.option("--known-at", default="", metavar="TIME", help="As far as it was known at TIME.")
    return click.option("--as-of", default="", metavar="TIME", help="What was true at TIME.")(known(command))


def moment(as_of: str, known_at: str) -> AsOf | None:
    """The two options as a point in both clocks; None for the present."""
    from agentctx.memory.base import END_OF_TIME, AsOf
    from agentctx.memory.canonical import instant

    if not as_of and not known_at:
        return None
    return AsOf(instant(as_of or known_at), instant(known_at) if known_at else END_OF_TIME)


def text_of(given: str) -> str:
    """What was given; `-` stands for standard input."""
    return sys.stdin.read() if given == "-" else given


def value_of(given: str, as_json: bool) -> Any:
    """What was given, as text or read as JSON."""
    from agentctx.errors import InvalidInput

    text = text_of(given)
    if not as_json:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput(f"{text[:80]!r} is not JSON", "quote it for the shell: '{\"step\": 2}'") from None


def shown(value: Any) -> str:
    """A value on one line: text as it is, else JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@click.command("remember")
@click.argument("words", nargs=-1, required=True, metavar="TEXT | ENTITY PROPERTY VALUE")
@click.option("--confidence", type=click.FloatRange(0, 1), help="How sure a fact is; default 1.")
@SUBJECT
@SPACE
@JSON
@DRY
def remember_command(
    words: tuple[str, ...],
    confidence: float | None,
    subject_id: str,
    namespace: str,
    as_json: bool,
    dry_run: bool,
) -> None:
    """Keep something that happened (TEXT; `-` reads standard input), or a fact (replaces an older value)."""
    if len(words) not in (1, 3):
        raise click.UsageError("give one TEXT (quote it), or ENTITY PROPERTY VALUE")
    if len(words) == 1 and confidence is not None:
        raise click.UsageError("--confidence is of a fact: give ENTITY PROPERTY VALUE")
    with opened() as memory:
        if len(words) == 3:
            from agentctx.memory.base import kept_as

            sure = 1.0 if confidence is None else confidence
            fact = memory.new_fact(*words, namespace, confidence=sure, subject_id=subject_id)
            id, said = fact.id, fact.statement
            if not dry_run:
                id = kept_as(memory.store, fact, memory.store.assert_fact(fact))
        else:
            episode = memory.episode(text_of(words[0]), namespace, subject_id=subject_id)
            id, said = episode.id, episode.content
            if not dry_run:
                memory.store.append([episode])
    if as_json:
        return emit_json({"id": id, "kind": "fact" if len(words) == 3 else "episode", "text": said})
    if dry_run:
        return tell(f"would remember: {said}")
    return say(id)


@click.command("recall")
@click.argument("query")
@click.option("--limit", default=5, show_default=True, type=click.IntRange(1, 200))
@click.option("--kind", type=click.Choice(["all", "episodes", "facts"]), default="all", show_default=True)
@SPACE
@as_of_options
@JSON
def recall_command(
    query: str, limit: int, kind: str, namespace: str, as_of: str, known_at: str, as_json: bool
) -> None:
    """Print the facts and episodes that say most about QUERY, best first."""
    kinds = {"episodes": kind != "facts", "facts": kind != "episodes"}
    with opened() as memory:
        found = memory.recall(text_of(query), limit, namespace, as_of=moment(as_of, known_at), **kinds)
    if as_json:
        hits = [{"score": round(one.score, 4), **_described(one.item)} for one in found]
        return emit_json({"query": query, "hits": hits})
    rows = [(d["id"], d["kind"], d["at"][:16], d["text"]) for d in (_described(one.item) for one in found)]
    return table(rows, ("id", "kind", "since", "text")) if rows else tell("nothing is remembered about this")


def _described(item: Any) -> dict[str, Any]:
    from agentctx.model import Fact

    if isinstance(item, Fact):
        return {
            "id": item.id, "kind": "fact", "at": item.valid_at, "text": item.statement, "entity": item.entity,
            "property": item.property, "value": item.value, "confidence": item.confidence,
        }  # fmt: skip
    return {"id": item.id, "kind": "episode", "at": item.occurred_at, "text": item.content}


@click.command("forget")
@click.argument("ids", nargs=-1, metavar="ID...")
@click.option("--subject", default="", help="Erase what has this subject or entity instead.")
@click.option("--expired", is_flag=True, help="Remove what has expired instead; no answer holds it any more.")
@click.option("--reason", default="asked for", show_default=True, help="Written on the receipt.")
@JSON
@DRY
def forget_command(
    ids: tuple[str, ...], subject: str, expired: bool, reason: str, as_json: bool, dry_run: bool
) -> int:
    """Remove episodes and facts for good, text and all; facts that rest on nothing else go with them.

    With `--subject` the exit code is 1 when there is nothing to erase; then there is no receipt.
    """
    from agentctx.errors import NotFound

    if bool(ids) + bool(subject) + expired != 1:
        raise click.UsageError(
            "give the ids to forget (`agentctx recall` shows them), --subject or --expired"
        )
    if dry_run and expired:
        tell("would forget what has expired")
        return 0
    receipt = None
    with opened() as memory:
        try:
            if dry_run:
                counts = memory.would_forget(ids, subject)
            elif subject:
                receipt = memory.erase(subject, reason)
                counts = dict(receipt.counts)
            else:
                counts = memory.store.sweep(memory.now()) if expired else memory.forget(ids)
        except NotFound as nothing:
            if not subject:
                raise
            tell(nothing.message)
            return 1
    if as_json:
        emit_json({"counts": counts, "receipt": asdict(receipt) if receipt else None})
        return 0
    if receipt:
        say(f"receipt {receipt.id} sha256 {receipt.receipt_sha256}")
    done = "would forget" if dry_run else "forgotten"
    told = f"{done}: {counted(counts['episodes'], 'episode')}, {counted(counts['facts'], 'fact')}"
    say(f"{told}, {counted(counts['working_context'], 'context')}" if expired else told)
    return 0


@click.group("episode")
def episode_command() -> None:
    """What happened: append, and read back the newest."""


@episode_command.command("add")
@click.argument("text")
@click.option("--kind", default="event", type=click.Choice(["message", "tool", "event", "commit", "note"]))
@click.option("--actor", default="", help="Who said or did it.")
@click.option("--session", "session_id", default="", help="The conversation it belongs to.")
@click.option("--commit", "git_commit", default="", metavar="REVISION", help="The commit it is about.")
@SUBJECT
@click.option("--at", "occurred_at", default="", metavar="TIME", help="When it happened; default now.")
@click.option("--ttl", type=click.FloatRange(min=0, min_open=True), help="Hours after which it is gone.")
@SPACE
@JSON
def episode_add(text: str, ttl: float | None, namespace: str, as_json: bool, **details: str) -> None:
    """Append one episode; TEXT `-` reads standard input."""
    from agentctx.memory.canonical import later

    with opened() as memory:
        given = {name: value for name, value in details.items() if value}
        if "git_commit" in given:
            given["git_commit"] = commit_of(given["git_commit"])
        if ttl is not None:
            given["expires_at"] = later(memory.now(), ttl * 3600)
        made = memory.remember(text_of(text), namespace, **given)
    return emit_json({"episode": made}) if as_json else say(made.id)


def commit_of(revision: str) -> str:
    """The full id of a commit of this repository."""
    from agentctx.project import Project

    with Project.open() as project:
        return project.git.rev_parse(revision)


@episode_command.command("list")
@LIMIT
@click.option("--session", "session_id", default="", help="Only of one conversation.")
@SPACE
@JSON
def episode_list(limit: int, session_id: str, namespace: str, as_json: bool) -> None:
    """The newest episodes, newest first."""
    with opened() as memory:
        found = memory.episodes(limit, session_id, namespace)
    if as_json:
        return emit_json({"episodes": found})
    rows = [(e.id, e.occurred_at[:16], e.kind, e.actor, e.content) for e in found]
    return table(rows, ("id", "when", "kind", "actor", "text"))
