"""How well the words of a note answer the words of a query: BM25F on top of rank-bm25.

rank-bm25 is never used bare: its idf turns negative in a store of one note, and it divides by zero on empty
texts. ``_lucene_bm25`` gives it Lucene's idf, which is always positive, and frequencies that are already
weighted and normalised by field.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from agentctx.retrieval.tokens import pieces_of, tokenize
from agentctx.retrieval.weights import Weights

_CODE_SPAN = re.compile(r"`+([^`\n]{1,200})`+")
_BRANCH_WORD = re.compile(r"[^\W\d_]{3,}")
_QUERY_LIMIT = 20_000
"""Characters of a task that are read."""
_CROWD = 2_000
"""More notes than this are first narrowed to the most promising ones."""
_KEPT = 1_000

_COUNTED = ("title", "tags", "headings", "body")
"""Fields in which a word counts as used by a note, for the idf."""
_PLACED = ("path", "anchors", "context", "history")
_TEXT_FIELDS = (*_COUNTED, "path", "anchors", "context")


@dataclass(frozen=True, slots=True)
class Question:
    """The words of a task with their weights, and its neighbouring words."""

    weights: Mapping[str, float]
    phrases: frozenset[tuple[str, str]]
    surface: Mapping[str, str]
    """Word as it was written, for reasons."""
    identifiers: tuple[tuple[str, frozenset[str]], ...] = ()
    """Words made of several pieces: the whole, and its pieces."""


@dataclass(frozen=True, slots=True)
class Relevance:
    """One note's answer: its score (0 without any common word) and the words that count most."""

    score: float
    words: tuple[str, ...] = ()
    matches: bool = False
    """Whether it has a plain word, a whole identifier, or pieces that are worth half of one."""


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
    phrases = frozenset(pairwise(title)) | frozenset(pairwise(body))
    chosen = {t: w for t, w in found.items() if w > 0}
    return Question(chosen, phrases, *_as_written(f"{text} {branch}"))


def _as_written(text: str) -> tuple[dict[str, str], tuple[tuple[str, frozenset[str]], ...]]:
    """What each word of a text looked like, and which are made of pieces."""
    surface: dict[str, str] = {}
    identifiers: dict[str, frozenset[str]] = {}
    for word in re.findall(r"\w+", text):
        pieces = pieces_of(word)
        tokens = tokenize(word)
        if pieces and tokens:
            surface.setdefault(tokens[0], word)
            identifiers[tokens[0]] = frozenset(tokens[1:])
        for part in pieces or [word]:
            for token in reversed(tokenize(part)):
                surface.setdefault(token, part)
    plain = {t for word in re.findall(r"\w+", text) if not pieces_of(word) for t in tokenize(word)}
    return surface, tuple(
        (whole, parts - plain) for whole, parts in identifiers.items() if whole not in plain
    )


def relevance(question: Question, bags: Sequence[Mapping[str, str]], weights: Weights) -> list[Relevance]:
    """One answer per bag, in order. The values of words are those of the whole collection, always."""
    answers = [Relevance(0.0)] * len(bags)
    if not question.weights:
        return answers
    terms = frozenset(question.weights)
    readings = [_read(bag, terms) for bag in bags]
    used = [_in_any(reading, _COUNTED) for reading in readings]
    placed = [_in_any(reading, _PLACED) for reading in readings]
    holders = Counter(term for common in used for term in common)
    values = {term: weight * _idf(len(bags), holders[term]) for term, weight in question.weights.items()}
    chosen = _promising(used, placed, values)
    readings = [readings[i] for i in chosen]
    text = _text_scores(readings, _mean_lengths(bags), values, weights)
    past = _history_scores(question, readings, len(bags), weights)
    phrases = _phrase_scores(question, [bags[i] for i in chosen], [used[i] for i in chosen], len(bags))
    norm = sum(values.values())
    for place, i in enumerate(chosen):
        score = float(text[place] + past[place] + weights.phrases * phrases[place]) / norm
        if score > 0:
            inside = [pieces for whole, pieces in question.identifiers if whole in used[i]]
            telling = sorted(used[i].difference(*inside), key=lambda term: (-values[term], term))
            matches = _matches(used[i] | placed[i], question.identifiers, values)
            answers[i] = Relevance(score, tuple(telling[:3]), matches)
    return answers


