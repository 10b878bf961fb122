"""A body as blocks (headings, paragraphs, list items, table rows, code fences), and merging two of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, pairwise

_OWN_LINE = re.compile(r"#{1,6}(?:\s|$)|(?:[-*+]|\d{1,9}[.)])\s|\|")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_RUN = re.compile(r"^(?:<{7,}|\|{7,}|={7,}|>{7,})", re.MULTILINE)

FIELDS = "ours, in the front matter"
"""What stands behind the first marker where two sides contradict each other in fields."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block: its text without the newlines behind it, and how many of those there were."""

    text: str
    gap: int = 2

    @property
    def is_heading(self) -> bool:
        return self.text.startswith("#") and self.text.lstrip("#")[:1] in ("", " ", "\t")

    @property
    def is_line(self) -> bool:
        """A list item or a table row, which stand without a blank line between them."""
        return not self.is_heading and _OWN_LINE.match(self.text) is not None


Hunk = tuple[int, int, list[Block]]
"""Base blocks from..to are replaced by these."""


def blocks(body: str) -> list[Block]:
    """The blocks of a body; blank lines and the end of the file belong to none."""
    found: list[Block] = []
    for text in _texts(body):
        bare = text.rstrip("\n")
        if bare.strip():
            found.append(Block(bare, len(text) - len(bare)))
        elif found:
            found[-1] = Block(found[-1].text, found[-1].gap + len(text))
    return found


def _texts(body: str) -> Iterator[str]:
    """Stretches of lines, cut where a new block begins."""
    lines: list[str] = []
    fence = ""
    heading = False
    for line in body.splitlines(keepends=True) if "\r" not in body else re.findall(r"[^\n]*\n|[^\n]+", body):
        bare = line.strip()
        starts = not fence and (heading or not bare or bool(_OWN_LINE.match(line)))
        if starts and lines:
            yield "".join(lines)
            lines = []
        lines.append(line)
        opening = _FENCE.match(line)
        if fence:
            fence = "" if bare.startswith(fence) and not bare.strip(fence[0]) else fence
        elif opening:
            fence = opening[1]
        heading = not fence and (line.startswith("#") or not bare)
    if lines:
        yield "".join(lines)


def joined(merged: Sequence[Block], ours: str, theirs: str) -> str:
    """The blocks as a body, with the blank lines and the ending that they have on the two sides."""
    gaps: dict[tuple[str, str], int] = {}
    for side in (blocks(ours), blocks(theirs)):
        for block, following in pairwise(side):
            pair = (block.text, following.text)
            gaps[pair] = max(block.gap, gaps.get(pair, 1))
    text = ""
    for block, following in pairwise(merged):
        tight = block.is_line and following.is_line
        text += block.text + "\n" * gaps.get((block.text, following.text), 1 if tight else 2)
    if merged:
        text += merged[-1].text + ("\n" if ours.endswith("\n") or theirs.endswith("\n") else "")
    lead = min(len(side) - len(side.lstrip("\n")) for side in (ours, theirs))
    return "\n" * lead + text


def merge_blocks(
    base: Sequence[Block], ours: Sequence[Block], theirs: Sequence[Block], marker: int = 7
) -> tuple[list[Block], int]:
    """The merged blocks, and how many conflicts stand in them between markers of so many characters."""
    mine, others = _hunks(base, ours), _hunks(base, theirs)
    out: list[Block] = []
    conflicts = 0
    at = 0
    while mine or others:
        start = min(hunks[0][0] for hunks in (mine, others) if hunks)
        out.extend(base[at:start])
        one, two, at = _overlap(base, mine, others, start)
        if one is None or two is None:
            out.extend(one if one is not None else two or [])
        elif [block.text for block in one] == [block.text for block in two]:
            out.extend(one)
        else:
            settled = _settled(list(base[start:at]), one, two)
            conflicts += settled is None
            out.extend(settled if settled is not None else [_conflict(one, two, marker)])
    out.extend(base[at:])
    return out, conflicts


