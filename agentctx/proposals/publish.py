"""The words of a published sync: branch name, commit message with trailers, pull request; and back again.

Trailers are where every clone finds out which commit caused which words. They are read line by line, wherever
a hosted squash put them. What strangers wrote (subjects, names, a model's reasons) is made one harmless line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agentctx.model import Proposal
from agentctx.proposals.apart import content_id
from agentctx.text import counted, strip_hidden

PREFIX = "agentctx/sync-"
SYNCED = "refs/agentctx/synced"
"""The pushed ref: the last merged commit that has been dealt with."""
OFFERED = "refs/agentctx/offered/"
"""A pushed ref for each branch: what it held last, whatever has become of the branch."""
TEXT = "refs/agentctx/text"
"""A pushed ref to a file: the text of the newest request, for whoever takes up an interrupted run."""
TURNS = "refs/agentctx/turns"
"""A pushed ref to a file: which notes jobs have asked a model about."""

SHOWN = 10
"""Proposals that wait for a person and are shown with their diffs."""

_TRAILER = re.compile(r"^[ \t]*(?:[*-] )?Agentctx-([A-Z][a-z]+): (.+?)[ \t]*$", re.MULTILINE)
_ID = re.compile(r"[\w.-]{1,200}")
_OBJECT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Mended:
    """One note that a sync changed, and the commits that made it necessary."""

    note_id: str
    title: str
    why: str
    origin: str
    """``model`` or ``repair``."""
    sources: tuple[str, ...]
    reasons: tuple[str, ...] = ()
    before: bool = False
    """Whether they are older than the range: it was false already."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one sync publishes."""

    sync: str
    base: str
    head: str
    """The merged commit that was dealt with."""
    subject: str
    author: str
    mended: tuple[Mended, ...]
    waiting: tuple[Proposal, ...] = ()
    """Proposals that a check sent to a person: told, not committed."""
    left: tuple[tuple[str, str], ...] = ()
    """(note id, why) of what was refused or skipped."""
    again: tuple[str, ...] = ()
    """Those of them that were meant to be mended and could not be."""
    models: tuple[str, ...] = ()
    prompt: str = ""
    edits: tuple[tuple[str, str], ...] = ()
    """What was made of each note, as ``edit_of`` tells it."""
    cause: str = ""
    """Where all notes that are told were false before the range: the newest commit that made them so, which
    ``subject`` and ``author`` are of then; else those of the head."""

    @property
    def open(self) -> tuple[str, ...]:
        """Ids of the notes that somebody still has to look at."""
        return tuple(dict.fromkeys([*(p.note_id for p in self.waiting), *self.again]))


@dataclass(frozen=True, slots=True)
class Trailers:
    """What a commit message says about where its words came from."""

    sync: str
    base: str
    head: str
    """Empty, as is ``base``, where a person accepted single proposals."""
    sources: tuple[tuple[str, str], ...]
    """(source commit, note id) pairs."""
    author: str = ""
    model: str = ""
    prompt: str = ""

    open: tuple[str, ...] = ()
    """Notes that somebody still had to look at."""
    edits: tuple[tuple[str, str], ...] = ()
    """(note id, content ids before and after) of each edit that is in the commit."""

    def notes_of(self, commit: str) -> tuple[str, ...]:
        """Ids of the notes that a source commit caused to change."""
        return tuple(note for source, note in self.sources if source == commit)

    def edits_of(self, note_id: str) -> tuple[tuple[str, str], ...]:
        """What a note said before and after each edit, told by content."""
        told = (change.partition("..")[::2] for note, change in self.edits if note == note_id)
        return tuple((before, after) for before, after in told)

    def sources_of(self, note_id: str) -> tuple[str, ...]:
        """The commits that caused a note to change."""
        return tuple(source for source, note in self.sources if note == note_id)


# --------------------------------------------------------------------------- writing


