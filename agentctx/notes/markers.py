"""Merge conflicts as they stand in a note: where they are, and the note with one side chosen.

The driver tells contradicting fields in a conflict at the top of the body (front matter stays readable);
choosing a side there sets the fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from agentctx.errors import InvalidInput
from agentctx.notes.splice import NoteFile, field_text, open_note, with_field_text

Side = Literal["ours", "theirs"]

_MARKER = re.compile(r"(<{7,}|\|{7,}|={7,}|>{7,})(?: .*)?")
_OURS_FIELDS = ("title", "tags", "status", "anchors", "supersedes", "superseded_by", "review_by", "pinned")


@dataclass(frozen=True, slots=True)
class Region:
    """One conflict: its two sides, the common ancestor where git wrote it down, and its place in the text."""

    ours: str
    theirs: str
    base: str | None
    start: int
    end: int
    line: int


def regions(text: str) -> list[Region]:
    """Every whole conflict in a text, in order; markers without their partners are no conflict."""
    return list(_scan(text))


def _scan(text: str) -> Iterator[Region]:
    parts: dict[str, list[str]] = {}
    now, size, start, began = "", 0, 0, 0
    at = 0
    for number, line in enumerate(text.splitlines(keepends=True) if "\n" in text else [text], 1):
        found = _MARKER.fullmatch(line.rstrip("\r\n"))
        sign = found[1][0] if found else ""
        if sign == "<" and found:
            parts, now, size, start, began = {"<": []}, "<", len(found[1]), at, number
        elif found and now and len(found[1]) == size and (now + sign) in ("<|", "<=", "|="):
            now = sign
            parts[now] = []
        elif found and now == "=" and sign == ">" and len(found[1]) == size:
            sides = {sign: "".join(lines) for sign, lines in parts.items()}
            yield Region(sides["<"], sides["="], sides.get("|"), start, at + len(line), began)
            now = ""
        elif now:
            parts[now].append(line)
        at += len(line)


def chosen(data: bytes, side: Side) -> bytes:
    """The note with one side of every conflict. Raises ``InvalidInput`` when it does not read back."""
    text = data.decode("utf-8", "surrogateescape")
    found = regions(text)
    if found and _tells_fields(text, found[0]):
        rest = text[: found[0].start] + text[found[0].end :].lstrip("\r\n")
        return chosen(_with_fields(rest.encode("utf-8", "surrogateescape"), found[0], side), side)
    for region in reversed(found):
        text = text[: region.start] + getattr(region, side) + text[region.end :]
    return re.sub(r"\n{3,}\Z", "\n", text).encode("utf-8", "surrogateescape")


def _tells_fields(text: str, region: Region) -> bool:
    """Whether a conflict is the driver's way of telling fields: first in the body, nothing but fields."""
    try:
        file = open_note(text.encode("utf-8", "surrogateescape"))
        if text[file.parts.body_start : region.start].strip():
            return False
        told = [key for side in (region.ours, region.theirs) for key in _fields(side).fields]
    except InvalidInput:
        return False
    return region.start >= file.parts.body_start and bool(told) and {*told} <= {*file.fields, *_OURS_FIELDS}


def _fields(text: str) -> NoteFile:
    return open_note(f"---\n{text}---\n".encode())


def _with_fields(data: bytes, region: Region, side: Side) -> bytes:
    wanted = _fields(getattr(region, side))
    keys = dict.fromkeys([*_fields(region.ours).fields, *_fields(region.theirs).fields])
    for key in keys:
        data = with_field_text(data, key, field_text(wanted, key))
    return data
