"""A scripted model for real agent clients: it says what a script says, and keeps every request body.

It speaks the two formats that the clients use: messages with content blocks, and responses with items.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Say:
    """The model answers with a text."""

    text: str


@dataclass(frozen=True)
class Use:
    """The model calls the first tool whose name ends so; without such a tool it says that."""

    tool: str
    given: dict[str, Any] = field(default_factory=dict)


Script = Sequence[Say | Use]
UNDERSTOOD = (Say("Understood."),)
CAP = 40
"""Answers after which the model only says that it is over, whatever the script."""


class Requests(list[Body]):
    """The bodies that reached the model, oldest first; ``url`` is where it listens."""

    url = ""

    def texts(self) -> str:
        """Every text of every body, in one string."""
        return "\n".join(_texts(list(self)))

    def main(self) -> list[Body]:
        """The requests of the session itself: those that offer tools."""
        return [body for body in self if body.get("tools")]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def tool_names(body: Body) -> list[str]:
    """The tools that a request offers; those of a namespace as ``namespace/name``."""
    names: list[str] = []
    for tool in body.get("tools") or []:
        if tool.get("type") == "namespace":
            names += [f"{tool['name']}/{inner.get('name', '')}" for inner in tool.get("tools", [])]
        else:
            names.append(str(tool.get("name") or tool.get("type", "")))
    return names


def _taken(body: Body) -> int:
    """How many tool calls the conversation already holds."""
    blocks = [b for m in body.get("messages", []) if isinstance(m.get("content"), list) for b in m["content"]]
    items = body.get("input") if isinstance(body.get("input"), list) else []
    calls = [b for b in blocks if b.get("type") == "tool_use"]
    return len(calls) + sum(i.get("type") in ("function_call", "custom_tool_call") for i in items or [])


def _step(body: Body, script: Script, over: bool) -> tuple[str, str, dict[str, Any]]:
    """What the model does now: a text, or a tool's whole name with its arguments."""
    if over or not body.get("tools"):
        return "ok", "", {}
    step = script[min(_taken(body), len(script) - 1)]
    if isinstance(step, Say):
        return step.text, "", {}
    found = next((name for name in tool_names(body) if name.endswith(step.tool)), "")
    return ("", found, step.given) if found else (f"there is no tool {step.tool}", "", {})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    requests: Requests
    script: Script

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _json(self, data: Any) -> None:
        body = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self._json({})

    def do_GET(self) -> None:
        self._json({"data": [], "models": [], "has_more": False})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        if "count_tokens" in self.path:
            return self._json({"input_tokens": 10})
        self.requests.append(body)
        step = _step(body, self.script, len(self.requests) > CAP)
        if self.path.split("?")[0].endswith("/responses"):
            return self._stream(_response_events(len(self.requests), step))
        message = _message(body, len(self.requests), step)
        return self._stream(_message_events(message)) if body.get("stream") else self._json(message)

    def _stream(self, events: list[dict[str, Any]]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for number, event in enumerate(events):
            data = json.dumps({**event, "sequence_number": number})
            self.wfile.write(f"event: {event['type']}\ndata: {data}\n\n".encode())
        self.close_connection = True


def _message(body: Body, number: int, step: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
    text, tool, given = step
    used = {"type": "tool_use", "id": f"toolu_{number}", "name": tool, "input": given}
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model", "scripted"),
        "content": [used if tool else {"type": "text", "text": text}],
        "stop_reason": "tool_use" if tool else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 2},
    }


def _message_events(message: dict[str, Any]) -> list[dict[str, Any]]:
    (block,) = message["content"]
    if block["type"] == "text":
        start, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
    else:
        start = {**block, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    return [
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": start},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": message["stop_reason"]},
            "usage": message["usage"],
        },
        {"type": "message_stop"},
    ]


def _response_events(number: int, step: tuple[str, str, dict[str, Any]]) -> list[dict[str, Any]]:
    text, tool, given = step
    if tool:
        space, _, name = tool.rpartition("/")
        item: dict[str, Any] = {
            "type": "function_call",
            "id": f"fc_{number}",
            "call_id": f"call_{number}",
            "name": name,
            "arguments": json.dumps(given),
            "status": "completed",
            **({"namespace": space} if space else {}),
        }
    else:
        content = [{"type": "output_text", "text": text, "annotations": []}]
        item = {
            "type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed",
            "content": content,
        }  # fmt: skip
    usage = {
        "input_tokens": 10, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 12,
    }  # fmt: skip
    response = {
        "id": f"resp_{number}", "object": "response", "created_at": 0, "status": "completed",
        "model": "scripted", "output": [item], "error": None, "incomplete_details": None, "tools": [],
        "usage": usage,
    }  # fmt: skip
    begun = {**response, "status": "in_progress", "output": []}
    return [
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": response},
    ]


@contextmanager
def scripted_model(script: Script = UNDERSTOOD) -> Iterator[Requests]:
    """Serve on a free loopback port for the length of the block."""
    kept = Requests()
    handler = type("Bound", (Handler,), {"requests": kept, "script": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    kept.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
