"""Ephemeral working memory: short ids, a time to live, sizes and rates by tier, walls between users.

The rules of the wire format without the wire: a server reads bodies through ``Intake``, asks ``Bucket``
whether a key may go on, and calls ``Stash``. Clocks and random bytes are passed in.
"""

from __future__ import annotations

import math
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from agentctx.errors import AgentctxError, Busy, Conflict, InvalidInput, NotFound
from agentctx.memory.base import Contexts
from agentctx.memory.canonical import instant, json_text, later, moment_of, plain
from agentctx.model import WorkingContext

NAMESPACE = "/stash"
MEGABYTE = 1024 * 1024
HOUR = 3600

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_LENGTH = 8
_SHORT_TRIES = 5
_RACES = 20

UNSET: Any = object()
"""Says that ``data`` was not given: ``None`` is a value."""


class TooLarge(InvalidInput):
    """The body is over the limit of the tier (HTTP 413)."""


class LengthMismatch(InvalidInput):
    """The body is not as long as it was declared to be (HTTP 400)."""


@dataclass(frozen=True, slots=True)
class Tier:
    """What one kind of user may do. Times in seconds, sizes in bytes."""

    name: str
    max_bytes: int
    default_ttl: int
    max_ttl: int
    per_minute: int
    """0: no limit."""
    burst: int = 10


FREE = Tier("free", MEGABYTE, HOUR, HOUR, 60)
PRO = Tier("pro", 50 * MEGABYTE, 24 * HOUR, 24 * HOUR, 300)
ENTERPRISE = Tier("enterprise", 500 * MEGABYTE, 24 * HOUR, 7 * 24 * HOUR, 0)
TIERS = {tier.name: tier for tier in (FREE, PRO, ENTERPRISE)}


@dataclass(frozen=True, slots=True)
class Memory:
    """One kept value."""

    memory_id: str
    data: Any
    ttl_remaining: int
    """Whole seconds, rounded up: a value that lives has at least 1."""
    expires_at: str


