"""Markdown: every heading is a symbol, by its text and by its slug; what stands under it is its body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agentctx.freshness.languages.base import Dotted, Language, Parsed, fingerprint
from agentctx.freshness.languages.treesitter import LARGEST, plain_bytes
from agentctx.freshness.tree import Paths
from agentctx.model import Stamp, Symbol
from agentctx.text import slugify

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_EMPHASIS = re.compile(r"(?<!\w)_(?=\S)|(?<=\S)_(?!\w)")
_BULLET = re.compile(r"^(\s*)[*+-](?=\s)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Heading:
    line: int
    level: int
    title: str
    start: int
    """First line of what stands under it, counted from 0."""


class Markdown(Dotted):
    """Sections reach to the next heading of the same or a higher level."""

    name = "Markdown"
    scheme = 1

    def parse(self, path: str, source: bytes) -> Parsed:
        """See ``Language.parse``; a second heading with the same text gets its number (``setup-1``)."""
        if len(source) > LARGEST:
            return Parsed(error=f"{path}: over {LARGEST} bytes")
        lines = plain_bytes(source).decode().split("\n")
        headings = list(_headings(lines))
        symbols: dict[str, Symbol] = {}
        aliases: dict[str, str] = {}
        for index, heading in enumerate(headings):
            later = (h.line for h in headings[index + 1 :] if h.level <= heading.level)
            end = next(later, len(lines) + 1) - 1
            slug = slugify(heading.title) or "section"
            number = next(n for n in range(len(headings)) if (f"{slug}-{n}" if n else slug) not in symbols)
            name = f"{slug}-{number}" if number else slug
            body = fingerprint(_normal(lines[heading.start : end]) or "\n")
            stamp = Stamp(scheme=1, sig=fingerprint(f"h{heading.level}"), body=body)
            symbol = Symbol(name, "heading", stamp, heading.line, max(heading.line, end))
            symbols[name] = symbol
            aliases.setdefault(heading.title, name)
        module = Symbol(
            "", "module", Stamp(scheme=1, body=fingerprint(_normal(lines))), 1, max(1, len(lines))
        )
        aliases = {title: name for title, name in aliases.items() if title and title not in symbols}
        known = _Titled(symbols, aliases)
        return Parsed(symbols=known, module=module, aliases=aliases)

    def targets(self, path: str, module: str, paths: Paths) -> tuple[str, ...]:
        """A text imports nothing."""
        return ()


class _Titled(dict[str, Symbol]):
    """Sections by slug; their titles find them as well."""

    def __init__(self, symbols: dict[str, Symbol], aliases: dict[str, str]) -> None:
        super().__init__(symbols)
        self._aliases = aliases

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._aliases

    def __missing__(self, name: str) -> Symbol:
        return self[self._aliases[name]]


def _headings(lines: list[str]) -> Iterator[_Heading]:
    fence = ""
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                fence = ""
            continue
        if mark:
            fence = mark[1]
            continue
        found = _HEADING.match(line)
        if found:
            yield _Heading(number + 1, len(found[1]), (found[2] or "").strip(), number + 1)
            continue
        under = _UNDERLINE.match(lines[number + 1]) if number + 1 < len(lines) else None
        if under and line.strip() and not re.match(r"\s*([-*+>|]|\d+[.)])", line):
            above = lines[number - 1].strip() if number else ""
            if not above:
                yield _Heading(number + 1, 1 if under[1][0] == "=" else 2, line.strip(), number + 2)


def _normal(lines: list[str]) -> str:
    """The words in order; line wraps, emphasis marks and bullet marks are the author's."""
    text = _BULLET.sub(r"\1-", "\n".join(lines))
    return " ".join(_EMPHASIS.sub("*", text).split())


LANGUAGES: dict[str, Language] = {"Markdown": Markdown()}