def branch_name(base: str, head: str) -> str:
    """The branch of a range."""
    return f"{PREFIX}{base[:12] or 'start'}-{head[:12]}"


def one_line(text: str, limit: int = 200) -> str:
    """Somebody's words as one line without anything hidden, cut to ``limit`` characters."""
    flat = " ".join(strip_hidden(text).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def quoted(text: str, limit: int = 200) -> str:
    """Somebody's words as a Markdown code span: no mention, no reference, no link, no markup in them."""
    return f"`{one_line(text, limit).replace('`', chr(39)) or ' '}`"


def subject(batch: Batch, earlier: Sequence[str] = ()) -> str:
    """The first line of the commit; and the pull request's title, which counts what ``earlier`` commits of
    its branch (their messages) have mended as well."""
    mended = {m.note_id for m in batch.mended}
    mended |= {note for found in map(read_trailers, earlier) if found for _, note in found.sources}
    verb, count = ("Mend", len(mended)) if mended else ("Look at", len(batch.open))
    return f"{verb} {counted(count, 'note')} after {(batch.cause or batch.head)[:12]}"


def message(batch: Batch) -> str:
    """The whole commit message, trailers last."""
    lines = [subject(batch), "", f"After: {one_line(batch.subject, 100)}", ""]
    lines += [f"- {m.note_id}: {one_line(m.why)}" for m in batch.mended]
    lines += [f"- {id}: not mended yet" for id in batch.open]
    return "\n".join([*lines, "", *trailers(batch)]) + "\n"


def trailers(batch: Batch) -> list[str]:
    """The provenance of a batch, a line each; every value is one line."""
    pairs = {
        "Sync": [batch.sync],
        "Range": [f"{batch.base}..{batch.head}"],
        "Source": [f"{source} {m.note_id}" for m in batch.mended for source in m.sources],
        "Open": list(batch.open),
        "Author": [one_line(batch.author, 100)],
        "Model": [one_line(name, 100) for name in batch.models],
        "Prompt": [batch.prompt],
    }
    told = [f"Agentctx-{name}: {value}" for name, values in pairs.items() for value in values if value]
    return [*told, *edit_trailers(batch.edits)]


def trailers_of(accepted: Iterable[Proposal]) -> list[str]:
    """The provenance of proposals that a person accepted, for whatever commit takes them in. It names no
    range: that everything in one was dealt with, nobody says here. One that changes no word has none."""
    kept = [p for p in accepted if any(operation.name != "keep" for operation in p.operations)]
    pairs = [
        *(("Sync", p.sync) for p in kept),
        *(("Source", f"{source} {p.note_id}") for p in kept for source in p.sources or (p.commit,)),
        *(("Author", one_line(p.author, 100)) for p in kept),
        *(("Model", one_line(p.model, 100)) for p in kept),
        *(("Prompt", p.prompt_version) for p in kept),
    ]
    return list(dict.fromkeys(f"Agentctx-{name}: {value}" for name, value in pairs if value))


def edit_of(note_id: str, before: bytes | None, after: bytes | None) -> tuple[str, str]:
    """A note's id, and what it said before and after, told by content: whoever finds other words in a commit
    knows that they are somebody else's."""
    return note_id, f"{content_id(before)}..{content_id(after)}"


def edit_trailers(edits: Iterable[tuple[str, str]]) -> list[str]:
    """A line for each edit that ``edit_of`` tells."""
    return list(dict.fromkeys(f"Agentctx-Edit: {id} {change}" for id, change in edits))


def block(text: str, limit: int = 3_000) -> str:
    """Somebody's lines as a Markdown code block that they cannot close."""
    shown = strip_hidden(text)
    cut = shown if len(shown) <= limit else shown[:limit].rpartition("\n")[0] + "\n(cut)"
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", cut)), default=0))
    return f"{fence}diff\n{cut}\n{fence}"


def request_text(batch: Batch, diffs: Mapping[str, str], earlier: Sequence[str] = ()) -> Mapping[str, object]:
    """What the pull request's template needs, every foreign text as code. ``diffs``: by proposal id, what a
    proposal that waits for a person would change; ``earlier``: messages of the branch's earlier commits."""
    before = [found for found in map(read_trailers, earlier) if found]
    models = dict.fromkeys([*(found.model for found in before if found.model), *batch.models])
    return {
        "earlier": [_told_before(message) for message in earlier],
        "edited_before": any(found.sources for found in before),
        "range": f"{batch.base[:12]}..{batch.head[:12]}",
        "cause": batch.cause[:12],
        "arrived": batch.base != batch.head,
        "subject": quoted(batch.subject, 100),
        "author": quoted(batch.author, 100),
        "model": ", ".join(quoted(name) for name in models),
        "mended": [
            {
                "id": m.note_id,
                "title": quoted(m.title),
                "why": quoted(m.why, 400),
                "by": "repair without a model" if m.origin == "repair" else "model",
                "sources": ", ".join(source[:12] for source in m.sources[:5]),
                "before": m.before,
                "reasons": [quoted(reason, 300) for reason in m.reasons[:5]],
            }
            for m in batch.mended
        ],
        "waiting": [
            {
                "id": p.note_id,
                "why": quoted(p.why, 400),
                "because": [quoted(r.reason, 300) for r in p.refusals],
                "diff": block(diffs[p.id]) if at < SHOWN and diffs.get(p.id) else "",
            }
            for at, p in enumerate(batch.waiting)
        ],
        "again": batch.again,
        "left": [{"id": id, "why": quoted(why, 300)} for id, why in batch.left[:50]],
    }


def _told_before(message: str) -> Mapping[str, object]:
    """An earlier commit's first line, and what it says of each note."""
    lines = message.replace("\r\n", "\n").split("\n")
    found = (line[2:].partition(": ") for line in lines if line.startswith("- "))
    notes = [{"id": id, "why": quoted(why, 300)} for id, _, why in found if _ID.fullmatch(id)]
    return {"subject": quoted(lines[0]), "notes": notes}


# --------------------------------------------------------------------------- reading


def read_trailers(text: str) -> Trailers | None:
    """The provenance in a commit message; None for a commit that is not one of ours."""
    found: dict[str, list[str]] = {}
    for name, value in _TRAILER.findall(text.replace("\r\n", "\n")):
        found.setdefault(name, []).append(value)
    if not found.get("Sync") or not (found.get("Range") or found.get("Source")):
        return None
    base, _, head = found.get("Range", [""])[-1].partition("..")
    sources = [tuple(value.split(" ", 1)) for value in found.get("Source", ()) if " " in value]
    pairs = dict.fromkeys((source, note.strip()) for source, note in sources if _OBJECT.fullmatch(source))
    edits = dict.fromkeys(e.partition(" ")[::2] for e in found.get("Edit", ()))
    said = {name: ", ".join(dict.fromkeys(found.get(name, ()))) for name in ("Author", "Model", "Prompt")}
    return Trailers(
        found["Sync"][-1], base, head, tuple(pairs), said["Author"], said["Model"], said["Prompt"],
        tuple(found.get("Open", ())), tuple(edits),
    )  # fmt: skip


def trailer_lines(text: str) -> list[str]:
    """The lines of a message that are ours, each once, wherever a squash put them."""
    found = (f"Agentctx-{name}: {value}" for name, value in _TRAILER.findall(text.replace("\r\n", "\n")))
    return list(dict.fromkeys(found))


def only_notes(paths: Iterable[str], context: str) -> bool:
    """Whether nothing but notes changed: then there is nothing that could make a note false."""
    return all(path.startswith(f"{context}/") for path in paths)


def newest_heads(messages: Sequence[str]) -> list[str]:
    """The heads that earlier syncs dealt with, in the order of the messages."""
    return [found.head for found in map(read_trailers, messages) if found and _OBJECT.fullmatch(found.head)]
