"""The memory of one repository or team as a program uses it: open it, remember, recall, decide, forget.

    with Memory.open() as memory:
        memory.set_fact("checkout", "owner", "Ada")
        memory.fact("checkout", "owner").value

Which database holds it is the person's own choice (environment, or ``memory:`` in
``~/.config/agentctx/config.yaml``), never the repository's. What looks like a secret is taken out of every
text on its way in.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from agentctx.errors import InvalidInput, NotFound
from agentctx.flows.taking import clean, clean_value, cleaned, moved, named, plain
from agentctx.model import Episode, Fact, WorkingContext

if TYPE_CHECKING:
    from agentctx.memory.base import AsOf, Contradiction, Erasure, Store
    from agentctx.memory.batches import Rows
    from agentctx.memory.recall import Recalled
    from agentctx.memory.rows import Head
    from agentctx.project import Project

HOURS = 72.0
"""How long a working context lives when nobody says."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where memory is kept. An empty ``dsn`` is a SQLite file in the person's data directory."""

    dsn: str = ""
    """``postgresql://...`` (``AGENTCTX_DSN``)."""
    tenant: str = ""
    """Whose rows these are in a shared database (``AGENTCTX_TENANT``); empty: ``local``."""
    redis_url: str = ""
    """A Redis for working context (``AGENTCTX_REDIS_URL``); empty: the database has it."""

    @classmethod
    def chosen(cls, environ: Mapping[str, str] | None = None) -> Place:
        """What the person chose: a variable, else their config file. Raises ``InvalidInput``."""
        from agentctx.memory.settings import section

        environ = os.environ if environ is None else environ
        found = section("memory", tuple(field.name for field in fields(cls)), environ)
        return cls(*(environ.get(f"AGENTCTX_{f.name}".upper()) or found.get(f.name, "") for f in fields(cls)))

    def store(self, file: Path | None) -> Store:
        """The store of this place; ``file`` is the SQLite file without a ``dsn`` (None: in memory)."""
        from agentctx.memory.rows import DEFAULT_TENANT
        from agentctx.memory.store import open_sqlite
        from agentctx.memory.tenants import open_tenant

        tenant = self.tenant or DEFAULT_TENANT
        store = open_tenant(self.dsn, tenant) if self.dsn else open_sqlite(file, tenant)
        if not self.redis_url:
            return store
        from agentctx.memory.redis import redis_at  # one that is away costs contexts alone
        from agentctx.memory.split import SplitStore

        return SplitStore(store, redis_at(self.redis_url, tenant))


