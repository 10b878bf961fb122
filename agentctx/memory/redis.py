"""Working context in Redis: many processes share it, and the server itself forgets what has expired.

A value is a hash of ``value``, ``version``, ``updated_at`` and ``expires_at``. Redis counts down from the
difference of the two times, so that its clock and ours need not agree; a read checks ``expires_at`` besides.

A context has the name ``agentctx:TENANT:["NAMESPACE", "SESSION", "KEY"]``, a value of working memory the
plain one that its wire format promises. Whatever a tenant, a namespace or a key is called, none of these is
another's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from agentctx.errors import Conflict, InvalidInput, MissingExtra, NotWritable
from agentctx.memory.batches import chunks
from agentctx.memory.canonical import instant, json_text, key_text, moment_of, namespace_path
from agentctx.memory.engine import Unreachable
from agentctx.memory.rows import DEFAULT_TENANT, Removal
from agentctx.model import WorkingContext

T = TypeVar("T")
Place = tuple[str, str, str]
"""Namespace, session and key."""
_ADDRESS = "write it as redis://host:6379/0"
_FIELDS = ("value", "version", "updated_at", "expires_at")
_SAVE = """
local held = redis.call('HMGET', KEYS[1], 'version', 'expires_at')
local version = tonumber(held[1] or '0')
local live = version > 0 and (held[2] == '' or held[2] > ARGV[2])
local expected = tonumber(ARGV[4])
if expected == 0 and live then return -1 end
if expected > 0 and not (live and version == expected) then return -1 end
redis.call('HSET', KEYS[1], 'value', ARGV[1], 'version', version + 1,
  'updated_at', ARGV[2], 'expires_at', ARGV[3])
if ARGV[5] == '' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
return version + 1
"""
"""Compare the version and save, as one step of the server. An expected version of -1 compares nothing."""
_CLEAR = """
local held = redis.call('HMGET', KEYS[1], 'version', 'value', 'updated_at', 'expires_at')
if not held[2] or (ARGV[2] ~= '' and held[3] > ARGV[2]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'version', held[1], 'expires_at', '1970',
  'updated_at', held[3], 'until', held[4])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
