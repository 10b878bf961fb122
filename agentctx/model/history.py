"""Notes and merges as git's history knows them."""

from __future__ import annotations

from dataclasses import dataclass

from agentctx.model.freshness import Commit
from agentctx.model.notes import Note, Problem


@dataclass(frozen=True, slots=True)
class NoteVersion:
    """What one commit of the mainline made of one note."""

    id: str
    commit: Commit
    path: str
    blob: str = ""
    note: Note | None = None
    """None when the commit removed the note."""
    boundary: bool = False
    """True at the edge of a shallow clone: the note is at least this old, perhaps older."""


@dataclass(frozen=True, slots=True)
class Landing:
    """One merge, or one commit that touched notes, as it arrived on the mainline."""

    commit: Commit
    body: str = ""
    """The whole message, subject included."""
    parents: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Ids of the notes it added, changed, removed or verified."""


@dataclass(frozen=True, slots=True)
class NoteHistory:
    """Everything git knows about the notes of one branch, oldest first, first-parent line only."""

    head: str
    versions: tuple[NoteVersion, ...] = ()
    landings: tuple[Landing, ...] = ()
    verified: tuple[tuple[str, Commit], ...] = ()
    """(note id, commit) pairs: the commits that wrote the note's verification record."""
    problems: tuple[Problem, ...] = ()
    """Versions that could not be read as notes; they neither assert nor end a fact."""
