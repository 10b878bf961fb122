"""How well the words of a note answer the words of a query: BM25F on top of rank-bm25.

rank-bm25 is never used bare: its idf turns negative in a store of one note, and it divides by zero on empty
texts. ``_lucene_bm25`` gives it Lucene's idf, which is always positive, and frequencies that are already
weighted and normalised by field.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from agentctx.retrieval.bags import Bag
from agentctx.retrieval.tokens import tokenize
from agentctx.retrieval.weights import Weights

_CODE_SPAN = re.compile(r"`+([^`\n]{1,200})`+")
_BRANCH_WORD = re.compile(r"[^\W\d_]{3,}")
_QUERY_LIMIT = 20_000
"""Characters of a task that are read."""
_CROWD = 2_000
"""More notes than this are first narrowed to the most promising ones."""
_KEPT = 1_000

_TEXT_FIELDS = ("title", "tags", "path", "anchors", "context", "headings", "body")
_COUNTED = ("title", "tags", "headings", "body")
"""Fields in which a word counts as used by a note, for the idf."""


@dataclass(frozen=True, slots=True)
class Question:
    """The words of a task with their weights, and its neighbouring words."""

    weights: Mapping[str, float]
    phrases: Mapping[tuple[str, str], float]
    surface: Mapping[str, str]
    """Word as it was written, for reasons."""


@dataclass(frozen=True, slots=True)
class Relevance:
    """One note's answer: its score (0 without any common word) and the words that count most."""

    score: float
    words: tuple[str, ...] = ()


def question_of(text: str, branch: str, weights: Weights) -> Question:
    """The first line is the title of the task: its words count most; a long text below saturates."""
    text = text[:_QUERY_LIMIT].strip()
    head, _, rest = text.partition("\n")
    title, body = tokenize(head), tokenize(rest)
    code = {token for span in _CODE_SPAN.findall(text) for token in tokenize(span)}
    in_title, in_body = Counter(title), Counter(body)
    found = {
        token: math.sqrt(min(in_title[token], 2))
        + weights.query_body * in_body[token] / (in_body[token] + 1)
        + weights.query_code * (token in code)
        for token in dict.fromkeys(title + body)
    }
    for token in tokenize(" ".join(_BRANCH_WORD.findall(branch.rpartition("/")[2]))):
        found.setdefault(token, weights.query_branch)
    phrases = dict.fromkeys(pairwise(body), weights.phrase_body)
    phrases |= dict.fromkeys(pairwise(title), weights.phrase_title)
    surface: dict[str, str] = {}
    for word in re.findall(r"\w+", f"{text} {branch}"):
        for token in reversed(tokenize(word)):
            surface.setdefault(token, word)
    return Question({t: w for t, w in found.items() if w > 0}, phrases, surface)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a bag holds of the question's words."""

    counts: Mapping[str, Mapping[str, int]]
    lengths: Mapping[str, int]


def relevance(question: Question, bags: Sequence[Bag], weights: Weights) -> list[Relevance]:
    """One answer per bag, in order. Weights of words are those of the whole collection, always."""
    if not question.weights or not bags:
        return [Relevance(0.0)] * len(bags)
    terms = frozenset(question.weights)
    readings = [_read(bag, terms) for bag in bags]
    values = _word_values(question, readings)
    norm = sum(values.values())
    chosen = _promising(readings, values)
    text = _text_scores([readings[i] for i in chosen], _mean_lengths(readings), values, weights)
    past = _history_scores(question, readings, chosen, weights)
    phrases = _phrase_scores(question, [bags[i] for i in chosen], [readings[i] for i in chosen], len(bags))
    answers = [Relevance(0.0)] * len(bags)
    for place, i in enumerate(chosen):
        score = float(text[place] + past[place] + phrases[place]) / norm
        if score > 0:
            answers[i] = Relevance(score, _telling(readings[i], values))
    return answers


def _read(bag: Bag, terms: frozenset[str]) -> _Reading:
    counts: dict[str, dict[str, int]] = {}
    lengths: dict[str, int] = {}
    for name, text in bag.items():
        words = text.split()
        lengths[name] = len(words)
        if common := terms.intersection(words):
            counts[name] = {term: words.count(term) for term in common}
    return _Reading(counts, lengths)


def _idf(size: int, holders: int) -> float:
    return math.log(1 + (size - holders + 0.5) / (holders + 0.5))


