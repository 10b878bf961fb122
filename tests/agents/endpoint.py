"""What every scripted model needs of HTTP: JSON answers, event streams, a free loopback port."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


class Endpoint(BaseHTTPRequestHandler):
    """Answers what clients ask beside the model itself: is it there, which models has it."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.json({})

    def do_GET(self) -> None:
        self.json({"data": [], "models": [], "has_more": False})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        if "count_tokens" in self.path:
            self.json({"input_tokens": 10})
        else:
            self.reply(body)

    def reply(self, body: Body) -> None:
        """Answer a request to the model."""
        raise NotImplementedError

    def json(self, data: Any, status: int = 200) -> None:
        """Answer with one JSON document."""
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def events(self, events: list[Body]) -> None:
        """Answer with a stream of typed, numbered events."""
        lines = [json.dumps({**event, "sequence_number": number}) for number, event in enumerate(events)]
        named = zip(events, lines, strict=True)
        self._stream([f"event: {event['type']}\ndata: {data}\n\n" for event, data in named])

    def chunks(self, chunks: list[Body]) -> None:
        """Answer with a stream of chunks, ended by a mark if they are those of a chat completion."""
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        self._stream([*lines, "data: [DONE]\n\n"] if "chunk" in str(chunks[0].get("object")) else lines)

    def _stream(self, lines: list[str]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):  # a client that was ended listens no more
            for line in lines:
                self.wfile.write(line.encode())


@contextmanager
def served(handler: type[Endpoint], **bound: Any) -> Iterator[str]:
    """The address that a handler with these attributes serves for the length of the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (handler,), bound))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
