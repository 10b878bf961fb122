"""Merge conflicts as they stand in a note: where they are, and the note with one side chosen.

The driver tells contradicting fields in a conflict of their own in the body (front matter stays readable);
choosing a side there sets the fields. A sample of a conflict, in a code fence, is no conflict.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from agentctx.errors import InvalidInput
from agentctx.notes.blocks import FIELDS
from agentctx.notes.markdown import fence_behind
from agentctx.notes.splice import NoteFile, field_text, open_note, with_field_text

Side = Literal["ours", "theirs"]

_MARKER = re.compile(r"(<{7,40}|\|{7,40}|>{7,40}|={7,40}(?!.))(?: (.*))?")


@dataclass(frozen=True, slots=True)
class Region:
    """One conflict: its two sides, the common ancestor where git wrote it down, and its place in the text."""

    ours: str
    theirs: str
    base: str | None
    start: int
    end: int
    line: int
    label: str = ""
    """What stands behind the first marker."""
    clear: bool = True
    """False: more lines look like its markers than a conflict has, so nobody can tell where a side ends."""


Find = Callable[[str], list[Region]]


def regions(text: str, size: int = 0, everywhere: bool = False) -> list[Region]:
    """Every whole conflict in a text, in order; markers without their partners are no conflict.

    ``size``: only markers of so many characters count, wherever they stand. Otherwise those within a code
    fence that is closed do not, unless they are looked for ``everywhere``.
    """
    return list(_scan(re.findall(r"[^\n]*\n|[^\n]+", text), size, everywhere or size > 0))


def _scan(lines: Sequence[str], size: int, everywhere: bool) -> Iterator[Region]:
    places = [0, *accumulate(map(len, lines))]
    at, fence, opened = 0, "", 0
    while at < len(lines):
        found = None if fence else _whole(lines, places, at, size)
        behind = bisect_left(places, found.end) if found else at + 1
        if found:
            yield found
        passed = found.ours.splitlines() if found else [lines[at]]
        for line in () if everywhere else passed:
            before, fence = fence, fence_behind(line, fence)
            opened = behind if fence and not before else opened
        at = behind
        if at == len(lines) and fence:  # one that is never closed hides nothing
            at, fence, everywhere = opened, "", True


def _whole(lines: Sequence[str], places: Sequence[int], first: int, size: int) -> Region | None:
    """The conflict that begins at a line, up to its last marker; None where none does."""
    began = _MARKER.fullmatch(lines[first].rstrip("\r\n"))
    if not began or began[1][0] != "<" or size not in (0, len(began[1])):
        return None
    sides: dict[str, list[str]] = {"<": []}
    now, clear = "<", True
    for at in range(first + 1, len(lines)):
        found = _MARKER.fullmatch(lines[at].rstrip("\r\n"))
        sign = found[1][0] if found and len(found[1]) == len(began[1]) else ""
        if sign == "<":
            return None
        if now == "=" and sign == ">":
            ours, theirs, base = ("".join(sides[s]) if s in sides else None for s in "<=|")
            place = (places[first], places[at + 1], first + 1)
            return Region(ours or "", theirs or "", base, *place, began[2] or "", clear)
        if now + sign in ("<|", "<=", "|="):
            now = sign
            sides[now] = []
        else:
            sides[now].append(lines[at])
            clear = clear and not sign
    return None


def chosen(data: bytes, side: Side, find: Find = regions) -> bytes:
    """The note with one side of every conflict that ``find`` finds.

    Raises ``InvalidInput`` when it does not read back, or when nobody can tell where a side ends.
    """
    text = data.decode("utf-8", "surrogateescape")
    found = find(text)
    for region in reversed(found):
        if not region.clear:
            raise InvalidInput(
                f"the conflict in line {region.line} holds more lines that look like its markers",
                "edit the note: keep the words that are right, and delete the marker lines",
            )
        rest = text[region.end :]
        if region.label == FIELDS:
            text = text[: region.start] + re.sub(r"\A\r?\n", "", rest)
        else:
            text = text[: region.start] + getattr(region, side) + rest
    data = re.sub(r"\n{3,}\Z", "\n", text).encode("utf-8", "surrogateescape")
    for region in found:
        data = _with_fields(data, region, side) if region.label == FIELDS else data
    return data


def _fields(text: str) -> NoteFile:
    return open_note(f"---\n{text}---\n".encode())


def _with_fields(data: bytes, region: Region, side: Side) -> bytes:
    wanted = _fields(getattr(region, side))
    keys = dict.fromkeys([*_fields(region.ours).fields, *_fields(region.theirs).fields])
    for key in keys:
        data = with_field_text(data, key, field_text(wanted, key))
    return data
