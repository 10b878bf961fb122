"""Where every word of every note stands: one structure for all notes, built once, asked by many questions.

All fields of all notes are laid out behind one another as one running text, with a gap behind each field.
A word has the sorted list of its places in it. From that follow how often a note holds a word, in which
field, and which words are neighbours, without reading any note.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from agentctx.retrieval.bags import FIELDS

_MAGIC = b"agentctx words 1\n"


@dataclass(frozen=True, slots=True)
class Found:
    """Occurrences of some words, ordered by word and then by place: three arrays of one length."""

    word: Any
    """Which of the words asked for."""
    note: Any
    field: Any
    """Place in ``FIELDS``."""


@dataclass(frozen=True, slots=True)
class Concordance:
    """The places of all words; ``of`` builds it, ``to_bytes`` and ``from_bytes`` keep it."""

    size: int
    """Number of notes."""
    spans: Mapping[str, tuple[int, int]]
    """Word -> its part of ``places``."""
    places: Any
    """Places in the running text, ascending for each word."""
    starts: Any
    """Where each field of each note begins, in the order of the notes; one more entry ends the text."""

    @classmethod
    def of(cls, bags: Sequence[Mapping[str, str]]) -> Concordance:
        """The concordance of notes given as bags."""
        import numpy as np

        words: list[str] = []
        starts = [0]
        for bag in bags:
            for name in FIELDS:
                words += bag.get(name, "").split()
                words.append("")  # the gap: the last word of a field is nobody's neighbour
                starts.append(len(words))
        numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
        text = np.fromiter(map(numbers.__getitem__, words), dtype=np.int32, count=len(words))
        ends = np.cumsum(np.bincount(text, minlength=len(numbers))).tolist()
        spans = dict(zip(numbers, pairwise([0, *ends]), strict=True))
        spans.pop("", None)
        order = np.argsort(text, kind="stable").astype(np.int32)
        return cls(len(bags), spans, order, np.array(starts, dtype=np.int32))

    def find(self, words: Sequence[str]) -> Found:
        """Every place at which one of the words stands."""
        import numpy as np

        spans = [self.spans.get(word, (0, 0)) for word in words]
        parts = [self.places[start:end] for start, end in spans]
        places = np.concatenate(parts) if parts else self.places[:0]
        which = np.repeat(np.arange(len(spans)), [end - start for start, end in spans])
        segment = np.searchsorted(self.starts, places, side="right") - 1
        return Found(which, segment // len(FIELDS), segment % len(FIELDS))

    def neighbours(self, first: str, second: str, field: str) -> Any:
        """Numbers of the notes in which the second word follows the first in a field, ascending."""
        import numpy as np

        one, two = (self.places[slice(*self.spans.get(word, (0, 0)))] for word in (first, second))
        if not len(one) or not len(two):
            return one[:0]
        at = np.searchsorted(two, one + 1)
        at[at == len(two)] = 0
        segment = np.searchsorted(self.starts, one[two[at] == one + 1], side="right") - 1
        found = segment[segment % len(FIELDS) == FIELDS.index(field)] // len(FIELDS)
        return found[np.diff(found, prepend=-1) > 0]  # ascending already; `unique` would load masked arrays

    def lengths(self) -> Any:
        """Number of words by note and field: an array of two dimensions."""
        import numpy as np

        return (np.diff(self.starts) - 1).reshape(self.size, len(FIELDS))

    def to_bytes(self, about: str) -> bytes:
        """For ``from_bytes``; ``about`` says of what it was made."""
        head = {
            "about": about,
            "size": self.size,
            "words": list(self.spans),
            "ends": [end for _, end in self.spans.values()],
            "begins": [start for start, _ in self.spans.values()],
            "places": len(self.places),
        }
        text = json.dumps(head, separators=(",", ":")).encode()
        aligned = b" " * (-(len(_MAGIC) + len(text) + 1) % 4)
        return b"".join([_MAGIC, text, aligned, b"\n", self.places.tobytes(), self.starts.tobytes()])

    @classmethod
    def from_bytes(cls, data: bytes, about: str) -> Concordance | None:
        """What ``to_bytes`` wrote about the same; None for anything else, damaged bytes included."""
        import numpy as np

        line_end = data.find(b"\n", len(_MAGIC))
        if not data.startswith(_MAGIC) or line_end < 0:
            return None
        try:
            head = json.loads(data[len(_MAGIC) : line_end])
            spans = dict(zip(head["words"], zip(head["begins"], head["ends"], strict=True), strict=True))
            size, count = int(head["size"]), int(head["places"])
            numbers = np.frombuffer(data, dtype=np.int32, offset=line_end + 1)
        except (ValueError, KeyError, TypeError):
            return None
        if head.get("about") != about or len(numbers) != count + size * len(FIELDS) + 1:
            return None
        return cls(size, spans, numbers[:count], numbers[count:])
