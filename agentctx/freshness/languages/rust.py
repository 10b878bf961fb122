"""Rust: items, members of impls and traits (``Type::method``, ``<Type as Trait>::method``)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from agentctx.freshness.languages.base import Language
from agentctx.freshness.languages.parts import CLOSE, TEXT, Found, Frame, Named
from agentctx.freshness.languages.tables import Sets, Table, number, these
from agentctx.freshness.languages.treesitter import Grammar
from agentctx.freshness.tree import Paths

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentctx.freshness.languages.tables import Slice, Text

_JUMPS = these("return_expression break_expression continue_expression")
_STATEMENTS = these(
    "let_declaration empty_statement expression_statement attribute_item inner_attribute_item"
)
_TUPLES = these("tuple_type tuple_pattern")
_GENERICS = re.compile(r"<.*>$", re.DOTALL)
_LIFETIME = re.compile(r"'\w+\s*,?\s*")
_CONTINUED = re.compile(r"\\\n\s*")
_CAPTURED = re.compile(r"(?<!\{)\{([A-Z][A-Z0-9_]*)(?::[^{}]*)?\}")
_ROOTS = ("lib.rs", "main.rs")
_TYPE_MACRO = re.compile(rb"\b(?:str|char|bool|[iu](?:8|16|32|64|128|size)|f32|f64)!(?=\s*[\[({])")


class Rust(Grammar):
    """A method of a trait's implementation is also found by ``Type::method`` when only one is so called."""

    name = "Rust"
    wheel = "tree_sitter_rust"
    separator = "::"
    receivers = ("self", "Self")
    paths_in_code = True
    manifest = "Cargo.toml"

    definitions: ClassVar[Table] = {
        "function_item": "function",
        "function_signature_item": "function",
        "struct_item": "struct",
        "union_item": "struct",
        "enum_item": "enum",
        "trait_item": "trait",
        "impl_item": "impl",
        "mod_item": "module",
        "const_item": "constant",
        "static_item": "constant",
        "type_item": "type",
        "associated_type": "type",
        "enum_variant": "constant",
        "field_declaration": "field",
        "macro_definition": "macro",
    }
    counting: ClassVar[Table] = {"enum_variant": "written"}
    leading = these("attribute_item")
    comments = these("line_comment block_comment")
    atoms = these("string_literal raw_string_literal")
    transparent = these("parenthesized_expression")
    shaped = these(
        "expression_statement block tuple_type tuple_pattern token_tree use_declaration function_item "
        "function_signature_item extern_modifier"
    )
    merged = these("or_pattern")
    kept: ClassVar[Sets] = {
        "expression_statement": these(";"),
        "empty_statement": these(";"),
        "array_expression": these(";"),
        "array_type": these(";"),
        "token_tree": these("; ,"),
        "token_tree_pattern": these("; ,"),
        "token_repetition": these("; ,"),
        "token_repetition_pattern": these("; ,"),
    }
    sorted: ClassVar[Sets] = dict.fromkeys(
        ("source_file", "declaration_list", "block"),
        these("use_declaration extern_crate_declaration mod_item"),
    )
    imports = these("use_declaration")
    identifiers = these("identifier type_identifier")
    member_names = these("field_identifier shorthand_field_identifier")
    chains = these("field_expression scoped_identifier scoped_type_identifier")
    binders: ClassVar[Table] = {
        "parameter": "pattern",
        "let_declaration": "pattern",
        "closure_parameters": "*",
        "for_expression": "pattern",
        "let_condition": "pattern",
        "type_parameter": "name",
    }
    marks: ClassVar[Table] = {"tuple_expression": ",", "or_pattern": "|"}
    rewrites = these("empty_statement token_tree token_repetition")
    numbers = these("integer_literal float_literal")
    literals = these("boolean_literal")

    # ------------------------------------------------------------------ names

    def define(self, node: Node, frame: Frame, text: Text) -> tuple[Named, ...]:
        """Items anywhere; a module in another file is that file."""
        kind = node.type
        if kind == "impl_item":
            return self._impl(node, text)
        label, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if label is None or (kind == "mod_item" and body is None):
            return ()
        if kind == "macro_definition":
            bodies = tuple(c for c in node.named_children if c.type == "macro_rule")
        else:
            fields = (
                ("body", "value", "type") if kind in ("type_item", "field_declaration") else self.body_fields
            )
            bodies = tuple(b for b in map(node.child_by_field_name, fields) if b is not None)
        owner = frame.owner.named if frame.owner else None
        aliases: tuple[str, ...] = ()
        within = ""
        if owner is not None and owner.kind == "impl":
            within = owner.within
            aliases = tuple(f"{scope}::{text(label)}" for scope in owner.aliases)
        value = node.child_by_field_name("value")
        bases = _supertraits(node, text) if kind == "trait_item" else ()
        return (
            Named(
                text(label),
                self.kind_of(node, frame),
                label,
                bodies,
                value,
                aliases,
                within=within,
                bases=bases,
            ),
        )

    def _impl(self, node: Node, text: Text) -> tuple[Named, ...]:
        """A block of members; its name says for which type, and for which trait."""
        subject, trait = node.child_by_field_name("type"), node.child_by_field_name("trait")
        body = node.child_by_field_name("body")
        if subject is None or body is None:
            return ()
        own = _GENERICS.sub("", _plain(text(subject))).lstrip("&")
        short = own.rpartition("::")[2]
        if trait is None:
            return (Named(f"impl {own}", "impl", None, (body,), scope=None, within=short, aliases=(own,)),)
        named = _plain(text(trait))
        aliases = (own, f"{named} for {own}", f"{_GENERICS.sub('', named)} for {own}", f"<{own} as {named}>")
        bases = (_GENERICS.sub("", named).replace("::", "."),)
        return (
            Named(f"impl {named} for {own}", "impl", None, (body,), None, aliases, within=short, bases=bases),
        )

    def qualify(self, named: Named, owner: Found | None) -> str:
        """Members of an impl belong to its type, or to its type as its trait."""
        if owner is not None and owner.named.kind == "impl":
            aliases = owner.named.aliases
            scope = aliases[-1]
            outer = f"{owner.owner.name}::" if owner.owner and owner.owner.named.kind == "module" else ""
            return f"{outer}{scope}::{named.name}"
        return super().qualify(named, owner)

    def member(self, owner: str, name: str) -> str:
        """``Type::name``."""
        return f"{owner}::{name}"

    def receiver(self, symbol: str, reference: str) -> tuple[str, str] | None:
        """``self.name`` and ``Self::name`` inside a member."""
        first, _, member = reference.partition(".")
        owner = symbol.rpartition("::")[0]
        if first in self.receivers and member and owner:
            found = re.fullmatch(r"(.*?)<(.+?) as .*>", owner)
            return (found[1] + found[2] if found else owner), member.split(".")[0]
        return None

    def lookups(self, symbol: str, reference: str) -> tuple[str, ...]:
        """From the innermost module outwards; ``crate``, ``self`` and ``super`` say nothing by themselves."""
        scopes = re.sub(r"<.*>", "", symbol).split("::")[:-1]
        words = [w for w in reference.split(".") if w not in ("crate", "super", "self")]
        names = []
        for length in range(len(words), 0, -1):
            word = "::".join(words[:length])
            names += ["::".join([*scopes[:depth], word]) for depth in range(len(scopes), -1, -1)]
        return tuple(names)

    # ------------------------------------------------------------------ normal form

    def prepare(self, path: str, source: bytes) -> bytes:
        """A macro called like a basic type (``str![...]``), which the grammar takes for the type."""
        return _TYPE_MACRO.sub(lambda m: m[0].capitalize(), source)

    def hides(self, node: Node, kind: str, parent: Frame | None) -> bool:
        """Braces around the one expression of a match arm or closure, and what rustfmt puts behind jumps."""
        if kind == "expression_statement":
            first = node.named_children[0] if node.named_child_count else None
            return first is not None and (first.type in _JUMPS or node.children[-1].type != ";")
        if kind == "block":
            return parent is not None and parent.kind in ("match_arm", "closure_expression") and _single(node)
        if kind in _TUPLES:
            return node.named_child_count == 1 and all(c.type != "," for c in node.children)
        if kind == "or_pattern":
            return super().hides(node, kind, parent) or sum(c.type != "|" for c in node.children) == 1
        if kind == "token_tree" and node.children[0].type == "{":
            before = node.prev_sibling
            simple = node.child_count > 2 and all(c.type != ";" for c in node.children)
            return simple and before is not None and before.type in ("|", "||", "=>")
        return super().hides(node, kind, parent)

    def skipped(self, kind: str, hidden: bool) -> frozenset[str]:
        """A hidden block hides its braces, a hidden statement its semicolon."""
        usual = super().skipped(kind, hidden)
        if kind == "or_pattern":
            return usual | {"|"}
        if hidden and kind in ("block", "expression_statement", "token_tree"):
            return (usual - self.brackets) | {"{", "}", ";"}
        return usual

    def children(self, node: Node, kind: str, slice: Slice) -> Iterator[Node | str]:
        """``use`` as its sorted paths; ``-> ()`` and the C of ``extern`` as rustfmt has them."""
        if kind == "use_declaration":
            return _used(node, slice)
        if kind in ("function_item", "function_signature_item"):
            result = node.child_by_field_name("return_type")
            if result is not None and result.type == "unit_type":
                return (c for c in node.children if c.type not in ("->", "unit_type"))
        if kind == "extern_modifier" and not node.named_child_count:
            return iter([*node.children, TEXT + "C"])
        return iter(node.children)

    def atom(self, node: Node, text: str, frame: Frame) -> str:
        """Byte and C strings stay told apart by their prefix; a raw string is its text."""
        quote = text.find('"')
        prefix = text[:quote].replace("#", "")
        hashes = text[:quote].count("#")
        content = text[quote + 1 : len(text) - 1 - hashes]
        if "r" not in prefix:
            content = _CONTINUED.sub("", content)
        if "r" in prefix:
            special = "\\" in content or '"' in content
            return TEXT + (f"r {content}" if special else content)
        return prefix + TEXT + content if prefix else TEXT + content

    def captured(self, text: str) -> list[str]:
        """``"{RATE:>5}"``: a constant that a formatting macro reads by its name."""
        return _CAPTURED.findall(text) if "{" in text else []

    def is_member(self, kind: str, frame: Frame) -> bool:
        """The names of ``Self { side }`` as well."""
        return super().is_member(kind, frame) or frame.kind == "shorthand_field_initializer"

    def leaf(self, kind: str, text: str, parent: str) -> str:
        """Numbers in one spelling."""
        return number(text) if kind in self.numbers else text

    def rewrite(self, frame: Frame, tokens: list[str]) -> None:
        """A trailing comma in a macro call, a second semicolon."""
        if frame.kind == "empty_statement":
            if tokens[frame.start - 2 : frame.start] == [";", CLOSE]:
                del tokens[frame.start :]
        elif not frame.transparent and tokens[-3] == ",":
            del tokens[-3]

    # ------------------------------------------------------------------ imports

    def loose(self, parent: str, kind: str, node: Node) -> bool:
        """A module written out is no import."""
        return super().loose(parent, kind, node) and (
            kind != "mod_item" or node.child_by_field_name("body") is None
        )

    def read_imports(self, node: Node, text: Text) -> Iterable[tuple[str, tuple[str, str]]]:
        """``use a::b::{self, c as d, *}``."""
        argument = node.child_by_field_name("argument")
        if argument is None:
            return
        for path, alias in _paths(argument, lambda a, b: _cut(node, text, a, b)):
            module, _, name = path.rpartition("::")
            if name == "*":
                yield f"*{module}", (module, "*")
            elif alias != "_":
                yield alias or name, (module, name)

    def submodule(self, module: str, name: str) -> str:
        """``use a::b`` may mean the module ``b`` in ``a``."""
        return f"{module}::{name}" if module else name

    def targets(self, path: str, module: str, paths: Paths) -> tuple[str, ...]:
        """``crate::``, ``self::``, ``super::``, or another crate of the same repository."""
        parts = module.split("::")
        root = _crate(path, paths)
        stem = posixpath.splitext(path)[0]
        here = posixpath.dirname(stem) if posixpath.basename(path) in (*_ROOTS, "mod.rs") else stem
        if parts[0] == "crate":
            return _files(root, parts[1:], paths)
        if parts[0] in ("self", "super"):
            while parts and parts[0] in ("self", "super"):
                here = posixpath.dirname(here) if parts[0] == "super" else here
                parts = parts[1:]
            return _files(here, parts, paths)
        own = _files(here, parts[:1], paths)
        if own and own != _files(here, [], paths):
            return _files(here, parts, paths)
        names = (parts[0], parts[0].replace("_", "-"))
        for lib in (found for name in names for found in paths.ending(f"{name}/src/lib.rs")):
            return _files(posixpath.dirname(lib), parts[1:], paths)
        return own


