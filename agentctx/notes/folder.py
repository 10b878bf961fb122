"""The context folder: finding and reading notes, and saving one without losing anybody's bytes.

What cannot be read as a note is named in ``NoteSet.problems``; it never stops the others from being read.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import stat
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from agentctx import globs
from agentctx.errors import AgentctxError, Busy, Conflict, InvalidInput, NotFound, UnsafeFile
from agentctx.files import locked, read_regular, remove_file, remove_temporaries, write_atomic
from agentctx.model import Kind, Note, NoteSet, Problem, Stamp
from agentctx.notes.plain import VERSION, note_from_plain, note_to_plain, problem_from_plain, problem_to_plain
from agentctx.notes.records import Record, parse_record, record_problems, render_record
from agentctx.notes.scan import FOLDERS, KINDS, entries, included_files, inside, note_files
from agentctx.text import did_you_mean, valid_id

__all__ = ["FOLDERS", "KINDS", "Folder"]

RECORDS = ".verified"
INCLUDE_LIMIT = 5_000
"""Included documents that are read at most; the rest is counted in a problem."""

Parsed = tuple[tuple[Note, ...], tuple[Problem, ...]]


class Folder:
    """The notes of one checkout. ``root`` is its top, ``context`` the folder under it (``agent-context``)."""

    def __init__(
        self, root: Path, context: str, include: Sequence[str] = (), lock: Path | None = None
    ) -> None:
        """``include``: globs of existing documentation. ``lock``: the lock file; the context folder itself
        is locked when there is none."""
        self.root = root
        self.context = context.strip("/")
        self.include = tuple(include)
        self.lock = lock
        self.parsed = 0
        """How many files the last ``read`` had to parse: with a cache, whether there is anything to store."""

    # ----------------------------------------------------------------------- reading

    def read(self, cache: dict[str, Any] | None = None, documents: dict[str, Any] | None = None) -> NoteSet:
        """Every note, every included section, and what could not be read: ``read_own``, ``read_included``."""
        own = self.read_own(cache)
        included = self.read_included(own, documents)
        return NoteSet((*own.notes, *included.notes), (*own.problems, *included.problems))

    def read_own(self, cache: dict[str, Any] | None = None) -> NoteSet:
        """The notes of the context folder.

        ``cache`` is a JSON-able mapping that the caller loads and stores: repository path to ``[version,
        size, mtime_ns, inode, notes, problems]`` with notes as ``plain`` writes them. It is brought up to
        date in place: a file is parsed again when any of the numbers differ.
        """
        self.parsed = 0
        reading = _Reading(self, {} if cache is None else cache)
        notes, problems = reading.own_notes()
        reading.forget_missing()
        return NoteSet(tuple(notes), tuple(problems))

    def read_included(self, own: NoteSet, cache: dict[str, Any] | None = None) -> NoteSet:
        """The sections of existing documents, those left out that are notes of our ``own``."""
        reading = _Reading(self, {} if cache is None else cache)
        found = NoteSet(*reading.documents({note.path for note in own.notes}))
        reading.forget_missing()
        return found

    def check(self, notes: NoteSet, paths: Collection[str]) -> list[Problem]:
        """Everything wrong with the notes, by path and line: reading, verification records, lint rules.

        ``paths``: the files of the repository, for dead anchors.
        """
        from agentctx.notes.lint import lint

        sources: dict[str, bytes] = {}
        for note in notes.notes:
            if not note.read_only:
                with suppress(AgentctxError):
                    sources[note.path] = self.read_bytes(note.path)
        found = [*notes.problems, *self.record_problems(), *lint(notes, paths, sources)]
        return sorted(found, key=lambda problem: (problem.path, problem.line, problem.code))

    def read_bytes(self, path: str) -> bytes:
        """The bytes of one note or document. Raises ``NotFound`` or ``UnsafeFile``."""
        return read_regular(self._target(path, own=False), root=self.root)

    def path_of(self, id: str) -> str:
        """The repository path of a note or of an included section. Raises ``NotFound``."""
        if "#" in id:
            path = id.partition("#")[0]
            if any(globs.matches(pattern, path) for pattern in self.include):
                return path
        files = [path for path, _ in note_files(self.root, self.context, [])]
        paths = [path for path in files if posixpath.basename(path) == f"{id}.md"]
        if not paths:
            ids = [posixpath.basename(path).removesuffix(".md") for path in files]
            near = did_you_mean(id, ids)
            hint = f"did you mean `{near}`?" if near else "`agentctx list` shows every note"
            raise NotFound(f"there is no note `{id}` in {self.context}/", hint)
        return min(paths)

    def read_record(self, id: str) -> str:
        """The text of a note's verification record, empty when it has none or cannot be read."""
        path = self.root / self.context / RECORDS / id
        return _text(path) if valid_id(id) and inside(path.parent, self.root) else ""

    def read_records(self, cache: dict[str, Any] | None = None) -> dict[str, str]:
        """The texts of all verification records by note id; ``cache`` as for ``read``, kept apart from it.

        Its entries are ``[version, size, mtime_ns, inode, text]``.
        """
        kept = {} if cache is None else cache
        found: dict[str, str] = {}
        folder = self.root / self.context / RECORDS
        for name, about in entries(folder) if inside(folder, self.root) else ():
            if not valid_id(name) or not stat.S_ISREG(about.st_mode):
                continue
            key = _key(about)
            entry = kept.get(name)
            if entry is None or entry[:4] != key:
                entry = [*key, _text(folder / name)]
                if _settled(about):
                    kept[name] = entry
            found[name] = entry[4]
        for name in kept.keys() - found.keys():
            del kept[name]
        return found

    def record(self, id: str) -> dict[str, Stamp]:
        """The stamps of one note's verification record by anchor text."""
        return parse_record(self.read_record(id))

    def records(self, cache: dict[str, Any] | None = None) -> dict[str, Record]:
        """The stamps of all verification records: note id to anchor text to stamp."""
        return {id: Record(text) for id, text in self.read_records(cache).items()}

    def record_problems(self) -> tuple[Problem, ...]:
        """What is wrong with verification records: conflict markers, torn lines."""
        return tuple(
            problem
            for id, text in sorted(self.read_records().items())
            for problem in record_problems(f"{self.context}/{RECORDS}/{id}", text)
        )

    # ----------------------------------------------------------------------- writing

    def save(self, path: str, data: bytes, expected_digest: str | None) -> None:
        """Write a note if its bytes are still those of ``expected_digest`` (``None``: it must not exist).

        Raises ``Conflict`` when somebody else wrote meanwhile; then nothing is changed.
        """
        target = self._target(path)
        with self._writing(target.parent):
            self._expect(target, path, expected_digest)
            write_atomic(target, data)

    def remove(self, path: str, expected_digest: str) -> None:
        """Delete a note if its bytes are still those of ``expected_digest``. Raises ``Conflict``."""
        target = self._target(path)
        with self._writing(target.parent):
            self._expect(target, path, expected_digest)
            remove_file(target)

    def edit(self, path: str, change: Callable[[bytes], bytes], attempts: int = 50) -> bytes:
        """Read, change, and save; done again when somebody else wrote meanwhile. Returns the new bytes.

        ``change`` is called without any lock held, and again for each attempt.
        """
        for attempt in range(1, attempts + 1):
            before = self.read_bytes(path)
            after = change(before)
            if after == before:
                return after
            try:
                self.save(path, after, hashlib.sha256(before).hexdigest())
                return after
            except (Conflict, Busy):
                if attempt == attempts:
                    raise
        raise Conflict(f"{path} was not changed")

    def write_record(self, id: str, stamps: Mapping[str, Stamp]) -> bool:
        """Write a note's verification record (an empty mapping removes it); True when its bytes changed."""
        if not valid_id(id):
            raise InvalidInput(f"`{id}` is not a note's id, so it has no verification record")
        target = self._target(f"{self.context}/{RECORDS}/{id}")
        with self._writing(target.parent):
            before = self.read_record(id)
            after = render_record(stamps, before)
            if after == before:
                return False
            if after:
                write_atomic(target, after.encode())
            else:
                remove_file(target)
            return True

    @contextmanager
    def _writing(self, folder: Path) -> Iterator[None]:
        """The one lock, and a folder free of what a crashed write left behind."""
        lock = self.lock
        if lock is None:
            lock = self.root / self.context
            lock.mkdir(parents=True, exist_ok=True)
        with locked(lock):
            remove_temporaries(folder)
            yield

    def _expect(self, target: Path, path: str, digest: str | None) -> None:
        try:
            present: str | None = hashlib.sha256(read_regular(target, root=self.root)).hexdigest()
        except NotFound:
            present = None
        if present == digest:
            return
        if digest is None:
            raise Conflict(f"{path} exists already", "choose another title, or edit that note")
        what = "was deleted" if present is None else "was changed by somebody else"
        raise Conflict(f"{path} {what} meanwhile; nothing was written", "read it again, then repeat the edit")

    def _target(self, path: str, own: bool = True) -> Path:
        """The place of a repository path; refused when it leaves the context folder or the repository."""
        names = path.split("/")
        if path.startswith("/") or "\0" in path or any(name in ("", ".", "..") for name in names):
            raise UnsafeFile(f"`{path}` is not a path in this repository")
        if own and not path.startswith(f"{self.context}/"):
            raise UnsafeFile(f"{path} is not in {self.context}/, so agentctx does not write it as a note")
        target = self.root / path
        if not inside(target.parent, self.root):
            raise UnsafeFile(
                f"{path} lies behind a symbolic link out of the repository", "replace the link by a folder"
            )
        return target


