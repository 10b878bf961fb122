"""REST over the tables of operations."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from agentctx.errors import InvalidInput
from agentctx.flows.memories import Memory
from agentctx.server import service
from agentctx.server.door import Caller
from agentctx.server.openapi import PREFIX
from agentctx.server.operation import Operation
from agentctx.server.service import SERVICES, Service
from agentctx.server.warm import Warm
from agentctx.server.web import Answer, Refused, Request, reply

BODY = 4 * 1024 * 1024
"""Bytes of a request."""
CONTEXTS = ("set_context", "get_context", "clear_context")
"""The operations that ask for working context and for nothing else."""


@dataclass(slots=True)
class Table:
    """What one server offers: memory of every tenant, and one repository's notes to its own tenant."""

    memory_of: Callable[[str], Memory]
    warm: Warm | None = None
    owner: str = "local"
    """Whose repository it is."""
    apart: Executor | None = None
    """Threads for what asks Redis, so that one that is stuck holds up nothing else; None: those of all."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def offered(self, caller: Caller | None = None) -> dict[str, Service | Operation]:
        """The operations by name; those on notes only for the repository's own tenant (or nobody yet)."""
        found: dict[str, Service | Operation] = dict(SERVICES)
        if self.warm is not None and (caller is None or caller.owner == self.owner):
            from agentctx.server.operations import OPERATIONS

            found |= {name: op for name, op in OPERATIONS.items() if name not in found}
        return found

    async def answer(self, name: str, given: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """``call`` beside the loop."""
        threads = self.apart if name in CONTEXTS else None
        return await asyncio.get_running_loop().run_in_executor(threads, self.call, name, given, caller)

    def call(self, name: str, given: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Run one operation as ``caller``. Raises ``Refused`` (403, 404) and ``AgentctxError``."""
        operation = self.offered(caller).get(name)
        if operation is None:
            raise Refused(404, "there is no such operation")
        if isinstance(operation, Service):
            caller.may(operation.scope)
            return service.answer(self.memory_of(caller.owner), name, given)
        caller.may("read" if operation.read_only else "write")
        from agentctx.server.operations import call

        assert self.warm is not None
        with self._lock:
            return {"text": call(self.warm, name, given)}

    def about_notes(
        self,
        ask: Callable[[Warm, Mapping[str, Any]], dict[str, Any]],
        given: Mapping[str, Any],
        caller: Caller,
    ) -> dict[str, Any] | None:
        """What ``ask`` finds in the repository; None for a caller who is not of its tenant."""
        if self.warm is None or caller.owner != self.owner:
            return None
        caller.may("read")
        with self._lock:
            return ask(self.warm, given)


@dataclass(slots=True)
class RestRoutes:
    """``POST /v1/OPERATION`` with a JSON object; ``GET`` with a query string for what only reads."""

    table: Table
    seconds: float = 30.0

    async def answer(self, request: Request, caller: Caller) -> Answer:
        """Raises ``Refused`` and ``AgentctxError``."""
        name = request.path[len(PREFIX) :]
        operation = self.table.offered(caller).get(name)
        if operation is None:
            raise Refused(404, "there is no such operation: /openapi.json lists them", connection="close")
        if request.method == "GET" and reads(operation):
            given = _from_query(request.query, operation)
        elif request.method == "POST":
            given = await request.json(BODY, self.seconds)
        else:
            allowed = "GET, POST" if reads(operation) else "POST"
            raise Refused(405, f"use {allowed}", allow=allowed, connection="close")
        if not isinstance(given, dict):
            raise InvalidInput("the body is not a JSON object")
        return reply(await self.table.answer(name, given, caller), operation=name)


def reads(operation: Service | Operation) -> bool:
    return operation.read_only


def _from_query(query: str, operation: Service | Operation) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, text in parse_qsl(query, keep_blank_values=True, max_num_fields=50):
        kind = str(operation.properties.get(name, {}).get("type", "string"))
        if kind == "array":
            given.setdefault(name, []).append(text)
        elif kind == "integer" and text.lstrip("-").isdecimal() and len(text) < 16:
            given[name] = int(text)
        else:
            given[name] = text
    return given
