"""The recipe that every tree-sitter language shares; a language is a ``Grammar`` with its tables filled in.

A wheel per grammar, imported when the first file of its kind is read. How to add a language is told in
``docs/adding-a-language.md``.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from agentctx.freshness.languages.base import Dotted, Parsed
from agentctx.freshness.languages.parts import first_error
from agentctx.freshness.languages.reading import Reader
from agentctx.freshness.languages.tables import Tables
from agentctx.freshness.languages.written import Definitions
from agentctx.freshness.tree import Paths

if TYPE_CHECKING:
    from tree_sitter import Parser

    from agentctx.freshness.languages.parts import Found

LARGEST = 4_000_000
"""Bytes; a larger file is generated, and is not parsed."""


class Grammar(Tables, Dotted):
    """One language: its tables, and how a file is read with them."""

    def parse(self, path: str, source: bytes) -> Parsed:
        """See ``Language.parse``. UTF-8, UTF-16 with a mark, else Latin-1; CRLF is LF."""
        if len(source) > LARGEST:
            return Parsed(error=f"{path}: over {LARGEST} bytes, taken for generated code")
        try:
            parser = parser_of(self.wheel, self.entry)
        except ImportError:
            package = self.wheel.replace("_", "-")
            return Parsed(error=f"{path}: no grammar for {self.name}; pip install {package}")
        data = self.prepare(path, plain_bytes(source))
        root = parser.parse(data).root_node
        if root.type == "ERROR":
            return Parsed(error=f"{path} line {first_error(root) or 1}: syntax error")
        reader = Reader(self, data)
        with _without_collection(len(data)):
            reader.read(root)
        symbols = Definitions(self, reader)
        damage = {f.name: _damage(path, f.damage) for f in reader.found if f.damage}
        if root.has_error:
            damage[""] = _damage(path, first_error(root))
        symbols.without(damage)
        return Parsed(
            symbols=symbols,
            imports=reader.imports,
            bases=_bases(reader.found),
            typed={**reader.typed, **{f.name: f.typed for f in reader.found if f.typed}},
            aliases=symbols.aliases(),
            damage=damage,
        )

    def targets(self, path: str, module: str, paths: Paths) -> tuple[str, ...]:
        """No file is known by its import."""
        return ()


@contextmanager
def _without_collection(size: int) -> Iterator[None]:
    """A large file makes a million small values that all stay: looking for rubbish among them is waste."""
    pause = size > 200_000 and gc.isenabled()
    if pause:
        gc.disable()
    try:
        yield
    finally:
        if pause:
            gc.enable()


def _bases(found: Iterable[Found]) -> dict[str, tuple[str, ...]]:
    """Bases by class; what a type is made of in several places (Rust's impls) is put together."""
    bases: dict[str, tuple[str, ...]] = {}
    for definition in found:
        named = definition.named
        if named.bases:
            outer = definition.owner.name if definition.owner else ""
            separate = named.kind == "impl"
            owner = f"{outer}::{named.within}".lstrip(":") if separate else definition.name
            bases[owner] = (*bases.get(owner, ()), *named.bases)
    return bases


def _damage(path: str, line: int) -> str:
    return f"{path} line {line}: syntax error"


@cache
def parser_of(wheel: str, entry: str) -> Parser:
    """The parser of one grammar; raises ImportError when its wheel is missing."""
    from tree_sitter import Language, Parser

    module: Any = import_module(wheel)
    return Parser(Language(getattr(module, entry)()))


def plain_bytes(source: bytes) -> bytes:
    """UTF-8 without a mark, with LF and a last line break, whatever the file had."""
    if source.startswith((b"\xff\xfe", b"\xfe\xff")):
        source = source.decode("utf-16", "replace").encode()
    source = source.removeprefix(b"\xef\xbb\xbf")
    try:
        source.decode("utf-8")
    except UnicodeDecodeError:
        source = source.decode("latin-1").encode()
    source = source.replace(b"\r\n", b"\n")
    return source if source.endswith(b"\n") else source + b"\n"
