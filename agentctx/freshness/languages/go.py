"""Go: functions, methods by receiver, types with their fields, constants, variables."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from agentctx.freshness.languages.base import Language
from agentctx.freshness.languages.go_simple import ELIDED, is_elided, simplified
from agentctx.freshness.languages.parts import TEXT, Frame, Named
from agentctx.freshness.languages.tables import Sets, Table, number, these, unquote, words
from agentctx.freshness.languages.treesitter import Grammar
from agentctx.freshness.tree import Paths

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentctx.freshness.languages.tables import Slice, Text

_DOCUMENTED = these(
    "source_file const_declaration var_declaration var_spec_list type_declaration field_declaration_list "
    "interface_type"
)
_DIRECTIVE = re.compile(r"//(?:go:|nolint|line |export |\+build)")
_COMPILED = re.compile(r"//go:(?!build\b|generate\b|debug\b)\S")
"""A directive that makes something else of the declaration below it."""
_ADJACENT = re.compile(rb"(?:[ \t]*\n[ \t]*//[^\n]*)*[ \t]*\n[ \t]*(?!//)\S")
_IOTA = re.compile(r"\biota\b")
_VERSION = re.compile(r"(?:\.v|/v)\d+$")
_TYPES = {"struct_type": "struct", "interface_type": "interface"}


class Go(Grammar):
    """``Server.Serve`` and ``(*Server).Serve`` both name a method."""

    name = "Go"
    wheel = "tree_sitter_go"
    open_types = True

    definitions: ClassVar[Table] = {
        "function_declaration": "function",
        "method_declaration": "method",
        "method_elem": "method",
        "type_spec": "type",
        "type_alias": "type",
        "const_spec": "constant",
        "var_spec": "variable",
        "field_declaration": "field",
    }
    wrappers = these("const_declaration var_declaration var_spec_list type_declaration")
    atoms = these("interpreted_string_literal raw_string_literal")
    transparent = these("parenthesized_expression parenthesized_type statement_list var_spec_list")
    dropped = frozenset({",", ";", "\n", "\0"})
    kept: ClassVar[Sets] = {"for_clause": these(";")}
    sorted: ClassVar[Sets] = {
        "source_file": these("import_declaration"),
        "import_spec_list": these("import_spec"),
    }
    imports = these("import_spec")
    identifiers = these("identifier type_identifier")
    chains = these("selector_expression qualified_type")
    binders: ClassVar[Table] = {
        "parameter_declaration": "name",
        "variadic_parameter_declaration": "name",
        "type_parameter_declaration": "name",
        "short_var_declaration": "left",
        "range_clause": "left",
        "var_spec": "name",
        "const_spec": "name",
    }
    shaped = these("range_clause expression_list slice_expression composite_literal unary_expression")
    numbers = these("int_literal float_literal imaginary_literal")
    literals = these("true false nil")

    def define(self, node: Node, frame: Frame, text: Text) -> tuple[Named, ...]:
        """Package level only; a function literal is part of what holds it."""
        kind = node.type
        owner = frame.owner
        if kind in ("function_declaration", "method_declaration"):
            function = _function(node, text)
            return (replace(function, directives=_directives(node, frame, text)),)
        if owner is not None and owner.named.kind not in ("struct", "interface"):
            return ()
        if kind in ("field_declaration", "method_elem"):
            if owner is None:
                return ()
            bodies = [b for b in (node.child_by_field_name("type"),) if b]
            labels = [n for n in node.children_by_field_name("name") if n.is_named]
            return tuple(Named(text(n), self.definitions[kind], n, tuple(bodies)) for n in labels)
        if owner is not None:
            return ()
        if kind in ("const_spec", "var_spec"):
            said = _directives(node, frame, text) if kind == "var_spec" else ""
            values = _values(node, self.definitions[kind], frame, text)
            return tuple(replace(value, directives=said) for value in values)
        label, body = node.child_by_field_name("name"), node.child_by_field_name("type")
        if label is None or body is None:
            return ()
        return (
            Named(text(label), _TYPES.get(body.type, "type"), label, (body,), bases=_embedded(body, text)),
        )

    def skipped(self, kind: str, hidden: bool) -> frozenset[str]:
        """A declaration in a group is what it is alone."""
        usual = super().skipped(kind, hidden)
        return usual | self.brackets if kind in self.wrappers else usual

    def doc(self, text: str, node: Node, frame: Frame, source: bytes) -> str:
        """A comment directly above a declaration, directives left out."""
        if frame.kind not in _DOCUMENTED or _DIRECTIVE.match(text):
            return ""
        line = source[source.rfind(b"\n", 0, node.start_byte) + 1 : node.start_byte]
        return words(text) if not line.strip() and _ADJACENT.match(source, node.end_byte) else ""

    def atom(self, node: Node, text: str, frame: Frame) -> str:
        """A raw string equals a quoted one where nothing in it is special."""
        raw = text.startswith("`") and any(c in text for c in '\\"\n')
        return text if raw else TEXT + unquote(text)

    def is_member(self, kind: str, frame: Frame) -> bool:
        """The keys of ``Server{name: x}`` as well."""
        around = frame.parent
        is_key = frame.kind == "literal_element" and around is not None and around.kind == "keyed_element"
        return super().is_member(kind, frame) or (
            is_key and around is not None and frame.node.start_byte == around.node.start_byte
        )

    def leaf(self, kind: str, text: str, parent: str) -> str:
        """Numbers in one spelling."""
        return number(text) if kind in self.numbers else text

    def read_imports(self, node: Node, text: Text) -> Iterable[tuple[str, tuple[str, str]]]:
        """The package's name is taken from the last part of its path, unless it gets another here."""
        path = node.child_by_field_name("path")
        name = node.child_by_field_name("name")
        if path is None:
            return
        module = unquote(text(path))
        local = text(name) if name is not None else posixpath.basename(_VERSION.sub("", module))
        if local == ".":
            yield f"*{module}", (module, "*")
        elif local != "_":
            yield local.removeprefix("go-"), (module, "")

    def children(self, node: Node, kind: str, slice: Slice) -> Iterator[Node | str]:
        """Without what ``gofmt -s`` takes out."""
        return iter(simplified(node, kind, slice))

    def hides(self, node: Node, kind: str, parent: Frame | None) -> bool:
        """A literal whose type the literal around it says is no more than what stands in its braces."""
        return super().hides(node, kind, parent) or (kind in ELIDED and is_elided(node))

    def receiver(self, symbol: str, reference: str) -> tuple[str, str] | None:
        """``this.name``, as the receiver's name is written in references, inside ``Type.Method``."""
        return super().receiver(self.plain(symbol), reference)

    def lookups(self, symbol: str, reference: str) -> tuple[str, ...]:
        """Names are package level: a method sees no other method without its receiver."""
        parts = reference.split(".")
        return (".".join(parts[:2]), parts[0])

    @staticmethod
    def plain(symbol: str) -> str:
        """``Server.Serve`` for ``(*Server).Serve``."""
        return re.sub(r"^\(\*?([\w.]+)\)", r"\1", symbol)

    def targets(self, path: str, module: str, paths: Paths) -> tuple[str, ...]:
        """The folder of the repository whose path ends the import path."""
        parts = module.split("/")
        first = 0 if "." in parts[0] else 1
        for start in range(first, len(parts)):
            folder = "/".join(parts[start:])
            found = [p for p in paths.inside(folder) if p.endswith(".go") and not p.endswith("_test.go")]
            if found:
                return tuple(found)
        return ()

    def visible(self, path: str, paths: Paths) -> tuple[str, ...]:
        """The other files of the package."""
        is_test = path.endswith("_test.go")
        files = (p for p in paths.inside(posixpath.dirname(path)) if p.endswith(".go") and p != path)
        return tuple(p for p in files if is_test or not p.endswith("_test.go"))


