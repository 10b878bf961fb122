"""The value of a Python constant in one spelling: ``900`` for ``15 * 60``, ``"a"`` for ``'a'``."""

from __future__ import annotations

import ast
import json
import operator
from collections.abc import Callable

LONGEST = 200
"""Characters; a longer value is compared by its syntax and not shown."""
_LARGEST = 10**18

_OPERATORS: dict[type[ast.operator], Callable[[int | float, int | float], int | float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


def literal(node: ast.expr) -> str:
    """The value as text, or empty when it is no literal or too long to show."""
    try:
        text = _text(node, 0)
    except (_NoLiteral, ArithmeticError):
        return ""
    return text if len(text) <= LONGEST else ""


class _NoLiteral(Exception):
    """The expression has a part that only running it could tell."""


def _text(node: ast.expr, depth: int) -> str:
    if depth > 8:
        raise _NoLiteral
    if isinstance(node, ast.Constant):
        return _constant(node.value)
    if isinstance(node, ast.Tuple):
        items = [_text(e, depth + 1) for e in node.elts]
        return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
    if isinstance(node, ast.List):
        return f"[{', '.join(_text(e, depth + 1) for e in node.elts)}]"
    if isinstance(node, ast.Set):
        return f"{{{', '.join(sorted(_text(e, depth + 1) for e in node.elts))}}}"
    if isinstance(node, ast.Dict):
        pairs = [(_text(k, depth + 1) if k else "**", v) for k, v in zip(node.keys, node.values, strict=True)]
        return f"{{{', '.join(f'{k}: {_text(v, depth + 1)}' for k, v in pairs)}}}"
    return _constant(_number(node, depth))


def _number(node: ast.expr, depth: int) -> int | float:
    """Plain arithmetic of numbers, kept small."""
    if depth > 8:
        raise _NoLiteral
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        value: int | float = node.value  # type: ignore[assignment]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = -_number(node.operand, depth + 1)
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _number(node.left, depth + 1), _number(node.right, depth + 1)
        value = _OPERATORS[type(node.op)](left, right)
    else:
        raise _NoLiteral
    if abs(value) > _LARGEST:
        raise _NoLiteral
    return value


def _constant(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST:
        return hex(value)
    return "..." if value is Ellipsis else repr(value)
