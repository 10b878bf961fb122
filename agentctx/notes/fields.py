"""Front matter as text with places: what each field says, and exactly where it stands.

YAML is read without any typing (``0123456``, ``no`` and ``12:30`` stay what the author wrote) and without
anchors, aliases, tags, duplicate keys or deep nesting, straight from the parser's events.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias, cast

HEAD_LIMIT = 16_384
"""Bytes of front matter that are read."""

DEPTH_LIMIT = 5

Value: TypeAlias = "str | tuple[Value, ...] | dict[str, Value]"

_LINE = re.compile(r"[^\n]*\n?")
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_QUOTABLE = re.compile(r"^(\s*(?:-\s+|(?!-\s)[^\s:#\"'][^:\n\"']*:\s+))(\S[^\n]*?)\s*$")


class Unreadable(Exception):
    """The front matter cannot be read: ``code``, words, what to type, and the offset in the file's text."""

    def __init__(self, code: str, message: str, hint: str = "", at: int = 0) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.at = code, message, hint, at


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the parts of a file stand in its text (offsets in characters)."""

    head_start: int
    """Behind the opening fence; equal to ``body_start`` when there is no front matter."""
    head_end: int
    """Start of the closing fence."""
    body_start: int

    @property
    def has_head(self) -> bool:
        return self.body_start > self.head_end


@dataclass(frozen=True, slots=True)
class Item:
    """One scalar of a list, with offsets in the front matter."""

    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Field:
    """One top-level field; offsets count characters from the start of the front matter."""

    value: Value
    key_start: int
    key_end: int
    start: int
    end: int
    """Behind the last character of the value, blank lines not counted."""
    style: str
    """``plain``, ``'``, ``"``, ``|``, ``>``, ``block`` or ``flow``."""
    items: tuple[Item, ...] = ()
    """The scalars of a list that has nothing but scalars."""


def cut(text: str) -> Cut:
    """Find the fences. Raises ``Unreadable`` when front matter is opened and never closed."""
    start = 1 if text.startswith("\ufeff") else 0
    opening = _line_at(text, start)
    if opening.rstrip() != "---":
        return Cut(start, start, start)
    at = head_start = start + len(opening)
    while at < len(text):
        line = _line_at(text, at)
        if line.startswith("---") and line.rstrip() == "---":
            return Cut(head_start, at, at + len(line))
        at += len(line)
    raise Unreadable(
        "unclosed-front-matter",
        "the front matter is opened by `---` and never closed",
        "type `---` on a line of its own behind the last field",
        start,
    )


def _line_at(text: str, at: int) -> str:
    found = _LINE.match(text, at)
    return found[0] if found else ""


def read_fields(text: str, parts: Cut) -> dict[str, Field]:
    """The fields of a file's front matter by key, in order. Raises ``Unreadable``."""
    if not parts.has_head:
        return {}
    try:
        return dict(_parsed(text[: parts.body_start], text[parts.head_start : parts.head_end]))
    except Unreadable as error:
        raise Unreadable(error.code, error.message, error.hint, parts.head_start + error.at) from None


@lru_cache(maxsize=16)
def _parsed(block: str, head: str) -> dict[str, Field]:
    """Writers read one front matter several times in a row: before, after, and to prove the edit."""
    import frontmatter

    found, _ = frontmatter.parse(block, handler=_handler()(head))
    return cast("dict[str, Field]", found)


@lru_cache(maxsize=1)
def _handler() -> type[Any]:
    """python-frontmatter's YAML handler with our fences and our reading.

    It is given the front matter as it stands in the file, because the library changes line endings before
    it splits, and places would no longer be true.
    """
    from frontmatter.default_handlers import YAMLHandler

    class StringHandler(YAMLHandler):
        def __init__(self, head: str) -> None:
            super().__init__()
            self.head = head

        def split(self, text: str) -> tuple[str, str]:
            return self.head, ""

        def load(self, fm: str, **_: object) -> dict[str, Field]:
            return _load(fm)

    return StringHandler


