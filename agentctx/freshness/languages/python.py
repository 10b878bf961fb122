"""Python, read with the standard library's ``ast``; what that refuses, see ``python_recovery``."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentctx.freshness.languages.base import SELF, Dotted, Language, Parsed, clean_doc, fingerprint
from agentctx.freshness.languages.fields import dotted, of_init, of_statement
from agentctx.freshness.languages.python_files import files_of
from agentctx.freshness.languages.python_form import Names, Part, Writer, annotation, signature
from agentctx.freshness.languages.python_value import literal
from agentctx.freshness.tree import Paths
from agentctx.model import Stamp, Symbol

if TYPE_CHECKING:
    from agentctx.freshness.languages.python_recovery import Recovered

OWNER = "\x00owner"
"""Stands for the names of the enclosing classes inside a method's normal form."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_RECEIVERS = ("self", "cls")
_SIMPLE = frozenset(
    {ast.Expr, ast.Return, ast.Raise, ast.Assert, ast.Delete, ast.Pass, ast.Global, ast.Nonlocal}
)
"""Statements in which nothing gets its meaning; most of them all."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One place where a name gets its meaning."""

    node: ast.stmt
    value: ast.expr | None = None
    """For constants: the value alone (one element of ``A, B = 1, 2``)."""
    guards: tuple[ast.expr, ...] = ()
    """Conditions of the ``if`` statements around it, inside its scope."""
    classes: tuple[str, ...] = ()
    """Simple names of the enclosing classes, outermost first."""
    is_member: bool = False
    """Defined directly in a class."""
    part: str = ""
    """Which part of the value it is, when that is told by its place (``A, B = pair()``)."""


