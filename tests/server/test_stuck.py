"""A server whose database does not answer."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from agentctx.memory.keys import Key
from agentctx.server.app import App
from agentctx.server.door import Door


def test_a_key_that_waits_for_the_database_holds_up_nobody_else() -> None:
    asked, free = threading.Event(), threading.Event()

    def find(text: str) -> Key | None:
        asked.set()
        free.wait(20)
        return None

    async def status(app: App, path: str) -> int:
        told: list[Any] = []

        async def send(message: Any) -> None:
            told.append(message)

        async def receive() -> Any:
            return {"type": "http.disconnect"}

        headers = [(b"host", b"localhost"), (b"x-api-key", b"k")]
        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
        await app(scope, receive, send)
        return int(told[0]["status"])

    async def live() -> None:
        app = App(Door(frozenset({"localhost"}), find=find), lambda: None)
        waiting = asyncio.create_task(status(app, "/metrics"))
        while not asked.is_set():
            await asyncio.sleep(0.01)
        assert await status(app, "/healthz") == 200
        assert not waiting.done()
        free.set()
        assert await waiting == 401

    asyncio.run(asyncio.wait_for(live(), 20))
