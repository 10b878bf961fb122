"""Where a name that code uses is defined: through scopes, classes and their bases, imports, declared types.

What leads out of the repository leads nowhere here.
"""

from __future__ import annotations

import re

from agentctx.freshness.code import Code, File
from agentctx.freshness.languages import language_of
from agentctx.freshness.languages.base import Language
from agentctx.freshness.targets import Dependencies
from agentctx.model import Anchor, Symbol

DEEPEST = 6
"""Re-exports and bases are followed this far."""
VALUES = frozenset({"constant", "variable"})


class Walk:
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
            return self.member(path, *member, reference.startswith("super."), DEEPEST)
        file = self.file(path)
        for name in self.language.lookups(symbol, reference):
            if file is not None and name in file.names and name != symbol:
                return Anchor(path, name)
        return (
            self.inherited(path, symbol, reference)
            or self.imported(path, reference, DEEPEST)
            or self.neighbour(path, reference)
        )

    def inherited(self, path: str, symbol: str, reference: str) -> Anchor | None:
        """A member of a base of the enclosing classes, where that needs no receiver."""
        file = self.file(path)
        if file is None or not self.language.implicit_members:
            return None
        owners = [owner for owner in file.bases if symbol.startswith(self.language.member(owner, ""))]
        found = (self.member(path, o, reference.split(".")[0], True, DEEPEST) for o in owners)
        return next((place for place in found if place), None)

    def follow_value(self, place: Anchor, constant: Symbol, depth: int) -> None:
        """A constant that is reckoned from others has another value when they have: they count as well."""
        if constant.kind not in VALUES or constant.value or depth <= 0:
            return
        for reference in constant.references:
            target = self.resolve(place.path, place.symbol, reference)
            defined = self.code.symbol(target.path, target.symbol) if target else None
            if target is None or defined is None or defined.kind not in VALUES:
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
            place = self.type_of(path, self.language.member(*receiver), DEEPEST)
            return self.along(place, words[2:])
        if target is None:
            return []
        own = last(target.symbol)
        words = words[words.index(own) + 1 :] if own in words else words[1:]
        place = self.type_of(target.path, target.symbol, DEEPEST)
        defined = self.code.symbol(target.path, target.symbol) if place else None
        if place is None or defined is None or defined.kind in VALUES | {"field"}:
            return self.along(place, words)
        named = (self.member(place.path, place.symbol, name, False, DEEPEST) for name in symbol.members)
        return [found for found in named if found]

    def along(self, place: Anchor | None, words: list[str]) -> list[Anchor]:
        """The last member of a chain that is known, from a type on."""
        found = None
        for word in words:
            if place is None:
                break
            found = self.member(place.path, place.symbol, word, False, DEEPEST) or found
            place = self.type_of(place.path, self.language.member(place.symbol, word), DEEPEST)
        return [found] if found else []

    def type_of(self, path: str, name: str, depth: int) -> Anchor | None:
        """The type that a field, a variable or the result of a function is declared to have."""
        owner = owner_of(name)
        for near in files_of(Anchor(path, owner), self.code):
            file = self.file(near)
            written = file.typed.get(name) if file else None
            if written == "Self":
                return Anchor(path, owner)
            if written and depth > 0:
                place = self.definition(near, name, written, DEEPEST)
                return (self.type_of(place.path, place.symbol, depth - 1) or place) if place else None
        file = self.file(path)
        for base in file.bases.get(owner, ()) if file and depth > 0 else ():
            there = self.definition(path, owner, base, DEEPEST)
            member = self.language.member(there.symbol, last(name)) if there else ""
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
            for near in files_of(Anchor(path, owner), self.code):
                if qualified in getattr(self.file(near), "names", ()):
                    return Anchor(near, qualified)
        for base in file.bases.get(owner, ()):
            there = self.definition(path, owner, base, depth - 1)
            inherited = there and self.member(there.path, there.symbol, name, False, depth - 1)
            if inherited:
                return inherited
        return None if is_super else self.elsewhere(path, owner, name, depth)

    def elsewhere(self, path: str, owner: str, name: str, depth: int) -> Anchor | None:
        """A member of a type that this file only adds to (an ``impl`` of Rust): where the type is defined."""
        file = self.file(path)
        if file is None or not owner or owner in file.names:
            return None
        there = self.definition(path, "", owner, depth - 1)
        if there is None or there.path == path:
            return None
        return self.member(there.path, there.symbol, name, False, depth - 1)

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
        if file.damage:  # the name may stand in what cannot be read
            self.found.uncertain = True
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


def last(name: str) -> str:
    """The name without its scope."""
    return re.split(r"[.:]+", name)[-1]


def owner_of(name: str) -> str:
    """What a member belongs to; empty for a name of the file."""
    return name.removesuffix(last(name)).rstrip(".:")


def files_of(target: Anchor, code: Code) -> tuple[str, ...]:
    """Where members of a type may stand."""
    language = language_of(target.path)
    spread = language.visible(target.path, code.paths) if language and language.open_types else ()
    return (target.path, *spread)
