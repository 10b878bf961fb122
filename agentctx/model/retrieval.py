"""What a session asks for, and the briefing that it gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agentctx.model.freshness import FreshnessState
from agentctx.model.notes import Kind


@dataclass(frozen=True, slots=True)
class Query:
    """What the coming session is about."""

    text: str = ""
    files: tuple[str, ...] = ()
    """Paths named by the person or the task."""
    changed: tuple[str, ...] = ()
    """Paths changed in the work tree or on this branch against its base."""
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """One note in rank order."""

    id: str
    score: float
    reasons: tuple[str, ...] = ()


Shape = Literal["whole", "sections", "line"]


@dataclass(frozen=True, slots=True)
class BriefingItem:
    """One note as it appears in a briefing."""

    id: str
    path: str
    kind: Kind
    title: str
    state: FreshnessState
    reasons: tuple[str, ...]
    text: str
    """What is shown of the note, cleaned of control and hidden characters."""
    shape: Shape
    trusted: bool = True
    origin: str = ""
    """Where these bytes come from, in words (``origin/main``, ``uncommitted``, ``branch x``)."""
    score: float = 0.0
    retired: str = ""
    """``superseded by X``, ``archived`` ... of a note that no longer holds; empty for the others."""
    anchored: bool = True
    """Whether its state rests on code it names; without, nothing but words could speak against it."""
    unread: bool = False
    """Whether a model wrote its last words and no person of this clone has read them."""


@dataclass(frozen=True, slots=True)
class Briefing:
    """What an agent sees before its first turn, already inside its budgets."""

    head: str
    items: tuple[BriefingItem, ...]
    left_out: tuple[str, ...] = ()
    """Ids that did not fit, best first."""
    notices: tuple[str, ...] = ()
    """One line each: pending proposals, failed worker, quarantined notes, missing hooks."""
    text: str = ""
    bytes: int = 0
    tokens: int = 0
