"""What a symbol calls and reads inside the repository, one level deep.

A reference is followed as the language would: members of the enclosing class and its bases, names of the same
file from the inside out, imports, and names that are visible without an import. What leads out of the
repository is nobody's dependency here.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass, field

from agentctx.freshness.code import Code, File
from agentctx.freshness.languages import language_of
from agentctx.freshness.languages.base import Language, fingerprint
from agentctx.model import Anchor, Symbol

NONE = "0" * 16
"""Digest of no near dependencies, where there are far ones."""
_DEEPEST = 6
"""Re-exports and bases are followed this far."""
_TYPES = frozenset({"class", "struct", "interface", "enum", "record", "trait", "type"})
_VALUES = frozenset({"constant", "variable"})
_MEMBERS = frozenset({"function", "method", "field", "constant"})
_CONSTRUCTORS = ("__init__", "__new__", "__post_init__", "constructor", "initialize", "__construct")


@dataclass(slots=True)
class Dependencies:
    """The targets of one symbol's references."""

    digests: dict[str, str] = field(default_factory=dict)
    """Reference as written -> digest of what it means."""
    targets: dict[str, Anchor] = field(default_factory=dict)
    """Reference as written -> where its definition stands."""
    far: set[str] = field(default_factory=set)
    """Those of them that stand behind the declared type of a field or a result: they have a digest of their
    own, which records from before they were followed do not hold."""
    used: set[str] = field(default_factory=set)
    """Files whose content the answer rests on."""
    uncertain: bool = False
    """A file on the way could not be parsed: an absent target proves nothing."""

    @property
    def digest(self) -> str:
        """One digest over the near ones, and one over the far ones behind it; empty without any."""
        near, far = (self._digest(part) for part in (self.digests.keys() - self.far, self.far))
        return f"{near or NONE}{far}" if far else near

    def _digest(self, names: Set[str]) -> str:
        return fingerprint("\n".join(f"{name}\x00{self.digests[name]}" for name in sorted(names)))


def is_other(recorded: str, now: str) -> bool:
    """Do two digests of dependencies differ, as far as the recorded one goes?"""
    if not recorded:
        return False
    size = len(NONE)
    near, far = recorded[:size], recorded[size:]
    return near != (now[:size] or NONE) or (bool(far) and far != now[size:])


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
    bases = set(_bases(code.file(path), symbol.name))
    walk = _Walk(code, language, found)
    resolved = {name: walk.resolve(path, symbol.name, name) for name in (*symbol.references, *symbol.types)}
    for reference, target in resolved.items():
        if target is None or target == user.anchor or _inside(target, path, symbol):
            continue
        defined = code.symbol(target.path, target.symbol)
        if defined is None:
            continue
        found.used |= set(_files_of(target, code))
        digest = _whole(defined) if reference in bases else _face(target, defined, user, reference, code)
        if digest:
            found.targets[reference] = target
            found.digests[reference] = digest
            walk.follow_value(target, defined, _DEEPEST)
    for reference in symbol.references:
        for target in walk.behind_types(path, symbol, reference, resolved[reference]):
            defined = code.symbol(target.path, target.symbol)
            is_known = target == user.anchor or target in found.targets.values()
            if defined is None or is_known or target.symbol in found.digests or _inside(target, path, symbol):
                continue
            found.used |= set(_files_of(target, code))
            found.targets[target.symbol] = target
            found.digests[target.symbol] = face_stamp(defined)
            found.far.add(target.symbol)
    return found


