"""One walk over a tree-sitter tree: the tokens of its normal form, and where each definition lies in them.

The normal form is the shape of the tree with the text of its leaves: every inner node is an opening mark,
its parts, a closing mark. Comments, separators that a formatter adds or takes away, redundant parentheses,
the style of quotes and the spelling of numbers are not in it. Node types are not in it either (but for a few
marks that a grammar asks for), so that a new version of a grammar that renames a type changes no digest.
The walk keeps its own stack: nesting has no limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentctx.freshness.languages.treesitter import Grammar

OPEN = "\x01"
CLOSE = "\x02"
TEXT = '"'
"""Begins a token that is the content of a string or a text, so that it never equals a name."""


INNER_DOCS = ("//!", "/*!")


@dataclass(frozen=True, slots=True)
class Named:
    """A definition as a grammar reads it from a node."""

    name: str
    """Its own name, without its scope."""
    kind: str
    label: Node | None = None
    """The leaf that is the name: no part of ``sig``."""
    bodies: tuple[Node, ...] = ()
    value: Node | None = None
    """What a constant is set to; its members become symbols when it is an object or a type."""
    aliases: tuple[str, ...] = ()
    """Other whole names that mean it."""
    scope: str | None = None
    """Replaces the scope it was found in (a Go receiver, ``Type.prototype.name = ...``)."""
    within: str = ""
    """Name of the type it belongs to, when no definition around it says so."""
    receiver: str = ""
    """Name by which its body calls the object it belongs to; in references it is ``this``."""
    extra: str = ""
    """Text that belongs to the body without standing in it (an implied ``iota`` value)."""
    bases: tuple[str, ...] = ()


@dataclass(slots=True)
class Found:
    """One definition and its token ranges (half-open)."""

    named: Named
    name: str
    """Qualified."""
    owner: Found | None
    start: int
    lead: int
    """Where its decorators, attributes or modifiers begin."""
    prefix: tuple[tuple[int, int], ...]
    """Tokens of the statement around it that belong to its signature (``export const``)."""
    first_row: int
    last_row: int
    end: int = 0
    outer_end: int = 0
    """End of the statement around it."""
    labels: set[int] = field(default_factory=set)
    bodies: list[tuple[int, int]] = field(default_factory=list)
    damage: int = 0
    """One-based line of the first syntax error inside; 0 without one."""
    members: list[Found] = field(default_factory=list)
    together: list[Found] = field(default_factory=list)
    """All names that the same node defines (``a, b = 1, 2``)."""


class Frame:
    """One inner node on the way down."""

    __slots__ = (
        "begin", "bound", "children", "damaged", "first", "found", "kind", "lead", "lead_row", "node",
        "owner", "parent", "prefix", "runs", "skipped", "start", "transparent", "watched",
    )  # fmt: skip

    def __init__(self, node: Node, kind: str, parent: Frame | None, start: int) -> None:
        self.node = node
        self.kind = kind
        self.parent = parent
        self.children: Iterator[Node | str] = iter(())
        """What is inside; a text among the nodes is a token already."""
        self.start = start
        self.owner: Found | None = parent.owner if parent else None
        self.found: list[Found] = []
        """Definitions that this node is."""
        self.damaged: bool = parent.damaged if parent else False
        self.prefix: tuple[tuple[int, int], ...] = ()
        self.begin = start
        """Where a wrapper begins, with the attributes before it."""
        self.lead = -1
        """First token of attributes waiting for their definition; -1 without any."""
        self.lead_row = -1
        self.first = -1
        """Token at which the first definition inside a wrapper began."""
        self.skipped: frozenset[str] = frozenset()
        self.transparent = False
        self.watched: list[tuple[Found, str]] = []
        self.bound = False
        self.runs: list[tuple[int, bool | None]] | None = None
        """Where the children begin and whether their order says nothing (None: it goes with the next
        child); no list where nobody asks."""


class Reader:
    """Walks one tree. The lists are read by ``treesitter`` afterwards."""

    def __init__(self, grammar: Grammar, source: bytes) -> None:
        self.grammar = grammar
        self.source = source
        self.tokens: list[str] = []
        self.found: list[Found] = []
        self.references: list[tuple[int, str]] = []
        self.bindings: list[tuple[int, str]] = []
        self.docs: list[tuple[int, str]] = []
        self.imports: dict[str, tuple[str, str]] = {}
        self._watch: dict[int, list[tuple[Found, str]]] = {}
        self._chain_end = -1
        self._bound_end = -1
        ascii_text = source.decode("ascii") if source.isascii() else None
        if ascii_text is not None:
            plain = ascii_text
            self.slice: Callable[[int, int], str] = lambda a, b: plain[a:b]
        else:
            self.slice = lambda a, b: source[a:b].decode("utf-8", "replace")

    def text(self, node: Node) -> str:
        """The source text of a node."""
        return self.slice(node.start_byte, node.end_byte)

    def read(self, root: Node) -> None:
        """Fill the lists from the whole tree."""
        frame: Frame | None = self._open(root, root.type, None)
        grammar = self.grammar
        comments, atoms, tokens = grammar.comments, grammar.atoms, self.tokens
        while frame is not None:
            node = next(frame.children, None)
            if node is None:
                self._close(frame)
                frame = frame.parent
                continue
            if isinstance(node, str):
                tokens.append(node)
                continue
            kind = node.type
            if kind in comments:
                self._comment(node, frame)
            elif kind in atoms:
                self._mark(node, frame, kind, len(tokens))
                tokens.append(grammar.atom(node, self.text(node), frame))
                self._end_leaf(node, len(tokens))
            elif node.child_count:
                frame = self._open(node, kind, frame)
            elif kind not in frame.skipped:
                self._leaf(node, kind, frame)

    # ------------------------------------------------------------------ leaves

    def _leaf(self, node: Node, kind: str, frame: Frame) -> None:
        tokens = self.tokens
        at = len(tokens)
        if frame.runs is not None or frame.lead_row >= 0:
            self._mark(node, frame, kind, at)
        if frame.kind in self.grammar.leaf_definitions and node.is_named:
            named = Named(self.text(node), self.grammar.leaf_definitions[frame.kind], node)
            found = self._record(named, node, frame, at)
            found.end = found.outer_end = at + 1
        if not node.is_named:
            tokens.append(kind)
        else:
            text = self.text(node)
            tokens.append(self.grammar.leaf(kind, text, frame.kind))
            if kind in self.grammar.identifiers:
                start = node.start_byte
                if start < self._bound_end or frame.bound:
                    self.bindings.append((at, text))
                elif start >= self._chain_end:
                    self.references.append((at, text))
        if self._watch:
            self._end_leaf(node, at + 1)

    def _end_leaf(self, node: Node, end: int) -> None:
        for found, role in self._watch.pop(node.id, ()):
            if role == "name":
                found.labels.add(end - 1)
            else:
                found.bodies.append((end - 1, end))

    def _comment(self, node: Node, frame: Frame) -> None:
        text = self.text(node)
        doc = self.grammar.doc(text, node, frame, self.source)
        if not doc:
            return
        if text.startswith(INNER_DOCS):  # of what is around it
            self.docs.append((max(0, len(self.tokens) - 1), doc))
            return
        self.docs.append((len(self.tokens), doc))
        if frame.lead_row < 0:
            frame.lead_row = node.start_point[0]

    # ------------------------------------------------------------------ inner nodes

    def _open(self, node: Node, kind: str, parent: Frame | None) -> Frame:
        grammar = self.grammar
        tokens = self.tokens
        if parent is not None:
            self._mark(node, parent, kind, len(tokens))
        frame = Frame(node, kind, parent, len(tokens))
        frame.transparent = grammar.hides(node, kind, parent)
        frame.skipped = grammar.skipped(kind, frame.transparent)
        frame.children = grammar.children(node, kind, self.slice)
        if kind in grammar.sorted:
            frame.runs = []
        if kind == "ERROR":
            frame.damaged = True
        if parent is not None:
            frame.watched = self._watch.pop(node.id, [])
            if kind in grammar.definitions:
                self._define(frame, parent)
            if kind in grammar.wrappers:
                self._wrap(frame, parent)
            if kind in grammar.chains:
                self._chain(node)
            if kind in grammar.imports:
                self.imports.update(grammar.read_imports(node, self.text))
            self._bind(node, kind, frame)
        if not frame.transparent:
            tokens.append(OPEN + grammar.marks.get(kind, ""))
        return frame

    def _mark(self, node: Node, frame: Frame, kind: str, at: int) -> None:
        """Before a child: remember attributes that wait for a definition, and what may be sorted."""
        grammar = self.grammar
        if kind in grammar.leading:
            if frame.lead < 0:
                frame.lead = at
            if frame.lead_row < 0:
                frame.lead_row = node.start_point[0]
        elif kind not in grammar.definitions and kind not in grammar.wrappers:
            frame.lead = frame.lead_row = -1
        if frame.runs is not None:
            frame.runs.append(
                (at, None if kind in grammar.leading else grammar.loose(frame.kind, kind, node))
            )

    def _wrap(self, frame: Frame, parent: Frame) -> None:
        """A statement that carries a definition hands its own modifiers down."""
        if not frame.found:
            frame.begin = parent.lead if parent.lead >= 0 else frame.start
            frame.prefix = self._prefix(parent, frame.begin)
            frame.lead_row = parent.lead_row if parent.lead_row >= 0 else frame.node.start_point[0]
            parent.lead = parent.lead_row = -1

    def _prefix(self, parent: Frame, start: int) -> tuple[tuple[int, int], ...]:
        if parent.kind not in self.grammar.wrappers or parent.found:
            return ()
        if parent.first < 0:
            parent.first = start
        return (*parent.prefix, (parent.begin, parent.first))

    def _define(self, frame: Frame, parent: Frame) -> None:
        names = self.grammar.define(frame.node, parent, self.text)
        for named in names:
            found = self._record(named, frame.node, parent, frame.start)
            found.damage = first_error(frame.node)
            if parent.damaged and not found.damage:
                found.damage = frame.node.start_point[0] + 1
            found.together = frame.found
            frame.found.append(found)
        if names:
            frame.owner = frame.found[0]
        parent.lead = -1
        if parent.kind not in self.grammar.wrappers:
            parent.lead_row = -1

    def _record(self, named: Named, node: Node, parent: Frame, start: int) -> Found:
        wrapped = parent.kind in self.grammar.wrappers and not parent.found
        lead = start if wrapped or parent.lead < 0 else parent.lead
        row = parent.lead_row if parent.lead_row >= 0 else node.start_point[0]
        found = Found(
            named=named,
            name=self.grammar.qualify(named, parent.owner),
            owner=parent.owner,
            start=start,
            lead=lead,
            prefix=self._prefix(parent, start),
            first_row=row,
            last_row=node.end_point[0],
        )
        if named.label is not None:
            self._watch.setdefault(named.label.id, []).append((found, "name"))
        for body in named.bodies:
            self._watch.setdefault(body.id, []).append((found, "body"))
        if parent.owner is not None:
            parent.owner.members.append(found)
        self.found.append(found)
        return found

    def _chain(self, node: Node) -> None:
        """``a.b.c`` is one reference, when it is made of plain names only."""
        if node.start_byte >= self._chain_end and node.start_byte >= self._bound_end:
            reference, length = self.grammar.reference(self.text(node))
            if reference:
                self.references.append((len(self.tokens), reference))
                self._chain_end = node.start_byte + length

    def _bind(self, node: Node, kind: str, frame: Frame) -> None:
        """Names that get their value here are no references."""
        binder = self.grammar.binders.get(kind)
        if binder == "*":
            frame.bound = True
        elif binder:
            for bound in node.children_by_field_name(binder)[-1:]:
                self._bound_end = max(self._bound_end, bound.end_byte)

    def _close(self, frame: Frame) -> None:
        tokens = self.tokens
        grammar = self.grammar
        if frame.runs:
            self._sort(frame)
        if not frame.transparent:
            tokens.append(CLOSE)
        if frame.kind in grammar.rewrites:
            grammar.rewrite(frame, tokens)
            self._clamp(len(tokens) - 1)
        end = len(tokens)
        for found, role in frame.watched:
            if role == "body":
                found.bodies.append((frame.start, end))
            else:
                found.labels.update(range(frame.start, end))
        for found in frame.found:
            found.end = found.outer_end = end
        if frame.kind in grammar.wrappers:
            for found in self._wrapped(frame):
                found.outer_end = end

    def _clamp(self, last: int) -> None:
        """Tokens at the end were dropped: what was noted on them moves to the last one left."""
        for items in (self.references, self.bindings, self.docs):
            index = len(items)
            while index and items[index - 1][0] > last:
                index -= 1
                items[index] = (last, items[index][1])

    def _wrapped(self, frame: Frame) -> Iterator[Found]:
        for found in reversed(self.found):
            if found.start < frame.start:
                return
            if found.owner is frame.owner:
                yield found

    def _sort(self, frame: Frame) -> None:
        """Put runs of neighbours whose order says nothing (imports, modifiers) in one order."""
        assert frame.runs is not None
        tokens = self.tokens
        extents: list[tuple[int, int, bool]] = []
        at = frame.runs[0][0]
        ends = [run[0] for run in frame.runs[1:]] + [len(tokens)]
        for (_, loose), end in zip(frame.runs, ends, strict=True):
            if loose is not None:
                extents.append((at, end, loose))
                at = end
        first = 0
        while first < len(extents):
            stop = first
            while stop < len(extents) and extents[stop][2]:
                stop += 1
            if stop - first > 1:
                parts = sorted(tokens[a:b] for a, b, _ in extents[first:stop])
                tokens[extents[first][0] : extents[stop - 1][1]] = [t for part in parts for t in part]
            first = max(stop, first + 1)


def first_error(node: Node) -> int:
    """One-based line of the first syntax error inside, 0 when there is none."""
    if not node.has_error:
        return 0
    while True:
        for child in node.children:
            if child.is_error or child.is_missing:
                return int(child.start_point[0]) + 1
            if child.has_error:
                node = child
                break
        else:
            return int(node.start_point[0]) + 1
