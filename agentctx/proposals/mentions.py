"""Names and numbers in a line of text: where each stands, what stands beside it, what kind of name it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from agentctx.retrieval.tokens import tokenize

LINE_READ = 400
"""Characters of a line whose words are read."""

_SPAN = re.compile(r"(?<!`)(`{1,2})(?!`)([^`\n]{1,60})\1(?!`)")
_ONE_NAME = re.compile(r"[^\s=:,;(){}\[\]]+(?:\(\))?")
_SIGN = re.compile(r"--?[A-Za-z][\w-]*|[A-Za-z_$][\w$]*|\d[\d_.]*\d|\d|[^\w\s]")
_WORD = re.compile(r"[A-Za-z_$][\w$-]*|\d[\d_.]*\d|\d")
_TELLING = re.compile(r"\d.*|\w+(?:_\w+)+|_\w+|[a-z]+\d*[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*|--[a-z][\w-]+")
_GROUPED = re.compile(r"(?<=\d)_(?=\d)")
_REACH = 10
"""Written words to either side that count as being around a name."""

Sides = tuple[str, ...]
"""Left and right: sign, word, second word."""


@dataclass(frozen=True, slots=True)
class Item:
    """A name, or another written word, in a line."""

    start: int
    tokens: tuple[str, ...]
    name: str
    """Empty for what is no name."""


@dataclass(frozen=True, slots=True)
class Mention:
    """One name where it stands in a text."""

    name: str
    place: tuple[int, int]
    """Row and column."""
    around: tuple[tuple[Item, float], ...]
    """The other items of the line, each with its nearness (1 right beside the name)."""
    sides: Sides


def plain(text: str) -> str:
    """The text with its numbers in one form: ``1_800`` is ``1800``."""
    return _GROUPED.sub("", text)


def mentions_in(line: str, row: int) -> list[Mention]:
    """Every name of a line with what is around it."""
    items, found = items_of(line), []
    ends = {start: end for _, start, end in names_of(line)}
    for at, item in enumerate(items):
        if item.name:
            others = [(other, abs(n - at)) for n, other in enumerate(items) if n != at]
            around = tuple((other, 1 / (1 + (far - 1) / 4)) for other, far in others if far <= _REACH)
            sides = sides_of(line, item.start, ends[item.start])
            found.append(Mention(item.name, (row, item.start), around, sides))
    return found


@lru_cache(maxsize=20_000)
def items_of(line: str) -> tuple[Item, ...]:
    """Names and other written words of a line in order; a path or a link's target is one word."""
    found = [Item(start, tokens_of(name), name) for name, start, _ in names_of(line)]
    for match in re.finditer(r"\S+", _without_names(line)):
        if tokens := tokens_of(match[0]):
            found.append(Item(match.start(), tokens, ""))
    return tuple(sorted(found, key=lambda item: item.start))


def marks_of(line: str) -> list[tuple[int, str, str]]:
    """Every word and sign of a line as (column, written, name); the first is empty for a name."""
    found = [(start, "", name) for name, start, _ in names_of(line)]
    found += [(m.start(), m[0], "") for m in re.finditer(r"\w+|[^\w\s`]", _without_names(line))]
    return sorted(found)


def words_of(line: str) -> list[str]:
    """Words and numbers as written, in lower case: what a name is looked up by."""
    return _WORD.findall(line.lower())


@lru_cache(maxsize=20_000)
def tokens_of(line: str) -> tuple[str, ...]:
    """The words of a line, or the pieces of a name, for comparing."""
    return tuple(tokenize(line[:LINE_READ]))


@lru_cache(maxsize=20_000)
def names_of(line: str) -> tuple[tuple[str, int, int], ...]:
    """Names and numbers of a line with their start and end: what is spelled like code, inside a code span of
    several words too; a span without any such word is one name."""
    found: list[tuple[str, int, int]] = []
    for span in _SPAN.finditer(line):
        inner = () if _ONE_NAME.fullmatch(span[2]) else _telling(span[2], span.start(2))
        found += inner or [(span[2].strip(), span.start(), span.end())]
    found += _telling(_SPAN.sub(lambda m: " " * len(m[0]), line), 0)
    return tuple(sorted((name for name in found if name[0]), key=lambda name: name[1]))


def _telling(text: str, at: int) -> list[tuple[str, int, int]]:
    found = (m for m in _SIGN.finditer(text) if _TELLING.fullmatch(m[0]))
    return [(m[0], at + m.start(), at + m.end()) for m in found]


def _without_names(line: str) -> str:
    for _, start, end in names_of(line):
        line = line[:start] + " " * (end - start) + line[end:]
    return line


def sides_of(line: str, start: int, end: int) -> Sides:
    """Sign, word and second word to the left and to the right; a mark where the line ends."""
    left, right = (
        part.replace("`", " ").lower() for part in (line[max(0, start - 60) : start], line[end : end + 60])
    )
    signs, words = (_SIGN.findall(left), _SIGN.findall(right)), (_WORD.findall(left), _WORD.findall(right))
    return (
        signs[0][-1] if signs[0] else "^",
        signs[1][0] if signs[1] else "$",
        words[0][-1] if words[0] else "^",
        words[1][0] if words[1] else "$",
        words[0][-2] if len(words[0]) > 1 else "^",
        words[1][1] if len(words[1]) > 1 else "$",
    )


_SHAPES = tuple(
    (shape, re.compile(pattern))
    for shape, pattern in (
        ("whole", r"\d+"),
        ("number", r"\d.*"),
        ("flag", r"-.*"),
        ("call", r".*\)"),
        ("path", r".*/.*"),
        ("quoted", r"[\"'].*"),
        ("expression", r".*[ =:].*"),
        ("dotted", r".*\..*"),
        ("constant", r"[^a-z]+"),
        ("snake", r".*_.*"),
        ("kebab", r".*-.*"),
        ("type", r"[A-Z].*"),
        ("word", r"[^A-Z]+"),
    )
)


@lru_cache(maxsize=20_000)
def shape_of(name: str) -> str:
    """What kind of name it is, by its spelling."""
    return next((shape for shape, pattern in _SHAPES if pattern.fullmatch(name)), "camel")
