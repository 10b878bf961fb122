"""The notes of one version of the repository, a commit or the work tree, read through the same questions.

``folder`` reads and writes the disk; this only reads, and never follows a link, because trees have none.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Protocol

from agentctx import globs
from agentctx.model import Note, NoteSet, Problem, Stamp
from agentctx.notes.document import parse
from agentctx.notes.include import included
from agentctx.notes.records import parse_record
from agentctx.notes.scan import DEPTH_LIMIT, DOCUMENTS, KINDS
from agentctx.text import valid_id

LARGEST = 1_000_000
"""Bytes of a note; a larger one is named, not read."""
_NOT_NOTES = frozenset({"readme.md", "index.md"})
_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages"})


class Files(Protocol):
    """Any version of the repository's files."""

    def paths(self) -> Sequence[str]:
        """Every file, repository-relative."""

    def read(self, path: str) -> bytes | None:
        """Its bytes; None when it is absent."""


def notes_of(files: Files, context: str, include: Sequence[str] = ()) -> NoteSet:
    """Every note and every section of included documents, and what could not be read as one."""
    paths = files.paths()
    notes: dict[str, Note] = {}
    problems: list[Problem] = []
    for path in _note_paths(paths, context):
        note, wrong = _own(files, path, context)
        problems.extend(wrong)
        if note is not None and notes.setdefault(note.id, note) is not note:
            first = notes[note.id].path
            problems.append(Problem(path, "duplicate-id", f"the id `{note.id}` is also that of {first}"))
    own = {note.path for note in notes.values()}
    for path in document_paths(paths, context, include):
        data = files.read(path)
        if path not in own and data is not None and len(data) <= LARGEST:
            found, wrong = included(path, data)
            notes |= {note.id: note for note in found}
            problems.extend(wrong)
    return NoteSet(tuple(notes.values()), tuple(problems))


def records_of(files: Files, context: str) -> dict[str, dict[str, Stamp]]:
    """The stamps of all verification records: note id -> anchor text -> stamp."""
    folder = f"{context}/.verified/"
    names = [p.removeprefix(folder) for p in files.paths() if p.startswith(folder)]
    texts = {name: files.read(folder + name) for name in names if valid_id(name)}
    return {name: parse_record(data.decode(errors="replace")) for name, data in texts.items() if data}


def _own(files: Files, path: str, context: str) -> tuple[Note | None, tuple[Problem, ...]]:
    data = files.read(path)
    if data is None or len(data) > LARGEST:
        what = "cannot be read" if data is None else f"is larger than {LARGEST:,} bytes"
        return None, (Problem(path, "unsafe-file", f"{path} {what}"),)
    return parse(path, data, KINDS[path[len(context) + 1 :].split("/")[0]])


def _note_paths(paths: Sequence[str], context: str) -> Iterator[str]:
    for path in paths:
        if not path.startswith(f"{context}/") or not path.endswith(".md"):
            continue
        kind, *folders, name = path[len(context) + 1 :].split("/")
        hidden = any(part.startswith(".") for part in (*folders, name))
        if kind in KINDS and not hidden and len(folders) <= DEPTH_LIMIT and name.lower() not in _NOT_NOTES:
            yield path


def document_paths(paths: Sequence[str], context: str, include: Sequence[str]) -> Iterator[str]:
    """Those of ``paths`` whose sections are notes."""
    exact = {pattern for pattern in include if not any(c in pattern for c in "*?[")}
    wide = [pattern for pattern in include if pattern not in exact]
    for path in paths:
        if path.startswith(f"{context}/"):
            continue
        if path in exact or (_is_document(path) and any(globs.matches(pattern, path) for pattern in wide)):
            yield path


def _is_document(path: str) -> bool:
    folders = posixpath.dirname(path).split("/")
    skipped = any(name in _SKIPPED or name.startswith(".") for name in folders)
    return not skipped and path.lower().endswith(DOCUMENTS)
