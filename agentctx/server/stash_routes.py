"""Ephemeral working memory over HTTP: ``/stash``, ``/recall/ID``, ``/update/ID``, ``/forget/ID``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from agentctx.errors import InvalidInput
from agentctx.memory.stash import UNSET, Memory, Stash
from agentctx.server.door import Caller
from agentctx.server.web import Answer, Refused, Request, reply

T = TypeVar("T")
ENVELOPE = 4096
"""Bytes that a body may have beyond the data's own limit."""
METHODS = {"stash": "POST", "recall": "GET", "update": "PATCH", "forget": "DELETE"}


@dataclass(slots=True)
class StashRoutes:
    """The four routes over one ``Stash`` a user; ``seconds`` is how long a body may take."""

    stash_of: Callable[[str], Stash]
    seconds: float = 30.0
    apart: Executor | None = None
    """Threads for what asks Redis; None: those of all."""

    def names(self, path: str) -> bool:
        """Whether a path is one of ours."""
        name, _, ident = path[1:].partition("/")
        return name in METHODS and (name == "stash") != bool(ident)

    def route(self, request: Request) -> tuple[str, str] | None:
        """The operation and the id that a path names; None for a path of others. Raises ``Refused`` (405)."""
        if not self.names(request.path):
            return None
        name, _, ident = request.path[1:].partition("/")
        if request.method != METHODS[name]:
            raise Refused(405, f"use {METHODS[name]}", allow=METHODS[name], connection="close")
        return name, ident

    async def answer(self, name: str, ident: str, request: Request, caller: Caller) -> Answer:
        """Raises ``Refused`` and ``AgentctxError``."""
        caller.may("read" if name == "recall" else "write")
        stash, now = self.stash_of(caller.owner), datetime.now(UTC).isoformat()
        if name == "recall":
            found = await self._asked(stash.get, caller.owner, ident, now)
            shown = {"memory_id": ident, "data": found.data, "ttl_remaining": found.ttl_remaining}
            return reply(shown, memory_id=ident)
        if name == "forget":
            await self._asked(stash.forget, caller.owner, ident, now)
            return reply({"memory_id": ident, "forgotten": True}, memory_id=ident)
        given = await request.json(caller.tier.max_bytes + ENVELOPE, self.seconds)
        if not isinstance(given, dict):
            raise InvalidInput("the body is not a JSON object")
        size = int(request.headers.get("content-length", "0") or 0)
        kept = await self._asked(self._written, stash, name, ident, given, caller, now)
        return reply(
            _told(name, kept),
            memory_id=kept.memory_id,
            ttl_seconds=kept.ttl_remaining,
            payload_bytes=size,
        )

    async def _asked(self, ask: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.apart, ask, *given)

    def _written(
        self, stash: Stash, name: str, ident: str, given: dict[str, Any], caller: Caller, now: str
    ) -> Memory:
        if name == "stash":
            if "data" not in given:
                raise InvalidInput("the body has no `data`", "null is a value; leaving it out is not")
            return stash.put(caller.owner, given["data"], now, caller.tier, given.get("ttl"))
        data, extra = given.get("data", UNSET), given.get("extra_seconds")
        return stash.update(caller.owner, ident, now, caller.tier, data=data, extra_seconds=extra)


def _told(name: str, kept: Memory) -> dict[str, Any]:
    left = "ttl" if name == "stash" else "ttl_remaining"
    return {"memory_id": kept.memory_id, left: kept.ttl_remaining, "expires_at": kept.expires_at}
