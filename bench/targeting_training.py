"""Trains the two linear models of ``agentctx affected``: the order of notes, and the chance of each.

Order: a softmax over the notes of one merge, trained on the merges that changed notes, against the notes
that look most alike (the hard ones) and some at random. Chance: a logistic regression over notes near the
top, on merges that changed notes, that only added new ones, and that changed code alone.
"""

from __future__ import annotations

import pprint
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agentctx.proposals.change_words import ChangeWords
from agentctx.proposals.signals import relative
from agentctx.proposals.weighing import Observed, Weights, flag_numbers, rank_scores

CHANCE_ONLY = ("all_bm25",)
"""Signals that serve the chance alone."""
SETTLED = ("format", "rename")
"""Kinds of merges that a rule answers, so the chance has nothing to learn from them."""
HARD, RANDOM, NEAR_TOP = 80, 60, 60
ORDER_PENALTY, CHANCE_PENALTY = 0.05, 3e-4
ALLOWED_ALARMS = 0.18
"""Share of merges without any affected note in which a note may be flagged, on the training merges."""


@dataclass
class Seen:
    """One merge as both models see it."""

    repository: str
    id: str
    kind: str
    values: dict[str, Any]
    words: ChangeWords
    truth: Any
    baselines: dict[str, Any]
    seconds: float
    notes: int
    shipped: Any
    """(score, probability) per note, as ``affected`` answers with the shipped weights."""

    @property
    def observed(self) -> Observed:
        return Observed(self.words, None, self.values)  # type: ignore[arg-type]


def train(merges: Sequence[Seen]) -> Weights:
    """Weights from these merges alone."""
    trained_on = sorted({m.repository for m in merges})
    ranking = _order(merges)
    draft = Weights(ranking, 0.0, {}, 0.5, trained_on)
    intercept, flag = _chance(merges, draft)
    draft = Weights(ranking, intercept, flag, 0.5, trained_on)
    quiet = [float(chances(m, draft).max()) for m in merges if m.kind == "code_only"]
    threshold = float(np.quantile(quiet, 1 - ALLOWED_ALARMS)) if quiet else 0.5
    return Weights(ranking, intercept, flag, round(threshold, 4), trained_on)


def chances(merge: Seen, weights: Weights) -> Any:
    """Probability per note."""
    from agentctx.proposals.weighing import probabilities

    return probabilities(rank_scores(merge.values, weights), merge.observed, weights)


def _order(merges: Sequence[Seen]) -> dict[str, tuple[float, float]]:
    chosen = [m for m in merges if m.truth.any()]
    names = [name for name in chosen[0].values if name not in CHANCE_ONLY]
    damping = {n: float(np.median([m.values[n].max() for m in chosen])) + 1e-6 for n in names}
    tables = [
        np.stack([relative(m.values[n].astype(float), damping[n]) for n in names], axis=1) for m in chosen
    ]
    spread = np.concatenate(tables).std(axis=0) + 1e-9
    dice = np.random.default_rng(0)
    inputs, targets = [], []
    for merge, table in zip(chosen, tables, strict=True):
        easy = relative(merge.values["all"]) + relative(merge.values["all_bm25"])
        kept = np.zeros(len(table), dtype=bool)
        kept[np.argsort(-easy, kind="stable")[:HARD]] = True
        kept[dice.integers(0, len(table), RANDOM)] = True
        kept |= merge.truth > 0
        inputs.append(table[kept] / spread)
        targets.append(merge.truth[kept] / merge.truth.sum())
    found = minimise(_softmax_loss(inputs, targets), np.zeros(len(names))) / spread
    return {n: (round(float(w), 4), round(damping[n], 4)) for n, w in zip(names, found, strict=True)}


def _softmax_loss(inputs: list[Any], targets: list[Any]) -> Callable[[Any], tuple[float, Any]]:
    table, target = np.concatenate(inputs), np.concatenate(targets)
    sizes = [len(part) for part in inputs]
    start = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    group = np.repeat(np.arange(len(sizes)), sizes)

    def loss(weights: Any) -> tuple[float, Any]:
        scores = table @ weights
        scores -= np.maximum.reduceat(scores, start)[group]
        shares = np.exp(scores)
        totals = np.add.reduceat(shares, start)
        value = -(target @ (scores - np.log(totals)[group])) / len(sizes)
        slope = table.T @ (shares / totals[group] - target) / len(sizes)
        return float(value + ORDER_PENALTY * weights @ weights / 2), slope + ORDER_PENALTY * weights

    return loss


