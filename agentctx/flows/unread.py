"""Words that a model wrote and no person has read: edits that were applied without anybody accepting them.

Known in the clone that applied them, by what the note says: whoever edits its text, or verifies it by name,
has read it; another file name or anchor is no reading. What comes from the upstream branch has been read by
whoever merged it there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from agentctx.model import Note
from agentctx.project import Project

if TYPE_CHECKING:
    from agentctx.proposals.accept import Accepted

DOCUMENT = "unread"
"""State document: digest of a note's title and text as the model left them -> path of the note then."""


def unread(project: Project) -> frozenset[str]:
    """Ids of the notes that are as a model left them, and that nobody has read."""
    known = _known(project)
    return frozenset(n.id for n in project.notes.notes if known and _words(n) in known)


def mark_unread(project: Project, done: Accepted) -> None:
    """Remember what accepting wrote though nobody looked at it."""
    proposal = done.proposal
    if proposal.origin != "model" or proposal.state != "accepted":
        return
    if any(edit.path == proposal.note_path and edit.after is not None for edit in done.edits):
        _write(project, {**_known(project), _words_at(project, proposal.note_path): proposal.note_path})


def mark_read(project: Project, paths: Iterable[str]) -> None:
    """Forget it of notes that somebody has read, as they are on disk now."""
    known = _known(project)
    read = {_words_at(project, path) for path in paths} if known else set()
    if read & known.keys():
        _write(project, {words: path for words, path in known.items() if words not in read})


def _words_at(project: Project, path: str) -> str:
    from agentctx.notes.document import parse

    note = parse(path, project.folder.read_bytes(path), "decision")[0]
    return _words(note) if note else ""


def _words(note: Note) -> str:
    said = " ".join((note.title, *note.body.split()))
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()


def _known(project: Project) -> Mapping[str, str]:
    found = project.state.read(DOCUMENT)
    return found if isinstance(found, dict) else {}


def _write(project: Project, known: Mapping[str, str]) -> None:
    project.state.write(DOCUMENT, dict(known))