def _load(head: str) -> dict[str, Field]:
    if len(head.encode()) > HEAD_LIMIT:
        raise Unreadable(
            "long-front-matter",
            f"the front matter is over {HEAD_LIMIT:,} bytes",
            "move its long texts into the body",
        )
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    offset = _offsets(head)
    try:
        return _Reader(yaml, head, yaml.parse(head, Loader=loader), offset).fields()
    except yaml.MarkedYAMLError as error:
        raise _explained(head, error, offset) from None
    except yaml.YAMLError as error:
        at = getattr(error, "position", 0)
        raise Unreadable(
            "bad-yaml",
            "the front matter holds a character that YAML does not allow",
            "delete the control character",
            at if isinstance(at, int) else 0,
        ) from None


def _offsets(head: str) -> Callable[[Any], int]:
    """From a parser's mark to the offset in ``head``: by line and column, which all parsers count alike."""
    starts = [0, *(found.end() for found in _BREAK.finditer(head))]

    def offset(mark: Any) -> int:
        line, column = int(mark.line), int(mark.column)
        return min(starts[min(line, len(starts) - 1)] + column, len(head))

    return offset


def _explained(head: str, error: Any, offset: Callable[[Any], int]) -> Unreadable:
    """A YAML error in words, with the line as it should be typed when quoting would help."""
    places = [offset(mark) for mark in (error.problem_mark, error.context_mark) if mark is not None]
    words = error.problem or error.context or "it is not YAML"
    for at in places:
        hint = quoted_line(_line_of(head, at))
        if hint:
            return Unreadable("bad-yaml", f"the front matter cannot be read: {words}", hint, at)
    at = places[0] if places else 0
    return Unreadable(
        "bad-yaml",
        f"the front matter cannot be read: {words}",
        "write one `key: value` a line, and lists as `  - item` lines",
        min(at, max(len(head) - 1, 0)),
    )


def _line_of(text: str, at: int) -> str:
    start = text.rfind("\n", 0, at) + 1
    return _line_at(text, start).rstrip("\r\n")


def quoted_line(line: str) -> str:
    """``type `- "src/**"``` for the line ``- src/**``; empty when quoting is not the answer."""
    found = _QUOTABLE.match(line)
    if not found or found[2][0] in "\"'" or found[2] in ("|", ">", "|-", ">-"):
        return ""
    quoted = found[2].replace("\\", "\\\\").replace('"', '\\"')
    return f'type `{found[1].strip()} "{quoted}"`'


