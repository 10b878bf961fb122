"""Mending without a model: what can be proved from fingerprints alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentctx.model import Freshness, Note, Operation


@dataclass(frozen=True, slots=True)
class Repair:
    """A mechanical edit of one note, with its proof in words."""

    note_id: str
    operations: tuple[Operation, ...]
    why: str


def moved_anchors(note: Note, freshness: Freshness) -> Repair | None:
    """Anchors put where their code went, when the same body was found elsewhere; None when none moved.

    Text is not touched: a note whose words name the old place stays flagged by its mentions.
    """
    if note.read_only or freshness.state == "conflicted":
        return None
    operations: list[Operation] = []
    proofs: list[str] = []
    anchors = {str(anchor) for anchor in note.anchors}
    for drift in freshness.drifts:
        old = str(drift.anchor)
        if drift.state != "moved" or not drift.moved_to or old not in anchors:
            continue
        operations.append(Operation("anchor", {"anchor": drift.moved_to, "replaces": old}))
        proofs.append(drift.reason or f"{old} is {drift.moved_to} now, with the same body")
    return Repair(note.id, tuple(operations), "; ".join(proofs)) if operations else None


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
