"""Trains the two scores of ``agentctx.proposals.judging``, and measures them on repositories left out.

Support: a logistic regression, true edits against the same edits held against other merges, and against the
words of other edits put into the same notes. Places: log-odds
of a pair are learnt from true edits alone (a pair as it stands against the same pair traded); a second
regression over all pairs of a text tells true edits from exchanged ones. Each threshold is the lowest at
which so many training edits of every false kind are stopped, by it or by any other rule.
"""

from __future__ import annotations

import math
import pprint
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import agentctx.proposals.judging_weights as shipped
from agentctx.proposals.checks import CHECKS, Case, verdict
from agentctx.proposals.claims import about_the_change, in_their_places, pairs_in, traded_in
from agentctx.proposals.claims import support_numbers as support_of
from agentctx.proposals.judging import Weights, standing, weighted
from agentctx.proposals.places import Pair

EXCHANGED, OTHERS = ("rotated", "traded"), ("foreign", "planted")
OTHERS_STOPPED, EXCHANGED_STOPPED = 0.955, 0.955
"""Shares of each kind of false training edits that are stopped, by the thresholds and all other rules."""
PENALTY, PAIR_PENALTY = 2.0, 2.0
PAIRS_COUNTED = 8
"""A text with more pairs weighs no more than one with so many."""


@dataclass(frozen=True)
class Judged:
    """One answer: what the other rules say, and what the two scores are made of."""

    repository: str
    kind: str
    """``true``, or one of ``EXCHANGED`` and ``OTHERS``."""
    others: str
    """The verdict without the two scores."""
    support: dict[str, float]
    pairs: list[Pair]
    exchanged: int


def judged(repository: str, kind: str, case: Case) -> Judged:
    """Everything that training needs to know about one answer."""
    others = [c for c in CHECKS if c not in (about_the_change, in_their_places)]
    said = verdict([objection for check in others for objection in check(case)])
    return Judged(repository, kind, said, support_of(case), pairs_in(case), len(traded_in(case)))


def train(rows: Sequence[Judged]) -> Weights:
    """Weights and thresholds from these answers alone."""
    aim = [row for row in rows if row.kind in ("true", *OTHERS)]
    support = _regression([row.support for row in aim], [row.kind == "true" for row in aim])
    scores = [weighted(row.support, support) for row in rows]
    let_through = [row.others == "pending" for row in rows]
    support_threshold = max(_threshold(rows, kind, scores, let_through, OTHERS_STOPPED) for kind in OTHERS)
    let_through = [ok and at >= support_threshold for ok, at in zip(let_through, scores, strict=True)]

    pair = _pair_weights([row.pairs for row in rows if row.kind == "true"])
    numbers = [standing(row.pairs, row.exchanged, pair) for row in rows]
    own = [n for n, row in enumerate(rows) if row.kind in ("true", *EXCHANGED) and _has_places(row)]
    places = _regression([numbers[n] for n in own], [rows[n].kind == "true" for n in own])
    scores = [
        weighted(n, places) if _has_places(row) else math.inf for n, row in zip(numbers, rows, strict=True)
    ]
    places_threshold = max(
        _threshold(rows, kind, scores, let_through, EXCHANGED_STOPPED) for kind in EXCHANGED
    )
    names = sorted({row.repository for row in rows})
    return Weights(support, support_threshold, pair, places, places_threshold, names)


def _has_places(row: Judged) -> bool:
    return bool(row.pairs or row.exchanged)


def _threshold(
    rows: Sequence[Judged], kind: str, scores: Sequence[float], let_through: Sequence[bool], share: float
) -> float:
    """The lowest threshold at which this share of one kind is stopped, by it or by what stops them anyway."""
    left = sorted(
        s if ok else -math.inf
        for row, s, ok in zip(rows, scores, let_through, strict=True)
        if row.kind == kind
    )
    at = left[min(math.ceil(share * len(left)), len(left) - 1)] if left else -math.inf
    return round(max(at, -99.0) if at < math.inf else 99.0, 3)


