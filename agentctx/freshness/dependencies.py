"""What a symbol calls and reads inside the repository, one level deep.

A reference is followed as the language would: members of the enclosing class and its bases, names of the same
file from the inside out, imports, and names that are visible without an import. What leads out of the
repository is nobody's dependency here.
"""

from __future__ import annotations

from dataclasses import dataclass

from agentctx.freshness.code import Code, File
from agentctx.freshness.detours import detours
from agentctx.freshness.languages import language_of
from agentctx.freshness.targets import Dependencies
from agentctx.freshness.walk import DEEPEST, Walk, files_of, last, owner_of
from agentctx.model import Anchor, Symbol

_TYPES = frozenset({"class", "struct", "interface", "enum", "record", "trait", "type"})
_MEMBERS = frozenset({"function", "method", "field", "constant"})
_CONSTRUCTORS = ("__init__", "__new__", "__post_init__", "constructor", "initialize", "__construct")


@dataclass(frozen=True, slots=True)
class User:
    """A symbol whose dependencies are asked for, and where it stands."""

    anchor: Anchor
    symbol: Symbol


def dependencies(path: str, symbol: Symbol, code: Code) -> Dependencies:
    """Follow every reference of a symbol that stands in ``path``."""
    found = Dependencies()
    language = language_of(path)
    if language is None:
        return found
    user = User(Anchor(path, symbol.name), symbol)
    file = code.file(path)
    found.owner = owner_of(symbol.name) if symbol.kind in _MEMBERS else ""
    found.uncertain = bool(file and file.damage)  # an import may be what cannot be read
    bases = set(_bases(file, symbol.name))
    walk = Walk(code, language, found)
    resolved = {name: walk.resolve(path, symbol.name, name) for name in (*symbol.references, *symbol.types)}
    for reference, target in resolved.items():
        if target is None or target == user.anchor or _inside(target, path, symbol):
            continue
        defined = code.symbol(target.path, target.symbol)
        if defined is None:
            continue
        found.used |= set(files_of(target, code))
        digest = _whole(defined) if reference in bases else _face(target, user, reference, walk)
        if digest:
            found.targets[reference] = target
            found.digests[reference] = digest
            walk.follow_value(target, defined, DEEPEST)
    for reference in symbol.references:
        direct = resolved[reference]
        behind = walk.behind_types(path, symbol, reference, direct)
        for target in (*behind, *detours(walk, user.anchor, reference, direct)):
            defined = code.symbol(target.path, target.symbol)
            is_known = target == user.anchor or target in found.targets.values()
            if defined is None or is_known or target.symbol in found.digests or _inside(target, path, symbol):
                continue
            found.used |= set(files_of(target, code))
            found.targets[target.symbol] = target
            is_member = defined.kind in _MEMBERS
            digest = face_stamp(defined) if is_member else _face(target, user, reference, walk)
            found.digests[target.symbol] = digest
            found.far.add(target.symbol)
    return found


def _bases(file: File | None, symbol: str) -> tuple[str, ...]:
    return file.bases.get(symbol, ()) if file else ()


def _inside(target: Anchor, path: str, symbol: Symbol) -> bool:
    """A class's own members, a function's own inner functions: they are its body already."""
    return target.path == path and any(
        target.symbol.startswith(f"{symbol.name}{mark}") for mark in (".", "::", "#")
    )


def _whole(symbol: Symbol) -> str:
    return f"{symbol.stamp.sig}.{symbol.stamp.body}"


def _face(target: Anchor, user: User, reference: str, walk: Walk) -> str:
    """Digest of what somebody depends on who uses a definition: of a type, the members that he names.

    A new field, a method that is never called, an attribute in front of a structure: none of his business.
    """
    code, is_made = walk.code, reference not in user.symbol.types
    defined = code.symbol(target.path, target.symbol)
    assert defined is not None
    if is_made and defined.value:  # however it is declared
        return defined.stamp.body
    if defined.kind not in _TYPES or (defined.kind != "class" and not _has_members(target, code)):
        return _whole(defined) if is_made else ""
    parts = [
        f"{walk.found.relative(made.name)}={face_stamp(made)}"
        for _, made in face_of(target, user, reference, code)
    ]
    if not is_made:
        return ";".join(parts)
    return ";".join([defined.stamp.sig if defined.kind == "class" else "type", *parts])


def face_stamp(made: Symbol) -> str:
    """Digest of a constructor, a method, or of a field's value: its annotation does nothing."""
    return made.stamp.body if made.kind == "constant" else _whole(made)


def face_of(target: Anchor, user: User, reference: str, code: Code) -> list[tuple[Anchor, Symbol]]:
    """The members of a type that a user names, and the constructors of a class that he does not only annotate
    with, by name."""
    language, defined = language_of(target.path), code.symbol(target.path, target.symbol)
    if language is None or defined is None or defined.kind not in _TYPES:
        return []
    names = {*user.symbol.members, *(word for name in user.symbol.references for word in name.split(".")[1:])}
    if defined.kind == "class" and reference not in user.symbol.types:
        names |= {*_CONSTRUCTORS, last(target.symbol)}
    found = []
    for name in sorted(language.member(target.symbol, word) for word in names):
        places = [Anchor(path, name) for path in files_of(target, code) if _names(path, name, code)]
        for place in places[:1]:
            made = code.symbol(place.path, name) if place != user.anchor else None
            if made is not None and made.kind in _MEMBERS:
                found.append((place, made))
    return found


def _names(path: str, name: str, code: Code) -> bool:
    file = code.file(path)
    return file is not None and name in file.names


def _has_members(target: Anchor, code: Code) -> bool:
    language, file = language_of(target.path), code.file(target.path)
    start = language.member(target.symbol, "") if language else ""
    return file is not None and any(name.startswith(start) for name in file.names)
