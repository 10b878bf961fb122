"""The little of markdown that notes need: headings, and code spans, both outside code fences.

Headings are ATX (``## Why``) and setext (underlined with ``=`` or ``-``). Every scan is one pass over the
text, so a hostile note costs no more than a long one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from agentctx.model import Section

_BROKEN = re.compile(r"\s*\n\s*")
"""A line break inside a code span is a blank; other blanks are its own."""
_TICKS = re.compile("`+")
_LIST_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])(?:\s|$)")


@dataclass(slots=True)
class _Heading:
    text: str
    level: int
    start: int
    behind: int
    """Offset behind the heading's last line."""


@dataclass(slots=True)
class _Outline:
    """State of the one pass: what was found, and where in the block structure the scan stands."""

    headings: list[_Heading] = field(default_factory=list)
    prose: list[tuple[int, int]] = field(default_factory=list)
    paragraph: list[str] = field(default_factory=list)
    """Lines of the open paragraph, when an underline would turn it into a heading."""
    open_at: int = -1
    """Where the open stretch of prose began, -1 when there is none."""
    fence: str = ""
    comment: bool = False
    in_list: bool = False
    after_blank: bool = True

    def close(self, at: int) -> None:
        if self.open_at >= 0:
            self.prose.append((self.open_at, at))
        self.open_at = -1
        self.paragraph = []

    def add_heading(self, text: str, level: int, start: int, behind: int) -> None:
        self.close(start)
        self.headings.append(_Heading(text, level, start, behind))
        self.prose.append((start, behind))
        self.in_list = False


def sections(body: str) -> tuple[Section, ...]:
    """The note's sections in order; ``text`` has no heading line and no blank lines at its ends.

    Text before the first heading is a section with an empty heading and level 0, absent when blank.
    """
    found = _outline(body).headings
    ends = [heading.start for heading in found[1:]] + [len(body)]
    cut = [
        Section(h.text, h.level, body[h.behind : end].strip("\n"), h.start, end)
        for h, end in zip(found, ends, strict=False)
    ]
    first = found[0].start if found else len(body)
    if body[:first].strip():
        cut.insert(0, Section("", 0, body[:first].strip("\n"), 0, first))
    return tuple(cut)


def section_text_start(body: str, section: Section) -> int:
    """Offset in ``body`` behind the section's heading line(s)."""
    return next((h.behind for h in _outline(body).headings if h.start == section.start and section.level), 0)


def code_spans(body: str) -> list[tuple[str, int]]:
    """Every code span outside fences as (its text, one-based line in ``body``), in order."""
    if "`" not in body:
        return []
    spans: list[tuple[str, int]] = []
    line, counted = 1, 0
    for start, end in sorted(_outline(body).prose):
        for text, at in _spans_in(body[start:end]):
            line += body.count("\n", counted, start + at)
            counted = start + at
            spans.append((text, line))
    return spans


def _spans_in(prose: str) -> list[tuple[str, int]]:
    """Code spans of one paragraph: a run of backticks up to the next run of the same length."""
    if "`" not in prose:
        return []
    runs = [(found.start(), found.end()) for found in _TICKS.finditer(prose)]
    next_same: list[int] = [-1] * len(runs)
    last_seen: dict[int, int] = {}
    for place in range(len(runs) - 1, -1, -1):
        length = runs[place][1] - runs[place][0]
        next_same[place] = last_seen.get(length, -1)
        last_seen[length] = place
    spans: list[tuple[str, int]] = []
    place = 0
    while place < len(runs):
        closing = next_same[place]
        if closing < 0:
            place += 1
            continue
        text = _BROKEN.sub(" ", prose[runs[place][1] : runs[closing][0]]).strip()
        if text:
            spans.append((text, runs[place][0]))
        place = closing + 1
    return spans


def _outline(body: str) -> _Outline:
    state = _Outline()
    at = 0
    for line in body.split("\n"):
        behind = at + len(line) + 1
        _take(state, line, at, min(behind, len(body)))
        at = behind
    state.close(len(body))
    return state


def _take(state: _Outline, line: str, start: int, behind: int) -> None:
    """Move the scan over one line."""
    bare = line.strip()
    if state.fence:
        state.fence = fence_behind(line, state.fence)
        return
    if state.comment:
        state.comment = "-->" not in line
        return
    if not bare:
        state.close(start)
        state.after_blank = True
        return
    after_blank, state.after_blank = state.after_blank, False
    indent = len(line) - len(line.lstrip(" \t")) if line[0] in " \t" else 0
    shallow = indent < 4 and "\t" not in line[:indent]
    first = bare[0]
    if first in "`~" and (shallow or state.in_list) and (opened := _fence(bare)):
        state.close(start)
        state.fence = opened
    elif first == "#" and shallow and (found := _atx(bare)):
        state.add_heading(found[1], found[0], start, behind)
    elif first in "=-" and shallow and state.paragraph and not bare.strip(first):
        text = " ".join(state.paragraph)
        state.add_heading(text, 1 if first == "=" else 2, state.open_at, behind)
        state.open_at, state.paragraph = -1, []
    elif first == "<" and shallow and bare.startswith("<!--"):
        state.close(start)
        state.comment = "-->" not in bare
    else:
        _take_prose(state, bare, start, indent, after_blank)


def _take_prose(state: _Outline, bare: str, start: int, indent: int, after_blank: bool) -> None:
    item = _LIST_ITEM.match(bare) is not None
    if item:
        state.in_list = True
    elif indent == 0 and after_blank:
        state.in_list = False
    if state.open_at < 0:
        state.open_at = start
        plain = not (item or state.in_list or bare[0] in ">|" or indent > 3)
        state.paragraph = [bare] if plain else []
    elif item or bare[0] == ">":
        state.paragraph = []
    elif state.paragraph:
        state.paragraph.append(bare)


def fence_behind(line: str, fence: str) -> str:
    """The fence that is open behind a line, when ``fence`` was before it; empty when none is."""
    bare = line.strip()
    if fence:
        return "" if bare.startswith(fence) and not bare.strip(fence[0]) else fence
    return _fence(bare) if bare[:1] in ("`", "~") else ""


def _fence(bare: str) -> str:
    """The fence that this line opens, or ``""``."""
    char = bare[0]
    rest = bare.lstrip(char)
    length = len(bare) - len(rest)
    return char * length if length >= 3 and not (char == "`" and "`" in rest) else ""


def _atx(bare: str) -> tuple[int, str] | None:
    """(level, text) of an ATX heading line."""
    rest = bare.lstrip("#")
    level = len(bare) - len(rest)
    if level > 6 or (rest and rest[0] not in " \t"):
        return None
    text = rest.strip()
    without = text.rstrip("#")
    if without != text and (not without or without[-1] in " \t"):
        text = without.rstrip()
    return level, text
