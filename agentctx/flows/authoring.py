"""What people and agents do to notes by command: write one, tie it to code, say that it is still true."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from agentctx.errors import Conflict, InvalidInput
from agentctx.flows.unread import still_unread
from agentctx.freshness.answers import CONDITIONS, MENTIONS, either, is_entry
from agentctx.freshness.mentions import claims
from agentctx.freshness.verify import checked_anchor, stamps_for
from agentctx.hygiene import redact
from agentctx.model import Anchor, Kind, Note, Problem, Stamp
from agentctx.notes.document import parse, parse_anchor
from agentctx.notes.scan import FOLDERS
from agentctx.notes.splice import new_note, set_field
from agentctx.project import Project
from agentctx.text import did_you_mean, slugify

DATED = ("decision", "session")
"""Kinds whose ids begin with the day: their order in time is part of what they say."""


@dataclass(frozen=True, slots=True)
class Written:
    """One note that was written or would be (``--dry-run``)."""

    id: str
    path: str
    anchors: tuple[str, ...]
    stamps: Mapping[str, Stamp]
    refused: str = ""
    """Why it was not verified, and what to do; empty when it was."""


def create(
    project: Project, kind: str, title: str, anchors: Sequence[str], tags: Sequence[str], body: str, dry: bool
) -> Written:
    """Write a note and verify it against the code as it is. Raises ``InvalidInput`` with what to type."""
    if kind not in FOLDERS:
        near = did_you_mean(kind, FOLDERS)
        hint = f"did you mean `{near}`?" if near else f"one of: {', '.join(FOLDERS)}"
        raise InvalidInput(f"there is no kind of note {kind!r}", hint)
    resolved = [_anchor(project, text) for text in anchors]
    _no_secret(f"{title}\n{body}", "the new note")
    data = new_note(title, tags, [str(a) for a in resolved], body)
    wanted = f"{project.today}-{slugify(title)}" if kind in DATED else slugify(title)
    folder = f"{project.context}/{FOLDERS[kind]}"
    note, problems = parse(f"{folder}/{wanted}.md", data, cast(Kind, kind))
    if note is None:
        raise InvalidInput(f"this note would not read back: {problems[0].message}", problems[0].hint)
    stamps = stamps_for(note, project.tree)
    for id in _free_ids(project, wanted):
        path = f"{folder}/{id}.md"
        if dry or _saved(project, path, data):
            break
    if stamps and not dry:
        project.folder.write_record(id, stamps)
    return Written(id, path, tuple(str(a) for a in resolved), _of_anchors(stamps))


def add_anchors(project: Project, name: str, anchors: Sequence[str], dry: bool) -> Written:
    """Add anchors to a note and stamp them (and only them: the others keep what was verified)."""
    note = _writable(project, name)
    resolved = [_anchor(project, text) for text in anchors]
    merged = (*note.anchors, *(a for a in resolved if a not in note.anchors))
    data = project.folder.read_bytes(note.path)
    new = set_field(data, "anchors", tuple(str(a) for a in merged))
    fresh = stamps_for(_with_anchors(note, tuple(resolved)), project.tree)
    known = project.folder.record(note.id)
    stamps = {**known, **_of_anchors(fresh)}
    if MENTIONS in fresh:  # what was true before stays a claim
        stamps[MENTIONS] = either(known.get(MENTIONS), fresh[MENTIONS])
    if CONDITIONS in fresh:
        stamps.setdefault(CONDITIONS, fresh[CONDITIONS])
    if not dry:
        if new != data:
            project.folder.save(note.path, new, note.digest)
        project.folder.write_record(note.id, stamps)
    return Written(note.id, note.path, tuple(str(a) for a in resolved), _of_anchors(fresh))


def verify(project: Project, names: Sequence[str], dry: bool) -> list[Written]:
    """Re-stamp notes that somebody has read and found true; without names, every note that says something
    about the code.

    A note that states a value which the code contradicts is not true: named, it raises ``InvalidInput`` and
    nothing is written; else it comes back ``refused``.
    """
    notes = [_writable(project, name) for name in names] or list(project.own_notes.notes)
    false = _false_values(project, notes)
    if false and names:
        raise InvalidInput(*next(iter(false.values())))
    written = [Written(n.id, n.path, (), {}, "; ".join(false[n.id])) for n in notes if n.id in false]
    notes = [note for note in notes if note.id not in false]
    known = project.assessor.known(notes, project.folder.records())
    project.assessor.read_ahead(notes)
    for note in notes:
        stamps = {**stamps_for(note, project.tree, project.assessor.code), **known.get(note.id, {})}
        if not stamps and not note.anchors and not names:
            continue  # it says nothing that could be found false
        missing = [str(a) for a in note.anchors if not a.is_glob and str(a) not in stamps]
        if missing and names:
            raise InvalidInput(
                f"{note.id} cannot be verified: {missing[0]} is not in the code",
                f"edit its anchors in {note.path}, or type `agentctx anchor {note.id} PATH#SYMBOL`",
            )
        if not names:
            stamps |= still_unread(note, project.folder.record(note.id))
        if not dry:
            project.folder.write_record(note.id, stamps)
            _move_review_on(project, note)
        anchors = tuple(str(a) for a in note.anchors)
        written.append(Written(note.id, note.path, anchors, _of_anchors(stamps)))
    project.assessor.keep_code()
    return written


def _false_values(project: Project, notes: Sequence[Note]) -> dict[str, tuple[str, str]]:
    """By note id, a value in its text that is another one in the code, and the remedy."""
    stating = {n.id: {c.text for c in claims(n) if c.kind == "value"} for n in notes}
    if not any(stating.values()):
        return {}
    verdicts = project.index.by_id()
    found: dict[str, tuple[str, str]] = {}
    for note in notes:
        for mention in verdicts[note.id].mentions:
            if mention.text in stating[note.id] and mention.now and note.id not in found:
                said = f"{note.id} is not verified: it says `{mention.text}`, and the value is {mention.now}"
                place = f"{note.path}:{mention.line}"
                found[note.id] = (said, f"correct {place}; when other code is meant, say so in plain words")
    return found


def _of_anchors(stamps: Mapping[str, Stamp]) -> dict[str, Stamp]:
    return {name: stamp for name, stamp in stamps.items() if not is_entry(name)}


def _move_review_on(project: Project, note: Note) -> None:
    """A review date that has passed moves on by half a year when somebody says the note still holds."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", note.review_by) or note.review_by > project.today.isoformat():
        return
    from datetime import timedelta

    data = project.folder.read_bytes(note.path)
    later = (project.today + timedelta(days=182)).isoformat()
    project.folder.save(note.path, set_field(data, "review_by", later), note.digest)


