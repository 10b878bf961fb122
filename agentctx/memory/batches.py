"""What an export or import carries, and its rows in self-contained batches.

A batch holds everything its rows refer to or an earlier batch did: it can be one transaction, and a load
that was stopped can start again from the beginning without harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from agentctx.memory.canonical import namespace_path
from agentctx.memory.rows import (
    DEFAULT_TENANT,
    Erasure,
    Head,
    Namespace,
    Removal,
    context_row,
    episode_row,
    erasure_row,
    fact_row,
    head_row,
    namespace_row,
    removal_row,
    source_rows,
)
from agentctx.memory.tables import (
    EPISODES,
    ERASURES,
    FACT_HEADS,
    FACT_SOURCES,
    FACTS,
    NAMESPACES,
    REMOVALS,
    TABLES,
    WORKING_CONTEXT,
    Row,
    Table,
)
from agentctx.model import Episode, Fact, WorkingContext

T = TypeVar("T")
Batch = dict[Table, list[Row]]
BATCH = 5_000
"""Values in a batch: a few megabytes, well under a second to load."""
CHUNK = 400
"""Values in one IN list."""
NOTES = "notes"
"""The extractor of facts that are what notes say."""
MIRRORED = f"{{0}}.origin = 'git' AND {{0}}.extractor = '{NOTES}'"
"""The condition of such a fact."""


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """``values`` in lists of at most ``size``."""
    held: list[T] = []
    for value in values:
        held.append(value)
        if len(held) == size:
            yield held
            held = []
    if held:
        yield held


@dataclass(frozen=True, slots=True)
class Rows:
    """Episodes, facts and contexts on their way out or in. Iterables are read once, in order."""

    episodes: Iterable[Episode] = ()
    facts: Iterable[Fact] = ()
    contexts: Iterable[WorkingContext] = ()
    heads: Iterable[Head] | None = None
    """None: every active fact is the head of its key."""
    removals: Iterable[Removal] = ()
    """What was removed where these rows come from; it goes before anything is written."""
    namespaces: Iterable[Namespace] = ()
    """Those that have a description, or nothing in them; of the others a mention is enough."""
    erasures: Iterable[Erasure] = ()
    tenant: str = DEFAULT_TENANT
    mirror: str = ""
    """A namespace whose facts of notes are exactly these: others of that kind there are retracted."""
    mirror_at: str = ""
    """The time of that retraction: the date of the newest commit that was exported."""
    mirror_holds: Sequence[str] = ()
    """The ids of those that hold."""


@dataclass(slots=True)
class Batches:
    """Iterates over the batches of ``rows``, once."""

    rows: Rows
    size: int = BATCH
    _batch: dict[Table, dict[tuple[object, ...], Row]] = field(default_factory=dict)
    _namespaces: set[str] = field(default_factory=set)
    _count: int = 0

    def __iter__(self) -> Iterator[Batch]:
        yield from self._each(self.rows.namespaces, self._described)
        yield from self._each(self.rows.erasures, self._erasure)
        yield from self._each(self.rows.removals, self._removal)
        yield from self._each(self.rows.episodes, self._episode)
        yield from self._each(self.rows.facts, self._fact)
        if self.rows.heads is not None:
            yield from self._each(self.rows.heads, self._head)
        yield from self._each(self.rows.contexts, self._context)
        if self._batch:
            yield self._take()

    def _each(self, values: Iterable[T], put: Callable[[T], None]) -> Iterator[Batch]:
        for value in values:
            put(value)
            self._count += 1
            if self._count >= self.size:
                yield self._take()

    def _take(self) -> Batch:
        taken = {table: list(self._batch[table].values()) for table in TABLES if table in self._batch}
        self._batch.clear()
        self._count = 0
        return taken

    def _put(self, table: Table, row: Row) -> None:
        places = [table.columns.index(name) for name in table.key]
        self._batch.setdefault(table, {})[tuple(row[i] for i in places)] = row

    def _namespace(self, path: str, created_at: str) -> None:
        if path not in self._namespaces:
            self._namespaces.add(path)
            self._put(NAMESPACES, namespace_row(self.rows.tenant, path, created_at))

    def _described(self, namespace: Namespace) -> None:
        path = namespace_path(namespace.path)
        self._namespaces.add(path)
        self._put(
            NAMESPACES,
            namespace_row(self.rows.tenant, path, namespace.created_at, namespace.description),
        )

    def _erasure(self, receipt: Erasure) -> None:
        self._put(ERASURES, erasure_row(receipt, self.rows.tenant))

    def _removal(self, removal: Removal) -> None:
        self._namespace(removal.namespace, removal.seen_at)
        self._put(REMOVALS, removal_row(removal, self.rows.tenant))

    def _episode(self, episode: Episode) -> None:
        self._namespace(episode.namespace, episode.recorded_at)
        self._put(EPISODES, episode_row(episode, self.rows.tenant))

    def _fact(self, fact: Fact) -> None:
        self._namespace(fact.namespace, fact.recorded_at)
        self._put(FACTS, fact_row(fact, self.rows.tenant))
        for source in source_rows(fact):
            self._put(FACT_SOURCES, source)
        if fact.status == "active" and self.rows.heads is None:
            self._head(Head(fact.namespace, fact.entity, fact.property, fact.id))

    def _head(self, head: Head) -> None:
        self._put(FACT_HEADS, head_row(head, self.rows.tenant))

    def _context(self, context: WorkingContext) -> None:
        self._namespace(context.namespace, context.updated_at)
        self._put(WORKING_CONTEXT, context_row(context, self.rows.tenant))
