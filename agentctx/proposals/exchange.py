"""Tells when a new text keeps the old one's words and puts its names and numbers in each other's places."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher

_WORD = re.compile(r"`[^`\n]{1,200}`|[\w$.-]*\w|[^\w\s]")
_TELLING = re.compile(r"`.*`|.*\d.*|\w+(?:[_.]\w+)+|[a-z]+[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*")
WORDS_LIMIT = 4_000
"""Words of the longest text that is compared; a longer one is not."""


def exchanged(old: str, new: str) -> tuple[str, ...]:
    """Names and numbers that left a place in the old text, where others now stand, for another place.

    A sentence that moves along whole, or that is worded anew, is no exchange: only short stretches
    between words that stayed are looked at.
    """
    before, after = _WORD.findall(old), _WORD.findall(new)
    if len(before) + len(after) > WORDS_LIMIT:
        return ()
    left: Counter[str] = Counter()
    came: Counter[str] = Counter()
    replaced: set[str] = set()
    for gone, put in _changes(before, after):
        left.update(gone)
        came.update(put)
        if gone and put and len(gone) <= 3 and len(put) <= 3:
            replaced |= {word for word in (*gone, *put) if _is_telling(word)}
    return tuple(sorted(word for word in replaced if left[word] and came[word]))


def _changes(before: list[str], after: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag != "equal":
            yield before[i:j], after[k:m]


def _is_telling(word: str) -> bool:
    return _TELLING.fullmatch(word) is not None
