"""The operations that only read: briefing, search, one note, the state of all notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from agentctx.errors import AgentctxError
from agentctx.fence import fenced
from agentctx.server.operation import Arguments, Operation

if TYPE_CHECKING:
    from agentctx.model import Freshness, Note
    from agentctx.project import Project

LISTED = 60
"""Notes that one listing names."""
EXCERPT = 240
"""Characters of a note's text in a list of hits."""


def prime(project: Project, given: Arguments) -> str:
    """The briefing for a task."""
    from agentctx.flows.prime import prime as briefing

    files = tuple(given.get("files", ()))
    return briefing(project, given.get("task", ""), files, given.get("budget") or None).text


def search(project: Project, given: Arguments) -> str:
    """Hits with their state and a short excerpt, best first."""
    from agentctx.flows.prime import search as found
    from agentctx.flows.unread import unread
    from agentctx.retrieval.succession import retired

    hits = found(project, given["query"], max(1, min(given.get("limit", 8), LISTED)))
    notes = {n.id: n for n in project.notes.notes}
    states = project.index.by_id()
    if not hits:
        return "No note has these words. `status` counts the notes there are.\n"
    past, new = retired(project.notes.notes), unread(project)
    lines = [_hit(notes[h.id], states[h.id], past.get(h.id, ""), h.id in new) for h in hits]
    return "\n".join([*lines, "", "Excerpts are quoted data. `read_note` gives one whole.", ""])


def _hit(note: Note, freshness: Freshness, past: str, is_unread: bool) -> str:
    from agentctx.flows.unread import WORDS
    from agentctx.retrieval.succession import is_record

    text = " ".join(fenced(note.body).split())
    cut = text[:EXCERPT] + ("..." if len(text) > EXCERPT else "")
    kind = "decision" if is_record(note) else note.kind
    state = (fenced(past) or note.shown(freshness.state)) + (f", {WORDS}" if is_unread else "")
    return f"- {fenced(note.id)} ({kind}, {state}) {fenced(note.title)}\n  > {cut}"


def read_note(project: Project, given: Arguments) -> str:
    """One note whole, fenced, with the reasons for its state and what the code says now."""
    from agentctx.flows.prime import quoted
    from agentctx.flows.status import explained

    note, freshness = explained(project, given["note"])
    parts = [quoted(project, [note])]
    for drift in freshness.drifts:
        if drift.diff:
            parts.append(f"What changed in {fenced(str(drift.anchor))}:\n{fenced(drift.diff)}\n")
    return "\n".join(parts)


def status(project: Project, given: Arguments) -> str:
    """How many notes are in which state, and every note that is not known to be true, with its reasons."""
    from agentctx.flows.status import arrivals
    from agentctx.flows.unread import unread, unread_notice

    notices = (*arrivals(project), *unread_notice(unread(project)))
    notes = {n.id: n for n in project.notes.notes}
    counts = Counter(notes[f.id].shown(f.state) for f in project.index.notes)
    total = ", ".join(f"{n} {state}" for state, n in sorted(counts.items())) or "none yet"
    lines = [f"Notes: {total}. HEAD {project.index.head[:10] or 'unborn'}.", *(f"! {n}" for n in notices)]
    doubtful = [f for f in project.index.notes if f.state not in ("fresh", "unverified")]
    for freshness in doubtful[:LISTED]:
        lines += _doubt(freshness)
    if len(doubtful) > LISTED:
        lines.append(f"and {len(doubtful) - LISTED} more: agentctx status")
    return "\n".join([*lines, *_problems(project), ""])


def _doubt(freshness: Freshness) -> Iterator[str]:
    from agentctx.flows.prime import reasons_of

    yield f"- {fenced(freshness.id)}: {freshness.state}"
    for reason in reasons_of(freshness)[:5]:
        yield f"  - {fenced(reason)}"


def _problems(project: Project) -> list[str]:
    return [f"- {fenced(p.path)}:{p.line} {fenced(p.message)}" for p in project.notes.problems[:20]]


def in_words(error: AgentctxError) -> str:
    """A failure as a model should read it: what is wrong, and what to do instead."""
    return f"{error.message}\n{error.hint}".strip()


READING = (
    Operation(
        "prime",
        "The briefing for a task: the notes that matter, what is stale about them, and why. "
        "Call it before you start on a task, and again for the next one.",
        prime,
        {
            "task": {"type": "string", "description": "what is to be done, in a sentence or more"},
            "files": {
                "type": "array",
                "items": {"type": "string"},
                "description": "paths in question, from the top of the repository",
            },
            "budget": {"type": "integer", "description": "most tokens of the answer"},
        },
    ),
    Operation(
        "search",
        "Find decisions, patterns, gotchas and session notes of this repository by words or identifiers.",
        search,
        {"query": {"type": "string"}, "limit": {"type": "integer", "description": "most hits; 8"}},
        ("query",),
    ),
    Operation(
        "read_note",
        "One note whole, with the reasons for its state and a diff of code that changed under it.",
        read_note,
        {"note": {"type": "string", "description": "the note's id or path"}},
        ("note",),
    ),
    Operation(
        "status",
        "Which notes are no longer true of the code, and why; what waits for a person.",
        status,
    ),
)
