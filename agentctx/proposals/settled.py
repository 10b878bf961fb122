"""Which notes have been dealt with for which commit: the same range twice asks nobody, changes no byte."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

DOCUMENT = "settled"
COMMITS = 100
"""Commits remembered; older ones would be asked about again, which costs but harms nothing."""


class State(Protocol):
    """Where documents of one clone are kept."""

    def read(self, name: str) -> Any:
        """The document, or None."""

    def write(self, name: str, value: Any) -> bool:
        """Keep it; False where nothing can be kept."""


def settled(state: State, head: str) -> frozenset[str]:
    """Ids of the notes that were repaired or put to the model for a range that ends at this commit."""
    known = state.read(DOCUMENT)
    ids = known.get(head, ()) if isinstance(known, dict) else ()
    return frozenset(id for id in ids if isinstance(id, str))


def settle(state: State, head: str, ids: Collection[str]) -> None:
    """Remember that these notes have been dealt with for a range that ends at this commit."""
    if not ids:
        return
    known = state.read(DOCUMENT)
    commits = dict(known) if isinstance(known, dict) else {}
    commits[head] = sorted({*settled(state, head), *ids})
    state.write(DOCUMENT, dict(list(commits.items())[-COMMITS:]))