# --------------------------------------------------------------------------- one reading


class _Reading:
    """One pass over the files with the cache of the passes before."""

    def __init__(self, folder: Folder, cache: dict[str, Any]) -> None:
        self.folder, self.cache = folder, cache
        self.seen: set[str] = set()

    def own_notes(self) -> tuple[list[Note], list[Problem]]:
        notes: list[Note] = []
        problems: list[Problem] = []
        for path, about in note_files(self.folder.root, self.folder.context, problems):
            kind = KINDS[path[len(self.folder.context) + 1 :].split("/")[0]]
            found, wrong = self._parsed(path, about, partial(_own_note, kind))
            notes.extend(found)
            problems.extend(wrong)
        return _unique(notes, problems), problems

    def documents(self, own: set[str]) -> Parsed:
        notes: list[Note] = []
        problems: list[Problem] = []
        found_files = included_files(self.folder.root, self.folder.context, self.folder.include)
        files = [file for file in found_files if file[0] not in own]
        if len(files) > INCLUDE_LIMIT:
            message = f"`notes.include` means {len(files):,} files; the first {INCLUDE_LIMIT:,} are read"
            problems.append(
                Problem(self.folder.context, "too-many-files", message, "narrow the globs", 0, "warning")
            )
        for path, about in files[:INCLUDE_LIMIT]:
            found, wrong = self._parsed(path, about, _document_notes)
            notes.extend(found)
            problems.extend(wrong)
        return tuple(notes), tuple(problems)

    def _parsed(self, path: str, about: os.stat_result, read: Callable[[str, bytes], Parsed]) -> Parsed:
        """What a file holds: from the cache while its numbers are the same, else from its bytes."""
        self.seen.add(path)
        key = _key(about)
        entry = self.cache.get(path)
        if entry is not None and entry[:4] == key:
            notes = tuple([note_from_plain(plain) for plain in entry[4]])
            return notes, tuple([problem_from_plain(plain) for plain in entry[5]]) if entry[5] else ()
        self.cache.pop(path, None)
        try:
            data = read_regular(self.folder.root / path, root=self.folder.root)
        except AgentctxError as error:
            if isinstance(error, NotFound) and not stat.S_ISLNK(about.st_mode):
                return (), ()  # deleted since it was listed
            message = error.message.replace(f"{self.folder.root}{os.sep}", "")
            if message.startswith(f"{path} "):  # every finding is shown behind its path
                message = f"the note {message.removeprefix(path).lstrip()}"
            return (), (Problem(path, "unsafe-file", message, error.hint or "delete the link"),)
        self.folder.parsed += 1
        found, problems = read(path, data)
        if _settled(about):
            plain = [note_to_plain(note) for note in found]
            self.cache[path] = [*key, plain, [problem_to_plain(problem) for problem in problems]]
        return found, problems

    def forget_missing(self) -> None:
        for path in self.cache.keys() - self.seen:
            del self.cache[path]


