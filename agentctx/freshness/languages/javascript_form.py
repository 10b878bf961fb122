"""Where prettier rewrites JavaScript most: text between tags, casts, templates it lays out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from agentctx.freshness.languages.parts import CLOSE, OPEN, TEXT
from agentctx.freshness.languages.tables import Tables, these, unquote

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentctx.freshness.languages.tables import Slice

_LOW = these("|| && ?? | ^ & == != === !==")
_LAID_OUT = re.compile(r"(?:\beach|\b(?:css|gql|graphql|html))$")
_WHOLE = re.compile(r"[0-9]+\.0(?:e.*)?")
_SPACES = re.compile(r"[ \t\r\n]+")


def leaf(tables: Tables, kind: str, text: str, parent: str) -> str:
    """``5.`` and ``5.0`` are ``5``: there is one kind of number."""
    token = Tables.leaf(tables, kind, text, parent)
    return token.replace(".0", "", 1) if kind == "number" and _WHOLE.fullmatch(token) else token


def jsx(node: Node, slice: Slice) -> Iterator[Node | str]:
    """The parts of an element; text and ``{"text"}`` joined, white space as JSX reads it."""
    pieces: list[str] = []
    at = -1
    for child in node.children:
        is_tag = child.type in ("jsx_opening_element", "jsx_closing_element")
        if child.type in ("jsx_text", "html_character_reference"):
            continue
        if at >= 0 and child.start_byte > at:
            pieces.append(_jsx_text(slice(at, child.start_byte)))
        at = child.end_byte
        inside = child.named_children if child.type == "jsx_expression" else ()
        if len(inside) == 1 and inside[0].type == "string":
            pieces.append(unquote(slice(inside[0].start_byte, inside[0].end_byte)))
            continue
        if not is_tag and child.type == "jsx_expression" and all(c.type == "comment" for c in inside):
            continue
        text = _SPACES.sub(" ", "".join(pieces))
        pieces = []
        if text:
            yield TEXT + text
        yield child


def is_low(left: Node) -> bool:
    """Whether a cast binds to the right operand only, which the grammar does not know."""
    if left.type != "binary_expression":
        return False
    operator = left.child_by_field_name("operator")
    return operator is not None and operator.type in _LOW


def cast(node: Node) -> Iterator[Node | str]:
    """``a || b as T`` is ``a || (b as T)``."""
    depth = 1
    left = node.named_children[0]
    while is_low(left):
        yield OPEN
        yield from left.children[:-1]
        left = left.children[-1]
        depth += 1
    yield OPEN
    yield left
    yield from (c for c in node.children[1:])
    yield from [CLOSE] * depth


def is_laid_out(node: Node, slice: Slice) -> bool:
    """Whether a formatter lays out the text of this template (tables of cases, style sheets, queries)."""
    call = node.parent
    tag = (
        call.child_by_field_name("function") if call is not None and call.type == "call_expression" else None
    )
    return tag is not None and bool(_LAID_OUT.search(slice(tag.start_byte, tag.end_byte)[-40:]))


def collapsed(node: Node, slice: Slice) -> Iterator[Node | str]:
    for child in node.children:
        if child.type == "string_fragment":
            yield TEXT + _SPACES.sub(" ", slice(child.start_byte, child.end_byte))
        else:
            yield child


def _jsx_text(text: str) -> str:
    """Spaces at a line break say nothing, a line break between words is a space."""
    words = _SPACES.sub(" ", text).strip(" ")
    before = text[: len(text) - len(text.lstrip(" \t\r\n"))]
    after = text[len(text.rstrip(" \t\r\n")) :]
    if not words:
        return " " if text and "\n" not in text else ""
    head = " " if before and "\n" not in before else ""
    tail = " " if after and "\n" not in after else ""
    return head + words + tail
