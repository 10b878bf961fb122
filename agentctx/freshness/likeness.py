"""Code that went elsewhere and was edited on the way: the one new definition with nearly its lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from agentctx.freshness import wording
from agentctx.freshness.anchors import same_code
from agentctx.freshness.code import Code
from agentctx.model import Anchor, Stamp, Symbol

_LEAST = 4
"""Lines with words in them; of shorter code likeness proves nothing."""
_ALIKE = 0.7
"""Part of the lines of both that both have."""
_ALIKE_UNDER_ANOTHER_NAME = 0.8
_AHEAD = 0.1
"""The best has to be so much better than the next."""
_CALLED = frozenset({"function", "method"})
_WORD = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Lost:
    """A definition that is gone: what it was, and its lines."""

    anchor: Anchor
    symbol: Symbol
    lines: Counter[str]


def lost(anchor: Anchor, stamp: Stamp, then: Code | None) -> Lost | None:
    """The definition in the tree in which the stamp was true; None where it is not known or too short."""
    symbol = then.symbol(anchor.path, anchor.symbol) if then and anchor.symbol else None
    if then is None or symbol is None or not symbol.stamp.body or not same_code(symbol.stamp, stamp):
        return None
    lines = _lines(symbol, then.tree.read(anchor.path) or b"")
    return Lost(anchor, symbol, lines) if lines.total() >= _LEAST else None


def closest(gone: Lost, places: Iterable[Anchor], code: Code) -> Anchor | None:
    """The one of these new definitions that is the lost one, edited; its namesakes are asked first."""
    namesakes: list[tuple[float, Anchor]] = []
    others: list[tuple[float, Anchor]] = []
    for place in places:
        symbol = code.symbol(place.path, place.symbol)
        if symbol is None or not _is_like(symbol.kind, gone.symbol.kind):
            continue
        alike = _likeness(gone, symbol, code.text(place.path))
        is_namesake = simple(place.symbol) == simple(gone.anchor.symbol)
        if alike >= (_ALIKE if is_namesake or place.path == gone.anchor.path else _ALIKE_UNDER_ANOTHER_NAME):
            (namesakes if is_namesake else others).append((alike, place))
    best = sorted(namesakes or others, key=lambda found: -found[0])
    if not best or (len(best) > 1 and best[0][0] - best[1][0] < _AHEAD):
        return None
    return best[0][1]


def simple(name: str) -> str:
    """The last part of a qualified name."""
    return name.replace("::", ".").rpartition(".")[2]


def _is_like(kind: str, other: str) -> bool:
    return kind == other or {kind, other} <= _CALLED


def _likeness(gone: Lost, symbol: Symbol, source: bytes) -> float:
    if symbol.stamp.body == gone.symbol.stamp.body:
        return 1.0
    lines = _lines(symbol, source)
    both = gone.lines.total() + lines.total()
    return 2 * (gone.lines & lines).total() / both if both else 0.0


def _lines(symbol: Symbol, source: bytes) -> Counter[str]:
    """Its lines without indentation, but those that are brackets alone. Its own name is taken out, with what
    stands before it where it is defined: a function that was made a method lost its keywords."""
    own = re.compile(rf"\b{re.escape(simple(symbol.name))}\b")
    text = wording.lines_of(symbol, source)
    named = own.search(text)
    if named:
        text = text[: text.rfind("\n", 0, named.start()) + 1] + text[named.start() :]
    lines = own.sub("\0", text).splitlines()
    return Counter(line.strip() for line in lines if _WORD.search(line))