def _directives(node: Node, frame: Frame, text: Text) -> str:
    """What the comments above tell the compiler: the file to embed, not to inline."""
    above = (node if frame.kind != "var_declaration" else frame.node).prev_named_sibling
    found = []
    while above is not None and above.type == "comment":
        line = text(above)
        found += [" ".join(line.split())] if _COMPILED.match(line) else []
        above = above.prev_named_sibling
    return "\n".join(reversed(found))


def _function(node: Node, text: Text) -> Named:
    label, body = node.child_by_field_name("name"), node.child_by_field_name("body")
    name = text(label) if label is not None else ""
    bodies = (body,) if body is not None else ()
    receiver = node.child_by_field_name("receiver")
    if receiver is None:
        return Named(name, "function", label, bodies)
    found = re.match(r"\(\s*(?:(\w+)\s+)?\(?\s*\*?\s*(\w+)", text(receiver))
    own, scope = (found[1] or "", found[2]) if found else ("", "")
    aliases = (f"(*{scope}).{name}", f"({scope}).{name}")
    return Named(name, "method", label, bodies, None, aliases, scope, within=scope, receiver=own)


def _values(node: Node, kind: str, frame: Frame, text: Text) -> tuple[Named, ...]:
    """``A, B = 1, 2`` is two constants; one without a value repeats the one above with the next ``iota``."""
    labels = [n for n in node.children_by_field_name("name") if n.is_named]
    value = node.child_by_field_name("value")
    parts = value.named_children if value is not None else []
    single = len(parts) == len(labels)
    extras = _implied(node, len(labels), frame, text) if kind == "constant" else [""] * len(labels)
    if value is not None and not single:
        extras = [f"{at} of {len(labels)}" for at in range(len(labels))]
    typed = [b for b in (node.child_by_field_name("type"),) if b is not None and value is None]
    return tuple(
        Named(
            name=text(label),
            kind=kind,
            label=label,
            bodies=(parts[i],) if single else (value,) if value is not None else tuple(typed),
            value=parts[i] if single and not extras[i] else None,
            extra=extras[i],
        )
        for i, label in enumerate(labels)
        if text(label) != "_"
    )


def _implied(node: Node, names: int, frame: Frame, text: Text) -> list[str]:
    """For each name what ``iota`` is here, with type and expression that an empty constant repeats."""
    at = frame.members
    frame.members += 1
    is_own = node.child_by_field_name("value") is not None
    if is_own:
        frame.written = (node, at)
    if frame.written is None:
        return [""] * names
    above = frame.written[0]
    value, typed = above.child_by_field_name("value"), above.child_by_field_name("type")
    parts = [text(part) for part in value.named_children] if value is not None else []
    parts += [""] * (names - len(parts))
    index = [f"iota={at} " if _IOTA.search(part) else "" for part in parts]
    if is_own:
        return index
    repeated = [text(typed) + " " + part if typed is not None else part for part in parts]
    return [i + "".join(part.split()) for i, part in zip(index, repeated, strict=True)]


def _embedded(body: Node, text: Text) -> tuple[str, ...]:
    """Types whose methods a struct or interface takes over."""
    names = []
    for part in body.named_children:
        for field in part.named_children if part.type == "field_declaration_list" else [part]:
            if field.type == "field_declaration" and field.child_by_field_name("name") is None:
                names.append(text(field).lstrip("*").split()[0])
            elif field.type == "type_elem":
                names.append(text(field).strip())
    return tuple(name for name in names if re.fullmatch(r"[\w.]+", name))


LANGUAGES: dict[str, Language] = {"Go": Go()}
