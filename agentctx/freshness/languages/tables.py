"""What a language says about its trees: which nodes define names, which leaves say nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from agentctx.freshness.languages.parts import TEXT, Found, Frame, Named

if TYPE_CHECKING:
    from collections.abc import Callable

    from tree_sitter import Node

    Text = Callable[[Node], str]
    Slice = Callable[[int, int], str]

_PLAIN = re.compile(r"[\w$#@]+(?:\.[\w$#@]+)+")
_SPACE = re.compile(r"\s+")
_ESCAPED_QUOTE = re.compile(r"\\(.)", re.DOTALL)
_MARKER = re.compile(r"^\s*(?:/\*[*!]?|\*/|//[/!]?|\*(?!/)|#+)? ?|\s*\*/\s*$", re.MULTILINE)
_INTEGER = re.compile(r"0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:0|[1-9][0-9_]*)")
_DECIMAL = re.compile(r"[0-9_]*\.?[0-9_]*(?:[eE][+-]?[0-9_]+)?")


def these(names: str) -> frozenset[str]:
    """A set of node types out of one text."""
    return frozenset(names.split())


Table = Mapping[str, str]
Sets = Mapping[str, frozenset[str]]


class Tables:
    """The tables of one language, by node type, and the hooks for what no table can say."""

    name = ""
    scheme = 2
    wheel = ""
    """Module of the grammar's wheel, for example ``tree_sitter_go``."""
    entry = "language"
    """Function in it that gives the grammar."""
    separator = "."

    definitions: ClassVar[Table] = {}
    """Node type -> kind of symbol."""
    leaf_definitions: ClassVar[Table] = {}
    """Type of the node around -> kind: its bare names are symbols (members of an enumeration)."""
    name_field = "name"
    body_fields: tuple[str, ...] = ("body", "value")
    wrappers: frozenset[str] = frozenset()
    """Statements that carry a definition and its modifiers (``export``, ``const``)."""
    leading: frozenset[str] = frozenset()
    """Siblings in front of a definition that belong to it (decorators, attributes)."""
    comments: frozenset[str] = frozenset({"comment"})
    atoms: frozenset[str] = frozenset()
    """Nodes written as one token by ``atom``: strings."""
    transparent: frozenset[str] = frozenset({"parenthesized_expression"})
    """Nodes whose own parentheses say no more than the shape of the tree."""
    brackets: frozenset[str] = frozenset("()")
    shaped: frozenset[str] = frozenset()
    """Nodes that ``hides`` and ``children`` look at one by one."""
    merged: frozenset[str] = frozenset()
    """Nodes that are one with a node of the same type around them (unions of types)."""
    dropped: frozenset[str] = frozenset({",", ";"})
    """Leaves that say nothing."""
    kept: ClassVar[Sets] = {}
    """Node type -> separators that do mean something directly in it."""
    sorted: ClassVar[Sets] = {}
    """Node type -> children whose order among neighbours says nothing."""
    imports: frozenset[str] = frozenset()
    identifiers: frozenset[str] = frozenset({"identifier", "type_identifier"})
    member_names: frozenset[str] = frozenset({"field_identifier", "property_identifier"})
    """Leaves that name a member of something."""
    chains: frozenset[str] = frozenset()
    """``a.b.c``: one reference when all parts are plain names."""
    binders: ClassVar[Table] = {}
    """Node type -> field whose names get a value there; ``*``: the bare names directly in it."""
    marks: ClassVar[Table] = {}
    """Node type -> mark that tells it from a node with the same text and shape."""
    rewrites: frozenset[str] = frozenset()
    """Nodes whose tokens ``rewrite`` looks at when they are complete."""
    verbatim: frozenset[str] = frozenset()
    """Leaves that are text and not names (fragments of a template)."""
    numbers: frozenset[str] = frozenset()
    literals: frozenset[str] = frozenset()
    """Nodes that are a literal value (beside numbers and strings)."""
    counting: ClassVar[Table] = {}
    """Members of an enumeration whose value is that of the one above and one more: ``always``, or only
    below one whose value is ``written`` out."""
    members_of: frozenset[str] = frozenset(
        {"class", "interface", "enum", "struct", "trait", "impl", "record"}
    )
    """Kinds whose inner functions are methods and whose name is a placeholder inside them."""
    _skipped: ClassVar[dict[tuple[type, str, bool], frozenset[str]]] = {}

    heritage: frozenset[str] = frozenset()
    """Nodes directly in a class, or in its body, that list its bases."""

    # ------------------------------------------------------------------ what a language changes

    def define(self, node: Node, frame: Frame, text: Text) -> tuple[Named, ...]:
        """The definitions that a node of ``definitions`` is; none when it is no symbol where it stands."""
        label = node.child_by_field_name(self.name_field)
        if label is None:
            return ()
        bodies = tuple(b for b in map(node.child_by_field_name, self.body_fields) if b is not None)
        return (
            Named(text(label), self.kind_of(node, frame), label, bodies, node.child_by_field_name("value")),
        )

    def kind_of(self, node: Node, frame: Frame) -> str:
        """The kind out of the table; a function directly in a class is a method."""
        kind = self.definitions[node.type]
        owner = frame.owner
        return "method" if kind == "function" and owner and owner.named.kind in self.members_of else kind

    def bases(self, node: Node, text: Text) -> tuple[str, ...]:
        """The bases of a class as its heritage lists them, without the arguments of generic ones."""
        body = node.child_by_field_name("body")
        parts = [*node.named_children, *(body.named_children if body is not None else ())]
        listed = [child for part in parts if part.type in self.heritage for child in part.named_children]
        plain = ("".join(text(child).split("<")[0].split()) for child in listed)
        names = (name.replace("::", ".").replace("\\", ".").lstrip(".") for name in plain)
        return tuple(name for name in names if re.fullmatch(r"[\w.]+", name))

    def qualify(self, named: Named, owner: Found | None) -> str:
        """The whole name of a definition in its scope."""
        scope = named.scope if named.scope is not None else owner.name if owner else ""
        return f"{scope}{self.separator}{named.name}" if scope else named.name

    def read_imports(self, node: Node, text: Text) -> Iterable[tuple[str, tuple[str, str]]]:
        """(local name, (module, original name)) pairs of one import."""
        return ()

    def loose(self, parent: str, kind: str, node: Node) -> bool:
        """Whether this child of ``parent`` may stand anywhere among its like neighbours."""
        return kind in self.sorted.get(parent, ())

    def hides(self, node: Node, kind: str, parent: Frame | None) -> bool:
        """Whether the shape of the tree says enough without this node's own marks and parentheses."""
        return kind in self.transparent or (
            kind in self.merged and parent is not None and parent.kind == kind
        )

    def doc(self, text: str, node: Node, frame: Frame, source: bytes) -> str:
        """The words of a doc comment, empty for any other comment."""
        return words(text) if text.startswith(("/**", "///")) and not text.startswith("/**/") else ""

    def is_member(self, kind: str, frame: Frame) -> bool:
        """Whether a leaf directly in this node names a member of something."""
        return kind in self.member_names

    def reference(self, text: str) -> tuple[str, int]:
        """A dotted expression as a reference, empty unless it consists of plain names; its length."""
        plain = _SPACE.sub("", text).replace("?.", ".").replace("::", ".").replace("->", ".")
        return (plain, len(text.encode())) if _PLAIN.fullmatch(plain) else ("", 0)

    def children(self, node: Node, kind: str, slice: Slice) -> Iterator[Node | str]:
        """What is inside a node; a text among the nodes is taken as a token."""
        return iter(node.children)

    def atom(self, node: Node, text: str, frame: Frame) -> str:
        """A string as one token: its content, whatever its quotes."""
        return TEXT + unquote(text)

    def captured(self, text: str) -> list[str]:
        """Names that a string takes from the code around it."""
        return []

    def leaf(self, kind: str, text: str, parent: str) -> str:
        """A leaf as a token."""
        if kind in self.numbers:
            return number(text)
        return TEXT + text if kind in self.verbatim else text

    def rewrite(self, frame: Frame, tokens: list[str]) -> None:
        """Change the last tokens of a node that is complete; definitions inside must stay where they are."""

    def prepare(self, path: str, source: bytes) -> bytes:
        """The part of a file that the grammar reads."""
        return source

    def skipped(self, kind: str, hidden: bool) -> frozenset[str]:
        """Leaves that say nothing directly in a node of this type."""
        key = (type(self), kind, hidden)
        if key not in self._skipped:
            brackets = self.brackets if hidden else frozenset()
            self._skipped[key] = (self.dropped | brackets) - self.kept.get(kind, frozenset())
        return self._skipped[key]

    def literal(self, kind: str, token: str) -> str:
        """A literal token as people write it: ``900``, ``"a"``, ``true``; empty for anything else."""
        if token.startswith(TEXT):
            return (
                json.dumps(token[1:], ensure_ascii=False) if kind in self.atoms and len(token) < 200 else ""
            )
        return token if kind in self.numbers or kind in self.literals else ""


