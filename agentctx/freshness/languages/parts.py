"""What a walk over a syntax tree leaves behind: tokens with two marks, and the definitions among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node


OPEN = "\x01"
CLOSE = "\x02"
TEXT = '"'
"""Begins a token that is the content of a string or a text, so that it never equals a name."""


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
    directives: str = ""
    """What comments tell the compiler of it; part of its body, and of the file's."""
    own: Node | None = None
    """Its part of a statement that defines several; the parts of the others are not its signature."""
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
    depth: int = 0
    """Definitions around it."""
    end: int = 0
    outer_end: int = 0
    """End of the statement around it."""
    labels: set[int] = field(default_factory=set)
    bodies: list[tuple[int, int]] = field(default_factory=list)
    damage: int = 0
    """One-based line of the first syntax error inside; 0 without one."""
    typed: str = ""
    """Its type, or that of its result, as written."""
    members: list[Found] = field(default_factory=list)
    together: list[Found] = field(default_factory=list)
    """All names that the same node defines (``a, b = 1, 2``)."""
    own: list[tuple[int, int]] = field(default_factory=list)
    """Tokens of its part among those."""


@dataclass(slots=True)
class Plan:
    """What a language's tables say about one node type."""

    special: bool
    """Whether the walk has anything to do there but to go on."""
    shaped: bool
    """Whether the node itself decides on its shape."""
    hidden: bool
    skipped: frozenset[str]
    marker: str
    rewrites: bool
    runs: bool
    leads: bool
    wrapper: bool
    leaf_kind: str


class Frame:
    """One inner node on the way down."""

    owner: Found | None = None
    found: Sequence[Found] = ()
    """Definitions that this node is."""
    damaged = False
    prefix: tuple[tuple[int, int], ...] = ()
    begin = -1
    """Where a wrapper begins, with the attributes before it."""
    lead = -1
    """First token of attributes waiting for their definition; -1 without any."""
    lead_row = -1
    first = -1
    """Token at which the first definition inside a wrapper began."""
    watched: Sequence[tuple[Found, str]] = ()
    bound = False
    members = 0
    """Of a group of constants: how many came so far."""
    written: tuple[Node, int] | None = None
    """The last of them whose value is written out, and its place."""
    runs: list[tuple[int, bool | None]] | None = None
    """Where the children begin and whether their order says nothing (None: it goes with the next
    child); no list where nobody asks."""

    def __init__(
        self, node: Node, kind: str, parent: Frame | None, children: Iterator[Node | str], plan: Plan
    ) -> None:
        self.node = node
        self.kind = kind
        self.parent = parent
        self.children = children
        """What is inside; a text among the nodes is a token already."""
        self.plan = plan
        self.start = 0
        self.skipped = plan.skipped
        self.transparent = plan.hidden
        if parent is not None:
            self.owner = parent.owner
            self.damaged = parent.damaged


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
