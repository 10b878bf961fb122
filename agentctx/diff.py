"""Reads what ``git diff`` prints into values, in one pass and without trusting any line's look.

Hunks are consumed by the counts in their ``@@`` lines, so changed lines that look like headers
(``--- a/x``, ``diff --git``) stay content. Nothing raises: what is not understood is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from agentctx.model import FileChange, Hunk

Status = Literal["A", "M", "D", "R", "C", "T"]

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)", re.DOTALL)
_SIDE_PREFIX = re.compile(r"[abciow]/")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(.))", re.DOTALL)
_LETTERS = {
    b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r",
}  # fmt: skip


def parse_patch(patch: str) -> tuple[FileChange, ...]:
    """The files of a patch in ``git diff`` format, in its order.

    ``patch`` is git's output decoded as UTF-8 (``surrogateescape`` keeps foreign bytes) with git's
    usual ``a/`` and ``b/`` prefixes. Lines end at ``\\n`` only; a ``\\r`` before it stays part of the
    line. Binary files have no hunks. A type change (file to link) is one change with status ``T``.
    Files of a combined diff (``diff --cc``) are reported as changed, without hunks.
    """
    return tuple(_join_type_changes(_Reader(patch).files()))


@dataclass(slots=True)
class _Draft:
    """One file while its lines are being read."""

    header: str
    """Both names of ``diff --git``; empty for a combined diff, whose lines are not read."""
    status: Status = "M"
    path: str = ""
    old_path: str = ""
    hunks: list[Hunk] = field(default_factory=list)
    binary: bool = False
    similarity: int = 0

    def finish(self) -> FileChange | None:
        path = self.path or _header_path(self.header)
        if not path:
            return None
        old = self.old_path if self.status in ("R", "C") else ""
        return FileChange(path, self.status, old, tuple(self.hunks), self.binary, self.similarity)


class _Reader:
    """Walks the lines once; ``at`` is the next line to read."""

    def __init__(self, patch: str) -> None:
        self.lines = patch.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        self.at = 0

    def files(self) -> Iterable[FileChange]:
        draft: _Draft | None = None
        while self.at < len(self.lines):
            line = self.lines[self.at]
            self.at += 1
            if line.startswith("diff --"):
                if draft and (done := draft.finish()):
                    yield done
                draft = _start(line)
            elif draft is None:
                continue
            elif line.startswith("@@ ") and (found := _HUNK.match(line)):
                draft.hunks.append(self.hunk(found))
            elif draft.header and not draft.hunks:
                _read_header(draft, line)
        if draft and (done := draft.finish()):
            yield done

    def hunk(self, found: re.Match[str]) -> Hunk:
        """The lines that the ``@@`` line counts; a patch that was cut off ends the hunk early."""
        old_start, old_count, new_start, new_count, header = found.groups()
        old_left, new_left = int(old_count or "1"), int(new_count or "1")
        removed: list[str] = []
        added: list[str] = []
        context: list[str] = []
        while (old_left > 0 or new_left > 0) and self.at < len(self.lines):
            line = self.lines[self.at]
            mark = line[:1]
            if mark == "-":
                removed.append(line[1:])
                old_left -= 1
            elif mark == "+":
                added.append(line[1:])
                new_left -= 1
            elif mark in (" ", "", "\r"):  # mail and editors strip the blank of an empty context line
                context.append(line[1:] if mark == " " else line)
                old_left -= 1
                new_left -= 1
            elif mark != "\\":  # "\ No newline at end of file" is about the line before
                break
            self.at += 1
        return Hunk(
            int(old_start), int(new_start), header.rstrip("\r"), tuple(removed), tuple(added), tuple(context)
        )


def _start(line: str) -> _Draft | None:
    for command in ("diff --cc ", "diff --combined "):
        if line.startswith(command):
            return _Draft(header="", path=_plain(line[len(command) :]))
    if line.startswith("diff --git "):
        return _Draft(header=line[len("diff --git ") :])
    return None


def _read_header(draft: _Draft, line: str) -> None:
    """One line between ``diff --git`` and the first hunk."""
    if line.startswith("--- "):
        # Only a deletion is named here alone; every other status takes the new side's name.
        draft.path = draft.path or _side(line[4:])
    elif line.startswith("+++ "):
        draft.path = _side(line[4:]) or draft.path
    elif line.startswith("new file mode "):
        draft.status = "A"
    elif line.startswith("deleted file mode "):
        draft.status = "D"
    elif line.startswith(("rename from ", "copy from ")):
        kind, _, name = line.partition(" from ")
        draft.status, draft.old_path = ("R" if kind == "rename" else "C"), _plain(name)
    elif line.startswith(("rename to ", "copy to ")):
        draft.path = _plain(line.partition(" to ")[2])
    elif line.startswith("similarity index "):
        digits = line[len("similarity index ") :].rstrip("%\r")
        draft.similarity = int(digits) if digits.isascii() and digits.isdigit() else 0
    elif line.startswith(("Binary files ", "GIT binary patch")):
        draft.binary = True


def _side(name: str) -> str:
    """The path of a ``---`` or ``+++`` line; empty for ``/dev/null``."""
    # git ends a name that holds blanks with a tab, so that patch(1) finds its end.
    name = _plain(name.rstrip("\r").removesuffix("\t"))
    return "" if name == "/dev/null" else _SIDE_PREFIX.sub("", name, count=1)


def _header_path(names: str) -> str:
    """The path of ``a/NAME b/NAME`` when no other line named it (mode changes, empty and binary files).

    Both sides name one file then, so unquoted names split in the middle, whatever blanks they hold.
    """
    names = names.rstrip("\r")
    if found := _QUOTED.match(names):
        return _side(found[0])
    left = names[: len(names) // 2]
    right = names[len(names) // 2 + 1 :]
    if _side(left) != _side(right):
        return ""
    return _side(left)


def _plain(name: str) -> str:
    """A name as git wrote it, with C-style quoting undone."""
    name = name.rstrip("\r")
    if not (len(name) >= 2 and name[0] == name[-1] == '"'):
        return name
    raw = name[1:-1].encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(_unescape, raw).decode("utf-8", "surrogateescape")


def _unescape(found: re.Match[bytes]) -> bytes:
    octal, letter = found[1], found[2]
    if octal is not None:
        return bytes([int(octal, 8) & 0xFF])
    return _LETTERS.get(letter, letter)


def _join_type_changes(files: Iterable[FileChange]) -> Iterable[FileChange]:
    """git prints a type change as a deletion and an addition of one path, one after the other."""
    before: FileChange | None = None
    for file in files:
        if before and before.path == file.path and (before.status, file.status) == ("D", "A"):
            before = replace(file, status="T", hunks=before.hunks + file.hunks)
            continue
        if before:
            yield before
        before = file
    if before:
        yield before
