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
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

from agentctx.retrieval.bags import FIELDS
from agentctx.retrieval.concordance import Concordance, Found
from agentctx.retrieval.tokens import change_words, pieces_of, tokenize
from agentctx.retrieval.weights import Weights

_CODE_SPAN = re.compile(r"`+([^`\n]{1,200})`+")
_BRANCH_WORD = re.compile(r"[^\W\d_]{3,}")
_QUERY_LIMIT = 20_000
"""Characters of a task that are read."""
_KEPT = 1_000
"""More matching notes than this are first narrowed to so many, by the words alone."""

_COUNTED = frozenset({"title", "tags", "headings", "body"})
"""Fields in which a word counts as used by a note, for the idf."""
_TEXT_FIELDS = frozenset(FIELDS) - {"history"}


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
class Answers:
    """How well each note answers: ``scores``, 0 without any common word; what they rest on, when asked."""

    scores: list[float]
    terms: tuple[str, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    """What each word of the question is worth in this collection."""
    identifiers: tuple[tuple[str, frozenset[str]], ...] = ()
    found: Found | None = None

    def words(self, note: int) -> tuple[str, ...]:
        """The words that a note says and that count most, three at most."""
        used = self._shared(note, _COUNTED)
        inside = [pieces for whole, pieces in self.identifiers if whole in used]
        telling = sorted(used.difference(*inside), key=lambda term: (-self.values[term], term))
        return tuple(telling[:3])

    def matches(self, note: int) -> bool:
        """Whether a note has a plain word, a whole identifier, or pieces that are worth half of one."""
        if not self.scores[note] or not self.identifiers:
            return self.scores[note] > 0
        return _matches(self._shared(note, FIELDS), self.identifiers, self.values)

    def _shared(self, note: int, fields: Iterable[str]) -> frozenset[str]:
        """The words of the question that stand in some fields of a note."""
        if self.found is None:
            return frozenset()
        here = (self.found.note == note) & _in_fields(self.found, fields)
        return frozenset(self.terms[word] for word in self.found.word[here].tolist())


def question_of(text: str, branch: str, weights: Weights) -> Question:
    """The first line is the title of the task: its words count most; a long text below saturates."""
    text = text[:_QUERY_LIMIT].strip()
    head, _, rest = text.partition("\n")
    title, body = tokenize(head), tokenize(rest)
    code = {token for span in _CODE_SPAN.findall(text) for token in tokenize(span)}
    in_title, in_body = Counter(title), Counter(body)
    found = {
        token: (
            math.sqrt(min(in_title[token], 2))
            + weights.query_body * in_body[token] / (in_body[token] + 1)
            + weights.query_code * (token in code)
        )
        * (weights.query_change if token in change_words() else 1.0)
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


def relevance(question: Question, words: Concordance, weights: Weights) -> Answers:
    """How well each note answers. The values of words are those of the whole collection, always."""
    answers = [0.0] * words.size
    if not question.weights or not words.size:
        return Answers(answers)
    terms = tuple(question.weights)
    found = words.find(terms)
    holders = _holders(found, words.size, len(terms))
    values = {t: question.weights[t] * _idf(words.size, n) for t, n in zip(terms, holders, strict=True)}
    text = _Frequencies.of(found, _scales(words, weights), words.size)
    chosen = _promising(found, text.promise(list(values.values()), weights.saturation), words.size)
    scores = (
        _bm25(text.by_note(terms, chosen), values, weights.saturation) / 2
        + _history_scores(question, found, chosen, words.size, weights)
        + weights.phrases * _phrase_scores(question, words, chosen)
    )
    norm = sum(values.values())
    for note, score in zip(chosen, scores.tolist(), strict=True):
        answers[note] = score / norm
    return Answers(answers, terms, values, question.identifiers, found)


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


def _idf(size: int, holders: int) -> float:
    return math.log(1 + (size - holders + 0.5) / (holders + 0.5))


def _in_fields(found: Found, names: Iterable[str]) -> Any:
    """Which of the occurrences stand in one of the fields."""
    import numpy as np

    return np.array([name in names for name in FIELDS])[found.field]


def _promising(found: Found, promise: Any, size: int) -> list[int]:
    """Numbers of the notes worth a full score: all with a common word, or the best by their words."""
    import numpy as np

    matching = np.flatnonzero(np.bincount(found.note, minlength=size))
    if len(matching) > _KEPT:
        best = np.argsort(-promise[matching], kind="stable")[:_KEPT]
        matching = np.sort(matching[best])
    return [int(n) for n in matching]


def _holders(found: Found, size: int, words: int) -> list[int]:
    """By word, how many notes say it."""
    import numpy as np

    pairs = (found.word * size + found.note)[_in_fields(found, _COUNTED)]
    counts = np.bincount(pairs[np.diff(pairs, prepend=-1) != 0] // size, minlength=words)
    return [int(n) for n in counts]


def _scales(words: Concordance, weights: Weights) -> Any:
    """What one occurrence counts, by note and field: less in a field that is longer than usual."""
    import numpy as np

    lengths = words.lengths()
    means = lengths.sum(axis=0) / np.maximum(1, (lengths > 0).sum(axis=0))
    text = [name in _TEXT_FIELDS for name in FIELDS]
    worth = np.array([getattr(weights, n) if here else 0.0 for n, here in zip(FIELDS, text, strict=True)])
    b = np.array([weights.body_length if n == "body" else weights.short_field_length for n in FIELDS])
    return worth / (1 - b + b * lengths / np.maximum(1, means))


@dataclass(frozen=True, slots=True)
class _Frequencies:
    """How often notes hold words, weighted: three arrays, one entry for each note and word it holds."""

    word: Any
    note: Any
    count: Any
    size: int

    @classmethod
    def of(cls, found: Found, scales: Any, size: int) -> _Frequencies:
        """``scales`` says what an occurrence counts, by note and field."""
        import numpy as np

        worth = scales[found.note, found.field]
        pairs, worth = (found.word * size + found.note)[worth > 0], worth[worth > 0]
        first = np.flatnonzero(np.diff(pairs, prepend=-1))
        counts = np.add.reduceat(worth, first) if len(first) else worth
        return cls(pairs[first] // size, pairs[first] % size, counts, size)

    def promise(self, values: Sequence[float], saturation: float) -> Any:
        """By note, the score of its words."""
        import numpy as np

        score = np.array(values)[self.word] * self.count * (saturation + 1) / (self.count + saturation)
        return np.bincount(self.note, weights=score, minlength=self.size)

    def by_note(self, terms: Sequence[str], chosen: Sequence[int]) -> list[dict[str, float]]:
        """For each chosen note its words."""
        found: dict[int, dict[str, float]] = {note: {} for note in chosen}
        rows = (self.word.tolist(), self.note.tolist(), self.count.tolist())
        for word, note, count in zip(*rows, strict=True):
            if note in found:
                found[note][terms[word]] = count
        return list(found.values())


def _history_scores(
    question: Question, found: Found, chosen: Sequence[int], size: int, weights: Weights
) -> Any:
    """The same for the titles of earlier changes, with values of words of their own."""
    import numpy as np

    terms = tuple(question.weights)
    past = _Frequencies.of(found, np.tile([float(n == "history") for n in FIELDS], (size, 1)), size)
    holders = np.bincount(past.word, minlength=len(terms)).tolist()
    values = {t: question.weights[t] * _idf(size, n) for t, n in zip(terms, holders, strict=True) if n}
    return weights.history * _bm25(past.by_note(terms, chosen), values, weights.history_saturation)


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


def _phrase_scores(question: Question, words: Concordance, chosen: Sequence[int]) -> Any:
    """Neighbouring words of the query that are neighbours in the body, by rarity."""
    import numpy as np

    scores = np.zeros(words.size)
    for first, second in sorted(question.phrases):
        notes = words.neighbours(first, second, "body")
        if len(notes):
            scores[notes] += _idf(words.size, len(notes))
    return scores[chosen]
