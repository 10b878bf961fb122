"""C++: what C has, with namespaces, classes and templates (``acme::Invoice::total``, ``Invoice::total``)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from agentctx.freshness.languages.base import Language
from agentctx.freshness.languages.c import C
from agentctx.freshness.languages.parts import Found, Frame, Named
from agentctx.freshness.languages.tables import Table, these

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentctx.freshness.languages.tables import Text


_CLASSES = these("class_specifier struct_specifier")


class Cpp(C):
    """A name is also found without its namespaces when only one is so called."""

    separator = "::"
    implicit_members = True
    definitions: ClassVar[Table] = {
        **C.definitions,
        "class_specifier": "class",
        "namespace_definition": "namespace",
        "alias_declaration": "type",
        "concept_definition": "type",
    }
    heritage = these("base_class_clause")
    wrappers = these("template_declaration")
    atoms = these("string_literal raw_string_literal system_lib_string")
    chains = these("field_expression qualified_identifier")
    receivers = ("this",)

    def define(self, node: Node, frame: Frame, text: Text) -> tuple[Named, ...]:
        """See ``C.define``; what stands in an unnamed namespace has no name either side of it."""
        found = super().define(node, frame, text)
        if node.type in _CLASSES:
            found = tuple(replace(n, bases=self.bases(node, text)) for n in found)
        if frame.owner is None:
            return found
        outer = frame.owner.name.split("::")
        stop = len(outer) + (frame.owner.named.kind == "namespace")
        return tuple(
            replace(n, aliases=tuple("::".join([*outer[at:], *_parts(n)]) for at in range(1, stop)))
            for n in found
        )

    def qualify(self, named: Named, owner: Found | None) -> str:
        """``Type::name`` written inside a namespace stays in it."""
        if named.scope is not None and owner is not None:
            return f"{owner.name}::{named.scope}::{named.name}"
        return super().qualify(named, owner)

    def member(self, owner: str, name: str) -> str:
        """``Type::name``."""
        return f"{owner}::{name}"

    def receiver(self, symbol: str, reference: str) -> tuple[str, str] | None:
        """``this->name`` inside a member."""
        first, _, member = reference.partition(".")
        owner = symbol.rpartition("::")[0]
        return (owner, member.split(".")[0]) if first == "this" and member and owner else None

    def lookups(self, symbol: str, reference: str) -> tuple[str, ...]:
        """From the innermost scope outwards."""
        scopes = symbol.split("::")[:-1]
        words = reference.split(".")
        return tuple(
            "::".join([*scopes[:depth], *words[:length]])
            for length in range(len(words), 0, -1)
            for depth in range(len(scopes), -1, -1)
        )


def _parts(named: Named) -> tuple[str, ...]:
    return (named.scope, named.name) if named.scope else (named.name,)


LANGUAGES: dict[str, Language] = {"C++": Cpp("C++", "tree_sitter_cpp")}
