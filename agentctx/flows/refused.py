"""What people refused on earlier requests: the same edit is not offered again, and no model is asked for it.

A remote remembers what its requests held, so every clone and every job knows. A note is asked about again
when its text, or its code, has been changed since; under another name it is the same note.
"""

from __future__ import annotations

from dataclasses import dataclass

from agentctx.flows.names import Names, id_of
from agentctx.flows.recheck import moved_since
from agentctx.forges.place import Offered, Place
from agentctx.model import Edit
from agentctx.project import Project

WHY = "refused on an earlier request; nothing that it says has changed since"


@dataclass(frozen=True, slots=True)
class Refused:
    """What need not be offered: edits of files as they were made, and notes that are as they were then."""

    edits: frozenset[tuple[str, bytes | None, bytes | None]] = frozenset()
    """Path now, bytes before, bytes after."""
    notes: frozenset[str] = frozenset()

    def has(self, edit: Edit) -> bool:
        """Whether the very same edit was refused."""
        return (edit.path, edit.before, edit.after) in self.edits


def refused(project: Project, place: Place, parent: str) -> Refused:
    """What was refused before, for the notes of the commit ``parent``."""
    offered = place.closed()
    if not offered:
        return Refused()
    edits, notes = set[tuple[str, bytes | None, bytes | None]](), set[str]()
    for one in offered:
        landed = place.landed(one)  # merged, whatever became of it later
        names = Names.since(project.git, project.context, one.start, parent)
        made = [edit for edit in _edits(project, place, one) if edit[0] not in landed]
        edits |= {(names.now(path), before, after) for path, before, after in made}
        left = one.notes - {id_of(path) for path in landed}
        notes |= {id for id in map(names.id, left) if _stands(project, one, names, id, parent)}
    return Refused(frozenset(edits), frozenset(notes))


def _edits(project: Project, place: Place, offered: Offered) -> list[tuple[str, bytes | None, bytes | None]]:
    read = project.git.read_blob
    paths = place.changed(offered.start, offered.commit)
    return [(path, read(f"{offered.start}:{path}"), read(f"{offered.commit}:{path}")) for path in paths]


def _stands(project: Project, offered: Offered, names: Names, id: str, parent: str) -> bool:
    """Whether a note has the text that the request began with, and its code is what it was then."""
    note = next((note for note in project.notes.notes if note.id == id), None)
    if note is None:
        return False
    before = project.git.read_blob(f"{offered.start}:{names.then(note.path)}")
    now = project.git.read_blob(f"{parent}:{note.path}")
    return before == now and next(moved_since(project, note, offered.head), None) is None