def _word_values(question: Question, readings: Sequence[_Reading]) -> dict[str, float]:
    """Weight in the query times rarity in the notes."""
    holders: Counter[str] = Counter()
    for reading in readings:
        holders.update({term for name in _COUNTED for term in reading.counts.get(name, ())})
    return {term: weight * _idf(len(readings), holders[term]) for term, weight in question.weights.items()}


def _promising(readings: Sequence[_Reading], values: Mapping[str, float]) -> list[int]:
    """Places of the notes worth scoring: all of them, or the best by the value of the words they hold."""
    if len(readings) <= _CROWD:
        return [i for i, reading in enumerate(readings) if reading.counts]
    promise = {
        i: sum(values[t] for t in {t for counts in reading.counts.values() for t in counts})
        for i, reading in enumerate(readings)
        if reading.counts
    }
    return sorted(sorted(promise, key=lambda i: (-promise[i], i))[:_KEPT])


def _mean_lengths(readings: Sequence[_Reading]) -> dict[str, float]:
    """Mean length of each field over the notes that have it."""
    total: Counter[str] = Counter()
    having: Counter[str] = Counter()
    for reading in readings:
        for name, length in reading.lengths.items():
            if length:
                total[name] += length
                having[name] += 1
    return {name: total[name] / having[name] for name in total}


def _text_scores(
    readings: Sequence[_Reading], means: Mapping[str, float], values: Mapping[str, float], weights: Weights
) -> Any:
    frequencies = []
    for reading in readings:
        mixed: dict[str, float] = {}
        for name in _TEXT_FIELDS:
            if name not in reading.counts:
                continue
            b = weights.body_length if name == "body" else weights.short_field_length
            scale = getattr(weights, name) / (1 - b + b * reading.lengths[name] / means[name])
            for term, count in reading.counts[name].items():
                mixed[term] = mixed.get(term, 0.0) + scale * count
        frequencies.append(mixed)
    return _bm25(frequencies, values, weights.saturation) / 2


def _history_scores(
    question: Question, readings: Sequence[_Reading], chosen: Sequence[int], weights: Weights
) -> Any:
    past: list[Mapping[str, int]] = [reading.counts.get("history", {}) for reading in readings]
    holders = Counter(term for counts in past for term in counts)
    values = {term: question.weights[term] * _idf(len(readings), n) for term, n in holders.items()}
    return weights.history * _bm25([past[i] for i in chosen], values, weights.history_saturation)


def _bm25(frequencies: Sequence[Mapping[str, float]], values: Mapping[str, float], saturation: float) -> Any:
    """Scores as an array; zeros when there is nothing to score."""
    return _lucene_bm25()(frequencies, values, saturation).get_scores(list(values))


@cache
def _lucene_bm25() -> Any:
    from rank_bm25 import BM25Okapi

    class LuceneBM25(BM25Okapi):  # type: ignore[misc]
        """BM25 over ready frequencies with given values of words; lengths are already in the frequencies."""

        def __init__(
            self, frequencies: Sequence[Mapping[str, float]], values: Mapping[str, float], saturation: float
        ) -> None:
            self._values = values
            super().__init__(frequencies, k1=saturation, b=0.0)

        def _initialize(self, corpus: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
            self.doc_freqs = list(corpus)
            self.corpus_size = len(self.doc_freqs)
            self.doc_len = [1] * self.corpus_size
            self.avgdl = 1.0
            return self._values

        def _calc_idf(self, nd: Mapping[str, float]) -> None:
            self.idf = dict(nd)

    return LuceneBM25


def _phrase_scores(
    question: Question, bags: Sequence[Bag], readings: Sequence[_Reading], size: int
) -> list[float]:
    """Neighbouring words of the query that are neighbours in the body, by rarity."""
    found: dict[tuple[str, str], list[int]] = {}
    for place, (bag, reading) in enumerate(zip(bags, readings, strict=True)):
        counts = reading.counts.get("body", {})
        body = f" {bag['body']} " if len(counts) > 1 else ""
        for first, second in question.phrases if body else ():
            if first in counts and second in counts and f" {first} {second} " in body:
                found.setdefault((first, second), []).append(place)
    scores = [0.0] * len(bags)
    for phrase, places in found.items():
        value = question.phrases[phrase] * _idf(size, len(places))
        for place in places:
            scores[place] += value
    return scores


def _telling(reading: _Reading, values: Mapping[str, float]) -> tuple[str, ...]:
    """The three most valuable common words."""
    common = {term for name, counts in reading.counts.items() if name != "history" for term in counts}
    return tuple(sorted(common, key=lambda term: (-values[term], term))[:3])
