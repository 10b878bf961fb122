"""JavaScript and TypeScript, with and without JSX."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from agentctx.freshness.languages.base import Language
from agentctx.freshness.languages.javascript_form import cast, collapsed, is_laid_out, is_low, jsx, leaf
from agentctx.freshness.languages.parts import CLOSE, OPEN, TEXT, Frame, Named
from agentctx.freshness.languages.tables import Sets, Table, these, unquote
from agentctx.freshness.languages.treesitter import Grammar
from agentctx.freshness.tree import Paths

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentctx.freshness.languages.tables import Slice, Text

_FUNCTIONS = these("arrow_function function_expression generator_function")
_CLOTHES = these("as_expression satisfies_expression parenthesized_expression non_null_expression")
"""What may be put around a value without changing what it is."""
_BLOCKS = these("program statement_block class_body switch_case switch_default")
_ACCESS = these("member_expression call_expression subscript_expression")
_TYPE_IMPORT = re.compile(rb"typeof\s+import\(\s*([\"'`])[^\"'`\n]+\1\s*\)")
_CASTS = these("as_expression satisfies_expression")
_NAMED = these("method_definition method_signature enum_body")
"""Here a string is a name wherever it stands."""
_FIELDS = these("pair public_field_definition field_definition")
_KEYED = _FIELDS | these("pair_pattern property_signature enum_assignment")
"""Here a string is a name when it stands first."""
_PATTERNS = these("object_pattern array_pattern")
_REQUIRED = re.compile(r"""require\(\s*['"]([^'"]+)['"]\s*\)""")
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_EXTENSIONS = (".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mts", ".mjs", ".cts", ".cjs", ".vue", ".json")


class JavaScript(Grammar):
    """Functions, classes and their members, constants, objects and their members, types of TypeScript."""

    manifest = "package.json"
    definitions: ClassVar[Table] = {
        **dict.fromkeys(
            ("function_declaration", "generator_function_declaration", "function_signature"), "function"
        ),
        **dict.fromkeys(("class_declaration", "abstract_class_declaration"), "class"),
        **dict.fromkeys(("method_definition", "method_signature", "abstract_method_signature"), "method"),
        **dict.fromkeys((*_FIELDS, "property_signature"), "field"),
        **dict.fromkeys(
            ("enum_assignment", "variable_declarator", "export_statement", "assignment_expression"),
            "constant",
        ),
        **dict.fromkeys(("internal_module", "module"), "namespace"),
        "interface_declaration": "interface",
        "type_alias_declaration": "type",
        "enum_declaration": "enum",
    }
    counting: ClassVar[Table] = dict.fromkeys(("property_identifier", "enum_assignment"), "always")
    leaf_definitions: ClassVar[Table] = {"enum_body": "constant"}
    wrappers = these(
        "export_statement lexical_declaration variable_declaration ambient_declaration expression_statement"
    )
    leading = these("decorator")
    comments = these("comment html_comment hash_bang_line")
    atoms = these("string")
    transparent = these("parenthesized_expression parenthesized_type")
    kept: ClassVar[Sets] = {
        **dict.fromkeys(("array", "array_pattern"), these(",")),
        **dict.fromkeys(("for_statement", "empty_statement"), these(";")),
    }
    sorted: ClassVar[Sets] = {
        "program": these("import_statement"),
        "named_imports": these("import_specifier"),
        "export_clause": these("export_specifier"),
    }
    imports = these("import_statement variable_declarator export_statement")
    identifiers = these("identifier type_identifier shorthand_property_identifier")
    member_names = these(
        "property_identifier private_property_identifier shorthand_property_identifier "
        "shorthand_property_identifier_pattern"
    )
    chains = these("member_expression nested_identifier nested_type_identifier")
    binders: ClassVar[Table] = {
        "variable_declarator": "name",
        "required_parameter": "pattern",
        "optional_parameter": "pattern",
        "assignment_pattern": "left",
        "for_in_statement": "left",
        "catch_clause": "parameter",
        "arrow_function": "parameter",
        "formal_parameters": "*",
    }
    marks: ClassVar[Table] = {
        "object": "{",
        "object_pattern": "{",
        "template_string": "`",
        "union_type": "|",
        "intersection_type": "&",
    }
    shaped = these("jsx_element as_expression satisfies_expression template_string")
    merged = these("union_type intersection_type")
    rewrites = these(
        "array array_pattern empty_statement formal_parameters new_expression jsx_expression "
        "parenthesized_expression"
    )
    verbatim = these("string_fragment regex_pattern")
    numbers = these("number")
    leaf = leaf
    literals = these("true false null undefined")

    def __init__(self, name: str, wheel: str, entry: str) -> None:
        self.name, self.wheel, self.entry = name, wheel, entry

    # ------------------------------------------------------------------ names

    def define(self, node: Node, frame: Frame, text: Text) -> tuple[Named, ...]:
        """Constants only at the top level; functions and classes wherever they are."""
        kind = node.type
        if kind == "export_statement":
            return self._default(node, text)
        if kind == "assignment_expression":
            return self._assigned(node, frame, text)
        label = node.child_by_field_name({"pair": "key", "field_definition": "property"}.get(kind, "name"))
        if label is None or (kind in ("pair", "method_definition") and not _exposed(frame)):
            return ()
        if kind == "variable_declarator" and label.type in _PATTERNS:
            return _unpacked(node, label, frame, text)
        name = unquote(text(label)) if label.type == "string" else text(label)
        if kind == "variable_declarator" or kind in _FIELDS:
            if label.type == "computed_property_name":
                return ()
            value = node.child_by_field_name("value")
            named = self._valued(name, label, value, self.definitions[kind])
            local = kind == "variable_declarator" and _is_local(frame)
            return () if local and named.kind not in ("function", "class") else (named,)
        aliases = ("default",) if frame.kind == "export_statement" and _is_default(frame.node) else ()
        bodies = tuple(b for b in map(node.child_by_field_name, self.body_fields) if b is not None)
        value = node.child_by_field_name("value")
        return (
            Named(name, self.kind_of(node, frame), label, bodies, value, aliases, bases=_bases(node, text)),
        )

    def _valued(self, name: str, label: Node | None, value: Node | None, kind: str) -> Named:
        """A name that is set to something: a function when that is one, else a constant."""
        bare = value
        while bare is not None and bare.type in _CLOTHES and bare.named_children:
            bare = bare.named_children[0]
        if bare is not None and bare.type in _FUNCTIONS:
            body = bare.child_by_field_name("body")
            shown = "method" if kind == "field" else "function"
            return Named(name, shown, label, (body,) if body else ())
        if bare is not None and bare.type == "class":
            body = bare.child_by_field_name("body")
            return Named(name, "class", label, (body,) if body else ())
        return Named(name, kind, label, (value,) if value else (), bare)

    def _default(self, node: Node, text: Text) -> tuple[Named, ...]:
        value = node.child_by_field_name("value")
        if value is None:
            return ()
        return (self._valued("default", None, value, "constant"),)

    def _assigned(self, node: Node, frame: Frame, text: Text) -> tuple[Named, ...]:
        """``module.exports = ...``, ``exports.name = ...``, ``Type.prototype.name = function ...``."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if frame.owner or frame.kind != "expression_statement" or left is None or right is None:
            return ()
        target = "".join(text(left).split())
        if left.type != "member_expression" or not re.fullmatch(r"[\w$.]+", target):
            return ()
        whole = self._valued(target, left, right, "constant")
        for prefix in ("module.exports.", "exports."):
            if target.startswith(prefix):
                short = self._valued(target.removeprefix(prefix), left, right, "constant")
                return (_with(short, aliases=(target,)),)
        if target == "module.exports":
            return (whole,)
        scope, _, name = target.rpartition(".")
        owner = scope.removesuffix(".prototype")
        member = self._valued(name, left, right, "field")
        if member.kind == "field" and scope == owner:
            return ()
        return (_with(member, scope=owner, aliases=(target,) if owner != scope else ()),)

    # ------------------------------------------------------------------ normal form

    def prepare(self, path: str, source: bytes) -> bytes:
        """``typeof import("x")``, which the grammar does not know, as a text of the same length."""
        return _TYPE_IMPORT.sub(lambda m: b'"' + re.sub(rb"[\"'`]", b" ", m[0][1:-1]) + b'"', source)

    def children(self, node: Node, kind: str, slice: Slice) -> Iterator[Node | str]:
        """Text between tags is put together as JSX reads it."""
        if kind == "jsx_element":
            return jsx(node, slice)
        if kind in _CASTS and is_low(node.named_children[0]):
            return cast(node)
        if kind == "template_string" and is_laid_out(node, slice):
            return collapsed(node, slice)
        return iter(node.children)

    def hides(self, node: Node, kind: str, parent: Frame | None) -> bool:
        """A cast of a sum of lower rank is told by ``children``."""
        return super().hides(node, kind, parent) or (kind in _CASTS and is_low(node.named_children[0]))

    def atom(self, node: Node, text: str, frame: Frame) -> str:
        """Quotes are dropped; a key that needs none is a name."""
        content = unquote(text)
        is_key = frame.kind in _NAMED or (frame.kind in _KEYED and node.start_byte == frame.node.start_byte)
        if is_key and (_NAME.fullmatch(content) or content.isdigit()):
            return content
        if frame.kind == "jsx_attribute":
            content = content.replace("&quot;", '"').replace("&apos;", "'")
        return TEXT + content

    def skipped(self, kind: str, hidden: bool) -> frozenset[str]:
        """The signs between the members of a union are told by its mark."""
        sign = {"union_type": "|", "intersection_type": "&"}.get(kind)
        usual = super().skipped(kind, hidden)
        return usual | {sign} if sign else usual

    def loose(self, parent: str, kind: str, node: Node) -> bool:
        """An import without names runs code: it stays where it is."""
        if kind == "import_statement":
            return any(c.type == "import_clause" for c in node.named_children)
        return kind in self.sorted.get(parent, ())

    def rewrite(self, frame: Frame, tokens: list[str]) -> None:
        """What prettier adds and takes away."""
        kind, start = frame.kind, frame.start
        parent = frame.parent.kind if frame.parent else ""
        inside = tokens[start + 2 : -2] if len(tokens) - start < 10 else []
        if kind in ("array", "array_pattern"):
            if tokens[-3] == ",":
                del tokens[-3]
        elif kind == "empty_statement":
            if parent in _BLOCKS:
                del tokens[start:]
        elif kind == "formal_parameters":
            if inside[:1] == [OPEN] and inside[-1:] == [CLOSE]:
                inside = inside[1:-1]
            if len(inside) == 1 and parent == "arrow_function":
                tokens[start:] = inside
        elif kind == "new_expression":
            if frame.node.child_by_field_name("arguments") is None:
                tokens[-1:] = [OPEN, "(", ")", CLOSE, CLOSE]
        elif kind == "jsx_expression":
            if len(inside) == 1 and inside[0][:1] == TEXT and parent == "jsx_attribute":
                tokens[start:] = inside
        elif parent in _ACCESS and frame.node.named_children[0].type in _ACCESS and "?." in tokens[start:]:
            tokens.append("?)")  # (a?.b).c is not a?.b.c

    # ------------------------------------------------------------------ imports

    def read_imports(self, node: Node, text: Text) -> Iterable[tuple[str, tuple[str, str]]]:
        """``import``, ``export ... from``, ``const x = require(...)``."""
        if node.type == "variable_declarator":
            yield from _required(node, text)
            return
        source, value = node.child_by_field_name("source"), node.child_by_field_name("value")
        if value is not None and value.type == "identifier":  # export default name
            yield "default", ("", text(value))
        if source is None:
            return
        module = unquote(text(source))
        for clause in node.named_children:
            if clause.type == "import_clause":
                for part in clause.named_children:
                    if part.type == "identifier":
                        yield text(part), (module, "default")
                    elif part.type == "namespace_import":
                        yield text(part.named_children[-1]), (module, "")
                    else:
                        yield from _specifiers(part, module, text)
            elif clause.type == "export_clause":
                yield from _specifiers(clause, module, text)
            elif clause.type == "namespace_export":
                yield text(clause.named_children[-1]), (module, "")
        if node.type == "export_statement" and any(c.type == "*" for c in node.children):
            yield f"*{module}", (module, "*")

    def targets(self, path: str, module: str, paths: Paths) -> tuple[str, ...]:
        """Relative imports, and ``@/`` or ``~/`` for the source folder; no module is the file itself."""
        if not module:
            return (path,)
        if module.startswith("."):
            base = posixpath.normpath(posixpath.join(posixpath.dirname(path), module))
            return tuple(_files(base, paths))
        if module[:2] in ("@/", "~/"):
            folder = posixpath.dirname(path)
            while folder:
                found = tuple(_files(posixpath.join(folder, module[2:]), paths))
                if found:
                    return found
                folder = posixpath.dirname(folder)
            return tuple(_files(module[2:], paths)) or tuple(_files("src/" + module[2:], paths))
        return ()


