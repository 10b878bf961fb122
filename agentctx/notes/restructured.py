"""The little of reStructuredText that included documents need: headings, and what stands as code in them.

A heading is a line underlined, or also overlined, with one punctuation mark repeated at least as often as
the title is long. Which mark is which level is the document's own choice: the first that occurs is the
highest. Every scan is one pass over the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from agentctx.model import Section

ENDING = ".rst"
_ADORNED = re.compile(r"""([!-/:-@\[-`{-~])\1*[ \t]*""")
_SHORTEST = 3
"""Marks under a title; fewer are an ellipsis, a bullet, the end of a literal."""
_LITERAL = re.compile(r"``(?=\S)(.+?)(?<=\S)``")
_ROLE = re.compile(
    r":(?:[\w+.-]+:)?(?:func|meth|class|attr|mod|data|const|exc|obj|file|envvar|option|code|program|confval)"
    r":`([^`\n]+)`"
)
_DIRECTIVE = re.compile(
    r"^[ \t]*\.\. (?:\w+:)?(?:auto)?"
    r"(?:data|function|class|method|attribute|exception|module|envvar|option|confval)::[ \t]+([\w.-]+)",
    re.MULTILINE,
)
_LABEL = re.compile(r"\.\. _[^:]+:[ \t]*\Z")
_TARGET = re.compile(r".*<([^<>]+)>\s*\Z", re.DOTALL)

Heading = tuple[str, str, int, int]
"""Title, its style (a mark, twice where it also stands above), offset of its first line, offset behind it."""


def sections(body: str, styles: Sequence[str] = ()) -> tuple[Section, ...]:
    """The sections in order, as of a markdown document; see ``markdown.sections``.

    ``styles`` are those of the whole document, highest first, where ``body`` is a part of it.
    """
    found = list(_headings(body))
    order = list(styles) or styles_of(body)
    levels = {style: level for level, style in enumerate(order, 1)}
    ends = [heading[2] for heading in found[1:]] + [len(body)]
    cut = [
        Section(title, levels.get(style, 1), body[behind:end].strip("\n"), start, end)
        for (title, style, start, behind), end in zip(found, ends, strict=False)
    ]
    first = found[0][2] if found else len(body)
    if body[:first].strip():
        cut.insert(0, Section("", 0, body[:first].strip("\n"), 0, first))
    return tuple(cut)


def styles_of(body: str) -> list[str]:
    """The styles of a document's headings, highest first."""
    return list(dict.fromkeys(style for _, style, _, _ in _headings(body)))


def code_spans(body: str) -> list[str]:
    """What stands between double backquotes, and the names that roles and directives give, in order."""
    found = [(match.start(), match[1]) for match in _LITERAL.finditer(body)]
    found += [(match.start(), _referred(match[1])) for match in _ROLE.finditer(body)]
    found += [(match.start(), match[1]) for match in _DIRECTIVE.finditer(body)]
    return [text for _, text in sorted(found)]


def _referred(text: str) -> str:
    """``text <pkg.name>``, ``~pkg.name`` and ``!name`` refer to a name."""
    target = _TARGET.match(text)
    return (target[1] if target else text).strip().lstrip("~!")


def _headings(body: str) -> Iterator[Heading]:
    """Line by line: a title has text at the margin, its underline below, and nothing but blank above it.

    Labels above a title (``.. _name:``) belong to it.
    """
    lines = body.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    starts[-1] = len(body)
    place = 0
    while place + 1 < len(lines):
        over = _mark(lines[place])
        if over and place + 2 < len(lines) and _is_under(lines[place + 2], lines[place + 1].strip(), over):
            yield lines[place + 1].strip(), over * 2, starts[_labelled(lines, place)], starts[place + 3]
            place += 3
            continue
        title, under = lines[place], _mark(lines[place + 1])
        alone = place == 0 or not lines[place - 1].strip() or lines[place - 1].startswith(".. ")
        if under and not over and alone and title[:1].strip() and _is_under(lines[place + 1], title, under):
            yield title.strip(), under, starts[_labelled(lines, place)], starts[place + 2]
            place += 2
            continue
        place += 1


def _labelled(lines: Sequence[str], place: int) -> int:
    """The first of the labels that stand right above a line, or the line itself."""
    first, above = place, place - 1
    while above >= 0 and (not lines[above].strip() or _LABEL.match(lines[above])):
        first = above if lines[above].strip() else first
        above -= 1
    return first


def _mark(line: str) -> str:
    """The punctuation mark that a line repeats, or ``""``."""
    return line[0] if len(line.rstrip()) >= _SHORTEST and _ADORNED.fullmatch(line) else ""


def _is_under(line: str, title: str, mark: str) -> bool:
    """Whether a line underlines a title; one mark short is forgiven, as most readers forgive it."""
    return (
        bool(title.strip())
        and not _mark(title)
        and _mark(line) == mark
        and len(line.rstrip()) >= len(title.rstrip()) - 1
    )
