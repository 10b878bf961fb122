"""The SQL of reads, the same on every engine: namespaces, visibility in both clocks, rows to values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from agentctx.memory.base import END_OF_TIME, AsOf, Candidate, Window
from agentctx.memory.batches import Rows, chunks
from agentctx.memory.canonical import instant, namespace_path, stored
from agentctx.memory.engine import Session
from agentctx.memory.rows import (
    Erasure,
    Head,
    Namespace,
    Removal,
    context_of_row,
    episode_of,
    erasure_of,
    fact_of,
    removal_of,
)
from agentctx.memory.tables import EPISODES, ERASURES, FACT_HEADS, FACTS, REMOVALS, WORKING_CONTEXT, Table
from agentctx.memory.versions import NAMED
from agentctx.model import Episode, Fact, WorkingContext

T = TypeVar("T")
Read = Callable[[Callable[[Session], Any]], Any]

PAGE = 2_000
"""Rows in a page of a read of everything."""

_ALIVE = "(expires_at IS NULL OR expires_at > ?)"
_HELD = (
    "status <> 'disputed' AND recorded_at <= ? AND valid_at <= ?"
    " AND (invalid_at IS NULL OR invalid_at > ? OR retired_at > ?)"
)
"""A fact was seen to hold: until it was retired nobody knew that it would end."""
_LAST = (
    "NOT EXISTS (SELECT 1 FROM facts n WHERE n.namespace_id = facts.namespace_id AND n.entity = facts.entity"
    " AND n.property = facts.property AND n.status <> 'disputed' AND n.valid_at > facts.valid_at"
    " AND n.valid_at <= ? AND n.recorded_at <= ?"
    " AND NOT (n.status = 'retracted' AND n.retired_at <= n.recorded_at))"
)
"""Nor was a later one of its key known: what ended the fact anew since had ended it elsewhere before."""

_OF_FACT = ", ".join(f"f.{column}" for column in FACTS.columns)
Seen = tuple[str, tuple[str, ...]]
"""A condition and its values."""


def visible(now: str, as_of: AsOf | None) -> Seen:
    """The condition under which a fact is read, and its values."""
    now = instant(now)
    if as_of is None:
        return f"{_ALIVE} AND {_HELD}", (now, END_OF_TIME, now, now, END_OF_TIME)
    at, known = instant(as_of.at), instant(as_of.known)
    return f"{_ALIVE} AND {_HELD} AND {_LAST}", (now, known, at, at, known, at, known)


def marks(values: Sequence[object]) -> str:
    """``?, ?, ?`` for an IN list."""
    return ", ".join("?" * len(values))


def paths_below(session: Session, tenant: str, namespace: str) -> dict[str, str]:
    """Namespace id -> path, for a namespace and its descendants; ``_`` and ``%`` are plain characters."""
    path = namespace_path(namespace)
    inside = path.rstrip("/") + "/"
    rows = session.rows(
        "SELECT id, path FROM namespaces WHERE tenant_id = ? AND (path = ? OR substr(path, 1, ?) = ?)"
        " ORDER BY path",
        (tenant, path, len(inside), inside),
    )
    return dict(rows)


def episodes_recent(
    session: Session, spaces: dict[str, str], now: str, limit: int, session_id: str
) -> list[Episode]:
    """The newest episodes of some namespaces: one index walk a namespace, merged."""
    condition, values = _ALIVE, [instant(now)]
    if session_id:
        condition, values = f"{condition} AND session_id = ?", [*values, session_id]
    one = (
        f"SELECT * FROM (SELECT {columns(EPISODES)} FROM episodes WHERE namespace_id = ? AND {condition}"
        " ORDER BY occurred_at DESC, id DESC LIMIT ?) AS part"
    )
    found: list[tuple[Any, ...]] = []
    for part in chunks(spaces, 50):
        sql = " UNION ALL ".join([one] * len(part))
        found += session.rows(sql, [value for space in part for value in (space, *values, limit)])
    at, ident = EPISODES.columns.index("occurred_at"), 0
    found.sort(key=lambda row: (stored(row[at]), row[ident]), reverse=True)
    return [episode_of(row, spaces[row[2]]) for row in found[:limit]]


def columns(table: Table) -> str:
    """The columns of a table for a SELECT."""
    return ", ".join(table.columns)


def facts_where(
    session: Session, spaces: dict[str, str], condition: str, values: Sequence[Any]
) -> list[Fact]:
    """Facts of some namespaces with their sources, in the order of key and ``valid_at``."""
    found: list[Fact] = []
    for part in chunks(spaces):
        rows = session.rows(
            f"SELECT {columns(FACTS)} FROM facts WHERE namespace_id IN ({marks(part)}) AND {condition}"
            " ORDER BY namespace_id, entity, property, valid_at, recorded_at, id",
            (*part, *values),
        )
        found += with_sources(session, rows, spaces)
    return found


def facts_of(session: Session, spaces: dict[str, str], entities: Iterable[str], seen: Seen) -> list[Fact]:
    """The facts of some entities that are seen, one a key."""
    found: list[Fact] = []
    for part in chunks(sorted(entities)):
        condition = f"entity IN ({marks(part)}) AND {seen[0]}"
        found += facts_where(session, spaces, condition, (*part, *seen[1]))
    return one_a_key(found)


def with_sources(session: Session, rows: Sequence[Sequence[Any]], spaces: dict[str, str]) -> list[Fact]:
    """Rows of ``facts`` as values with their sources."""
    sources: dict[str, list[tuple[str, str]]] = {}
    for part in chunks(row[0] for row in rows):
        chosen, ids = session.among("fact_id", part)
        for ident, kind, ref in session.rows(
            f"SELECT fact_id, kind, ref FROM fact_sources WHERE {chosen}", ids
        ):
            sources.setdefault(ident, []).append((kind, ref))
    return [fact_of(row, spaces[row[2]], tuple(sorted(sources.get(row[0], ())))) for row in rows]


def fact_of_key(session: Session, space: str, path: str, key: tuple[str, str], seen: Seen) -> Fact | None:
    """The fact of a key that is seen, with its sources, in one statement."""
    rows = session.rows(
        f"SELECT {_OF_FACT}, s.kind, s.ref FROM (SELECT * FROM facts WHERE namespace_id = ? AND entity = ?"
        f" AND property = ? AND {seen[0]} ORDER BY valid_at DESC, recorded_at DESC LIMIT 1) AS f"
        " LEFT JOIN fact_sources s ON s.fact_id = f.id",
        (space, *key, *seen[1]),
    )
    sources = tuple(sorted((row[-2], row[-1]) for row in rows if row[-1] is not None))
    return fact_of(rows[0][:-2], path, sources) if rows else None


def one_a_key(facts: Iterable[Fact]) -> list[Fact]:
    """The last fact of each key."""
    return list({(fact.namespace, fact.entity, fact.property): fact for fact in facts}.values())


def contexts_where(
    session: Session, spaces: dict[str, str], condition: str, values: Sequence[Any]
) -> list[WorkingContext]:
    """Working contexts of some namespaces, by namespace, session and key."""
    found: list[WorkingContext] = []
    for part in chunks(spaces):
        rows = session.rows(
            f"SELECT {columns(WORKING_CONTEXT)} FROM working_context"
            f" WHERE namespace_id IN ({marks(part)}) AND {condition} ORDER BY namespace_id, session_id, key",
            (*part, *values),
        )
        found += [context_of_row(row, spaces[row[0]]) for row in rows]
    return found


def shown_of(
    session: Session, spaces: dict[str, str], owners: Sequence[str], window: Window
) -> list[Candidate]:
    """The candidates among ``owners`` that the window shows."""
    parts = []
    if window.facts:
        shown = "statement, valid_at, entity || ' ' || property"
        parts.append(("fact", "facts", shown, *visible(window.now, window.as_of)))
    if window.episodes:
        parts.append(("episode", "episodes", "content, occurred_at, ''", *_episodes_seen(window)))
    found: list[Candidate] = []
    for kind, table, shown, condition, values in parts:
        chosen, ids = session.among("id", owners)
        sql = f"SELECT id, namespace_id, {shown} FROM {table} WHERE {chosen} AND {condition}"
        rows = session.rows(sql, (*ids, *values))
        found += [
            Candidate(ident, kind, f"{key} {text}" if key else text, stored(moment), key)
            for ident, space, text, moment, key in rows
            if space in spaces
        ]
    return found


def _episodes_seen(window: Window) -> tuple[str, tuple[str, ...]]:
    if window.as_of is None:
        return _ALIVE, (instant(window.now),)
    at, known = instant(window.as_of.at), instant(window.as_of.known)
    return f"{_ALIVE} AND occurred_at <= ? AND recorded_at <= ?", (instant(window.now), at, known)


def load(
    session: Session, spaces: dict[str, str], ids: Sequence[str], window: Window
) -> dict[str, Episode | Fact]:
    """Values by id, as far as they may be seen through the window."""
    found: dict[str, Episode | Fact] = {}
    seen, seen_values = visible(window.now, window.as_of)
    happened, happened_values = _episodes_seen(window)
    for part in chunks(ids):
        chosen, those = session.among("id", part)
        rows = session.rows(
            f"SELECT {columns(FACTS)} FROM facts WHERE {chosen} AND {seen}", (*those, *seen_values)
        )
        found |= {f.id: f for f in with_sources(session, [r for r in rows if r[2] in spaces], spaces)}
        rows = session.rows(
            f"SELECT {columns(EPISODES)} FROM episodes WHERE {chosen} AND {happened}",
            (*those, *happened_values),
        )
        found |= {row[0]: episode_of(row, spaces[row[2]]) for row in rows if row[2] in spaces}
    return found


# --------------------------------------------------------------------------- everything, in pages


def everything(read: Read, tenant: str, namespace: str) -> Rows:
    """All rows below a namespace; each part is read in pages while it is used."""
    spaces: dict[str, str] = read(lambda session: paths_below(session, tenant, namespace))

    def query(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = read(lambda session: session.rows(sql, values))
        return found

    def episodes() -> Iterator[Episode]:
        for rows in pages(query, EPISODES, tenant):
            yield from (episode_of(row, spaces[row[2]]) for row in rows if row[2] in spaces)

    def facts() -> Iterator[Fact]:
        for rows in pages(query, FACTS, tenant):
            mine = [row for row in rows if row[2] in spaces]
            yield from read(partial(with_sources, rows=mine, spaces=spaces))

    def removals() -> Iterator[Removal]:
        for rows in pages(query, REMOVALS, tenant):
            yield from (removal_of(row, spaces[row[2]]) for row in rows if row[2] in spaces)

    return Rows(
        episodes(),
        facts(),
        read(lambda session: contexts_where(session, spaces, NAMED, ())),
        read(lambda session: heads(session, spaces)),
        removals(),
        read(lambda session: namespaces(session, spaces)),
        read(lambda session: receipts(session, tenant)),
        tenant,
    )


def namespaces(session: Session, spaces: dict[str, str]) -> list[Namespace]:
    """Namespaces with their descriptions, by path."""
    found: list[Namespace] = []
    for part in chunks(spaces):
        rows = session.rows(
            f"SELECT path, created_at, description FROM namespaces WHERE id IN ({marks(part)}) ORDER BY path",
            part,
        )
        found += [Namespace(path, stored(made), said) for path, made, said in rows]
    return found


def receipts(session: Session, tenant: str) -> list[Erasure]:
    """The receipts of all erasures of a tenant, oldest first."""
    sql = f"SELECT {columns(ERASURES)} FROM erasures WHERE tenant_id = ? ORDER BY executed_at, id"
    return [erasure_of(row) for row in session.rows(sql, (tenant,))]


def heads(session: Session, spaces: dict[str, str]) -> list[Head]:
    """The heads of all keys of some namespaces."""
    found: list[Head] = []
    for part in chunks(spaces):
        rows = session.rows(
            f"SELECT {columns(FACT_HEADS)} FROM fact_heads WHERE namespace_id IN ({marks(part)})"
            " ORDER BY namespace_id, entity, property",
            part,
        )
        found += [Head(spaces[row[0]], *row[1:]) for row in rows]
    return found


def pages(
    query: Callable[[str, Sequence[Any]], list[tuple[Any, ...]]], table: Table, tenant: str = ""
) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a table with an id (of one tenant), a page at a time."""
    last = "00000000-0000-0000-0000-000000000000"
    mine, place = "tenant_id = ? AND " if tenant else "", table.columns.index("id")
    sql = f"SELECT {columns(table)} FROM {table.name} WHERE {mine}id > ? ORDER BY id LIMIT ?"
    while rows := query(sql, (*((tenant,) if tenant else ()), last, PAGE)):
        yield rows
        last = rows[-1][place]
