"""A client that costs as little as Python can: one socket kept alive, one request at a time, no parsing."""

from __future__ import annotations

import socket
import time


def request(method: str, path: str, body: bytes | None) -> bytes:
    """The bytes of one request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if body is None:
        return f"{head}\r\n".encode()
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def ask(port: int, data: bytes, seconds: float) -> list[float]:
    """Send ``data`` again and again, each time after the whole answer to the one before; the times it took.

    Raises ``AssertionError`` for any answer but 200.
    """
    times: list[float] = []
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            client.sendall(data)
            _answer(client)
            times.append(time.perf_counter() - began)
    return times


def _answer(client: socket.socket) -> None:
    received = client.recv(65536)
    while (stop := received.find(b"\r\n\r\n")) < 0:
        received += client.recv(65536)
    assert received.startswith(b"HTTP/1.1 200"), received[:200]
    at = received.index(b"content-length: ") + 16
    missing = int(received[at : received.index(b"\r\n", at)]) - (len(received) - stop - 4)
    while missing > 0:
        missing -= len(client.recv(65536))