class _Reader:
    """Turns the parser's events into fields; depth is bounded before anything is built."""

    def __init__(self, yaml: Any, head: str, events: Iterator[Any], offset: Callable[[Any], int]) -> None:
        self.yaml, self.head, self.events, self.offset = yaml, head, events, offset

    def fields(self) -> dict[str, Field]:
        for event in self.events:
            if isinstance(event, self.yaml.DocumentStartEvent):
                break
        else:
            return {}
        root = next(self.events)
        self._allowed(root)
        if isinstance(root, self.yaml.ScalarEvent) and not root.value:
            return {}
        if not isinstance(root, self.yaml.MappingStartEvent):
            raise Unreadable(
                "not-a-mapping",
                "the front matter is not a list of `key: value` lines",
                "write one `key: value` a line",
                self.offset(root.start_mark),
            )
        found = self._root(flow=bool(root.flow_style))
        for event in self.events:
            if isinstance(event, self.yaml.DocumentStartEvent):
                raise Unreadable(
                    "bad-yaml",
                    "the front matter holds more than one document",
                    "delete the `...` line",
                    self.offset(event.start_mark),
                )
        return found

    def _root(self, flow: bool) -> dict[str, Field]:
        found: dict[str, Field] = {}
        for key in self._keys(found, self.yaml.MappingEndEvent):
            event = next(self.events)
            items: list[Item] = []
            value, end = self._value(event, 2, items)
            style = "flow-root" if flow else self._style(event)
            plain_list = isinstance(value, tuple) and len(items) == len(value)
            start = self.offset(event.start_mark)
            found[key.value] = Field(
                value,
                self.offset(key.start_mark),
                self.offset(key.end_mark),
                start,
                max(start, start + len(self.head[start:end].rstrip())),
                style,
                tuple(items) if plain_list else (),
            )
        return found

    def _style(self, event: Any) -> str:
        if isinstance(event, self.yaml.ScalarEvent):
            return event.style or "plain"
        return "flow" if event.flow_style else "block"

    def _keys(self, seen: dict[str, Any], end: type) -> Iterator[Any]:
        """The keys of a mapping, one after the other; the caller reads each value in between."""
        for event in self.events:
            if isinstance(event, end):
                return
            self._allowed(event)
            if not isinstance(event, self.yaml.ScalarEvent):
                raise Unreadable(
                    "bad-yaml",
                    "a key of the front matter is not a word",
                    quoted_line(_line_of(self.head, self.offset(event.start_mark))),
                    self.offset(event.start_mark),
                )
            if event.value in seen:
                raise Unreadable(
                    "duplicate-key",
                    f"the key `{event.value}` stands twice",
                    f"keep one of the two `{event.value}:` fields",
                    self.offset(event.start_mark),
                )
            yield event

    def _value(self, event: Any, depth: int, items: list[Item] | None = None) -> tuple[Value, int]:
        """One value and the offset behind it; the scalars of a list are also put into ``items``."""
        self._allowed(event)
        if isinstance(event, self.yaml.ScalarEvent):
            return event.value, self.offset(event.end_mark)
        if depth > DEPTH_LIMIT:
            raise Unreadable(
                "too-deep",
                f"the front matter is nested deeper than {DEPTH_LIMIT} levels",
                "flatten it, or move it into the body",
                self.offset(event.start_mark),
            )
        if isinstance(event, self.yaml.MappingStartEvent):
            return self._mapping(event, depth)
        return self._list(event, depth, items)

    def _mapping(self, start: Any, depth: int) -> tuple[Value, int]:
        built: dict[str, Value] = {}
        end = self.offset(start.end_mark)
        for key in self._keys(built, self.yaml.MappingEndEvent):
            built[key.value], end = self._value(next(self.events), depth + 1)
        return built, self._end_of(start, end)

    def _list(self, start: Any, depth: int, items: list[Item] | None) -> tuple[Value, int]:
        built: list[Value] = []
        end = self.offset(start.end_mark)
        for event in self.events:
            if isinstance(event, self.yaml.SequenceEndEvent):
                if start.flow_style:
                    end = self.offset(event.end_mark)
                break
            value, end = self._value(event, depth + 1)
            built.append(value)
            if items is not None and isinstance(value, str):
                items.append(Item(value, self.offset(event.start_mark), end))
        return tuple(built), end

    def _end_of(self, start: Any, last: int) -> int:
        """A flow mapping ends at its brace; a block mapping with its last value."""
        if not start.flow_style:
            return last
        closing = self.head.find("}", last)
        return closing + 1 if closing >= 0 else last

    def _allowed(self, event: Any) -> None:
        """Refuse what makes YAML more than a form: anchors, aliases and tags."""
        if getattr(event, "anchor", None):
            what, code = "a YAML anchor or alias", "yaml-alias"
        elif getattr(event, "tag", None):
            what, code = f"a YAML tag ({event.tag})", "yaml-tag"
        else:
            return
        at = self.offset(event.start_mark)
        hint = quoted_line(_line_of(self.head, at)) or "write the value out, in quotes"
        raise Unreadable(code, f"the front matter uses {what}, which is not allowed", hint, at)
