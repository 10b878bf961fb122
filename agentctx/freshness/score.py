"""From drifts to a verdict, and from the verdict and age to a weight for ranking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache

from agentctx.model import Drift, DriftState, FreshnessState, Mention, Note

HALF_LIVES: Mapping[str, int] = {
    "session": 14,
    "gotcha": 180,
    "pattern": 365,
    "decision": 730,
    "document": 730,
}
"""Days after which a note of a kind weighs half."""

_OF_DRIFT: Mapping[DriftState, FreshnessState] = {
    "unchanged": "fresh",
    "cosmetic": "fresh",
    "moved": "moved",
    "docstring": "suspect",
    "dependency": "suspect",
    "signature": "stale",
    "body": "stale",
    "gone": "stale",
    "unknown": "unknown",
    "unverified": "unverified",
}
_OF_MENTION: Mapping[str, FreshnessState] = {"changed": "stale", "broken": "suspect", "unknown": "unknown"}
_WORST_FIRST: tuple[FreshnessState, ...] = (
    "conflicted",
    "stale",
    "suspect",
    "moved",
    "unknown",
    "unverified",
    "fresh",
)
_WEIGHT: Mapping[FreshnessState, float] = {
    "fresh": 1.0,
    "moved": 0.95,
    "unverified": 0.85,
    "unknown": 0.85,
    "suspect": 0.75,
    "stale": 0.5,
    "conflicted": 0.3,
}
CUT_OFF = "the clone is shallow and does not say since when: git fetch --unshallow"
"""Ends the reason of a drift that another clone would know."""
_INACTIVE = 0.2
_LEAST_FOR_AGE = 0.5


@dataclass(frozen=True, slots=True)
class Ageing:
    """What time it is taken to be, and how fast notes fade."""

    today: str = ""
    """ISO date; empty leaves review dates and age out of the verdict."""
    half_lives: Mapping[str, int] = field(default_factory=lambda: HALF_LIVES)


def state_of(
    drifts: Iterable[Drift], mentions: Iterable[Mention] = (), reasons: Sequence[str] = ()
) -> FreshnessState:
    """The worst of everything the verdict rests on. A reason of its own makes a note suspect."""
    found: set[FreshnessState] = {_OF_DRIFT[drift.state] for drift in drifts}
    found |= {_OF_MENTION[mention.state] for mention in mentions}
    if reasons:
        found.add("suspect")
    return next((state for state in _WORST_FIRST if state in found), "fresh")


def is_cut_off(drift: Drift) -> bool:
    """Is the code another one than on record, while history that may have mended the note is not here?"""
    return drift.state == "unknown" and drift.reason.endswith(CUT_OFF)


def is_conflicted(note: Note) -> bool:
    """Does the note's text hold a merge conflict?"""
    if note.status == "conflicted" or "<<<<<<<" not in note.body:
        return note.status == "conflicted"
    from agentctx.notes.markers import regions

    return bool(regions(note.body))


def is_about_no_code(note: Note) -> bool:
    """Can nothing but words tell that this note is out of date?"""
    return note.status == "active" and not note.read_only and all(a.is_glob for a in note.anchors)


def asks_for_review(note: Note) -> bool:
    """Does the note name conditions, not only a date?"""
    return bool(note.review_when) or (bool(note.review_by) and _date(note.review_by) is None)


def review_reasons(note: Note, today: str) -> tuple[str, ...]:
    """A reason when the date on which the note asks to be read again has come."""
    if not today or not note.review_by:
        return ()
    due, now = _date(note.review_by), _date(today)
    if due is None or now is None or now < due:
        return ()
    return (overdue(note),)


def overdue(note: Note) -> str:
    """The reason that comes with a day; every other reason stands in the tree and its history."""
    return f"its review date {note.review_by} has passed"


def superseded(notes: Sequence[Note]) -> dict[str, tuple[str, ...]]:
    """Id -> reasons, for every active note that another active note replaces."""
    active = {note.id: note for note in notes if note.status == "active"}
    pairs = {(old, new.id) for new in active.values() for old in new.supersedes}
    pairs |= {(old.id, old.superseded_by) for old in active.values() if old.superseded_by}
    found: dict[str, tuple[str, ...]] = {}
    for old, new in sorted(pairs):
        if old in active and new in active and old != new:
            found[old] = (*found.get(old, ()), f"`{new}` supersedes it and is active")
    return found


def weight(note: Note, state: FreshnessState, last: str, ageing: Ageing) -> float:
    """0..1 for ranking: the state's weight, fading with the days since ``last`` (an ISO date or time).

    Age takes at most half; a superseded or archived note keeps a fifth.
    """
    days = _days(last, ageing.today)
    half_life = max(1, ageing.half_lives.get(note.kind, HALF_LIVES["decision"]))
    faded = 1.0 if note.pinned else max(_LEAST_FOR_AGE, 0.5 ** (days / half_life))
    active = 1.0 if note.status == "active" else _INACTIVE
    return round(_WEIGHT[state] * faded * active, 4)


def _days(last: str, today: str) -> int:
    start, end = _date(last), _date(today)
    return max(0, (end - start).days) if start and end else 0


@cache
def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
