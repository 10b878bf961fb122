"""The files of the repository at one moment: the work tree, or a commit.

Both answer ``paths``, ``key``, ``read`` and ``others``. ``WorkTree`` costs two processes, started side by
side; the bytes of what is clean are those of the commit (line endings as committed).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from functools import cached_property

from agentctx.errors import NotFound, UnsafeFile
from agentctx.files import glance, read_regular
from agentctx.git.listings import LIST_INDEX, STATUS, parse_index, parse_others, parse_status
from agentctx.git.objects import object_id
from agentctx.git.repository import Git

SOURCE_LIMIT = 8_000_000
"""Bytes up to which an uncommitted file is read; a larger one has a key but no content."""


class RevTree:
    """The files of one commit."""

    def __init__(self, git: Git, rev: str) -> None:
        self._git = git
        self._keys, self._others = git.entries(rev) if rev else ({}, frozenset())
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

    def others(self) -> frozenset[str]:
        """Symbolic links and submodules."""
        return self._others


class IndexTree(RevTree):
    """The files as they are staged: what the next commit will hold."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._keys, self._others = git.index_entries()
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
        self._others = parse_others(index)
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
        """The bytes on disk, of a clean file as they are committed; None when absent or unreadable."""
        if path in self._on_disk:
            return self._dirty(path)
        oid = self._keys.get(path)
        return self._committed(path, oid) if oid else None

    def _committed(self, path: str, oid: str) -> bytes | None:
        """What has this id: mostly what lies on disk, which is found out faster than git is asked. It is not
        where line endings are converted or a filter is set."""
        data = glance(f"{self._git.root}/{path}", SOURCE_LIMIT)
        is_it = data is not None and object_id(data, self._git.object_format) == oid
        return data if is_it else self._git.read_blob(oid)

    def others(self) -> frozenset[str]:
        """Symbolic links and submodules, untracked links too."""
        return self._links_now

    @cached_property
    def _links_now(self) -> frozenset[str]:
        changed = [path for path in self._on_disk if stat.S_ISLNK(self._mode(path))]
        return frozenset(changed) | (self._others - self._on_disk)

    def _mode(self, path: str) -> int:
        try:
            return (self._git.root / path).lstat().st_mode
        except OSError:
            return 0

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
