"""The values of ``model`` as rows of ``tables``, and back."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from agentctx.errors import InvalidInput
from agentctx.memory.canonical import instant, json_text, key_text, namespace_path, plain, stored
from agentctx.memory.ids import derived
from agentctx.memory.tables import Row
from agentctx.model import Episode, Fact, WorkingContext

UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DEFAULT_TENANT = "local"
_LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class Head:
    """Which fact of a key is the current one, and the version that a compare-and-swap names."""

    namespace: str
    entity: str
    property: str
    fact_id: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class Namespace:
    """A slash path under which things are kept, and what it is for."""

    path: str
    created_at: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Erasure:
    """The receipt of an erasure; it names the data subject by a digest only."""

    id: str
    subject_sha256: str
    reason: str
    executed_at: str
    counts: dict[str, int] = field(default_factory=dict)
    """Rows removed, by table."""
    receipt_sha256: str = ""
    """Digest of all other fields in canonical JSON."""


@dataclass(frozen=True, slots=True)
class Removal:
    """An episode or fact that was removed, or (with ``key``) a working context that was cleared."""

    namespace: str
    seen_at: str
    """When what was removed had last been written; a context that was saved later elsewhere stays."""
    id: str = ""
    key: str = ""
    session_id: str = ""
    expires_at: str = ""


def uuid_text(text: str, what: str) -> str:
    """``text`` as a UUID in its plain form. Raises ``InvalidInput``."""
    if UUID.fullmatch(text):
        return text
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise InvalidInput(
            f"{text!r} is not the id of a {what}", "an id is a UUID, as 01a1f9d8-c049-707a-90b4-09869b633737"
        ) from None


@lru_cache(maxsize=1024)
def namespace_id(tenant: str, path: str) -> str:
    """The id of a namespace; ``path`` as ``namespace_path`` gives it."""
    return derived("namespace", tenant, path)


def namespace_row(tenant: str, path: str, created_at: str, description: str = "") -> Row:
    """A row of ``namespaces``."""
    path = namespace_path(path)
    return (namespace_id(tenant, path), plain(tenant), path, plain(description), instant(created_at))


def episode_row(episode: Episode, tenant: str) -> Row:
    """A row of ``episodes``. Raises ``InvalidInput`` for a value that the table cannot hold."""
    content = plain(episode.content)
    return (
        uuid_text(episode.id, "episode"),
        plain(tenant),
        namespace_id(tenant, namespace_path(episode.namespace)),
        _one_of(episode.kind, EPISODE_KINDS, "kind of an episode"),
        plain(episode.actor),
        _reference(episode.session_id, "session id"),
        None if episode.turn is None else _whole(episode.turn, "turn"),
        _reference(episode.subject_id, "subject id"),
        content,
        hashlib.sha256(content.encode()).hexdigest(),
        json_text(dict(episode.metadata)),
        _optional(episode.git_commit),
        _optional(episode.git_branch),
        _optional(episode.git_path),
        instant(episode.occurred_at),
        instant(episode.recorded_at),
        _time(episode.expires_at),
    )


def fact_row(fact: Fact, tenant: str) -> Row:
    """A row of ``facts``. Raises ``InvalidInput`` for a value that the table cannot hold."""
    if not 0 <= fact.confidence <= 1:
        raise InvalidInput(f"the confidence {fact.confidence} is not between 0 and 1")
    return (
        uuid_text(fact.id, "fact"),
        plain(tenant),
        namespace_id(tenant, namespace_path(fact.namespace)),
        key_text(fact.entity, "entity"),
        key_text(fact.property, "property"),
        json_text(fact.value),
        plain(fact.statement),
        float(fact.confidence),
        _one_of(fact.status, FACT_STATUSES, "status of a fact"),
        _one_of(fact.origin, FACT_ORIGINS, "origin of a fact"),
        plain(fact.extractor),
        instant(fact.valid_at),
        _time(fact.invalid_at),
        instant(fact.recorded_at),
        _time(fact.retired_at),
        _time(fact.expires_at),
        uuid_text(fact.superseded_by, "fact") if fact.superseded_by else None,
        _reference(fact.subject_id, "subject id"),
        _optional(fact.git_commit),
        _reference(fact.git_path, "path"),
        _optional(fact.git_blob),
        _time(fact.verified_at),
        _optional(fact.verified_commit),
        json_text(dict(fact.metadata)),
    )


def source_rows(fact: Fact) -> list[Row]:
    """Rows of ``fact_sources``."""
    ident = uuid_text(fact.id, "fact")
    return [
        (ident, _one_of(kind, SOURCE_KINDS, "kind of a source"), key_text(ref, "source"))
        for kind, ref in dict.fromkeys(fact.sources)
    ]


def erasure_row(receipt: Erasure, tenant: str) -> Row:
    """A row of ``erasures``."""
    return (
        uuid_text(receipt.id, "receipt"),
        plain(tenant),
        plain(receipt.subject_sha256),
        plain(receipt.reason),
        json_text(dict(receipt.counts)),
        instant(receipt.executed_at),
        plain(receipt.receipt_sha256),
    )


def erasure_of(row: Sequence[Any]) -> Erasure:
    """A receipt from a row of ``ERASURES.columns``."""
    ident, _, digest, reason, counts, executed_at, receipt = row
    by_table = dict(sorted(json.loads(counts).items()))
    return Erasure(ident, digest, reason, stored(executed_at), by_table, receipt)


def removal_id(space: str, session_id: str, key: str) -> str:
    """The id under which it is noted that a working context of namespace id ``space`` was cleared."""
    return derived("removal", space, session_id, key)


def removal_row(removal: Removal, tenant: str) -> Row:
    """A row of ``removals``."""
    space = namespace_id(tenant, namespace_path(removal.namespace))
    session_id, key = _reference(removal.session_id, "session id") or "", plain(removal.key)
    return (
        plain(tenant),
        removal_id(space, session_id, key) if key else uuid_text(removal.id, "fact or episode"),
        space,
        session_id,
        key_text(key, "key") if key else "",
        instant(removal.seen_at),
        _time(removal.expires_at),
    )


def removal_of(row: Sequence[Any], path: str) -> Removal:
    """A removal from a row of ``REMOVALS.columns`` and the path of its namespace."""
    _, ident, _, session_id, key, seen_at, expires_at = row
    return Removal(path, stored(seen_at), "" if key else ident, key, session_id, stored(expires_at))


def head_row(head: Head, tenant: str) -> Row:
    """A row of ``fact_heads``."""
    return (
        namespace_id(tenant, namespace_path(head.namespace)),
        key_text(head.entity, "entity"),
        key_text(head.property, "property"),
        uuid_text(head.fact_id, "fact"),
        _whole(head.version, "version"),
    )


def context_row(context: WorkingContext, tenant: str) -> Row:
    """A row of ``working_context``."""
    return (
        namespace_id(tenant, namespace_path(context.namespace)),
        _reference(context.session_id, "session id") or "",
        key_text(context.key, "key"),
        plain(tenant),
        json_text(context.value),
        _whole(context.version, "version"),
        instant(context.updated_at),
        _time(context.expires_at),
    )


EPISODE_KINDS = ("message", "tool", "event", "commit", "note")
FACT_STATUSES = ("active", "superseded", "retracted", "disputed", "expired")
FACT_ORIGINS = ("human", "agent", "llm", "git", "import")
SOURCE_KINDS = ("episode", "note", "commit", "url")


def episode_of(row: Sequence[Any], path: str) -> Episode:
    """An episode from a row of ``EPISODES.columns`` and the path of its namespace."""
    ident, _, _, kind, actor, session_id, turn, subject_id, content, _, *rest = row
    metadata, commit, branch, git_path, occurred_at, recorded_at, expires_at = rest
    return Episode(
        ident,
        path,
        kind,
        content,
        stored(occurred_at),
        stored(recorded_at),
        actor,
        session_id or "",
        turn,
        subject_id or "",
        _json(metadata),
        commit or "",
        branch or "",
        git_path or "",
        stored(expires_at),
    )


def fact_of(row: Sequence[Any], path: str, sources: tuple[tuple[str, str], ...] = ()) -> Fact:
    """A fact from a row of ``FACTS.columns``, the path of its namespace and its sources."""
    ident, _, _, entity, name, value, statement, confidence, status, origin, extractor, *rest = row
    valid_at, invalid_at, recorded_at, retired_at, expires_at, superseded_by, subject_id, *rest = rest
    commit, git_path, blob, verified_at, verified_commit, metadata = rest
    return Fact(
        id=ident,
        namespace=path,
        entity=entity,
        property=name,
        value=_json(value),
        statement=statement,
        valid_at=stored(valid_at),
        recorded_at=stored(recorded_at),
        confidence=confidence,
        status=status,
        origin=origin,
        extractor=extractor,
        invalid_at=stored(invalid_at),
        retired_at=stored(retired_at),
        expires_at=stored(expires_at),
        superseded_by=superseded_by or "",
        subject_id=subject_id or "",
        git_commit=commit or "",
        git_path=git_path or "",
        git_blob=blob or "",
        verified_at=stored(verified_at),
        verified_commit=verified_commit or "",
        sources=sources,
        metadata=_json(metadata),
    )


def context_of_row(row: Sequence[Any], path: str) -> WorkingContext:
    """A working context from a row of ``WORKING_CONTEXT.columns`` and the path of its namespace."""
    _, session_id, key, _, value, version, updated_at, expires_at = row
    return WorkingContext(
        path, key, json.loads(value), version, stored(updated_at), session_id, stored(expires_at)
    )


def canonical_fact(fact: Fact) -> Fact:
    """``fact`` as it will be read back from any store.

    Raises ``InvalidInput``, also for one that ends before it begins: nobody would ever see it.
    """
    refs = tuple(sorted((kind, plain(ref)) for kind, ref in set(fact.sources)))
    made = fact_of(fact_row(fact, DEFAULT_TENANT), namespace_path(fact.namespace), refs)
    if made.invalid_at and made.invalid_at < made.valid_at:
        raise InvalidInput(f"a fact that holds from {made.valid_at} cannot end at {made.invalid_at}")
    return made


def _json(text: str) -> Any:
    if text == "{}":
        return {}
    if text[0] == '"' and "\\" not in text:  # a text without escapes is most of what there is
        return text[1:-1]
    return json.loads(text)


def _optional(text: str) -> str | None:
    return plain(text) if text else None


def _reference(text: str, what: str) -> str | None:
    return key_text(text, what) if text else None


def _time(text: str) -> str | None:
    return instant(text) if text else None


def _whole(number: int, what: str) -> int:
    """A number that every database can hold and count on from."""
    if not -_LARGEST <= number <= _LARGEST:
        raise InvalidInput(f"the {what} is not between -2**53 and 2**53")
    return number


def _one_of(text: str, allowed: Mapping[str, object] | tuple[str, ...], what: str) -> str:
    if text not in allowed:
        raise InvalidInput(f"{text!r} is not a {what}", f"use one of {', '.join(allowed)}")
    return text
