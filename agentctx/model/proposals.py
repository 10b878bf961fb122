"""What a model may propose, what the checks say to it, and what one sync did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agentctx.model.changes import Affected, Change
from agentctx.model.notes import Note

OperationName = Literal[
    "keep",
    "replace_text",
    "replace_section",
    "append_section",
    "retitle",
    "retag",
    "set_status",
    "anchor",
    "new_note",
]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing a model (or a mechanical repair) may do to a note; there is no delete."""

    name: OperationName
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Edit:
    """Old and new bytes of one file: what accepting does, and what undo takes back."""

    path: str
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a check stopped an operation, or sent it to a person."""

    check: str
    reason: str
    severity: Literal["refused", "needs_review"] = "refused"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A suggested edit of one note, kept until somebody accepts or rejects it."""

    id: str
    sync: str
    note_id: str
    note_path: str
    note_digest: str
    """Digest of the note the proposal was made against."""
    operations: tuple[Operation, ...]
    why: str
    reasons: tuple[str, ...]
    """Why the note was found (from ``Affected``)."""
    origin: Literal["model", "repair"]
    commit: str
    """The source commit the change came from."""
    author: str = ""
    model: str = ""
    prompt_version: str = ""
    state: Literal["pending", "needs_review", "accepted", "rejected", "dropped"] = "pending"
    refusals: tuple[Refusal, ...] = ()
    code_diff: str = ""
    created: str = ""
    sources: tuple[str, ...] = ()
    """The commits that made it necessary, as far as they are known beside ``commit``."""


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What is asked of the model for one note."""

    note: Note
    affected: Affected
    change: Change
    excerpts: tuple[tuple[str, str], ...] = ()
    """(anchor or path, present text) pairs."""
    neighbours: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    whole: bool = True
    """False when the note was cut to fit: then it may only be appended to."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one sync did."""

    id: str
    base: str
    head: str
    affected: tuple[Affected, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    repaired: tuple[str, ...] = ()
    refused: tuple[tuple[str, Refusal], ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    """(note id, why) pairs: over a cap, remembered rejection, no provider."""
    calls: int = 0
    """Questions that a model answered; of a rehearsal, those that would be asked."""
    tokens: int = 0
    """Sent and received, estimated where the provider does not say."""
    cost: float = 0.0
    """At the configured prices, in their currency; 0 when there are none."""
    notices: tuple[str, ...] = ()
