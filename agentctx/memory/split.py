"""A store whose working context lies elsewhere: facts and episodes in SQL, the state of tasks in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agentctx.memory.base import Contexts, Store
from agentctx.memory.batches import Rows
from agentctx.memory.canonical import instant
from agentctx.memory.rows import Head
from agentctx.model import Episode, Fact, WorkingContext


class SplitStore:
    """See ``base.Store``. Contexts of a batch are saved after its facts and episodes are committed."""

    def __init__(self, store: Store, contexts: Contexts) -> None:
        self.tenant = store.tenant
        self._store = store
        self._contexts = contexts
        self.save_context = contexts.save_context
        self.context = contexts.context
        self.contexts = contexts.contexts
        self.clear_context = contexts.clear_context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(
        self, episodes: Sequence[Episode], facts: Sequence[Fact], contexts: Sequence[WorkingContext] = ()
    ) -> list[Head]:
        """See ``base.Store``."""
        heads = self._store.write(episodes, facts)
        for context in contexts:
            self._contexts.save_context(context)
        return heads

    def restore(self, rows: Rows) -> int:
        """See ``base.Store``; a context that comes back gets the version that Redis counts."""
        contexts = list(rows.contexts)
        written = self._store.restore(replace(rows, contexts=()))
        for one in contexts:
            held = self._contexts.context(one.namespace, one.key, one.updated_at, one.session_id)
            if held is None or held.updated_at <= instant(one.updated_at):
                self._contexts.save_context(one)
        return written + len(contexts)

    def close(self) -> None:
        """See ``base.Store``."""
        self._contexts.close()
        self._store.close()
