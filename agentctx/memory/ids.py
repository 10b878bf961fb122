"""Identifiers made by the client: in order of time, or derived from content so that a repeat is the same."""

from __future__ import annotations

import hashlib
import uuid

_VARIANT = 0b10 << 62


def uuid7(milliseconds: int, random: bytes) -> str:
    """A version 7 UUID of a moment (Unix time in milliseconds) and at least ten random bytes."""
    return _timed(milliseconds, random, version=7)


def derived(*parts: str) -> str:
    """A version 8 UUID that depends on ``parts`` alone: the same parts give the same id on every machine."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    bits = digest.digest()
    return _timed(int.from_bytes(bits[:6], "big"), bits[6:], version=8)


def _timed(first: int, rest: bytes, version: int) -> str:
    tail = int.from_bytes(rest[:10], "big")
    high = (first & (1 << 48) - 1) << 16 | version << 12 | tail >> 68 & 0xFFF
    return str(uuid.UUID(int=high << 64 | _VARIANT | tail & (1 << 62) - 1))