def said_with(row: Judged, weights: Weights) -> tuple[str, list[str]]:
    """The verdict that these weights give, and which of the two scores object."""
    objections = []
    if weighted(row.support, weights.support) < weights.support_threshold:
        objections.append("about")
    if row.pairs or row.exchanged:
        numbers = standing(row.pairs, row.exchanged, weights.pair)
        if weighted(numbers, weights.places) < weights.places_threshold:
            objections.append("traded")
    said = "needs_review" if objections and row.others == "pending" else row.others
    return {"needs_review": "review"}.get(said, said), objections


def leave_one_out(rows: Sequence[Judged]) -> dict[str, Counter[str]]:
    """Verdicts by kind of answer; each repository is judged with what the others taught."""
    table: dict[str, Counter[str]] = {kind: Counter() for kind in ("true", *EXCHANGED, *OTHERS)}
    for name in sorted({row.repository for row in rows}):
        weights = train([row for row in rows if row.repository != name])
        for row in rows:
            if row.repository == name:
                said, objections = said_with(row, weights)
                table[row.kind][said] += 1
                others = ["other rules"] if row.others != "pending" else []
                table[row.kind].update(f"because of {why}" for why in (*objections, *others))
    return table


def _regression(numbers: Sequence[dict[str, float]], true: Sequence[bool]) -> dict[str, float]:
    """A logistic regression in which both classes weigh the same; the intercept is called ``""``."""
    names = list(numbers[0])
    table = np.array([[row[name] for name in names] for row in numbers])
    target = np.array(true, dtype=float)
    weight = np.where(target == 1, 0.5 / target.mean(), 0.5 / (1 - target.mean()))
    mean, spread = table.mean(axis=0), table.std(axis=0) + 1e-9
    design = np.concatenate([(table - mean) / spread, np.ones((len(table), 1))], axis=1)
    penalty = np.array([PENALTY] * len(names) + [1e-6])
    found = _newton(design, target, weight, penalty)
    plain = found[:-1] / spread
    intercept = float(found[-1] - plain @ mean)
    return {"": round(intercept, 4), **{n: round(float(w), 4) for n, w in zip(names, plain, strict=True)}}


def _pair_weights(texts: Sequence[Sequence[Pair]]) -> tuple[float, ...]:
    """What makes a pair stand right: each as it is against each traded, so that no intercept is needed."""
    signals = [pair.signals for pairs in texts for pair in pairs]
    weight = [min(1.0, PAIRS_COUNTED / len(pairs)) for pairs in texts for _ in pairs]
    table = np.array(signals + [tuple(-s for s in one) for one in signals])
    target = np.array([1.0] * len(signals) + [0.0] * len(signals))
    penalty = np.full(table.shape[1], PAIR_PENALTY)
    found = _newton(table, target, np.array(weight * 2) / 2, penalty)
    return tuple(round(float(w), 4) for w in found)


def _newton(design: Any, target: Any, weight: Any, penalty: Any, rounds: int = 50) -> Any:
    """The weights of a logistic regression."""
    found = np.zeros(design.shape[1])
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        slope = design.T @ (weight * (chance - target)) + penalty * found
        bend = (design * (weight * chance * (1 - chance))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(bend, slope)
        found -= step
        if np.abs(step).max() < 1e-7:
            break
    return found


def write(weights: Weights) -> None:
    """The data module that ships."""
    plain = {
        "trained_on": list(weights.trained_on),
        "support": dict(weights.support),
        "support_threshold": weights.support_threshold,
        "pair": tuple(weights.pair),
        "places": dict(weights.places),
        "places_threshold": weights.places_threshold,
    }
    body = pprint.pformat(plain, sort_dicts=False, width=100)
    Path(str(shipped.__file__)).write_text(
        '"""The numbers of ``judging``, written by ``bench/sync --data DIR --train``."""\n\n'
        "from __future__ import annotations\n\nfrom typing import Any\n\n"
        f"WEIGHTS: dict[str, Any] = {body}\n",
        encoding="utf-8",
    )
