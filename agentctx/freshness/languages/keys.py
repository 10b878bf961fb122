"""TOML, YAML and JSON: every key is a symbol (``tool.ruff.line-length``) with its value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from agentctx.freshness.languages.base import Dotted, Language, Parsed, fingerprint
from agentctx.freshness.languages.treesitter import LARGEST, plain_bytes
from agentctx.freshness.tree import Paths
from agentctx.model import Stamp, Symbol

DEEPEST = 60
"""Levels of nesting; a deeper file is an error."""
MOST = 20_000
"""Keys; a larger file is data and not configuration: only its outer keys are symbols."""
_SHOWN = 200
_BARE = re.compile(r"[\w-]+")


class Keys(Dotted):
    """One data format. A key with dots in it is quoted: ``scripts."build.all"``; list items are numbered."""

    scheme = 1

    def __init__(self, name: str) -> None:
        self.name = name

    def parse(self, path: str, source: bytes) -> Parsed:
        """See ``Language.parse``."""
        if len(source) > LARGEST:
            return Parsed(error=f"{path}: over {LARGEST} bytes, taken for data")
        text = plain_bytes(source).decode()
        try:
            value, lines = _READERS[self.name](text)
            found = list(_walk(value))
        except _Unreadable as error:
            return Parsed(error=f"{path}{error}")
        symbols = {}
        for keys, inner in found:
            name = ".".join(keys)
            line = lines.get(keys) or _line(text, keys)
            symbols[name] = Symbol(name, "key", _stamp(inner), line, line, value=_shown(inner))
        last = text.count("\n") + (not text.endswith("\n"))
        return Parsed(symbols=symbols, module=Symbol("", "module", _stamp(value), 1, max(1, last)))

    def targets(self, path: str, module: str, paths: Paths) -> tuple[str, ...]:
        """Data imports nothing."""
        return ()


class _Quoted(str):
    """A text in quotes that would be something else without them: ``"no"``, ``"1.10"``, ``""``."""


class _Unreadable(Exception):
    """Words that follow the file's path."""


def quoted(key: str) -> str:
    """A key as it is written in a name."""
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _stamp(value: Any) -> Stamp:
    return Stamp(scheme=1, body=fingerprint(_canonical(value)))


