"""Words that a model wrote and no person has read: edits that were applied without anybody accepting them.

A note's verification record names those words, each line and each sentence by a digest of its own: they stay
marked wherever they go, into every clone and through every merge, whatever becomes of the text around them
and of a commit's message. Whoever accepts or edits those very words, or verifies the note by name, has read
them; another file name, title or paragraph is no reading. What a request brings has been read by whoever
merged it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from agentctx.freshness.answers import UNREAD
from agentctx.model import Note, Stamp
from agentctx.notes.records import entries

if TYPE_CHECKING:
    from agentctx.project import Project

WORDS = "written by a model, read by nobody yet"
_MARKER = re.compile(r"\s*(?:(?:(?:[-*+>]|\d+[.)]|#+)\s+)+|\|)")
"""What begins a list item, a quotation, a heading or a row of a table."""
_SENTENCE_END = re.compile(r"[.!?\u3002\uff01\uff1f][)\]}\"'`*_]*$")
_WORD = re.compile(r"[^\W_]+")


def unread(project: Project) -> frozenset[str]:
    """Ids of the notes that hold words which a model wrote and nobody has read."""
    notes, records = project.own_notes.notes, project.records
    marked = {id: marks for id, record in records.items() if (marks := entries(record, UNREAD))}
    if not marked:
        return frozenset()
    ids = {note.id for note in notes}
    lost = [marks for id, marks in marked.items() if id not in ids]  # of notes under another name now
    found = {note.id for note in notes if is_unread(note, marked.get(note.id, {}))}
    bare = (note for note in notes if lost and note.id not in records)
    return frozenset(found.union(note.id for note in bare if any(_is_the_same(note, old) for old in lost)))


def is_unread(note: Note, record: Mapping[str, Stamp]) -> bool:
    """Whether a record says that nobody has read something that the note says now."""
    return bool(still_unread(note, record))


def marks_of(note: Note, before: Note | None) -> dict[str, Stamp]:
    """What is put on record of the words that an edit of ``before`` brought, and that nobody has looked at.
    They are all of the note's where the edit brought none: it took some away, or says what the note is."""
    words = _names(note)
    new = words - _names(before) if before else words
    return dict.fromkeys(sorted(new or words), Stamp())


def still_unread(note: Note, record: Mapping[str, Stamp]) -> dict[str, Stamp]:
    """The marks of words that a note still has: what is stamped without anybody reading it keeps them."""
    marks = entries(record, UNREAD)
    if not marks:
        return {}
    words = _names(note)
    whole = UNREAD in marks and marks[UNREAD].text == _digest_of_all(note)
    return {name: Stamp() for name in sorted(words) if whole or name in marks}


def unread_lines(note: Note, record: Mapping[str, Stamp]) -> frozenset[int]:
    """The lines of the note's text that hold such words, counted from 0; -1 is its title."""
    marks = still_unread(note, record)
    return frozenset(line for words, lines in _pieces(note) if _name(words) in marks for line in lines)


def unread_notice(ids: Collection[str]) -> tuple[str, ...]:
    """Which notes those are, and what to do, in one line, if there are any."""
    if not ids:
        return ()
    names = ", ".join(sorted(ids)[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
    return (f"{WORDS}: {names}; read them (`agentctx show NOTE`), then `agentctx verify NOTE`",)


def _is_the_same(note: Note, marks: Mapping[str, Stamp]) -> bool:
    """Whether marks whose note is gone are this one's: it has at least half of their words."""
    return 2 * len(still_unread(note, marks)) >= len(marks)


def _names(note: Note) -> set[str]:
    return {_name(words) for words, _ in _pieces(note)}


def _name(words: str) -> str:
    """The name under which words are on record. How they are wrapped, set off or punctuated says nothing."""
    plain = " ".join(_WORD.findall(words))
    return f"{UNREAD}:{hashlib.sha256(plain.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"


def _pieces(note: Note) -> Iterator[tuple[str, frozenset[int]]]:
    """A note's words line by line, as a merge takes them, and sentence by sentence, as they stay when
    somebody wraps a paragraph anew; with the lines that they stand in."""
    found = [(note.title, frozenset((-1,)))]
    sentence: list[str] = []
    first = 0
    for at, line in enumerate([*note.body.split("\n"), ""]):
        marker = _MARKER.match(line)
        if sentence and (marker or not line.strip()):
            found.append((" ".join(sentence), frozenset(range(first, at))))
            sentence = []
        said = line[marker.end() :] if marker else line
        found.append((said, frozenset((at,))))
        for word in said.split():
            first = first if sentence else at
            sentence.append(word)
            if _SENTENCE_END.search(word):
                found.append((" ".join(sentence), frozenset(range(first, at + 1))))
                sentence = []
    return ((words, lines) for words, lines in found if _WORD.search(words))


def _digest_of_all(note: Note) -> str:
    """What a mark that covers a whole text holds: there are records from before each line had its own."""
    said = " ".join((note.title, *note.body.split()))
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:32]
