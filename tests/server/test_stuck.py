"""A server whose database does not answer or is gone, and clients that do not go on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agentctx.flows.memories import Memory, Place
from agentctx.memory.keys import Key, Keys
from agentctx.memory.stash import Stash
from agentctx.memory.store import open_sqlite
from agentctx.server.app import App
from agentctx.server.door import Door
from agentctx.server.mcp_http import McpRoutes
from agentctx.server.rest import Table
from agentctx.server.serving import key_database
from agentctx.server.stash_routes import StashRoutes
from tests.memory.conftest import running_redis
from tests.repository import TempRepo
from tests.server.web import serving


async def status(app: App, path: str, receive: Any = None, **headers: str) -> int:
    """The status of one request of a client that is gone, unless it says otherwise."""
    told: list[Any] = []

    async def send(message: Any) -> None:
        told.append(message)

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    given = {"host": "localhost", "x-api-key": "k", **headers}
    scope = {
        "type": "http", "method": "POST" if headers else "GET", "path": path, "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()],
    }  # fmt: skip
    await app(scope, receive or gone, send)
    return int(told[0]["status"])


async def never() -> Any:
    """What a client that says nothing more sends."""
    await asyncio.Event().wait()


def test_a_key_that_waits_for_the_database_holds_up_nobody_else() -> None:
    asked, free = threading.Event(), threading.Event()

    def find(text: str) -> Key | None:
        asked.set()
        free.wait(20)
        return None

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


def test_a_redis_that_is_stuck_holds_up_contexts_alone(repo: TempRepo) -> None:
    repo.commit("begin", {"a.txt": "a\n"})
    head = b"POST /v1/get_context HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with (
        running_redis() as (address, process),
        serving(repo.root, "serve", AGENTCTX_DSN="", AGENTCTX_REDIS_URL=address) as served,
        contextlib.ExitStack() as open_ones,
    ):
        served.call("set_context", value=1)
        process.send_signal(signal.SIGSTOP)
        for _ in range(40):
            client = open_ones.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=20))
            client.sendall(head + b"Content-Length: 2\r\n\r\n{}")
        began = time.monotonic()
        assert served.call("remember", text="still here")["kind"] == "episode"
        assert len(served.call("recall", query="still")["hits"]) == 1
        assert time.monotonic() - began < 4
        process.send_signal(signal.SIGCONT)
        assert served.call("get_context")["context"]["value"] == 1


@pytest.mark.parametrize("path", ["/stash", "/mcp"])
def test_a_body_that_does_not_come_is_waited_for_no_longer_than_it_may_take(path: str) -> None:
    app = working_memory(0.1)
    assert asyncio.run(asyncio.wait_for(status(app, path, never, **POSTED), 20)) == 408


@pytest.mark.parametrize("path", ["/stash", "/mcp"])
def test_a_server_that_must_stop_says_so_to_who_is_still_sending(path: str) -> None:
    async def live() -> int:
        asked = asyncio.create_task(status(working_memory(30), path, never, **POSTED))
        await asyncio.sleep(0.1)
        asked.cancel("the time for finishing is over")
        return await asked

    assert asyncio.run(asyncio.wait_for(live(), 20)) == 503


POSTED = {"content_type": "application/json", "content_length": "10"}


def working_memory(seconds: float) -> App:
    """An application whose bodies may take so long."""
    stash = Stash(open_sqlite(None), os.urandom)
    table = Table(lambda tenant: Memory(open_sqlite(None)))
    return App(
        Door(frozenset({"localhost"})), lambda: None, mcp=McpRoutes(table, seconds),
        stash=StashRoutes(lambda user: stash, seconds),
    )  # fmt: skip


@pytest.mark.parametrize("path", ["/stash", "/mcp"])
def test_a_client_that_stops_sending_is_answered_and_let_go(repo: TempRepo, path: str) -> None:
    repo.commit("begin", {"a.txt": "a\n"})
    whole = b'{"data": 1}'
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with serving(repo.root, "serve") as served:
        for length, answer in ((len(whole), b"HTTP/1.1 200" if path == "/stash" else b"HTTP/1.1 4"),
                               (50, b"HTTP/1.1 400"), (99_999_999, b"HTTP/1.1 413")):  # fmt: skip
            with socket.create_connection(("127.0.0.1", served.port), timeout=5) as client:
                client.sendall(head.encode() + f"Content-Length: {length}\r\n\r\n".encode() + whole)
                client.shutdown(socket.SHUT_WR)
                received = b""
                while piece := client.recv(65536):
                    received += piece
            assert received.startswith(answer), received


def test_keys_that_have_all_ended_leave_no_open_door(repo: TempRepo) -> None:
    repo.commit("begin", {"a.txt": "a\n"})
    with serving(repo.root, "serve") as served:
        assert served.ask("GET", "/v1/list_namespaces")[0] == 200
    keys, now = Keys(key_database(Place())), datetime.now(UTC).isoformat()
    text, key = keys.new(os.urandom(37), "local", now)
    keys.revoke(key.id, now)
    for words in (("serve",), ("stash", "serve")):
        with serving(repo.root, *words) as served:
            assert {served.ask("GET", "/recall/AAAAAAAA", key=one)[0] for one in ("", text)} == {401}


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


def test_a_stopping_server_finishes_what_it_has_begun(repo: TempRepo) -> None:
    repo.commit("code", {"a.py": ""})
    body = b'{"text": "kept"}'
    with serving(repo.root, "serve") as served:
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as client:
            head = f"POST /v1/remember HTTP/1.1\r\nHost: localhost\r\n{'Content-Type: application/json'}\r\n"
            client.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:5])
            time.sleep(0.3)
            served.process.terminate()
            time.sleep(0.3)
            client.sendall(body[5:])
            assert client.recv(4096).startswith(b"HTTP/1.1 200")
        assert served.process.wait(timeout=20) == 0
    with Memory.open(repo.root) as memory:
        assert [e.content for e in memory.episodes()] == ["kept"]