def _files(base: str, paths: Paths) -> Iterator[str]:
    stem, extension = posixpath.splitext(base)
    stems = [stem] if extension in (".js", ".jsx", ".mjs", ".cjs") else []
    names = [
        base,
        *(s + e for s in [base, *stems] for e in _EXTENSIONS),
        *(f"{base}/index{e}" for e in _EXTENSIONS),
    ]
    return (name for name in dict.fromkeys(names) if name in paths)


def _exposed(frame: Frame) -> bool:
    """Whether members found here can be named from outside: of a class, or of the object a name is set to."""
    if frame.kind != "object":
        return frame.kind in ("class_body", "interface_body", "object_type")
    value = frame.owner.named.value if frame.owner else None
    return value is not None and value.id == frame.node.id


def _is_local(frame: Frame) -> bool:
    return frame.owner is not None and frame.owner.named.kind != "namespace"


def _unpacked(node: Node, pattern: Node, frame: Frame, text: Text) -> tuple[Named, ...]:
    """``const { a, b: [c] } = make()`` at the top level: what is not simply taken from another module."""
    value = node.child_by_field_name("value")
    if value is None or _is_local(frame) or _REQUIRED.fullmatch(text(value)):
        return ()
    return tuple(
        Named(text(label), "constant", pattern, (value,), extra=part)
        for label, part in _parts(pattern, "", text)
    )


