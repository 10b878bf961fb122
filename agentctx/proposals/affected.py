"""Which notes does a change touch? Every note, best first, with a probability and reasons in words.

Two small linear models over the signals, both in ``affected_weights``: one puts the notes in order, one turns
a note's place and the look of the whole change into the probability that somebody must mend the note. What
the author said (anchors) and what verification knows come on top: a note that is false now is always flagged.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from agentctx.model import Affected, Change, Freshness, Note
from agentctx.proposals.anchored import tie_of
from agentctx.proposals.note_history import NoteHistory
from agentctx.proposals.note_words import NoteCounts
from agentctx.proposals.reasons import reasons_of
from agentctx.proposals.weighing import SHIPPED, observe, probabilities, rank_scores

EXPLAINED = 40
"""Notes that get reasons, besides the flagged ones: nobody reads further down."""

_FALSE = 0.97
"""Probability of a note that verification found false."""
_TELLING, _LEAST = 1.0, -3.0
"""From this strength of a tie on, log-odds start no lower than this: the models never saw an anchor."""


def affected(
    change: Change,
    notes: Sequence[Note],
    *,
    drifts: Mapping[str, Freshness] | None = None,
    history: NoteHistory | None = None,
    same: Mapping[str, Collection[str]] | None = None,
    counts: Sequence[NoteCounts] | None = None,
    threshold: float | None = None,
) -> list[Affected]:
    """Every note once, best first; deterministic.

    ``drifts``: freshness by note id, for what is false after the change. ``history``: earlier merges.
    ``same``: by note id, anchors whose code is the same before and after the change.
    ``counts``: the words of each note, where they are counted already. ``threshold``: the probability (0..1)
    from which a note is flagged; the shipped one by default, see ``bench/targeting``.

    Formatting alone flags nothing, and files that only moved flag those notes alone that name an old path.
    """
    if not notes:
        return []
    limit = SHIPPED.threshold if threshold is None else threshold
    observed = observe(change, notes, history, counts)
    scores = rank_scores(observed.values, SHIPPED)
    chances = probabilities(scores, observed, SHIPPED)
    rows = []
    for place, note in enumerate(notes):
        tie = tie_of(note, change, observed.words, (same or {}).get(note.id, ()))
        state = (drifts or {}).get(note.id)
        false = state is not None and state.state == "stale"
        chance = _raised(float(chances[place]), tie.strength)
        rows.append((max(chance, _FALSE) if false else chance, float(scores[place]), place, tie, state))
    rows.sort(key=lambda row: (-row[0], -row[1], notes[row[2]].id))
    found = []
    for rank, (chance, score, place, tie, state) in enumerate(rows):
        note, false = notes[place], state is not None and state.state == "stale"
        flag = chance >= limit or false
        explained = flag or rank < EXPLAINED
        reasons = reasons_of(place, observed.signals, tie, state) if explained else ()
        found.append(Affected(note.id, note.path, round(score, 4), round(chance, 4), flag, reasons))
    return found


def _raised(chance: float, log_odds: float) -> float:
    """An anchor is the author's own word that the note is about this code, whatever its words say."""
    if not log_odds:
        return chance
    before = math.log((chance + 1e-6) / (1 - chance + 1e-6))
    if log_odds >= _TELLING:
        before = max(before, _LEAST)
    return 1 / (1 + math.exp(-(before + log_odds)))
