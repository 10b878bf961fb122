"""One ASGI application: the door first, then REST, MCP and working memory, each only if it is offered."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from agentctx.errors import AgentctxError
from agentctx.server.door import Door
from agentctx.server.logs import LOG, tell
from agentctx.server.mcp_http import McpRoutes
from agentctx.server.metrics import Metrics
from agentctx.server.openapi import PREFIX, page
from agentctx.server.rest import RestRoutes
from agentctx.server.stash_routes import StashRoutes
from agentctx.server.web import Answer, Message, Receive, Refused, Request, Scope, Send, refusal, reply

SWEEP = 600.0
"""Seconds between two removals of what has expired."""
EMBED = 30.0
"""Seconds between two looks for texts without a vector, where an embedding model is set."""
KEEP = 1.0
"""Seconds between two moments at which the processes of a server tell each other their counts."""


@dataclass(slots=True)
class App:
    """What one process serves. ``ready`` raises when a store cannot be asked."""

    door: Door
    ready: Callable[[], object]
    rest: RestRoutes | None = None
    mcp: McpRoutes | None = None
    stash: StashRoutes | None = None
    apart: Executor | None = None
    """Threads for what asks Redis; None: those of all."""
    metrics: Metrics = field(default_factory=Metrics)
    sweep: Callable[[], object] | None = None
    """Removes what has expired; run from time to time while we serve."""
    sweep_every: float = SWEEP
    embed: Callable[[], object] | None = None
    """Asks for vectors that are missing; run from time to time while we serve."""
    embed_every: float = EMBED

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as stack:
            await receive()
            if self.mcp:
                await stack.enter_async_context(self.mcp.running())
            if self.sweep:
                again = _again(self.sweep, self.sweep_every, "what has expired could not be removed")
                stack.callback(asyncio.create_task(again).cancel)
            if self.embed:
                again = _again(self.embed, self.embed_every, "texts are without vectors yet")
                stack.callback(asyncio.create_task(again).cancel)
            if self.metrics.shelf:
                again = _again(self.metrics.keep, KEEP, "the counts of requests could not be kept")
                stack.callback(asyncio.create_task(again).cancel)
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, route = time.perf_counter(), _route(scope["path"])
        about: dict[str, Any] = {}
        seen = {"status": 0}

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
            await send(message)

        self.metrics.begin()
        try:
            try:
                answer, closing = await self._answered(scope, receive, watched, about)
            except asyncio.CancelledError:  # only a server that must stop now does this
                if seen["status"]:
                    raise
                answer, closing = _told(Refused(503, "this server is stopping", retry_after="1"))
            if answer:
                about |= answer.about
                await answer.send(watched, receive if closing else None)
        finally:
            took = time.perf_counter() - began
            self.metrics.count(route, seen["status"], took)
            self._log(route, scope["method"], seen["status"], took, about)

    async def _answered(
        self, scope: Scope, receive: Receive, send: Send, about: dict[str, Any]
    ) -> tuple[Answer | None, bool]:
        """The answer (None: it is sent already), and whether unread body may still be coming."""
        try:
            request = Request.of(scope, receive)
            return await self._routed(request, scope, send, about), False
        except Refused as told:
            return _told(told)
        except AgentctxError as error:
            refused = refusal(error)
            if refused.status == 503:
                about["failure"] = error.message
            return _told(refused)
        except Exception as bug:  # the last door: a bug is told without its details
            LOG.exception("a bug in agentctx")
            about["failure"] = type(bug).__name__
            return reply({"error": "a bug in agentctx; its log has more"}, 500), False

    async def _routed(
        self, request: Request, scope: Scope, send: Send, about: dict[str, Any]
    ) -> Answer | None:
        self.door.admit(request)
        if request.path == "/healthz":
            return reply({"ok": True})
        if request.path == "/readyz":
            await asyncio.get_running_loop().run_in_executor(self.apart, self.ready)
            return reply({"ready": True})
        working = self.stash is not None and self.stash.names(request.path)
        caller = await self.door.caller(request, by_tier=working)
        about["user_id"] = caller.owner
        if request.path == "/metrics":
            caller.may("admin")
            return Answer(200, self.metrics.text().encode(), "text/plain; version=0.0.4; charset=utf-8")
        if self.mcp and request.path == "/mcp":
            await self.mcp.answer(scope, request, send, caller)
            return None
        if request.path in ("/", "/openapi.json") and request.method == "GET":
            return reply(page(self.rest.table.offered() if self.rest else {}, self.stash is not None))
        if self.rest and request.path.startswith(PREFIX):
            return await self.rest.answer(request, caller)
        found = self.stash.route(request) if self.stash else None
        if found is None or self.stash is None:
            raise Refused(404, "there is nothing here: /openapi.json lists what is", connection="close")
        return await self.stash.answer(*found, request, caller)

    def _log(self, route: str, method: str, status: int, seconds: float, about: dict[str, Any]) -> None:
        level = logging.WARNING if status >= 500 else logging.INFO
        if not LOG.isEnabledFor(level):
            return
        took = round(seconds * 1000, 2)
        tell(level, route, **{"method": method, "status": status, "milliseconds": took, **about})


async def _again(work: Callable[[], object], seconds: float, failure: str) -> None:
    """Do ``work`` from time to time, beside the loop."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(work)
        except AgentctxError as told:  # the next one may find the database at home
            tell(logging.WARNING, failure, failure=told.message)
        except Exception:
            LOG.exception(failure)


def _told(refused: Refused) -> tuple[Answer, bool]:
    answer = reply({"error": refused.message}, refused.status)
    answer.headers = refused.headers
    return answer, "connection" in refused.headers


def _route(path: str) -> str:
    """The name of a route for logs and metrics: one of a few, never what a client made up."""
    from agentctx.server.operations import OPERATIONS
    from agentctx.server.service import SERVICES

    first, _, rest = path[1:].partition("/")
    if first == "v1":
        return f"v1.{rest}" if rest in SERVICES or rest in OPERATIONS else "other"
    known = ("stash", "recall", "update", "forget", "mcp", "healthz", "readyz", "metrics", "openapi.json")
    return first if first in known else "other"
