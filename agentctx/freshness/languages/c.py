"""C: functions, types with their fields, enumerators, variables, macros."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from agentctx.freshness.languages.base import Language
from agentctx.freshness.languages.parts import TEXT, Frame, Named
from agentctx.freshness.languages.tables import Sets, Table, number, these, unquote
from agentctx.freshness.languages.treesitter import Grammar
from agentctx.freshness.tree import Paths

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentctx.freshness.languages.tables import Text

_TYPES = these("struct_specifier union_specifier enum_specifier class_specifier")
_DECLARATIONS = these("declaration field_declaration type_definition")
_MACRO = re.compile(
    r"""\\\n|/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[\w.]+|[^\w\s]""", re.DOTALL
)
_OUTER = these("struct class namespace")


class C(Grammar):
    """A declaration and its definition in one file are one symbol."""

    definitions: ClassVar[Table] = {
        "function_definition": "function",
        "declaration": "variable",
        "field_declaration": "field",
        "type_definition": "type",
        "struct_specifier": "struct",
        "union_specifier": "struct",
        "enum_specifier": "enum",
        "enumerator": "constant",
        "preproc_def": "constant",
        "preproc_function_def": "macro",
    }
    counting: ClassVar[Table] = {"enumerator": "always"}
    atoms = these("string_literal system_lib_string")
    kept: ClassVar[Sets] = {"for_statement": these(";")}
    sorted: ClassVar[Sets] = dict.fromkeys(
        ("translation_unit", "preproc_ifdef", "preproc_if", "declaration_list"), these("preproc_include")
    )
    imports = these("preproc_include")
    identifiers = these("identifier type_identifier")
    chains = these("field_expression")
    binders: ClassVar[Table] = {"parameter_declaration": "declarator", "init_declarator": "declarator"}
    numbers = these("number_literal")
    literals = these("true false null char_literal preproc_arg")

    def __init__(self, name: str, wheel: str) -> None:
        self.name, self.wheel = name, wheel

    def define(self, node: Node, frame: Frame, text: Text) -> tuple[Named, ...]:
        """Nothing inside a function; a type only where its body is."""
        kind = node.type
        owner = frame.owner.named.kind if frame.owner else ""
        if kind in _DECLARATIONS or kind == "function_definition":
            return self._declared(node, text) if owner in ("", *_OUTER) else ()
        if kind in _TYPES and (node.child_by_field_name("body") is None or owner == "function"):
            return ()
        found = super().define(node, frame, text)
        if kind == "enumerator":  # it is known without its enumeration
            return tuple(replace(named, aliases=(named.name,)) for named in found)
        return found

    def _declared(self, node: Node, text: Text) -> tuple[Named, ...]:
        found = []
        for declarator, default in _declarators(node):
            value = declarator.child_by_field_name("value") or default
            label, is_function = _label(declarator)
            if label is None:
                continue
            inside = "type" if node.type == "type_definition" else "body"
            body = node.child_by_field_name(inside) or value
            kind = self.definitions[node.type]
            if is_function and node.type != "type_definition":
                kind = "function"
            elif kind == "variable" and re.search(r"\bconst(?:expr)?\b", text(node).split("=")[0]):
                kind = "constant"
            scope, _, name = _unscoped(text(label)).rpartition("::")
            found.append(
                Named(
                    name,
                    kind,
                    label,
                    (body,) if body else (),
                    value,
                    self.aliases(scope, name),
                    scope or None,
                    own=declarator,
                )
            )
        return tuple(found)

    def aliases(self, scope: str, name: str) -> tuple[str, ...]:
        """Other names of a definition; C has none."""
        return ()

    def doc(self, text: str, node: Node, frame: Frame, source: bytes) -> str:
        """``/** ... */``, ``/*! ... */``, ``///``."""
        plain = text.replace("/*!", "/**", 1) if text.startswith("/*!") else text
        return super().doc(plain, node, frame, source)

    def atom(self, node: Node, text: str, frame: Frame) -> str:
        """The prefix of a string (``L``, ``u8``) stays."""
        if node.type == "system_lib_string":
            return text
        return text[: text.find('"')] + TEXT + unquote(text)

    def leaf(self, kind: str, text: str, parent: str) -> str:
        """Numbers in one spelling; a macro's text without its line breaks."""
        if kind == "preproc_arg":
            return " ".join(t for t in _MACRO.findall(text) if not t.startswith(("/*", "//", "\\\n")))
        return number(text) if kind in self.numbers else text

    def read_imports(self, node: Node, text: Text) -> Iterable[tuple[str, tuple[str, str]]]:
        """An include brings in everything."""
        path = node.child_by_field_name("path")
        if path is not None and path.type == "string_literal":
            module = unquote(text(path))
            yield f"*{module}", (module, "*")

    def targets(self, path: str, module: str, paths: Paths) -> tuple[str, ...]:
        """Beside the file, else wherever the repository has it; the source file of a header before it."""
        here = posixpath.normpath(posixpath.join(posixpath.dirname(path), module))
        found = (here,) if here in paths else paths.ending(module)
        stems = [posixpath.splitext(p)[0] for p in found]
        sources = [s + e for s in stems for e in (".c", ".cc", ".cpp", ".cxx") if s + e in paths]
        return (*(s for s in sources if s != path), *found)


def _declarators(node: Node) -> Iterator[tuple[Node, Node | None]]:
    """What a statement declares, each with the default that stands beside it."""
    found: list[tuple[Node, Node | None]] = []
    for at, child in enumerate(node.children):
        role = node.field_name_for_child(at)
        if role == "declarator":
            found.append((child, None))
        elif role == "default_value" and found:
            found[-1] = (found[-1][0], child)
    return iter(found)


def _label(declarator: Node | None) -> tuple[Node | None, bool]:
    """The name inside pointers, arrays and parameter lists; whether it is a function's."""
    is_function = False
    while declarator is not None:
        if declarator.type == "function_declarator":
            inner = declarator.child_by_field_name("declarator")
            is_function = inner is None or inner.type != "parenthesized_declarator"
        deeper = declarator.child_by_field_name("declarator")
        if deeper is None and declarator.type in ("parenthesized_declarator", "reference_declarator"):
            deeper = declarator.named_children[-1] if declarator.named_children else None
        if deeper is None:
            return declarator, is_function
        declarator = deeper
    return None, False


def _unscoped(text: str) -> str:
    """A name without spaces and template arguments."""
    plain = "".join(text.split()) if not text.startswith("operator") else text
    while re.search(r"<[^<>]*>(?=::)", plain):
        plain = re.sub(r"<[^<>]*>(?=::)", "", plain)
    return plain


LANGUAGES: dict[str, Language] = {"C": C("C", "tree_sitter_c")}
