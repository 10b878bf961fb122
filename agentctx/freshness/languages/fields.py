"""Which type a field, a variable or the result of a function has, as it is written there.

Only what is declared or constructed in place counts: nothing is inferred. Where several types are possible
there is none.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentctx.freshness.languages.tables import Text

LONGEST = 200
"""Bytes of a type that are looked at."""
_DECLARED = ("type", "result", "return_type")
_AROUND = frozenset({"field_declaration", "constant_declaration"})
"""Of several variables the type stands once (Java)."""
_BEFORE = re.compile(r"[:*&\s]+|'\w+\s+|(?:mut|dyn|readonly|final)\s+")
_POINTER = re.compile(r"(?:\w+::)*(?:Box|Rc|Arc)\s*<(.*)>", re.DOTALL)
_BASIC = re.compile(
    "any|bool|boolean|bytes?|char|double|error|float|int|int32|int64|long|None|number|str|string|String"
    "|uint|unknown|void|i32|i64|u8|u16|u32|u64|usize"
)
"""No file of a repository defines these."""
_BUILT_IN = frozenset({"Any", "bytearray", "dict", "frozenset", "list", "object", "set", "tuple", "type"})
"""Of Python, beside those."""
_ABSENT = frozenset({"null", "undefined", "None"})
_ARGUMENTS = re.compile(r"<.*>$|\[.+\]$", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*")


def declared(node: Node, around: Node, text: Text) -> str:
    """The type of what a node defines: its own, that of the declaration around it, or what it is set to."""
    value = node.child_by_field_name("value")
    for name in _DECLARED:
        for part in (node, around if around.type in _AROUND else None, value):
            found = part.child_by_field_name(name) if part is not None else None
            if found is not None:
                return _plain(found, text)
    return made(value, text)


def made(value: Node | None, text: Text) -> str:
    """The type that an expression makes a new object of; empty for any other."""
    name = value.child_by_field_name("constructor") if value is not None else None
    return _plain(name, text) if name is not None else ""


def of_constructor(node: Node, text: Text) -> Iterator[tuple[str, str]]:
    """(field, type) that a constructor of TypeScript or JavaScript gives its class: parameters with a
    modifier, and what is set to a new object."""
    parameters, body = node.child_by_field_name("parameters"), node.child_by_field_name("body")
    for part in parameters.named_children if parameters is not None else ():
        name, kind = part.child_by_field_name("pattern"), part.child_by_field_name("type")
        has_modifier = any(c.type in ("accessibility_modifier", "readonly") for c in part.children)
        if has_modifier and name is not None and kind is not None:
            yield text(name), _plain(kind, text)
    for statement in body.named_children if body is not None else ():
        inner = statement.named_children[0] if statement.type == "expression_statement" else None
        left = inner.child_by_field_name("left") if inner is not None else None
        if inner is not None and left is not None and text(left).startswith("this."):
            yield text(left).removeprefix("this."), made(inner.child_by_field_name("right"), text)


def _plain(node: Node, text: Text) -> str:
    return plain(text(node)) if node.end_byte - node.start_byte <= LONGEST else ""


def plain(written: str) -> str:
    """The dotted name of the one type that a text means; empty when it is none, or several.

    What points to an object without being asked is that object: ``*Store``, ``&Store``, ``Arc<Store>``.
    """
    before = ""
    while before != written:
        before = written
        start = _BEFORE.match(written)
        written = (written[start.end() :] if start else written).strip()
        pointer = _POINTER.fullmatch(written)
        written = pointer[1] if pointer else written
    parts = [part.strip() for part in written.split("|") if part.strip() not in _ABSENT]
    name = _ARGUMENTS.sub("", parts[0]).replace("::", ".").strip() if len(parts) == 1 else ""
    return name if _NAME.fullmatch(name) and not _BASIC.fullmatch(name) else ""


def of_statement(node: ast.stmt) -> str:
    """The type of the name that a statement of Python gives a value, of a function that of its result."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return _annotated(node.returns)
    return _of_value(node, {}) if isinstance(node, ast.Assign | ast.AnnAssign) else ""


def of_init(node: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """(attribute, type) of what ``__init__`` gives ``self``."""
    given: dict[str, str] | None = None
    for statement in _statements(node.body):
        if not isinstance(statement, ast.Assign | ast.AnnAssign):
            continue
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            if isinstance(target, ast.Attribute) and dotted(target.value) == "self":
                if given is None:
                    parameters = (*node.args.args, *node.args.kwonlyargs)
                    given = {parameter.arg: _annotated(parameter.annotation) for parameter in parameters}
                yield target.attr, _of_value(statement, given)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements, those inside others too, whatever is done in their expressions."""
    pending = body[::-1]
    while pending:
        statement = pending.pop()
        yield statement
        for name in ("finalbody", "orelse", "cases", "handlers", "body"):
            for inner in reversed(getattr(statement, name, ())):
                pending += inner.body[::-1] if isinstance(inner, _BRANCHES) else (inner,)


_BRANCHES = (ast.ExceptHandler, ast.match_case)


def _of_value(statement: ast.Assign | ast.AnnAssign, given: dict[str, str]) -> str:
    if isinstance(statement, ast.AnnAssign):
        return _annotated(statement.annotation)
    value = statement.value
    if isinstance(value, ast.Call):
        return _known(dotted(value.func)) if isinstance(value.func, ast.Name | ast.Attribute) else ""
    return given.get(value.id, "") if isinstance(value, ast.Name) else ""


def _annotated(annotation: ast.expr | None) -> str:
    """``B``, ``"B"``, ``B | None``, ``Optional[B]``, ``B[int]``; empty for several types and for none."""
    if isinstance(annotation, ast.Constant):
        return plain(annotation.value) if isinstance(annotation.value, str) else ""
    if isinstance(annotation, ast.BinOp):
        sides = [side for side in (annotation.left, annotation.right) if not _is_none(side)]
        return _annotated(sides[0]) if len(sides) == 1 else ""
    if isinstance(annotation, ast.Subscript) and dotted(annotation.value).endswith("Optional"):
        return _annotated(annotation.slice)
    return _known(dotted(annotation)) if annotation is not None else ""


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _known(name: str) -> str:
    return "" if name in _BUILT_IN or _BASIC.fullmatch(name) else name


def dotted(node: ast.expr) -> str:
    """A plain name with what is taken from it, without type arguments; empty for any other expression."""
    if isinstance(node, ast.Subscript):
        return dotted(node.value)
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return node.id if isinstance(node, ast.Name) else ""
