"""A repository kept open between calls: what was read stays read until something on disk is different.

What opening needs is imported on the first call: the first answer of a server must not wait for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import subprocess

    from agentctx.git import Git
    from agentctx.project import Project

T = TypeVar("T")
Sign = tuple[str, int, int, int]
"""Path, time, size and inode of a file; zeros when there is none."""


@dataclass(frozen=True, slots=True)
class Signs:
    """Everything an answer depends on, by content id or by size and times."""

    status: bytes
    """What ``git status`` says: HEAD, the branch, and every path that is not as it was committed."""
    files: tuple[Sign, ...]
    """What git status does not tell apart: edited files, ignored notes, refs, settings, our own state."""
    day: str


class Warm:
    """Answers with the same ``Project`` as long as HEAD, the work tree, the settings and the day stay."""

    def __init__(self, start: Path, memory_tools: bool = False) -> None:
        """``memory_tools``: an agent is shown every operation on memory."""
        self._start = start
        self.memory_tools = memory_tools
        self._project: Project | None = None
        self._signs: Signs | None = None

    def read(self, ask: Callable[[Project], T]) -> T:
        """What ``ask`` finds in the repository as it is now.

        It is asked at once of what is held, while git looks whether that still holds, and once more where
        it does not; so it must not write. Raises ``NotARepository`` as long as there is none.
        """
        held, known = self._project, self._signs
        if held is None or known is None:
            return ask(self.project())
        looking = begin_status(held.git)
        try:
            found = ask(held)
        except Exception:  # what is held may be half gone: only a second failure is one
            looking.communicate()
            return ask(self.project())
        if _outcome(looking, known) == known:
            return found
        return ask(self.project())

    def project(self) -> Project:
        """The repository as it is now. Raises ``NotARepository`` as long as there is none."""
        from agentctx.git import Git

        held, known = self._project, self._signs
        if held is not None and known is not None:
            if _outcome(begin_status(held.git), known) == known:
                return held
            return self._open(held.git)
        return self._open(held.git if held else Git.open(self._start))

    def _open(self, git: Git) -> Project:
        """Look first and read later: what changes in between is news at the next look."""
        from agentctx.project import Project, today

        status, _ = begin_status(git).communicate()
        self._project = Project(git)
        self._signs = Signs(status, tuple(map(_sign, watched(self._project, status))), today().isoformat())
        return self._project

    def changed(self) -> None:
        """Something was written through the project: read anew next time."""
        self._signs = None

    def close(self) -> None:
        """Let go of git."""
        if self._project:
            self._project.git.close()


def begin_status(git: Git) -> subprocess.Popen[bytes]:
    """Start ``git status``; the one process that it takes to see whether anything changed."""
    from agentctx.git.listings import STATUS

    return git.runner.start(*STATUS, discard_errors=True)


def _outcome(looking: subprocess.Popen[bytes], known: Signs) -> Signs:
    """The signs now, of the files that were looked at before."""
    from agentctx.project import today

    files = tuple([_sign(path) for path, *_ in known.files])
    status, _ = looking.communicate()
    return Signs(status, files, today().isoformat())


def watched(project: Project, status: bytes) -> Iterator[str]:
    """Files and folders to look at besides asking git; a folder stands before what is in it."""
    from agentctx.config import sources
    from agentctx.git.listings import parse_status

    root, git = project.root, project.git
    dirty = parse_status(status).entries
    yield from (str(root / path) for path in (*dirty, *sources(project.context)))
    tracked = frozenset(project.tree.paths()) - dirty.keys()
    for path in _below(root / project.context):
        if os.path.relpath(path, root) not in tracked and not path.endswith(f"{os.sep}index.json"):
            yield path
    yield from map(str, (git.git_dir / "HEAD", git.git_dir / "logs" / "HEAD"))
    yield from (str(git.common_dir / name) for name in ("config", "packed-refs", "reftable/tables.list"))
    yield from _below(git.common_dir / "refs" / "remotes")
    if project.state.folder:
        own = ("proposals", "worker.json", "refused.json", "deferred.json", "hooks-told.json")
        yield from (str(project.state.folder / name) for name in own)
        yield from _below(project.state.folder / "watermarks")


def _below(folder: Path) -> Iterable[str]:
    """A folder, then what is in it, links not followed."""
    yield str(folder)
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _below(Path(entry.path))
        else:
            yield entry.path


def _sign(path: str) -> Sign:
    try:
        about = os.lstat(path)
    except OSError:
        return path, 0, 0, 0
    return path, about.st_mtime_ns, about.st_size, about.st_ino
