"""Two scores of an edit, and from which of them on it may be offered without a person.

``support``: does the change speak of what the edit says? ``places``: do names stand where the evidence has
them? Both are weighted sums; weights and thresholds are in ``judging_weights``, written by ``bench/sync``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agentctx.proposals.judging_weights import WEIGHTS
from agentctx.proposals.places import Pair


@dataclass(frozen=True, slots=True)
class Weights:
    """The numbers of both scores, as ``bench/sync --train`` writes them."""

    support: Mapping[str, float]
    """Weights of ``support.numbers_of``; ``""`` is the intercept."""
    support_threshold: float
    pair: Sequence[float]
    """Weights of ``places.SIGNALS``: together the log-odds that two names stand in their own places."""
    places: Mapping[str, float]
    """Weights of ``standing``; ``""`` is the intercept."""
    places_threshold: float
    trained_on: Sequence[str] = ()


SHIPPED = Weights(**WEIGHTS)


def weighted(numbers: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """A weighted sum with its intercept: log-odds."""
    return weights[""] + sum(weight * numbers[name] for name, weight in weights.items() if name)


def odds_of(pair: Pair, weights: Sequence[float]) -> float:
    """Log-odds that two names stand in their own places; 0 when nothing speaks for either order."""
    return sum(weight * signal for weight, signal in zip(weights, pair.signals, strict=True))


def standing(pairs: Sequence[Pair], exchanged: int, weights: Sequence[float]) -> dict[str, float]:
    """All pairs of one text in two numbers; ``exchanged``: names that were traded inside old words.

    ``doubt``: how much likelier the text is if two of its names were traded, no matter which (log odds).
    """
    odds = [odds_of(pair, weights) for pair in pairs]
    doubt = math.log(sum(math.exp(-value) for value in odds) / len(odds)) if odds else 0.0
    return {"doubt": doubt, "exchanged": float(min(exchanged, 3))}
