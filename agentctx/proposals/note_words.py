"""What notes say, as tables of words against notes that many questions are put to at once.

A table holds only the words of the change in hand: thousands of notes fit, and every question is one
product of a vector and a matrix.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from agentctx.model import Note
from agentctx.proposals.change_words import chunks, phrases
from agentctx.retrieval.tokens import tokenize

_SPAN = re.compile(r"``?([^`\n]+)``?")
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
    length: int
    """Words of the body as a person counts them."""


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
        length=len(body.split()),
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


@cache
def _bm25() -> Any:
    from rank_bm25 import BM25Okapi

    class NoteBM25(BM25Okapi):  # type: ignore[misc]
        """BM25 over ready counts, with Lucene's idf: positive even in a store of one note."""

        def _initialize(self, corpus: Sequence[Counts]) -> dict[str, int]:
            holders: Counter[str] = Counter()
            for counts in corpus:
                self.doc_freqs.append(counts)
                self.doc_len.append(sum(counts.values()))
                holders.update(counts.keys())
            self.corpus_size = len(corpus)
            self.avgdl = sum(self.doc_len) / max(1, self.corpus_size) or 1.0
            return holders

        def _calc_idf(self, nd: Mapping[str, int]) -> None:
            size = self.corpus_size
            self.idf = {word: math.log(1 + (size - n + 0.5) / (n + 0.5)) for word, n in nd.items()}

    return NoteBM25


class Table:
    """Words against notes: BM25 values and weights for cosines, of the words that ``terms`` names."""

    def __init__(
        self, rows: Sequence[Counts], terms: Iterable[str], k1: float = 1.5, b: float = 0.75
    ) -> None:
        import numpy as np

        model = _bm25()(rows, k1=k1, b=b)
        self.idf: Mapping[str, float] = model.idf
        self.size = len(rows)
        self.terms = {term: i for i, term in enumerate(t for t in terms if t in model.idf)}
        counts = np.zeros((len(self.terms), self.size))
        lengths = np.zeros(self.size)
        for place, row in enumerate(rows):
            few, many = (row, self.terms) if len(row) < len(self.terms) else (self.terms, row)
            for word in few:
                if word in many:
                    counts[self.terms[word], place] = row[word]
            lengths[place] = math.sqrt(
                sum((model.idf[word] * (1 + math.log(max(1.0, n)))) ** 2 for word, n in row.items())
            )
        idf = np.array([model.idf[term] for term in self.terms]).reshape(-1, 1)
        norm = k1 * (1 - b + b * np.array(model.doc_len) / model.avgdl)
        self._bm25 = idf * counts * (k1 + 1) / (counts + norm + 1e-12)
        self._cosine = idf * np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) / (lengths + 5)
        self._idf = idf[:, 0]

    def vector(self, question: Counts) -> Any:
        """Weights of a question in the order of ``terms``."""
        import numpy as np

        found = np.zeros(len(self.terms))
        for word, weight in question.items():
            if (at := self.terms.get(word)) is not None:
                found[at] = weight
        return found

    def bm25(self, question: Counts) -> Any:
        """One score per note; 0 where no word is shared."""
        return self.vector(question) @ self._bm25

    def cosine(self, question: Counts) -> Any:
        """0..1 per note: shared words, weighted by rarity, against everything the note says."""
        import numpy as np

        vector = self.vector(question) * self._idf
        return vector @ self._cosine / (float(np.linalg.norm(vector)) or 1.0)

    def best(self, question: Counts, count: int) -> Any:
        """The sum of each note's ``count`` highest single words."""
        import numpy as np

        parts = self.vector(question)[:, None] * self._bm25
        if len(parts) > count:
            parts = np.partition(parts, len(parts) - count, axis=0)[-count:]
        return parts.sum(axis=0)

    def telling(self, question: Counts, place: int, count: int) -> list[str]:
        """The words that speak most for one note, best first."""
        parts = self.vector(question) * self._bm25[:, place]
        words = list(self.terms)
        order = sorted(range(len(words)), key=lambda i: (-parts[i], words[i]))[:count]
        return [words[i] for i in order if parts[i] > 0]
