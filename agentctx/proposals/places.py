"""Would two names of a new text stand better in each other's places? Asked of the code and the old note.

Every name and number of the lines that an edit writes is compared, pair by pair, with every other: how well
do the words around it agree with what stands around it in the evidence, and how well would they if the two
were traded? A text whose pairs stand where the evidence has them speaks for itself.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from agentctx.proposals.support import Rarity
from agentctx.retrieval.tokens import tokenize

SIGNALS = ("line", "near", "mark", "word", "second", "shape", "order")
"""What a pair is compared by: words of the same line and of lines nearby; the sign, the word and the second
word on either side; the kind of name that such words go with; which of the two comes first."""
SCALES = (3.0, 3.0, 2.0, 2.0, 2.0, 4.0, 1.0)
"""Where each signal begins to say no more than that it is clear."""
NAMES_LIMIT = 30
"""Names of one text that are compared; the first of them."""
LINES_LIMIT = 80
"""Lines of the evidence that are read for one name."""

_SPAN = re.compile(r"`([^`\n]{1,60})`")
_ONE_NAME = re.compile(r"[^\s=:,;(){}\[\]]+(?:\(\))?")
_SIGN = re.compile(r"--?[A-Za-z][\w-]*|[A-Za-z_$][\w$]*|\d[\d_.]*\d|\d|[^\w\s]")
_WORD = re.compile(r"[A-Za-z_$][\w$-]*|\d[\d_.]*\d|\d")
_TELLING = re.compile(r"\d.*|\w+(?:_\w+)+|_\w+|[a-z]+\d*[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*|--[a-z][\w-]+")
_REACH = 10
"""Words to either side that count as being around a name."""

Key = TypeVar("Key")
Sides = tuple[str, ...]
"""Left and right: sign, word, second word."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines that stand together, and what they are worth as evidence (0..1)."""

    lines: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two names of a text; ``signals`` are above 0 where each stands in its own place."""

    one: str
    other: str
    signals: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Mention:
    """One name where it stands in the new text, with the words around it by nearness."""

    name: str
    place: tuple[int, int]
    line: Mapping[str, float]
    near: Mapping[str, float]
    sides: Sides


@dataclass(frozen=True, slots=True)
class _Profile:
    """What stands around a name in the evidence, by weight; where it comes first in each passage."""

    line: Mapping[str, float]
    near: Mapping[str, float]
    sides: Mapping[tuple[int, str], float]
    first: Mapping[int, tuple[int, int]]


class Surroundings:
    """What stands around names in the evidence; every passage is read once."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self._passages = tuple(passages)
        self._places: dict[str, set[tuple[int, int]]] = defaultdict(set)
        self._profiles: dict[str, _Profile] = {}
        self._shapes: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
        self._every_shape: Counter[str] = Counter()
        for at, passage in enumerate(self._passages):
            for row, line in enumerate(passage.lines):
                for word in _WORD.findall(line.lower()):
                    self._places[word].add((at, row))
                for name, start, end in _names_of(line):
                    self._every_shape[_shape(name)] += 1
                    for side in enumerate(_sides(line, start, end)):
                        self._shapes[side][_shape(name)] += 1

    def profile(self, name: str) -> _Profile:
        """What stands around a name; empty for one that is nowhere."""
        if name not in self._profiles:
            self._profiles[name] = self._read(name.lower())
        return self._profiles[name]

    def fits_shape(self, sides: Sides, name: str) -> float:
        """How much more often such a kind of name stands between these words than elsewhere (log odds)."""
        shape, total = _shape(name), sum(self._every_shape.values()) + 1
        usual = (self._every_shape[shape] + 0.5) / total
        found = 0.0
        for side in enumerate(sides[:4]):
            if counts := self._shapes.get(side):
                found += math.log((counts[shape] + 2 * usual) / (sum(counts.values()) + 2) / usual)
        return found

    def _read(self, name: str) -> _Profile:
        line: dict[str, float] = {}
        near: dict[str, float] = {}
        sides: dict[tuple[int, str], float] = {}
        first: dict[int, tuple[int, int]] = {}
        for at, row in sorted(self._lines_with(name))[:LINES_LIMIT]:
            passage = self._passages[at]
            text = passage.lines[row].lower()
            found = text.find(name)
            first.setdefault(at, (row, max(found, 0)))
            _raise(line, _words(passage.lines[row]), passage.weight)
            for step in (-2, -1, 1, 2):
                if 0 <= row + step < len(passage.lines):
                    _raise(near, _words(passage.lines[row + step]), passage.weight / abs(step))
            while found >= 0:
                _raise(sides, enumerate(_sides(text, found, found + len(name))), passage.weight)
                found = text.find(name, found + 1)
        return _Profile(line, near, sides, first)

    def _lines_with(self, name: str) -> set[tuple[int, int]]:
        places = [self._places.get(word, set()) for word in _WORD.findall(name)]
        return set.intersection(*places) if places else set()


