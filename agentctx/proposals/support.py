"""How much of what an edit says is said by the change? A few numbers, one score.

An edit that belongs to the change speaks of it with rare words: those of its message and its code. How rare
a word is, the repository's own notes say. The weights are in ``judging_weights``, trained by ``bench/sync``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from agentctx.proposals.change_words import ChangeWords, chunks
from agentctx.proposals.wording import EVERYDAY
from agentctx.retrieval.tokens import tokenize

PRIOR = 20
"""So many notes' worth of doubt: in a small collection a word's absence says little about its rarity."""
_COMMON, _UNSEEN = 0.3, 0.02
"""Share of notes that hold an everyday word, or another word, before any note was read."""
_SMOOTH = 5.0
"""Rarity added to a total, so that a share of very little is small."""


@dataclass(frozen=True, slots=True)
class Rarity:
    """In how many of a collection's notes each word occurs."""

    counts: Mapping[str, int] = field(default_factory=dict)
    notes: int = 0

    def of(self, word: str) -> float:
        """0 for a word in every note, about 4 to 8 for one in none."""
        prior = PRIOR * (_COMMON if word in _everyday() else _UNSEEN)
        return math.log((self.notes + PRIOR) / (self.counts.get(word, 0) + prior))

    def total(self, words: Iterable[str]) -> float:
        """The rarities of all words together."""
        return sum(map(self.of, words))


def rarity_of(notes: Iterable[Iterable[str]]) -> Rarity:
    """The rarity of words, from the words of each note."""
    bags = [set(words) for words in notes]
    return Rarity(Counter(word for bag in bags for word in bag), len(bags))


@lru_cache(maxsize=1)
def _everyday() -> frozenset[str]:
    return frozenset(token for word in EVERYDAY for token in tokenize(word))


@dataclass(frozen=True, slots=True)
class Said:
    """A note's text, counted in the ways in which a change is."""

    words: Counter[str]
    chunks: Counter[str]


@lru_cache(maxsize=256)
def said(text: str) -> Said:
    """The words of a text; kept, since one note is judged against several edits."""
    return Said(Counter(tokenize(text)), Counter(chunks(text)))


def numbers_of(before: str, after: str, change: ChangeWords, rarity: Rarity) -> dict[str, float]:
    """What the score is made of: each higher where edit and change have more to do with each other,
    but for ``unknown``, ``size`` and ``change_size``.

    ``subject``, ``spoken`` and ``code`` read changed lines whole: what stays on them says what is meant.
    """
    old, new, bags = said(before), said(after), change.bags
    lines = said(_changed_lines(before, after))
    moved = {w for w in old.words | new.words if old.words[w] != new.words[w]}
    brought = {w for w in new.words if w not in old.words}
    everything = bags.get("all", {})
    subject = bags.get("subject", {}).keys()
    spoken = subject | bags.get("message", {}).keys()
    spoken |= bags.get("literals", {}).keys() | bags.get("comments", {}).keys()
    rarest = sorted((rarity.of(w) for w in moved & (bags.get("net", {}).keys() | subject)), reverse=True)
    return {
        "subject": rarity.total(lines.words.keys() & subject) / (rarity.total(subject) + _SMOOTH),
        "spoken": rarity.total(lines.words.keys() & spoken) / (rarity.total(lines.words) + _SMOOTH),
        "unknown": rarity.total(brought - everything.keys()) / (rarity.total(brought) + _SMOOTH),
        "rarest": sum(rarest[:3]) / 3,
        "likeness": _likeness(old.words, everything, rarity),
        "code": math.log1p(len(lines.chunks.keys() & change.chunks.keys())),
        "size": math.log1p(len(moved)),
        "change_size": math.log1p(len(everything)),
    }


def unknown_words(before: str, after: str, change: ChangeWords, rarity: Rarity) -> list[str]:
    """Words that the edit brings in and the change does not have, rarest first."""
    old, new = said(before), said(after)
    strange = {w for w in new.words if w not in old.words and w not in change.bags.get("all", {})}
    return sorted(strange, key=lambda word: (-rarity.of(word), word))


def _changed_lines(before: str, after: str) -> str:
    """The lines that only one of the two texts has, or has more often."""
    old, new = (Counter(line.strip() for line in text.split("\n")) for text in (before, after))
    return "\n".join([*(old - new).elements(), *(new - old).elements()])


def _likeness(note: Counter[str], change: Mapping[str, float], rarity: Rarity) -> float:
    """The cosine of the note before the edit and the change, by rare words; its root, since a note that is
    about the change through and through says no more for the edit than one that mostly is."""
    note_weights = {w: (1 + math.log(n)) * rarity.of(w) for w, n in note.items()}
    change_weights = {w: n * rarity.of(w) for w, n in change.items()}
    shared = sum(weight * change_weights[w] for w, weight in note_weights.items() if w in change_weights)
    norms = [math.sqrt(sum(n * n for n in side.values())) for side in (note_weights, change_weights)]
    return math.sqrt(shared / (norms[0] * norms[1])) if all(norms) else 0.0
