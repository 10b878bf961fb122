"""What a server does by itself while nobody asks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agentctx.memory.engine import Unreachable
from agentctx.server.app import App
from agentctx.server.door import Door


def test_a_serving_process_removes_what_has_expired_from_time_to_time_and_survives_a_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    swept: list[int] = []

    def sweep() -> None:
        swept.append(len(swept))
        if len(swept) == 1:
            raise OSError("a bug")
        if len(swept) == 2:
            raise Unreachable("the database is away")

    async def live() -> None:
        app = App(Door(frozenset()), lambda: None, sweep=sweep, sweep_every=0.01)
        received: asyncio.Queue[Any] = asyncio.Queue()
        told: asyncio.Queue[Any] = asyncio.Queue()
        serving = asyncio.create_task(app({"type": "lifespan"}, received.get, told.put))
        await received.put({"type": "lifespan.startup"})
        assert (await told.get())["type"] == "lifespan.startup.complete"
        while len(swept) < 4:
            await asyncio.sleep(0.01)
        await received.put({"type": "lifespan.shutdown"})
        await serving

    asyncio.run(asyncio.wait_for(live(), 20))
    assert len(swept) >= 4
    bug, away = [record for record in caplog.records if "expired could not" in record.getMessage()]
    assert bug.exc_info and bug.levelname == "ERROR"
    assert away.exc_info is None and away.levelname == "WARNING"