class Python(Dotted):
    """Functions, classes, methods, nested ones (``outer.inner``), module constants, class attributes."""

    name = "Python"
    scheme = 2
    receivers = (*_RECEIVERS, "super")

    def parse(self, path: str, source: bytes) -> Parsed:
        """See ``Language.parse``. Encodings are found as Python finds them (BOM, coding line)."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(source)
        except SyntaxError as error:
            return _recovered(source) or Parsed(error=f"line {error.lineno or 1}: {error.msg}")
        except (ValueError, RecursionError, MemoryError) as error:
            return Parsed(error=str(error) or type(error).__name__)
        return _read(tree, source)

    def targets(self, path: str, module: str, paths: Paths) -> tuple[str, ...]:
        """Files behind an absolute or relative import; folders that are no packages count as roots."""
        return files_of(path, module, paths)

    def submodule(self, module: str, name: str) -> str:
        """``from . import name`` and ``from package import name`` may mean files."""
        return module + name if module.endswith(".") else f"{module}.{name}"


def _recovered(source: bytes) -> Parsed | None:
    """What the grammar makes of a file that ``ast`` refuses; None without it, or when nothing is whole."""
    try:
        from agentctx.freshness.languages.python_nodes import Unreadable
        from agentctx.freshness.languages.python_recovery import recover

        recovered = recover(source)
    except (ImportError, Unreadable, RecursionError):
        return None
    parsed = _read(recovered.tree, source, recovered)
    return parsed if parsed.symbols or not parsed.damage else None


def _read(tree: ast.Module, source: bytes, recovered: Recovered | None = None) -> Parsed:
    """The definitions of a tree; of a recovered one those that are as they were written."""
    found: dict[str, list[Definition]] = {}
    imports: dict[str, tuple[str, str]] = {}
    _Finder(found, imports).scope(tree.body, (), ())
    damage: dict[str, str] = {}
    if recovered is not None and recovered.line:
        lines = {name: recovered.damage(part.node for part in parts) for name, parts in found.items()}
        damage = {n: f"line {at}: syntax error" for n, at in {**lines, "": recovered.line}.items() if at}
        found = {name: parts for name, parts in found.items() if name not in damage}
    return Parsed(
        symbols=Definitions(found, tree, source, is_whole=not damage),
        imports=imports,
        bases={name: bases for name, parts in found.items() if (bases := _bases(parts))},
        typed=_typed(found),
        damage=damage,
    )


class Definitions(Mapping[str, Symbol]):
    """The symbols of one file, each written down when it is first asked for; the empty name is the file."""

    def __init__(
        self, found: Mapping[str, list[Definition]], tree: ast.Module, source: bytes, is_whole: bool
    ) -> None:
        self._found = found
        self._tree = tree
        self._source = source
        self._is_whole = is_whole
        self._known: dict[str, Symbol] = {}

    def __getitem__(self, name: str) -> Symbol:
        if name not in self._known:
            if name not in self:
                raise KeyError(name)
            made = _symbol(name, self._found[name]) if name else _module(self._tree, self._source)
            self._known[name] = made
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._found or (name == "" and self._is_whole)

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


class _Finder:
    """Walks the statements of a file and notes what each name is defined by."""

    def __init__(self, found: dict[str, list[Definition]], imports: dict[str, tuple[str, str]]) -> None:
        self.found = found
        self.imports = imports

    def scope(self, body: Iterable[ast.stmt], prefix: tuple[str, ...], classes: tuple[str, ...]) -> None:
        """All definitions of one scope; ``prefix`` is its qualified name, ``classes`` those around it."""
        is_member = bool(prefix) and bool(classes) and prefix[-1] == classes[-1]
        in_function = bool(prefix) and not is_member
        pending = [(statement, ()) for statement in body][::-1]
        stack: list[tuple[ast.stmt, tuple[ast.expr, ...]]] = list(pending)
        while stack:
            node, guards = stack.pop()
            if type(node) in _SIMPLE:
                continue
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
                name = (*prefix, node.name)
                self._add(name, Definition(node, None, guards, classes, is_member))
                inner = (*classes, node.name) if isinstance(node, ast.ClassDef) else classes
                self.scope(node.body, name, inner)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node)
            elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
                if not in_function:
                    for target, value, part in _assigned(node):
                        definition = Definition(node, value, guards, classes, is_member, part)
                        self._add((*prefix, target), definition)
            elif type(node).__name__ == "TypeAlias" and not in_function:  # from Python 3.12 on
                self._add((*prefix, node.name.id), Definition(node, node.value, guards, classes, is_member))  # type: ignore[attr-defined]
            else:
                inside = [(s, (*guards, *extra)) for s, extra in _inner(node)]
                stack.extend(inside[::-1])

    def _add(self, name: tuple[str, ...], definition: Definition) -> None:
        self.found.setdefault(".".join(name), []).append(definition)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                local = alias.asname or alias.name
                self.imports.setdefault(local, (alias.name, ""))
                continue
            module = "." * node.level + (node.module or "")
            local = f"*{module}" if alias.name == "*" else alias.asname or alias.name
            self.imports.setdefault(local, (module, alias.name))


def _inner(node: ast.stmt) -> Iterator[tuple[ast.stmt, tuple[ast.expr, ...]]]:
    """Statements inside a compound statement that opens no scope, with the condition they stand under."""
    guard = (node.test,) if isinstance(node, ast.If) else ()
    for statement in getattr(node, "body", ()):
        yield statement, guard
    for handler in getattr(node, "handlers", ()):
        for statement in handler.body:
            yield statement, ()
    for case in getattr(node, "cases", ()):
        for statement in case.body:
            yield statement, ()
    for statement in [*getattr(node, "orelse", ()), *getattr(node, "finalbody", ())]:
        yield statement, guard


def _assigned(
    node: ast.Assign | ast.AnnAssign | ast.AugAssign,
) -> Iterator[tuple[str, ast.expr | None, str]]:
    """(name, value, which part of the value) for each plain name that an assignment gives a value."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        yield from _unpacked(target, node.value, "")


def _unpacked(
    target: ast.expr, value: ast.expr | None, part: str
) -> Iterator[tuple[str, ast.expr | None, str]]:
    """The names in a target; as far as the value is written out as the target is, each with its own."""
    if isinstance(target, ast.Name):
        yield target.id, value, part.strip()
    elif isinstance(target, ast.Starred):
        yield from _unpacked(target.value, value, f"{part}*")
    elif isinstance(target, ast.Tuple | ast.List):
        count = len(target.elts)
        values = value.elts if isinstance(value, ast.Tuple | ast.List) and not part else ()
        is_parallel = len(values) == count and not any(
            isinstance(element, ast.Starred) for element in [*target.elts, *values]
        )
        for at, element in enumerate(target.elts):
            if is_parallel:
                yield from _unpacked(element, values[at], "")
            else:
                yield from _unpacked(element, value, f"{part}{at} of {count} ")


def _symbol(name: str, parts: list[Definition]) -> Symbol:
    first = parts[0]
    sig, body, docs = "", "", list[str]()
    references, members, types = set[str](), set[str](), set[str]()
    values = []
    for part in parts:
        names = _names(name, part)
        written = _write(part, names)
        if written is None:  # the symbol's own name is also a variable inside it
            written = _write(part, Names(members=names.members, strings=names.strings), force=True)
        assert written is not None
        sig, body = sig + written.sig + "\n", body + written.body + "\n"
        references |= written.references
        members |= written.members
        types |= written.types
        docs += written.docs
        if part.value is not None and not part.part and not isinstance(part.node, ast.AugAssign):
            values.append(literal(part.value))
    value = values[0] if len(values) == 1 == len(parts) else ""
    stamp = Stamp(
        scheme=Python.scheme,
        sig=fingerprint(sig.strip("\n")),
        body=fingerprint(f"={value}" if value else body.strip("\n")),
        doc=fingerprint("\n\x00".join(clean_doc(doc).strip() for doc in docs)),
    )
    own = name.rpartition(".")[2]
    return Symbol(
        name=name,
        kind=_kind(first),
        stamp=stamp,
        start_line=min(_start(part.node) for part in parts),
        end_line=max(part.node.end_lineno or part.node.lineno for part in parts),
        references=tuple(sorted(r for r in references if r != own)),
        value=value,
        members=tuple(sorted(members)),
        types=tuple(sorted(types - references)),
    )


