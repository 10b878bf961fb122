"""What a note says, as words by field: made once per version of a note, kept as JSON, read by ranking.

A bag keeps the order of the words, joined by spaces: it is small, parses fast, and knows phrases.
"""

from __future__ import annotations

from collections.abc import Sequence

from agentctx.model import Note
from agentctx.retrieval.tokens import tokenize

Bag = dict[str, str]
"""Field name -> its words in order, joined by single spaces. JSON-able."""

FIELDS = ("title", "tags", "path", "anchors", "headings", "body", "history", "context")
"""``history`` are titles of earlier changes, ``context`` the headings above a section of a document."""
SCHEME = 1
"""Goes up when the words of a bag change; part of a cache's key."""


def bag_of(note: Note, titles: Sequence[str] = ()) -> Bag:
    """The words of one note.

    ``titles`` are the titles of earlier changes that touched it. Cache under ``SCHEME``, the note's id and
    digest and the titles: sections of one document share its digest.
    """
    return {
        "title": words_of(note.title),
        "tags": words_of(*note.tags),
        "path": words_of(note.path),
        "anchors": words_of(*map(str, note.anchors)),
        "headings": words_of(*(s.heading for s in note.sections if not note.title.endswith(s.heading))),
        "body": words_of(note.body),
        "history": words_of(*titles),
    }


def words_of(*texts: str) -> str:
    """The words of some texts as a field of a bag."""
    return " ".join(token for text in texts for token in tokenize(text))