def _parts(pattern: Node, part: str, text: Text) -> Iterator[tuple[Node, str]]:
    """(name, which part of the value it is) of everything that a pattern gives a name."""
    kind = pattern.type
    if kind == "identifier":
        yield pattern, part
    elif kind == "shorthand_property_identifier_pattern":
        yield pattern, f"{part}.{text(pattern)}"
    elif kind == "pair_pattern":
        key, value = pattern.named_children[0], pattern.named_children[-1]
        yield from _parts(value, f"{part}.{unquote(text(key)) if key.type == 'string' else text(key)}", text)
    elif kind in ("object_assignment_pattern", "assignment_pattern"):
        default = "".join(text(pattern.named_children[-1]).split())
        yield from _parts(pattern.named_children[0], f"{part}={default}", text)
    elif kind == "rest_pattern":
        yield from _parts(pattern.named_children[0], f"{part}...", text)
    elif kind in _PATTERNS:
        is_list, at = kind == "array_pattern", 0
        for child in pattern.children:
            at += child.type == ","
            yield from _parts(child, f"{part}[{at}]" if is_list else part, text)


def _is_default(node: Node) -> bool:
    return any(c.type == "default" for c in node.children)


def _with(named: Named, scope: str | None = None, aliases: tuple[str, ...] = ()) -> Named:
    return Named(named.name, named.kind, named.label, named.bodies, named.value, aliases, scope)


