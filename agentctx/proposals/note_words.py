"""What notes say: their words counted, in tables that many questions are put to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agentctx.model import Note
from agentctx.proposals.change_words import chunks, phrases
from agentctx.retrieval.tokens import tokenize

_SPAN = re.compile(r"``?([^`\n]+)``?")
_EXAMPLE = re.compile(r"```|~~~|^\.\. code|::[ \t]*$", re.MULTILINE)
_ITEM = re.compile(r"^[ \t]*(?:(?:[-*+]|\d+[.)])[ \t]|\|)", re.MULTILINE)
_ROW = re.compile(r"^[ \t]*\|", re.MULTILINE)
_BODY_READ = 60_000

Counts = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class NoteCounts:
    """The words of one note, counted."""

    title: Counts
    body: Counts
    spans: Counts
    """Words inside code spans."""
    phrases: Counts
    chunks: Counts
    examples: int
    """Marks of code blocks."""
    items: int
    """Lines of lists and tables."""
    rows: int
    """Lines of tables alone."""


@lru_cache(maxsize=20_000)
def count_note(title: str, body: str) -> NoteCounts:
    """Counts are kept: a note seldom changes between two changes of the code."""
    body = body[:_BODY_READ]
    return NoteCounts(
        title=Counter(tokenize(title)),
        body=Counter(tokenize(body)),
        spans=Counter(tokenize(" ".join(_SPAN.findall(body)))),
        phrases=Counter(phrases(body)),
        chunks=Counter(chunks(body)),
        examples=len(_EXAMPLE.findall(body)),
        items=len(_ITEM.findall(body)),
        rows=len(_ROW.findall(body)),
    )


@lru_cache(maxsize=20_000)
def count_words(text: str) -> Counts:
    """The words of a path or a title, counted."""
    return Counter(tokenize(text))


def headings_above(notes: Sequence[Note]) -> list[Counts]:
    """For a section of a document: the words of the headings it stands under, its own left out.

    Sections of one document follow each other in the order of the file.
    """
    found: list[Counts] = []
    above: list[tuple[int, str]] = []
    path = ""
    for note in notes:
        if note.path != path:
            path, above = note.path, []
        level = note.sections[0].level if note.sections else 1
        own = set(count_words(note.title))
        titles = dict.fromkeys([*(title for _, title in above[:1]), *(t for n, t in above if n < level)])
        found.append({w: 1 for title in titles for w in count_words(title) if w not in own})
        # The document's first heading stays at the bottom: it names the whole.
        above = above[:1] + [(n, t) for n, t in above[1:] if n < level] + [(level, note.title)]
    return found


def whole(note: Note, counts: NoteCounts, above: Counts) -> Counts:
    """Everything a note says in one bag: title, headings above and path count twice, code spans once more."""
    total = dict(counts.body)
    for words, share in ((counts.title, 2), (above, 2), (path_words(note.path), 2), (counts.spans, 1)):
        for word, n in words.items():
            total[word] = total.get(word, 0) + share * n
    return total


def path_words(path: str) -> Counts:
    """The words of a path without its file ending."""
    stem, dot, _ = path.rpartition(".")
    return count_words(stem if dot else path)


class Table:
    """All words of all notes. Every question answers with one number per note."""

    def __init__(self, rows: Sequence[Counts], k1: float = 1.5, b: float = 0.75) -> None:
        # Imported on first use: rank-bm25 brings numpy.
        from agentctx.proposals.note_bm25 import NoteBM25

        self._model = NoteBM25(rows, k1=k1, b=b)
        self.size = len(rows)

    def bm25(self, question: Counts) -> Any:
        """0 where no word is shared."""
        return self._model.get_scores(question)

    def cosine(self, question: Counts) -> Any:
        """0..1: shared words, weighted by rarity, against everything the note says."""
        return self._model.cosines(question)

    def shared(self, question: Counts) -> Any:
        """How many of the words each note uses, rare or not."""
        import numpy as np

        row, _, _ = self._model.parts(question)
        return np.bincount(row, minlength=self.size)

    def best(self, question: Counts, count: int) -> Any:
        """The sum of each note's ``count`` highest single words."""
        import numpy as np

        row, part, _ = self._model.parts(question)
        order = np.lexsort((-part, row))
        row, part = row[order], part[order]
        place = np.arange(len(row)) - np.searchsorted(row, row)
        few = place < count
        return np.bincount(row[few], weights=part[few], minlength=self.size)

    def telling(self, question: Counts, note: int, count: int) -> list[str]:
        """The words that speak most for one note, best first."""
        _, part, word = self._model.parts(question, self._model.rows_of(note))
        words = self._model.words
        found = sorted((-p, words[w]) for p, w in zip(part, word, strict=True))
        return [w for _, w in found[:count]]
