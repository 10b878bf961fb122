"""Guest manners in somebody else's JSON file: add or remove one element or member, touch no other byte.

What we add to a container that was there but empty stands right behind its bracket: so removing can tell
it from a container that we made, and leaves it. Pure text in, text out. A file that is not strict JSON
(comments, trailing commas) is never edited: ``NotStrictJson`` tells the caller to show the person what to
add by hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Span = tuple[int, int]


class NotStrictJson(ValueError):
    """The text has comments, trailing commas, duplicate keys or another shape than the path expects."""


def add_element(text: str, path: tuple[str, ...], element: Any) -> str:
    """``text`` with ``element`` appended to the list at ``path``; missing containers are created.

    An empty text becomes an object of its own. Indentation follows the file's own.
    """
    return _add(text, path, None, element)


def add_member(text: str, path: tuple[str, ...], key: str, value: Any) -> str:
    """``text`` with ``key: value`` added to the object at ``path``; missing objects are created."""
    return _add(text, path, key, value)


def _add(text: str, path: tuple[str, ...], key: str | None, value: Any) -> str:
    leaf: Any = [value] if key is None else {key: value}
    if not text.strip():
        for missing in reversed(path):
            leaf = {missing: leaf}
        return json.dumps(leaf, indent=2, ensure_ascii=False) + "\n"
    _check(text)
    unit = _indent_unit(text)
    start = _skip(text, 0)
    for depth, name in enumerate(path):
        members = _members(text, start)
        if name not in members:
            for missing in reversed(path[depth + 1 :]):
                leaf = {missing: leaf}
            return _insert(text, start, f"{json.dumps(name)}: ", leaf, unit)
        start = members[name][0]
    if key is None:
        _elements(text, start)
        return _insert(text, start, "", value, unit)
    if key in _members(text, start):
        raise NotStrictJson(f"`{key}` is there already")
    return _insert(text, start, f"{json.dumps(key)}: ", value, unit)


def remove_elements(text: str, path: tuple[str, ...], ours: Callable[[Any], bool]) -> str:
    """``text`` without the elements of the list at ``path`` that are ``ours``.

    Containers that we made and that hold nothing else go too; empty when the whole file was ours.
    """
    _check(text)
    while text:
        starts = _walk(text, path)
        if starts is None:
            return text
        spans = [s for s in _elements(text, starts[-1]) if ours(json.loads(text[s[0] : s[1]]))]
        if not spans:
            return text
        text = _remove_upwards(text, starts, path, spans[-1])
    return text


def remove_member(text: str, path: tuple[str, ...], key: str) -> str:
    """``text`` without the member ``key`` of the object at ``path``; else as ``remove_elements``."""
    _check(text)
    starts = _walk(text, path)
    if starts is None or key not in _members(text, starts[-1]):
        return text
    return _remove_upwards(text, starts, path, _member_span(text, starts[-1], key))


def member_at(text: str, path: tuple[str, ...], key: str) -> Any:
    """The value of a member; None when there is none."""
    _check(text)
    starts = _walk(text, path)
    span = _members(text, starts[-1]).get(key) if starts is not None else None
    return json.loads(text[span[0] : span[1]]) if span else None


def elements_at(text: str, path: tuple[str, ...]) -> list[Any]:
    """The elements of the list at ``path``; empty when there is none."""
    _check(text)
    starts = _walk(text, path)
    return [] if starts is None else [json.loads(text[a:b]) for a, b in _elements(text, starts[-1])]


def _check(text: str) -> None:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({k for k, _ in pairs}) != len(pairs):
            raise NotStrictJson("a key stands twice")
        return dict(pairs)

    try:
        data = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise NotStrictJson(f"line {error.lineno}: {error.msg}") from None
    if not isinstance(data, dict):
        raise NotStrictJson("the file does not hold an object")


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n\ufeff":
        at += 1
    return at


def _value_end(text: str, at: int) -> int:
    return json.JSONDecoder().raw_decode(text, at)[1]


def _members(text: str, start: int) -> dict[str, Span]:
    if text[start] != "{":
        raise NotStrictJson("a value stands where an object was expected")
    found: dict[str, Span] = {}
    at = _skip(text, start + 1)
    while text[at] != "}":
        key_end = _value_end(text, at)
        value = _skip(text, _skip(text, key_end) + 1)
        end = _value_end(text, value)
        found[json.loads(text[at:key_end])] = (value, end)
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at
    return found


def _elements(text: str, start: int) -> list[Span]:
    if text[start] != "[":
        raise NotStrictJson("a value stands where a list was expected")
    found: list[Span] = []
    at = _skip(text, start + 1)
    while text[at] != "]":
        end = _value_end(text, at)
        found.append((at, end))
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at
    return found


def _walk(text: str, path: tuple[str, ...]) -> list[int] | None:
    """Start offsets of the root and of every container on ``path``; None when it breaks off."""
    starts = [_skip(text, 0)]
    for key in path:
        members = _members(text, starts[-1])
        if key not in members:
            return None
        starts.append(members[key][0])
    return starts


def _insert(text: str, container: int, prefix: str, value: Any, unit: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    line_start = text.rfind("\n", 0, container) + 1
    outer = text[line_start:container]
    outer = outer[: len(outer) - len(outer.lstrip())]
    inner = outer + unit
    shown = json.dumps(value, indent=unit or 2, ensure_ascii=False)
    shown = prefix + shown.replace("\n", newline + inner)
    close = _value_end(text, container) - 1
    last = close
    while text[last - 1] in " \t\r\n":
        last -= 1
    if last - 1 == container:
        return f"{text[:last]}{shown}{text[last:]}"
    return f"{text[:last]},{newline}{inner}{shown}{text[last:close]}{text[close:]}"


def _remove_upwards(text: str, starts: list[int], path: tuple[str, ...], span: Span) -> str:
    """Cut ``span``; a container made by us that holds nothing else is cut instead, and so on upwards."""
    level = len(starts) - 1
    while True:
        container = starts[level]
        size = len(_elements(text, container) if text[container] == "[" else _members(text, container))
        if size > 1:
            return _cut(text, container, span)
        if span[0] == container + 1:
            return text[: container + 1] + text[span[1] :]
        if level == 0:
            return ""
        level -= 1
        span = _member_span(text, starts[level], path[level])


def _member_span(text: str, container: int, key: str) -> Span:
    at = _skip(text, container + 1)
    for name, (_, end) in _members(text, container).items():
        if name == key:
            return at, end
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at
    raise NotStrictJson(f"`{key}` is gone")


def _cut(text: str, container: int, span: Span) -> str:
    start, end = span
    before = start
    while text[before - 1] in " \t\r\n":
        before -= 1
    after = _skip(text, end)
    if text[before - 1] == ",":
        return text[: before - 1] + text[end:]
    if text[after] == ",":
        return text[:start] + text[_skip(text, after + 1) :]
    return text[: container + 1] + text[after:]


def _indent_unit(text: str) -> str:
    for line in text.splitlines():
        stripped = line.lstrip(" \t")
        if stripped and len(stripped) < len(line):
            return line[: len(line) - len(stripped)]
    return "  "
