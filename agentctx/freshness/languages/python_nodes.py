"""The parts of a node of Python's grammar."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

BETWEEN = frozenset({"comment", "line_continuation"})
"""What may stand anywhere and says nothing."""


class Unreadable(Exception):
    """Code that is no Python, or of a kind that this reader does not know."""


def inner(node: Node) -> list[Node]:
    """The named parts of a node, comments aside."""
    return [child for child in node.named_children if child.type not in BETWEEN]


def part_of(node: Node, name: str) -> Node:
    """The part of this name. Raises ``Unreadable`` without one."""
    found = node.child_by_field_name(name)
    if found is None:
        raise Unreadable(node.type)
    return found


def has(node: Node, token: str) -> bool:
    """Whether this token stands directly in a node."""
    return any(child.type == token for child in node.children)
