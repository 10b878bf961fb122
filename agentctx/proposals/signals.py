"""How a change and each note are related, as numbers: the signals that ``affected`` weighs.

Every signal is one array, one entry per note, never negative, larger for a closer relation (``document``
and ``prior`` signals describe the note alone). No signal knows a label, a language or a repository.
"""

from __future__ import annotations

import math
import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agentctx.model import Note
from agentctx.proposals.change_words import ChangeWords
from agentctx.proposals.note_history import NoteHistory, key_of
from agentctx.proposals.note_words import (
    Counts,
    Table,
    count_note,
    count_words,
    headings_above,
    path_words,
    whole,
)

_TERMS = 4_000
"""Different words of a change that are looked up; the heaviest stay."""
_HALF_LIFE = 1_000
"""Merges after which a common past counts half."""
_NEIGHBOURS = 200
"""Earlier merges most like this one that vote for the notes they touched."""
_TITLES = 30
"""Newest merges of a note whose titles are read."""


@dataclass(slots=True)
class Documents:
    """Which notes are sections of one document."""

    paths: list[str]
    of_note: Any
    """Document number of each note."""

    @classmethod
    def of(cls, notes: Sequence[Note]) -> Documents:
        import numpy as np

        numbers = {path: i for i, path in enumerate(dict.fromkeys(n.path for n in notes))}
        return cls(list(numbers), np.array([numbers[n.path] for n in notes], dtype=int))


