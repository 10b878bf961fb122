"""The store over any SQL database: one set of statements, two engines (``sqlite``, ``postgres``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from agentctx.memory import (
    asserting,
    contexts,
    erasing,
    meaning,
    merging,
    reading,
    removals,
    searching,
    versions,
)
from agentctx.memory.base import AsOf, Candidate, Contradiction, Erasure, Window
from agentctx.memory.batches import Batches, Rows
from agentctx.memory.canonical import instant, key_text, namespace_path
from agentctx.memory.engine import SEVERAL, Database, Session, migrate
from agentctx.memory.postgres import PostgresDatabase
from agentctx.memory.rows import (
    DEFAULT_TENANT,
    Head,
    canonical_fact,
    episode_row,
    namespace_id,
    namespace_row,
    uuid_text,
)
from agentctx.memory.sqlite import SqliteDatabase
from agentctx.memory.supersession import key_of
from agentctx.memory.tables import EPISODES, NAMESPACES
from agentctx.memory.words import add_rows, index_wordless, wordless
from agentctx.model import Episode, Fact, WorkingContext


def open_sqlite(path: Path | None, tenant: str = DEFAULT_TENANT) -> SqlStore:
    """The store in a file (None: in memory), made when absent."""
    return SqlStore(SqliteDatabase(path), tenant)


def open_postgres(dsn: str, tenant: str = DEFAULT_TENANT) -> SqlStore:
    """The store in a PostgreSQL, its schema made or brought up to date."""
    return SqlStore(PostgresDatabase(dsn), tenant)


class SqlStore:
    """See ``base.Store`` for what each method promises."""

    def __init__(self, database: Database, tenant: str = DEFAULT_TENANT) -> None:
        self.tenant = tenant
        self._database = database
        self._known: set[str] = set()
        """Namespaces that are committed: they need no second insert."""
        self._frequent = searching.Frequent()
        database.create(lambda session: migrate(session, session.engine))
        self._find_words()

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    # ------------------------------------------------------------------ writing

    def append(self, episodes: Sequence[Episode]) -> None:
        """See ``base.Store``."""
        self.write(episodes, ())

    def assert_fact(self, fact: Fact, expected_version: int | None = None) -> Head:
        """See ``base.Store``."""
        return self._write((), (fact,), (), expected_version)[0]

    def assert_facts(self, facts: Sequence[Fact]) -> list[Head]:
        """See ``base.Store``."""
        return self.write((), facts)

    def write(
        self, episodes: Sequence[Episode], facts: Sequence[Fact], contexts: Sequence[WorkingContext] = ()
    ) -> list[Head]:
        """See ``base.Store``."""
        return self._write(episodes, facts, contexts, None)

    def _write(
        self,
        episodes: Sequence[Episode],
        facts: Sequence[Fact],
        saved: Sequence[WorkingContext],
        expected: int | None,
    ) -> list[Head]:
        made = [canonical_fact(fact) for fact in facts]
        happened = [episode_row(episode, self.tenant) for episode in episodes]
        times = {namespace_path(context.namespace): context.updated_at for context in saved}
        times |= {fact.namespace: fact.recorded_at for fact in made}
        times |= {namespace_path(episode.namespace): episode.recorded_at for episode in episodes}

        def work(session: Session) -> list[Head]:
            self._make_spaces(session, times)
            if happened:
                add_rows(session, EPISODES, happened, EPISODES.upsert())
            heads = asserting.assert_facts(session, self.tenant, made, expected) if made else []
            for context in saved:
                contexts.save(session, self.tenant, context, None)
            return heads

        alone = not (made or saved) and len(happened) < SEVERAL and self._known.issuperset(times)
        heads = (self._database.once if alone else self._database.write)(work)
        self._known.update(times)
        return heads

    def _make_spaces(self, session: Session, times: dict[str, str]) -> None:
        new = [namespace_row(self.tenant, path, at) for path, at in times.items() if path not in self._known]
        asserting.write_rows(session, NAMESPACES, new)

    def restore(self, rows: Rows, kept_away: Callable[[int], None] | None = None) -> int:
        """See ``base.Store``."""
        merge, written, away = merging.Merge(self.tenant), 0, 0
        for batch in Batches(replace(rows, tenant=self.tenant)):
            away += self._database.write(partial(merge.write, batch=batch))
            written += sum(len(lines) for lines in batch.values())
        if kept_away:
            kept_away(away)
        return written

    # ------------------------------------------------------------------ reading

    def everything(self, namespace: str = "/") -> Rows:
        """See ``base.Store``."""
        return reading.everything(self._database.read, self.tenant, namespace)

    def recent(self, namespace: str, now: str, limit: int = 10, session_id: str = "") -> list[Episode]:
        """See ``base.Store``."""

        def work(session: Session) -> list[Episode]:
            spaces = reading.paths_below(session, self.tenant, namespace)
            return reading.episodes_recent(session, spaces, now, limit, session_id)

        return self._database.read(work)

    def fact(
        self, namespace: str, entity: str, property: str, now: str, as_of: AsOf | None = None
    ) -> Fact | None:
        """See ``base.Store``."""
        seen = reading.visible(now, as_of)
        path = namespace_path(namespace)
        space = namespace_id(self.tenant, path)
        return self._database.read(
            lambda session: reading.fact_of_key(session, space, path, (entity, property), seen)
        )

    def facts(self, namespace: str, now: str, entity: str = "", as_of: AsOf | None = None) -> list[Fact]:
        """See ``base.Store``."""
        seen, values = reading.visible(now, as_of)
        chosen = "entity = ? AND " if entity else ""

        def work(session: Session) -> list[Fact]:
            spaces = reading.paths_below(session, self.tenant, namespace)
            wanted = (entity, *values) if entity else values
            return reading.one_a_key(reading.facts_where(session, spaces, chosen + seen, wanted))

        return sorted(self._database.read(work), key=key_of)

    def history(self, namespace: str, entity: str, property: str) -> list[Fact]:
        """See ``base.Store``."""
        path = namespace_path(namespace)
        spaces = {namespace_id(self.tenant, path): path}
        key = (entity, property)
        return self._database.read(
            lambda session: reading.facts_where(session, spaces, "entity = ? AND property = ?", key)
        )

    def head(self, namespace: str, entity: str, property: str) -> Head | None:
        """See ``base.Store``."""
        path = namespace_path(namespace)
        rows = self._database.read(
            lambda session: session.rows(
                "SELECT fact_id, version FROM fact_heads"
                " WHERE namespace_id = ? AND entity = ? AND property = ?",
                (namespace_id(self.tenant, path), entity, property),
            )
        )
        return Head(path, entity, property, *rows[0]) if rows else None

    def candidates(self, words: Sequence[str], window: Window, limit: int) -> list[Candidate]:
        """See ``base.Store``."""

        def work(session: Session) -> list[Candidate]:
            spaces = reading.paths_below(session, self.tenant, window.namespace)
            if not words or not spaces:
                return []
            return searching.candidates(session, spaces, words, window, limit, self._frequent)

        return self._database.read(work)

    def without_vector(self, model: str, now: str, after: str, limit: int) -> list[tuple[str, str]]:
        """See ``base.Store``."""
        at = instant(now)
        return self._database.read(
            lambda session: meaning.without_vector(session, self.tenant, model, at, after, limit)
        )

    def keep_vectors(self, model: str, vectors: Sequence[tuple[str, Sequence[float]]]) -> None:
        """See ``base.Store``."""
        self._database.write(lambda session: meaning.keep_vectors(session, self.tenant, model, vectors))

    def nearest(self, model: str, query: Sequence[float], window: Window) -> list[str]:
        """See ``base.Store``."""

        def work(session: Session) -> list[str]:
            spaces = reading.paths_below(session, self.tenant, window.namespace)
            return meaning.nearest(session, spaces, self.tenant, model, query, window)

        return self._database.read(work)

    def load(self, ids: Sequence[str], window: Window) -> dict[str, Episode | Fact]:
        """See ``base.Store``."""

        def work(session: Session) -> dict[str, Episode | Fact]:
            spaces = reading.paths_below(session, self.tenant, window.namespace)
            return reading.load(session, spaces, ids, window)

        return self._database.read(work)

    # ------------------------------------------------------------------ deciding

    def retract(self, fact_id: str, now: str) -> None:
        """See ``base.Store``."""
        ident, at = uuid_text(fact_id, "fact"), instant(now)
        self._database.once(lambda session: asserting.retract(session, self.tenant, ident, at))

    def contradictions(self, namespace: str, now: str) -> list[Contradiction]:
        """See ``base.Store``."""
        at, seen = instant(now), reading.visible(now, None)

        def work(session: Session) -> list[Contradiction]:
            spaces = reading.paths_below(session, self.tenant, namespace)
            alive = "status = 'disputed' AND (expires_at IS NULL OR expires_at > ?)"
            disputed = reading.facts_where(session, spaces, alive, (at,))
            holds = reading.facts_of(session, spaces, {fact.entity for fact in disputed}, seen)
            live = {key_of(fact): fact for fact in holds}
            return [Contradiction(fact, live.get(key_of(fact))) for fact in disputed]

        return self._database.read(work)

    def resolve(self, fact_id: str, keep: bool, now: str) -> Head | None:
        """See ``base.Store``."""
        ident, at = uuid_text(fact_id, "fact"), instant(now)
        return self._database.write(lambda session: asserting.resolve(session, self.tenant, ident, keep, at))

    # ------------------------------------------------------------------ working context

    def save_context(self, context: WorkingContext, expected_version: int | None = None) -> WorkingContext:
        """See ``base.Store``."""
        path = namespace_path(context.namespace)

        def work(session: Session) -> WorkingContext:
            self._make_spaces(session, {path: context.updated_at})
            return contexts.save(session, self.tenant, context, expected_version)

        saved = (self._database.once if path in self._known else self._database.write)(work)
        self._known.add(path)
        return saved

    def context(self, namespace: str, key: str, now: str, session_id: str = "") -> WorkingContext | None:
        """See ``base.Store``."""
        path = namespace_path(namespace)
        spaces = {namespace_id(self.tenant, path): path}
        condition = "session_id = ? AND key = ? AND (expires_at IS NULL OR expires_at > ?)"
        found = self._database.read(
            lambda session: reading.contexts_where(
                session, spaces, condition, (session_id, key, instant(now))
            )
        )
        return found[0] if found else None

    def contexts(self, namespace: str, now: str) -> list[WorkingContext]:
        """See ``base.Store``."""
        condition, at = "(expires_at IS NULL OR expires_at > ?)", instant(now)

        def work(session: Session) -> list[WorkingContext]:
            spaces = reading.paths_below(session, self.tenant, namespace)
            return reading.contexts_where(session, spaces, condition, (at,))

        return sorted(self._database.read(work), key=lambda c: (c.namespace, c.session_id, c.key))

    def clear_context(self, namespace: str, key: str, session_id: str = "") -> bool:
        """See ``base.Store``."""
        space = namespace_id(self.tenant, namespace_path(namespace))
        one = f"namespace_id = ? AND session_id = ? AND key = ? AND {versions.NAMED}"

        def work(session: Session) -> int:
            named = (space, session_id, key)
            removals.note_context(session, *named)
            return versions.remove_versioned(session, self.tenant, "working_context", one, named)

        return self._database.write(work) > 0

    # ------------------------------------------------------------------ namespaces and removal

    def namespaces(self, below: str = "/") -> list[str]:
        """See ``base.Store``."""
        found = self._database.read(lambda session: reading.paths_below(session, self.tenant, below))
        return sorted(found.values())

    def create_namespace(self, path: str, now: str, description: str = "") -> str:
        """See ``base.Store``."""
        row = namespace_row(self.tenant, path, now, description)
        sql = "UPDATE namespaces SET description = ? WHERE id = ?"

        def work(session: Session) -> None:
            session.run(f"{NAMESPACES.insert()} {NAMESPACES.upsert()}", row)
            if description:
                session.run(sql, (description, row[0]))

        self._database.write(work)
        return str(row[2])

    def erase(self, subject_id: str, reason: str, now: str) -> Erasure:
        """See ``base.Store``."""
        subject = key_text(subject_id, "subject id")
        receipt = self._database.write(
            lambda session: erasing.erase_subject(session, self.tenant, subject, reason, instant(now))
        )
        self._database.scrub()
        return receipt

    def erase_items(self, ids: Iterable[str]) -> dict[str, int]:
        """See ``base.Store``."""
        chosen = [uuid_text(ident, "fact or episode") for ident in ids]
        counts = self._database.write(lambda session: erasing.remove(session, self.tenant, chosen))
        self._database.scrub()
        return counts

    def sweep(self, now: str) -> dict[str, int]:
        """See ``base.Store``."""
        self._find_words()
        at = instant(now)
        counts = self._database.write(lambda session: erasing.sweep(session, self.tenant, at))
        total = dict(counts)
        while any(counts.values()):
            counts = self._database.write(lambda session: erasing.sweep(session, self.tenant, at))
            total = {table: total[table] + count for table, count in counts.items()}
        return total

    def _find_words(self) -> None:
        """Put what others wrote without its words (a dump that ``psql`` loaded) into the search index."""
        while self._database.read(wordless):
            self._database.write(index_wordless)
