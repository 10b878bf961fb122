"""The part of a note that answers the task: whole sections, in the note's own order, gaps marked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from agentctx.retrieval.bags import words_of
from agentctx.retrieval.concordance import Concordance
from agentctx.retrieval.relevance import Question, relevance
from agentctx.retrieval.weights import SHIPPED

GAP = "[...]"
"""Stands where something of the note was left out."""

_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_HEADING = re.compile(r"^ {0,3}#{1,6}(\s|$)")
_SENTENCE = re.compile(r"(?<=[.!?:;])\s|\n\s*\n")


def parts_of(text: str) -> list[str]:
    """The text cut before every heading (none inside code fences); joined with newlines it is the text."""
    parts: list[list[str]] = [[]]
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not line.strip(" `~"):
            fence = ""
        elif not fence and _HEADING.match(line) and parts[-1]:
            parts.append([])
        parts[-1].append(line)
    return ["\n".join(part) for part in parts]


def excerpt(text: str, question: Question, fits: Callable[[str], bool]) -> str:
    """As much of the text as fits: its opening, then the most relevant sections; ``""`` if nothing fits.

    Sections come in the text's order. A text of one section is cut behind a line.
    """
    parts = parts_of(text)
    chosen: list[int] = []
    for place in _by_use(parts, question):
        attempt = sorted([*chosen, place])
        if fits(_joined(parts, attempt)):
            chosen = attempt
    return _joined(parts, chosen) if chosen else _beginning(text, fits)


def one_line(text: str, limit: int = 160) -> str:
    """The first sentence of the prose, headings and code fences left out, at most ``limit`` characters."""
    prose = " ".join(
        line.strip()
        for line in parts_of(text)[0].split("\n")
        if line.strip() and not _HEADING.match(line) and not _FENCE.match(line)
    )
    sentence = _SENTENCE.split(prose, maxsplit=1)[0].strip()
    return sentence if len(sentence) <= limit else sentence[: limit - 1].rsplit(" ", 1)[0] + "…"


def _by_use(parts: Sequence[str], question: Question) -> list[int]:
    """Places of the parts: the opening first, for it says what the note is about; then by relevance."""
    scores = relevance(question, _words_in(tuple(parts)), SHIPPED).scores
    later = sorted(range(1, len(parts)), key=lambda i: (-scores[i], i))
    return [0, *later]


@lru_cache(maxsize=256)
def _words_in(parts: tuple[str, ...]) -> Concordance:
    """Kept for a server, which packs the same notes again and again."""
    return Concordance.of([{"body": words_of(part)} for part in parts])


def _joined(parts: Sequence[str], places: Sequence[int]) -> str:
    shown: list[str] = []
    before = -1
    for place in places:
        if place != before + 1:
            shown.append(GAP)
        shown.append(parts[place].rstrip())
        before = place
    if before != len(parts) - 1:
        shown.append(GAP)
    return "\n".join(shown)


def _beginning(text: str, fits: Callable[[str], bool]) -> str:
    """The most lines from the top that fit, by halving; a fence that stays open is closed."""
    lines = text.split("\n")
    low, high = 0, len(lines) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if fits(_cut(lines, middle)):
            low = middle
        else:
            high = middle - 1
    return _cut(lines, low) if low and any(line.strip() for line in lines[:low]) else ""


def _cut(lines: Sequence[str], count: int) -> str:
    fence = ""
    for line in lines[:count]:
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not line.strip(" `~"):
            fence = ""
    return "\n".join([*lines[:count], *([fence] if fence else []), GAP])
