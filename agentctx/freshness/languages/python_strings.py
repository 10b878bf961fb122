"""Strings of Python as a grammar cuts them: plain, formatted and templates, neighbours joined."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from agentctx.freshness.languages.python_newer import Interpolation, TemplateStr

if TYPE_CHECKING:
    from tree_sitter import Node

    Expression = Callable[[Node], ast.expr]

_ESCAPE = re.compile(
    r"\\(?:\n|[\\'\"abfnrtv]|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]+\})"
)
_FIELDS = frozenset({"interpolation", "format_expression"})


class Strings:
    """Reads the strings of one file; ``expression`` reads what stands in their fields."""

    def __init__(self, source: bytes, expression: Expression) -> None:
        self._source = source
        self._expression = expression

    def joined(self, nodes: list[Node]) -> ast.expr:
        """The value of string literals that stand side by side. Raises ValueError or SyntaxError."""
        values = [self._value(node) for node in nodes]
        texts = [value.value for value in values if isinstance(value, ast.Constant)]
        if len(texts) < len(values):
            made = TemplateStr if isinstance(values[0], TemplateStr) else ast.JoinedStr
            parts = [p for v in values for p in (getattr(v, "values", None) or [v])]
            whole: ast.expr = made(values=parts)
            return whole
        if all(isinstance(text, bytes) for text in texts):
            return ast.Constant(value=b"".join(text for text in texts if isinstance(text, bytes)))
        return ast.Constant(value="".join(str(text) for text in texts))

    def _value(self, node: Node) -> ast.expr:
        start, end = node.children[0], node.children[-1]
        prefix = self._text(start.start_byte, start.end_byte).rstrip("\"'").lower()
        if not set(prefix) & {"f", "t"}:
            return ast.Constant(value=ast.literal_eval(self._text(node.start_byte, node.end_byte)))
        is_template = "t" in prefix
        values = list(self._pieces(node, start.end_byte, end.start_byte, "r" in prefix, is_template))
        whole: ast.expr = (TemplateStr if is_template else ast.JoinedStr)(values=values)
        return whole

    def _pieces(self, node: Node, start: int, end: int, raw: bool, template: bool) -> Iterator[ast.expr]:
        """Texts and fields in turn, from byte ``start`` to byte ``end``."""
        for field in (child for child in node.named_children if child.type in _FIELDS):
            yield ast.Constant(value=self._plain(start, field.start_byte, raw))
            yield from self._field(field, raw, template)
            start = field.end_byte
        yield ast.Constant(value=self._plain(start, end, raw))

    def _field(self, field: Node, raw: bool, template: bool) -> Iterator[ast.expr]:
        inner = field.child_by_field_name("expression")
        if inner is None:
            raise ValueError("a field without an expression")
        conversion, spec = -1, None
        for child in field.children:
            if child.type == "type_conversion":
                conversion = ord(self._text(child.start_byte, child.end_byte).strip()[-1])
            elif child.type == "format_specifier":
                spec = ast.JoinedStr(
                    values=list(self._pieces(child, child.start_byte + 1, child.end_byte, raw, False))
                )
            elif child.type == "=":
                after = child.next_sibling
                until = after.start_byte if after is not None else child.end_byte
                yield ast.Constant(value=self._text(field.start_byte + 1, until))
                conversion = ord("r")
        if conversion == ord("r") and spec is not None and not _converted(field):
            conversion = -1
        value = self._expression(inner)
        if template:
            yield Interpolation(value=value, str="", conversion=conversion, format_spec=spec)
        else:
            yield ast.FormattedValue(value=value, conversion=conversion, format_spec=spec)

    def _plain(self, start: int, end: int, raw: bool) -> str:
        text = self._text(start, end)
        if not raw:
            text = _ESCAPE.sub(lambda found: _unescaped(found[0]), text)
        return text.replace("{{", "{").replace("}}", "}")

    def _text(self, start: int, end: int) -> str:
        return self._source[start:end].decode("utf-8", "replace")


def _converted(field: Node) -> bool:
    return any(child.type == "type_conversion" for child in field.children)


def _unescaped(escape: str) -> str:
    return str(ast.literal_eval(f'"{escape}"'))