def _matches(
    here: frozenset[str], identifiers: Iterable[tuple[str, frozenset[str]]], values: Mapping[str, float]
) -> bool:
    """Is there more than a common piece of an identifier, such as the ``word`` of ``word77``?"""
    rest = here
    for whole, pieces in identifiers:
        if whole in here or _worth(pieces & here, values) * 2 >= _worth(pieces, values) > 0:
            return True
        rest -= pieces
    return bool(rest)


def _worth(terms: Iterable[str], values: Mapping[str, float]) -> float:
    return math.fsum(values.get(term, 0.0) for term in terms)


def _in_any(reading: _Reading, fields: Iterable[str]) -> frozenset[str]:
    """The words of the question in some of the fields."""
    counts = reading.counts
    return frozenset([term for name in fields if name in counts for term in counts[name]])


def _idf(size: int, holders: int) -> float:
    return math.log(1 + (size - holders + 0.5) / (holders + 0.5))


def _promising(
    used: Sequence[frozenset[str]], placed: Sequence[frozenset[str]], values: Mapping[str, float]
) -> list[int]:
    """Places of the notes worth scoring: all with a common word, or the best by the value of those words."""
    matching = [i for i in range(len(used)) if used[i] or placed[i]]
    if len(matching) <= _CROWD:
        return matching
    promise = {i: math.fsum([values[term] for term in (*used[i], *placed[i])]) for i in matching}
    return sorted(sorted(matching, key=lambda i: (-promise[i], i))[:_KEPT])


@dataclass(frozen=True, slots=True)
class _Reading:
    """How often a bag holds the words of the question, by field, and how long these fields are."""

    counts: Mapping[str, Mapping[str, int]]
    lengths: Mapping[str, int]


def _read(bag: Mapping[str, str], terms: frozenset[str]) -> _Reading:
    counts: dict[str, dict[str, int]] = {}
    lengths: dict[str, int] = {}
    for name, text in bag.items():
        words = text.split()
        here = [word for word in words if word in terms]
        if here:
            counts[name], lengths[name] = Counter(here), len(words)
    return _Reading(counts, lengths)


def _mean_lengths(bags: Sequence[Mapping[str, str]]) -> dict[str, float]:
    """Mean length of each field over the notes that have it; of a crowd, every so manieth is asked."""
    means = {}
    sample = bags[:: len(bags) // _CROWD + 1]
    for name in _TEXT_FIELDS:
        lengths = [text.count(" ") + 1 for bag in sample if (text := bag.get(name, ""))]
        means[name] = sum(lengths) / max(1, len(lengths))
    return means


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


def _history_scores(question: Question, readings: Sequence[_Reading], size: int, weights: Weights) -> Any:
    past: list[Mapping[str, int]] = [reading.counts.get("history", {}) for reading in readings]
    holders = Counter(term for counts in past for term in counts)
    values = {t: weight * _idf(size, holders[t]) for t, weight in question.weights.items() if t in holders}
    return weights.history * _bm25(past, values, weights.history_saturation)


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
    question: Question, bags: Sequence[Mapping[str, str]], used: Sequence[frozenset[str]], size: int
) -> list[float]:
    """Neighbouring words of the query that are neighbours in the body, by rarity."""
    following: dict[str, list[str]] = {}
    for first, second in question.phrases:
        following.setdefault(first, []).append(second)
    found: dict[tuple[str, str], list[int]] = {}
    for place, common in enumerate(used):
        pairs = [(a, b) for a in common for b in following.get(a, ()) if b in common]
        body = f" {bags[place].get('body', '')} " if pairs else ""
        for first, second in pairs:
            if f" {first} {second} " in body:
                found.setdefault((first, second), []).append(place)
    scores = [0.0] * len(bags)
    for phrase in sorted(found):
        value = _idf(size, len(found[phrase]))
        for place in found[phrase]:
            scores[place] += value
    return scores
