"""Python that the running interpreter refuses: code of a newer Python, and what is whole in a broken file.

A grammar reads newer code into the tree that the newer Python would make. In a broken file the lines on which
it breaks are left out, until the rest can be read; definitions around them are not judged.
"""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agentctx.freshness.languages.python_nodes import Unreadable
from agentctx.freshness.languages.python_tree import Statements
from agentctx.freshness.languages.treesitter import parser_of, plain_bytes

if TYPE_CHECKING:
    from tree_sitter import Node

_MOST_HOLES = 12
_MARKER = re.compile(rb"(<{7}|={7}|>{7}|[|]{7})( |\r?$)")
"""A line that a merge left behind."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Lines that were left out."""

    lines: range
    """One-based."""
    begins: str
    """The first character there."""

    def hurts(self, start: int, end: int) -> bool:
        """Was it a part of the definition from line ``start`` to line ``end``, or may it have been?"""
        if start <= self.lines.start <= end:
            return True
        is_decorator, is_torn = self.begins == "@", not (self.begins.isalnum() or self.begins in "_@")
        return (start == self.lines.stop and (is_decorator or is_torn)) or (
            end + 1 == self.lines.start and is_torn
        )


@dataclass(frozen=True, slots=True)
class Recovered:
    """A syntax tree, and what of it cannot be judged."""

    tree: ast.Module
    damaged: Mapping[ast.AST, int]
    """A statement that is not as it was written -> one-based line of the error in it or beside it."""
    holes: Sequence[Hole] = ()
    line: int = 0
    """One-based line of the first error in the file; 0 without any."""

    def damage(self, nodes: Iterable[ast.stmt]) -> int:
        """One-based line of the first error in statements; 0 where all of them are whole."""
        found = 0
        for node in nodes:
            decorators: list[ast.expr] = getattr(node, "decorator_list", [])
            start, end = min([node.lineno, *(d.lineno for d in decorators)]), node.end_lineno or node.lineno
            inside = [hole.lines.start for hole in self.holes if hole.hurts(start, end)]
            found = found or self.damaged.get(node, 0) or min(inside, default=0)
        return found


def recover(source: bytes) -> Recovered:
    """Read a file that ``ast`` refuses. Raises ImportError without the grammar, ``Unreadable`` when nothing
    is whole."""
    data = _utf8(source)
    root = _parsed(data)
    if not root.has_error:
        return _converted(data, root)
    return _with_holes(data) or _converted(data, root)


def _parsed(data: bytes) -> Node:
    return parser_of("tree_sitter_python", "language").parse(data).root_node


def _converted(data: bytes, root: Node) -> Recovered:
    if root.type == "ERROR":
        raise Unreadable(root.type)
    statements = Statements(data)
    body = statements.block(root)
    return Recovered(ast.Module(body=body, type_ignores=[]), statements.damaged, line=statements.line)


def _with_holes(data: bytes) -> Recovered | None:
    """The file without the lines on which it breaks; None when it still does after some."""
    whole = data.split(b"\n")
    lines, holes = list(whole), list[Hole]()
    first = 0
    for _ in range(_MOST_HOLES):
        text = b"\n".join(lines)
        try:
            return Recovered(ast.parse(text), {}, holes, first)
        except SyntaxError as error:
            line = error.lineno or 1
        except (ValueError, RecursionError, MemoryError):
            return None
        root = _parsed(text) if holes else None
        if root is not None and not root.has_error:
            return replace(_converted(text, root), holes=holes, line=first)
        first = first or line
        hole = _hole(lines, line, holes)
        if hole is None:
            return None
        for at in hole.lines:
            lines[at - 1] = b""
        begin = whole[hole.lines.start - 1]
        if hole.begins != "<":
            lines[hole.lines.start - 1] = begin[: len(begin) - len(begin.lstrip())] + b"pass"
        holes.append(hole)
    return None


def _hole(lines: Sequence[bytes], line: int, holes: Sequence[Hole]) -> Hole | None:
    """A line with all that is deeper below it. Where it is left out already, the decorator above; else what
    it stands in; else what stands before it."""
    at = min(line, len(lines))
    while at > 0 and not lines[at - 1].strip():
        at -= 1
    if _is_in(at, holes):
        margin = _margin(lines[at - 1])
        above = [n for n in range(at - 1, 0, -1) if lines[n - 1].strip() and not _is_in(n, holes)]
        is_decorated = above and lines[above[0] - 1].startswith(lines[at - 1][:margin] + b"@")
        limit = margin if is_decorated else max(0, margin - 1)
        at = next((n for n in above if _margin(lines[n - 1]) <= limit), 0)
    if at <= 0:
        return None
    if _MARKER.match(lines[at - 1]):
        return Hole(range(at, at + 1), "<")
    margin, end = _margin(lines[at - 1]), at + 1
    while end <= len(lines) and (not lines[end - 1].strip() or _margin(lines[end - 1]) > margin):
        end += 1
    return Hole(range(at, end), lines[at - 1].strip()[:1].decode("latin-1"))


def _is_in(line: int, holes: Sequence[Hole]) -> bool:
    return any(line in hole.lines for hole in holes)


def _margin(line: bytes) -> int:
    return len(line.expandtabs()) - len(line.expandtabs().lstrip())


def _utf8(source: bytes) -> bytes:
    """The text as Python would read it, by its mark or its coding line. Raises ``Unreadable``."""
    try:
        encoding, _ = tokenize.detect_encoding(iter(source.splitlines(keepends=True)).__next__)
        text = source.decode(encoding)
    except (SyntaxError, LookupError, ValueError):
        raise Unreadable("encoding") from None
    if "\0" in text:
        raise Unreadable("zero byte")
    return plain_bytes(text.encode())
