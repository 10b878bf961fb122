"""One HTTP request as a value, its body under a limit, and an answer: what we need of a framework."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentctx.errors import AgentctxError, Busy, Conflict, InvalidInput, NotFound, NotWritable
from agentctx.memory.engine import Unreachable
from agentctx.memory.stash import Intake, LengthMismatch, TooLarge

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON_TYPE = "application/json"
LINGER = 0.5
"""Seconds for which what a refused client still sends is taken, so that it gets to read the refusal."""


class Refused(Exception):
    """An answer that ends a request."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


STATUS: tuple[tuple[type[AgentctxError], int], ...] = (
    (TooLarge, 413), (LengthMismatch, 400), (InvalidInput, 400), (NotFound, 404), (Conflict, 409),
    (Busy, 503),
)  # fmt: skip


_PRIVATE: tuple[tuple[type[AgentctxError], str], ...] = (
    (Unreachable, "a database of this server does not answer"),
    (NotWritable, "this server cannot write"),
)
"""Failures whose own words name addresses and folders of the server's machine."""


def refusal(error: AgentctxError) -> Refused:
    """A failure of ours as an answer; what is neither the caller's fault nor a race is 503."""
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 503)
    for kind, words in _PRIVATE:
        if isinstance(error, kind):
            return Refused(503, f"{words}; the log of the server says why", retry_after="1")
    headers = {413: {"connection": "close"}, 503: {"retry_after": "1"}}.get(status, {})
    return Refused(
        status, f"{error.message.rstrip('.')}. {error.hint}" if error.hint else error.message, **headers
    )


@dataclass(slots=True)
class Request:
    """What a client asks; header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    client: str
    receive: Receive

    @classmethod
    def of(cls, scope: Scope, receive: Receive) -> Request:
        """Out of an ASGI scope; of a header that comes twice the last one counts, but never of these two."""
        headers: dict[str, str] = {}
        for raw, value in scope["headers"]:
            name = raw.decode("latin-1")
            if name in headers and name in ("host", "content-length"):
                raise Refused(400, f"the header {name} comes twice", connection="close")
            headers[name] = value.decode("latin-1")
        client = scope.get("client") or ("", 0)
        return cls(
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            headers,
            client[0],
            receive,
        )

    async def body(self, limit: int, seconds: float) -> bytes:
        """The whole body. Raises ``TooLarge``, ``LengthMismatch`` and ``Refused`` (408)."""
        declared = self.headers.get("content-length", "")
        intake = Intake(limit, int(declared) if declared.isdigit() else None)
        pieces = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    message = await self.receive()
                    if message["type"] == "http.disconnect":
                        intake.finish()
                        raise Refused(400, "the client went away")
                    piece = message.get("body", b"")
                    intake.add(len(piece))
                    pieces.append(piece)
                    if not message.get("more_body"):
                        intake.finish()
                        return b"".join(pieces)
        except TimeoutError:
            raise Refused(408, f"the body did not come within {seconds:g} s", connection="close") from None

    async def json(self, limit: int, seconds: float) -> Any:
        """The body as JSON. Raises ``Refused`` (415, 400) and what ``body`` raises."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != JSON_TYPE:
            raise Refused(415, f"the body must be {JSON_TYPE}", connection="close")
        data = await self.body(limit, seconds)
        try:
            return json.loads(data, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise Refused(400, "the body is not JSON") from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


@dataclass(slots=True)
class Answer:
    """What goes back; ``about`` goes into the log line."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    async def send(self, send: Send, receive: Receive | None = None) -> None:
        """Give it to the client; with ``receive``, what it is still sending is taken for a moment."""
        headers = {
            "content-type": self.content_type, "content-length": str(len(self.body)),
            "cache-control": "no-store", "x-content-type-options": "nosniff", **self.headers,
        }  # fmt: skip
        raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await send({"type": "http.response.body", "body": self.body, "more_body": receive is not None})
        if receive is not None:
            await _drain(receive)
            await send({"type": "http.response.body", "body": b""})


async def _drain(receive: Receive) -> None:
    try:
        async with asyncio.timeout(LINGER):
            while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                continue
    except TimeoutError:
        return


def reply(data: Any, status: int = 200, **about: Any) -> Answer:
    """``data`` as a JSON answer."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Answer(status, body, about=about)