class Memory:
    """Episodes, facts and working context below one namespace of a store. Times are ISO 8601, UTC."""

    def __init__(
        self, store: Store, space: str = "/", clock: Callable[[], str] | None = None, commit: str = ""
    ) -> None:
        """``commit`` is written beside what is remembered, so that it can be placed in history."""
        from agentctx.memory.canonical import namespace_path

        self.store = store
        self.space = namespace_path(space)
        self.commit = commit
        self._clock = clock or (lambda: datetime.now(UTC).isoformat())

    @classmethod
    def open(cls, start: Path | None = None, namespace: str = "") -> Memory:
        """The memory of the repository around ``start`` (the current folder)."""
        from agentctx.project import Project

        with Project.open(start) as project:
            return cls.of(project, namespace)

    @classmethod
    def of(cls, project: Project, namespace: str = "", place: Place | None = None) -> Memory:
        """The memory of an opened repository; it is kept under the repository's first commit.

        In SQLite that names the file; in a shared database it names the namespace, unless one is given.
        """
        from agentctx.memory.sqlite import default_path

        place = place or Place.chosen()
        if place.dsn and namespace:
            return cls(place.store(None), namespace, commit=project.git.head())
        root = root_commit(project)
        space = namespace or (f"/repositories/{root[:16]}" if place.dsn else "/")
        return cls(place.store(default_path(root)), space, commit=project.git.head())

    def __enter__(self) -> Memory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self.store.close()

    def now(self) -> str:
        """The present moment, by this memory's clock."""
        return self._clock()

    def inside(self, namespace: str) -> str:
        """A namespace as callers name it (relative to this memory's own) as the store knows it."""
        from agentctx.memory.canonical import namespace_path

        below = namespace_path(namespace)
        return below if self.space == "/" else namespace_path(self.space + below)

    def _place(self, namespace: str) -> str:
        return named(self.inside(namespace), "namespace")

    # ------------------------------------------------------------------ episodes

    def episode(self, text: str, namespace: str = "", **details: Any) -> Episode:
        """An episode that happened now, not kept yet; ``details`` are further fields of ``Episode``.

        What is told about a commit has happened in that one: ``git_commit`` is the present one only for
        other kinds.

        Raises ``InvalidInput`` for no text, and for a session or subject that is a secret.
        """
        now = self.now()
        content = clean(text).strip()
        if not content:
            raise InvalidInput("there is nothing to remember", "say in a sentence what happened")
        at = "" if details.get("kind") == "commit" else self.commit
        given: dict[str, Any] = {
            "kind": "event", "occurred_at": now, "recorded_at": now, "git_commit": at, **details
        }  # fmt: skip
        return Episode(id=new_id(), namespace=self._place(namespace), content=content, **_clean(given))

    def remember(self, text: str, namespace: str = "", **details: Any) -> Episode:
        """Keep something that happened."""
        made = self.episode(text, namespace, **details)
        self.store.append([made])
        return made

    def episodes(self, limit: int = 10, session_id: str = "", namespace: str = "") -> list[Episode]:
        """The newest episodes, newest first."""
        return self.store.recent(self.inside(namespace), self.now(), limit, plain(session_id))

    # ------------------------------------------------------------------ facts

    def new_fact(self, entity: str, property: str, value: Any, namespace: str = "", **details: Any) -> Fact:
        """A fact that holds from now on, not kept yet; ``details`` are further fields of ``Fact``."""
        now, held = self.now(), clean_value(value)
        said = held if isinstance(held, str) else json.dumps(held, ensure_ascii=False)
        about, name = clean(entity), clean(property)
        given: dict[str, Any] = {"valid_at": now, "recorded_at": now, "git_commit": self.commit, **details}
        given["statement"] = clean(given.get("statement") or f"{name} of {about} is {said}")
        return Fact(new_id(), self._place(namespace), about, name, held, **_clean(given))

    def set_fact(
        self,
        entity: str,
        property: str,
        value: Any,
        namespace: str = "",
        expected_version: int | None = None,
        **details: Any,
    ) -> Head:
        """Say what holds now; a different older value is superseded. Raises ``Conflict``."""
        return self.store.assert_fact(
            self.new_fact(entity, property, value, namespace, **details), expected_version
        )

    def fact(self, entity: str, property: str, namespace: str = "", as_of: AsOf | None = None) -> Fact | None:
        """What holds now, or held then."""
        return self.store.fact(self.inside(namespace), key_of(entity), key_of(property), self.now(), as_of)

    def facts(self, entity: str = "", namespace: str = "", as_of: AsOf | None = None) -> list[Fact]:
        """What holds of all keys (of one entity), by entity and property."""
        return self.store.facts(self.inside(namespace), self.now(), key_of(entity), as_of)

    def history(self, entity: str, property: str, namespace: str = "") -> list[Fact]:
        """Every value a key ever had, oldest first."""
        return self.store.history(self.inside(namespace), key_of(entity), key_of(property))

    def contradictions(self, namespace: str = "") -> list[Contradiction]:
        """Disputed facts that wait for a decision."""
        return self.store.contradictions(self.inside(namespace), self.now())

    def resolve(self, fact_id: str, keep: bool) -> Head | None:
        """Decide about a disputed fact: it becomes current, or is retracted. Raises ``NotFound``."""
        return self.store.resolve(fact_id, keep, self.now())

    # ------------------------------------------------------------------ recall and removal

    def recall(self, query: str, limit: int = 5, namespace: str = "", **more: Any) -> list[Recalled]:
        """What says most about ``query``; ``more`` are further fields of ``memory.base.Window``.

        With an embedding model of the person's own (``provider embeddings``) also what is near in meaning.
        """
        from agentctx.flows.meaning import nearest
        from agentctx.memory.base import Window
        from agentctx.memory.recall import recall

        window = Window(self.inside(namespace), self.now(), limit=limit, **more)
        return recall(self.store, query, window, nearest(self.store, query, window))

    def forget(self, ids: Iterable[str]) -> dict[str, int]:
        """Remove episodes and facts, text and all; counts by table. Raises ``NotFound`` for none."""
        chosen = _ids(ids)
        return _any_id(self.store.erase_items(chosen), chosen)

    def would_forget(self, ids: Iterable[str] = (), subject_id: str = "") -> dict[str, int]:
        """How many episodes and facts ``forget`` or (with a subject) ``erase`` would remove.

        Everything is looked through. Raises ``NotFound`` for none, as they do.
        """
        chosen, subject, held = [] if subject_id else _ids(ids), plain(subject_id), self.store.everything("/")

        def named_so(id: str, *about: str) -> bool:
            return subject in about if subject else id in chosen

        episodes = {("episode", e.id) for e in held.episodes if named_so(e.id, e.subject_id)}
        facts = [
            fact.id
            for fact in held.facts
            if named_so(fact.id, fact.subject_id, fact.entity)
            or (fact.sources and episodes.issuperset(fact.sources))
        ]
        counts = {"episodes": len(episodes), "facts": len(facts)}
        return _any_about(counts, subject_id) if subject else _any_id(counts, chosen)

    def erase(self, subject_id: str, reason: str) -> Erasure:
        """Remove what has this subject, and the facts whose entity it is; the receipt stays.

        Raises ``NotFound`` (and leaves no receipt) when there is nothing.
        """
        receipt = self.store.erase(subject_id, clean(reason), self.now())
        _any_about(receipt.counts, subject_id)
        return receipt

    def rows(self, namespace: str) -> Rows:
        """Everything here, moved below ``namespace``, for an export; read once, in pages."""
        from agentctx.memory.canonical import namespace_path

        held, cut = self.store.everything(self.space), len(self.space.rstrip("/"))
        target = namespace_path(namespace).rstrip("/")
        return moved(held, lambda path: namespace_path(f"{target}/{path[cut:].strip('/')}"))

    def taken_in(self, rows: Rows) -> Rows:
        """``rows`` of an export without secrets, below this memory's own namespace.

        Those that name it already stay where they are.
        """
        own = self.space.rstrip("/") + "/"
        return moved(cleaned(rows), lambda path: path if f"{path}/".startswith(own) else self.inside(path))

    # ------------------------------------------------------------------ working context

    def set_context(
        self,
        key: str,
        value: Any,
        hours: float = HOURS,
        namespace: str = "",
        expected_version: int | None = None,
        session_id: str = "",
    ) -> WorkingContext:
        """Save the state of a task for some hours. Raises ``Conflict``."""
        from agentctx.memory.canonical import later

        if not 0 < hours <= 24 * 366:
            raise InvalidInput(f"a context cannot live {hours:g} hours", "give a number up to 8784")
        now = self.now()
        made = WorkingContext(
            self._place(namespace), named(key, "key"), clean_value(value), 0, now,
            named(session_id, "session"), later(now, hours * 3600),
        )  # fmt: skip
        return self.store.save_context(made, expected_version)

    def context(self, key: str, namespace: str = "", session_id: str = "") -> WorkingContext | None:
        """The state of a task, while it lives."""
        return self.store.context(self.inside(namespace), plain(key), self.now(), plain(session_id))

    def contexts(self, namespace: str = "") -> list[WorkingContext]:
        """The states of all tasks."""
        return self.store.contexts(self.inside(namespace), self.now())

    def clear_context(self, key: str, namespace: str = "", session_id: str = "") -> bool:
        """Remove the state of a task; whether there was one."""
        return self.store.clear_context(self.inside(namespace), plain(key), plain(session_id))

    def create_namespace(self, namespace: str, description: str = "") -> str:
        """Make a namespace, harmless when it exists; its path as the store knows it."""
        return self.store.create_namespace(self._place(namespace), self.now(), plain(clean(description)))


