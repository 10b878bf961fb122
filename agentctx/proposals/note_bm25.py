"""BM25 over counted words, in sparse rows that many questions are put to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from rank_bm25 import BM25Okapi

_SHORT = 5.0
"""Added to a note's length in cosines."""

Counts = Mapping[str, float]


class NoteBM25(BM25Okapi):  # type: ignore[misc]
    """Okapi over counted words, with Lucene's idf (positive even in a store of one note) and sparse rows.

    ``row``, ``ids`` and ``value`` have one entry per different word of a note.
    """

    def _initialize(self, corpus: Sequence[Counts]) -> Any:
        self.corpus_size = len(corpus)
        self._number: dict[str, int] = {}
        number = self._number
        self.ids = np.array(
            [number.setdefault(word, len(number)) for row in corpus for word in row], dtype=np.int64
        )
        counts = np.array([n for row in corpus for n in row.values()], dtype=float)
        self.row = np.repeat(np.arange(len(corpus)), [len(row) for row in corpus])
        self.doc_len = np.bincount(self.row, weights=counts, minlength=len(corpus))
        self.avgdl = float(self.doc_len.mean()) or 1.0
        norm = self.k1 * (1 - self.b + self.b * self.doc_len / self.avgdl)
        self._saturated = counts * (self.k1 + 1) / (counts + norm[self.row])
        self._counted = 1 + np.log(np.maximum(counts, 1))
        return np.bincount(self.ids, minlength=len(number))

    def _calc_idf(self, nd: Any) -> None:
        self.idf = np.log(1 + (self.corpus_size - nd + 0.5) / (nd + 0.5))
        rarity = self.idf[self.ids]
        self.value = rarity * self._saturated
        self.weight = rarity * self._counted
        self.length = np.sqrt(np.bincount(self.row, self.weight**2, self.corpus_size))

    def question(self, weights: Counts) -> Any:
        found = np.zeros(len(self._number))
        for word, weight in weights.items():
            if (at := self._number.get(word)) is not None:
                found[at] = weight
        return found

    def get_scores(self, query: Counts) -> Any:
        return np.bincount(self.row, self.question(query)[self.ids] * self.value, self.corpus_size)

    def cosines(self, query: Counts) -> Any:
        question = self.question(query) * self.idf
        common = np.bincount(self.row, question[self.ids] * self.weight, self.corpus_size)
        # A very short note must not look like a perfect answer for one common word.
        return common / (self.length + _SHORT) / (float(np.linalg.norm(question)) or 1.0)

    def parts(self, query: Counts, rows: slice = slice(None)) -> tuple[Any, Any, Any]:
        """(note, BM25 of one word, word number) of every shared word."""
        row, ids = self.row[rows], self.ids[rows]
        part = self.question(query)[ids] * self.value[rows]
        shared = part > 0
        return row[shared], part[shared], ids[shared]

    def rows_of(self, note: int) -> slice:
        """Where the words of one note stand."""
        start, end = np.searchsorted(self.row, (note, note + 1))
        return slice(int(start), int(end))

    @cached_property
    def words(self) -> list[str]:
        return list(self._number)