def pairs_of(before: str, after: str, known: Surroundings, rarity: Rarity) -> list[Pair]:
    """Every two names, and every two numbers, of the lines that were not there before."""
    mentions = _mentions(before, after)
    found: list[Pair] = []
    for numbers in (False, True):
        same_kind = [m for m in mentions if m.name[0].isdigit() == numbers]
        names = list(dict.fromkeys(m.name for m in same_kind))[:NAMES_LIMIT]
        found += _compared(names, same_kind, known, rarity)
    return found


def _compared(
    names: Sequence[str], mentions: Sequence[_Mention], known: Surroundings, rarity: Rarity
) -> Iterable[Pair]:
    profiles = {name: known.profile(name) for name in names}
    sharing = Counter(w for p in profiles.values() for w in p.line.keys() | p.near.keys())
    telling = {w: math.log((len(names) + 1) / n) * _worth(rarity.of(w)) for w, n in sharing.items()}
    here = {name: [m for m in mentions if m.name == name] for name in names}

    def fit(name: str, candidate: str) -> list[float]:
        """How well a candidate suits the places of a name, by signal, a mean over its places."""
        rows = [_fit(m, candidate, profiles[candidate], telling, known) for m in here[name]]
        return [sum(column) / len(rows) for column in zip(*rows, strict=True)]

    fits = {(name, candidate): fit(name, candidate) for name in names for candidate in names}
    for at, one in enumerate(names):
        for other in names[at + 1 :]:
            given, traded = (fits[one, one], fits[other, other]), (fits[one, other], fits[other, one])
            signals = [a + b - c - d for a, b, c, d in zip(*given, *traded, strict=True)]
            order = _order(profiles[one], profiles[other], here[one][0].place < here[other][0].place)
            scaled = (math.tanh(s / scale) for s, scale in zip((*signals, order), SCALES, strict=True))
            yield Pair(one, other, tuple(scaled))


def _fit(
    mention: _Mention, candidate: str, profile: _Profile, telling: Mapping[str, float], known: Surroundings
) -> tuple[float, ...]:
    line = sum(n * telling[w] * profile.line[w] for w, n in mention.line.items() if w in profile.line)
    near = 0.0
    for word, n in mention.line.items():
        if word in profile.near and word not in profile.line:
            near += n * telling[word] * profile.near[word]
    for word, n in mention.near.items():
        if word in telling:
            near += n * telling[word] * max(profile.line.get(word, 0.0), profile.near.get(word, 0.0))
    at = [profile.sides.get(side, 0.0) for side in enumerate(mention.sides)]
    shape = known.fits_shape(mention.sides, candidate)
    return (line, near, at[0] + at[1], at[2] + at[3], at[4] + at[5], shape)


def _order(one: _Profile, other: _Profile, first: bool) -> float:
    """Whether the two come in the evidence in the order in which the text has them: -1, 0 or 1."""
    votes = 0
    for at in one.first.keys() & other.first.keys():
        if one.first[at] != other.first[at]:
            votes += 1 if (one.first[at] < other.first[at]) == first else -1
    return float(max(-1, min(1, votes)))


