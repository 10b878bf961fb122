"""A repository kept open between calls: what was read stays read until something on disk is different.

What opening needs is imported on the first call: the first answer of a server must not wait for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentctx.project import Project

Signs = tuple[bytes, tuple[tuple[str, int, int], ...], str]


class Warm:
    """Answers with the same ``Project`` as long as HEAD, the work tree, the settings and the day stay."""

    def __init__(self, start: Path) -> None:
        self._start = start
        self._project: Project | None = None
        self._signs: Signs | None = None

    def project(self) -> Project:
        """The repository as it is now. Raises ``NotARepository`` as long as there is none."""
        from agentctx.git import Git
        from agentctx.project import Project

        git = self._project.git if self._project else Git.open(self._start)
        if self._project is None:
            self._project = Project(git)
            self._signs = signs(self._project)
            return self._project
        now = signs(self._project)
        if now != self._signs:
            self._project, self._signs = Project(git), now
        return self._project

    def changed(self) -> None:
        """Something was written through the project: read anew next time."""
        self._signs = None

    def close(self) -> None:
        """Let go of git."""
        if self._project:
            self._project.git.close()


def signs(project: Project) -> Signs:
    """Everything an answer depends on, by content id or by size and times: one git process."""
    from agentctx.config import sources
    from agentctx.git.listings import STATUS, parse_status

    status = project.git.run(*STATUS, check=False)
    paths = [project.root / path for path in parse_status(status).entries]
    paths += [project.root / path for path in sources(project.context)]
    paths += list(_own(project))
    today = type(project)(project.git).today
    return status, tuple(filter(None, map(_sign, paths))), today.isoformat()


def _own(project: Project) -> Iterator[Path]:
    """Notes and records, also where git ignores them, and what the notices are made of."""
    for folder, _, names in os.walk(project.root / project.context):
        yield from (Path(folder, name) for name in names if name != "index.json")
    if project.state.folder:
        yield project.state.folder / "proposals"
        yield project.state.folder / "worker.json"


def _sign(path: Path) -> tuple[str, int, int] | None:
    try:
        about = os.lstat(path)
    except OSError:
        return None
    return str(path), about.st_mtime_ns, about.st_size
