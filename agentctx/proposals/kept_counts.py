"""The counted words of notes between runs: a text is taken apart once, and most of ``affected`` is that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Protocol

from agentctx.model import Note
from agentctx.proposals.note_words import NoteCounts, count_note

DOCUMENT = "counts.json"
_SAMPLE = (
    "Don't call `issueTokens(--max-age=900)` twice: see src/auth/tokens.py\n\n- item\n| row |\n```\nx\n```\n"
)
"""A text with everything in it that is counted apart; counts kept under another sample's are of no use."""


class Cache(Protocol):
    """Where the document is kept."""

    def read_bytes(self, name: str) -> bytes | None:
        """Its bytes, or None."""

    def write_bytes(self, name: str, data: bytes) -> bool:
        """Keep it; False where nothing can be kept."""


def counts_of(notes: Sequence[Note], cache: Cache) -> list[NoteCounts]:
    """The counts of every note, in order; only texts that were never seen are taken apart."""
    old = _read(cache)
    keys = [_digest(note.title, note.body) for note in notes]
    found: dict[str, NoteCounts] = {}
    for key, note in zip(keys, notes, strict=True):
        if key not in found:
            found[key] = old.get(key) or count_note(note.title, note.body)
    if found.keys() != old.keys():
        names = [field.name for field in fields(NoteCounts)]
        plain = {key: [getattr(counts, name) for name in names] for key, counts in found.items()}
        document = {"scheme": _scheme(), "notes": plain}
        cache.write_bytes(DOCUMENT, json.dumps(document, separators=(",", ":")).encode())
    return [found[key] for key in keys]


def _read(cache: Cache) -> Mapping[str, NoteCounts]:
    try:
        document: Any = json.loads(cache.read_bytes(DOCUMENT) or b"{}")
        if document.get("scheme") != _scheme():
            return {}
        return {key: NoteCounts(*parts) for key, parts in document["notes"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _scheme() -> str:
    return _digest(repr(count_note("The title of a note", _SAMPLE)))


def _digest(*texts: str) -> str:
    return hashlib.blake2b("\0".join(texts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