@dataclass(frozen=True, slots=True)
class _Written:
    sig: str
    body: str
    references: frozenset[str]
    members: frozenset[str]
    types: frozenset[str]
    docs: tuple[str, ...]


def _write(part: Definition, names: Names, force: bool = False) -> _Written | None:
    """One definition in normal form; None when a placeholder name turns out to be a local variable."""
    writer = Writer(names)
    node = part.node
    guards: list[Part] = []
    for guard in part.guards:
        guards += ["(if ", guard, ")"]
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        sig = writer.write(signature(node))
        body = writer.write([*guards, *writer.inside(node)])
    else:
        written: ast.expr | None = node.annotation if isinstance(node, ast.AnnAssign) else None
        hidden = written is not None and part.value is not None and not part.is_member
        sig = writer.write(annotation(None if hidden else written))
        operator = type(node.op).__name__ if isinstance(node, ast.AugAssign) else ""
        body = writer.write([*guards, part.part, operator, part.value])
    if not force and writer.bound & set(names.variables):
        return None
    bound = writer.bound - set(_RECEIVERS)
    references, types = (
        frozenset(name for name in names if name.partition(".")[0] not in bound)
        for names in (writer.references, writer.types)
    )
    return _Written(sig, body, references, frozenset(writer.members), types, tuple(writer.docs))


def _names(name: str, part: Definition) -> Names:
    """The placeholders inside one symbol: its own name and those of the classes around it."""
    own = name.rpartition(".")[2]
    variables = dict.fromkeys(part.classes, OWNER)
    strings = dict(variables)
    members: dict[tuple[str, str], str] = {}
    if part.is_member and not isinstance(part.node, ast.ClassDef):
        members = {(receiver, own): SELF for receiver in (*_RECEIVERS, *part.classes[-1:])}
    else:
        variables[own] = SELF
        if isinstance(part.node, ast.ClassDef):
            strings[own] = SELF
    return Names(variables, members, strings)


def _module(tree: ast.Module, source: bytes) -> Symbol:
    """The whole file; ``sig`` is what its definitions look like from outside."""
    writer = Writer(Names())
    outside: list[Part] = []
    for node in sorted(
        (n for n in tree.body if isinstance(n, (*_FUNCTIONS, ast.ClassDef))), key=lambda n: n.name
    ):
        outside += [node.name, "(", *signature(node), ")"]
    sig = writer.write(outside)
    body = writer.write(writer.inside(tree))
    return Symbol(
        name="",
        kind="module",
        stamp=Stamp(
            scheme=Python.scheme,
            sig=fingerprint(sig),
            body=fingerprint(body),
            doc=fingerprint("\n\x00".join(clean_doc(doc).strip() for doc in writer.docs)),
        ),
        start_line=1,
        end_line=max(1, source.count(b"\n") + (not source.endswith(b"\n"))),
        references=tuple(sorted(writer.references - writer.bound)),
    )


def _bases(parts: list[Definition]) -> tuple[str, ...]:
    node = parts[-1].node
    if not isinstance(node, ast.ClassDef):
        return ()
    return tuple(name for name in map(dotted, node.bases) if name)


def _typed(found: Mapping[str, list[Definition]]) -> dict[str, str]:
    typed: dict[str, str] = {}
    for name, parts in found.items():
        node = parts[-1].node
        kind = of_statement(node)
        if kind:
            typed[name] = kind
        if isinstance(node, ast.FunctionDef) and name.endswith(".__init__"):
            for attribute, kind in of_init(node):
                typed.setdefault(f"{name.removesuffix('.__init__')}.{attribute}", kind)
    return {name: kind for name, kind in typed.items() if kind}


def _kind(part: Definition) -> str:
    if isinstance(part.node, ast.ClassDef):
        return "class"
    if isinstance(part.node, _FUNCTIONS):
        return "method" if part.is_member else "function"
    return "constant"


def _start(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)])


LANGUAGES: dict[str, Language] = {"Python": Python()}