"""
"""Remove all but the version, so that nobody who still has it takes the next value for the one it read,
and the times, by which an export removes it elsewhere."""
_REMEMBERED = 30 * 24 * 3600 * 1000
"""Milliseconds for which it is known what was cleared."""
_BEGINNING = "1970-01-01T00:00:00.000000Z"
_PAGE = 500
"""Hashes that are asked for at once."""


def open_redis(url: str, tenant: str = DEFAULT_TENANT) -> RedisContexts:
    """The contexts in the Redis at ``url``, which must answer. Raises as ``redis_at``, ``Unreachable``."""
    contexts = redis_at(url, tenant)
    contexts.ping()
    return contexts


def open_values(url: str) -> RedisValues:
    """Working memory in the Redis at ``url``, which must answer. Raises as ``open_redis``."""
    values = RedisValues(_client(url))
    values.ping()
    return values


def redis_at(url: str, tenant: str = DEFAULT_TENANT) -> RedisContexts:
    """The contexts in the Redis at ``url`` (``redis://``, ``rediss://``, ``unix://``), which is asked later.

    Raises ``MissingExtra`` without the client, ``InvalidInput`` for another kind of address.
    """
    return RedisContexts(_client(url), tenant)


def _client(url: str) -> Any:
    try:
        import redis
    except ImportError:
        raise MissingExtra("Redis needs the package redis", "pip install 'agentctx-memory[redis]'") from None
    try:
        return redis.Redis.from_url(url, decode_responses=True, socket_connect_timeout=5, socket_timeout=5)
    except ValueError as error:
        raise InvalidInput(f"the address names no Redis: {error}", _ADDRESS) from None


class RedisContexts:
    """See ``base.Contexts``."""

    def __init__(self, client: Any, tenant: str = DEFAULT_TENANT) -> None:
        self.tenant = tenant
        self._client = client
        self._save = client.register_script(_SAVE)
        self._clear = client.register_script(_CLEAR)

    def ping(self) -> None:
        """Raises ``Unreachable`` when Redis does not answer."""
        self._asked(self._client.ping)

    def save_context(self, context: WorkingContext, expected_version: int | None = None) -> WorkingContext:
        """See ``base.Store``."""
        space, text = namespace_path(context.namespace), json_text(context.value)
        updated = instant(context.updated_at)
        expires = instant(context.expires_at) if context.expires_at else ""
        name = self._name(space, context.session_id, key_text(context.key, "key"))
        left = (moment_of(expires) - moment_of(updated)).total_seconds() if expires else None
        wait = "" if left is None else str(max(1, round(left * 1000)))
        expected = -1 if expected_version is None else expected_version
        version = self._asked(lambda: self._save(keys=[name], args=[text, updated, expires, expected, wait]))
        if version < 0:
            raise Conflict(
                f"the context {context.key} does not have version {expected_version}",
                "read it and decide anew",
            )
        return replace(
            context, namespace=space, value=json.loads(text), version=version, updated_at=updated,
            expires_at=expires,
        )  # fmt: skip

    def context(self, namespace: str, key: str, now: str, session_id: str = "") -> WorkingContext | None:
        """See ``base.Store``."""
        space = namespace_path(namespace)
        held = self._asked(lambda: self._client.hmget(self._name(space, session_id, key), _FIELDS))
        return _living(space, session_id, key, held, instant(now))

    def contexts(self, namespace: str, now: str) -> list[WorkingContext]:
        """See ``base.Store``. Reads the names of all contexts of the tenant."""
        at = instant(now)
        return _sorted(_living(*place, held, at) for place, held in self._below(namespace, _FIELDS))

    def everything(self, namespace: str) -> tuple[list[WorkingContext], list[Removal]]:
        """For an export: what is kept below a namespace, and what was cleared there lately."""
        found = list(self._below(namespace, (*_FIELDS, "until")))
        cleared = [
            Removal(space, updated, key=key, session_id=session_id, expires_at=until or "")
            for (space, session_id, key), (value, _, updated, _, until) in found
            if value is None and updated
        ]
        return _sorted(_living(*place, held[:4], _BEGINNING) for place, held in found), cleared

    def clear_context(self, namespace: str, key: str, session_id: str = "", seen_at: str = "") -> bool:
        """See ``base.Store``; with ``seen_at`` only what was not saved later than that."""
        name = self._name(namespace_path(namespace), session_id, key)
        seen = instant(seen_at) if seen_at else ""
        return bool(self._asked(lambda: self._clear(keys=[name], args=[_REMEMBERED, seen])))

    def sweep(self, now: str) -> dict[str, int]:
        """See ``base.Store``: Redis itself has removed what expired."""
        return {"working_context": 0}

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def of_tenant(self, tenant: str) -> RedisContexts:
        """The contexts of another tenant, over the same connections."""
        return RedisContexts(self._client, tenant)

    def _below(self, namespace: str, fields: Sequence[str]) -> Iterator[tuple[Place, list[str | None]]]:
        """Fields of everything below a namespace."""
        path, prefix = namespace_path(namespace), self._prefix()
        names = self._asked(lambda: set(self._client.scan_iter(match=f"{_glob(prefix)}\\[*", count=1000)))
        placed = ((name, _place(name[len(prefix) :])) for name in names)
        inside = [(name, at) for name, at in placed if at and f"{at[0]}/".startswith(f"{path.rstrip('/')}/")]
        for page in chunks(inside, _PAGE):
            pipe = self._client.pipeline(transaction=False)
            for name, _ in page:
                pipe.hmget(name, fields)
            yield from zip((at for _, at in page), self._asked(pipe.execute), strict=True)

    def _prefix(self) -> str:
        """What the names of a tenant begin with, and those of no other."""
        return f"agentctx:{self.tenant.replace('%', '%25').replace(':', '%3A')}:"

    def _name(self, space: str, session_id: str, key: str) -> str:
        return self._prefix() + json.dumps([space, session_id, key], ensure_ascii=False)

    def _asked(self, ask: Callable[[], T]) -> T:
        import redis

        try:
            return ask()
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise Unreachable(
                f"Redis cannot be reached: {error}".rstrip("."),
                "see whether it runs, and check the address; it reads redis://host:6379/0",
            ) from error
        except redis.RedisError as error:
            raise NotWritable(
                f"Redis refused: {error}", "check that it has memory, and that nothing else uses our names"
            ) from error


class RedisValues(RedisContexts):
    """Working memory: a value's key is its whole name in Redis, ``user:USER:ID``, whoever serves it."""

    def _name(self, space: str, session_id: str, key: str) -> str:
        return key

    def _below(self, namespace: str, fields: Sequence[str]) -> Iterator[tuple[Place, list[str | None]]]:
        """Nobody lists it."""
        return iter(())


def _glob(prefix: str) -> str:
    return "".join(f"\\{c}" if c in "*?[]\\" else c for c in prefix)


def _place(text: str) -> Place | None:
    """What the rest of a name says; None for a name that somebody else made."""
    try:
        space, session_id, key = json.loads(text)
    except (ValueError, TypeError):
        return None
    return (space, session_id, key) if all(isinstance(t, str) for t in (space, session_id, key)) else None


def _sorted(contexts: Iterable[WorkingContext | None]) -> list[WorkingContext]:
    return sorted((c for c in contexts if c), key=lambda c: (c.namespace, c.session_id, c.key))


def _living(space: str, session_id: str, key: str, held: list[str | None], now: str) -> WorkingContext | None:
    value, version, updated, expires = held
    if value is None or version is None or (expires and expires <= now):
        return None
    return WorkingContext(
        space, key, json.loads(value), int(version), updated or "", session_id, expires or ""
    )