def short_id(random: bytes) -> str:
    """Eight base-62 characters out of at least ten random bytes."""
    number = int.from_bytes(random, "big")
    letters = []
    for _ in range(_ID_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return "".join(letters)


def valid_id(text: str) -> bool:
    """Whether ``text`` can be the id of a memory: anything else is not looked up."""
    if len(text) == _ID_LENGTH:
        return all(letter in _ALPHABET for letter in text)
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


@dataclass(slots=True)
class Stash:
    """Values of users in any store. ``random`` gives that many fresh random bytes."""

    store: Contexts
    random: Callable[[int], bytes]
    namespace: str = NAMESPACE
    named: bool = False
    """Whether ids may be names that the user chose (``set``); a server takes only ids that it made."""

    def set(
        self, user: str, name: str, data: Any, now: str, tier: Tier = FREE, ttl: int | None = None
    ) -> Memory:
        """Keep ``data`` under a name, in place of what was there; else as ``put``."""
        seconds = min(_seconds(tier.default_ttl if ttl is None else ttl, "ttl"), tier.max_ttl)
        _check_size(data, tier)
        fresh = WorkingContext(
            self.namespace, _key(user, name), data, 0, instant(now), "", later(now, seconds)
        )
        return _memory(name, self.store.save_context(fresh), now)

    def put(self, user: str, data: Any, now: str, tier: Tier = FREE, ttl: int | None = None) -> Memory:
        """Keep ``data`` for ``ttl`` seconds (the tier's default; never over its maximum).

        Raises ``TooLarge`` and ``InvalidInput`` (a ttl that is no positive whole number, no JSON).
        """
        seconds = min(_seconds(tier.default_ttl if ttl is None else ttl, "ttl"), tier.max_ttl)
        _check_size(data, tier)
        expires = later(now, seconds)
        for attempt in range(_SHORT_TRIES + 3):
            ident = short_id(self.random(16)) if attempt < _SHORT_TRIES else _long_id(self.random(16))
            fresh = WorkingContext(self.namespace, _key(user, ident), data, 0, instant(now), "", expires)
            try:
                return _memory(ident, self.store.save_context(fresh, expected_version=0), now)
            except Conflict:
                continue
        raise Busy("no free id was found", "try again")

    def get(self, user: str, memory_id: str, now: str) -> Memory:
        """The value. Raises ``NotFound``, the same for an absent, an expired and somebody else's id."""
        return _memory(memory_id, self._kept(user, memory_id, now), now)

    def update(
        self,
        user: str,
        memory_id: str,
        now: str,
        tier: Tier = FREE,
        *,
        data: Any = UNSET,
        extra_seconds: int | None = None,
    ) -> Memory:
        """Replace the data, add to the time that remains (up to the tier's maximum), or both.

        Raises ``InvalidInput`` when neither is asked for, ``TooLarge``, ``NotFound``.
        """
        if data is UNSET and extra_seconds is None:
            raise InvalidInput("there is nothing to update", "give data, extra_seconds or both")
        if data is not UNSET:
            _check_size(data, tier)
        extra = 0 if extra_seconds is None else _seconds(extra_seconds, "extra_seconds")
        for _ in range(_RACES):
            kept = self._kept(user, memory_id, now)
            expires = kept.expires_at
            if extra:
                expires = later(now, max(min(_left(kept, now) + extra, tier.max_ttl), _left(kept, now)))
            value = kept.value if data is UNSET else data
            changed = replace(kept, value=value, updated_at=instant(now), expires_at=expires)
            try:
                return _memory(memory_id, self.store.save_context(changed, kept.version), now)
            except Conflict:
                continue
        raise Busy(f"other writers keep changing {memory_id}", "try again in a moment")

    def forget(self, user: str, memory_id: str, now: str) -> None:
        """Remove the value. Raises ``NotFound``."""
        self._kept(user, memory_id, now)
        if not self.store.clear_context(self.namespace, _key(user, memory_id)):
            raise _absent(memory_id)

    def _kept(self, user: str, memory_id: str, now: str) -> WorkingContext:
        known = self.named or valid_id(memory_id)
        found = self.store.context(self.namespace, _key(user, memory_id), now) if known else None
        if found is None:
            raise _absent(memory_id)
        return found


def _absent(memory_id: str) -> AgentctxError:
    return NotFound(f"there is no memory {memory_id[:40]!r}", "it may have expired")


def _key(user: str, memory_id: str) -> str:
    """The storage key. Only a chosen name can hold a colon: without it no two users have one key."""
    ident = plain(memory_id).replace("%", "%25").replace(":", "%3A")
    return f"user:{plain(user)}:{ident}"


def _long_id(random: bytes) -> str:
    return str(uuid.UUID(bytes=random[:16], version=4))


def _seconds(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise InvalidInput(f"{what} must be a positive whole number of seconds")
    return value


def _check_size(data: Any, tier: Tier) -> None:
    size = len(json_text(data).encode())
    if size > tier.max_bytes:
        raise TooLarge(f"the data has {size} bytes, the tier {tier.name} allows {tier.max_bytes}")


def _left(kept: WorkingContext, now: str) -> float:
    return (moment_of(kept.expires_at) - moment_of(now)).total_seconds()


def _memory(ident: str, kept: WorkingContext, now: str) -> Memory:
    return Memory(ident, kept.value, math.ceil(_left(kept, now)), kept.expires_at)


# --------------------------------------------------------------------------- at the door of a server


@dataclass(slots=True)
class Intake:
    """A body that is being received: stopped as soon as it is too long, or not what was declared."""

    limit: int
    declared: int | None = None
    received: int = 0

    def __post_init__(self) -> None:
        if self.declared is not None and self.declared > self.limit:
            raise TooLarge(f"the body has {self.declared} bytes, {self.limit} are allowed")

    def add(self, size: int) -> None:
        """Count the next piece. Raises ``TooLarge``, ``LengthMismatch``."""
        self.received += size
        if self.received > self.limit:
            raise TooLarge(f"the body has more than {self.limit} bytes")
        if self.declared is not None and self.received > self.declared:
            raise LengthMismatch(f"the body is longer than the {self.declared} bytes that were declared")

    def finish(self) -> None:
        """The body has ended. Raises ``LengthMismatch``."""
        if self.declared is not None and self.received != self.declared:
            raise LengthMismatch(f"the body has {self.received} bytes, {self.declared} were declared")


@dataclass(slots=True)
class Bucket:
    """The rate of one key: ``per_minute`` on average, ``burst`` at once. Seconds of any steady clock."""

    per_minute: int
    burst: int
    level: float = -1.0
    """Requests that are free now; negative before the first."""
    seen: float = 0.0

    def take(self, now: float) -> float:
        """0 when a request may go on, else the seconds after which one may."""
        if self.per_minute <= 0:
            return 0.0
        rate = self.per_minute / 60
        refilled = self.level + max(0.0, now - self.seen) * rate if self.level >= 0 else float(self.burst)
        self.level, self.seen = min(float(self.burst), refilled), max(now, self.seen)
        if self.level < 1:
            return (1 - self.level) / rate
        self.level -= 1
        return 0.0
