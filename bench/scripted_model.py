"""A language model that follows a script, behind a real HTTP server on loopback.

Speaks OpenAI chat completions and Anthropic messages. What it answers is computed by a function from
what it was asked, so it can only know what was sent to it. Every request is recorded, without headers
that carry keys, for tests that look at what left the machine.

    with ScriptedModel(lambda asked: {"answers": []}) as model:
        settings = ProviderSettings("openai-compatible", "scripted", model.url)
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request as the model sees it."""

    path: str
    body: dict[str, Any]
    number: int
    """0 for the first request of this server."""
    has_key: bool = False
    """Whether an authorization header came along; its value is not kept."""

    @property
    def system(self) -> str:
        if isinstance(self.body.get("system"), str):
            return str(self.body["system"])
        return self._of("system")

    @property
    def user(self) -> str:
        return self._of("user")

    def _of(self, role: str) -> str:
        messages = [m for m in self.body.get("messages", []) if m.get("role") == role]
        return "\n".join(str(m.get("content", "")) for m in messages)


@dataclass(frozen=True)
class Raw:
    """A response as bytes, with the faults that real servers have."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before the first byte."""
    missing: int = 0
    """Bytes that the length promises and the body lacks: the connection is cut there."""
    drip: float = 0.0
    """Seconds between single bytes of the body."""


Script = Callable[[Asked], "Raw | Mapping[str, Any] | str"]


class ScriptedModel:
    """The server; use it as a context manager. ``url`` is what ``provider.url`` takes."""

    def __init__(self, script: Script, port: int = 0) -> None:
        self.script = script
        self.requests: list[Asked] = []
        self.raw_bodies: list[bytes] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        model = self

        class Handler(_Handler):
            owner = model

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.root = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{self.root}/v1"

    def __enter__(self) -> ScriptedModel:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def ask(self, path: str, data: bytes, has_key: bool) -> Raw:
        with self._lock:
            number = len(self.requests)
            asked = Asked(path, json.loads(data), number, has_key)
            self.requests.append(asked)
            self.raw_bodies.append(data)
        said = self.script(asked)
        if isinstance(said, Raw):
            return said
        content = said if isinstance(said, str) else json.dumps(said)
        wire = _message if path.endswith("/messages") else _completion
        return wire(content, asked.body)

    def wait(self, seconds: float) -> None:
        """Sleep, but not beyond the server's end."""
        self._closing.wait(seconds)


class _Handler(BaseHTTPRequestHandler):
    owner: ScriptedModel
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        has_key = bool(self.headers.get("Authorization") or self.headers.get("x-api-key"))
        raw = self.owner.ask(self.path, data, has_key)
        self.owner.wait(raw.delay)
        try:
            self._send(raw)
        except OSError:
            self.close_connection = True

    def do_GET(self) -> None:
        self._send(Raw(body=json.dumps({"object": "list", "data": [{"id": "scripted"}]}).encode()))

    def _send(self, raw: Raw) -> None:
        self.send_response(raw.status)
        headers = {"Content-Type": "application/json", **raw.headers}
        headers["Content-Length"] = str(len(raw.body) + raw.missing)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if raw.drip:
            for i in range(len(raw.body)):
                self.wfile.write(raw.body[i : i + 1])
                self.owner.wait(raw.drip)
        else:
            self.wfile.write(raw.body)
        if raw.missing:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        return


def _completion(content: str, body: Mapping[str, Any]) -> Raw:
    sent = len(json.dumps(body)) // 4
    usage = {"prompt_tokens": sent, "completion_tokens": len(content) // 4}
    about = {"id": "scripted", "created": int(time.time()), "model": body.get("model", "scripted")}
    if body.get("stream"):
        piece = {**about, "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": "stop"}]}
        text = f"data: {json.dumps(piece)}\n\ndata: [DONE]\n\n"
        return Raw(body=text.encode(), headers={"Content-Type": "text/event-stream"})
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    return Raw(body=json.dumps({**about, "choices": [choice], "usage": usage}).encode())


def _message(content: str, body: Mapping[str, Any]) -> Raw:
    block: dict[str, Any] = {"type": "text", "text": content}
    stop = "end_turn"
    if body.get("tool_choice", {}).get("type") == "tool":
        try:
            given = json.loads(content)
        except ValueError:
            given = None
        if isinstance(given, dict):
            name = body["tool_choice"]["name"]
            block, stop = {"type": "tool_use", "id": "scripted", "name": name, "input": given}, "tool_use"
    usage = {"input_tokens": len(json.dumps(body)) // 4, "output_tokens": len(content) // 4}
    about = {"id": "scripted", "type": "message", "role": "assistant", "model": body.get("model", "scripted")}
    reply = {**about, "content": [block], "stop_reason": stop, "usage": usage}
    return Raw(body=json.dumps(reply).encode())
