"""HTTP/1.1 on the socket: uvicorn's quick parser, with four things that strangers make necessary."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD = 64 * 1024
"""Bytes that the request line and the headers may have together."""
HEAD_SECONDS = 15.0
"""How long a client may take for them, from the connection or from the first byte after an answer."""


class Wire(HttpToolsProtocol):
    """Refuses a head without end, and answers a client that stops sending before its declared length.

    A connection on which nothing is being answered is closed when no whole head comes in time.
    """

    _heading = True
    _head = 0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client is there; it may not have said anything yet."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._waited()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request starts."""
        super().on_message_begin()
        self._heading, self._head = True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser leaves the white space behind a value, which is no part of it."""
        super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._heading = False
        self._waited()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Bytes of a client."""
        super().data_received(data)
        if self._heading:
            self._head += len(data)
            if self._head > HEAD and not self.transport.is_closing():
                self.send_400_response("The head of the request is too long.")
        if self._patience is None and (self.cycle is None or self.cycle.response_complete):
            self._wait_for_head()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """It sends no more: what has come is the body, which is then found to be too short."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return None
        cycle.keep_alive = False
        cycle.more_body = False
        cycle.message_event.set()
        return True

    def _wait_for_head(self) -> None:
        self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _waited(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
