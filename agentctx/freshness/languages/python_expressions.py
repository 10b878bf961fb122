"""Expressions of Python as a grammar reads them, written as the standard library's syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast

from agentctx.freshness.languages.python_newer import ParamSpec, TypeVar, TypeVarTuple
from agentctx.freshness.languages.python_nodes import BETWEEN, Unreadable, has, inner, part_of
from agentctx.freshness.languages.python_strings import Strings

if TYPE_CHECKING:
    from tree_sitter import Node

_OPERATORS: dict[str, type[ast.operator]] = {
    "+": ast.Add, "-": ast.Sub, "*": ast.Mult, "/": ast.Div, "//": ast.FloorDiv, "%": ast.Mod, "**": ast.Pow,
    "@": ast.MatMult, "<<": ast.LShift, ">>": ast.RShift, "&": ast.BitAnd, "|": ast.BitOr, "^": ast.BitXor,
}  # fmt: skip
_UNARY: dict[str, type[ast.unaryop]] = {"-": ast.USub, "+": ast.UAdd, "~": ast.Invert}
_COMPARED: dict[str, type[ast.cmpop]] = {
    "<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE, "==": ast.Eq, "!=": ast.NotEq, "in": ast.In,
    "not in": ast.NotIn, "is": ast.Is, "is not": ast.IsNot,
}  # fmt: skip
_WORDS = {"none": None, "true": True, "false": False, "ellipsis": ...}


def operator(text: str) -> ast.operator:
    """``+`` or ``+=`` as an operator."""
    return _OPERATORS[text.removesuffix("=")]()


class Expressions:
    """The expressions of one file."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._strings = Strings(source, self.read)

    def text(self, node: Node) -> str:
        """What is written there."""
        return self._source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def read(self, node: Node, store: bool = False) -> ast.expr:
        """One expression; with ``store`` as what is given a value. Raises ``Unreadable``."""
        if node.is_error or node.is_missing:
            raise Unreadable(node.type)
        if node.type in _SEQUENCES:
            made = self._sequence(node, store)
        elif node.type in _TARGETS:
            made = _TARGETS[node.type](self, node, store)
        elif node.type in _WORDS:
            made = ast.Constant(value=_WORDS[node.type])
        elif node.type in _KINDS:
            made = _KINDS[node.type](self, node)
        else:
            raise Unreadable(node.type)
        made = _starred_whole(made)
        made.lineno, made.end_lineno = node.start_point[0] + 1, node.end_point[0] + 1
        return made

    def listed(self, node: Node, store: bool = False) -> ast.expr:
        """``a``, or the tuple ``a, b`` without parentheses, of a node that holds nothing else."""
        parts = inner(node)
        if len(parts) == 1 and not has(node, ","):
            return self.read(parts[0], store)
        return ast.Tuple(elts=[self.read(part, store) for part in parts], ctx=_context(store))

    def _each(self, nodes: Iterable[Node]) -> list[ast.expr]:
        return [self.read(node) for node in nodes]

    # ------------------------------------------------------------------ what may be given a value

    def _name(self, node: Node, store: bool = False) -> ast.expr:
        return ast.Name(id=self.text(node), ctx=_context(store))

    def _sequence(self, node: Node, store: bool) -> ast.expr:
        elements = [self.read(part, store) for part in inner(node)]
        if node.type in ("list", "list_pattern"):
            return ast.List(elts=elements, ctx=_context(store))
        if node.type == "tuple_pattern" and len(elements) == 1 and not has(node, ","):
            return elements[0]
        return ast.Tuple(elts=elements, ctx=_context(store))

    def _parenthesized(self, node: Node, store: bool) -> ast.expr:
        made = self.read(inner(node)[0], store)
        return ast.Tuple(elts=[made], ctx=_context(store)) if isinstance(made, ast.Starred) else made

    def _starred(self, node: Node, store: bool) -> ast.expr:
        return ast.Starred(value=self.read(inner(node)[0], store), ctx=_context(store))

    def _attribute(self, node: Node, store: bool) -> ast.expr:
        value = self.read(part_of(node, "object"))
        return ast.Attribute(value=value, attr=self.text(part_of(node, "attribute")), ctx=_context(store))

    def _subscript(self, node: Node, store: bool) -> ast.expr:
        parts = self._each(node.children_by_field_name("subscript"))
        index = parts[0] if len(parts) == 1 and not has(node, ",") else ast.Tuple(elts=parts, ctx=ast.Load())
        return ast.Subscript(value=self.read(part_of(node, "value")), slice=index, ctx=_context(store))

    # ------------------------------------------------------------------ values

    def _number(self, node: Node) -> ast.expr:
        try:
            return ast.Constant(value=ast.literal_eval(self.text(node)))
        except (ValueError, SyntaxError):
            raise Unreadable(node.type) from None

    def _string(self, node: Node) -> ast.expr:
        try:
            return self._strings.joined([node] if node.type == "string" else inner(node))
        except (ValueError, SyntaxError):
            raise Unreadable(node.type) from None

    def _slice(self, node: Node) -> ast.expr:
        places: list[ast.expr | None] = [None]
        for child in node.children:
            if child.type == ":":
                places.append(None)
            elif child.type not in BETWEEN:
                places[-1] = self.read(child)
        lower, upper, step = [*places, None][:3]
        return ast.Slice(lower=lower, upper=upper, step=step)

    def _binary(self, node: Node) -> ast.expr:
        return ast.BinOp(
            left=self.read(part_of(node, "left")),
            op=operator(self.text(part_of(node, "operator"))),
            right=self.read(part_of(node, "right")),
        )

    def _unary(self, node: Node) -> ast.expr:
        argument = self.read(part_of(node, "argument"))
        if node.type == "not_operator":
            return ast.UnaryOp(op=ast.Not(), operand=argument)
        return ast.UnaryOp(op=_UNARY[self.text(part_of(node, "operator"))](), operand=argument)

    def _boolean(self, node: Node) -> ast.expr:
        word = self.text(part_of(node, "operator"))
        left, values = part_of(node, "left"), [self.read(part_of(node, "right"))]
        while left.type == node.type and self.text(part_of(left, "operator")) == word:
            values.append(self.read(part_of(left, "right")))
            left = part_of(left, "left")
        values.append(self.read(left))
        return ast.BoolOp(op=ast.And() if word == "and" else ast.Or(), values=values[::-1])

    def _comparison(self, node: Node) -> ast.expr:
        operands = self._each(inner(node))
        words = [" ".join(self.text(sign).split()) for sign in node.children_by_field_name("operators")]
        if not all(word in _COMPARED for word in words):
            raise Unreadable(node.type)
        signs = [_COMPARED[word]() for word in words]
        return ast.Compare(left=operands[0], ops=signs, comparators=operands[1:])

    def _lambda(self, node: Node) -> ast.expr:
        given = node.child_by_field_name("parameters")
        return ast.Lambda(args=self.parameters(given), body=self.read(part_of(node, "body")))

    def _conditional(self, node: Node) -> ast.expr:
        body, test, other = self._each(inner(node))
        if inner(node)[0].type == "named_expression" and isinstance(body, ast.NamedExpr):
            # The grammar binds `:=` closer than `if`; Python names what the whole condition gives.
            return ast.NamedExpr(body.target, ast.IfExp(test=test, body=body.value, orelse=other))
        return ast.IfExp(test=test, body=body, orelse=other)

    def _named(self, node: Node) -> ast.expr:
        target = cast("ast.Name", self.read(part_of(node, "name"), store=True))
        return ast.NamedExpr(target=target, value=self.read(part_of(node, "value")))

    def _await(self, node: Node) -> ast.expr:
        return ast.Await(value=self.read(inner(node)[0]))

    def _yield(self, node: Node) -> ast.expr:
        if has(node, "from"):
            return ast.YieldFrom(value=self.read(inner(node)[0]))
        return ast.Yield(value=self.listed(node) if inner(node) else None)

    def _call(self, node: Node) -> ast.expr:
        arguments = part_of(node, "arguments")
        function = self.read(part_of(node, "function"))
        if arguments.type == "generator_expression":
            return ast.Call(func=function, args=[self.read(arguments)], keywords=[])
        given, named = self.arguments(arguments)
        return ast.Call(func=function, args=given, keywords=named)

    def arguments(self, node: Node) -> tuple[list[ast.expr], list[ast.keyword]]:
        """What is given by place and what by name."""
        given: list[ast.expr] = []
        named: list[ast.keyword] = []
        for part in inner(node):
            if part.type == "keyword_argument":
                word = self.text(part_of(part, "name"))
                named.append(ast.keyword(arg=word, value=self.read(part_of(part, "value"))))
            elif part.type == "dictionary_splat":
                named.append(ast.keyword(arg=None, value=self.read(inner(part)[0])))
            else:
                given.append(self.read(part))
        return given, named

    def _set(self, node: Node) -> ast.expr:
        return ast.Set(elts=self._each(inner(node)))

    def _dictionary(self, node: Node) -> ast.expr:
        keys: list[ast.expr | None] = []
        values = []
        for part in inner(node):
            is_pair = part.type == "pair"
            keys.append(self.read(part_of(part, "key")) if is_pair else None)
            values.append(self.read(part_of(part, "value") if is_pair else inner(part)[0]))
        return ast.Dict(keys=keys, values=values)

    def _comprehension(self, node: Node) -> ast.expr:
        body, *clauses = inner(node)
        loops: list[ast.comprehension] = []
        for clause in clauses:
            if clause.type == "for_in_clause":
                target = self.read(part_of(clause, "left"), store=True)
                over = self._each(clause.children_by_field_name("right"))
                values = over[0] if len(over) == 1 else ast.Tuple(elts=over, ctx=ast.Load())
                is_async = int(has(clause, "async"))
                loops.append(ast.comprehension(target=target, iter=values, ifs=[], is_async=is_async))
            elif loops:
                loops[-1].ifs.append(self.read(inner(clause)[0]))
        if node.type == "dictionary_comprehension":
            key, value = self.read(part_of(body, "key")), self.read(part_of(body, "value"))
            return ast.DictComp(key=key, value=value, generators=loops)
        made = {"list_comprehension": ast.ListComp, "set_comprehension": ast.SetComp}
        return made.get(node.type, ast.GeneratorExp)(elt=self.read(body), generators=loops)

    # ------------------------------------------------------------------ types

    def _type(self, node: Node) -> ast.expr:
        return self.read(inner(node)[0])

    def _generic(self, node: Node) -> ast.expr:
        value, listed = inner(node)
        return ast.Subscript(value=self.read(value), slice=self.listed(listed), ctx=ast.Load())

    def _union(self, node: Node) -> ast.expr:
        made, *others = [self.read(part) for part in _alternatives(node)]
        for other in others:
            made = ast.BinOp(left=made, op=ast.BitOr(), right=other)
        return made

    def _member(self, node: Node) -> ast.expr:
        value, name = inner(node)
        return ast.Attribute(value=self.read(value), attr=self.text(name), ctx=ast.Load())

    def _range(self, node: Node) -> ast.expr:
        lower, upper = self._each(inner(node))
        return ast.Slice(lower=lower, upper=upper, step=None)

    def type_parameters(self, node: Node | None) -> list[ast.AST]:
        """``[T, U: int, *Ts, **P]`` of a definition."""
        made: list[ast.AST] = []
        for part in inner(node) if node is not None else ():
            kind = inner(part)[0]
            if kind.type == "identifier":
                made.append(TypeVar(name=self.text(kind), bound=None))
            elif kind.type == "constrained_type":
                name, bound = inner(kind)
                made.append(TypeVar(name=self.text(name), bound=self.read(bound)))
            elif kind.type == "splat_type":
                variadic = ParamSpec if has(kind, "**") else TypeVarTuple
                made.append(variadic(name=self.text(inner(kind)[0])))
            else:
                raise Unreadable(kind.type)
        return made

    # ------------------------------------------------------------------ parameters

    def parameters(self, node: Node | None) -> ast.arguments:
        """The parameters of a function or a lambda, in their five kinds."""
        made = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
        is_named = False
        for part in inner(node) if node is not None else ():
            if part.type == "positional_separator":
                made.posonlyargs, made.args = made.args, []
                continue
            if part.type == "keyword_separator":
                is_named = True
                continue
            argument, stars, default = self._parameter(part)
            if stars == 2:
                made.kwarg = argument
            elif stars == 1:
                made.vararg, is_named = argument, True
            elif is_named:
                made.kwonlyargs.append(argument)
                made.kw_defaults.append(default)
            else:
                made.args.append(argument)
                made.defaults += [default] if default is not None else []
        return made

    def _parameter(self, part: Node) -> tuple[ast.arg, int, ast.expr | None]:
        """(parameter, number of its stars, its default)."""
        default, written = part.child_by_field_name("value"), part.child_by_field_name("type")
        name = part.child_by_field_name("name") or (
            inner(part)[0] if part.type == "typed_parameter" else part
        )
        stars = {"list_splat_pattern": 1, "dictionary_splat_pattern": 2}.get(name.type, 0)
        label = inner(name)[0] if stars else name
        if label.type != "identifier":
            raise Unreadable(part.type)
        argument = ast.arg(arg=self.text(label), annotation=self.read(written) if written else None)
        return argument, stars, self.read(default) if default is not None else None


