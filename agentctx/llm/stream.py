"""Server-sent events, for servers that stream although nobody asked them to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from agentctx.errors import ModelFailed

_BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:data|event|id|retry)?:")
_END_OF_LINE = re.compile(r"\r\n|\r|\n")
"""No other character ends a line: U+2028 and its like may stand in the middle of a JSON text."""


def is_stream(body: bytes) -> bool:
    """Whether the body of a response is a stream of events; one may begin with a comment."""
    return _BEGINNING.match(body) is not None


def events(body: bytes) -> Iterator[Any]:
    """The JSON values of a stream, in order; that of an event named ``error`` as ``{"error": value}``.

    Raises ``ModelFailed`` for one that is no whole JSON: leaving it out would leave words out.
    """
    name, pending = "", list[str]()
    for line in (*_END_OF_LINE.split(body.decode("utf-8-sig", "replace")), ""):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data" and value.strip() not in ("", "[DONE]"):
            pending.append(value)
        if pending and (not line or len(pending) == 1):  # a value may take several lines
            payload = _read("\n".join(pending))
            if payload is not _BROKEN:
                yield _named(name, payload)
                pending = []
            elif not line:
                raise ModelFailed("the server's answer was cut off, or is no stream of JSON", "try again")
        name = name if line else ""


_BROKEN = object()


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _BROKEN


def _named(name: str, payload: Any) -> Any:
    told = isinstance(payload, dict) and "error" in payload
    return {"error": payload} if name == "error" and not told else payload
