"""What arrived in a work tree, and the hooks that tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Pending:
    """The commits of a work tree that nobody has looked at yet: ``base..head``."""

    base: str
    """Commit id; equal to ``head`` when nothing is pending, empty when it cannot be known."""
    head: str
    """The commit that is checked out; empty in an unborn repository."""
    notice: str = ""
    """Why the range cannot be known, in words for a person."""

    @property
    def empty(self) -> bool:
        """True when there is nothing to look at."""
        return self.base == self.head


@dataclass(frozen=True, slots=True)
class HookState:
    """One git hook after installing, uninstalling or looking."""

    name: str
    """``post-merge``, ``pre-commit`` ..."""
    path: str
    """The file git runs, absolute."""
    outcome: Literal["created", "added", "updated", "present", "outdated", "removed", "absent", "refused"]
    """``refused``: somebody else's file that agentctx does not edit."""
    reason: str = ""
    by_hand: str = ""
    """What a person must add, and where, when it was refused."""


@dataclass(frozen=True, slots=True)
class Probed:
    """Whether git starts our part of a hook."""

    fired: bool | None
    """None when that could not be tried without running somebody else's lines."""
    words: str
