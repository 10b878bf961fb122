"""One anchor in one version of the code: its stamp, and what the difference of two stamps means."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from agentctx.freshness.code import Code
from agentctx.freshness.dependencies import dependencies
from agentctx.freshness.languages import is_program, language_of
from agentctx.freshness.targets import Dependencies, is_other
from agentctx.model import Anchor, Drift, DriftState, Stamp, Symbol
from agentctx.text import did_you_mean


@dataclass(frozen=True, slots=True)
class Sight:
    """What an anchor shows in one tree."""

    stamp: Stamp | None = None
    """None when there is nothing to see (``is_gone``) or no way to see it (``error``)."""
    symbol: Symbol | None = None
    path: str = ""
    """The file in which the symbol stands."""
    error: str = ""
    """Why the code could not be read, in words."""
    is_gone: bool = False
    dependencies: Dependencies = field(default_factory=Dependencies)

    @property
    def used(self) -> set[str]:
        """Other files that the stamp rests on."""
        return self.dependencies.used


def look(anchor: Anchor, code: Code, deep: bool = True) -> Sight:
    """The stamp of an anchor's code now. ``deep=False`` leaves dependencies out (no other file is read)."""
    if not deep:
        return _look(anchor, code, deep)
    if anchor not in code.sights:
        code.sights[anchor] = _look(anchor, code, deep)
    return code.sights[anchor]


def _look(anchor: Anchor, code: Code, deep: bool) -> Sight:
    if not code.exists(anchor.path):
        return Sight(is_gone=True)
    language = language_of(anchor.path)
    if language is None:
        return _text(anchor, code)
    file = code.file(anchor.path)
    if file is None:
        return Sight(error=f"`{anchor.path}` cannot be read")
    if file.error:
        if not anchor.symbol:
            return _text(anchor, code, f"`{anchor.path}` cannot be parsed ({file.error})")
        return Sight(error=f"`{anchor.path}` cannot be parsed ({file.error})")
    symbol = code.symbol(anchor.path, anchor.symbol)
    if symbol is None and file.damage:
        why = f"`{anchor.path}` cannot be parsed ({file.damage.get(anchor.symbol) or file.damage['']})"
        return Sight(error=why) if anchor.symbol else _text(anchor, code, why)
    if symbol is None:
        return Sight(is_gone=True)
    if not anchor.symbol or not deep:
        return Sight(symbol.stamp, symbol, anchor.path)
    found = dependencies(anchor.path, symbol, code)
    return Sight(replace(symbol.stamp, deps=found.digest), symbol, anchor.path, dependencies=found)


def stamp_of(anchor: Anchor, code: Code) -> Stamp | None:
    """The stamp to record for an anchor, None when there is nothing that could be recorded."""
    return look(anchor, code).stamp


def drift(anchor: Anchor, old: Stamp, sight: Sight) -> Drift:
    """What happened between a recorded stamp and the present, the most serious change first.

    Reasons are plain; who did it and when is for ``evidence`` to add. ``gone`` is for the caller to
    try and find again.
    """
    if sight.is_gone:
        return Drift(anchor, "gone", reason=_gone(anchor))
    if sight.stamp is None:
        return Drift(anchor, "unknown", reason=sight.error)
    now = sight.stamp
    if bool(old.text) != bool(now.text):
        return Drift(anchor, "unknown", reason=sight.error or _scheme(anchor))
    if old.scheme != now.scheme:
        return Drift(anchor, "unknown", reason=_scheme(anchor))
    if now.text:
        return _text_drift(anchor, old, now, sight.error)
    return Drift(anchor, difference(old, now, sight.dependencies.uncertain), witness="record")


def difference(old: Stamp, now: Stamp, uncertain: bool = False) -> DriftState:
    """The most serious difference between two stamps of one scheme."""
    if old.sig != now.sig:
        return "signature"
    if old.body != now.body:
        return "body"
    if is_other(old.deps, now.deps) and not uncertain:
        return "dependency"
    if old.doc != now.doc:
        return "docstring"
    return "unchanged"


def same_code(a: Stamp, b: Stamp) -> bool:
    """Do two symbols look and do the same, whatever their names and places are?"""
    return (a.scheme, a.sig, a.body, a.text) == (b.scheme, b.sig, b.body, b.text)


def suggestion(anchor: Anchor, code: Code) -> str:
    """The anchor that was probably meant by one that does not exist, or empty."""
    file = code.file(anchor.path)
    if file is None:
        near = did_you_mean(anchor.path, code.tree.paths()) if not code.exists(anchor.path) else ""
        return str(Anchor(near, anchor.symbol)) if near else ""
    ends = [
        n for n in file.names if n.rpartition(".")[2] == anchor.symbol or n.endswith(f"::{anchor.symbol}")
    ]
    near = ends[0] if ends else did_you_mean(anchor.symbol, list(file.names))
    return str(Anchor(anchor.path, near)) if near else ""


def _text(anchor: Anchor, code: Code, error: str = "") -> Sight:
    if anchor.symbol:
        name = anchor.path.rpartition(".")[2]
        return Sight(error=f"there is no grammar for `.{name}` files here: `{anchor}` cannot be looked up")
    stamp = code.text_stamp(anchor.path)
    if stamp is None:
        return Sight(error=f"`{anchor.path}` cannot be read")
    return Sight(stamp=stamp, error=error)


def _text_drift(anchor: Anchor, old: Stamp, now: Stamp, error: str) -> Drift:
    if old.text == now.text:
        return Drift(anchor, "unchanged", witness="record")
    if error or is_program(anchor.path):
        return Drift(
            anchor, "unknown", reason=error or f"`{anchor.path}` changed; there is no grammar for it"
        )
    return Drift(anchor, "body", reason=f"`{anchor.path}` changed", witness="record")


def _gone(anchor: Anchor) -> str:
    if anchor.symbol:
        return f"`{anchor.symbol}` is no longer in `{anchor.path}`"
    return f"`{anchor.path}` no longer exists"


def _scheme(anchor: Anchor) -> str:
    return f"`{anchor}` was verified under another fingerprint scheme: read it, then `agentctx verify`"
