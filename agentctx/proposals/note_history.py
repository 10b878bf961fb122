"""What earlier merges touched together: files, notes, and the titles under which it happened.

Grows by one merge at a time and is kept as JSON, so git is asked only for what is new. Nothing here
reads git: the caller gives one ``Merge`` per commit of the main line, oldest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentctx.model import Note
from agentctx.retrieval.tokens import tokenize

TITLES = 50
"""Newest titles of a note that are read."""
FILES_COUNTED = 40
"""Merges that change more files than this say little about which belong together: only titles count."""


@dataclass(frozen=True, slots=True)
class Merge:
    """One earlier change of the main line."""

    commit: str
    subject: str
    paths: tuple[str, ...]
    """Every changed path, code and documents."""
    sections: tuple[str, ...] = ()
    """Ids (``path#slug``) of the changed sections of documents, where they are known."""
    renames: tuple[tuple[str, str], ...] = ()
    """(old path, new path) pairs."""


def titles_of(history: NoteHistory, notes: Iterable[Note]) -> dict[str, tuple[str, ...]]:
    """Note id -> titles of the newest changes that touched it, oldest first; notes without any left out."""
    places = {note.id: history.of_note(note)[-TITLES:] for note in notes}
    return {
        id: tuple(history.merges[place].subject for place in found) for id, found in places.items() if found
    }


class NoteHistory:
    """Earlier merges by file, note and word of the title. Places in ``merges`` count from the oldest."""

    def __init__(self, merges: Iterable[Merge] = ()) -> None:
        self.merges: list[Merge] = []
        self._places: dict[str, list[int]] = {}
        """Path or section id -> places of the merges that touched it."""
        self._words: dict[str, list[int]] = {}
        """Word of a title -> places; filled on the first question."""
        self._read = 0
        self._sections: dict[str, set[str]] = {}
        """Document path -> ids of its sections that were ever touched."""
        for merge in merges:
            self.add(merge)

    @property
    def newest(self) -> str:
        """Commit of the last merge added: git is asked for what came after it. Empty at the start."""
        return self.merges[-1].commit if self.merges else ""

    def add(self, merge: Merge) -> None:
        """The next merge in time."""
        place = len(self.merges)
        self.merges.append(merge)
        for old, new in merge.renames:
            self._carry(old, new)
        if len(merge.paths) > FILES_COUNTED:
            return
        for path in dict.fromkeys(merge.paths):
            self._places.setdefault(path, []).append(place)
        for section in dict.fromkeys(merge.sections):
            self._places.setdefault(section, []).append(place)
            self._sections.setdefault(section.partition("#")[0], set()).add(section)

    def until(self, commit: str) -> NoteHistory:
        """The history as it was when a merge was the newest; empty when it is none of these."""
        places = [place for place, merge in enumerate(self.merges) if merge.commit == commit]
        return NoteHistory(self.merges[: places[-1] + 1] if places else ())

    def of_file(self, path: str) -> Sequence[int]:
        """Places of the merges that touched a path, oldest first."""
        return self._places.get(path, ())

    def of_note(self, note: Note) -> Sequence[int]:
        """Places of the merges that touched a note: its section of a document, or its whole file."""
        return self._places.get(key_of(note), ())

    def with_word(self, word: str) -> Sequence[int]:
        """Places of the merges that have a word (as ``tokenize`` gives it) in their title, oldest first."""
        for place in range(self._read, len(self.merges)):
            for found in dict.fromkeys(tokenize(self.merges[place].subject)):
                self._words.setdefault(found, []).append(place)
        self._read = len(self.merges)
        return self._words.get(word, ())

    def _carry(self, old: str, new: str) -> None:
        """After a rename the new path has the past of both."""
        moved = [(old, new)]
        for section in sorted(self._sections.get(old, ())):
            renamed = new + section[len(old) :]
            moved.append((section, renamed))
            self._sections.setdefault(new, set()).add(renamed)
        for before, after in moved:
            if places := self._places.get(before):
                self._places[after] = sorted({*self._places.get(after, ()), *places})

    def to_plain(self) -> dict[str, Any]:
        """JSON-able; ``from_plain`` reads it back."""
        rows = [[m.commit, m.subject, list(m.paths), list(m.sections), list(m.renames)] for m in self.merges]
        return {"version": 1, "merges": rows}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> NoteHistory:
        """The history that ``to_plain`` wrote; empty when it is of another version or no such thing."""
        history = cls()
        rows = plain.get("merges") if plain.get("version") == 1 else None
        try:
            for commit, subject, paths, sections, renames in rows or ():
                pairs = tuple((old, new) for old, new in renames)
                history.add(Merge(commit, subject, tuple(paths), tuple(sections), pairs))
        except (TypeError, ValueError, AttributeError):
            return cls()
        return history


def key_of(note: Note) -> str:
    """The name under which merges touch a note: a section's id, or the path of its own file."""
    return note.id if "#" in note.id else note.path
