"""A commit in the making: what is staged, and what it comes after."""

from __future__ import annotations

from functools import cache, cached_property
from pathlib import Path

from agentctx.git import Git, IndexTree

PARTIAL = "next-index-"
"""``git commit PATH`` builds the commit in an index of its own that the next one does not see."""


class Making:
    """A commit in the making: what is staged, asked of git once."""

    def __init__(self, git: Git) -> None:
        self.git = git
        self.staged = cache(self._staged)

    @cached_property
    def tree(self) -> IndexTree:
        """The files as they will be in it."""
        return IndexTree(self.git)

    @property
    def partial(self) -> bool:
        """Whether git made an index for this commit alone."""
        return Path(self.git.runner.index_file).name.startswith(PARTIAL)

    def parent(self, amends: bool) -> str:
        """The commit that this one comes after; the empty tree for the first one."""
        if not amends:
            return self.tree.head or self.git.empty_tree
        out = self.git.run("rev-parse", "--verify", "-q", "HEAD^^{commit}", check=False)
        return out.decode().strip() or self.git.empty_tree

    def _staged(self, parent: str) -> tuple[tuple[str, str, str], ...]:
        """(status, path in ``parent``, path now) of the files that differ from a commit; renames found."""
        out = self.git.run("diff", "--cached", "--name-status", "-M", "-z", "--no-ext-diff", parent)
        parts, found = iter(out.decode("utf-8", "surrogateescape").split("\0")), []
        for status in parts:
            if status:
                old = next(parts)
                found.append((status[0], old, next(parts) if status[0] in "RC" else old))
        return tuple(found)
