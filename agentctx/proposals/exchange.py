"""Tells when a new text keeps the old one's words and puts its names and numbers in each other's places."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher

_WORD = re.compile(r"`[^`\n]{1,200}`|[\w$.-]*\w|[^\w\s]|\n")
_TELLING = re.compile(r"`.*`|.*\d.*|\w+(?:[_.]\w+)+|[a-z]+[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*")
WORDS_LIMIT = 4_000
"""Words of the longest text that is compared; a longer one is not."""
SHORT = 8
"""Words of the longest stretch that counts as a name put in another's place."""


def exchanged(stretches: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Names and numbers that left a place in the old texts, where others now stand, for another place.

    ``stretches``: old and new texts of one edit; a name may leave one for another. A sentence that moves
    along whole, or that is worded anew, is no exchange.
    """
    pairs = [(_WORD.findall(old), _WORD.findall(new)) for old, new in stretches]
    pairs = [(old, new) for old, new in pairs if len(old) + len(new) <= WORDS_LIMIT]
    return tuple(sorted(_replaced(pairs) | _ousted(pairs)))


def _replaced(pairs: Sequence[tuple[list[str], list[str]]]) -> set[str]:
    """Names in whose stead, between words that stayed, other names stand, and that came somewhere else."""
    left: Counter[str] = Counter()
    came: Counter[str] = Counter()
    found: set[str] = set()
    for pair in pairs:
        # How a text is broken into lines moves no name.
        old, new = ([word for word in words if word != "\n"] for words in pair)
        for gone, put in _changes(old, new):
            left.update(gone)
            came.update(put)
            names = [word for word in gone if _is_telling(word)], [word for word in put if _is_telling(word)]
            if all(names) and len(gone) <= SHORT and len(put) <= SHORT:
                found.update(*names)
    return {word for word in found if left[word] and came[word]}


def _ousted(pairs: Sequence[tuple[list[str], list[str]]]) -> set[str]:
    """Names that stand elsewhere now, while another that was not there before has their old neighbours."""
    old, new = (_neighbours(pair[side] for pair in pairs) for side in (0, 1))
    found = set()
    for name, places in old.items():
        left, came = places - new.get(name, set()), new.get(name, set()) - places
        heirs = (at for other, at in new.items() if other != name and left & (at - old.get(other, set())))
        if left and came and any(heirs):
            found.add(name)
    return found


def _neighbours(texts: Iterable[Sequence[str]]) -> Mapping[str, set[tuple[str, str]]]:
    """The words, signs or line ends right before and right after every name."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for words in texts:
        for before, word, after in zip(["\n", *words], words, [*words[1:], "\n"], strict=False):
            if _is_telling(word):
                found[word].add((before, after))
    return found


def _changes(before: list[str], after: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag != "equal":
            yield before[i:j], after[k:m]


def _is_telling(word: str) -> bool:
    return _TELLING.fullmatch(word) is not None