def _chance(merges: Sequence[Seen], draft: Weights) -> tuple[float, dict[str, float]]:
    rows, targets = [], []
    names: list[str] = []
    for merge in merges:
        if merge.kind in SETTLED:
            continue
        scores = rank_scores(merge.values, draft)
        numbers = flag_numbers(scores, merge.observed)
        names = list(numbers)
        top = np.argsort(-scores, kind="stable")[:NEAR_TOP]
        rows.append(np.stack([np.broadcast_to(v, scores.shape)[top] for v in numbers.values()], axis=1))
        targets.append(merge.truth[top])
    table, target = np.concatenate(rows), np.concatenate(targets)
    mean, spread = table.mean(axis=0), table.std(axis=0) + 1e-9
    design = np.concatenate([(table - mean) / spread, np.ones((len(table), 1))], axis=1)
    penalty = np.full(design.shape[1], CHANCE_PENALTY)
    penalty[-1] = 0.0

    def loss(weights: Any) -> tuple[float, Any]:
        odds = design @ weights
        value = float((np.logaddexp(0, odds) - target * odds).mean() + (penalty * weights) @ weights / 2)
        return value, design.T @ (1 / (1 + np.exp(-odds)) - target) / len(target) + penalty * weights

    found = minimise(loss, np.zeros(design.shape[1]))
    flag = found[:-1] / spread
    intercept = float(found[-1] - flag @ mean)
    return round(intercept, 4), {n: round(float(w), 4) for n, w in zip(names, flag, strict=True)}


def minimise(
    loss: Callable[[Any], tuple[float, Any]], start: Any, rounds: int = 200, memory: int = 10
) -> Any:
    """Limited-memory BFGS with a backtracking line search; the losses here are convex and smooth."""
    point = start
    value, slope = loss(point)
    steps: list[tuple[Any, Any]] = []
    for _ in range(rounds):
        direction = -_times_inverse_curvature(slope, steps)
        length = 1.0 if steps else min(1.0, 1 / float(np.linalg.norm(slope)))
        descent = float(slope @ direction)
        if descent > -1e-10:
            break
        while True:
            new_value, new_slope = loss(point + length * direction)
            if new_value <= value + 1e-4 * length * descent or length < 1e-8:
                break
            length /= 2
        step, bend = length * direction, new_slope - slope
        if step @ bend > 1e-12:
            steps = [*steps, (step, bend)][-memory:]
        point, slope, change, value = point + step, new_slope, abs(value - new_value), new_value
        if change < 1e-8:
            break
    return point


def _times_inverse_curvature(slope: Any, steps: list[tuple[Any, Any]]) -> Any:
    found = slope.copy()
    shares = []
    for step, bend in reversed(steps):
        share = (step @ found) / (bend @ step)
        shares.append(share)
        found -= share * bend
    if steps:
        step, bend = steps[-1]
        found *= (step @ bend) / (bend @ bend)
    for (step, bend), share in zip(steps, reversed(shares), strict=True):
        found += step * (share - (bend @ found) / (bend @ step))
    return found


def write_weights(weights: Weights, path: Path) -> None:
    """The data module that ships."""
    plain = {
        "trained_on": list(weights.trained_on),
        "threshold": weights.threshold,
        "ranking": dict(weights.ranking),
        "intercept": weights.intercept,
        "flag": dict(weights.flag),
    }
    body = pprint.pformat(plain, sort_dicts=False, width=100)
    path.write_text(
        '"""The numbers of ``weighing``, written by ``bench/targeting --data DIR --train``."""\n\n'
        "from __future__ import annotations\n\nfrom typing import Any\n\n"
        f"WEIGHTS: dict[str, Any] = {body}\n",
        encoding="utf-8",
    )
