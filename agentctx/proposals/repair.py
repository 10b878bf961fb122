"""Mending without a model: what can be proved from fingerprints alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentctx.model import Drift, Freshness, Note, Operation


@dataclass(frozen=True, slots=True)
class Repair:
    """A mechanical edit of one note, with its proof in words."""

    note_id: str
    operations: tuple[Operation, ...]
    why: str


def moved_anchors(note: Note, freshness: Freshness) -> Repair | None:
    """Anchors put where their code went, when the same body was found elsewhere; None when none moved.

    Text is not touched: a note whose words name the old place stays flagged by its mentions. Where what the
    code uses changed on the way, or its docstring, the stamp stays ``as_verified``, and the note suspect.
    """
    if note.read_only or freshness.state == "conflicted":
        return None
    operations: list[Operation] = []
    proofs: list[str] = []
    anchors = {str(anchor) for anchor in note.anchors}
    for drift in freshness.drifts:
        old = str(drift.anchor)
        if not is_moved(drift) or old not in anchors:
            continue
        arguments = {"anchor": drift.moved_to, "replaces": old}
        if drift.state != "moved":
            arguments["as_verified"] = "yes"
        operations.append(Operation("anchor", arguments))
        proofs.append(drift.reason or f"{old} is {drift.moved_to} now, with the same body")
    return Repair(note.id, tuple(operations), "; ".join(proofs)) if operations else None


def is_moved(drift: Drift) -> bool:
    """Is the same code proved to be elsewhere? What it uses may have changed, if a record says so."""
    is_beside = drift.state in ("dependency", "docstring") and drift.witness == "record"
    return bool(drift.moved_to) and (drift.state == "moved" or is_beside)


def mended_by_hand(freshness: Sequence[Freshness]) -> tuple[str, ...]:
    """Ids of notes whose text was mended in the same commits as their code, so that their stamps may be
    written anew: no anchor differs, and history is the witness for at least one."""
    settled = ("unchanged", "cosmetic")
    return tuple(
        one.id
        for one in freshness
        if one.state == "fresh"
        and one.drifts
        and all(drift.state in settled for drift in one.drifts)
        and any(drift.witness == "history" for drift in one.drifts)
    )
