"""What freshness needs of a version of the repository: names, content ids, bytes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol


class Tree(Protocol):
    """One version of the repository's files: a commit, or the work tree over HEAD.

    ``git.WorkTree`` and ``git.RevTree`` satisfy it; tests use a dictionary.
    """

    def paths(self) -> Sequence[str]:
        """Every file, repository-relative, sorted; no symbolic links, no submodules."""

    def key(self, path: str) -> str:
        """Content id: git's object id, ``w:`` and a digest for uncommitted bytes, empty when absent."""

    def read(self, path: str) -> bytes | None:
        """The bytes, or None when the file is absent or cannot be read."""

    def others(self) -> frozenset[str]:
        """Symbolic links and submodules: they are there; what is behind them is not looked at."""


class Paths:
    """The file names of one tree, with the three questions that resolving an import asks.

    The answers to ``ending`` and ``inside`` come from tables that are built on the first question.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._all = frozenset(paths)
        self._by_name: dict[str, list[str]] = {}
        self._by_folder: dict[str, list[str]] = {}
        self._folders: set[str] = set()

    def __contains__(self, path: object) -> bool:
        return path in self._all

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._all))

    def ending(self, suffix: str) -> tuple[str, ...]:
        """Files that are ``suffix`` or end with ``/suffix`` (whole path parts), shortest first."""
        if not self._by_name:
            for path in self._all:
                self._by_name.setdefault(posixpath.basename(path), []).append(path)
        found = [
            p
            for p in self._by_name.get(posixpath.basename(suffix), ())
            if p == suffix or p.endswith("/" + suffix)
        ]
        return tuple(sorted(found, key=lambda p: (p.count("/"), p)))

    def is_folder(self, folder: str) -> bool:
        """Is there a folder of exactly this path?"""
        return self.has_folder(folder) and folder in self._folders

    def has_folder(self, folder: str) -> bool:
        """Is there a folder that is ``folder`` or ends with ``/folder``?"""
        if not self._folders:
            for path in self._all:
                folder_of = posixpath.dirname(path)
                while folder_of and folder_of not in self._folders:
                    self._folders.add(folder_of)
                    folder_of = posixpath.dirname(folder_of)
        return folder in self._folders or any(known.endswith("/" + folder) for known in self._folders)

    def inside(self, folder: str) -> tuple[str, ...]:
        """Files directly inside ``folder`` (empty for the repository's root), sorted."""
        if not self._by_folder:
            for path in self._all:
                self._by_folder.setdefault(posixpath.dirname(path), []).append(path)
        return tuple(sorted(self._by_folder.get(folder.rstrip("/"), ())))