class _Walk:
    """Follows references through one tree and keeps account of the files it rests on."""

    def __init__(self, code: Code, language: Language, found: Dependencies) -> None:
        self.code = code
        self.language = language
        self.found = found
        self._failed: set[tuple[str, str, int]] = set()
        """Asked for in vain: files that pass everything on to each other are asked once a level."""

    def resolve(self, path: str, symbol: str, reference: str) -> Anchor | None:
        """Where the definition behind a reference stands, or None."""
        member = self.language.receiver(symbol, reference)
        if member is not None:
            return self.member(path, *member, reference.startswith("super."), _DEEPEST)
        file = self.file(path)
        for name in self.language.lookups(symbol, reference):
            if file is not None and name in file.names and name != symbol:
                return Anchor(path, name)
        return (
            self.inherited(path, symbol, reference)
            or self.imported(path, reference, _DEEPEST)
            or self.neighbour(path, reference)
        )

    def inherited(self, path: str, symbol: str, reference: str) -> Anchor | None:
        """A member of a base of the enclosing classes, where that needs no receiver."""
        file = self.file(path)
        if file is None or not self.language.implicit_members:
            return None
        owners = [owner for owner in file.bases if symbol.startswith(self.language.member(owner, ""))]
        found = (self.member(path, o, reference.split(".")[0], True, _DEEPEST) for o in owners)
        return next((place for place in found if place), None)

    def follow_value(self, place: Anchor, constant: Symbol, depth: int) -> None:
        """A constant that is reckoned from others has another value when they have: they count as well."""
        if constant.kind not in _VALUES or constant.value or depth <= 0:
            return
        for reference in constant.references:
            target = self.resolve(place.path, place.symbol, reference)
            defined = self.code.symbol(target.path, target.symbol) if target else None
            if target is None or defined is None or defined.kind not in _VALUES:
                continue
            if self.found.targets.setdefault(reference, target) == target:
                self.found.digests.setdefault(reference, defined.stamp.body)
                self.follow_value(target, defined, depth - 1)

    def behind_types(self, path: str, symbol: Symbol, reference: str, target: Anchor | None) -> list[Anchor]:
        """The members that are meant by what stands behind a name whose type is declared: ``this.tax.plus``
        is ``Tax.plus``. Of what a function returns, the members that the symbol names."""
        receiver = self.language.receiver(symbol.name, reference)
        words = reference.split(".")
        if receiver is not None:
            place = self.type_of(path, self.language.member(*receiver), _DEEPEST)
            return self.along(place, words[2:])
        if target is None:
            return []
        own = _last(target.symbol)
        words = words[words.index(own) + 1 :] if own in words else words[1:]
        place = self.type_of(target.path, target.symbol, _DEEPEST)
        defined = self.code.symbol(target.path, target.symbol) if place else None
        if place is None or defined is None or defined.kind in _VALUES | {"field"}:
            return self.along(place, words)
        named = (self.member(place.path, place.symbol, name, False, _DEEPEST) for name in symbol.members)
        return [found for found in named if found]

    def along(self, place: Anchor | None, words: list[str]) -> list[Anchor]:
        """The last member of a chain that is known, from a type on."""
        found = None
        for word in words:
            if place is None:
                break
            found = self.member(place.path, place.symbol, word, False, _DEEPEST) or found
            place = self.type_of(place.path, self.language.member(place.symbol, word), _DEEPEST)
        return [found] if found else []

    def type_of(self, path: str, name: str, depth: int) -> Anchor | None:
        """The type that a field, a variable or the result of a function is declared to have."""
        owner = _owner(name)
        for near in _files_of(Anchor(path, owner), self.code):
            file = self.file(near)
            written = file.typed.get(name) if file else None
            if written == "Self":
                return Anchor(path, owner)
            if written and depth > 0:
                place = self.definition(near, name, written, _DEEPEST)
                return (self.type_of(place.path, place.symbol, depth - 1) or place) if place else None
        file = self.file(path)
        for base in file.bases.get(owner, ()) if file and depth > 0 else ():
            there = self.definition(path, owner, base, _DEEPEST)
            member = self.language.member(there.symbol, _last(name)) if there else ""
            found = self.type_of(there.path, member, depth - 1) if there else None
            if found:
                return found
        return None

    def member(self, path: str, owner: str, name: str, is_super: bool, depth: int) -> Anchor | None:
        """A member of a class, or of the nearest base that has it."""
        file = self.file(path)
        if file is None or depth <= 0:
            return None
        qualified = self.language.member(owner, name)
        if not is_super:
            for near in _files_of(Anchor(path, owner), self.code):
                if qualified in getattr(self.file(near), "names", ()):
                    return Anchor(near, qualified)
        for base in file.bases.get(owner, ()):
            there = self.definition(path, owner, base, depth - 1)
            inherited = there and self.member(there.path, there.symbol, name, False, depth - 1)
            if inherited:
                return inherited
        return None

    def definition(self, path: str, symbol: str, name: str, depth: int) -> Anchor | None:
        """Where a name as written at top level of a file is defined."""
        file = self.file(path)
        for candidate in self.language.lookups(symbol, name):
            if file is not None and candidate in file.names and candidate != symbol:
                return Anchor(path, candidate)
        return self.imported(path, name, depth) or self.neighbour(path, name)

    def imported(self, path: str, reference: str, depth: int) -> Anchor | None:
        """Through the imports of a file, re-exports included."""
        file = self.file(path)
        if file is None or depth <= 0 or (path, reference, depth) in self._failed:
            return None
        words = reference.split(".")
        for length in range(len(words), 0, -1):
            target = file.imports.get(".".join(words[:length]))
            if target is not None:
                return self.through(path, target, words[length:], depth)
        for local, (module, name) in file.imports.items():
            if name == "*" and local.startswith("*"):
                found = self.through(path, (module, ""), words, depth)
                if found:
                    return found
        self._failed.add((path, reference, depth))
        return None

    def through(self, path: str, target: tuple[str, str], rest: list[str], depth: int) -> Anchor | None:
        """What ``rest`` means behind one import."""
        module, name = target
        words = [name, *rest] if name else rest
        for file_path in self.language.targets(path, module, self.code.paths):
            found = self.exported(file_path, words, depth)
            if found:
                return found
        submodule = name and self.language.submodule(module, name)
        if submodule and rest:
            for file_path in self.language.targets(path, submodule, self.code.paths):
                found = self.exported(file_path, rest, depth)
                if found:
                    return found
        if not name and len(rest) > 1:  # import package; package.module.name
            return self.through(path, (self.language.submodule(module, rest[0]), ""), rest[1:], depth - 1)
        return None

    def exported(self, path: str, words: list[str], depth: int) -> Anchor | None:
        """A name of another file, as far as its beginning is defined there or passed on."""
        file = self.file(path)
        if file is None or not words:
            return None
        for length in range(len(words), 0, -1):
            name = ".".join(words[:length])
            if name in file.names and name != "default":
                return Anchor(path, name)
        passed_on = self.imported(path, ".".join(words), depth - 1)
        if passed_on or words[0] != "default":
            return passed_on
        return Anchor(path, file.aliases.get("default", "default"))

    def neighbour(self, path: str, reference: str) -> Anchor | None:
        """A name that other files of the package offer without an import."""
        names = self.language.lookups("", reference)
        for other in self.language.visible(path, self.code.paths):
            file = self.file(other) if other != path else None
            for name in names:
                if file is not None and name in file.names:
                    return Anchor(other, name)
        return None

    def file(self, path: str) -> File | None:
        """A file's names, noted as used."""
        file = self.code.file(path)
        self.found.used.add(path)
        if file is not None and file.error:
            self.found.uncertain = True
        return file


