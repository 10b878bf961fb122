"""What ``gofmt -s`` takes out of Go code because it says nothing; with it the code is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentctx.freshness.languages.tables import Slice

ELIDED = frozenset({"composite_literal", "unary_expression"})
"""Nodes that may repeat the type of an element."""
_ITEMS = frozenset({"slice_type", "array_type", "implicit_length_array_type"})


def simplified(node: Node, kind: str, slice: Slice) -> list[Node]:
    """The parts of a node that mean something."""
    parts = node.children
    if kind in ELIDED:
        return _literal(node).children[-1:] if is_elided(node) else parts
    if kind == "expression_list":
        is_blank = slice(parts[-1].start_byte, parts[-1].end_byte) == "_" and _is_in_range(node)
        return parts[:-2] if is_blank and len(parts) > 2 else parts
    if kind == "range_clause":
        left = node.child_by_field_name("left")
        is_blank = left is not None and not slice(left.start_byte, left.end_byte).strip("_, \t\n")
        return (
            [part for part in parts if part.type not in (":=", "=") and part != left] if is_blank else parts
        )
    if kind == "slice_expression" and _is_whole(node, slice):
        return [part for part in parts if part != node.child_by_field_name("end")]
    return parts


def is_elided(node: Node) -> bool:
    """Is it an element of a list or a map, of the very type that the literal around it says?"""
    place = node.parent
    if place is None or place.type != "literal_element":
        return False
    literal = _literal(node)
    if literal.type != "composite_literal" or (literal is not node and node.children[0].type != "&"):
        return False
    own, expected = literal.child_by_field_name("type"), _element_type(place)
    mark = b"*" if literal is not node else b""
    return own is not None and expected is not None and mark + _plain(own) == _plain(expected)


def _literal(node: Node) -> Node:
    return node if node.type == "composite_literal" else node.children[-1]


def _element_type(element: Node) -> Node | None:
    """The type that an element has by the literal around it; None when that does not say it."""
    holder, field = element.parent, "value"
    if holder is not None and holder.type == "keyed_element":
        field = "key" if holder.children[0] == element else "value"
        holder = holder.parent
    owner = holder.parent if holder is not None else None
    if owner is None:
        return None
    is_plain = owner.type == "composite_literal"
    around = owner.child_by_field_name("type") if is_plain else _element_type(owner)
    if around is not None and around.type == "map_type":
        return around.child_by_field_name(field)
    return around.child_by_field_name("element") if around is not None and around.type in _ITEMS else None


def _plain(node: Node) -> bytes:
    return b"".join((node.text or b"").split())


def _is_in_range(node: Node) -> bool:
    clause = node.parent
    return clause is not None and clause.type == "range_clause"


def _is_whole(node: Node, slice: Slice) -> bool:
    """``a[i:len(a)]`` of a plain name."""
    operand, end = node.child_by_field_name("operand"), node.child_by_field_name("end")
    if operand is None or end is None or operand.type != "identifier" or node.child_by_field_name("capacity"):
        return False
    written = "".join(slice(end.start_byte, end.end_byte).split())
    return written == f"len({slice(operand.start_byte, operand.end_byte)})"
