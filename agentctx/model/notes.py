"""What is read: notes, their sections and anchors, and what is wrong with an input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["decision", "pattern", "gotcha", "session", "document"]
"""Folder-given kind; ``document`` is a section of existing documentation found by ``notes.include``."""

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with an input, in words: where it is, what it is, and what to type."""

    path: str
    code: str
    """Stable machine name in kebab case, for example ``duplicate-key``."""
    message: str
    hint: str = ""
    line: int = 0
    """One-based; 0 when the whole file is meant."""
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a note claims something about: a file, a symbol in a file, or a glob (relevance only)."""

    path: str
    symbol: str = ""

    @property
    def is_glob(self) -> bool:
        return not self.symbol and any(c in self.path for c in "*?[")

    def __str__(self) -> str:
        return f"{self.path}#{self.symbol}" if self.symbol else self.path


@dataclass(frozen=True, slots=True)
class Section:
    """One heading and the text under it up to the next heading of any level.

    The text before the first heading is a section with an empty heading and level 0.
    ``start`` and ``end`` are offsets into ``Note.body`` (characters), heading line included.
    """

    heading: str
    level: int
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Note:
    """One note as read from disk; never written back from this value (writing splices bytes)."""

    id: str
    """File stem (``2026-04-15-auth-strategy``), or ``path#slug`` for an included section."""
    path: str
    kind: Kind
    title: str
    body: str
    """Text after the front matter, line endings normalised to LF."""
    digest: str
    """SHA-256 (hex) of the file's bytes; the token for compare-and-swap."""
    tags: tuple[str, ...] = ()
    status: str = "active"
    anchors: tuple[Anchor, ...] = ()
    supersedes: tuple[str, ...] = ()
    superseded_by: str = ""
    review_by: str = ""
    pinned: bool = False
    sections: tuple[Section, ...] = ()
    mentions: tuple[str, ...] = ()
    """Code spans of the body, in order, without duplicates."""
    read_only: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Front matter keys agentctx does not know, string-typed."""
    review_when: tuple[str, ...] = ()
    """Conditions as written, each of which asks for a review when it is met (``notes.conditions``)."""

    @property
    def anchored(self) -> bool:
        """Whether it names code that can be compared: a glob says only what the note is about."""
        return any(not anchor.is_glob for anchor in self.anchors)

    def shown(self, state: str) -> str:
        """The state in words for a reader: of a note without anchors nothing was compared."""
        return "no anchors" if state == "fresh" and not self.anchored else state


@dataclass(frozen=True, slots=True)
class NoteSet:
    """Everything found in the context folder and the included documents."""

    notes: tuple[Note, ...]
    problems: tuple[Problem, ...] = ()
    """Files that could not be read as notes (quarantined) and lint-grade findings of reading."""
