"""Recall by words: the store picks candidates, and one ranking (BM25) puts them in order.

Each engine picks by its own full-text order, and the candidates are the statistics: where more texts than
``CANDIDATES`` share a word with a query, two engines may answer differently.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from agentctx.memory.base import Candidate, Store, Window
from agentctx.model import Episode, Fact, Hit
from agentctx.retrieval.fusion import fused
from agentctx.retrieval.tokens import tokenize

MOST_WORDS = 32
"""Different words of a query that count."""
CANDIDATES = 200
"""Texts of each kind that are ranked; more share a word with a long query than anybody reads."""
_READ = 20_000
"""Characters of a candidate that are ranked: of a longer one the first such stretch that says anything."""
_OVERLAP = 100
"""Characters that a stretch goes on, so that a word on the border is whole in one of two."""
_SHORT = 1_000
"""Characters of a text whose words are kept: the same short texts come up in many recalls."""
_K1, _B = 1.2, 0.75


@dataclass(frozen=True, slots=True)
class Recalled:
    """One answer, with the score it was ranked by (only good for comparing within one answer)."""

    item: Episode | Fact
    score: float


def recall(store: Store, query: str, window: Window, nearest: Sequence[str] = ()) -> list[Recalled]:
    """The facts and episodes that say most about ``query``, best first; none that shares no word with it.

    With ``nearest`` (ids, nearest in meaning first) its first ones are found as well, and the two orders are
    made one by the places in them. What was superseded, retracted, disputed or has expired is not among them
    (``window.as_of`` moves that question to another day). Ties go to the younger.
    """
    words = list(dict.fromkeys(tokenize(query)))[:MOST_WORDS]
    ranked = rank(words, store.candidates(words, window, CANDIDATES))[: window.limit * 2]
    hits = [Hit(candidate.id, score) for score, candidate in ranked]
    if nearest:
        hits = fused(hits, nearest, ())
    values = store.load([hit.id for hit in hits], window)
    return [Recalled(values[hit.id], hit.score) for hit in hits if hit.id in values][: window.limit]


@lru_cache(maxsize=8_192)
def _tokens_of_short(text: str) -> tuple[str, ...]:
    return tuple(tokenize(text))


def _counts(text: str, words: Sequence[str]) -> tuple[dict[str, int], int]:
    """How often each of ``words`` stands in the first stretch of ``text`` that holds one, and its length."""
    if len(text) <= _SHORT:
        tokens = _tokens_of_short(text)
        return {word: count for word in words if (count := tokens.count(word))}, len(tokens)
    counts: Counter[str] = Counter()
    for start in range(0, len(text), _READ):
        counts = Counter(tokenize(text[start : start + _READ + _OVERLAP]))
        if not counts.keys().isdisjoint(words):
            break
    return {word: counts[word] for word in words if word in counts}, counts.total()


def rank(words: Sequence[str], candidates: Sequence[Candidate]) -> list[tuple[float, Candidate]]:
    """Candidates by BM25 over ``words``, best first; the candidates are their own statistics.

    A fact whose whole key is among the words gets as much again as any text could get for those words.
    """
    counted = [(candidate, *_counts(candidate.text, words)) for candidate in candidates]
    mean = sum(length for _, _, length in counted) / len(counted) if counted else 1.0
    total = len(counted)
    held = Counter(word for _, counts, _ in counted for word in counts)
    weight = {}
    for word in words:
        holding = held[word]
        weight[word] = math.log(1 + (total - holding + 0.5) / (holding + 0.5))
    scored = []
    for candidate, counts, length in counted:
        norm = _K1 * (1 - _B + _B * length / mean)
        score = 0.0
        for word, count in counts.items():
            score += weight[word] * count * (_K1 + 1) / (count + norm)
        key = set(_tokens_of_short(candidate.key)) if candidate.key else ()
        if key and weight.keys() >= key:  # it is asked for by its name, however long its text is
            score += sum(weight[w] for w in key) * (_K1 + 1)
        if score > 0:
            scored.append((score, candidate))
    return sorted(scored, key=lambda pair: (round(pair[0], 9), pair[1].moment, pair[1].id), reverse=True)