def _writable(project: Project, name: str) -> Note:
    note = project.note(name)
    if note.read_only:
        raise InvalidInput(
            f"{note.id} is a section of {note.path}, which agentctx only reads",
            "edit the document itself, or write a note about it with `agentctx new`",
        )
    if note.status == "conflicted":
        raise InvalidInput(
            f"{note.path} holds merge conflict markers", "edit the file and delete the marker lines"
        )
    return note


def _anchor(project: Project, text: str) -> Anchor:
    parsed = parse_anchor(_from_here(project, text))
    if isinstance(parsed, Problem):
        raise InvalidInput(parsed.message, parsed.hint)
    return checked_anchor(parsed, project.tree)


def _from_here(project: Project, text: str) -> str:
    """A path that begins with ``./`` or ``../`` means the folder one stands in; others begin at the top."""
    path, mark, symbol = text.partition("#")
    if not path.startswith(("./", "../")):
        return text
    inside = os.path.relpath(Path.cwd() / path, os.path.realpath(project.root)).replace(os.sep, "/")
    return text if inside.startswith("../") else f"{inside}{mark}{symbol}"


def _with_anchors(note: Note, anchors: tuple[Anchor, ...]) -> Note:
    from dataclasses import replace

    return replace(note, anchors=anchors)


def _saved(project: Project, path: str, data: bytes) -> bool:
    """False when somebody took the name in this very moment."""
    try:
        project.folder.save(path, data, None)
    except Conflict:
        return False
    return True


def _free_ids(project: Project, wanted: str) -> Iterator[str]:
    """The wanted id, then the same with a number; what was taken when the notes were read is left out."""
    taken = {n.id for n in project.own_notes.notes} | {
        p.path.rpartition("/")[2].removesuffix(".md") for p in project.own_notes.problems
    }
    names = (wanted, *(f"{wanted}-{n}" for n in range(2, 10_000)))
    return (name for name in names if name not in taken)


def _no_secret(text: str, where: str) -> None:
    found = redact(text).findings
    if found:
        raise InvalidInput(
            f"{where} holds what looks like a secret ({found[0].rule}, line {found[0].line})",
            "take it out; notes are committed and shown to every agent",
        )