def _plain(text: str) -> str:
    text = re.sub(r"\s+", "", _LIFETIME.sub("", text))
    return text.replace("<>", "").replace("dyn", "dyn ") if text.startswith("dyn") else text.replace("<>", "")


def _supertraits(node: Node, text: Text) -> tuple[str, ...]:
    bounds = node.child_by_field_name("bounds")
    names = [text(b).split("<")[0] for b in bounds.named_children] if bounds is not None else []
    return tuple(n.replace("::", ".") for n in names if re.fullmatch(r"[\w:]+", n))


def _single(block: Node) -> bool:
    """Whether a block is nothing but one expression."""
    inside = [c for c in block.named_children if c.type not in ("line_comment", "block_comment")]
    if len(inside) != 1 or block.children[0].type != "{":
        return False
    only = inside[0]
    if only.type == "expression_statement":
        return only.children[-1].type != ";" or only.named_children[0].type in _JUMPS
    return only.type not in _STATEMENTS and not only.type.endswith(("_item", "_declaration", "_definition"))


def _cut(node: Node, text: Text, start: int, end: int) -> str:
    whole = text(node).encode()
    return whole[start - node.start_byte : end - node.start_byte].decode()


def _used(node: Node, slice: Slice) -> Iterator[Node | str]:
    """The tokens of a ``use``: what stands before, then its paths, sorted."""
    argument = node.child_by_field_name("argument")
    for child in node.children:
        if argument is None or child.id != argument.id:
            yield child
    if argument is not None:
        yield from sorted(f"{path} as {alias}" if alias else path for path, alias in _paths(argument, slice))


