"""The normal form of Python code: one text per meaning, the same on every interpreter from 3.11 on.

It is written from the syntax tree, node by node, with empty fields left out, so that a field which a later
Python adds changes nothing for code that does not use it. Positions, quotes, comments, spellings of numbers
and strings, ``pass``, bare strings and the order of imports and of methods are not in it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agentctx.freshness.languages.python_newer import Interpolation, TemplateStr

Part = ast.AST | str | int | None
"""A node to write, a text to write as it is, or a step into (+1) or out of (-1) an annotation."""

_SKIPPED = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_BLOCKS = frozenset({"body", "orelse", "finalbody"})
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SIGNS = frozenset(
    {*ast.operator.__subclasses__(), *ast.unaryop.__subclasses__(), *ast.boolop.__subclasses__()}
)
"""Nodes without fields: operators."""
_fields: dict[type[ast.AST], tuple[tuple[str, str], ...]] = {}
"""The fields of a kind of node that are written, with how each begins."""


@dataclass(frozen=True, slots=True)
class Names:
    """How the names that belong to a symbol itself are written, so that a rename alone changes nothing."""

    variables: Mapping[str, str] = field(default_factory=dict)
    """A variable of this name -> its placeholder (a function calling itself, a class naming itself)."""
    members: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(receiver, attribute) -> placeholder (a method calling itself)."""
    strings: Mapping[str, str] = field(default_factory=dict)
    """A string that is exactly this text -> placeholder (quoted annotations)."""


