"""C#: namespaces, types, methods, properties, fields, enum members."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from agentctx.freshness.languages.base import Language
from agentctx.freshness.languages.parts import TEXT, Frame, Named
from agentctx.freshness.languages.tables import Sets, Table, number, these, unquote
from agentctx.freshness.languages.treesitter import Grammar

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentctx.freshness.languages.tables import Slice, Text

_FIELDS = these("field_declaration event_field_declaration")


class CSharp(Grammar):
    """A name is also found without its namespace, and a method with the types of its parameters."""

    name = "C#"
    wheel = "tree_sitter_c_sharp"
    implicit_members = True

    definitions: ClassVar[Table] = {
        **dict.fromkeys(("class_declaration", "record_declaration"), "class"),
        **dict.fromkeys(
            (
                "method_declaration",
                "constructor_declaration",
                "delegate_declaration",
                "local_function_statement",
            ),
            "method",
        ),
        **dict.fromkeys(("property_declaration", "event_declaration"), "field"),
        **dict.fromkeys(("namespace_declaration", "file_scoped_namespace_declaration"), "namespace"),
        "struct_declaration": "struct",
        "interface_declaration": "interface",
        "enum_declaration": "enum",
        "enum_member_declaration": "constant",
        "variable_declarator": "field",
    }
    counting: ClassVar[Table] = {"enum_member_declaration": "always"}
    body_fields = ("body", "value", "accessors")
    shaped = frozenset(definitions) | _FIELDS
    wrappers = these("field_declaration event_field_declaration variable_declaration")
    heritage = these("base_list")
    atoms = these("string_literal verbatim_string_literal")
    kept: ClassVar[Sets] = {"for_statement": these(";")}
    sorted: ClassVar[Sets] = dict.fromkeys(("compilation_unit", "declaration_list"), these("using_directive"))
    identifiers = these("identifier")
    chains = these("member_access_expression qualified_name")
    binders: ClassVar[Table] = {"parameter": "name", "variable_declarator": "name"}
    numbers = these("integer_literal real_literal")
    literals = these("boolean_literal null_literal character_literal")

    def define(self, node: Node, frame: Frame, text: Text) -> tuple[Named, ...]:
        """Fields, not local variables."""
        label = node.child_by_field_name("name")
        if label is None:
            return ()
        bodies = tuple(b for b in map(node.child_by_field_name, self.body_fields) if b is not None)
        outer = frame.owner.name.split(".") if frame.owner else []
        stop = len(outer) + (frame.owner is not None and frame.owner.named.kind == "namespace")
        aliases = [".".join([*outer[at:], text(label)]) for at in range(1, stop)]
        kind, value = self.definitions[node.type], node.child_by_field_name("value")
        if node.type == "variable_declarator":
            around = frame.parent
            if around is None or around.kind not in _FIELDS:
                return ()
            value = node.named_children[-1] if node.named_child_count > 1 else None
            bodies = (value,) if value is not None else ()
            words = {text(c) for c in around.node.named_children if c.type == "modifier"}
            kind = "constant" if "const" in words or {"static", "readonly"} <= words else kind
        elif kind == "method":
            parameters = node.child_by_field_name("parameters")
            inside = parameters.named_children if parameters is not None else []
            types = ",".join(
                text(t) for t in (p.child_by_field_name("type") for p in inside) if t is not None
            )
            whole = ".".join([*outer, text(label)])
            aliases += [f"{name}({types})" for name in (whole, *aliases)]
        bases = self.bases(node, text)
        return (Named(text(label), kind, label, bodies, value, tuple(aliases), bases=bases),)

    def children(self, node: Node, kind: str, slice: Slice) -> Iterator[Node | str]:
        """Modifiers in one order."""
        if kind not in self.definitions and kind not in _FIELDS:
            return iter(node.children)
        words = iter(sorted((c for c in node.children if c.type == "modifier"), key=lambda c: str(c.text)))
        return iter([next(words) if c.type == "modifier" else c for c in node.children])

    def atom(self, node: Node, text: str, frame: Frame) -> str:
        """A verbatim string is its text; nothing in it is an escape."""
        if text.startswith("@"):
            content = text[2:-1]
            return TEXT + (f"@{content}" if "\\" in content or '"' in content else content)
        return TEXT + unquote(text)

    def leaf(self, kind: str, text: str, parent: str) -> str:
        """Numbers in one spelling."""
        return number(text) if kind in self.numbers else text


LANGUAGES: dict[str, Language] = {"C#": CSharp()}