def _hunks(base: Sequence[Block], side: Sequence[Block]) -> list[Hunk]:
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(None, [b.text for b in base], [b.text for b in side], autojunk=False)
    return [(i, j, list(side[k:m])) for tag, i, j, k, m in matcher.get_opcodes() if tag != "equal"]


def _overlap(
    base: Sequence[Block], mine: list[Hunk], others: list[Hunk], start: int
) -> tuple[list[Block] | None, list[Block] | None, int]:
    """Take the hunks that touch the same base blocks; each side's text for that stretch (None: untouched)."""
    end = start
    taken: tuple[list[Hunk], list[Hunk]] = ([], [])
    grown = True
    while grown:
        grown = False
        for hunks, into in ((mine, taken[0]), (others, taken[1])):
            while hunks and (hunks[0][0] < end or hunks[0][0] == start):
                into.append(hunks.pop(0))
                end = max(end, into[-1][1])
                grown = True
    return _side(base, taken[0], start, end), _side(base, taken[1], start, end), end


def _side(base: Sequence[Block], hunks: list[Hunk], start: int, end: int) -> list[Block] | None:
    if not hunks:
        return None
    out: list[Block] = []
    at = start
    for i, j, text in hunks:
        out.extend(base[at:i])
        out.extend(text)
        at = j
    out.extend(base[at:end])
    return out


def _settled(base: list[Block], one: list[Block], two: list[Block]) -> list[Block] | None:
    """Both sides' blocks where neither contradicts the other: additions around what they share."""
    if not base:
        return _both_added(one, two)
    texts = [block.text for block in base]
    for less, more in ((one, two), (two, one)):  # the same change on both sides, and more around it on one
        if len(less) >= len(base) and _place([b.text for b in less], [b.text for b in more]) is not None:
            return more
    for changed, added in ((one, two), (two, one)):
        at = _place(texts, [block.text for block in added])
        if at is not None:  # one side only added around the base, the other changed it
            before, behind = added[:at], added[at + len(base) :]
            return [*before, *changed, *behind]
    return None


def _place(base: list[str], side: list[str]) -> int | None:
    for at in range(len(side) - len(base) + 1):
        if side[at : at + len(base)] == base:
            return at
    return None


def _both_added(one: list[Block], two: list[Block]) -> list[Block]:
    """Both additions at one place: first what continues the section above, then new sections by heading."""
    sections: dict[str, list[list[Block]]] = {"": []}
    for side in (one, two):
        heading = ""
        part: list[Block] = []
        for block in side:
            if block.is_heading:
                sections.setdefault(heading, []).append(part)
                heading, part = block.text, []
            else:
                part.append(block)
        sections.setdefault(heading, []).append(part)
    out: list[Block] = []
    for heading in sorted(sections):
        if heading:
            out.append(Block(heading))
        parts = sorted(sections[heading], key=lambda part: [block.text for block in part])
        seen: list[list[str]] = []
        for part in parts:
            texts = [block.text for block in part]
            if texts not in seen:
                out.extend(part)
                seen.append(texts)
    return out


def _conflict(one: list[Block], two: list[Block], marker: int) -> Block:
    ours, theirs = ("".join(block.text + "\n" * block.gap for block in side) for side in (one, two))
    return Block(between_markers(ours.rstrip("\n"), theirs.rstrip("\n"), marker))


def between_markers(ours: str, theirs: str, size: int = 7, label: str = "ours") -> str:
    """Two texts that contradict each other, as git shows a conflict; no newline at the end."""
    sides = [f"{text}\n" if text.strip() else "" for text in (ours, theirs)]
    return f"{'<' * size} {label}\n{sides[0]}{'=' * size}\n{sides[1]}{'>' * size} theirs"


def free_size(least: int, *bodies: str) -> int:
    """The length of markers that no line of these texts could be taken for, at least so many characters."""
    taken = {len(run) for body in bodies for run in _RUN.findall(body)}
    return next(size for size in count(least) if size not in taken)