class Signals:
    """One change against all notes. ``values`` computes every signal by name."""

    def __init__(self, words: ChangeWords, notes: Sequence[Note], history: NoteHistory) -> None:
        self.words = words
        self.notes = notes
        self.history = history
        self.documents = Documents.of(notes)
        self.counts = [count_note(n.title, n.body) for n in notes]
        above = headings_above(notes)
        self.rows = [whole(n, c, a) for n, c, a in zip(notes, self.counts, above, strict=True)]
        self.file_titles = self._titles_of_files()

    @cached_property
    def terms(self) -> list[str]:
        everything: dict[str, float] = dict(self.words.bags["all"])
        for word in self.file_titles:
            everything.setdefault(word, 0.0)
        return sorted(everything, key=lambda word: (-everything[word], word))[:_TERMS]

    @cached_property
    def whole(self) -> Table:
        """Everything a note says."""
        return Table(self.rows, self.terms, k1=3.0, b=0.5)

    def values(self) -> dict[str, Any]:
        """Signal name -> array."""
        return {**self._words(), **self._places(), **self._past()}

    # ------------------------------------------------------------------ words

    def _words(self) -> dict[str, Any]:
        bags, whole_table = self.words.bags, self.whole
        found: dict[str, Any] = {}
        for source in (
            "all",
            "code",
            "net",
            "context",
            "headers",
            "literals",
            "comments",
            "tests",
            "paths",
            "subject",
            "message",
        ):
            found[f"bm25_{source}"] = whole_table.bm25(bags[source])
            found[f"cosine_{source}"] = whole_table.cosine(bags[source])
        found["best_words"] = whole_table.best(bags["all"], 10)
        found["best_word"] = whole_table.best(bags["net"], 3)
        found["file_titles"] = whole_table.bm25(self.file_titles)
        found |= self._files()
        titles = Table([c.title for c in self.counts], self.terms, b=0.3)
        found["title"], found["title_subject"] = titles.cosine(bags["all"]), titles.bm25(bags["subject"])
        found["title_cosine_subject"] = titles.cosine(bags["subject"])
        spans = Table([c.spans for c in self.counts], self.terms)
        found["spans"], found["spans_net"] = spans.cosine(bags["all"]), spans.bm25(bags["net"])
        phrases = Table([c.phrases for c in self.counts], self.words.phrases, k1=0.8, b=0.5)
        found["phrases"], found["best_phrases"] = (
            phrases.cosine(self.words.phrases),
            phrases.best(self.words.phrases, 5),
        )
        chunks = Table([c.chunks for c in self.counts], self.words.chunks, k1=0.8, b=0.4)
        found["chunks"], found["best_chunks"] = (
            chunks.cosine(self.words.chunks),
            chunks.best(self.words.chunks, 3),
        )
        found["removed_chunks"] = chunks.bm25(dict.fromkeys(self.words.removed_chunks, 1.0))
        names = {}
        for path in self.words.paths:
            base = posixpath.basename(path).lower()
            names |= {path.lower(): 1.0, base: 1.0, base.partition(".")[0]: 0.5}
        found["names_file"] = Table([c.chunks for c in self.counts], names, k1=0.8, b=0.4).bm25(names)
        return found

    def _files(self) -> dict[str, Any]:
        """Each changed file votes for the notes nearest to it."""
        import numpy as np

        mean, most, total = np.zeros(len(self.notes)), np.zeros(len(self.notes)), 0.0
        for weight, bag in self.words.files[:60]:
            share = weight * relative(self.whole.bm25(bag))
            mean, most, total = mean + share, np.maximum(most, share), total + weight
        return {"files_mean": mean / max(total, 1.0), "files_most": most}

    def _places(self) -> dict[str, Any]:
        """The note's document: its path, its other sections, its size."""
        import numpy as np

        documents, bags = self.documents, self.words.bags
        paths = Table([path_words(path) for path in documents.paths], self.terms, b=0.3)
        merged: list[Counter[str]] = [Counter() for _ in documents.paths]
        for number, row in zip(documents.of_note, self.rows, strict=True):
            merged[number].update(row)
        texts = Table(merged, self.terms)
        sizes = np.bincount(documents.of_note)
        return {
            "document_path": paths.bm25(bags["all"])[documents.of_note],
            "document_path_paths": paths.cosine(bags["paths"])[documents.of_note],
            "document_text": texts.cosine(bags["all"])[documents.of_note],
            "document_file_titles": texts.bm25(self.file_titles)[documents.of_note],
            "document_sections": np.log(sizes)[documents.of_note],
            "length": np.log(np.array([1.0 + c.length for c in self.counts])),
        }

    # ------------------------------------------------------------------ past

    def _titles_of_files(self) -> dict[str, float]:
        """Words of the titles of earlier merges of the changed files: what people call that code."""
        found: Counter[str] = Counter()
        for path in self.words.paths:
            places = self.history.of_file(path)[-20:]
            words: Counter[str] = Counter()
            for place in places:
                words.update(set(count_words(self.history.merges[place].subject)))
            for word, n in words.items():
                found[word] += n / len(places)  # type: ignore[assignment]
        return {word: math.sqrt(n) for word, n in found.items()}

    def _past(self) -> dict[str, Any]:
        import numpy as np

        of_note = self.documents.of_note
        merges = len(self.history.merges)
        own = [self.history.of_note(n) for n in self.notes]
        documents = [self.history.of_file(path) for path in self.documents.paths]
        found = {
            "often_changed": np.log1p([float(len(places)) for places in own]),
            "recently_changed": np.array(
                [1 / math.sqrt(1 + (merges - p[-1]) / 10) if p else 0.0 for p in own]
            ),
            "document_often_changed": np.log1p([float(len(places)) for places in documents])[of_note],
            "document_recently_changed": np.array(
                [1 / math.sqrt(1 + (merges - p[-1]) / 10) if p else 0.0 for p in documents]
            )[of_note],
        }
        keys = [key_of(n) for n in self.notes]
        for level, names, spread in (("", keys, None), ("document_", self.documents.paths, of_note)):
            number = {name: i for i, name in enumerate(names)}
            present = {
                f"{level}with_files": self._together(self.words.paths, self.history.of_file, number),
                f"{level}with_folders": self._together(
                    {posixpath.dirname(p): 0 for p in self.words.paths}, self.history.of_folder, number
                ),
                f"{level}neighbours": self._neighbours(number),
                **{f"{level}{name}": v for name, v in self._titles(names).items()},
            }
            found |= present if spread is None else {name: values[spread] for name, values in present.items()}
        return found

    def _touched(self, place: int, number: Mapping[str, int]) -> list[int]:
        merge = self.history.merges[place]
        return [number[name] for name in dict.fromkeys((*merge.sections, *merge.paths)) if name in number]

    def _together(
        self, names: Iterable[str], places_of: Callable[[str], Sequence[int]], number: Mapping[str, int]
    ) -> Any:
        """How often, when one of these files changed, the note changed in the same merge: mean over files."""
        import numpy as np

        total, known = np.zeros(len(number)), 0
        for name in dict.fromkeys(names):
            places = places_of(name)
            if not places:
                continue
            known += 1
            common, weight = np.zeros(len(number)), 0.0
            for place in places:
                recent = 0.5 ** ((len(self.history.merges) - place) / _HALF_LIFE)
                weight += recent
                touched = self._touched(place, number)
                common[touched] += recent / math.sqrt(max(1, len(touched)))
            total += common / (weight + 2)
        return total / max(1, known)

    @cached_property
    def _alike(self) -> list[tuple[int, float]]:
        """Earlier merges that share files and title words with this change, most alike first."""
        history = self.history
        size = len(history.merges)
        likeness: Counter[int] = Counter()
        for path in self.words.paths:
            places = history.of_file(path)
            for place in places:
                likeness[place] += math.log(1 + size / len(places)) / math.sqrt(
                    len(history.merges[place].paths)
                )  # type: ignore[assignment]
        subject = self.words.bags["subject"].keys()
        holders: dict[str, list[int]] = {}
        for place, merge in enumerate(history.merges):
            for word in count_words(merge.subject).keys() & subject:
                holders.setdefault(word, []).append(place)
        for places in holders.values():
            for place in places:
                likeness[place] += math.log(1 + size / len(places)) / math.sqrt(
                    len(count_words(history.merges[place].subject)) + 3
                )  # type: ignore[assignment]
        return sorted(likeness.items(), key=lambda item: (-item[1], -item[0]))[:_NEIGHBOURS]

    def _neighbours(self, number: Mapping[str, int]) -> Any:
        import numpy as np

        votes = np.zeros(len(number))
        for place, likeness in self._alike:
            votes[self._touched(place, number)] += likeness**2
        return votes

    def _titles(self, names: Sequence[str]) -> dict[str, Any]:
        """Titles and files of the merges that touched a note, as words, against this change."""
        titles: list[Counts] = []
        files: list[Counts] = []
        for name in names:
            places = self.history.of_file(name)[-_TITLES:]
            words: Counter[str] = Counter()
            paths: Counter[str] = Counter()
            for place in places:
                merge = self.history.merges[place]
                words.update(set(count_words(merge.subject)))
                paths.update({w for path in merge.paths[:20] for w in count_words(path)})
            titles.append(words)
            files.append(paths)
        bags = self.words.bags
        return {
            "titles": Table(titles, bags["subject"]).bm25(bags["subject"]),
            "past_files": Table(files, bags["paths"]).cosine(bags["paths"]),
        }


def relative(values: Any, damping: float = 0.0) -> Any:
    """0..1 within one change: a share of the highest, pulled down when even the highest is low."""
    top = float(values.max()) + damping if len(values) else 0.0
    return values / top if top > 0 else values * 0.0
