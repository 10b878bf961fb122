"""Would two names of a new text stand better in each other's places? Asked of the code and the old note.

Every name and number of the lines that an edit writes is compared, pair by pair, with every other: how well
do the words around it agree with what stands around it in the evidence, and how well would they if the two
were traded? A text whose pairs stand where the evidence has them speaks for itself.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import combinations

from agentctx.proposals.mentions import Mention, marks_of, mentions_in, plain, tokens_of
from agentctx.proposals.support import Rarity
from agentctx.proposals.surroundings import Profile, Surroundings, raise_to

SIGNALS = ("line", "mark", "word", "second", "shape", "heir", "own", "order")
"""What a pair is compared by: words of the same line in the evidence; the sign, the word and the second word
on either side; the kind of name that such words go with; how like the name that stood there before; words
around it that are its own pieces; which of the two comes first."""
SCALES = (3.0, 2.0, 2.0, 2.0, 4.0, 0.5, 1.0, 1.0)
"""Where each signal begins to say no more than that it is clear."""
NAMES_LIMIT, MENTIONS_LIMIT = 30, 10
"""Names of one text that are compared, and places of one name that are looked at; the first of them."""
MARKS_LIMIT = 4_000
"""Words and signs, old and new together, up to which old lines are laid beside new ones."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two names of a text; ``signals`` are above 0 where each stands in its own place."""

    one: str
    other: str
    signals: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Name:
    """One name of the new text: its pieces, where it stands, and what the evidence has around it."""

    written: str
    pieces: frozenset[str]
    profile: Profile
    mentions: Sequence[Mention]


@dataclass(frozen=True, slots=True)
class _Scene:
    """What the names of one text are judged by."""

    known: Surroundings
    rarity: Rarity
    telling: Mapping[str, float]
    """How much a word of a line tells one name from another."""
    before: Mapping[tuple[int, int], str]
    """The name that stood where a name stands now, by row and column."""


def pairs_of(before: str, after: str, known: Surroundings, rarity: Rarity) -> list[Pair]:
    """Every two names, and every two numbers, of the lines that were not there before."""
    before, after = plain(before), plain(after)
    mentions = [m for row, line in _new_lines(after, before) for m in mentions_in(line, row)]
    stood = _stood_before(before, after)
    found: list[Pair] = []
    for numbers in (False, True):
        same_kind = [m for m in mentions if m.name[0].isdigit() == numbers]
        written = list(dict.fromkeys(m.name for m in same_kind))[:NAMES_LIMIT]
        names = [_name(w, [m for m in same_kind if m.name == w], known) for w in written]
        sharing = Counter(word for name in names for word in name.profile.line)
        telling = {w: math.log((len(names) + 1) / n) * _worth(rarity, w) for w, n in sharing.items()}
        scene = _Scene(known, rarity, telling, stood)
        found += [_pair(one, other, scene) for one, other in combinations(names, 2)]
    return found


def _name(written: str, mentions: Sequence[Mention], known: Surroundings) -> _Name:
    return _Name(written, frozenset(tokens_of(written)), known.profile(written), mentions[:MENTIONS_LIMIT])


def _pair(one: _Name, other: _Name, scene: _Scene) -> Pair:
    gains = zip(_gain(one, other, scene), _gain(other, one, scene), strict=True)
    order = _order(one.profile, other.profile, one.mentions[0].place < other.mentions[0].place)
    signals = (*(sum(gain) for gain in gains), order)
    scaled = (math.tanh(signal / scale) for signal, scale in zip(signals, SCALES, strict=True))
    return Pair(one.written, other.written, tuple(scaled))


def _gain(name: _Name, other: _Name, scene: _Scene) -> list[float]:
    """How much better a name suits its places than the other would, by signal: a mean over its places."""
    rows = []
    for mention in name.mentions:
        around = _around(mention, (name.written, other.written))
        fits = (
            _fit(mention, around, who, who.pieces - rival.pieces, scene)
            for who, rival in ((name, other), (other, name))
        )
        rows.append([own - others for own, others in zip(*fits, strict=True)])
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def _around(mention: Mention, hidden: Sequence[str]) -> dict[str, float]:
    """Words around a mention by nearness, without the two names that are compared: traded, they would stand
    around each other just the same."""
    found: dict[str, float] = {}
    for item, nearness in mention.around:
        if item.name not in hidden:
            raise_to(found, item.tokens, nearness)
    return found


def _fit(
    mention: Mention, around: Mapping[str, float], who: _Name, own: frozenset[str], scene: _Scene
) -> tuple[float, ...]:
    """How well a name suits a place, by signal. ``own``: pieces that the name it is compared with lacks."""
    profile = who.profile
    line = sum(n * scene.telling[w] * profile.line[w] for w, n in around.items() if w in profile.line)
    at = [profile.sides.get(side, 0.0) for side in enumerate(mention.sides)]
    shape = scene.known.fits_shape(mention.sides, who.written)
    stood = scene.before.get(mention.place, "")
    pieces = sum(n * _worth(scene.rarity, w) for w, n in around.items() if w in own)
    heir = _alike(stood, who.written) if stood else 0.0
    return (line, at[0] + at[1], at[2] + at[3], at[4] + at[5], shape, heir, pieces)


def _order(one: Profile, other: Profile, first: bool) -> float:
    """Whether the two come in the evidence in the order in which the text has them: -1, 0 or 1."""
    votes = 0
    for at in one.first.keys() & other.first.keys():
        if one.first[at] != other.first[at]:
            votes += 1 if (one.first[at] < other.first[at]) == first else -1
    return float(max(-1, min(1, votes)))


def _worth(rarity: Rarity, word: str) -> float:
    """A word that stands in every note says little about a place."""
    return min(1.0, 0.2 + max(0.0, rarity.of(word)) / 5)


def _new_lines(text: str, other: str) -> Iterator[tuple[int, str]]:
    """The lines of a text that the other does not have, with their rows."""
    known = {line.strip() for line in other.split("\n")}
    for row, line in enumerate(text.split("\n")):
        if line.strip() and line.strip() not in known:
            yield row, line


def _stood_before(before: str, after: str) -> dict[tuple[int, int], str]:
    """For names of new lines the name that stood in the same place of an old line, where there is one.

    Old and new lines are laid beside each other by the words that are no names: it makes no difference to
    them which name stands where.
    """
    old, new = (
        [((row, start), mark, name) for row, line in lines for start, mark, name in (*marks_of(line), _END)]
        for lines in (_new_lines(before, after), _new_lines(after, before))
    )
    if len(old) + len(new) > MARKS_LIMIT:
        return {}
    found: dict[tuple[int, int], str] = {}
    matcher = SequenceMatcher(
        None, [mark for _, mark, _ in old], [mark for _, mark, _ in new], autojunk=False
    )
    for tag, i, j, k, m in matcher.get_opcodes():
        gone, put = [name for *_, name in old[i:j] if name], [place for place, _, name in new[k:m] if name]
        if tag in ("equal", "replace") and len(gone) == len(put):
            found |= dict(zip(put, gone, strict=True))
    return found


_END = (1 << 30, "\n", "")


@lru_cache(maxsize=20_000)
def _alike(one: str, other: str) -> float:
    """The share of their pieces that two names have in common (0..1)."""
    pieces = set(tokens_of(one)), set(tokens_of(other))
    every = len(pieces[0] | pieces[1])
    return 1.0 if one == other else len(pieces[0] & pieces[1]) / every if every else 0.0
