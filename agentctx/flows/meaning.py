"""Memory by meaning: the vectors that an embedding model of the person's own gives, off by default.

``fill`` (a command, a server) asks for what is missing. ``nearest`` asks for the query's vector alone, waits
a second at most, and recall goes by words whatever happens to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from agentctx.errors import AgentctxError
from agentctx.flows.embeddings import Filled, vector_of
from agentctx.llm import settings
from agentctx.llm.settings import EMBEDDINGS, ProviderSettings

if TYPE_CHECKING:
    from agentctx.memory.base import Store, Window

MOST = 1_000
"""Texts that a server asks for at a time."""


def fill(store: Store, chosen: ProviderSettings, now: str, most: int = 0) -> Filled:
    """Ask for the vectors of episodes and facts that have none, in batches (``most`` texts; 0: all).

    Raises ``ModelFailed``; what was answered until then is kept.
    """
    from agentctx.llm.embeddings import BATCH, embed

    asked, requests, tokens, seconds, last = 0, 0, 0, 0.0, "00000000-0000-0000-0000-000000000000"
    while batch := store.without_vector(chosen.model, now, last, BATCH):
        answer = embed(chosen, [text for _, text in batch])
        ids = [ident for ident, _ in batch]
        store.keep_vectors(chosen.model, list(zip(ids, answer.vectors, strict=True)))
        last, asked, requests = ids[-1], asked + len(batch), requests + 1
        tokens, seconds = tokens + answer.tokens, seconds + answer.seconds
        if most and asked >= most:
            break
    return Filled(asked, asked, requests, tokens, seconds, chosen.cost(tokens, 0))


def fill_if_set(stores: Callable[[], Sequence[Store]], now: str) -> None:
    """What a server does from time to time: nothing, no database asked, unless its person has set a model."""
    chosen = settings.read(section=EMBEDDINGS)
    if chosen is None:
        return
    for store in stores():
        fill(store, chosen, now, MOST)


def nearest(store: Store, query: str, window: Window) -> list[str]:
    """Ids of what is nearest in meaning, nearest first; none without a model, or when it does not answer."""
    try:
        chosen = settings.read(section=EMBEDDINGS)
        if chosen is None or not query.strip():
            return []
        return store.nearest(chosen.model, vector_of(chosen, query), window)
    except AgentctxError:
        return []