def _paths(argument: Node, slice: Slice) -> Iterator[tuple[str, str]]:
    """(whole path, alias) of everything that a ``use`` brings in."""
    stack: list[tuple[Node, str]] = [(argument, "")]
    while stack:
        node, prefix = stack.pop()

        def text(part: Node | None) -> str:
            return "".join(slice(part.start_byte, part.end_byte).split()) if part is not None else ""

        if node.type == "scoped_use_list":
            path = text(node.child_by_field_name("path"))
            inner = node.child_by_field_name("list")
            if inner is not None:
                stack.append((inner, f"{prefix}{path}::" if path else prefix))
        elif node.type == "use_list":
            stack.extend((child, prefix) for child in node.named_children if "comment" not in child.type)
        elif node.type == "use_as_clause":
            yield prefix + text(node.child_by_field_name("path")), text(node.child_by_field_name("alias"))
        elif node.type == "self" and prefix:
            yield prefix.removesuffix("::"), ""
        else:
            yield prefix + text(node), ""


def _crate(path: str, paths: Paths) -> str:
    """The folder of the crate's root file."""
    folder = posixpath.dirname(path)
    while True:
        if any(posixpath.join(folder, name) in paths for name in _ROOTS):
            return folder
        if not folder:
            return posixpath.dirname(path)
        folder = posixpath.dirname(folder)


def _files(folder: str, parts: list[str], paths: Paths) -> tuple[str, ...]:
    """The file of a module; a module written inside another is found in that one."""
    for length in range(len(parts), -1, -1):
        base = posixpath.join(folder, *parts[:length]) if length else folder
        names = [f"{base}.rs", f"{base}/mod.rs"] if length else []
        if not length:
            names = [posixpath.join(base, n) for n in ("lib.rs", "main.rs", "mod.rs")] + [f"{base}.rs"]
        found = tuple(n for n in names if n in paths)
        if found:
            return found
    return ()


LANGUAGES: dict[str, Language] = {"Rust": Rust()}
