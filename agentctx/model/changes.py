"""A range of commits as one change, and the notes it touches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agentctx.model.freshness import Commit


@dataclass(frozen=True, slots=True)
class Hunk:
    """One hunk of a unified diff."""

    old_start: int
    new_start: int
    header: str
    """Text behind the second ``@@``: the enclosing definition as git guessed it."""
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    context: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of a diff."""

    path: str
    status: Literal["A", "M", "D", "R", "C", "T"]
    old_path: str = ""
    """Differs from ``path`` for renames and copies, else empty."""
    hunks: tuple[Hunk, ...] = ()
    binary: bool = False
    similarity: int = 0
    """Per cent, for renames and copies."""


@dataclass(frozen=True, slots=True)
class Change:
    """A range of commits seen as one change: what a merge brought."""

    base: str
    head: str
    files: tuple[FileChange, ...]
    subject: str = ""
    body: str = ""
    commits: tuple[Commit, ...] = ()
    unread: int = 0
    """Files of a change too large to be read whole that are not among ``files``."""


@dataclass(frozen=True, slots=True)
class Affected:
    """A note that a change touches."""

    id: str
    path: str
    score: float
    probability: float
    flag: bool
    """True when the note needs somebody (probability over the threshold, or false now)."""
    reasons: tuple[str, ...] = ()
