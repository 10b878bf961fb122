"""Words that a model wrote and no person has read: edits that were applied without anybody accepting them.

A note's verification record holds the mark, by what the note says: it goes wherever the note goes, into every
clone, whatever becomes of a commit's message. Whoever accepts or edits the words, or verifies the note by
name, has read them; another file name or anchor is no reading. What a request brings has been read by whoever
merged it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from agentctx.freshness.answers import UNREAD
from agentctx.model import Note, Stamp

if TYPE_CHECKING:
    from agentctx.project import Project

WORDS = "written by a model, read by nobody yet"


def unread(project: Project) -> frozenset[str]:
    """Ids of the notes that are as a model left them, and that nobody has read."""
    notes, records = project.own_notes.notes, project.records
    marked = {id: record for id, record in records.items() if UNREAD in record}
    if not marked:
        return frozenset()
    ids = {note.id for note in notes}
    lost = [record for id, record in marked.items() if id not in ids]  # of notes under another name now
    mine = ((note, [marked.get(note.id, {})] if note.id in records else lost) for note in notes)
    return frozenset(note.id for note, found in mine if any(is_unread(note, record) for record in found))


def is_unread(note: Note, record: Mapping[str, Stamp]) -> bool:
    """Whether a record says that nobody has read what the note says now."""
    return UNREAD in record and record[UNREAD] == mark_of(note)


def mark_of(note: Note) -> Stamp:
    """What is put on record, under ``UNREAD``, of words that nobody has looked at."""
    said = " ".join((note.title, *note.body.split()))
    return Stamp(scheme=1, text=hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:32])


def still_unread(note: Note, record: Mapping[str, Stamp]) -> dict[str, Stamp]:
    """The mark, when a note has it: what is stamped without anybody reading the note keeps it."""
    return {UNREAD: record[UNREAD]} if is_unread(note, record) else {}


def unread_notice(ids: Collection[str]) -> tuple[str, ...]:
    """Which notes those are, and what to do, in one line, if there are any."""
    if not ids:
        return ()
    names = ", ".join(sorted(ids)[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
    return (f"{WORDS}: {names}; read them (`agentctx show NOTE`), then `agentctx verify NOTE`",)