def _alternatives(node: Node) -> list[Node]:
    """The types in a union, which the grammar nests to the right in one place and to the left in another."""
    if node.type == "type":
        return _alternatives(inner(node)[0])
    if node.type == "union_type":
        return [kind for part in inner(node) for kind in _alternatives(part)]
    if node.type == "binary_operator" and has(node, "|"):
        return [*_alternatives(part_of(node, "left")), part_of(node, "right")]
    return [node]


def _starred_whole(made: ast.expr) -> ast.expr:
    """``*(a.b)`` for what the grammar reads as ``(*a).b``: the star is of the whole."""
    first = _LEFTMOST.get(type(made), "")
    if isinstance(made, ast.BoolOp) and isinstance(made.values[0], ast.Starred):
        made.values[0] = made.values[0].value
    elif isinstance(inside := getattr(made, first, None), ast.Starred):
        setattr(made, first, inside.value)
    else:
        return made
    return ast.Starred(value=made, ctx=ast.Load())


def _context(store: bool) -> ast.expr_context:
    return ast.Store() if store else ast.Load()


_LEFTMOST: dict[type[ast.expr], str] = {
    ast.Attribute: "value",
    ast.Subscript: "value",
    ast.Call: "func",
    ast.BinOp: "left",
    ast.Compare: "left",
    ast.IfExp: "body",
}
_SEQUENCES = frozenset({"tuple", "list", "tuple_pattern", "list_pattern", "pattern_list", "expression_list"})
_TARGETS: dict[str, Callable[[Expressions, Node, bool], ast.expr]] = {
    "identifier": Expressions._name,
    "parenthesized_expression": Expressions._parenthesized,
    "list_splat": Expressions._starred,
    "list_splat_pattern": Expressions._starred,
    "parenthesized_list_splat": Expressions._parenthesized,
    "splat_type": Expressions._starred,
    "attribute": Expressions._attribute,
    "subscript": Expressions._subscript,
}
_KINDS: dict[str, Callable[[Expressions, Node], ast.expr]] = {
    "integer": Expressions._number,
    "float": Expressions._number,
    "string": Expressions._string,
    "concatenated_string": Expressions._string,
    "slice": Expressions._slice,
    "binary_operator": Expressions._binary,
    "unary_operator": Expressions._unary,
    "not_operator": Expressions._unary,
    "boolean_operator": Expressions._boolean,
    "comparison_operator": Expressions._comparison,
    "lambda": Expressions._lambda,
    "conditional_expression": Expressions._conditional,
    "named_expression": Expressions._named,
    "await": Expressions._await,
    "yield": Expressions._yield,
    "call": Expressions._call,
    "set": Expressions._set,
    "dictionary": Expressions._dictionary,
    "list_comprehension": Expressions._comprehension,
    "set_comprehension": Expressions._comprehension,
    "dictionary_comprehension": Expressions._comprehension,
    "generator_expression": Expressions._comprehension,
    "type": Expressions._type,
    "generic_type": Expressions._generic,
    "union_type": Expressions._union,
    "member_type": Expressions._member,
    "constrained_type": Expressions._range,
}
