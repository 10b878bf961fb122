"""Statements of Python as a grammar reads them, written as the standard library's syntax tree.

For code that the running interpreter accepts too it has the same normal form, so a record means the same on
every interpreter.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from agentctx.freshness.languages.parts import first_error
from agentctx.freshness.languages.python_expressions import Expressions, operator
from agentctx.freshness.languages.python_newer import TypeAlias
from agentctx.freshness.languages.python_nodes import Unreadable, inner, part_of
from agentctx.freshness.languages.python_patterns import pattern

if TYPE_CHECKING:
    from tree_sitter import Node

_LOST = (Unreadable, ValueError, IndexError, KeyError, SyntaxError, RecursionError)
"""What reading a statement of an unknown form ends in."""


class Statements:
    """The statements of one file, each by itself: what cannot be read is left out and remembered."""

    def __init__(self, source: bytes) -> None:
        self._values = Expressions(source)
        self.damaged: dict[ast.AST, int] = {}
        self.line = 0
        self._errors = 0

    def block(self, node: Node | None) -> list[ast.stmt]:
        """The statements directly in a block, a module or a clause."""
        made: list[ast.stmt] = []
        error = 0
        for child in inner(node) if node is not None else ():
            line = _line(child)
            if child.is_error or child.is_missing:
                error = self._lost(line)
                if made:
                    self._hurt(made[-1], line)
                continue
            try:
                statements = list(self._statement(child))
            except _LOST:
                self._lost(first_error(child) or line)
                error = 0
                continue
            if error and statements:
                self.damaged.setdefault(statements[0], error)
            error = 0
            made += statements
        return made

    def _lost(self, line: int) -> int:
        self.line = min(self.line or line, line)
        self._errors += 1
        return line

    def _hurt(self, statement: ast.stmt, line: int) -> None:
        """What is wrong behind a statement may have been a part of the last one in it."""
        while True:
            self.damaged.setdefault(statement, line)
            body = getattr(statement, "body", None)
            if not body:
                return
            statement = body[-1]

    def _statement(self, node: Node) -> Iterator[ast.stmt]:
        made = _STATEMENTS.get(node.type)
        if made is None:
            raise Unreadable(node.type)
        if node.type not in _COMPOUND and node.has_error:
            raise Unreadable(node.type)
        _whole(node)
        before = self._errors
        statement = made(self, node)
        statement.lineno, statement.end_lineno = _line(node), _end(statement) or node.end_point[0] + 1
        if self._errors > before:
            self.damaged.setdefault(statement, first_error(node) or _line(node))
        yield statement

    # ------------------------------------------------------------------ definitions

    def _function(self, node: Node) -> ast.stmt:
        returns = node.child_by_field_name("return_type")
        made = ast.AsyncFunctionDef if node.children[0].type == "async" else ast.FunctionDef
        extra = {"type_params": self._values.type_parameters(node.child_by_field_name("type_parameters"))}
        return made(
            name=self._values.text(part_of(node, "name")),
            args=self._values.parameters(part_of(node, "parameters")),
            body=self.block(part_of(node, "body")),
            decorator_list=[],
            returns=self._values.read(returns) if returns is not None else None,
            **extra,  # type: ignore[arg-type]
        )

    def _class(self, node: Node) -> ast.stmt:
        listed = node.child_by_field_name("superclasses")
        bases, keywords = self._values.arguments(listed) if listed is not None else ([], [])
        extra = {"type_params": self._values.type_parameters(node.child_by_field_name("type_parameters"))}
        return ast.ClassDef(
            name=self._values.text(part_of(node, "name")),
            bases=bases,
            keywords=keywords,
            body=self.block(part_of(node, "body")),
            decorator_list=[],
            **extra,  # type: ignore[arg-type]
        )

    def _decorated(self, node: Node) -> ast.stmt:
        definition = next(self._statement(part_of(node, "definition")))
        assert isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        decorators = [part for part in inner(node) if part.type == "decorator"]
        definition.decorator_list = [self._values.read(inner(part)[0]) for part in decorators]
        return definition

    def _alias(self, node: Node) -> ast.stmt:
        left = inner(part_of(node, "left"))[0]
        if left.type not in ("identifier", "generic_type"):  # `type(self).count = 0`
            return ast.parse(self._values.text(node)).body[0]
        parameters = inner(left)[1] if left.type == "generic_type" else None
        name = inner(left)[0] if parameters is not None else left
        made: ast.stmt = TypeAlias(
            name=ast.Name(id=self._values.text(name), ctx=ast.Store()),
            type_params=self._values.type_parameters(parameters),
            value=self._values.read(part_of(node, "right")),
        )
        return made

    # ------------------------------------------------------------------ one line

    def _expression(self, node: Node) -> ast.stmt:
        first = inner(node)[0]
        if first.type == "assignment":
            return self._assignment(first)
        if first.type == "augmented_assignment":
            target: Any = self._values.read(part_of(first, "left"), store=True)
            return ast.AugAssign(
                target=target,
                op=operator(self._values.text(part_of(first, "operator"))),
                value=self._values.read(part_of(first, "right")),
            )
        return ast.Expr(value=self._values.listed(node))

    def _assignment(self, node: Node) -> ast.stmt:
        written, value = node.child_by_field_name("type"), node.child_by_field_name("right")
        if written is not None:
            left = part_of(node, "left")
            target: Any = self._values.read(left, store=True)
            return ast.AnnAssign(
                target=target,
                annotation=self._values.read(written),
                value=self._values.read(value) if value is not None else None,
                simple=int(left.type == "identifier"),
            )
        targets = [self._values.read(part_of(node, "left"), store=True)]
        while value is not None and value.type == "assignment":
            targets.append(self._values.read(part_of(value, "left"), store=True))
            value = value.child_by_field_name("right")
        if value is None:
            raise Unreadable(node.type)
        return ast.Assign(targets=targets, value=self._values.read(value))

    def _return(self, node: Node) -> ast.stmt:
        return ast.Return(value=self._values.listed(node) if inner(node) else None)

    def _plain(self, node: Node) -> ast.stmt:
        return {"pass": ast.Pass, "break": ast.Break, "continue": ast.Continue}[node.type.partition("_")[0]]()

    def _raise(self, node: Node) -> ast.stmt:
        cause = node.child_by_field_name("cause")
        raised = [part for part in inner(node) if part != cause]
        return ast.Raise(
            exc=self._values.read(raised[0]) if raised else None,
            cause=self._values.read(cause) if cause is not None else None,
        )

    def _assert(self, node: Node) -> ast.stmt:
        test, message = [*map(self._values.read, inner(node)), None][:2]
        assert test is not None
        return ast.Assert(test=test, msg=message)

    def _delete(self, node: Node) -> ast.stmt:
        removed = self._values.listed(node, store=True)
        return ast.Delete(targets=removed.elts if isinstance(removed, ast.Tuple) else [removed])

    def _declared(self, node: Node) -> ast.stmt:
        made = ast.Global if node.type == "global_statement" else ast.Nonlocal
        return made(names=[self._values.text(name) for name in inner(node)])

    def _import(self, node: Node) -> ast.stmt:
        module = node.child_by_field_name("module_name")
        parts = node.children_by_field_name("name")
        names = [self._imported(part) for part in parts] or [ast.alias(name="*")]
        if node.type == "import_statement":
            return ast.Import(names=names)
        written = "".join(self._values.text(module).split()) if module is not None else "__future__"
        plain = written.lstrip(".")
        return ast.ImportFrom(module=plain or None, names=names, level=len(written) - len(plain))

    def _imported(self, node: Node) -> ast.alias:
        alias = node.child_by_field_name("alias")
        name = part_of(node, "name") if alias is not None else node
        return ast.alias(
            name="".join(self._values.text(name).split()),
            asname=self._values.text(alias) if alias is not None else None,
        )

    # ------------------------------------------------------------------ several lines

    def _if(self, node: Node) -> ast.stmt:
        made = ast.If(
            test=self._values.read(part_of(node, "condition")),
            body=self.block(part_of(node, "consequence")),
            orelse=[],
        )
        last = made
        for clause in node.children_by_field_name("alternative"):
            if clause.type == "else_clause":
                last.orelse = self.block(part_of(clause, "body"))
                continue
            _whole(clause)
            inside = ast.If(
                test=self._values.read(part_of(clause, "condition")),
                body=self.block(part_of(clause, "consequence")),
                orelse=[],
            )
            inside.lineno, inside.end_lineno = _line(clause), clause.end_point[0] + 1
            last.orelse = [inside]
            last = inside
        return made

    def _otherwise(self, node: Node) -> list[ast.stmt]:
        clause = node.child_by_field_name("alternative")
        return self.block(part_of(clause, "body")) if clause is not None else []

    def _for(self, node: Node) -> ast.stmt:
        made = ast.AsyncFor if node.children[0].type == "async" else ast.For
        return made(
            target=self._values.read(part_of(node, "left"), store=True),
            iter=self._values.read(part_of(node, "right")),
            body=self.block(part_of(node, "body")),
            orelse=self._otherwise(node),
        )

    def _while(self, node: Node) -> ast.stmt:
        test, body = self._values.read(part_of(node, "condition")), self.block(part_of(node, "body"))
        return ast.While(test=test, body=body, orelse=self._otherwise(node))

    def _try(self, node: Node) -> ast.stmt:
        clauses = inner(node)
        handlers = [clause for clause in clauses if clause.type == "except_clause"]
        groups = any(child.type == "except*" or child.type == "*" for h in handlers for child in h.children)
        other = [clause for clause in clauses if clause.type == "else_clause"]
        final = [clause for clause in clauses if clause.type == "finally_clause"]
        return (ast.TryStar if groups else ast.Try)(
            body=self.block(part_of(node, "body")),
            handlers=[self._handler(clause) for clause in handlers],
            orelse=self.block(part_of(other[0], "body")) if other else [],
            finalbody=self.block(inner(final[0])[-1]) if final else [],
        )

    def _handler(self, clause: Node) -> ast.ExceptHandler:
        _whole(clause)
        caught = clause.children_by_field_name("value")
        alias = clause.child_by_field_name("alias")
        name = self._values.text(alias) if alias is not None else None
        if len(caught) == 1 and caught[0].type == "as_pattern":
            name = self._values.text(inner(caught[0])[-1])
            caught = inner(caught[0])[:1]
        kinds = [self._values.read(kind) for kind in caught]
        kind = ast.Tuple(elts=kinds, ctx=ast.Load()) if len(kinds) > 1 else kinds[0] if kinds else None
        return ast.ExceptHandler(type=kind, name=name, body=self.block(inner(clause)[-1]))

    def _with(self, node: Node) -> ast.stmt:
        items = [item for clause in inner(node)[:1] for item in inner(clause)]
        only = inner(items[0])[0] if len(items) == 1 else None
        read = [made for item in items for made in self._items(inner(item)[0], item == items[0] and only)]
        made = ast.AsyncWith if node.children[0].type == "async" else ast.With
        return made(items=read, body=self.block(part_of(node, "body")))

    def _items(self, value: Node, is_only: object) -> Iterator[ast.withitem]:
        if is_only and value.type == "tuple":
            for part in inner(value):
                yield from self._items(part, False)
            return
        if value.type == "parenthesized_expression" and _bound(inner(value)[0]):
            value = inner(value)[0]
        if value.type == "conditional_expression" and _bound(value):
            # The grammar binds `as` closer than `else`; Python names what the whole condition gives.
            body, test, bound = inner(value)
            other, target = inner(bound)
            parts = [self._values.read(part) for part in (test, body, other)]
            stored = self._values.read(inner(target)[0], store=True)
            yield ast.withitem(context_expr=ast.IfExp(*parts), optional_vars=stored)
            return
        if value.type == "as_pattern":
            context, target = inner(value)
            stored = self._values.read(inner(target)[0], store=True)
            yield ast.withitem(context_expr=self._values.read(context), optional_vars=stored)
            return
        yield ast.withitem(context_expr=self._values.read(value))

    def _match(self, node: Node) -> ast.stmt:
        subjects = [self._values.read(part) for part in node.children_by_field_name("subject")]
        subject = subjects[0] if len(subjects) == 1 else ast.Tuple(elts=subjects, ctx=ast.Load())
        clauses = [clause for clause in inner(part_of(node, "body")) if clause.type == "case_clause"]
        return ast.Match(subject=subject, cases=[self._case(clause) for clause in clauses])

    def _case(self, clause: Node) -> ast.match_case:
        _whole(clause)
        patterns = [pattern(part, self._values) for part in inner(clause) if part.type == "case_pattern"]
        is_open = len(patterns) > 1 or any(child.type == "," for child in clause.children)
        guard = clause.child_by_field_name("guard")
        return ast.match_case(
            pattern=ast.MatchSequence(patterns=patterns) if is_open else patterns[0],
            guard=self._values.read(inner(guard)[0]) if guard is not None else None,
            body=self.block(part_of(clause, "consequence")),
        )


def _line(node: Node) -> int:
    return int(node.start_point[0]) + 1


def _end(statement: ast.stmt) -> int:
    """Last line of the last statement in a compound one, 0 for any other: comments below belong nowhere."""
    blocks = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
    blocks += [part.body for name in ("handlers", "cases") for part in getattr(statement, name, [])]
    return max([_end(block[-1]) or block[-1].end_lineno or 0 for block in blocks if block], default=0)


def _whole(node: Node) -> None:
    """Raises ``Unreadable`` when an error lies outside the blocks of a statement or clause."""
    if any(child.has_error and child.type not in _INSIDE for child in node.children):
        raise Unreadable(node.type)


_COMPOUND: dict[str, Callable[[Statements, Node], ast.stmt]] = {
    "function_definition": Statements._function,
    "class_definition": Statements._class,
    "decorated_definition": Statements._decorated,
    "if_statement": Statements._if,
    "for_statement": Statements._for,
    "while_statement": Statements._while,
    "try_statement": Statements._try,
    "with_statement": Statements._with,
    "match_statement": Statements._match,
}
_INSIDE = frozenset(
    {"block", "function_definition", "class_definition", "case_clause", "elif_clause", "else_clause"}
    | {"except_clause", "finally_clause"}
)
"""Parts of a statement that look after errors inside themselves."""
_STATEMENTS: dict[str, Callable[[Statements, Node], ast.stmt]] = {
    **_COMPOUND,
    "type_alias_statement": Statements._alias,
    "expression_statement": Statements._expression,
    "return_statement": Statements._return,
    "pass_statement": Statements._plain,
    "break_statement": Statements._plain,
    "continue_statement": Statements._plain,
    "raise_statement": Statements._raise,
    "assert_statement": Statements._assert,
    "delete_statement": Statements._delete,
    "global_statement": Statements._declared,
    "nonlocal_statement": Statements._declared,
    "import_statement": Statements._import,
    "import_from_statement": Statements._import,
    "future_import_statement": Statements._import,
}


def _bound(value: Node) -> bool:
    """Whether ``as`` gives a name to what a ``with`` opens."""
    return "as_pattern" in (
        value.type,
        inner(value)[-1].type if value.type == "conditional_expression" else "",
    )
