"""What stands around names in the evidence of an edit: in the change, its message, the code, the old note."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from agentctx.proposals.mentions import Sides, names_of, plain, shape_of, sides_of, tokens_of, words_of

LINES_LIMIT = 80
"""Lines of the evidence that are read for one name."""

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines that stand together, and what they are worth as evidence (0..1)."""

    lines: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Profile:
    """What stands around a name in the evidence, by weight; where it comes first in each passage."""

    line: Mapping[str, float]
    sides: Mapping[tuple[int, str], float]
    first: Mapping[int, tuple[int, int]]


class Surroundings:
    """What stands around names in the evidence; every passage is read once."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self._passages = tuple(Passage(tuple(map(plain, p.lines)), p.weight) for p in passages)
        self._places: dict[str, set[tuple[int, int]]] = defaultdict(set)
        self._profiles: dict[str, Profile] = {}
        self._shapes: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
        self._every_shape: Counter[str] = Counter()
        for at, passage in enumerate(self._passages):
            for row, line in enumerate(passage.lines):
                for word in words_of(line):
                    self._places[word].add((at, row))
                for name, start, end in names_of(line):
                    self._every_shape[shape_of(name)] += 1
                    for side in enumerate(sides_of(line, start, end)):
                        self._shapes[side][shape_of(name)] += 1

    def profile(self, name: str) -> Profile:
        """What stands around a name; empty for one that is nowhere."""
        if name not in self._profiles:
            self._profiles[name] = self._read(name.lower())
        return self._profiles[name]

    def fits_shape(self, sides: Sides, name: str) -> float:
        """How much more often such a kind of name stands between these words than elsewhere (log odds)."""
        shape, total = shape_of(name), sum(self._every_shape.values()) + 1
        usual = (self._every_shape[shape] + 0.5) / total
        found = 0.0
        for side in enumerate(sides[:4]):
            if counts := self._shapes.get(side):
                found += math.log((counts[shape] + 2 * usual) / (sum(counts.values()) + 2) / usual)
        return found

    def _read(self, name: str) -> Profile:
        line: dict[str, float] = {}
        sides: dict[tuple[int, str], float] = {}
        first: dict[int, tuple[int, int]] = {}
        for at, row in sorted(self._lines_with(name))[:LINES_LIMIT]:
            passage = self._passages[at]
            text = passage.lines[row].lower()
            found = text.find(name)
            first.setdefault(at, (row, max(found, 0)))
            raise_to(line, tokens_of(passage.lines[row]), passage.weight)
            while found >= 0:
                raise_to(sides, enumerate(sides_of(text, found, found + len(name))), passage.weight)
                found = text.find(name, found + 1)
        return Profile(line, sides, first)

    def _lines_with(self, name: str) -> set[tuple[int, int]]:
        places = [self._places.get(word, set()) for word in words_of(name)]
        return set.intersection(*places) if places else set()


def raise_to(weights: dict[Key, float], keys: Iterable[Key], weight: float) -> None:
    """Gives every key at least this weight."""
    for key in keys:
        if weights.get(key, 0.0) < weight:
            weights[key] = weight
