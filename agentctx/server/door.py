"""Who may come in: host names, origins, keys and rates. Everything is decided before a body is read."""

from __future__ import annotations

import asyncio
import hmac
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address

from agentctx.memory.keys import SCOPES, Key, digest
from agentctx.memory.stash import FREE, TIERS, Tier
from agentctx.server.rates import REMEMBERED, OwnRates, Rates
from agentctx.server.web import Refused, Request

BAD_KEYS = 10
"""Wrong keys a minute that one address is told about; then it is told to wait."""
FRESH = 1.0
"""Seconds for which a key that was looked up is believed; a revoked one ends after that."""
_UNKNOWN = (
    "a key is needed that this server knows and that has not ended: X-API-KEY, or Authorization: Bearer"
    " (agentctx keys new makes one)"
)


def loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what they may."""

    owner: str
    tier: Tier = FREE
    scopes: tuple[str, ...] = SCOPES
    key: str = ""

    def may(self, scope: str) -> None:
        """Raises ``Refused`` (403) unless a key includes ``scope``."""
        if all(SCOPES.index(mine) < SCOPES.index(scope) for mine in self.scopes):
            raise Refused(403, f"this key has not the scope {scope} (agentctx keys new --scope {scope})")


@dataclass(slots=True)
class Door:
    """The rules of one server. ``find`` looks a key up; None where no key is asked for."""

    hosts: frozenset[str]
    """Names (without port) under which we are addressed."""
    origins: frozenset[str] = frozenset()
    """Origins of web pages that may ask; those of other pages may not."""
    find: Callable[[str], Key | None] | None = None
    fixed: dict[str, str] = field(default_factory=dict)
    """Keys out of the environment: digest -> user."""
    nobody: Caller = Caller("local")
    """Who asks where no key is asked for."""
    tiers: dict[str, Tier] = field(default_factory=lambda: dict(TIERS))
    per_minute: int | None = None
    """Requests a minute of one key that are not about working memory; None: as its tier says."""
    clock: Callable[[], float] = time.monotonic
    rates: Rates = field(default_factory=OwnRates)
    _known: OrderedDict[str, tuple[float, Key]] = field(default_factory=OrderedDict)

    def admit(self, request: Request) -> None:
        """Host and Origin. Raises ``Refused`` (421, 403)."""
        host = request.headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name.lower() not in self.hosts:
            told = "this server does not answer to that host name (serve --allow-host NAME adds one)"
            raise Refused(421, told, connection="close")
        origin = request.headers.get("origin")
        own = (f"http://{host}", f"https://{host}")  # the host was checked: such a page is one of ours
        if origin is not None and origin not in self.origins and origin not in own:
            told = "web pages of that origin may not ask (serve --origin URL allows one)"
            raise Refused(403, told, connection="close")

    @property
    def guarded(self) -> bool:
        """Whether a key is asked for."""
        return self.find is not None or bool(self.fixed)

    async def caller(self, request: Request, by_tier: bool = False) -> Caller:
        """Who asks, counted against their rate: the server's, or (``by_tier``: for working memory) that of
        their tier. Raises ``Refused`` (401, 429).

        A key is looked up beside the loop: a database that is stuck holds up only those who wait for it.
        """
        caller = await self._known_caller(request) if self.guarded else self.nobody
        tier, kind = caller.tier, "stash" if by_tier else "key"
        rate = tier.per_minute if by_tier or self.per_minute is None else self.per_minute
        self._count(f"{kind} {caller.key} {caller.owner}", rate, max(tier.burst, rate // 10))
        return caller

    async def _known_caller(self, request: Request) -> Caller:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        text = request.headers.get("x-api-key") or (bearer.strip() if scheme.lower() == "bearer" else "")
        asked = digest(text)
        for known, user in self.fixed.items():
            if hmac.compare_digest(known, asked):
                return Caller(user, self.tiers["free"], key=asked[:8])
        key = await self._looked_up(asked, text) if text and self.find else None
        if key is None:
            self._count(f"bad {request.client}", BAD_KEYS, BAD_KEYS)
            raise Refused(401, _UNKNOWN, www_authenticate="Bearer")
        return Caller(key.owner, self.tiers[key.tier], key.scopes, key.id)

    async def _looked_up(self, asked: str, text: str) -> Key | None:
        now = self.clock()
        held = self._known.get(asked)
        if held and held[0] + FRESH > now:
            return held[1]
        assert self.find is not None
        key = await asyncio.to_thread(self.find, text)
        self._known.pop(asked, None)
        if key is not None:
            self._known[asked] = (now, key)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return key

    def _count(self, name: str, per_minute: int, burst: int) -> None:
        if per_minute <= 0:
            return
        wait = self.rates.take(name, per_minute, burst, self.clock())
        if wait > 0:
            raise _wait(wait)


def _wait(seconds: float) -> Refused:
    return Refused(429, "too many requests", retry_after=str(max(1, math.ceil(seconds))))
