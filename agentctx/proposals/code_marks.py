"""Tells where the marks around code are broken: a back quote that closes nowhere, a span that is no code."""

from __future__ import annotations

import re
from collections import Counter

_FENCED = re.compile(r"^[ \t]*(`{3,}+|~{3,}+)[^\n]*+\n.*?(?:^[ \t]*\1|\Z)", re.MULTILINE | re.DOTALL)
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n")
_MARKS = re.compile(r"(?<!\\)`+")
_BETWEEN = re.compile(r"\s.*\S\s|[.,;:)]\s.*", re.DOTALL)
"""What stands between two spans when their marks are read the wrong way round."""


def broken_marks_in(text: str) -> Counter[str]:
    """What follows a mark without a partner, or stands between marks that enclose no code, and how often."""
    found: Counter[str] = Counter()
    for paragraph in _PARAGRAPH_END.split(_FENCED.sub("\n\n", text)):
        marks = list(_MARKS.finditer(paragraph))
        while marks:
            opening = marks.pop(0)
            closing = next((n for n, mark in enumerate(marks) if mark[0] == opening[0]), None)
            if closing is None:
                found[paragraph[opening.start() :][:30]] += 1
                continue
            inside = paragraph[opening.end() : marks[closing].start()]
            if "`" not in inside and _BETWEEN.fullmatch(inside):
                found[inside[:30]] += 1
            del marks[: closing + 1]
    return found