def _text(record: Path) -> str:
    try:
        return read_regular(record).decode(errors="replace")
    except AgentctxError:
        return ""


def _own_note(kind: Kind, path: str, data: bytes) -> Parsed:
    from agentctx.notes.document import parse

    note, problems = parse(path, data, kind)
    if note is None and any(problem.code == "conflict-markers" for problem in problems):
        note = _conflicted(kind, path, data)
    return (note,) if note else (), problems


def _conflicted(kind: Kind, path: str, data: bytes) -> Note | None:
    """A note between two versions is listed by name; neither version of its text is served."""
    id = posixpath.basename(path).removesuffix(".md")
    digest = hashlib.sha256(data).hexdigest()
    return Note(id, path, kind, id, "", digest, status="conflicted") if valid_id(id) else None


def _document_notes(path: str, data: bytes) -> Parsed:
    from agentctx.notes.include import included

    return included(path, data)


def _unique(notes: list[Note], problems: list[Problem]) -> list[Note]:
    """Notes with an id of their own; of two with one id the later is quarantined, and both are named."""
    first: dict[str, Note] = {}
    for note in notes:
        other = first.setdefault(note.id, note)
        if other is note:
            continue
        for path, twin in ((note.path, other.path), (other.path, note.path)):
            hint = f"rename one of them: `git mv {note.path} ...`"
            problems.append(Problem(path, "duplicate-id", f"the id `{note.id}` is also that of {twin}", hint))
    return list(first.values())


def _key(about: os.stat_result) -> list[int]:
    return [VERSION, about.st_size, about.st_mtime_ns, about.st_ino]


def _settled(about: os.stat_result) -> bool:
    """Will every later write leave other numbers? Once the clock has moved past the file's time, yes (file
    systems that count whole seconds need two of them); never for a link, whose target may change."""
    if stat.S_ISLNK(about.st_mode):
        return False
    coarse = about.st_mtime_ns % 1_000_000_000 == 0
    return time.time_ns() - about.st_mtime_ns > (2_000_000_000 if coarse else 50_000_000)
