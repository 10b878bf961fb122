"""What is still true of notes: fingerprints of code, drift, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agentctx.model.notes import Anchor, Problem


@dataclass(frozen=True, slots=True)
class Stamp:
    """What anchored code looked like, in parts, under one fingerprint scheme.

    Each part is a short hex digest, empty when the part does not apply (``doc`` of a constant).
    ``text`` alone is used for files that have no syntax tree.
    """

    scheme: int = 1
    sig: str = ""
    body: str = ""
    doc: str = ""
    deps: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Symbol:
    """One named definition in one version of a file."""

    name: str
    """Qualified in the language's own way: ``Invoice.total``, ``(*Server).Serve``, ``Type::method``."""
    kind: str
    """``function``, ``class``, ``method``, ``constant``, ``module``, ``key``, ``heading`` ..."""
    stamp: Stamp
    """``deps`` is empty here; it needs other files and is filled by ``anchors``."""
    start_line: int
    end_line: int
    """One-based, inclusive, decorators and leading doc comments included."""
    references: tuple[str, ...] = ()
    """Names the symbol calls or reads, as written (``helper``, ``mod.helper``, ``self.rate``)."""
    value: str = ""
    """Literal value of a constant or key in normal form, else empty."""
    members: tuple[str, ...] = ()
    """Names used as members of something (``price`` of ``line.price``): the part of a type that counts."""
    types: tuple[str, ...] = ()
    """Names that stand in annotations alone: of these types only the members that are used count."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit as evidence."""

    id: str
    author: str
    date: str
    subject: str


DriftState = Literal[
    "unchanged",
    "cosmetic",
    "moved",
    "docstring",
    "dependency",
    "signature",
    "body",
    "gone",
    "unknown",
    "unverified",
]

FreshnessState = Literal["fresh", "moved", "suspect", "stale", "conflicted", "unverified", "unknown"]


@dataclass(frozen=True, slots=True)
class Drift:
    """What happened to one anchor since somebody last verified the note."""

    anchor: Anchor
    state: DriftState
    reason: str = ""
    """One sentence a stranger can follow, commit and author included where git knows them."""
    moved_to: str = ""
    """The new anchor text when ``state`` is ``moved``."""
    commits: tuple[Commit, ...] = ()
    """Commits that changed the anchored code since verification, newest first."""
    diff: str = ""
    """Unified diff of the symbol alone (filled on demand)."""
    witness: str = ""
    """What verification rests on: ``record``, ``history`` (mended together with code), or empty."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A code span of the body that was true when the note was verified and is not now, or never was."""

    text: str
    line: int
    state: Literal["broken", "changed", "unknown"]
    """``changed``: the value was true and is another one; ``unknown``: its file cannot be parsed."""
    reason: str
    now: str = ""
    """Where it went, or the present value."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """The verdict on one note: its state, and everything the verdict rests on."""

    id: str
    state: FreshnessState
    drifts: tuple[Drift, ...] = ()
    mentions: tuple[Mention, ...] = ()
    score: float = 1.0
    """0..1, the weight of this note in ranking (state and age)."""
    reasons: tuple[str, ...] = ()
    """Reasons that belong to no single anchor (review date, superseded, conflict markers)."""
    changed: Commit | None = None
    verified: Commit | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """Freshness of every note for one HEAD and one work tree. Deterministic: no clock, no machine path."""

    head: str
    """Commit id; empty in an unborn repository or outside git."""
    notes: tuple[Freshness, ...]
    problems: tuple[Problem, ...] = ()

    def by_id(self) -> dict[str, Freshness]:
        return {f.id: f for f in self.notes}
