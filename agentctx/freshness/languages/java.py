"""Java: types, methods (``Invoice.total``, ``Invoice.total(int)``), fields, enum constants."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from agentctx.freshness.languages.base import Language
from agentctx.freshness.languages.parts import CLOSE, OPEN, TEXT, Frame, Named
from agentctx.freshness.languages.tables import Sets, Table, number, these, unquote, words
from agentctx.freshness.languages.treesitter import Grammar
from agentctx.freshness.tree import Paths

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentctx.freshness.languages.tables import Slice, Text

_PARAGRAPH = re.compile(r"</?p>")
_GENERICS = re.compile(r"<[^<>]*>")


class Java(Grammar):
    """Overloads share one name; each is also found with the types of its parameters."""

    name = "Java"
    wheel = "tree_sitter_java"
    implicit_members = True
    counted_arguments = True

    definitions: ClassVar[Table] = {
        "class_declaration": "class",
        "interface_declaration": "interface",
        "annotation_type_declaration": "interface",
        "enum_declaration": "enum",
        "record_declaration": "record",
        "method_declaration": "method",
        "constructor_declaration": "method",
        "compact_constructor_declaration": "method",
        "annotation_type_element_declaration": "method",
        "variable_declarator": "field",
        "enum_constant": "constant",
    }
    wrappers = these("field_declaration constant_declaration")
    comments = these("line_comment block_comment")
    atoms = these("string_literal")
    shaped = these("modifiers")
    merged = these("binary_expression")
    kept: ClassVar[Sets] = {"for_statement": these(";")}
    sorted: ClassVar[Sets] = {"program": these("import_declaration")}
    imports = these("import_declaration")
    identifiers = these("identifier type_identifier")
    chains = these("field_access method_invocation scoped_identifier scoped_type_identifier")
    binders: ClassVar[Table] = {
        "formal_parameter": "name",
        "catch_formal_parameter": "name",
        "variable_declarator": "name",
        "enhanced_for_statement": "name",
        "resource": "name",
        "lambda_expression": "parameters",
    }
    rewrites = these("binary_expression inferred_parameters")
    numbers = these(
        "decimal_integer_literal hex_integer_literal octal_integer_literal binary_integer_literal "
        "decimal_floating_point_literal hex_floating_point_literal"
    )
    literals = these("true false null_literal character_literal")

    def define(self, node: Node, frame: Frame, text: Text) -> tuple[Named, ...]:
        """Fields, not local variables; a constant is what is ``static final`` or stands in an interface."""
        kind = node.type
        label, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if label is None:
            return ()
        if kind == "variable_declarator":
            if frame.kind not in self.wrappers:
                return ()
            value = node.child_by_field_name("value")
            fixed = frame.kind == "constant_declaration" or _is_constant(frame.node, text)
            bodies = (value,) if value is not None else ()
            return (Named(text(label), "constant" if fixed else "field", label, bodies, value),)
        parameters = node.child_by_field_name("parameters")
        aliases: tuple[str, ...] = ()
        if kind in ("method_declaration", "constructor_declaration") and parameters is not None:
            scope = f"{frame.owner.name}." if frame.owner else ""
            aliases = (f"{scope}{text(label)}({','.join(_types(parameters, text))})",)
        arguments = node.child_by_field_name("arguments")
        inside = tuple(b for b in (arguments, body) if b is not None)
        kind = self.definitions[kind]
        return (Named(text(label), kind, label, inside, None, aliases, bases=_bases(node, text)),)

    def children(self, node: Node, kind: str, slice: Slice) -> Iterator[Node | str]:
        """Modifiers in one order: annotations as written, then the words."""
        if kind == "modifiers":
            return iter(sorted(node.children, key=lambda c: (not c.is_named, "" if c.is_named else c.type)))
        return iter(node.children)

    def hides(self, node: Node, kind: str, parent: Frame | None) -> bool:
        """``a + b + c`` is one sum."""
        if kind in self.merged:
            is_first = (
                parent is not None and parent.kind == kind and parent.node.start_byte == node.start_byte
            )
            return is_first and parent is not None and _is_sum(node) and _is_sum(parent.node)
        return super().hides(node, kind, parent)

    def doc(self, text: str, node: Node, frame: Frame, source: bytes) -> str:
        """Javadoc without the paragraph marks that a formatter puts in."""
        is_doc = text.startswith("/**") and not text.startswith("/**/")
        return " ".join(_PARAGRAPH.sub(" ", words(text)).split()) if is_doc else ""

    def reference(self, text: str) -> tuple[str, int]:
        """A call is known by what stands before its arguments."""
        head, call, _ = text.partition("(")
        plain, length = super().reference(head)
        return (plain, length) if plain or not call else ("", 0)

    def atom(self, node: Node, text: str, frame: Frame) -> str:
        """A text block without the indentation that is none of its content."""
        if not text.startswith('"""'):
            return TEXT + unquote(text)
        lines = text[3:-3].split("\n")[1:]
        margin = min((len(s) - len(s.lstrip()) for s in lines if s.strip() or s is lines[-1]), default=0)
        return TEXT + "\\n".join(line[margin:].rstrip() for line in lines)

    def leaf(self, kind: str, text: str, parent: str) -> str:
        """Numbers in one spelling."""
        return number(text) if kind in self.numbers else text

    def rewrite(self, frame: Frame, tokens: list[str]) -> None:
        """``"a" + "b"`` is one string; ``(x) -> y`` is ``x -> y``."""
        start = frame.start
        if frame.kind == "inferred_parameters":
            if len(tokens) - start == 5:
                tokens[start:] = [tokens[start + 2]]
            return
        tail = [] if frame.transparent else [tokens.pop()]
        if tokens[-2:-1] == ["+"] and tokens[-1][:1] == TEXT == tokens[-3][:1] and len(tokens) - start > 2:
            tokens[-3:] = [tokens[-3] + tokens[-1][1:]]
        tokens += tail
        if tail == [CLOSE] and len(tokens) - start == 3 and tokens[start] == OPEN:
            tokens[start:] = [tokens[start + 1]]

    def read_imports(self, node: Node, text: Text) -> Iterable[tuple[str, tuple[str, str]]]:
        """A class is known by its file; a static import by its class."""
        words = text(node).removesuffix(";").split(None, 1)[1:]
        rest = words[0].removeprefix("static ").strip() if words else ""
        path = "".join(rest.split())
        module, _, name = path.rpartition(".")
        if name == "*":
            yield f"*{module}", (module, "*")
        elif "static" in text(node).split()[:2]:
            yield name, (module, f"{module.rpartition('.')[2]}.{name}")
        else:
            yield name, (path, name)

    def targets(self, path: str, module: str, paths: Paths) -> tuple[str, ...]:
        """The file of a class, or every file of a package."""
        inner = module.replace(".", "/")
        found = paths.ending(f"{inner}.java")
        if found or "/" not in inner:
            return found
        outer = paths.ending(f"{posixpath.dirname(inner)}.java")
        if outer:
            return outer
        for root in ("", "src/main/java/", "src/", "src/test/java/"):
            files = tuple(p for p in paths.inside(root + inner) if p.endswith(".java"))
            if files:
                return files
        return ()

    def visible(self, path: str, paths: Paths) -> tuple[str, ...]:
        """The other classes of the package."""
        files = paths.inside(posixpath.dirname(path))
        return tuple(p for p in files if p.endswith(".java") and p != path)