def words(comment: str) -> str:
    """The words of a comment: no markers, no line breaks."""
    return " ".join(_MARKER.sub("", comment).split())


def unquote(text: str) -> str:
    """What stands between the quotes; an escaped quote is the quote, other escapes stay as written."""
    quote = text[-1:]
    start = text.find(quote) + 1
    content = text[start:-1] if start < len(text) else ""
    if "\\" not in content:
        return content
    return _ESCAPED_QUOTE.sub(lambda m: m[1] if m[1] in "'\"" else m[0], content)


def number(text: str) -> str:
    """One spelling for a number: no digit separators, no empty zeros, lower case; suffixes stay."""
    if _INTEGER.fullmatch(text):
        return str(int(text.replace("_", ""), 0)) if len(text) < 100 else text
    if not _DECIMAL.fullmatch(text) or (text.startswith("0") and text[1:2].isdigit()):
        return text.lower().replace("_", "")
    mantissa, _, exponent = text.lower().replace("_", "").partition("e")
    whole, _, part = mantissa.partition(".")
    part = part.rstrip("0")
    power = exponent.removeprefix("+").lstrip("0") if not exponent.startswith("-") else exponent
    return (
        (whole or "0")
        + (f".{part}" if part else ".0" if "." in mantissa else "")
        + (f"e{power}" if power else "")
    )
