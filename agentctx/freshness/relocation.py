"""Where code went that is no longer where the anchor says.

A place counts only with proof: the same signature and body (names aside), in exactly one best place. Asked in
this order: the file git takes for the renamed one, the same file under another name, and the files that may
have received it; at last, where nothing is the same, for what is nearly the same.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentctx.freshness.anchors import look, same_code
from agentctx.freshness.code import Code, File
from agentctx.freshness.languages import language_of
from agentctx.freshness.likeness import closest, lost, simple
from agentctx.model import Anchor, Stamp, Symbol

_MOST_FILES = 3000
"""Files that are searched for a lost symbol."""
_VALUES = ("constant", "key")
_SHORT = 3
"""Lines; shorter code has to keep its name to be recognised in another file."""


@dataclass(frozen=True, slots=True)
class Place:
    """A present place of lost code."""

    anchor: Anchor
    is_same: bool
    """The code is the same there; False where it changed on the way."""
    others: tuple[Anchor, ...] = ()
    """As good: new files with the very same content. Which of them it is only a person can say."""


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of the tree in which the anchor was true."""

    code: Code | None = None
    """None when that commit is not known."""
    renames: Mapping[str, str] | None = None


def relocate(anchor: Anchor, stamp: Stamp, code: Code, before: Before) -> Place | None:
    """The one place where the lost code is now, or None."""
    renamed = (before.renames or {}).get(anchor.path, "")
    if renamed:
        there = Anchor(renamed, anchor.symbol)
        found = look(there, code, deep=False)
        if found.stamp is not None:
            is_same = same_code(found.stamp, stamp) or _only_renamed(anchor, stamp, renamed, code, before)
            return Place(there, is_same, tuple(_copies(there, anchor, code, before)))
    if not anchor.symbol:
        return _whole_file(anchor, stamp, code, before)
    near, far = _here(anchor, renamed), list(_receivers(anchor, code, before))
    for paths in (near, far):
        best = _best(_matches(anchor, stamp, paths, code, before))
        if best is not None:
            return Place(best, True)
    return _edited(anchor, stamp, [*near, *far], code, before)


def _edited(anchor: Anchor, stamp: Stamp, paths: Sequence[str], code: Code, before: Before) -> Place | None:
    """Where it is with a few lines changed on the way."""
    gone = lost(anchor, stamp, before.code)
    if gone is None:
        return None
    places = (Anchor(path, name) for path in paths for name in getattr(code.file(path), "names", ()))
    best = closest(gone, (place for place in places if not _was_there(place, before)), code)
    return Place(best, False) if best else None


def _copies(there: Anchor, anchor: Anchor, code: Code, before: Before) -> Iterator[Anchor]:
    """New files that are the renamed one byte for byte and were not renamed from anything: git takes any of
    them. The one that kept its name is the one."""
    name, content = posixpath.basename(anchor.path), code.tree.key(there.path)
    if before.code is None or posixpath.basename(there.path) == name:
        return
    born = set((before.renames or {}).values())
    for path in code.tree.paths():
        if path not in born and code.tree.key(path) == content and not before.code.tree.key(path):
            yield Anchor(path, anchor.symbol)


def _only_renamed(anchor: Anchor, stamp: Stamp, renamed: str, code: Code, before: Before) -> bool:
    """Is it the same file byte for byte? Under its new suffix another grammar may read it."""
    if before.code is None or before.code.tree.key(anchor.path) != code.tree.key(renamed):
        return False
    then = look(anchor, before.code, deep=False).stamp
    return then is not None and same_code(then, stamp)


def _here(anchor: Anchor, renamed: str) -> list[str]:
    return [path for path in (anchor.path, renamed) if path]


def _whole_file(anchor: Anchor, stamp: Stamp, code: Code, before: Before) -> Place | None:
    """A file with the same content that was not there before."""
    suffix = posixpath.splitext(anchor.path)[1]
    old_key = before.code.tree.key(anchor.path) if before.code else ""
    same = []
    for path in _new_files(code, before, suffix):
        if old_key and code.tree.key(path) == old_key:
            same.append(Anchor(path))
            continue
        found = look(Anchor(path), code, deep=False)
        if found.stamp is not None and same_code(found.stamp, stamp):
            same.append(Anchor(path))
    named = [a for a in same if posixpath.basename(a.path) == posixpath.basename(anchor.path)]
    chosen = named or same
    return Place(chosen[0], True) if len(chosen) == 1 else None


def _new_files(code: Code, before: Before, suffix: str) -> Iterator[str]:
    paths = [p for p in code.tree.paths() if p.endswith(suffix)]
    new = [p for p in paths if before.code is None or not before.code.tree.key(p)]
    yield from new[:_MOST_FILES]


def _receivers(anchor: Anchor, code: Code, before: Before) -> Iterator[str]:
    """Files of the same family of languages that are new or changed and may hold the symbol now."""
    family = type(language_of(anchor.path))  # TypeScript goes from `.tsx` to `.ts`
    word = simple(anchor.symbol).encode()
    seen = 0
    for path in code.tree.paths():
        if path == anchor.path or type(language_of(path)) is not family:
            continue
        if before.code is not None and before.code.tree.key(path) == code.tree.key(path):
            continue
        seen += 1
        if seen > _MOST_FILES:
            return
        is_new = before.code is not None and not before.code.tree.key(path)
        if is_new or word in (code.tree.read(path) or b""):
            yield path


def _matches(
    anchor: Anchor, stamp: Stamp, paths: Iterable[str], code: Code, before: Before
) -> list[tuple[int, Anchor]]:
    """(rank, place) of every symbol with the same code that was not there before; lower ranks are better."""
    found = []
    for path in paths:
        file = code.file(path)
        for name in file.names if file else ():
            if path == anchor.path and name == anchor.symbol:
                continue
            symbol = code.symbol(path, name)
            if symbol is None or not same_code(symbol.stamp, stamp):
                continue
            rank = _rank(anchor, path, symbol)
            if rank == 2 and symbol.kind in _VALUES and _namesakes(name, file) > 1:
                continue  # the same value under a common name proves nothing
            if rank and not _was_there(Anchor(path, name), before):
                found.append((rank, Anchor(path, name)))
    return found


def _namesakes(name: str, file: File | None) -> int:
    return sum(simple(other) == simple(name) for other in (file.names if file else ()))


def _rank(anchor: Anchor, path: str, symbol: Symbol) -> int:
    """1 the same qualified name, 2 the same simple name, 3 another name; 0 is no proof."""
    if symbol.name == anchor.symbol:
        return 1
    if simple(symbol.name) == simple(anchor.symbol):
        return 2
    if symbol.kind in _VALUES or not symbol.stamp.body:
        return 0
    lines = symbol.end_line - symbol.start_line + 1
    return 3 if path == anchor.path or lines > _SHORT else 0


def _was_there(place: Anchor, before: Before) -> bool:
    """A copy that stood there all along is not where the code went."""
    if before.code is None:
        return False
    return look(place, before.code, deep=False).symbol is not None


def _best(matches: list[tuple[int, Anchor]]) -> Anchor | None:
    if not matches:
        return None
    top = min(rank for rank, _ in matches)
    best = [place for rank, place in matches if rank == top]
    return best[0] if len(best) == 1 else None