def _clean(given: dict[str, Any]) -> dict[str, Any]:
    """Fields of an episode or fact; what only names a session or subject is refused instead of changed."""
    for field in ("actor", "extractor"):
        if field in given:
            given[field] = clean(given[field])
    for field, what in (("session_id", "session"), ("subject_id", "subject")):
        if field in given:
            given[field] = named(given[field], what)
    if "metadata" in given:
        given["metadata"] = clean_value(given["metadata"])
    if "sources" in given:
        given["sources"] = tuple(_source(kind, ref) for kind, ref in given["sources"])
    return given


def _source(kind: str, ref: str) -> tuple[str, str]:
    """What a fact rests on, as removing it looks for it. Raises ``InvalidInput``."""
    from agentctx.memory.rows import SOURCE_KINDS, uuid_text

    if kind not in SOURCE_KINDS:
        raise InvalidInput(f"{kind[:60]!r} is no kind of source", f"use one of {', '.join(SOURCE_KINDS)}")
    if not ref.strip():
        raise InvalidInput(f"a source of kind {kind!r} names nothing", f"say which {kind} it is")
    return kind, uuid_text(ref, "episode") if kind == "episode" else named(ref, "source")


def _ids(ids: Iterable[str]) -> list[str]:
    from agentctx.memory.rows import uuid_text

    chosen = [uuid_text(ident, "fact or episode") for ident in ids]
    if not chosen:
        raise InvalidInput("there is nothing to forget", "name an id: `agentctx recall` shows them")
    return chosen


