"""A model behind a real agent client that is used as a provider: it answers from what it was sent.

The client may offer a tool for the structured answer, or ask for a format; ``answer`` gets every text of the
request and gives the text of the answer.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.agents.wire import Step, message, message_events, response_events

Body = dict[str, Any]
STRUCTURED = "StructuredOutput"


class Asked(list[Body]):
    """The bodies of all requests to the model, oldest first; ``url`` is where it listens."""

    url = ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: Asked
    answer: Callable[[str], str]
    delay: float
    status: int

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _json(self, data: Any, status: int = 200) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
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
        path = self.path.split("?")[0]
        if "count_tokens" in path:
            self._json({"input_tokens": 10})
            return
        self.asked.append(body)
        time.sleep(self.delay)
        if self.status != 200:
            error = {"type": "invalid_request_error", "message": "this key was refused"}
            self._json({"type": "error", "error": error}, self.status)
            return
        step = _step(body, self.answer("\n".join(texts(body))))
        number = len(self.asked)
        if path.endswith("/responses"):
            self._stream(response_events(number, step))
        elif body.get("stream"):
            self._stream(message_events(message(body, number, step)))
        else:
            self._json(message(body, number, step))

    def _stream(self, events: list[Body]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        lines = [json.dumps({**event, "sequence_number": number}) for number, event in enumerate(events)]
        with contextlib.suppress(OSError):  # a client that was ended listens no more
            for event, data in zip(events, lines, strict=True):
                self.wfile.write(f"event: {event['type']}\ndata: {data}\n\n".encode())


def texts(value: Any) -> Iterator[str]:
    """Every text in a body, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


def _step(body: Body, text: str) -> Step:
    """The answer through the tool for it where there is one and the text is an object, else as text."""
    if not any(tool.get("name") == STRUCTURED for tool in body.get("tools") or []):
        return text, "", {}
    try:
        given = json.loads(text)
    except ValueError:
        return text, "", {}
    return ("", STRUCTURED, given) if isinstance(given, dict) else (text, "", {})


@contextmanager
def answering(answer: Callable[[str], str], delay: float = 0.0, status: int = 200) -> Iterator[Asked]:
    """Serve on a free loopback port for the length of the block."""
    asked = Asked()
    bound = {"asked": asked, "answer": staticmethod(answer), "delay": delay, "status": status}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), bound))
    server.daemon_threads = True
    asked.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
