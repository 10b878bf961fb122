"""The store of layers 2 and 3 as one protocol: what a write promises and what a read never returns.

Everywhere: a namespace is a slash path and a listing covers its descendants; ``now`` and ids are passed in;
what has expired, was superseded, retracted or is disputed never comes back from a default read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from agentctx.memory.batches import Rows
from agentctx.memory.rows import Erasure as Erasure
from agentctx.memory.rows import Head
from agentctx.model import Episode, Fact, WorkingContext

END_OF_TIME = "9999-12-31T23:59:59.999999Z"


@dataclass(frozen=True, slots=True)
class AsOf:
    """A point in both clocks: what was true at ``at``, as far as it was known at ``known``."""

    at: str
    known: str = END_OF_TIME


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A disputed fact beside the fact that holds its key now (None when nothing does)."""

    disputed: Fact
    current: Fact | None


@dataclass(frozen=True, slots=True)
class Window:
    """What a recall looks at."""

    namespace: str
    now: str
    as_of: AsOf | None = None
    episodes: bool = True
    facts: bool = True
    limit: int = 5


@dataclass(frozen=True, slots=True)
class Candidate:
    """The text of one episode or fact that shares a word with a query."""

    id: str
    kind: str
    """``episode`` or ``fact``."""
    text: str
    moment: str
    """``occurred_at`` or ``valid_at``."""
    key: str = ""
    """Entity and property of a fact."""


class Contexts(Protocol):
    """The part of a store that keeps working context: what working memory needs, and all that Redis has."""

    tenant: str

    def save_context(self, context: WorkingContext, expected_version: int | None = None) -> WorkingContext:
        """See ``Store``."""

    def context(self, namespace: str, key: str, now: str, session_id: str = "") -> WorkingContext | None:
        """See ``Store``."""

    def contexts(self, namespace: str, now: str) -> list[WorkingContext]:
        """See ``Store``."""

    def clear_context(self, namespace: str, key: str, session_id: str = "") -> bool:
        """See ``Store``."""

    def sweep(self, now: str) -> dict[str, int]:
        """See ``Store``."""

    def close(self) -> None:
        """Let go of the database."""


class Store(Protocol):
    """One tenant's memory. Every method is one transaction; times are ISO 8601 with an offset."""

    tenant: str

    def append(self, episodes: Sequence[Episode]) -> None:
        """Add episodes, all or none. An id that is there already is kept as it is (a retry is harmless)."""

    def assert_facts(self, facts: Sequence[Fact]) -> list[Head]:
        """Assert facts, all or none; the head of each one's key afterwards.

        A new value supersedes the old in the same transaction; the same value adds its sources,
        and when it is surer or lasts longer than the old statement it takes over from it. A fact that
        began to hold before the current one takes its place in history. A fact of less confidence than
        the current one, or of status ``disputed``, is put beside it as a contradiction.
        """

    def assert_fact(self, fact: Fact, expected_version: int | None = None) -> Head:
        """Assert one fact. Raises ``Conflict`` unless its key has ``expected_version`` (0: no fact yet)."""

    def write(
        self, episodes: Sequence[Episode], facts: Sequence[Fact], contexts: Sequence[WorkingContext] = ()
    ) -> list[Head]:
        """Episodes, facts and contexts in one transaction; heads as ``assert_facts``."""

    def restore(self, rows: Rows, kept_away: Callable[[int], None] | None = None) -> int:
        """Write rows as they are (an import): same ids, same clocks, same versions; the number of rows.

        What was removed here stays away; ``kept_away`` is told at the end how many rows that were.
        Of a row that is there already the later state stays, and every key keeps one active fact.
        """

    def everything(self, namespace: str = "/") -> Rows:
        """All rows below a namespace, read in pages: what ``restore`` takes."""

    def recent(self, namespace: str, now: str, limit: int = 10, session_id: str = "") -> list[Episode]:
        """The newest episodes, newest first."""

    def fact(
        self, namespace: str, entity: str, property: str, now: str, as_of: AsOf | None = None
    ) -> Fact | None:
        """The one value of a key in exactly this namespace."""

    def facts(self, namespace: str, now: str, entity: str = "", as_of: AsOf | None = None) -> list[Fact]:
        """The values of all keys (of one entity) below a namespace, one a key, by entity and property."""

    def history(self, namespace: str, entity: str, property: str) -> list[Fact]:
        """Every fact a key ever had, oldest first, whatever became of it."""

    def head(self, namespace: str, entity: str, property: str) -> Head | None:
        """The version of a key, for a compare-and-swap."""

    def retract(self, fact_id: str, now: str) -> None:
        """Say that a fact was never true. Raises ``NotFound``."""

    def contradictions(self, namespace: str, now: str) -> list[Contradiction]:
        """Disputed facts that nobody has decided about."""

    def resolve(self, fact_id: str, keep: bool, now: str) -> Head | None:
        """Decide about a disputed fact: it becomes current, or is retracted. Raises ``NotFound``."""

    def save_context(self, context: WorkingContext, expected_version: int | None = None) -> WorkingContext:
        """Save the state of a task under its key; the version counts up.

        Raises ``Conflict`` unless the key has ``expected_version`` (0: nothing live there).
        """

    def context(self, namespace: str, key: str, now: str, session_id: str = "") -> WorkingContext | None:
        """The live state under a key in exactly this namespace."""

    def contexts(self, namespace: str, now: str) -> list[WorkingContext]:
        """All live states below a namespace."""

    def clear_context(self, namespace: str, key: str, session_id: str = "") -> bool:
        """Remove a state; whether there was one."""

    def namespaces(self, below: str = "/") -> list[str]:
        """The paths that exist at or below one."""

    def create_namespace(self, path: str, now: str, description: str = "") -> str:
        """Make a namespace (its path in canonical form is returned); harmless when it exists."""

    def erase(self, subject_id: str, reason: str, now: str) -> Erasure:
        """Remove what is about a data subject, and facts that rest on nothing else; the receipt stays."""

    def erase_items(self, ids: Iterable[str]) -> dict[str, int]:
        """Remove single episodes and facts by id, text and all; counts by table."""

    def sweep(self, now: str) -> dict[str, int]:
        """Remove what has expired; counts by table."""

    def candidates(self, words: Sequence[str], window: Window, limit: int) -> list[Candidate]:
        """Texts that share a word with ``words`` (as ``retrieval.tokens`` makes them), likely ones first."""

    def without_vector(self, model: str, now: str, after: str, limit: int) -> list[tuple[str, str]]:
        """(id, text) of live episodes and facts that ``model`` has not seen, by id, from behind ``after``."""

    def keep_vectors(self, model: str, vectors: Sequence[tuple[str, Sequence[float]]]) -> None:
        """Keep the vectors of episodes and facts by id. They go when their text goes."""

    def nearest(self, model: str, query: Sequence[float], window: Window) -> list[str]:
        """Ids of what the window shows, nearest to the query in meaning first; of the newest texts only."""

    def load(self, ids: Sequence[str], window: Window) -> dict[str, Episode | Fact]:
        """Values by id, as far as they may be seen through the window."""

    def close(self) -> None:
        """Let go of the database."""


def kept_as(store: Store, fact: Fact, head: Head) -> str:
    """The id under which an asserted fact is kept: its own, or that of the same statement made before."""
    if head.fact_id == fact.id:
        return fact.id
    known = {one.id for one in store.history(head.namespace, head.entity, head.property)}
    return fact.id if fact.id in known else head.fact_id
