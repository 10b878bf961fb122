"""PHP: functions, classes, interfaces, traits, enums and their members, constants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from agentctx.freshness.languages.base import Language
from agentctx.freshness.languages.parts import TEXT, Frame, Named
from agentctx.freshness.languages.tables import Sets, Table, number, these, unquote
from agentctx.freshness.languages.treesitter import Grammar
from agentctx.freshness.tree import Paths

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentctx.freshness.languages.tables import Text


class Php(Grammar):
    """``Invoice.total`` and ``Invoice::total`` both name a method; namespaces are no part of a name."""

    name = "PHP"
    wheel = "tree_sitter_php"
    entry = "language_php"
    receivers = ("$this", "this", "self", "static")

    definitions: ClassVar[Table] = {
        "function_definition": "function",
        "method_declaration": "method",
        "class_declaration": "class",
        "interface_declaration": "interface",
        "trait_declaration": "trait",
        "enum_declaration": "enum",
        "enum_case": "constant",
        "const_element": "constant",
        "property_element": "field",
    }
    body_fields = ("body", "value", "default_value")
    wrappers = these("const_declaration property_declaration")
    heritage = these("base_clause use_declaration")
    atoms = these("string encapsed_string")
    kept: ClassVar[Sets] = {"for_statement": these(";")}
    sorted: ClassVar[Sets] = dict.fromkeys(
        ("program", "compound_statement"), these("namespace_use_declaration")
    )
    imports = these("namespace_use_clause")
    identifiers = these("name")
    chains = these(
        "member_access_expression member_call_expression class_constant_access_expression "
        "scoped_call_expression"
    )
    binders: ClassVar[Table] = {"simple_parameter": "name", "property_promotion_parameter": "name"}
    numbers = these("integer float")
    literals = these("boolean null")

    def define(self, node: Node, frame: Frame, text: Text) -> tuple[Named, ...]:
        """A property keeps its dollar: a method may have the same name."""
        kind = node.type
        label = node.child_by_field_name("name")
        bodies = tuple(b for b in map(node.child_by_field_name, self.body_fields) if b is not None)
        if kind == "const_element":
            label = node.named_children[0]
            bodies = tuple(node.named_children[1:2])
        if label is None:
            return ()
        name = text(label)
        alias = (f"{frame.owner.name}::{name}",) if frame.owner else ()
        value = bodies[0] if bodies and self.definitions[kind] in ("constant", "field") else None
        bases = self.bases(node, text) if kind == "class_declaration" else ()
        return (Named(name, self.kind_of(node, frame), label, bodies, value, alias, bases=bases),)

    def reference(self, text: str) -> tuple[str, int]:
        """A call is known by what stands before its arguments; a property by its dollar."""
        head, call, _ = text.partition("(")
        plain, length = super().reference(head)
        is_property = plain.startswith("$this.") and not call
        return (plain.replace("$this.", "$this.$", 1) if is_property else plain), length

    def atom(self, node: Node, text: str, frame: Frame) -> str:
        """A string in double quotes equals one in single quotes where nothing in it is special."""
        special = node.type == "encapsed_string" and any(c in text for c in "$\\{")
        return text if special else TEXT + unquote(text)

    def leaf(self, kind: str, text: str, parent: str) -> str:
        """Numbers in one spelling."""
        return number(text) if kind in self.numbers else text

    def read_imports(self, node: Node, text: Text) -> Iterable[tuple[str, tuple[str, str]]]:
        """``use Acme\\Util\\Helper as H``: the file is known by the path of the class."""
        alias = node.child_by_field_name("alias")
        path = text(node).split(" as ")[0].strip()
        name = path.rpartition("\\")[2]
        yield (text(alias) if alias is not None else name), (path, name)

    def targets(self, path: str, module: str, paths: Paths) -> tuple[str, ...]:
        """The longest end of the class path that is a file."""
        parts = module.strip("\\").split("\\")
        for start in range(len(parts)):
            found = paths.ending("/".join(parts[start:]) + ".php")
            if found:
                return found
        return ()


LANGUAGES: dict[str, Language] = {"PHP": Php()}