class Writer:
    """Writes nodes one after another and remembers what they mention on the way."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.docs: list[str] = []
        """Docstrings and other bare strings, in order."""
        self.references: set[str] = set()
        """Names read or called, dotted as far as they are plain (``mod.helper``, ``self.rate``)."""
        self.members: set[str] = set()
        """Names of attributes and of arguments given by name."""
        self.types: set[str] = set()
        """Names read in annotations."""
        self.bound: set[str] = set()
        """Names given a value inside: parameters, assignments, handlers."""
        self._annotation = 0

    def write(self, parts: Iterable[Part]) -> str:
        """The normal form of the parts in order. Walks with a stack of its own: depth is no limit."""
        out: list[str] = []
        stack: list[Part] = list(parts)[::-1]
        while stack:
            item = stack.pop()
            kind = type(item)
            if kind is str:
                out.append(item)  # type: ignore[arg-type]
            elif kind is int:
                self._annotation += item  # type: ignore[operator]
            elif item is None:
                out.append("_")
            else:
                inner = _SPECIAL.get(kind, Writer._plain)(self, item)  # type: ignore[arg-type]
                inner.reverse()
                stack += inner
        return "".join(out)

    def _plain(self, node: ast.AST) -> list[Part]:
        kind = type(node)
        fields = _fields.get(kind)
        if fields is None:
            names = [name for name in kind._fields if name not in _SKIPPED]
            fields = _fields[kind] = tuple((name, f" {name}=") for name in names)
        parts: list[Part] = ["(" + kind.__name__]
        for name, written in fields:
            value = getattr(node, name, None)
            if value is None:
                continue
            if isinstance(value, ast.AST):
                if type(value) not in _SIGNS:
                    parts += (written, value)
                else:
                    parts.append(f"{written}({type(value).__name__})")
            elif isinstance(value, list):
                parts += self._list(name, value) if value else ()
            else:
                parts.append(written + scalar(value))
        parts.append(")")
        return parts

    def _list(self, name: str, values: list[ast.AST | str | None]) -> list[Part]:
        if name in _BLOCKS:
            return self.block(values, name)
        written: list[Part] = [f" {name}=["]
        for value in values:
            written.append(scalar(value) if isinstance(value, str) else value)
            written.append(",")
        written.append("]")
        return written

    def block(self, statements: Iterable[ast.AST | str | None], name: str = "body") -> list[Part]:
        """Statements without those that do nothing, imports of a run as a sorted set."""
        parts: list[Part] = []
        imports: set[str] = set()
        for statement in statements:
            if isinstance(statement, ast.Pass) or self._is_bare_constant(statement):
                continue
            if isinstance(statement, ast.Import | ast.ImportFrom):
                imports.update(imported(statement))
                continue
            if imports:
                parts += sorted(imports)
                imports = set()
            parts.append(statement)
        parts += sorted(imports)
        return [f" {name}=[", *parts, "]"] if parts else []

    def _is_bare_constant(self, statement: ast.AST | str | None) -> bool:
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            return False
        if isinstance(statement.value.value, str):
            self.docs.append(statement.value.value)
        return True

    def _definition(self, node: ast.AST) -> list[Part]:
        """A definition inside another one. Methods are written by name: their order means nothing."""
        assert isinstance(node, _DEFINITIONS)
        self.bound.add(node.name)
        return [f"({type(node).__name__} {node.name}", *signature(node), *self.inside(node), ")"]

    def inside(self, node: ast.AST) -> list[Part]:
        """The body of a definition or a module."""
        body: list[ast.stmt] = getattr(node, "body", [])
        if isinstance(node, ast.Module):
            body = [s for s in body if not isinstance(s, _DEFINITIONS)] + _by_name(body, _DEFINITIONS)
        elif isinstance(node, ast.ClassDef):
            body = [s for s in body if not isinstance(s, _FUNCTIONS)] + _by_name(body, _FUNCTIONS)
        # docstrings are met in the order in which the definitions are written
        return self.block(body)

    def _name(self, node: ast.AST) -> list[Part]:
        assert isinstance(node, ast.Name)
        if isinstance(node.ctx, ast.Load):
            self._refer(node.id)
        else:
            self.bound.add(node.id)
        return ["'", self.names.variables.get(node.id, node.id)]

    def _attribute(self, node: ast.AST) -> list[Part]:
        assert isinstance(node, ast.Attribute)
        words = [node.attr]
        value = node.value
        while isinstance(value, ast.Attribute):
            words.append(value.attr)
            value = value.value
        self.members.update(words)
        base: list[Part] = [value]
        if isinstance(value, ast.Name):
            placeholder = self.names.members.get((value.id, words[-1]))
            if placeholder is not None:
                base, words = [placeholder], words[:-1]
            else:
                self._refer(".".join([value.id, *words[::-1]]))
                base = ["'", self.names.variables.get(value.id, value.id)]
        elif _is_super(value):
            self._refer(f"super.{words[-1]}")
        return [*base, *(f".{word}" for word in words[::-1])]

    def _refer(self, name: str) -> None:
        (self.types if self._annotation else self.references).add(name)

    def _constant(self, node: ast.AST) -> list[Part]:
        assert isinstance(node, ast.Constant)
        if isinstance(node.value, str) and node.value in self.names.strings:
            return [self.names.strings[node.value]]
        return [scalar(node.value)]

    def _keyword(self, node: ast.AST) -> list[Part]:
        assert isinstance(node, ast.keyword)
        self.members.update([node.arg] if node.arg else ())
        return self._plain(node)

    def _joined(self, node: ast.AST) -> list[Part]:
        """A formatted string: neighbouring texts are one, a text without fields is a plain string.

        A template is never one; how the expression in a field of it is spelt is no part of it.
        """
        parts: list[Part] = []
        text = ""
        for value in _flat(node):
            if isinstance(value, ast.Constant):
                text += str(value.value)
                continue
            if text:
                parts.append(scalar(text))
            text = ""
            parts.append(value)
        is_template = isinstance(node, TemplateStr)
        if not parts and not is_template:
            return [scalar(text)]
        return ["(t" if is_template else "(f", *parts, *([scalar(text)] if text else []), ")"]

    def _formatted(self, node: ast.AST) -> list[Part]:
        assert isinstance(node, ast.FormattedValue | Interpolation)
        empty = node.format_spec is None or not any(
            not isinstance(v, ast.Constant) or v.value for v in _flat(node.format_spec)
        )
        spec: list[Part] = [] if empty else [":", node.format_spec]
        return ["{", node.value, f"!{node.conversion}", *spec, "}"]

    def _argument(self, node: ast.AST) -> list[Part]:
        assert isinstance(node, ast.arg)
        self.bound.add(node.arg)
        return [f"(arg {node.arg}", *annotation(node.annotation), ")"]

    def _annotated(self, node: ast.AST) -> list[Part]:
        assert isinstance(node, ast.AnnAssign)
        value: list[Part] = [" =", node.value] if node.value else []
        return ["(AnnAssign ", node.target, *annotation(node.annotation), *value, ")"]

    def _delete(self, node: ast.AST) -> list[Part]:
        assert isinstance(node, ast.Delete)
        targets: list[ast.expr] = []
        pending = list(node.targets)[::-1]
        while pending:
            target = pending.pop()
            if isinstance(target, ast.Tuple):
                pending.extend(target.elts[::-1])
            else:
                targets.append(target)
        return ["(Delete", *(part for target in targets for part in (" ", target)), ")"]

    def _capture(self, node: ast.AST) -> list[Part]:
        name = getattr(node, "name", None) or getattr(node, "rest", None)
        if name:
            self.bound.add(name)
        return self._plain(node)

    def _declared(self, node: ast.AST) -> list[Part]:
        assert isinstance(node, ast.Global | ast.Nonlocal)
        return [f"({type(node).__name__} {' '.join(sorted(node.names))})"]

    def _import(self, node: ast.AST) -> list[Part]:
        assert isinstance(node, ast.Import | ast.ImportFrom)
        return list[Part](sorted(imported(node)))


_SPECIAL: dict[type[ast.AST], Callable[[Writer, ast.AST], list[Part]]] = {
    ast.Name: Writer._name,
    ast.Attribute: Writer._attribute,
    ast.Constant: Writer._constant,
    ast.keyword: Writer._keyword,
    ast.JoinedStr: Writer._joined,
    ast.FormattedValue: Writer._formatted,
    TemplateStr: Writer._joined,
    Interpolation: Writer._formatted,
    ast.arg: Writer._argument,
    ast.AnnAssign: Writer._annotated,
    ast.Delete: Writer._delete,
    ast.FunctionDef: Writer._definition,
    ast.AsyncFunctionDef: Writer._definition,
    ast.ClassDef: Writer._definition,
    ast.ExceptHandler: Writer._capture,
    ast.MatchAs: Writer._capture,
    ast.MatchStar: Writer._capture,
    ast.MatchMapping: Writer._capture,
    ast.Global: Writer._declared,
    ast.Nonlocal: Writer._declared,
    ast.Import: Writer._import,
    ast.ImportFrom: Writer._import,
}


def signature(node: ast.AST) -> list[Part]:
    """What a caller sees of a function or class: decorators, parameters, result, bases; not its name."""
    parts: list[Part] = ["async "] if isinstance(node, ast.AsyncFunctionDef) else []
    for decorator in getattr(node, "decorator_list", []):
        parts += ["@", decorator, " "]
    for parameter in getattr(node, "type_params", []):
        parts += ["[", parameter, "]"]
    if isinstance(node, _FUNCTIONS):
        parts += [node.args, *annotation(node.returns, "->")]
    elif isinstance(node, ast.ClassDef):
        for base in [*node.bases, *node.keywords]:
            parts += [base, ","]
    return parts


def annotation(node: ast.expr | None, mark: str = ":") -> list[Part]:
    """An annotation, whose names are no references: a type that changes does not change what is done."""
    return [mark, 1, node, -1] if node is not None else []


def imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """One text per imported name; ``import a as a`` is ``import a``."""
    module = "" if isinstance(node, ast.Import) else "." * node.level + (node.module or "") + " "
    return [
        f"(import {module}{alias.name}"
        + (f" as {alias.asname}" if alias.asname not in (None, alias.name) else "")
        + ")"
        for alias in node.names
    ]


def scalar(value: object) -> str:
    """A constant by type and value; texts carry their length, so that no text can imitate another form."""
    if isinstance(value, str):
        return f"s{len(value)}:{value}"
    if isinstance(value, bytes):
        return f"b{value.hex()}"
    if isinstance(value, bool) or value is None or value is Ellipsis:
        return f"#{value}"
    if isinstance(value, int):
        return f"i{value:x}"
    return f"n{value!r}"


def _flat(node: ast.AST) -> list[ast.expr]:
    """The values of a formatted string; formatted strings directly inside are opened (3.11 nests them)."""
    if not isinstance(node, ast.JoinedStr | TemplateStr):
        return [node] if isinstance(node, ast.expr) else []
    values: list[ast.expr] = []
    for value in node.values:
        values += _flat(value)
    return values


def _by_name(body: Sequence[ast.stmt], kinds: tuple[type[ast.stmt], ...]) -> list[ast.stmt]:
    found = [s for s in body if isinstance(s, kinds)]
    return sorted(found, key=lambda s: str(getattr(s, "name", "")))


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"
