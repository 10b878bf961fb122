"""One walk over a tree-sitter tree: the tokens of its normal form, and where each definition lies in them.

The normal form is the shape of the tree with the text of its leaves: every inner node is an opening mark,
its parts, a closing mark. Comments, separators that a formatter adds or takes away, redundant parentheses,
the style of quotes and the spelling of numbers are not in it. Node types are not in it either (but for a few
marks that a grammar asks for), so that a new version of a grammar that renames a type changes no digest.
The walk keeps its own stack: nesting has no limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from agentctx.freshness.languages.fields import declared, of_constructor
from agentctx.freshness.languages.parts import CLOSE, Found, Frame, Named, Plan, first_error
from agentctx.freshness.languages.plan import plan_of

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentctx.freshness.languages.tables import Tables

LONGEST = 200
"""Bytes of a reference that are looked at."""
DEEPEST = 20
"""Definitions inside definitions; what is nested deeper has no name of its own."""
INNER_DOCS = ("//!", "/*!")


class Reader:
    """Walks one tree. The lists are read by ``treesitter`` afterwards."""

    def __init__(self, grammar: Tables, source: bytes) -> None:
        self.grammar = grammar
        self.source = source
        self.tokens: list[str] = []
        self.found: list[Found] = []
        self.references: list[tuple[int, str]] = []
        self.members: list[tuple[int, str]] = []
        self.bindings: list[tuple[int, str]] = []
        self.docs: list[tuple[int, str]] = []
        self.imports: dict[str, tuple[str, str]] = {}
        self.typed: dict[str, str] = {}
        """Fields without a definition of their own -> type."""
        self._watch: dict[int, list[tuple[Found, str]]] = {}
        self._plans: dict[str, Plan] = {}
        self._chain_end = -1
        self._bound = (-1, -1)
        """Where the names stand that get a value."""
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
        grammar, tokens = self.grammar, self.tokens
        comments, atoms = grammar.comments, grammar.atoms
        frame: Frame | None = self._open(root, root.type, None)
        while frame is not None:
            for node in frame.children:
                if isinstance(node, str):
                    tokens.append(node)
                    continue
                kind = node.type
                if node.child_count and kind not in atoms:
                    if kind not in comments:
                        frame = self._open(node, kind, frame)
                        break
                    self._comment(node, frame)
                elif kind in comments:
                    self._comment(node, frame)
                elif kind in atoms:
                    if frame.lead_row >= 0 or frame.runs is not None:
                        self._mark(node, frame, kind, len(tokens))
                    text = self.text(node)
                    self.references += [(len(tokens), f"{{{name}}}") for name in grammar.captured(text)]
                    tokens.append(grammar.atom(node, text, frame))
                    if self._watch:
                        self._end_leaf(node, len(tokens))
                elif kind not in frame.skipped:
                    self._leaf(node, kind, frame)
            else:
                self._close(frame)
                frame = frame.parent

    # ------------------------------------------------------------------ leaves

    def _leaf(self, node: Node, kind: str, frame: Frame) -> None:
        tokens = self.tokens
        at = len(tokens)
        if frame.runs is not None or frame.lead_row >= 0:
            self._mark(node, frame, kind, at)
        if not node.is_named:
            tokens.append(kind)
        else:
            start = node.start_byte
            text = self.slice(start, node.end_byte)
            if frame.plan.leaf_kind:
                found = self._record(Named(text, frame.plan.leaf_kind, node), node, frame, at)
                found.end = found.outer_end = at + 1
            tokens.append(self.grammar.leaf(kind, text, frame.kind))
            if self.grammar.is_member(kind, frame):
                self.members.append((at, text))
            if kind in self.grammar.identifiers:
                if self._bound[0] <= start < self._bound[1] or frame.bound:
                    self.bindings.append((at, text))
                elif start >= self._chain_end:
                    self.references.append((at, text))
        if self._watch:
            self._end_leaf(node, at + 1)

    def _end_leaf(self, node: Node, end: int) -> None:
        for found, role in self._watch.pop(node.id, ()):
            if role == "name":
                found.labels.add(end - 1)
            elif role == "own":
                found.own.append((end - 1, end))
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
        plan = self._plans.get(kind)
        if plan is None:
            plan = self._plans[kind] = plan_of(grammar, kind)
        at = len(self.tokens)
        if parent is not None and (plan.leads or parent.lead_row >= 0 or parent.runs is not None):
            self._mark(node, parent, kind, at)
        children = grammar.children(node, kind, self.slice) if plan.shaped else iter(node.children)
        frame = Frame(node, kind, parent, children, plan)
        frame.start = at
        if plan.shaped:
            frame.transparent = grammar.hides(node, kind, parent)
            frame.skipped = grammar.skipped(kind, frame.transparent)
        if plan.runs:
            frame.runs = []
        if self._watch:
            frame.watched = self._watch.pop(node.id, ())
        if plan.special and parent is not None:
            self._enter(frame, parent)
        if not frame.transparent:
            self.tokens.append(plan.marker)
        return frame

    def _enter(self, frame: Frame, parent: Frame) -> None:
        """What the tables of a language know about a node of this type."""
        grammar, kind, node = self.grammar, frame.kind, frame.node
        if kind == "ERROR":
            frame.damaged = True
        if kind in grammar.definitions:
            self._define(frame, parent)
        if frame.plan.wrapper and not frame.found:
            self._wrap(frame, parent)
        if kind in grammar.chains:
            self._chain(node)
        if kind in grammar.imports:
            self.imports.update(grammar.read_imports(node, self.text))
        self._bind(node, kind, frame)

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
        frame.begin = parent.lead if parent.lead >= 0 else frame.start
        frame.prefix = self._prefix(parent, frame.begin)
        frame.lead_row = parent.lead_row if parent.lead_row >= 0 else frame.node.start_point[0]
        parent.lead = parent.lead_row = -1

    def _prefix(self, parent: Frame, start: int) -> tuple[tuple[int, int], ...]:
        if not parent.plan.wrapper or parent.found:
            return ()
        if parent.first < 0:
            parent.first = start
        return (*parent.prefix, (parent.begin, parent.first))

    def _define(self, frame: Frame, parent: Frame) -> None:
        if parent.owner is not None and parent.owner.depth > DEEPEST:
            return
        names = self.grammar.define(frame.node, parent, self.text)
        together: list[Found] = []
        for named in names:
            found = self._record(named, frame.node, parent, frame.start)
            found.damage = first_error(frame.node)
            if parent.damaged and not found.damage:
                found.damage = frame.node.start_point[0] + 1
            found.together = together
            found.typed = declared(frame.node, parent.node, self.text)
            together.append(found)
        if together:
            self._note_fields(together[0], frame.node)
            frame.found = together
            frame.owner = together[0]
        parent.lead = -1
        if not parent.plan.wrapper:
            parent.lead_row = -1

    def _note_fields(self, found: Found, node: Node) -> None:
        if found.owner is not None and found.named.name == "constructor":
            for name, kind in of_constructor(node, self.text):
                self.typed.setdefault(f"{found.owner.name}{self.grammar.separator}{name}", kind)

    def _record(self, named: Named, node: Node, parent: Frame, start: int) -> Found:
        if node.type in self.grammar.counting:
            named = replace(named, extra=self._implied(node, parent))
        wrapped = parent.plan.wrapper and not parent.found
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
            depth=parent.owner.depth + 1 if parent.owner else 0,
        )
        if named.label is not None:
            self._watch.setdefault(named.label.id, []).append((found, "name"))
        if named.own is not None:
            self._watch.setdefault(named.own.id, []).append((found, "own"))
        for body in named.bodies:
            self._watch.setdefault(body.id, []).append((found, "body"))
        if parent.owner is not None:
            parent.owner.members.append(found)
        self.found.append(found)
        return found

    def _implied(self, node: Node, group: Frame) -> str:
        """The value that a member of an enumeration has by its place; empty when it is written out."""
        at = group.members
        group.members += 1
        value = node.child_by_field_name("value")
        if value is not None:
            group.written = (value, at)
            return ""
        if group.written is not None:
            above, place = group.written
            return f"{''.join(self.text(above).split())}+{at - place}"
        return f"+{at}" if at and self.grammar.counting[node.type] == "always" else ""

    def _chain(self, node: Node) -> None:
        """``a.b.c`` is one reference, when it is made of plain names only."""
        start = node.start_byte
        if start >= self._chain_end and not self._bound[0] <= start < self._bound[1]:
            reference, length = self.grammar.reference(self.slice(start, min(node.end_byte, start + LONGEST)))
            if reference:
                self.references.append((len(self.tokens), reference))
                self.members += [(len(self.tokens), word) for word in reference.split(".")[1:]]
                self._chain_end = node.start_byte + length

    def _bind(self, node: Node, kind: str, frame: Frame) -> None:
        """Names that get their value here are no references."""
        binder = self.grammar.binders.get(kind)
        if binder == "*":
            frame.bound = True
        elif binder:
            names = node.children_by_field_name(binder)
            if names and names[-1].end_byte > self._bound[1]:
                self._bound = names[0].start_byte, names[-1].end_byte

    def _close(self, frame: Frame) -> None:
        tokens = self.tokens
        grammar = self.grammar
        if frame.runs:
            self._sort(frame)
        if not frame.transparent:
            tokens.append(CLOSE)
        if frame.plan.rewrites:
            grammar.rewrite(frame, tokens)
            self._clamp(len(tokens) - 1)
        end = len(tokens)
        for found, role in frame.watched:
            if role == "body":
                found.bodies.append((frame.start, end))
            elif role == "own":
                found.own.append((frame.start, end))
            else:
                found.labels.update(range(frame.start, end))
        for found in frame.found:
            found.end = found.outer_end = end
        if frame.plan.wrapper:
            for found in self._wrapped(frame):
                found.outer_end = end

    def _clamp(self, last: int) -> None:
        """Tokens at the end were dropped: what was noted on them moves to the last one left."""
        for items in (self.references, self.members, self.bindings, self.docs):
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