def _is_constant(field: Node, text: Text) -> bool:
    words = {c.type for part in field.children if part.type == "modifiers" for c in part.children}
    return {"static", "final"} <= words


def _types(parameters: Node, text: Text) -> Iterator[str]:
    """The types of the parameters, without generics and annotations."""
    for part in parameters.named_children:
        if part.type not in ("formal_parameter", "spread_parameter"):
            continue
        named = part.child_by_field_name("type")
        dimensions = part.child_by_field_name("dimensions")
        if named is None:
            named = next((c for c in part.named_children if c.type != "modifiers"), None)
        plain = "".join(text(named).split()) if named is not None else ""
        while "<" in plain and _GENERICS.search(plain):
            plain = _GENERICS.sub("", plain)
        dots = "..." if part.type == "spread_parameter" else ""
        yield plain.rpartition(".")[2] + dots + ("".join(text(dimensions).split()) if dimensions else "")


def _bases(node: Node, text: Text) -> tuple[str, ...]:
    names = []
    for part in node.named_children:
        if part.type in ("superclass", "super_interfaces", "extends_interfaces"):
            inside = part.named_children
            inside = inside[0].named_children if inside and inside[0].type == "type_list" else inside
            names += [text(c).split("<")[0].strip() for c in inside]
    return tuple(name for name in names if re.fullmatch(r"[\w.]+", name))


def _is_sum(node: Node) -> bool:
    operator = node.child_by_field_name("operator")
    return operator is not None and operator.type == "+"


LANGUAGES: dict[str, Language] = {"Java": Java()}