def _bases(node: Node, text: Text) -> tuple[str, ...]:
    names = []
    for heritage in node.named_children:
        if heritage.type in ("class_heritage", "extends_type_clause"):
            clauses = [c for c in heritage.named_children if c.type.endswith("_clause")] or [heritage]
            names += [text(part).split("<")[0] for clause in clauses for part in clause.named_children]
    return tuple(name for name in names if re.fullmatch(r"[\w$.]+", name))


def _specifiers(clause: Node, module: str, text: Text) -> Iterator[tuple[str, tuple[str, str]]]:
    for part in clause.named_children:
        name = part.child_by_field_name("name")
        if name is not None:
            alias = part.child_by_field_name("alias") or name
            yield text(alias), (module, text(name))


def _required(node: Node, text: Text) -> Iterator[tuple[str, tuple[str, str]]]:
    name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
    match = _REQUIRED.fullmatch(text(value)) if value is not None else None
    if name is None or match is None:
        return
    if name.type == "identifier":
        yield text(name), (match[1], "")
    for part in name.named_children:
        if part.type == "shorthand_property_identifier_pattern":
            yield text(part), (match[1], text(part))


LANGUAGES: dict[str, Language] = {
    "JavaScript": JavaScript("JavaScript", "tree_sitter_javascript", "language"),
    "TypeScript": JavaScript("TypeScript", "tree_sitter_typescript", "language_typescript"),
    "TSX": JavaScript("TSX", "tree_sitter_typescript", "language_tsx"),
}
