"""The files of the repository at one moment: the work tree, or a commit.

Both answer ``paths``, ``key`` and ``read``. ``WorkTree`` costs two processes, started side by side; what
is clean is read from git's objects, so its bytes are those of the commit (line endings as committed).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agentctx.errors import NotFound, UnsafeFile
from agentctx.files import read_regular
from agentctx.git.runner import decode

if TYPE_CHECKING:
    from agentctx.git.repository import Git

LIST_INDEX = ("ls-files", "-s", "-z", "--full-name")
STATUS = (
    "status", "--porcelain=v2", "-z", "--branch", "--no-ahead-behind", "--no-renames",
    "--untracked-files=all", "--ignore-submodules=all",
)  # fmt: skip
SOURCE_LIMIT = 8_000_000
"""Bytes up to which an uncommitted file is read; a larger one has a key but no content."""

_REGULAR = ("100644", "100755")


def list_tree(rev: str) -> tuple[str, ...]:
    """The command whose output ``parse_tree`` reads."""
    return ("ls-tree", "-r", "-z", "--full-tree", rev)


def parse_tree(out: bytes) -> dict[str, str]:
    """path -> oid of the regular files in ``ls-tree -r -z`` output."""
    entries = (entry.partition("\t") for entry in decode(out).split("\0") if entry)
    return {path: about.split(" ")[2] for about, _, path in entries if about.startswith(_REGULAR)}


def parse_index(out: bytes) -> dict[str, str]:
    """path -> oid of the regular, merged files in ``ls-files -s -z`` output."""
    entries = (entry.partition("\t") for entry in decode(out).split("\0") if entry)
    return {
        path: about.split(" ")[1]
        for about, _, path in entries
        if about.startswith(_REGULAR) and about.endswith(" 0")
    }


@dataclass(frozen=True, slots=True)
class Status:
    """What ``git status`` says: the commit and branch checked out, and what differs from it."""

    head: str = ""
    """Commit id; empty in an unborn repository."""
    branch: str = ""
    """Short name; empty when HEAD is detached."""
    upstream: str = ""
    """The branch's upstream as ``origin/main``; empty without one."""
    entries: Mapping[str, str] = field(default_factory=dict)
    """path -> XY; ``??`` untracked."""


def parse_status(out: bytes) -> Status:
    """Reads ``status --porcelain=v2 -z --branch --no-renames``."""
    facts: dict[str, str] = {}
    entries: dict[str, str] = {}
    for record in decode(out).split("\0"):
        if record.startswith("# "):
            name, _, value = record[2:].partition(" ")
            facts[name] = value
        elif record.startswith("1 "):
            entries[record.split(" ", 8)[8]] = record[2:4]
        elif record.startswith("u "):
            entries[record.split(" ", 10)[10]] = record[2:4]
        elif record.startswith("? "):
            entries[record[2:]] = "??"
    head, branch = facts.get("branch.oid", ""), facts.get("branch.head", "")
    return Status(
        head="" if head == "(initial)" else head,
        branch="" if branch == "(detached)" else branch,
        upstream=facts.get("branch.upstream", ""),
        entries=entries,
    )


class RevTree:
    """The files of one commit."""

    def __init__(self, git: Git, rev: str) -> None:
        self._git = git
        self._keys = git.tree(rev) if rev else {}
        self.head = rev

    def paths(self) -> Sequence[str]:
        """Every regular file, sorted."""
        return sorted(self._keys)

    def key(self, path: str) -> str:
        """The blob's object id; empty when the commit has no such file."""
        return self._keys.get(path, "")

    def read(self, path: str) -> bytes | None:
        """The file's bytes; None when it is absent or not in this clone."""
        oid = self._keys.get(path)
        return self._git.read_blob(oid) if oid else None


class IndexTree(RevTree):
    """The files as they are staged: what the next commit will hold."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._keys = git.index_tree()
        self.head = git.head()


class WorkTree:
    """The files as they lie on disk now, untracked ones included, ignored ones not.

    A snapshot: what is dirty is read once, when first asked for.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        status, index = git.runner.run_all(STATUS, LIST_INDEX)
        self.status = parse_status(status)
        self._keys = parse_index(index)
        self._on_disk = {path for path, xy in self.status.entries.items() if xy[1] != "."}
        for path in self._on_disk:
            self._keys.pop(path, None)
        self._bytes: dict[str, bytes | None] = {}

    @property
    def head(self) -> str:
        """The commit under the work tree; empty in an unborn repository."""
        return self.status.head

    def paths(self) -> Sequence[str]:
        """Every regular file, sorted; deleted ones are not among them."""
        return sorted([*self._keys, *(path for path in self._on_disk if self._about(path) is not None)])

    def key(self, path: str) -> str:
        """Object id of clean content, ``w:`` and SHA-256 of uncommitted bytes, empty when absent."""
        if path not in self._on_disk:
            return self._keys.get(path, "")
        about = self._about(path)
        if about is None:
            return ""
        data = self._dirty(path)
        if data is None:  # too large or not readable: there, but of unknown content
            data = f"{about.st_size} {about.st_mtime_ns}".encode()
        return f"w:{hashlib.sha256(data).hexdigest()}"

    def read(self, path: str) -> bytes | None:
        """The bytes on disk, or in git's objects when they are the same; None when absent or unreadable."""
        if path in self._on_disk:
            return self._dirty(path)
        oid = self._keys.get(path)
        return self._git.read_blob(oid) if oid else None

    def _about(self, path: str) -> os.stat_result | None:
        """What the file system says of a regular file that is not clean; None for anything else."""
        if self.status.entries[path][1] == "D":
            return None
        try:
            about = (self._git.root / path).lstat()
        except OSError:
            return None
        return about if stat.S_ISREG(about.st_mode) else None

    def _dirty(self, path: str) -> bytes | None:
        if path not in self._bytes:
            self._bytes[path] = self._from_disk(path) if self._about(path) else None
        return self._bytes[path]

    def _from_disk(self, path: str) -> bytes | None:
        try:
            return read_regular(self._git.root / path, limit=SOURCE_LIMIT, root=self._git.root)
        except (NotFound, UnsafeFile):
            return None