def _last(name: str) -> str:
    return re.split(r"[.:]+", name)[-1]


def _owner(name: str) -> str:
    """What a member belongs to; empty for a name of the file."""
    return name.removesuffix(_last(name)).rstrip(".:")


def _bases(file: File | None, symbol: str) -> tuple[str, ...]:
    return file.bases.get(symbol, ()) if file else ()


def _inside(target: Anchor, path: str, symbol: Symbol) -> bool:
    """A class's own members, a function's own inner functions: they are its body already."""
    return target.path == path and any(
        target.symbol.startswith(f"{symbol.name}{mark}") for mark in (".", "::", "#")
    )


def _whole(symbol: Symbol) -> str:
    return f"{symbol.stamp.sig}.{symbol.stamp.body}"


def _face(target: Anchor, defined: Symbol, user: User, reference: str, code: Code) -> str:
    """Digest of what somebody depends on who uses a definition: of a type, the members that he names.

    A new field, a method that is never called, an attribute in front of a structure: none of his business.
    """
    is_made = reference not in user.symbol.types
    if is_made and defined.value:  # however it is declared
        return defined.stamp.body
    if defined.kind not in _TYPES or (defined.kind != "class" and not _has_members(target, code)):
        return _whole(defined) if is_made else ""
    parts = [f"{made.name}={face_stamp(made)}" for _, made in face_of(target, user, reference, code)]
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
        names |= {*_CONSTRUCTORS, _last(target.symbol)}
    found = []
    for name in sorted(language.member(target.symbol, word) for word in names):
        places = [Anchor(path, name) for path in _files_of(target, code) if _names(path, name, code)]
        for place in places[:1]:
            made = code.symbol(place.path, name) if place != user.anchor else None
            if made is not None and made.kind in _MEMBERS:
                found.append((place, made))
    return found


def _names(path: str, name: str, code: Code) -> bool:
    file = code.file(path)
    return file is not None and name in file.names


def _files_of(target: Anchor, code: Code) -> tuple[str, ...]:
    """Where members of a type may stand."""
    language = language_of(target.path)
    spread = language.visible(target.path, code.paths) if language and language.open_types else ()
    return (target.path, *spread)


def _has_members(target: Anchor, code: Code) -> bool:
    language, file = language_of(target.path), code.file(target.path)
    start = language.member(target.symbol, "") if language else ""
    return file is not None and any(name.startswith(start) for name in file.names)
