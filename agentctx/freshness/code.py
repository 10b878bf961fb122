"""One version of the repository read as definitions, with a memory that outlives the version.

``Memory`` knows what has been read, by content id: it is the same for every branch, commit and work tree, and
is kept between runs in many JSON documents, of which a changed file touches few. ``Code`` is one tree seen
through it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from agentctx.freshness.languages import is_program, language_of
from agentctx.freshness.languages.base import Language, Parsed, fingerprint
from agentctx.freshness.tree import Paths, Tree
from agentctx.model import Anchor, Stamp, Symbol

if TYPE_CHECKING:
    from agentctx.freshness.anchors import Sight

VERSION = 9
"""Of the documents that ``Memory`` keeps."""
SHELF = "symbols"
"""The folder of these documents in the cache."""
_SHELVES = 64
TEXT_SCHEME = 1
"""Number of the normal form of files that have no syntax tree."""
LARGEST = 2_000_000
"""Bytes; larger files are fingerprinted as bytes and not taken apart."""
_KEPT_TEXTS = 32
_KEPT_FILES = 20_000
"""Contents kept from earlier runs: other branches and older versions."""
_KEPT_SOURCE = 1_000_000
"""Bytes of source whose syntax trees are held at once (about forty times as much memory)."""


@dataclass(slots=True)
class File:
    """What is remembered of one content: its names always, its symbols as far as they were asked for."""

    names: Mapping[str, None] = field(default_factory=dict)
    """Qualified names in order (a mapping for quick lookup)."""
    imports: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    bases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    damage: Mapping[str, str] = field(default_factory=dict)
    symbols: dict[str, Symbol] = field(default_factory=dict)


class Memory:
    """Definitions by content id and language. Not for two threads at once."""

    def __init__(self, load: Callable[[str], Any] | None = None) -> None:
        """``load`` gives a document of the last run by its name, when a file of it is first asked for."""
        self._load = load
        self._raw: dict[str, dict[str, Any]] = {}
        self._files: dict[str, File] = {}
        self._trees: dict[str, tuple[Parsed, int]] = {}
        self._held = 0
        self._news: set[str] = set()
        self.parses = 0

    @property
    def grew(self) -> bool:
        """Is there anything that the documents of the last run do not hold?"""
        return bool(self._news)

    def knows(self, language: Language, key: str) -> bool:
        """Has this content been read, now or earlier?"""
        ident = _ident(language, key)
        return ident in self._files or ident in self._shelf(ident)

    def let_go(self) -> None:
        """Give back the memory of the syntax trees; what was learnt from them stays."""
        self._trees.clear()
        self._held = 0

    def news(self) -> dict[str, Any]:
        """What was learnt in this run, as plain values for another process."""
        read = self._files
        return {i: _to_document(read[i]) if i in read else self._shelf(i)[i] for i in self._news}

    def adopt(self, news: Mapping[str, Any]) -> None:
        """Take over what another process learnt; of a file that was read here too, the symbols."""
        for ident, raw in news.items():
            shelf = self._shelf(ident)
            here = self._files.get(ident) or (_from_document(shelf[ident]) if ident in shelf else None)
            there = _from_document(raw) if here else None
            if here and there:
                here.symbols.update({**there.symbols, **here.symbols})
                self._files[ident] = here
            else:
                shelf[ident] = raw
            self._news.add(ident)

    def _shelf(self, ident: str) -> dict[str, Any]:
        """What earlier runs knew of this content and of those kept beside it."""
        name = _shelf_of(ident)
        if name not in self._raw:
            document = self._load(name) if self._load else None
            known = document if isinstance(document, dict) and document.get("version") == VERSION else {}
            files = known.get("files")
            self._raw[name] = files if isinstance(files, dict) else {}
        return self._raw[name]

    def file(self, language: Language, key: str, path: str, tree: Tree) -> File | None:
        """The names in a file; None when it cannot be read."""
        ident = _ident(language, key)
        if ident in self._files:
            return self._files[ident]
        shelf = self._shelf(ident)
        kept = _from_document(shelf[ident]) if ident in shelf else None
        if kept is not None:
            return self._files.setdefault(ident, kept)
        parsed = self._parse(language, key, path, tree)
        if parsed is None:
            return None
        self._news.add(ident)
        made = File(
            names=dict.fromkeys(parsed.symbols),
            imports=dict(parsed.imports),
            bases=dict(parsed.bases),
            typed=dict(parsed.typed),
            error=parsed.error,
            aliases=dict(parsed.aliases),
            damage=dict(parsed.damage),
        )
        return self._files.setdefault(ident, made)

    def symbol(self, language: Language, key: str, path: str, name: str, tree: Tree) -> Symbol | None:
        """One symbol (the whole file for the empty name); None when there is none of that name."""
        file = self.file(language, key, path, tree)
        if file is None or file.error or (name and name not in file.names and name not in file.aliases):
            return None
        name = file.aliases.get(name, name)
        if name not in file.symbols:
            parsed = self._parse(language, key, path, tree)
            found = parsed.symbol(name) if parsed else None
            if found is None:
                return None
            self._news.add(_ident(language, key))
            file.symbols[name] = found
        return file.symbols[name]

    def documents(self) -> dict[str, dict[str, Any]]:
        """The documents that this run has news for, by name: the news, and the rest as far as kept."""
        changed: dict[str, dict[str, Any]] = {_shelf_of(ident): {} for ident in self._news}
        for ident, raw in self.news().items():
            changed[_shelf_of(ident)][ident] = raw
        for name, new in changed.items():
            old = [(i, raw) for i, raw in self._raw.get(name, {}).items() if i not in new]
            changed[name] = {"version": VERSION, "files": {**dict(old[-_KEPT_FILES // _SHELVES :]), **new}}
        return changed

    def _parse(self, language: Language, key: str, path: str, tree: Tree) -> Parsed | None:
        """Parse, or take the tree from the most recent ones."""
        ident = _ident(language, key)
        if ident in self._trees:
            self._trees[ident] = self._trees.pop(ident)
            return self._trees[ident][0]
        source = tree.read(path)
        if source is None:
            return None
        self.parses += 1
        parsed = (
            language.parse(path, source)
            if len(source) <= LARGEST
            else Parsed(error=f"the file is larger than {LARGEST:,} bytes")
        )
        self._trees[ident] = (parsed, len(source))
        self._held += len(source)
        while self._held > _KEPT_SOURCE and len(self._trees) > 1:
            self._held -= self._trees.pop(next(iter(self._trees)))[1]
        return parsed


class Code:
    """One tree: which files there are, and the definitions in them."""

    def __init__(self, tree: Tree, memory: Memory) -> None:
        self.tree = tree
        self.memory = memory
        self.sights: dict[Anchor, Sight] = {}
        """What anchors show in this tree, once somebody looked (``anchors.look``)."""
        self._files: dict[str, File] = {}
        self._texts: dict[str, bytes] = {}
        self.packages: dict[str, dict[str, str]] = {}
        """Kind of manifest -> name of a package of the tree -> its manifest, once it was asked for."""

    @cached_property
    def paths(self) -> Paths:
        """All file names, with the tables that imports are resolved by."""
        return Paths(self.tree.paths())

    def exists(self, path: str) -> bool:
        """Is there such a file?"""
        return bool(self.tree.key(path))

    def is_linked(self, path: str) -> bool:
        """Is this a symbolic link or a submodule, or does the path lead through one?"""
        others = self.tree.others()
        if not others:
            return False
        parts = path.split("/")
        return any("/".join(parts[: length + 1]) in others for length in range(len(parts)))

    def is_news(self, path: str) -> bool:
        """Is this a file that must be taken apart, because nobody has done so yet?"""
        language, key = language_of(path), self.tree.key(path)
        return language is not None and bool(key) and not self.memory.knows(language, key)

    def file(self, path: str) -> File | None:
        """The names in a file; None when it is absent, unreadable, or of no known language."""
        if path in self._files:
            return self._files[path]
        language, key = language_of(path), self.tree.key(path)
        if language is None or not key:
            return None
        found = self.memory.file(language, key, path, self.tree)
        return self._files.setdefault(path, found) if found else None

    def symbol(self, path: str, name: str) -> Symbol | None:
        """One symbol of a file (the whole file for the empty name), or None."""
        language, key = language_of(path), self.tree.key(path)
        if language is None or not key:
            return None
        return self.memory.symbol(language, key, path, name, self.tree)

    def text(self, path: str) -> bytes:
        """A file's bytes, empty when there are none; the last few files are kept at hand."""
        if path not in self._texts:
            if len(self._texts) >= _KEPT_TEXTS:
                del self._texts[next(iter(self._texts))]
            self._texts[path] = self.tree.read(path) or b""
        return self._texts[path]

    def text_stamp(self, path: str) -> Stamp | None:
        """The stamp of a file that has no syntax tree; None when it is absent or unreadable.

        Texts are compared without trailing blanks and line-ending style; source code whose language has
        no grammar here is compared byte by byte.
        """
        data = self.tree.read(path)
        if data is None:
            return None
        return Stamp(scheme=TEXT_SCHEME, text=fingerprint(_normal_text(path, data)))


