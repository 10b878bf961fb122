"""From signals to an order and to probabilities: two linear models over ``affected_weights``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentctx.model import Change, Note
from agentctx.proposals.affected_weights import WEIGHTS
from agentctx.proposals.change_words import ChangeWords, read_change
from agentctx.proposals.looks import look_of, standing_of
from agentctx.proposals.note_history import NoteHistory
from agentctx.proposals.note_words import NoteCounts
from agentctx.proposals.signals import Signals, relative

_NOTHING_NEW = 0.02
"""What is left of a probability when nothing but formatting changed or files moved."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The numbers of both models, as ``bench/targeting --train`` writes them."""

    ranking: Mapping[str, tuple[float, float]]
    """Signal -> (weight, damping); damping is what a change's highest value usually is."""
    intercept: float
    flag: Mapping[str, float]
    """Weights of the log-odds; names of ``looks``, those of the whole change with ``change_`` before them."""
    threshold: float
    """The probability from which a note is flagged."""
    trained_on: Sequence[str] = ()


SHIPPED = Weights(**WEIGHTS)


@dataclass(slots=True)
class Observed:
    """Everything about one change and the notes before it that the models look at."""

    words: ChangeWords
    signals: Signals
    values: dict[str, Any]


def observe(
    change: Change,
    notes: Sequence[Note],
    history: NoteHistory | None = None,
    counts: Sequence[NoteCounts] | None = None,
) -> Observed:
    """The signals of a change; there must be at least one note."""
    words = read_change(change)
    signals = Signals(words, notes, history or NoteHistory(), counts)
    return Observed(words, signals, signals.values())


def rank_scores(values: Mapping[str, Any], weights: Weights) -> Any:
    """One score per note: a weighted sum of the signals, each relative to its highest in this change."""
    total: Any = 0.0
    for name, (weight, damping) in weights.ranking.items():
        total = total + weight * relative(values[name], damping)
    return total


def probabilities(scores: Any, observed: Observed, weights: Weights) -> Any:
    """The chance, 0..1, that each note needs an edit because of this change."""
    import numpy as np

    numbers = flag_numbers(scores, observed)
    total = weights.intercept + sum(weight * numbers[name] for name, weight in weights.flag.items())
    chances = 1 / (1 + np.exp(-np.clip(total, -30, 30)))
    return chances * _NOTHING_NEW if observed.words.size.says_nothing_new else chances


def flag_numbers(scores: Any, observed: Observed) -> dict[str, Any]:
    """What the probability is made of, by name; one number per note, or one for all."""
    look = look_of(observed.words, observed.values)
    return {**standing_of(scores), **{f"change_{name}": n for name, n in look.items()}}
