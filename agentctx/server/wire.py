"""HTTP/1.1 on the socket: uvicorn's quick parser, with three things that strangers make necessary."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD = 64 * 1024
"""Bytes that the request line and the headers may have together."""


class Wire(HttpToolsProtocol):
    """Refuses a head without end, and answers a client that stops sending before its declared length."""

    _heading = True
    _head = 0

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
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Bytes of a client."""
        super().data_received(data)
        if self._heading:
            self._head += len(data)
            if self._head > HEAD and not self.transport.is_closing():
                self.send_400_response("The head of the request is too long.")

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """It sends no more: what has come is the body, which is then found to be too short."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return None
        cycle.more_body = False
        cycle.message_event.set()
        return True
