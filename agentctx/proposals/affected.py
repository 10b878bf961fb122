"""Which notes does a change touch? Every note, best first, with a probability and reasons in words.

Two small linear models over the signals, both in ``affected_weights``: one puts the notes in order, one turns
a note's score and the look of the whole change into the probability that somebody must mend the note. What
verification knows comes on top: a note that is false now is always flagged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from agentctx.model import Affected, Change, Freshness, Note
from agentctx.proposals import affected_weights as weights
from agentctx.proposals.anchored import Tie, tie_of
from agentctx.proposals.change_words import ChangeWords, read_change
from agentctx.proposals.note_history import NoteHistory
from agentctx.proposals.reasons import reasons_of
from agentctx.proposals.signals import Signals, relative

EXPLAINED = 40
"""Notes that get reasons, besides the flagged ones: nobody reads further down."""

_FALSE = 0.97
"""Probability of a note that verification found false."""


def affected(
    change: Change,
    notes: Sequence[Note],
    *,
    drifts: Mapping[str, Freshness] | None = None,
    history: NoteHistory | None = None,
    threshold: float | None = None,
) -> list[Affected]:
    """Every note once, best first; deterministic.

    ``drifts``: freshness by note id, for what is false after the change. ``history``: earlier merges.
    ``threshold``: the probability (0..1) from which a note is flagged; the shipped one by default, see
    ``bench/targeting``. Formatting alone flags nothing, and files that only moved flag those notes alone that
    name an old path.
    """
    if not notes:
        return []
    drifts, history = drifts or {}, history or NoteHistory()
    limit = weights.THRESHOLD if threshold is None else threshold
    words = read_change(change)
    signals = Signals(words, notes, history)
    values = signals.values()
    scores = rank_scores(values)
    ties = [tie_of(note, change, words) for note in notes]
    chances = probabilities(scores, values, words)
    found = []
    for place, note in enumerate(notes):
        state = drifts.get(note.id)
        chance = _with_tie(float(chances[place]), ties[place], words)
        if state and state.state == "stale":
            chance = max(chance, _FALSE)
        found.append((chance, float(scores[place]), place, state))
    found.sort(key=lambda row: (-row[0], -row[1], notes[row[2]].id))
    answer = []
    for rank, (chance, score, place, state) in enumerate(found):
        flag = chance >= limit or (state is not None and state.state == "stale")
        explained = flag or rank < EXPLAINED
        reasons = reasons_of(place, signals, values, ties[place], state) if explained else ()
        note = notes[place]
        answer.append(Affected(note.id, note.path, round(score, 4), round(chance, 4), flag, reasons))
    return answer


def rank_scores(values: Mapping[str, Any]) -> Any:
    """One score per note: a weighted sum of the signals, each relative to its highest in this change."""
    total: Any = 0.0
    for name, (weight, damping) in weights.RANKING.items():
        total = total + weight * relative(values[name], damping)
    return total


def probabilities(scores: Any, values: Mapping[str, Any], words: ChangeWords) -> Any:
    """The chance, 0..1, that each note needs an edit because of this change."""
    import numpy as np

    looks = flag_features(scores, values, words)
    total = weights.FLAG_INTERCEPT + sum(weight * looks[name] for name, weight in weights.FLAG.items())
    chances = 1 / (1 + np.exp(-np.clip(total, -30, 30)))
    if words.size.hunks == words.size.cosmetic_hunks:
        chances = chances * 0.02  # nothing says anything new: neither formatting nor a move makes words false
    return chances


def flag_features(scores: Any, values: Mapping[str, Any], words: ChangeWords) -> dict[str, Any]:
    """What the probability is made of: the note's place in the order, and the look of the whole change."""
    import numpy as np

    shares = np.exp(scores - scores.max())
    size = words.size
    order = np.argsort(np.argsort(-scores, kind="stable"), kind="stable")
    return {
        "score": scores,
        "log_share": np.log(shares / shares.sum() + 1e-9),
        "log_rank": np.log1p(order),
        "top_score": np.full(len(scores), float(scores.max())),
        "cosine": values["cosine_all"],
        "code_lines": np.full(len(scores), math.log1p(size.code_lines)),
        "test_lines": np.full(len(scores), math.log1p(size.test_lines)),
        "comment_lines": np.full(len(scores), math.log1p(size.comment_lines)),
    }


def _with_tie(chance: float, tie: Tie, words: ChangeWords) -> float:
    """An anchor is the author's own word that the note is about this code."""
    if not tie.strength:
        return chance
    odds = math.log((chance + 1e-6) / (1 - chance + 1e-6)) + tie.strength
    return 1 / (1 + math.exp(-odds))
