"""The repository as it will be once the open request is merged: today's code with the request's notes.

What is mended on the request already is not asked about again, and a further edit is made to its words. The
work tree is left alone: the notes are laid over it in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from agentctx.errors import NotFound
from agentctx.freshness.index import Assessor
from agentctx.git import Git, WorkTree
from agentctx.model import NoteSet, Stamp
from agentctx.notes.folder import Folder
from agentctx.notes.snapshot import notes_of, records_of
from agentctx.project import Project
from agentctx.revision import KnownDefinitions

Laid = Mapping[str, bytes | None]
"""Path -> bytes of a file as the request has it; None where it takes the file away."""


class WithRequest(Project):
    """A project whose notes and records are those of an open request. Nothing is written through it."""

    def __init__(self, project: Project, tip: str, paths: Sequence[str]) -> None:
        """``paths``: what the commit ``tip`` changed in the context folder."""
        super().__init__(project.git)
        self.laid = {path: project.git.read_blob(f"{tip}:{path}") for path in paths}

    @cached_property
    def tree(self) -> WorkTree:
        return _Tree(self.git, self.laid)

    @cached_property
    def folder(self) -> Folder:
        return _Folder(self.root, self.context, self.laid)

    @cached_property
    def notes(self) -> NoteSet:
        return notes_of(self.tree, self.context, self.config.notes.include)

    @cached_property
    def records(self) -> Mapping[str, Mapping[str, Stamp]]:
        return records_of(self.tree, self.context)

    @cached_property
    def assessor(self) -> Assessor:
        known = KnownDefinitions(self.state)
        return Assessor(self.git, self.tree, known, self.config.half_life, self.context)


class _Tree(WorkTree):
    """The files as they are, with the request's in their place."""

    def __init__(self, git: Git, laid: Laid) -> None:
        super().__init__(git)
        self._laid = laid

    def paths(self) -> Sequence[str]:
        gone = {path for path, data in self._laid.items() if data is None}
        return sorted({*super().paths(), *self._laid} - gone)

    def key(self, path: str) -> str:
        if path not in self._laid:
            return super().key(path)
        data = self._laid[path]
        return "" if data is None else f"w:{hashlib.sha256(data).hexdigest()}"

    def read(self, path: str) -> bytes | None:
        return self._laid[path] if path in self._laid else super().read(path)


class _Folder(Folder):
    """The notes' files as they are, with the request's in their place."""

    def __init__(self, root: Path, context: str, laid: Laid) -> None:
        super().__init__(root, context)
        self._laid = laid

    def read_bytes(self, path: str) -> bytes:
        data = self._laid.get(path)
        if data is not None:
            return data
        if path in self._laid:
            raise NotFound(f"{path} is taken away by the open request")
        return super().read_bytes(path)
