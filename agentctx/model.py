"""The values that travel between modules: frozen, slotted, with the field's own terms.

Paths are repository-relative POSIX strings. Times are ISO 8601 strings with an offset, as git prints
them (``%cI``); nothing here reads a clock. Tuples, never lists, so a value can be shared and hashed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# --------------------------------------------------------------------------- notes

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


@dataclass(frozen=True, slots=True)
class NoteSet:
    """Everything found in the context folder and the included documents."""

    notes: tuple[Note, ...]
    problems: tuple[Problem, ...] = ()
    """Files that could not be read as notes (quarantined) and lint-grade findings of reading."""


# --------------------------------------------------------------------------- freshness


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
    """A code span of the body that was true when the note was verified and is not now."""

    text: str
    line: int
    state: Literal["broken", "changed"]
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


# --------------------------------------------------------------------------- retrieval


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


# --------------------------------------------------------------------------- changes


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


# --------------------------------------------------------------------------- the gate


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a note says that a branch makes false, or that was false before it."""

    note: str
    anchor: str
    """The anchor or the code span that is false; empty when the note as a whole is meant."""
    state: str
    """A state of a note, or ``unreadable`` (no longer a note), or ``affected`` (found by targeting alone)."""
    severity: Severity
    reason: str
    settle: str
    """The one shell command that settles it, after reading."""
    title: str = ""
    path: str = ""
    """The note's file."""
    line: int = 1
    code_path: str = ""
    """The file with the code in question; empty when it is not known or no longer there."""
    code_line: int = 0
    diff: str = ""
    """Unified diff of the symbol alone."""
    known: bool = False
    """False before the branch already: told, but nobody's fault here."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the gate found on one branch."""

    base: str
    """Commit id that the branch is to be merged into; empty for nothing at all."""
    merge_base: str
    """Commit id where the branch began."""
    head: str
    """Commit id of the branch; empty in an unborn repository."""
    worktree: bool = False
    """The files on disk were looked at, uncommitted changes included."""
    findings: tuple[Finding, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Must the branch not be merged as it is?"""
        return any(f.severity == "error" for f in self.findings)


# --------------------------------------------------------------------------- proposals

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
    tokens: int = 0
    notices: tuple[str, ...] = ()


# --------------------------------------------------------------------------- memory (layers 2 and 3)


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


# --------------------------------------------------------------------------- notes in git history


@dataclass(frozen=True, slots=True)
class NoteVersion:
    """What one commit of the mainline made of one note."""

    id: str
    commit: Commit
    path: str
    blob: str = ""
    note: Note | None = None
    """None when the commit removed the note."""
    boundary: bool = False
    """True at the edge of a shallow clone: the note is at least this old, perhaps older."""


@dataclass(frozen=True, slots=True)
class Landing:
    """One merge, or one commit that touched notes, as it arrived on the mainline."""

    commit: Commit
    body: str = ""
    """The whole message, subject included."""
    parents: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Ids of the notes it added, changed, removed or verified."""


@dataclass(frozen=True, slots=True)
class NoteHistory:
    """Everything git knows about the notes of one branch, oldest first, first-parent line only."""

    head: str
    versions: tuple[NoteVersion, ...] = ()
    landings: tuple[Landing, ...] = ()
    verified: tuple[tuple[str, Commit], ...] = ()
    """(note id, commit) pairs: the commits that wrote the note's verification record."""
    documents: tuple[NoteVersion, ...] = ()
    """Newest version of each included document (``id`` is its path, ``note`` stays None)."""
    problems: tuple[Problem, ...] = ()
    """Versions that could not be read as notes; they neither assert nor end a fact."""


# --------------------------------------------------------------------------- what arrived


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
