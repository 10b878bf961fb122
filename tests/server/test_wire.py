"""Clients that do not send what they began, on real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from agentctx.server import wire

HEAD = 0.4
WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def slow_app(scope: Any, receive: Any, send: Any) -> None:
    """Answers ``/slow`` later than a head may take."""
    import asyncio

    if scope["path"] == "/slow":
        await asyncio.sleep(2 * HEAD)
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    monkeypatch.setattr(wire, "HEAD_SECONDS", HEAD)
    config = uvicorn.Config(slow_app, http=wire.Wire, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        yield listening.getsockname()
        server.should_exit = True
        thread.join(20)


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Half: ", b"\r\n\r\n", WHOLE + b"GET / HT", WHOLE + b"\r\n"],
    ids=["silent", "half", "empty lines", "half after an answer", "empty lines after an answer"],
)
def test_a_head_that_does_not_come_frees_the_connection(address: tuple[str, int], sent: bytes) -> None:
    with socket.create_connection(address, timeout=10) as client:
        began = time.monotonic()
        for part in (sent[: len(WHOLE)], sent[len(WHOLE) :]):
            client.sendall(part)
            time.sleep(0.1)
        received = b""
        while piece := client.recv(65536):
            received += piece
    assert time.monotonic() - began < 20 * HEAD
    assert received.count(b"200 OK") == sent.count(WHOLE)


def test_a_head_that_drips_is_not_waited_for(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=10) as client, pytest.raises(OSError):
        client.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(200):
            client.sendall(b"X-Slow: 1\r\n")
            time.sleep(HEAD / 8)


def test_an_answer_may_take_longer_than_a_head(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=10) as client:
        for path in (b"/slow", b"/", b"/slow"):
            client.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            received = b""
            while not received.endswith(b"ok"):
                received += client.recv(65536)
            assert received.startswith(b"HTTP/1.1 200")
            time.sleep(1.5 * HEAD)