def _worth(rarity: float) -> float:
    """A word that stands in every note says little about a place."""
    return min(1.0, 0.2 + max(0.0, rarity) / 5)


def _mentions(before: str, after: str) -> list[_Mention]:
    """The names and numbers of lines that are new."""
    old = {line.strip() for line in before.split("\n")}
    lines = after.split("\n")
    found: list[_Mention] = []
    for row, line in enumerate(lines):
        if not line.strip() or line.strip() in old:
            continue
        near: dict[str, float] = {}
        for step in (-2, -1, 1, 2):
            if 0 <= row + step < len(lines):
                _raise(near, _words(lines[row + step])[:15], 0.5 / abs(step))
        for name, start, end in _names_of(line):
            around: dict[str, float] = {}
            left, right = _words(line[:start])[-_REACH:][::-1], _words(line[end:])[:_REACH]
            for words in (left, right):
                for distance, word in enumerate(words):
                    around[word] = max(around.get(word, 0.0), 1 / (1 + distance / 4))
            found.append(_Mention(name, (row, start), around, near, _sides(line, start, end)))
    return found


@lru_cache(maxsize=20_000)
def _words(line: str) -> tuple[str, ...]:
    return tuple(tokenize(line[:400]))


@lru_cache(maxsize=20_000)
def _names_of(line: str) -> tuple[tuple[str, int, int], ...]:
    """Names and numbers of a line with their start and end: what is spelled like code, inside a code span of
    several words too; a span without any such word is one name."""
    found: list[tuple[str, int, int]] = []
    for span in _SPAN.finditer(line):
        inner = () if _ONE_NAME.fullmatch(span[1]) else _telling(span[1], span.start(1))
        found += inner or [(span[1].strip(), span.start(), span.end())]
    found += _telling(_SPAN.sub(lambda m: " " * len(m[0]), line), 0)
    return tuple(sorted((name for name in found if name[0]), key=lambda name: name[1]))


def _telling(text: str, at: int) -> list[tuple[str, int, int]]:
    found = (m for m in _SIGN.finditer(text) if _TELLING.fullmatch(m[0]))
    return [(m[0], at + m.start(), at + m.end()) for m in found]


def _sides(line: str, start: int, end: int) -> Sides:
    """Sign, word and second word to the left and to the right; a mark where the line ends."""
    left, right = (
        part.replace("`", " ").lower() for part in (line[max(0, start - 60) : start], line[end : end + 60])
    )
    signs, words = (_SIGN.findall(left), _SIGN.findall(right)), (_WORD.findall(left), _WORD.findall(right))
    return (
        signs[0][-1] if signs[0] else "^",
        signs[1][0] if signs[1] else "$",
        words[0][-1] if words[0] else "^",
        words[1][0] if words[1] else "$",
        words[0][-2] if len(words[0]) > 1 else "^",
        words[1][1] if len(words[1]) > 1 else "$",
    )


_SHAPES = tuple(
    (shape, re.compile(pattern))
    for shape, pattern in (
        ("whole", r"\d+"),
        ("number", r"\d.*"),
        ("flag", r"-.*"),
        ("call", r".*\)"),
        ("path", r".*/.*"),
        ("quoted", r"[\"'].*"),
        ("expression", r".*[ =:].*"),
        ("dotted", r".*\..*"),
        ("constant", r"[^a-z]+"),
        ("snake", r".*_.*"),
        ("kebab", r".*-.*"),
        ("type", r"[A-Z].*"),
        ("word", r"[^A-Z]+"),
    )
)


@lru_cache(maxsize=20_000)
def _shape(name: str) -> str:
    return next((shape for shape, pattern in _SHAPES if pattern.fullmatch(name)), "camel")


def _raise(weights: dict[Key, float], keys: Iterable[Key], weight: float) -> None:
    for key in keys:
        if weights.get(key, 0.0) < weight:
            weights[key] = weight
