"""The order of notes by an embedding model, alone and fused as the product fuses it, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentctx.llm.embeddings import BATCH, embed
from agentctx.llm.settings import ProviderSettings
from agentctx.model import Note
from agentctx.retrieval.fusion import WEIGHT, fused
from agentctx.retrieval.ranking import rank
from agentctx.retrieval.vectors import Vectors, key_of, text_of

if TYPE_CHECKING:
    from bench.retrieval import Task


@dataclass(frozen=True)
class Cost:
    """What was asked of the server: for notes once for each version of a text, for tasks once each."""

    notes: int = 0
    requests: int = 0
    tokens: int = 0
    seconds: float = 0.0
    tasks: int = 0
    task_seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.notes + other.notes,
            self.requests + other.requests,
            self.tokens + other.tokens,
            self.seconds + other.seconds,
            self.tasks + other.tasks,
            self.task_seconds + other.task_seconds,
        )

    def told(self) -> str:
        each = 1000 * self.task_seconds / max(1, self.tasks)
        return (
            f"{self.notes} texts of notes in {self.requests} requests, {self.tokens} tokens, "
            f"{self.seconds:.0f} s; {self.tasks} tasks, {each:.0f} ms each"
        )


class Meaning:
    """One embedding model with the vectors it has given; in memory alone."""

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings
        self.vectors = Vectors()
        self.cost = Cost()
        self._last: tuple[object, list[str]] = (None, [])

    def order(self, task: Task) -> list[str]:
        """Ids of the notes, nearest in meaning first."""
        if self._last[0] is not task:
            self._last = task, self._asked(task)
        return self._last[1]

    def fused(self, task: Task, weight: float = WEIGHT) -> list[str]:
        """Ids of the notes as the product orders them with this model."""
        hits = rank(task.query, task.notes, task.freshness, words=task.words, explained=0)
        return [hit.id for hit in fused(hits, self.order(task), task.notes, weight)]

    def _asked(self, task: Task) -> list[str]:
        keys = {note.id: key_of(self.settings.model, note) for note in task.notes}
        self._fill(task.notes, keys)
        query = embed(self.settings, [task.query.text])
        self.cost += Cost(tasks=1, tokens=query.tokens, task_seconds=query.seconds)
        return self.vectors.nearest(query.vectors[0], keys)

    def _fill(self, notes: Sequence[Note], keys: dict[str, bytes]) -> None:
        texts = {keys[note.id]: text_of(note) for note in notes}
        missing = [key for key in texts if key not in self.vectors.rows]
        found = {}
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            answer = embed(self.settings, [texts[key] for key in batch])
            found |= dict(zip(batch, answer.vectors, strict=True))
            self.cost += Cost(len(batch), 1, answer.tokens, answer.seconds)
        if found:
            self.vectors = self.vectors.also(found, self.vectors.rows)