def _any_id(counts: Mapping[str, int], ids: Sequence[str]) -> dict[str, int]:
    if not any(counts.values()):
        raise NotFound(f"nothing is remembered as {', '.join(ids)[:200]}", "`agentctx recall` shows ids")
    return dict(counts)


def _any_about(counts: Mapping[str, int], subject: str) -> dict[str, int]:
    if not any(counts.values()):
        raise NotFound(
            f"nothing is remembered about {subject[:200]!r}",
            "a subject is what --subject or subject_id said, or the entity of facts, letter for letter",
        )
    return dict(counts)


def key_of(text: str) -> str:
    """An entity or property as the store knows it."""
    return plain(clean(text))


def new_id() -> str:
    """A fresh id, later ones sort after earlier ones."""
    from agentctx.memory.ids import uuid7

    return uuid7(time.time_ns() // 1_000_000, os.urandom(10))


def root_commit(project: Project) -> str:
    """The repository's first commit (the smallest id when history has several beginnings).

    Raises ``InvalidInput`` in a shallow clone and in a repository without a commit.
    """
    known = project.state.read("root-commit")
    if isinstance(known, str) and known:
        return known
    if project.git.is_shallow:
        raise InvalidInput(
            "a shallow clone does not know the repository's first commit, which its memory is kept under",
            "git fetch --unshallow",
        )
    out = project.git.run("rev-list", "--max-parents=0", "HEAD", check=False).decode().split()
    if not out:
        raise InvalidInput(
            "the repository has no commit yet, and its memory is kept under the first one", "git commit"
        )
    project.state.write("root-commit", min(out))
    return min(out)