def _canonical(value: Any) -> str:
    """The order of keys says nothing."""
    return json.dumps(_marked(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)


def _marked(value: Any) -> Any:
    """A text that only its quotes make one differs from what it would be; no other value is touched."""
    if isinstance(value, Mapping):
        return {key: _marked(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_marked(part) for part in value]
    return f"\0{value}" if isinstance(value, _Quoted) else value


def _shown(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return ""
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= _SHOWN else ""


def _walk(value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every key with its value, outer ones first; the members of lists by their number."""
    level: list[tuple[tuple[str, ...], Any]] = [((), value)]
    count = 0
    for depth in range(DEEPEST + 1):
        deeper: list[tuple[tuple[str, ...], Any]] = []
        for keys, inner in level:
            pairs = inner.items() if isinstance(inner, Mapping) else enumerate(inner)
            for key, part in pairs:
                here = (*keys, quoted(str(key)))
                yield here, part
                if isinstance(part, Mapping | list):
                    deeper.append((here, part))
        count += len(deeper)
        if not deeper or count > MOST:
            return
        level = deeper
        if depth == DEEPEST:
            raise _Unreadable(": nested too deeply")


def _line(text: str, keys: tuple[str, ...]) -> int:
    """The line that a key most likely stands on, for a format whose reader does not tell."""
    last = keys[-1]
    plain = json.loads(last) if last.startswith('"') else last
    pattern = re.compile(
        rf"""^[ \t\[{{,-]*(?:[\w."' -]+\.)?["']?{re.escape(plain)}["']?\s*[\]=:.]""", re.MULTILINE
    )
    start = 0
    if len(keys) > 1:
        table = re.search(rf"^\s*\[+\s*{re.escape('.'.join(keys[:-1]))}\s*\]+", text, re.MULTILINE)
        start = table.end() if table else 0
    found = pattern.search(text, start) or pattern.search(text)
    return text.count("\n", 0, found.end() if found else 0) + 1


# ---------------------------------------------------------------------- the three formats

Lines = Mapping[tuple[str, ...], int]


def _read_toml(text: str) -> tuple[Any, Lines]:
    import tomllib

    try:
        return tomllib.loads(text), {}
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _Unreadable(f": {error}") from None


def _read_json(text: str) -> tuple[Any, Lines]:
    """JSON; comments and trailing commas of the kind that editors' settings have are tolerated."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise _Unreadable(f": the key {twice!r} is there twice")
        return found

    for attempt in (text, _without_comments(text)):
        try:
            value = json.loads(attempt, object_pairs_hook=once, parse_float=str)
        except json.JSONDecodeError as error:
            problem = f" line {error.lineno}: {error.msg}"
        except RecursionError:
            problem = ": nested too deeply"
        else:
            if not isinstance(value, dict | list):
                value = {}
            return value, {}
    raise _Unreadable(problem)


_JSONC = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/|,(?=\s*[}\]])', re.DOTALL)


def _without_comments(text: str) -> str:
    cleaned = _JSONC.sub(lambda m: m[0] if m[0][0] == '"' else "" if m[0] == "," else " ", text)
    return re.sub(r'("(?:\\.|[^"\\\n])*")|,(?=\s*[}\]])', lambda m: m[1] or "", cleaned)


def _read_yaml(text: str) -> tuple[Any, Lines]:
    """All scalars as text, so that ``on`` and ``1.10`` stay what they are; several documents are numbered.
    Whether those stand in quotes is kept."""
    import yaml

    lines: dict[tuple[str, ...], int] = {}
    try:
        loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
        documents = [_plain(node, (), lines, 0) for node in yaml.compose_all(text, Loader=loader) if node]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark is not None else ""
        raise _Unreadable(f"{where}: {getattr(error, 'problem', None) or 'not YAML'}") from None
    except RecursionError:
        raise _Unreadable(": nested too deeply") from None
    value = documents[0] if len(documents) == 1 else documents
    return (value if isinstance(value, dict | list) else {}), lines


def _plain(node: Any, keys: tuple[str, ...], lines: dict[tuple[str, ...], int], depth: int) -> Any:
    if depth > DEEPEST:
        raise _Unreadable(f" line {node.start_mark.line + 1}: nested too deeply")
    if node.id == "scalar":
        return _Quoted(node.value) if node.style in ("'", '"') and not _is_text(node.value) else node.value
    if node.id == "sequence":
        inside: list[Any] = []
        for number, part in enumerate(node.value):
            here = (*keys, str(number))
            lines[here] = part.start_mark.line + 1
            inside.append(_plain(part, here, lines, depth + 1))
        return inside
    found: dict[str, Any] = {}
    for key, part in node.value:
        name = key.value if key.id == "scalar" else str(key.start_mark.index)
        if name in found and name != "<<":
            raise _Unreadable(f" line {key.start_mark.line + 1}: the key {name!r} is there twice")
        here = (*keys, quoted(name))
        lines[here] = key.start_mark.line + 1
        found[name] = _plain(part, here, lines, depth + 1)
    return found


@cache
def _resolver() -> Any:
    import yaml

    return yaml.resolver.Resolver()


def _is_text(plain: str) -> bool:
    """Would it be a text without quotes?"""
    import yaml

    return str(_resolver().resolve(yaml.ScalarNode, plain, (True, False))).endswith(":str")


_READERS = {"TOML": _read_toml, "JSON": _read_json, "YAML": _read_yaml}

LANGUAGES: dict[str, Language] = {name: Keys(name) for name in _READERS}