def _normal_text(path: str, data: bytes) -> str:
    text = data.decode("utf-8", "surrogateescape")
    if is_program(path) or b"\x00" in data or len(data) > LARGEST:
        return "bytes\x00" + text
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "text\x00" + "\n".join(line.rstrip() for line in lines).strip("\n")


def _ident(language: Language, key: str) -> str:
    return f"{language.name}{language.scheme}:{key}"


def _shelf_of(ident: str) -> str:
    """The name of the document that holds a content: by its id, so they all grow alike."""
    return f"{SHELF}/{zlib.crc32(ident.encode()) % _SHELVES:02}"


def _to_document(file: File) -> list[Any]:
    symbols = {
        s.name: [
            s.kind, s.stamp.scheme, s.stamp.sig, s.stamp.body, s.stamp.doc,
            s.start_line, s.end_line, list(s.references), s.value, list(s.members), list(s.types),
        ]
        for s in file.symbols.values()
    }  # fmt: skip
    imports = {local: list(target) for local, target in file.imports.items()}
    bases = {name: list(values) for name, values in file.bases.items()}
    other = [dict(file.aliases), dict(file.damage), dict(file.typed)]
    return [list(file.names), imports, bases, file.error, symbols, *other]


def _from_document(raw: Any) -> File | None:
    """A remembered file; None when the document was damaged."""
    try:
        return _read_file(raw)
    except (ValueError, TypeError, AttributeError, KeyError):
        return None


def _read_file(raw: Any) -> File:
    names, imports, bases, error, symbols, aliases, damage, typed = raw
    return File(
        names=dict.fromkeys(names),
        imports={local: (module, name) for local, (module, name) in imports.items()},
        bases={name: tuple(values) for name, values in bases.items()},
        typed={name: str(kind) for name, kind in typed.items()},
        error=error,
        aliases=aliases,
        damage=damage,
        symbols={
            name: Symbol(
                name, kind, Stamp(*stamp), start, end, tuple(refs), value, tuple(members), tuple(types)
            )
            for name, (kind, *stamp, start, end, refs, value, members, types) in symbols.items()
        },
    )
