"""Which notes have been dealt with for which commit: the same range twice asks nobody, changes no byte."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol

DOCUMENT = "settled"
FAILED = "failed-answers"
TRIES = 3
"""Answers of no use after which a note is left alone until the next commit: a model that cannot, cannot."""
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
    return frozenset(_of(state, DOCUMENT, head))


def settle(state: State, head: str, ids: Collection[str]) -> None:
    """Remember that these notes have been dealt with for a range that ends at this commit."""
    if not ids:
        return
    _remember(state, DOCUMENT, head, sorted({*settled(state, head), *ids}))


def fail(state: State, head: str, ids: Collection[str]) -> None:
    """Remember that answers about these notes were refused; they are asked about again, a few times."""
    if not ids:
        return
    failures = sorted([*_of(state, FAILED, head), *ids])
    _remember(state, FAILED, head, failures)
    settle(state, head, [id for id in ids if failures.count(id) >= TRIES])


def _of(state: State, document: str, head: str) -> list[str]:
    known = state.read(document)
    ids = known.get(head, ()) if isinstance(known, dict) else ()
    return [id for id in ids if isinstance(id, str)]


def _remember(state: State, document: str, head: str, ids: Sequence[str]) -> None:
    known = state.read(document)
    commits = dict(known) if isinstance(known, dict) else {}
    commits[head] = ids
    state.write(document, dict(list(commits.items())[-COMMITS:]))
