"""Two orders of the same notes made one, by rank alone: by their words, and by what they mean."""

from __future__ import annotations

from collections.abc import Sequence

from agentctx.model import Hit, Note
from agentctx.retrieval.succession import pairs, retired

DEPTH = 3
"""Reciprocal rank fusion's constant: the smaller, the more the first places count against the next. The usual
60 took more from the first place by words than a small model gave (docs/benchmarks.md)."""
WEIGHT = 0.2
"""What a place among the nearest counts for, against 1 for the same place by words."""
ADDED = 5
"""So many of the nearest are found although none of their words answers the query."""
_LONGEST_CHAIN = 100


def fused(
    hits: Sequence[Hit], nearest: Sequence[str], notes: Sequence[Note], weight: float = WEIGHT
) -> list[Hit]:
    """The hits, and the first of the ``nearest``, best first; a score is 1 for a note first in both orders.

    A note without a vector stands in the second order where it stands in the first, so it neither gains nor
    loses; what is pinned does not lose, what no longer holds does not gain and stays below its successor.
    """
    past, pinned = retired(notes), {note.id for note in notes if note.pinned}
    near = {id: place for place, id in enumerate(nearest)}
    scores: dict[str, float] = {}
    found = {hit.id: hit for hit in hits}
    for own, id in enumerate(found):
        place = near.get(id, own)
        place = min(own, place) if id in pinned else max(own, place) if id in past else place
        scores[id] = 1 / (DEPTH + own + 1) + weight / (DEPTH + place + 1)
    for id in nearest[:ADDED]:
        if id not in found and id not in past:
            found[id] = Hit(id, 0.0)
            scores[id] = weight / (DEPTH + near[id] + 1)
    _lift(scores, notes)
    best = (1 + weight) / (DEPTH + 1)
    told = set(nearest[:ADDED])
    order = sorted(found, key=lambda id: -scores[id])
    return [
        Hit(id, scores[id] / best, (*found[id].reasons, *(["near in meaning"] if id in told else [])))
        for id in order
    ]


def _lift(scores: dict[str, float], notes: Sequence[Note]) -> None:
    """A successor stands above what it replaced, where both are found."""
    chain = [(new, old) for new, old in pairs(notes) if new in scores and old in scores]
    for _ in range(min(len(chain), _LONGEST_CHAIN)):
        low = [(new, old) for new, old in chain if scores[new] <= scores[old]]
        for new, old in low:
            scores[new] = scores[old] * (1 + 1e-6)
        if not low:
            return
