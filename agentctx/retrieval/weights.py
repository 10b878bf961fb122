"""Every number that decides the order of notes, in one place.

What each of them brings stands in ``docs/benchmarks.md``; ``bench/retrieval --ablate`` measures it again.
Those of tags, anchors, files, branch and standing have nothing to be measured on in that data: choices.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Weights:
    """Defaults are what ships; ``bench/retrieval --ablate`` replaces one at a time."""

    # words of a note, by field (BM25F: weighted, length-normalised per field, then saturated together)
    title: float = 3.0
    tags: float = 3.0
    path: float = 2.0
    anchors: float = 2.0
    context: float = 2.0
    """Headings above a section of a document."""
    headings: float = 0.5
    body: float = 1.0
    saturation: float = 8.0
    """BM25's k1: high, because the fields are short and a repeated word says much."""
    short_field_length: float = 0.5
    """BM25's b of every field but the body."""
    body_length: float = 0.3
    """BM25's b of the body: a long note is hardly punished."""

    # words of the query
    query_body: float = 1.0
    """What a word below the first line counts, against 1 in the first line."""
    query_code: float = 0.6
    """Added for a word in a code span."""
    query_change: float = 0.8
    """What is left of a word that any change may have: add, fix, support ..."""
    query_branch: float = 0.3
    phrases: float = 0.4
    """Two neighbouring words of the task that are neighbours in the note."""

    # what is known of the note besides its text
    history: float = 0.27
    """Titles of earlier changes that touched the note."""
    history_saturation: float = 2.0
    document: float = 0.1
    """Share of the mean score of the document that a section belongs to."""
    recency: float = 0.2
    recency_half_life_days: float = 180.0

    # files
    files: float = 0.5
    changed: float = 0.6
    """What a changed file counts against one named by the person, while there are few of them."""
    glob: float = 0.7
    folder: float = 0.4
    """Same folder; halved for every step away."""

    # standing
    freshness: float = 0.3
    """What a note of freshness 0 loses."""
    retired: float = 0.5
    """What a superseded or archived note keeps."""
    translation: float = 0.5
    """What a page keeps that stands beside its English original."""
    pinned: float = 1.5
    kinds: dict[str, float] = field(
        default_factory=lambda: {
            "gotcha": 1.0,
            "decision": 1.0,
            "pattern": 1.0,
            "session": 0.9,
            "document": 0.9,
        }
    )


SHIPPED = Weights()
