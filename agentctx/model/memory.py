"""Layers 2 and 3: what happened, what is known, and the state of the task in hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Episode:
    """Something that happened. Two clocks: when it happened and when it was learnt."""

    id: str
    namespace: str
    kind: Literal["message", "tool", "event", "commit", "note"]
    content: str
    occurred_at: str
    recorded_at: str
    actor: str = ""
    session_id: str = ""
    turn: int | None = None
    subject_id: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    git_commit: str = ""
    git_branch: str = ""
    git_path: str = ""
    expires_at: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A statement with a value: world time [valid_at, invalid_at), system time [recorded_at, retired_at)."""

    id: str
    namespace: str
    entity: str
    property: str
    value: Any
    statement: str
    valid_at: str
    recorded_at: str
    confidence: float = 1.0
    status: Literal["active", "superseded", "retracted", "disputed", "expired"] = "active"
    origin: Literal["human", "agent", "llm", "git", "import"] = "human"
    extractor: str = ""
    invalid_at: str = ""
    retired_at: str = ""
    expires_at: str = ""
    superseded_by: str = ""
    subject_id: str = ""
    git_commit: str = ""
    git_path: str = ""
    git_blob: str = ""
    verified_at: str = ""
    verified_commit: str = ""
    sources: tuple[tuple[str, str], ...] = ()
    """(kind, ref) pairs; kind is ``episode``, ``note``, ``commit`` or ``url``."""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkingContext:
    """The state of the task in hand: JSON with a version and a time to live."""

    namespace: str
    key: str
    value: Any
    version: int
    updated_at: str
    session_id: str = ""
    expires_at: str = ""
