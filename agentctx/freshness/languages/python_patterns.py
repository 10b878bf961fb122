"""Patterns of ``match`` as a grammar reads them, written as the standard library's syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from agentctx.freshness.languages.python_expressions import Expressions
from agentctx.freshness.languages.python_nodes import Unreadable, inner

if TYPE_CHECKING:
    from tree_sitter import Node

_SINGLE = {"none": None, "true": True, "false": False}
_VALUES = frozenset({"integer", "float", "string", "concatenated_string"})


def pattern(node: Node, values: Expressions) -> ast.pattern:
    """One pattern. Raises ``Unreadable``."""
    parts = inner(node)
    match node.type:
        case "case_pattern":
            return _around(node, values)
        case "dotted_name":
            return _dotted(values.text(node))
        case "as_pattern":
            return ast.MatchAs(pattern=pattern(parts[0], values), name=values.text(parts[-1]))
        case "list_pattern" | "tuple_pattern":
            inside = [pattern(part, values) for part in parts]
            is_group = node.type == "tuple_pattern" and len(inside) == 1 and "," not in _tokens(node)
            return inside[0] if is_group else ast.MatchSequence(patterns=inside)
        case "union_pattern":
            return ast.MatchOr(patterns=_alternatives(node.children, values))
        case "splat_pattern":
            name = values.text(parts[0]) if parts else "_"
            return ast.MatchStar(name=None if name == "_" else name)
        case "dict_pattern":
            return _mapping(node, values)
        case "class_pattern":
            return _class(node, values)
        case "complex_pattern":
            return ast.MatchValue(value=ast.parse(values.text(node), mode="eval").body)
        case kind if kind in _SINGLE:
            return ast.MatchSingleton(value=_SINGLE[kind])
        case kind if kind in _VALUES:
            return ast.MatchValue(value=values.read(node))
    raise Unreadable(node.type)


def _around(node: Node, values: Expressions) -> ast.pattern:
    parts, tokens = inner(node), _tokens(node)
    if not parts:
        return ast.MatchAs()
    if "-" in tokens:
        return ast.MatchValue(value=ast.UnaryOp(op=ast.USub(), operand=values.read(parts[-1])))
    return pattern(parts[0], values)


def _alternatives(nodes: Sequence[Node], values: Expressions) -> list[ast.pattern]:
    made: list[ast.pattern] = []
    is_negative = False
    for child in nodes:
        if child.type == "-":
            is_negative = True
        elif child.type == "_":
            made.append(ast.MatchAs())
        elif child.is_named and child.type != "comment":
            number = ast.UnaryOp(op=ast.USub(), operand=values.read(child)) if is_negative else None
            made.append(ast.MatchValue(value=number) if number else pattern(child, values))
            is_negative = False
    return made


def _mapping(node: Node, values: Expressions) -> ast.pattern:
    keys: list[ast.expr] = []
    patterns = []
    rest = None
    for part in inner(node):
        if part.type == "splat_pattern":
            rest = values.text(inner(part)[0])
    for key, value in zip(
        node.children_by_field_name("key"), node.children_by_field_name("value"), strict=True
    ):
        read = pattern(key, values)
        if isinstance(read, ast.MatchSingleton):
            keys.append(ast.Constant(value=read.value))
        elif isinstance(read, ast.MatchValue):
            keys.append(read.value)
        else:
            raise Unreadable(key.type)
        patterns.append(pattern(value, values))
    return ast.MatchMapping(keys=keys, patterns=patterns, rest=rest)


def _class(node: Node, values: Expressions) -> ast.pattern:
    name, *parts = inner(node)
    made = ast.MatchClass(cls=_chain(values.text(name)), patterns=[], kwd_attrs=[], kwd_patterns=[])
    for part in parts:
        inside, bound = _inside(part), ""
        if inside.type == "as_pattern" and _inside(inner(inside)[0]).type == "keyword_pattern":
            bound = values.text(inner(inside)[-1])  # `rate=0.5 as rate`
            inside = _inside(inner(inside)[0])
        if inside.type == "keyword_pattern":
            value = _keyword(inside, values)
            made.kwd_attrs.append(values.text(inner(inside)[0]))
            made.kwd_patterns.append(ast.MatchAs(pattern=value, name=bound) if bound else value)
        else:
            made.patterns.append(pattern(part, values))
    return made


def _inside(part: Node) -> Node:
    return inner(part)[0] if part.type == "case_pattern" and inner(part) else part


def _keyword(node: Node, values: Expressions) -> ast.pattern:
    """What stands behind the ``=``."""
    sign = next((at for at, child in enumerate(node.children) if child.type == "="), 0)
    found = _alternatives(node.children[sign + 1 :], values)
    return found[0] if found else ast.MatchAs()


def _dotted(text: str) -> ast.pattern:
    if "." in text:
        return ast.MatchValue(value=_chain(text))
    return ast.MatchAs(name=None if text == "_" else text)


def _chain(text: str) -> ast.expr:
    first, *others = text.split(".")
    made: ast.expr = ast.Name(id=first.strip(), ctx=ast.Load())
    for word in others:
        made = ast.Attribute(value=made, attr=word.strip(), ctx=ast.Load())
    return made


def _tokens(node: Node) -> set[str]:
    return {child.type for child in node.children}
