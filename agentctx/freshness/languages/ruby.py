"""Ruby: modules, classes, methods (``Acme::Invoice#total`` is ``Acme.Invoice.total``), constants."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from agentctx.freshness.languages.base import Language
from agentctx.freshness.languages.parts import TEXT, Frame, Named
from agentctx.freshness.languages.tables import Sets, Table, number, these, unquote, words
from agentctx.freshness.languages.treesitter import Grammar
from agentctx.freshness.tree import Paths

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentctx.freshness.languages.tables import Text

_DOCUMENTED = these("program body_statement class module")


class Ruby(Grammar):
    """A name is found with dots and with ``::``, and without its outer modules."""

    name = "Ruby"
    wheel = "tree_sitter_ruby"

    definitions: ClassVar[Table] = {
        "module": "module",
        "class": "class",
        "method": "method",
        "singleton_method": "method",
        "assignment": "constant",
    }
    implicit_members = True
    heritage = these("superclass")
    transparent = these("parenthesized_statements body_statement")
    kept: ClassVar[Sets] = {}
    imports = these("call")
    identifiers = these("identifier constant instance_variable")
    chains = these("scope_resolution")
    binders: ClassVar[Table] = {"method_parameters": "*", "optional_parameter": "name"}
    verbatim = these("string_content")
    numbers = these("integer float")
    literals = these("true false nil simple_symbol")

    def define(self, node: Node, frame: Frame, text: Text) -> tuple[Named, ...]:
        """Constants, not variables; ``def self.name`` and ``class << self`` are members of the class."""
        kind = node.type
        if kind == "assignment" and _is_list(node.child_by_field_name("left")):
            return tuple(self._named(*pair, kind, frame, text) for pair in _parallel(node))
        label = node.child_by_field_name("left" if kind == "assignment" else "name")
        if label is None or (kind == "assignment" and label.type != "constant"):
            return ()
        body = node.child_by_field_name("right" if kind == "assignment" else "body")
        return (self._named(label, body, kind, frame, text),)

    def _named(self, label: Node, body: Node | None, kind: str, frame: Frame, text: Text) -> Named:
        name = text(label).replace("::", ".")
        bodies = (body,) if body is not None else ()
        outer = frame.owner.name.split(".") if frame.owner else []
        stop = len(outer) + (frame.owner is not None and frame.owner.named.kind == "module")
        short = [".".join([*outer[at:], name]) for at in range(1, stop)]
        whole = ".".join([*outer, name])
        aliases = [*short, *(s.replace(".", "::") for s in [whole, *short] if "." in s)]
        if kind.endswith("method"):
            aliases += [f"{'::'.join(n.split('.')[:-1])}#{name}" for n in [whole, *short] if "." in n]
        bases = self.bases(label.parent, text) if kind == "class" and label.parent is not None else ()
        return Named(name, self.definitions[kind], label, bodies, body, tuple(aliases), bases=bases)

    def doc(self, text: str, node: Node, frame: Frame, source: bytes) -> str:
        """Comment lines directly above, at the level of definitions."""
        line = source[source.rfind(b"\n", 0, node.start_byte) + 1 : node.start_byte]
        if frame.kind not in _DOCUMENTED or line.strip() or text.startswith(("#!", "# frozen", "# rubocop")):
            return ""
        if frame.owner is not None and frame.owner.named.kind == "method":
            return ""
        following = source[node.end_byte :].split(b"\n", 2)[1:2]
        return words(text) if following and following[0].strip() else ""

    def leaf(self, kind: str, text: str, parent: str) -> str:
        """Either quote opens a string; what is special in one kind is an escape or an interpolation."""
        if parent == "string" and text in ("'", '"'):
            return TEXT
        if kind == "string_content":
            return TEXT + text
        return number(text) if kind in self.numbers else text

    def read_imports(self, node: Node, text: Text) -> Iterable[tuple[str, tuple[str, str]]]:
        """``require_relative`` and ``require`` bring in everything."""
        method, arguments = node.child_by_field_name("method"), node.child_by_field_name("arguments")
        if method is not None and arguments is not None and text(method) in ("require", "require_relative"):
            module = unquote(text(arguments).strip("()"))
            dot = "./" if text(method) == "require_relative" else ""
            yield f"*{dot}{module}", (dot + module, "*")

    def targets(self, path: str, module: str, paths: Paths) -> tuple[str, ...]:
        """Relative files, and files under ``lib``."""
        if module.startswith("."):
            near = posixpath.normpath(posixpath.join(posixpath.dirname(path), module)) + ".rb"
            return (near,) if near in paths else ()
        found = paths.ending(f"lib/{module}.rb")
        return found or paths.ending(f"{module}.rb")


def _is_list(left: Node | None) -> bool:
    return left is not None and left.type == "left_assignment_list"


def _parallel(node: Node) -> Iterator[tuple[Node, Node | None]]:
    """(constant, value) of ``A, B = 1, 2``; all of the right side where it is not written out like that."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    labels = left.named_children if left is not None else []
    values = right.named_children if right is not None and right.type.endswith("_list") else []
    for at, label in enumerate(labels):
        if label.type == "constant":
            yield label, values[at] if len(values) == len(labels) else right


LANGUAGES: dict[str, Language] = {"Ruby": Ruby()}
