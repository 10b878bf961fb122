"""Which notes no longer hold, and what took their place: retired notes are history, not advice."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Sequence

from agentctx.model import Note

_REPLACED = re.compile(r"(?i)super[sc]eded\b[ \t]*(?:by\b[ \t:]*(.{0,300}))?")
_DROPPED = frozenset({"archived", "deprecated", "obsolete", "rejected", "withdrawn"})
_NUMBER = re.compile(r"(?i)(?:adr|rfc|decision|record)?[-_ #]{0,3}0{0,8}(\d{1,8})(?!\d)")


def is_record(note: Note) -> bool:
    """Is it a decision that a document of the repository records?"""
    return note.kind == "document" and "adr" in note.tags


def retired(notes: Sequence[Note]) -> dict[str, str]:
    """Note id -> ``superseded by X``, ``superseded``, ``archived`` ..., for those that no longer hold.

    X is the id of the successor if it is among the notes, else the note's own words.
    """
    successor = {old: new for new, old in pairs(notes)}
    words: dict[str, str] = {}
    for note in notes:
        if note.status == "active" and not note.superseded_by and note.id not in successor:
            continue
        status = note.status.strip()
        said = _REPLACED.match(status)
        by = successor.get(note.id) or note.superseded_by or (said[1] or "" if said else "").strip()
        if by:
            words[note.id] = f"superseded by {by}"
        elif said:
            words[note.id] = "superseded"
        elif status.lower() in _DROPPED:
            words[note.id] = status.lower()
    return words


def pairs(notes: Sequence[Note]) -> list[tuple[str, str]]:
    """(successor, superseded) by id, where both are among the notes; sorted, nothing with itself."""
    telling = [n for n in notes if n.superseded_by or n.supersedes or n.status != "active"]
    if not telling:
        return []
    names = _Names(notes)
    found: set[tuple[str, str]] = set()
    for note in telling:
        by = note.superseded_by or ((m[1] or "").strip() if (m := _REPLACED.match(note.status)) else "")
        found |= {(names.meant(by, note), note.id)} if by else set()
        if note.status.lower() not in _DROPPED:  # what was rejected took nobody's place
            found |= {(note.id, names.meant(old, note)) for old in note.supersedes}
    return sorted((new, old) for new, old in found if new and old and new != old)


class _Names:
    """What people call a note: its id, its path, and for a numbered record its file or number."""

    def __init__(self, notes: Sequence[Note]) -> None:
        self.ids = {note.id for note in notes}
        documents = [n for n in notes if n.kind == "document"]
        self.paths: dict[str, str] = {}
        for note in documents:
            self.paths.setdefault(note.path, note.id)
        numbers = [(_numbered(path), id) for path, id in self.paths.items()]
        several = Counter(key for key, _ in numbers)
        self.numbers = {key: id for key, id in numbers if key[1] and several[key] == 1}

    def meant(self, name: str, at: Note) -> str:
        """The id that a note calls so; ``""`` if there is none."""
        if name in self.ids:
            return name
        folder = posixpath.dirname(at.path)
        beside = posixpath.normpath(posixpath.join(folder, name))
        for path in (name, beside, f"{beside}.md"):
            if path in self.paths:
                return self.paths[path]
        return self.numbers.get((folder, _numbered(name)[1]), "")


def _numbered(path: str) -> tuple[str, str]:
    """(folder, number without its zeros) of ``docs/adr/0004-tokens.md`` or ``ADR-4``."""
    folder, name = posixpath.split(path)
    found = _NUMBER.match(name)
    return folder, found[1] if found else ""
