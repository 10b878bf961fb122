"""A store whose working context lies elsewhere: facts and episodes in SQL, the state of tasks in Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import Any

from agentctx.errors import Conflict
from agentctx.memory.base import Store
from agentctx.memory.batches import Rows
from agentctx.memory.canonical import instant, namespace_path
from agentctx.memory.redis import RedisContexts
from agentctx.memory.rows import Head, Removal
from agentctx.model import Episode, Fact, WorkingContext


class SplitStore:
    """See ``base.Store``. Contexts of a batch are saved after its facts and episodes are committed."""

    def __init__(self, store: Store, contexts: RedisContexts) -> None:
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

    def everything(self, namespace: str = "/") -> Rows:
        """See ``base.Store``; what the database held before there was a Redis is none of it."""
        contexts, cleared = self._contexts.everything(namespace)
        rows = self._store.everything(namespace)
        return replace(rows, contexts=contexts, removals=chain(rows.removals, cleared))

    def restore(self, rows: Rows, kept_away: Callable[[int], None] | None = None) -> int:
        """See ``base.Store``; a context that comes back gets the version that Redis counts."""
        contexts, cleared, away = list(rows.contexts), [], [0]

        def noted() -> Iterator[Removal]:
            for removal in rows.removals:
                if removal.key:
                    cleared.append(removal)
                yield removal

        written = self._store.restore(replace(rows, contexts=(), removals=noted()), away.append)
        for gone in cleared:
            self._contexts.clear_context(gone.namespace, gone.key, gone.session_id, gone.seen_at)
        gone_at = self._cleared() if contexts else {}
        kept = [one for one in contexts if instant(one.updated_at) > gone_at.get(_place(one), "")]
        for one in kept:
            self._bring_back(one)
        if kept_away:
            kept_away(sum(away) + len(contexts) - len(kept))
        return written + len(kept)

    def _cleared(self) -> dict[tuple[str, str, str], str]:
        """When the contexts that are known to be cleared had last been saved."""
        found = self._contexts.everything("/")[1]
        return {(gone.namespace, gone.session_id, gone.key): gone.seen_at for gone in found}

    def _bring_back(self, one: WorkingContext) -> None:
        held = self._contexts.context(one.namespace, one.key, one.updated_at, one.session_id)
        if held is None or held.updated_at < instant(one.updated_at):
            with suppress(Conflict):  # somebody saves it at this moment, which is later
                self._contexts.save_context(one, held.version if held else 0)

    def close(self) -> None:
        """See ``base.Store``."""
        self._contexts.close()
        self._store.close()


def _place(context: WorkingContext) -> tuple[str, str, str]:
    return (namespace_path(context.namespace), context.session_id, context.key)
