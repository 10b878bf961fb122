"""One written form for times, texts, JSON and namespaces, so that every store gives back equal values.

Times are UTC with six decimals and a ``Z``: they sort as text. Text that a database cannot hold is made
visible instead of being dropped: NUL becomes U+2400, half a surrogate pair becomes U+FFFD.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from agentctx.errors import InvalidInput

_CANONICAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_EXACT_FLOAT = 1e16
"""From here on a float has no fraction and databases print it as an integer; we write the integer."""
LONGEST_NAMESPACE = 512
LONGEST_KEY = 1024
"""Bytes; entities, properties and keys are parts of an index entry, which PostgreSQL bounds."""


def instant(text: str) -> str:
    """``text`` (ISO 8601 with an offset) in UTC, fixed width. Raises ``InvalidInput``."""
    if _CANONICAL.fullmatch(text):
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is not a time", "write it as 2026-04-15T10:00:00+00:00") from None
    if moment.tzinfo is None:
        raise InvalidInput(f"the time {text!r} has no offset", "write it as 2026-04-15T10:00:00+00:00")
    return written(moment)


def written(moment: datetime) -> str:
    """A moment with an offset in the canonical form."""
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(f"{moment.isoformat()} is outside the calendar") from None
    return utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def moment_of(text: str) -> datetime:
    """The canonical (or any ISO 8601) time as a value with an offset."""
    return datetime.fromisoformat(instant(text))


def later(text: str, seconds: float) -> str:
    """The canonical time ``seconds`` after ``text``."""
    try:
        return written(moment_of(text) + timedelta(seconds=seconds))
    except (OverflowError, ValueError):  # too far, or not a number
        raise InvalidInput(f"{seconds} seconds after {text} is outside the calendar") from None


def milliseconds(text: str) -> int:
    """Unix time of ``text`` in milliseconds."""
    return int(moment_of(text).timestamp() * 1000)


def plain(text: str) -> str:
    """``text`` as every store can hold it."""
    if "\x00" in text:
        text = text.replace("\x00", "␀")
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def json_value(value: Any) -> Any:
    """``value`` as JSON data that every store gives back equal. Raises ``InvalidInput`` for other things."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return plain(value)
        case float():
            if not math.isfinite(value):
                raise InvalidInput(f"{value} is not JSON", "use null or a text")
            return int(value) if abs(value) >= _EXACT_FLOAT else value
        case Mapping():
            made = {_json_key(key): json_value(item) for key, item in value.items()}
            if len(made) < len(value):
                raise InvalidInput("two keys of a JSON object differ only in what no store can hold")
            return made
        case list() | tuple():
            return [json_value(item) for item in value]
    raise InvalidInput(f"a {type(value).__name__} is not JSON", "use text, numbers, lists and objects")


def _json_key(key: Any) -> str:
    if not isinstance(key, str):
        raise InvalidInput(f"the key {key!r} of a JSON object is not a text")
    return plain(key)


def json_text(value: Any) -> str:
    """``value`` as JSON text with sorted keys: equal values give equal text."""
    if isinstance(value, str):
        return _ENCODER.encode(plain(value))
    if value == {} and isinstance(value, dict):
        return "{}"
    try:
        return _ENCODER.encode(json_value(value))
    except RecursionError:
        raise InvalidInput("the JSON value is nested too deeply") from None


def stored(text: str | None) -> str:
    """A time as a database gives it back (our text, or PostgreSQL's in UTC), canonical; empty for NULL."""
    if not text:
        return ""
    if text[-1] == "Z":
        return text
    if text[10] == " " and text[-3:] == "+00":
        return f"{text[:10]}T{text[11:19]}{text[19:-3] or '.':0<7}Z"
    return instant(text)


@lru_cache(maxsize=1024)
def namespace_path(text: str) -> str:
    """``/projects/x`` from what a person typed: one leading slash, none at the end.

    Raises ``InvalidInput``.
    """
    path = "/" + text.strip("/")
    if "//" in path or _CONTROL.search(path) or _LONE_SURROGATE.search(path):
        raise InvalidInput(f"{text!r} is not a namespace", "write it as /projects/name")
    if len(path) > LONGEST_NAMESPACE:
        raise InvalidInput(f"the namespace {path[:40]}... is longer than {LONGEST_NAMESPACE} characters")
    return path


def key_text(text: str, what: str) -> str:
    """An entity, property, key or reference: not empty, of bounded length. Raises ``InvalidInput``."""
    kept = plain(text)
    if not kept:
        raise InvalidInput(f"the {what} is empty")
    if len(kept.encode()) > LONGEST_KEY:
        raise InvalidInput(f"the {what} {kept[:40]}... is longer than {LONGEST_KEY} bytes")
    return kept
