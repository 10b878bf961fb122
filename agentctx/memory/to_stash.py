"""Rows as SQL for a database of Stash (github.com/alash3al/stash): its tables, its numbers, its rules.

Everything is first staged in temporary tables and then inserted in the order of the foreign keys, with ids
from Stash's own sequences, which are set behind the highest id before. What is there already is recognised
(namespaces by slug, episodes by content and time, facts by our id in their metadata), so an export can be
repeated. Embeddings stay NULL, to be filled by Stash; the model is the one its settings name.

Several people may export into one Stash: of two states of a fact the later one stays, and of a key one fact
is live (``_SETTLE``), as in any target that is shared.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from agentctx.memory.batches import Rows
from agentctx.memory.canonical import instant, json_text, namespace_path
from agentctx.memory.dump import STATEMENT_BYTES, literal
from agentctx.memory.rows import Head, Removal
from agentctx.model import Episode, Fact, WorkingContext

_SEGMENT = 64
"""Characters of one segment of a slug."""
NO_MODEL = "none"
"""What stands for the embedding model of a Stash that has none in its settings yet."""

_NOT_BELIEVED = ("disputed", "retracted", "expired")
"""A fact of one of these is deleted in Stash, which would recall it; deciding for it brings it back."""

_STAGES = {
    "spaces": "slug text",
    "episodes": "uid uuid, slug text, content text, occurred_at timestamptz, created_at timestamptz",
    "facts": "uid uuid, slug text, content text, confidence double precision, entity text, property text,"
    " value text, valid_from timestamptz, valid_until timestamptz, metadata jsonb, created_at timestamptz,"
    " updated_at timestamptz, deleted_at timestamptz",
    "sources": "fact uuid, episode uuid",
    "disputes": "slug text, old_uid uuid, new_uid uuid, created_at timestamptz",
    "contexts": "slug text, focus text, expires_at timestamptz, updated_at timestamptz",
}
_MODEL = f"COALESCE((SELECT value FROM settings WHERE key = 'embedding_model'), '{NO_MODEL}')"
_SAME_EPISODE = "e.namespace_id = n.id AND e.content = s.content AND e.occurred_at = s.occurred_at"
_SAME_FACT = "f.namespace_id = n.id AND f.metadata ->> 'agentctx_id' = s.uid::text"
_SPACE = "JOIN namespaces n ON n.slug = s.slug"
_TOLD = "confidence, entity, property, value, valid_from, valid_until"
_TOLD += ", metadata, created_at, updated_at, deleted_at"
_OURS = "f.metadata ->> 'agentctx_id' IS NOT NULL"
_NO_STASH = (
    "DO $own$ BEGIN IF to_regclass('fact_heads') IS NOT NULL THEN RAISE EXCEPTION"
    " 'this database holds the memory of agentctx itself, and a Stash needs one of its own';"
    " END IF; END $own$"
)
"""Tables of the same names, but other columns: no advice about Stash may lead anybody to change them."""
_SETTLE = (
    "CREATE TEMPORARY TABLE staged_rivals ON COMMIT DROP AS SELECT * FROM (SELECT f.id, f.valid_until,"
    " f.valid_from, lead(f.valid_from) OVER (PARTITION BY f.namespace_id, f.entity, f.property"
    " ORDER BY f.valid_from, f.id) AS next, first_value(f.id) OVER best AS winner,"
    " first_value(f.valid_from) OVER best AS began FROM facts f JOIN (SELECT DISTINCT n.id, s.entity,"
    f" s.property FROM staged_facts s {_SPACE}) AS k ON k.id = f.namespace_id AND k.entity = f.entity"
    f" AND k.property = f.property WHERE {_OURS} AND f.deleted_at IS NULL WINDOW best AS"
    " (PARTITION BY f.namespace_id, f.entity, f.property ORDER BY f.valid_until IS NULL DESC,"
    " f.confidence DESC, f.valid_from DESC, f.created_at DESC, f.id DESC)) AS held"
    " WHERE valid_until IS NULL AND id <> winner",
    "UPDATE facts f SET valid_until = LEAST(r.began, r.next) FROM staged_rivals r"
    " WHERE f.id = r.id AND r.valid_from <= r.began",
    "UPDATE facts f SET deleted_at = now() FROM staged_rivals r WHERE f.id = r.id AND r.valid_from > r.began",
    "INSERT INTO contradictions (namespace_id, old_fact_id, new_fact_id, entity, property, old_value,"
    " new_value, confidence, method, resolved)"
    " SELECT f.namespace_id, o.id, f.id, f.entity, f.property, o.value, f.value, f.confidence, 'agentctx',"
    " false FROM staged_rivals r JOIN facts f ON f.id = r.id JOIN facts o ON o.id = r.winner"
    " WHERE r.valid_from > r.began AND o.value <> f.value"
    " AND NOT EXISTS (SELECT 1 FROM contradictions c WHERE c.old_fact_id = o.id AND c.new_fact_id = f.id)",
)
"""Where several facts of ours of one key are live, the surest stays, among those the one that holds from
later on: older ones become its history, and younger ones contradictions."""
_INSERTS = (
    *(
        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"
        f" GREATEST((SELECT COALESCE(max(id), 0) FROM {table}), 1),"
        f" EXISTS (SELECT 1 FROM {table}))"
        for table in ("namespaces", "episodes", "facts", "contradictions")
    ),
    "INSERT INTO namespaces (slug, name) SELECT DISTINCT slug, slug FROM staged_spaces ORDER BY slug"
    " ON CONFLICT (slug) DO NOTHING",
    "INSERT INTO episodes (namespace_id, content, embedding_model, occurred_at, created_at)"
    f" SELECT n.id, s.content, {_MODEL}, s.occurred_at, min(s.created_at) FROM staged_episodes s {_SPACE}"
    f" WHERE NOT EXISTS (SELECT 1 FROM episodes e WHERE {_SAME_EPISODE})"
    " GROUP BY n.id, s.content, s.occurred_at ORDER BY s.occurred_at, min(s.created_at)",
    f"UPDATE facts f SET confidence = s.confidence, valid_until = s.valid_until, updated_at = s.updated_at,"
    f" deleted_at = s.deleted_at, metadata = s.metadata FROM staged_facts s {_SPACE} WHERE {_SAME_FACT}"
    " AND (f.metadata ->> 'agentctx_at' COLLATE \"C\" <= s.metadata ->> 'agentctx_at') IS NOT FALSE",
    f"INSERT INTO facts (namespace_id, content, embedding_model, {_TOLD})"
    f" SELECT n.id, s.content, {_MODEL}, s.{_TOLD.replace(', ', ', s.')} FROM staged_facts s {_SPACE}"
    f" WHERE NOT EXISTS (SELECT 1 FROM facts f WHERE {_SAME_FACT}) ORDER BY s.created_at, s.uid",
    "INSERT INTO fact_sources (fact_id, episode_id) SELECT f.id, min(e.id) FROM staged_sources p"
    " JOIN staged_facts t ON t.uid = p.fact JOIN facts f ON f.metadata ->> 'agentctx_id' = p.fact::text"
    f" JOIN staged_episodes s ON s.uid = p.episode {_SPACE} JOIN episodes e ON {_SAME_EPISODE}"
    " GROUP BY f.id, s.uid ON CONFLICT DO NOTHING",
    "INSERT INTO contradictions (namespace_id, old_fact_id, new_fact_id, entity, property, old_value,"
    " new_value, confidence, method, resolved, created_at)"
    " SELECT n.id, o.id, f.id, f.entity, f.property, o.value, f.value, f.confidence, 'agentctx', false,"
    f" s.created_at FROM staged_disputes s {_SPACE}"
    " JOIN facts o ON o.metadata ->> 'agentctx_id' = s.old_uid::text"
    " JOIN facts f ON f.metadata ->> 'agentctx_id' = s.new_uid::text"
    " WHERE NOT EXISTS (SELECT 1 FROM contradictions c WHERE c.old_fact_id = o.id AND c.new_fact_id = f.id)",
    *_SETTLE,
    "UPDATE contradictions c SET resolved = true, resolution = s.metadata ->> 'status',"
    " resolved_at = s.updated_at FROM staged_facts s"
    " JOIN facts f ON f.metadata ->> 'agentctx_id' = s.uid::text"
    " WHERE c.new_fact_id = f.id AND c.method = 'agentctx' AND NOT c.resolved"
    " AND s.metadata ->> 'status' <> 'disputed'"
    " AND NOT (s.metadata ->> 'status' = 'active' AND f.deleted_at IS NOT NULL)",
    "INSERT INTO contexts (namespace_id, focus, expires_at, updated_at) SELECT n.id, s.focus,"
    " COALESCE(s.expires_at, s.updated_at + interval '1 year'), s.updated_at"
    f" FROM staged_contexts s {_SPACE}"
    " ON CONFLICT (namespace_id) DO UPDATE SET focus = excluded.focus, expires_at = excluded.expires_at,"
    " updated_at = excluded.updated_at"
    " WHERE contexts.updated_at <= excluded.updated_at OR contexts.expires_at <= now()",
)


def statements(rows: Rows, now: str) -> Iterator[str]:
    """The export as SQL statements of one transaction; ``rows`` are read once. Expired rows stay behind."""
    yield _NO_STASH
    for name, columns in _STAGES.items():
        yield f"CREATE TEMPORARY TABLE staged_{name} ({columns}) ON COMMIT DROP"
    staged = _Staged(instant(now))
    yield from _inserts("episodes", staged.episodes(rows.episodes))
    yield from _inserts("facts", staged.facts(rows.facts))
    yield from _inserts("sources", staged.sources)
    yield from _inserts("disputes", staged.disputes(rows.heads))
    yield from _inserts("contexts", staged.contexts(rows.contexts, rows.removals))
    yield from _inserts("spaces", ((slug,) for slug in sorted(staged.slugs)))
    yield from ("CREATE INDEX ON staged_facts (uid)", "CREATE INDEX ON staged_episodes (uid)")
    yield from ("ANALYZE staged_facts", "ANALYZE staged_episodes")
    yield from _INSERTS


def script(rows: Rows, now: str) -> Iterator[str]:
    """The same as text that ``psql`` loads."""
    yield "-- agentctx memory for Stash. Load it with: psql -v ON_ERROR_STOP=1 -f FILE\n"
    yield "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n\nBEGIN;\n"
    for statement in statements(rows, now):
        # The sequences answer with their positions; in a script nobody reads them.
        quiet = f"DO $quiet$ BEGIN PERFORM {statement[7:]}; END $quiet$"
        yield f"{quiet if statement.startswith('SELECT setval') else statement};\n"
    yield "COMMIT;\n"


def slug_of(path: str) -> str:
    """A namespace as Stash writes it: lower case, segments of letters, digits, ``-`` and ``_``.

    A segment that has to change ends with eight digits of its digest, so that no two become one.
    """
    return "/" + "/".join(_segment(part) for part in namespace_path(path).split("/") if part)


def _segment(part: str) -> str:
    kept = re.sub(r"[^a-z0-9_-]+", "-", part.lower()).strip("-_")
    if kept == part and len(part) <= _SEGMENT:
        return part
    digest = hashlib.sha256(part.encode()).hexdigest()[:8]
    return f"{kept[: _SEGMENT - 9] or 'x'}-{digest}"


Line = Sequence[str | float | None]


class _Staged:
    """The rows of the staging tables, and what they have in common."""

    def __init__(self, now: str) -> None:
        self._now = now
        self.slugs: set[str] = set()
        self.sources: list[Line] = []
        self._current: dict[tuple[str, str, str], str] = {}
        self._disputed: list[Fact] = []

    def _slug(self, namespace: str) -> str:
        slug = slug_of(namespace_path(namespace))
        parts = slug.strip("/").split("/")
        self.slugs.update("/" + "/".join(parts[: n + 1]) for n in range(len(parts)))
        return slug

    def _over(self, expires_at: str) -> bool:
        return bool(expires_at) and instant(expires_at) <= self._now

    def episodes(self, episodes: Iterable[Episode]) -> Iterator[Line]:
        for e in episodes:
            if not self._over(e.expires_at):
                yield e.id, self._slug(e.namespace), e.content, instant(e.occurred_at), instant(e.recorded_at)

    def facts(self, facts: Iterable[Fact]) -> Iterator[Line]:
        for f in facts:
            if self._over(f.expires_at):
                continue
            if f.status == "active":
                self._current[f.namespace, f.entity, f.property] = f.id
            if f.status == "disputed":
                self._disputed.append(f)
            self.sources += [(f.id, ref) for kind, ref in f.sources if kind == "episode"]
            deleted = f.retired_at or f.recorded_at if f.status in _NOT_BELIEVED else ""
            yield (
                f.id, self._slug(f.namespace), f.statement, f.confidence, f.entity, f.property,
                f.value if isinstance(f.value, str) else json_text(f.value), instant(f.valid_at),
                _time(f.invalid_at), json_text(_told(f)), instant(f.recorded_at),
                instant(f.retired_at or f.recorded_at), _time(deleted),
            )  # fmt: skip

    def disputes(self, heads: Iterable[Head] | None) -> Iterator[Line]:
        current = {(h.namespace, h.entity, h.property): h.fact_id for h in heads or ()} | self._current
        for f in self._disputed:
            old = current.get((f.namespace, f.entity, f.property))
            if old and old != f.id:
                yield self._slug(f.namespace), old, f.id, instant(f.recorded_at)

    def contexts(self, contexts: Iterable[WorkingContext], removals: Iterable[Removal]) -> Iterator[Line]:
        """One a namespace, which is all that Stash holds: the value of one key, or an object of several keys
        that lives as long as the one that lives longest. What was cleared or has ended changed it as well.
        """
        found: dict[str, list[WorkingContext]] = {}
        changed = [(slug_of(r.namespace), instant(r.seen_at)) for r in removals if r.key]
        for c in contexts:
            slug, over = self._slug(c.namespace), self._over(c.expires_at)
            changed.append((slug, instant(c.expires_at if over else c.updated_at)))
            if not over:
                found.setdefault(slug, []).append(c)
        last = dict(sorted(changed))
        for slug, held in found.items():
            value = held[0].value
            if len(held) > 1:
                value = {f"{c.session_id}: {c.key}" if c.session_id else c.key: c.value for c in held}
            focus = value if isinstance(value, str) else json_text(value)
            ends = [_time(c.expires_at) or "" for c in held]
            yield slug, focus, max(ends) if all(ends) else None, last[slug]


def _told(f: Fact) -> dict[str, Any]:
    """What stands in ``metadata``: the fact's own under our names, and whole when it uses one of them."""
    about: dict[str, Any] = {"agentctx_id": f.id, "status": f.status, "origin": f.origin}
    about["agentctx_at"] = instant(f.retired_at or f.recorded_at)
    links = [[kind, ref] for kind, ref in f.sources if kind != "episode"]
    if links:
        about["sources"] = links
    if not about.keys().isdisjoint(f.metadata):
        about["metadata"] = dict(f.metadata)
    return {**f.metadata, **about}


def _time(text: str) -> str | None:
    return instant(text) if text else None


def _inserts(name: str, lines: Iterable[Line]) -> Iterator[str]:
    held: list[str] = []
    size = 0
    for line in lines:
        held.append(f"({', '.join(literal(value) for value in line)})")
        size += len(held[-1])
        if size >= STATEMENT_BYTES:
            yield f"INSERT INTO staged_{name} VALUES\n" + ",\n".join(held)
            held, size = [], 0
    if held:
        yield f"INSERT INTO staged_{name} VALUES\n" + ",\n".join(held)
