"""One version of the repository, as the gate sees it: its notes, its records, and the verdicts on them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any

from agentctx.freshness.code import SHELF
from agentctx.freshness.index import Assessor
from agentctx.freshness.tree import Tree
from agentctx.model import Freshness, Note, NoteSet, Stamp
from agentctx.notes.snapshot import notes_of, records_of
from agentctx.project import Project


class Side:
    """The notes of one version and their verdicts."""

    def __init__(self, project: Project, tree: Tree, include: Sequence[str]) -> None:
        self.tree = tree
        self._project = project
        self._include = include

    @cached_property
    def notes(self) -> NoteSet:
        """Every note, and what cannot be read as one."""
        return notes_of(self.tree, self._project.context, self._include)

    @cached_property
    def by_id(self) -> dict[str, Note]:
        """Its notes by id."""
        return {note.id: note for note in self.notes.notes}

    @cached_property
    def records(self) -> dict[str, dict[str, Stamp]]:
        """Its verification records."""
        return records_of(self.tree, self._project.context)

    @cached_property
    def assessor(self) -> Assessor:
        """Freshness over its files and the history behind it."""
        cache = _Definitions(self._project.state)
        return Assessor(self._project.git, self.tree, cache, context=self._project.context)

    def verdicts(self, only: Collection[str] | None = None) -> dict[str, Freshness]:
        """The verdicts by id, of ``only`` some notes or of all."""
        chosen = tuple(n for n in self.notes.notes if only is None or n.id in only)
        return self.assessor.assess(NoteSet(chosen), self.records).by_id()


class _Definitions:
    """Of this clone's caches the one that is right for every version: definitions by content id."""

    def __init__(self, state: Any) -> None:
        self._state = state

    def read(self, name: str) -> Any:
        return self._state.read(name) if name.startswith(f"{SHELF}/") else None

    def write(self, name: str, value: Any) -> bool:
        return name.startswith(f"{SHELF}/") and bool(self._state.write(name, value))
