"""How a change and each note are related, as numbers: the signals that ``affected`` weighs.

Every signal is one array, one entry per note, never negative; most are larger for a closer relation.
``document_sections``, ``examples``, ``items``, ``rows`` and the ``..._changed`` ones describe the note alone.
No signal knows a label, a language or a repository.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agentctx.model import Note
from agentctx.proposals.change_words import ChangeWords
from agentctx.proposals.note_history import NoteHistory, key_of
from agentctx.proposals.note_words import (
    Counts,
    NoteCounts,
    Table,
    count_note,
    count_words,
    headings_above,
    path_words,
    whole,
)

_FILES = 60
"""Changed files that vote one by one."""
_HALF_LIFE = 1_000
"""Merges after which a common past counts half."""
_NEIGHBOURS = 200
"""Earlier merges most like this one that vote for the notes they touched."""
_TITLES = 30
"""Newest merges of a document whose titles and paths are read."""
_FILE_TITLES = 20
"""Newest merges of a changed file whose titles are read."""


@dataclass(frozen=True, slots=True)
class Documents:
    """Which notes are sections of one document; a note with a file of its own is a document by itself."""

    paths: tuple[str, ...]
    of_note: Any
    """Document number of each note."""

    @classmethod
    def of(cls, notes: Sequence[Note]) -> Documents:
        import numpy as np

        numbers = {path: i for i, path in enumerate(dict.fromkeys(n.path for n in notes))}
        return cls(tuple(numbers), np.array([numbers[n.path] for n in notes], dtype=int))


class Signals:
    """One change against all notes; there must be at least one note."""

    def __init__(
        self,
        words: ChangeWords,
        notes: Sequence[Note],
        history: NoteHistory,
        counts: Sequence[NoteCounts] | None = None,
    ) -> None:
        self.words = words
        self.notes = notes
        self.history = history
        self.documents = Documents.of(notes)
        self._counts = counts or [count_note(n.title, n.body) for n in notes]

    @cached_property
    def whole(self) -> Table:
        """Everything a note says."""
        above = headings_above(self.notes)
        rows = [whole(n, c, a) for n, c, a in zip(self.notes, self._counts, above, strict=True)]
        return Table(rows, k1=3.0, b=0.5)

    def values(self) -> dict[str, Any]:
        """Signal name -> array."""
        return {
            **self._words(),
            **self._form(),
            **self._files(),
            **self._document(),
            **self._past(),
            **self._common_past(),
        }

    def _words(self) -> dict[str, Any]:
        import numpy as np

        bags, table, words = self.words.bags, self.whole, self.words
        titles = Table([c.title for c in self._counts], b=0.3)
        phrases = Table([c.phrases for c in self._counts], k1=0.8, b=0.5)
        chunks = Table([c.chunks for c in self._counts], k1=0.8, b=0.4)
        return {
            "all": table.cosine(bags["all"]),
            "all_bm25": table.bm25(bags["all"]),
            "context": table.cosine(bags["context"]),
            "tests": table.cosine(bags["tests"]),
            "paths": table.cosine(bags["paths"]),
            "subject": table.bm25(bags["subject"]),
            "message": table.bm25(bags["message"]),
            "title": titles.cosine(bags["all"]),
            "phrases": phrases.best(words.phrases, 5),
            "chunks": chunks.cosine(words.chunks),
            "siblings": chunks.bm25(dict.fromkeys(words.siblings, 1.0)),
            "already_named": np.sqrt(chunks.shared(dict.fromkeys(words.added_chunks, 1.0))),
        }

    def _form(self) -> dict[str, Any]:
        """The look of the note: lists and tables grow with what is new, examples share words by accident."""
        import numpy as np

        return {
            "examples": np.log1p([float(c.examples) for c in self._counts]),
            "items": np.log1p([float(c.items) for c in self._counts]),
            "rows": np.log1p([float(c.rows) for c in self._counts]),
        }

    def _files(self) -> dict[str, Any]:
        """Each changed file votes for the notes nearest to it."""
        import numpy as np

        mean, most, total = np.zeros(len(self.notes)), np.zeros(len(self.notes)), 0.0
        for weight, bag in self.words.files[:_FILES]:
            share = weight * relative(self.whole.bm25(bag))
            mean, most, total = mean + share, np.maximum(most, share), total + weight
        return {
            "files_mean": mean / max(total, 1.0),
            "files_most": most,
            "file_titles": self.whole.bm25(self._titles_of_files()),
        }

    def _document(self) -> dict[str, Any]:
        """The note's document: its path, and how many sections it has."""
        import numpy as np

        of_note = self.documents.of_note
        paths = Table([path_words(path) for path in self.documents.paths], b=0.3)
        return {
            "document_path": paths.bm25(self.words.bags["all"])[of_note],
            "document_sections": np.log(np.bincount(of_note))[of_note],
        }

    def _titles_of_files(self) -> dict[str, float]:
        """Words of the titles of earlier merges of the changed files: what people call that code."""
        found: dict[str, float] = {}
        for path in self.words.paths:
            places = self.history.of_file(path)[-_FILE_TITLES:]
            for place in places:
                for word in count_words(self.history.merges[place].subject):
                    found[word] = found.get(word, 0.0) + 1 / len(places)
        return {word: math.sqrt(n) for word, n in found.items()}

    def _past(self) -> dict[str, Any]:
        """How often, and how long ago, counted in merges, the note changed."""
        import numpy as np

        own = [self.history.of_note(n) for n in self.notes]
        ages = [len(self.history.merges) - places[-1] if places else math.inf for places in own]
        return {
            "often_changed": np.log1p([float(len(places)) for places in own]),
            "recently_changed": 1 / np.sqrt(1 + np.array(ages) / 10),
        }

    def _common_past(self) -> dict[str, Any]:
        """What earlier merges say about notes and documents that belong to the changed files."""
        documents, of_note = self.documents.paths, self.documents.of_note
        number = {path: i for i, path in enumerate(documents)}
        titles, files = self._titles(documents)
        bags = self.words.bags
        return {
            "neighbours": self._votes({key_of(n): i for i, n in enumerate(self.notes)}),
            "document_neighbours": self._votes(number)[of_note],
            "document_with_files": self._together(number)[of_note],
            "document_titles": titles.bm25(bags["subject"])[of_note],
            "document_past_files": files.cosine(bags["paths"])[of_note],
        }

    def _touched(self, place: int, number: Mapping[str, int]) -> list[int]:
        merge = self.history.merges[place]
        return [number[name] for name in dict.fromkeys((*merge.sections, *merge.paths)) if name in number]

    def _together(self, number: Mapping[str, int]) -> Any:
        """How often the documents changed in the merges in which a changed file changed: mean over files."""
        import numpy as np

        total, known = np.zeros(len(number)), 0
        for path in self.words.paths:
            places = self.history.of_file(path)
            if not places:
                continue
            known += 1
            common, weight = np.zeros(len(number)), 0.0
            for place in places:
                recent = 0.5 ** ((len(self.history.merges) - place) / _HALF_LIFE)
                weight += recent
                touched = self._touched(place, number)
                common[touched] += recent / math.sqrt(max(1, len(touched)))
            total += common / (weight + 2)  # two merges of doubt: one common change proves little
        return total / max(1, known)

    def is_common(self, chunk: str) -> bool:
        """Whether so many notes use a code-like word that it tells none of them from the others."""
        return sum(chunk in counts.chunks for counts in self._counts) > max(3, len(self._counts) // 20)

    @cached_property
    def alike(self) -> list[tuple[int, float]]:
        """Earlier merges (place in the history, likeness) that share files and title words with this change,
        most alike first."""
        merges = self.history.merges
        likeness: dict[int, float] = {}

        def add(places: Sequence[int], size: Sequence[int]) -> None:
            rarity = math.log(1 + len(merges) / len(places))
            for place, length in zip(places, size, strict=True):
                likeness[place] = likeness.get(place, 0.0) + rarity / math.sqrt(length)

        for path in self.words.paths:
            if places := self.history.of_file(path):
                add(places, [len(merges[place].paths) for place in places])
        for word in sorted(self.words.bags["subject"]):
            if places := self.history.with_word(word):
                add(places, [len(count_words(merges[place].subject)) + 3 for place in places])
        return sorted(likeness.items(), key=lambda item: (-item[1], -item[0]))[:_NEIGHBOURS]

    def _votes(self, number: Mapping[str, int]) -> Any:
        """Merges alike vote for what they touched."""
        import numpy as np

        votes = np.zeros(len(number))
        for place, likeness in self.alike:
            votes[self._touched(place, number)] += likeness**2
        return votes

    def _titles(self, names: Sequence[str]) -> tuple[Table, Table]:
        """Titles, and code paths, of the merges that touched each document."""
        titles: list[Counts] = []
        files: list[Counts] = []
        for name in names:
            words: Counter[str] = Counter()
            paths: Counter[str] = Counter()
            for place in self.history.of_file(name)[-_TITLES:]:
                merge = self.history.merges[place]
                words.update(count_words(merge.subject).keys())
                paths.update({w for path in merge.paths[:20] for w in count_words(path)})
            titles.append(words)
            files.append(paths)
        return Table(titles), Table(files)


def relative(values: Any, damping: float = 0.0) -> Any:
    """0..1 within one change: a share of the highest, pulled down when even the highest is low."""
    top = float(values.max()) + damping
    return values / top if top > 0 else values * 0.0
