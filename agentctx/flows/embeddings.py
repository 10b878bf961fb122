"""Notes by what they mean: vectors of a person's own embedding model, kept in the clone, off by default.

``fill`` (a command, the worker) asks for what is missing. ``nearest`` asks for the query's vector alone,
waits a second at most, and search goes by words whatever happens to it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from agentctx.errors import AgentctxError, ModelFailed
from agentctx.llm import settings
from agentctx.llm.settings import EMBEDDINGS, ProviderSettings
from agentctx.project import Project
from agentctx.retrieval.vectors import Vectors, key_of, text_of

DOCUMENT = "vectors.bin"
PATIENCE = 1.0
"""Seconds that a search waits for the vector of its query."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What it took to bring the vectors up to the notes."""

    texts: int
    """All of them."""
    asked: int
    """Texts that were sent."""
    requests: int
    tokens: int
    seconds: float
    cost: float = 0.0
    """At the price in the settings; 0 when there is none."""


def fill(project: Project, chosen: ProviderSettings) -> Filled:
    """Ask for the vectors of notes that have none, in batches; what no note needs any more is dropped.

    Raises ``ModelFailed``; what was answered until then is kept.
    """
    from agentctx.llm.embeddings import BATCH, embed

    before = _read(project)
    keys = {key_of(chosen.model, note): note for note in project.notes.notes}
    missing = [key for key in keys if key not in before.rows]
    found: dict[bytes, tuple[float, ...]] = {}
    requests, tokens, seconds = 0, 0, 0.0
    try:
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            answer = embed(chosen, [text_of(keys[key]) for key in batch])
            requests, tokens, seconds = requests + 1, tokens + answer.tokens, seconds + answer.seconds
            length = len(next(iter(found.values()), answer.vectors[0]))
            if len(answer.vectors[0]) != length:
                raise ModelFailed("the server's vectors differ in length", "set one model and try again")
            found |= dict(zip(batch, answer.vectors, strict=True))
    finally:
        if found or len(before.rows) != len(keys):
            project.state.write_bytes(DOCUMENT, before.also(found, keys).to_bytes())
    return Filled(len(project.notes.notes), len(missing), requests, tokens, seconds, chosen.cost(tokens, 0))


def fill_quietly(project: Project) -> None:
    """What the worker does: nothing unless the person has set a model; a failure waits for the next time."""
    try:
        chosen = settings.read(section=EMBEDDINGS)
        if chosen:
            fill(project, chosen)
    except AgentctxError:
        pass  # search goes by words, and says so


def nearest(project: Project, text: str) -> tuple[list[str], str]:
    """Ids of notes, nearest in meaning first, and a sentence for people when that was not to be had."""
    try:
        chosen = settings.read(section=EMBEDDINGS)
        if chosen is None or not text.strip():
            return [], ""
        vectors = _read(project)
        notes = {note.id: key_of(chosen.model, note) for note in project.notes.notes}
        if not vectors.rows.keys() & set(notes.values()):
            return [], "the notes have no embeddings yet: agentctx provider embeddings --fill"
        found = vectors.nearest(vector_of(chosen, text), notes)
        if not found:
            project.state.delete(DOCUMENT)
            return [], "the embedding model has changed: agentctx provider embeddings --fill"
        return found, ""
    except AgentctxError as error:
        return [], f"notes were ranked by words alone: {error.message}"


def vector_of(chosen: ProviderSettings, text: str) -> tuple[float, ...]:
    """The query's vector, from a thread that may hang where no time-out reaches: in looking up a name."""
    from agentctx.llm.embeddings import embed

    answers: list[tuple[float, ...]] = []
    failures: list[AgentctxError] = []

    def ask() -> None:
        try:
            answers.extend(embed(chosen, [text], PATIENCE).vectors)
        except AgentctxError as error:
            failures.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if not answers:
        raise failures[0] if failures else ModelFailed(f"no embedding came within {PATIENCE:g} second")
    return answers[0]


def _read(project: Project) -> Vectors:
    return Vectors.from_bytes(project.state.read_bytes(DOCUMENT) or b"")
