"""What ``agentctx status`` tells: the shape that scripts rely on, one note in depth, and ``index.json``."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from agentctx.catchup import missing_hooks_notice
from agentctx.errors import AgentctxError
from agentctx.files import write_atomic
from agentctx.freshness.index import index_document
from agentctx.model import Drift, Freshness, Index, Note
from agentctx.project import Project

if TYPE_CHECKING:
    from agentctx.revision import Revision


def document(
    index: Index, notes: Mapping[str, Note], notices: tuple[str, ...], unread: Collection[str] = ()
) -> dict[str, Any]:
    """``status --json``: documented in docs/cli.md, stable."""
    return {
        "head": index.head,
        "notes": [_note(f, notes[f.id]) | {"unread": f.id in unread} for f in index.notes],
        "problems": list(index.problems),
        "notices": list(notices),
    }


def _note(freshness: Freshness, note: Note) -> dict[str, Any]:
    return {
        "id": note.id,
        "path": note.path,
        "kind": note.kind,
        "title": note.title,
        "status": note.status,
        "state": freshness.state,
        "drifts": [_drift(d) for d in freshness.drifts],
        "mentions": list(freshness.mentions),
        "reasons": list(freshness.reasons),
        "score": round(freshness.score, 4),
    }


def _drift(drift: Drift) -> dict[str, Any]:
    return {
        "anchor": str(drift.anchor),
        "state": drift.state,
        "reason": drift.reason,
        "moved_to": drift.moved_to,
        "witness": drift.witness,
        "commits": list(drift.commits),
    }


def explained(project: Project | Revision, name: str) -> tuple[Note, Freshness]:
    """One note with the diffs of its drifted symbols."""
    note = project.note(name)
    return note, project.assessor.explain(note, project.index.by_id()[note.id])


def arrivals(project: Project) -> tuple[str, ...]:
    """Catch up however commits came (the worker starts early, nobody waits), and what there is to tell."""
    if not project.initialised:
        return project.notices
    pending = project.arrived()
    missing = missing_hooks_notice(project.git, project.state)
    return tuple(filter(None, (*project.notices, pending.notice, missing)))


def write_index(project: Project) -> None:
    """Keep ``index.json`` in the context folder current; a read-only checkout simply has none."""
    if not project.initialised:
        return
    text = _text(index_document(project.index, project.notes.notes)).encode("utf-8", "surrogatepass")
    path = project.root / project.context / "index.json"
    try:
        if not path.is_file() or path.read_bytes() != text:
            write_atomic(path, text, durable=False)
    except (AgentctxError, OSError):
        return


def _text(document: Mapping[str, Any]) -> str:
    """``index.json`` , a line for each note: quick to write, and a difference names its note."""
    encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
    lines = []
    for name, value in sorted(document.items()):
        several = ",\n".join(map(encode, value)) if isinstance(value, list) else ""
        lines.append(f"{encode(name)}: " + (f"[\n{several}\n]" if several else encode(value)))
    return "{\n" + ",\n".join(lines) + "\n}\n"
