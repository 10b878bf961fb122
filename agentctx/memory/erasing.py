"""Removing rows for good: by data subject with a receipt, by id, by expiry; heads, sources and words too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

from agentctx.memory.base import Erasure
from agentctx.memory.batches import chunks
from agentctx.memory.canonical import json_text, plain
from agentctx.memory.engine import Session
from agentctx.memory.ids import derived
from agentctx.memory.reading import marks
from agentctx.memory.removals import LATER, forget_expired, note_items, reopening
from agentctx.memory.rows import erasure_row
from agentctx.memory.tables import ERASURES, REMOVALS, Row
from agentctx.memory.versions import NAMED, remove_versioned

_SWEPT = 1_000
"""Rows of a table that one sweeping transaction removes, so that no writer waits long."""


def erase_subject(session: Session, tenant: str, subject: str, reason: str, now: str) -> Erasure:
    """Remove the episodes and facts of a subject, the facts whose entity it is, and facts that rest on those
    episodes alone.

    When there are none, nothing is written and the receipt that comes back has no digest of its own.
    """
    chosen = [
        ident
        for place in ("episodes WHERE subject_id", "facts WHERE subject_id", "facts WHERE entity")
        for (ident,) in session.rows(f"SELECT id FROM {place} = ? AND tenant_id = ?", (subject, tenant))
    ]
    counts = remove(session, tenant, chosen)
    digest = hashlib.sha256(subject.encode()).hexdigest()
    receipt = Erasure(derived("erasure", tenant, digest, now), digest, plain(reason), now, counts)
    if not chosen:
        return receipt
    fields = {name: value for name, value in asdict(receipt).items() if name != "receipt_sha256"}
    receipt = replace(receipt, receipt_sha256=hashlib.sha256(json_text(fields).encode()).hexdigest())
    session.insert(ERASURES, [erasure_row(receipt, tenant)], ERASURES.upsert())
    return receipt


def remove(session: Session, tenant: str, ids: Iterable[str], expired_by: str = "") -> dict[str, int]:
    """Remove episodes and facts of a tenant by id; facts that rest on removed episodes alone follow.

    Their ids are noted, save of those that have ``expired_by`` then.
    """
    wanted = list(dict.fromkeys(ids))
    episodes = _owned(session, "episodes", tenant, wanted)
    facts = _owned(session, "facts", tenant, wanted)
    facts = list(dict.fromkeys([*facts, *_orphaned(session, tenant, episodes)]))
    for table, gone in (("episodes", episodes), ("facts", facts)):
        for part in chunks(gone):
            note_items(session, table, part, expired_by)
    session.unindex([*facts, *episodes])
    return {
        "fact_sources": _delete(session, "fact_sources", "fact_id", facts)
        + _delete(session, "fact_sources", "kind = 'episode' AND ref", episodes),
        "fact_heads": sum(
            remove_versioned(session, tenant, "fact_heads", f"fact_id IN ({marks(part)})", part)
            for part in chunks(facts)
        ),
        "facts": _delete_facts(session, facts),
        "episodes": _delete(session, "episodes", "id", episodes, embedded=True),
    }


def remove_as_elsewhere(session: Session, removals: Sequence[Row]) -> list[str]:
    """Remove what rows of ``removals`` name: it was removed where they come from.

    A working context that was saved here after the one that was cleared there stays. The ids of facts come
    back that hold again, for what had ended them is gone; their keys are to be settled.
    """
    items: dict[str, list[str]] = {}
    for tenant, ident, space, session_id, key, seen_at, _ in removals:
        if key:
            same = "namespace_id = ? AND session_id = ? AND key = ? AND updated_at <= ?"
            named = (space, session_id, key, seen_at)
            remove_versioned(session, str(tenant), "working_context", same, named)
        else:
            items.setdefault(str(tenant), []).append(str(ident))
    again: list[str] = []
    for tenant, ids in items.items():
        again += _reopened(session, tenant, ids)
        remove(session, tenant, ids)
    session.insert(REMOVALS, removals, LATER)
    return again


def _reopened(session: Session, tenant: str, ids: Sequence[str]) -> list[str]:
    """Facts that ``ids``, which are about to go, had ended and that stay; they hold again."""
    ended = [
        ident
        for part in chunks(ids)
        for (ident,) in session.rows(
            "SELECT id FROM facts WHERE status = 'superseded' AND tenant_id = ?"
            f" AND superseded_by IN ({marks(part)})",
            (tenant, *part),
        )
    ]
    stay = sorted(set(ended) - set(ids))
    for part in chunks(stay):
        session.run(reopening(f"facts.id IN ({marks(part)})"), part)
    return stay


def sweep(session: Session, tenant: str, now: str) -> dict[str, int]:
    """Remove a bounded number of rows that expired by ``now``; all counts are 0 when none is left.

    As with any removal, facts that rest on removed episodes alone follow.
    """
    expired = [
        ident
        for table in ("episodes", "facts")
        for (ident,) in session.rows(
            f"SELECT id FROM {table} WHERE expires_at <= ? AND tenant_id = ? LIMIT ?", (now, tenant, _SWEPT)
        )
    ]
    counts = remove(session, tenant, expired, expired_by=now)
    forget_expired(session, tenant, now)
    dead = f"expires_at <= ? AND tenant_id = ? AND {NAMED}"
    return {
        "facts": counts["facts"],
        "episodes": counts["episodes"],
        "working_context": remove_versioned(session, tenant, "working_context", dead, (now, tenant)),
    }


def _owned(session: Session, table: str, tenant: str, ids: Sequence[str]) -> list[str]:
    return [
        ident
        for part in chunks(ids)
        for (ident,) in session.rows(
            f"SELECT id FROM {table} WHERE tenant_id = ? AND id IN ({marks(part)})", (tenant, *part)
        )
    ]


def _orphaned(session: Session, tenant: str, episodes: Sequence[str]) -> list[str]:
    """Facts that have sources, all of them among ``episodes``."""
    gone = {("episode", ident) for ident in episodes}
    touched = [
        fact
        for part in chunks(episodes)
        for (fact,) in session.rows(
            f"SELECT DISTINCT fact_id FROM fact_sources WHERE kind = 'episode' AND ref IN ({marks(part)})",
            part,
        )
    ]
    kept: set[str] = set()
    for part in chunks(dict.fromkeys(touched)):
        for fact, kind, ref in session.rows(
            f"SELECT fact_id, kind, ref FROM fact_sources WHERE fact_id IN ({marks(part)})", part
        ):
            if (kind, ref) not in gone:
                kept.add(fact)
    return _owned(session, "facts", tenant, [f for f in dict.fromkeys(touched) if f not in kept])


def _delete_facts(session: Session, facts: Sequence[str]) -> int:
    for part in chunks(facts):
        session.run(f"UPDATE facts SET superseded_by = NULL WHERE superseded_by IN ({marks(part)})", part)
    return _delete(session, "facts", "id", facts, embedded=True)


def _delete(session: Session, table: str, column: str, ids: Sequence[str], embedded: bool = False) -> int:
    if embedded:
        _delete(session, "embeddings", "owner_id", ids)
    return sum(
        session.run(f"DELETE FROM {table} WHERE {column} IN ({marks(part)})", part) for part in chunks(ids)
    )
