"""A server whose database does not answer, or is gone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from agentctx.memory.keys import Key
from agentctx.server.app import App
from agentctx.server.door import Door
from tests.memory.conftest import running_redis
from tests.repository import TempRepo
from tests.server.web import serving


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


def test_a_redis_that_goes_away_costs_contexts_alone_and_its_address_stays_in_the_log(repo: TempRepo) -> None:
    repo.commit("begin", {"a.txt": "a\n"})
    with (
        running_redis() as (address, process),
        serving(repo.root, "serve", AGENTCTX_DSN="", AGENTCTX_REDIS_URL=address) as served,
    ):
        served.call("set_context", value=1)
        assert served.ask("GET", "/readyz")[0] == 200
        process.kill()
        process.wait()
        assert served.call("remember", text="still here")["kind"] == "episode"
        assert len(served.call("recall", query="still")["hits"]) == 1
        for method, path, body in (
            ("GET", "/readyz", None),
            ("POST", "/v1/get_context", {}),
            ("POST", "/stash", {"data": 1}),
        ):
            status, told, headers = served.ask(method, path, body)
            assert (status, headers["retry-after"]) == (503, "1")
            assert (
                "a database of this server does not answer; the log of the server says why" in told["error"]
            )
            assert "redis.sock" not in told["error"]
        assert "Redis cannot be reached" in served.log.read_text()


@pytest.mark.parametrize(
    ("environ", "words", "said", "remedy"),
    [
        (
            {"AGENTCTX_DSN": "postgresql://u:pw@127.0.0.1:1/x"},
            (),
            "PostgreSQL cannot be reached",
            "see whether",
        ),
        (
            {"AGENTCTX_REDIS_URL": "redis://127.0.0.1:1/0"},
            (),
            "Redis cannot be reached",
            "see whether it runs",
        ),
        ({"AGENTCTX_REDIS_URL": "localhost"}, (), "the address names no Redis", "redis://host:6379/0"),
        ({}, ("--tls-cert", "none.pem", "--tls-key", "none.key"), "with none.pem and none.key", "PEM"),
        ({}, ("--host", "0.0.0.0"), "can be reached from other machines", "agentctx keys new"),
    ],
    ids=["postgres", "redis", "address", "certificate", "strangers"],
)
def test_a_server_that_cannot_start_says_what_and_what_to_do(
    repo: TempRepo, tmp_path: Path, environ: dict[str, str], words: tuple[str, ...], said: str, remedy: str
) -> None:
    repo.commit("begin", {"a.txt": "a\n"})
    done = subprocess.run(
        [sys.executable, "-m", "agentctx", "serve", "--port", "0", *words], cwd=repo.root,
        env={**os.environ, "XDG_DATA_HOME": str(tmp_path / "data"), **environ},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    message, hint = done.stderr.strip().split("\n  -> ")
    assert said in message and remedy in hint
    assert "pw" not in done.stderr
