"""What one language must know: to name the definitions in a file and to fingerprint each of them.

A language turns bytes into ``Parsed``. The fingerprints in it are the product's own normal form: the
same code gives the same digests on every interpreter and grammar version, whatever its formatting.

- ``sig``: what a caller sees: parameters with defaults and annotations, result, bases, decorators,
  modifiers. The symbol's own name is no part of it.
- ``body``: what it does. Calls of itself by its own name become a placeholder, so that a renamed
  symbol with the same body has the same ``sig`` and ``body``.
- ``doc``: doc comment or docstring of the symbol and of what is nested in it, indentation cleaned.
- ``deps`` stays empty: ``anchors`` fills it from ``references``.

Comments, line breaks, quotes, trailing commas and the order of imports are in none of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from agentctx.freshness.tree import Paths
from agentctx.model import Symbol

SELF = "\x00self"
"""Stands for the symbol's own name inside its own normal form."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """The definitions of one file in one version."""

    symbols: Mapping[str, Symbol] = field(default_factory=dict)
    """Qualified name -> symbol; same-named definitions of one scope are one symbol, in order.
    May compute a symbol when it is first asked for."""
    module: Symbol | None = None
    """The whole file as one symbol (kind ``module``, empty name); None when ``error`` is set.
    A language whose ``symbols`` are made on demand may keep it there under the empty name."""
    imports: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Local name -> (module as written, name inside that module or empty for the module itself).
    An import of everything has the key ``*`` and the module, and the name ``*``."""
    bases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Qualified name of a class -> names of its bases as written (for inherited members)."""
    typed: Mapping[str, str] = field(default_factory=dict)
    """Qualified name of a field or a variable -> its type, of a function -> that of its result, as written:
    a dotted name. Fields that only a constructor sets are here and nowhere else."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Another whole name of a symbol -> its name in ``symbols``; one overload of several stands for itself.
    ``symbols`` answers to these names too, but does not list them. Ambiguous ones are not here."""
    error: str = ""
    """Why there is no syntax tree, in words with the line; then everything else is empty."""

    def symbol(self, name: str) -> Symbol | None:
        """The symbol of a qualified name, the whole file for the empty name, None when there is none."""
        if not name and self.module is not None:
            return self.module
        return self.symbols[name] if name in self.symbols else None  # noqa: SIM401 - made on demand

    damage: Mapping[str, str] = field(default_factory=dict)
    """Qualified name -> why this definition cannot be judged, in words with the line: a syntax error
    inside it (it is then no key of ``symbols``). The empty name is there when the file has any error:
    a definition that is missing may then be hidden by it, which is ``unknown`` and never ``gone``."""


class Language(Protocol):
    """One programming language. Stateless; every method is pure."""

    name: str
    """As a person says it: ``Python``, ``TypeScript``."""
    scheme: int
    """Number of the normal form. Raise it when digests change; old records then ask for a look."""

    implicit_members: bool
    """Members of a class are named inside it without a receiver (Java)."""
    open_types: bool
    """Members of a type may stand in any file of its package (Go)."""
    paths_in_code: bool
    """A module may be named by its path where it is used (Rust)."""
    counted_arguments: bool
    """A call gives as many arguments as the function that it means takes: none has a default (Java)."""
    manifest: str
    """Name of the file that names a package which other code of the repository imports; empty without."""

    def parse(self, path: str, source: bytes) -> Parsed:
        """Never raises for bad input: a file that cannot be parsed gives ``Parsed(error=...)``."""

    def receiver(self, symbol: str, reference: str) -> tuple[str, str] | None:
        """(enclosing class, member) when ``reference`` inside ``symbol`` means a member of it.

        Python: ``("Invoice.total", "self.rate") -> ("Invoice", "rate")``. A reference that
        starts with ``super.`` is looked for in the bases only.
        """

    def member(self, owner: str, name: str) -> str:
        """Qualified name of a member of a class."""

    def lookups(self, symbol: str, reference: str) -> tuple[str, ...]:
        """Qualified names in the same file that ``reference`` inside ``symbol`` may mean, best first."""

    def targets(self, path: str, module: str, paths: Paths) -> tuple[str, ...]:
        """Files of the repository that an import of ``module`` in the file ``path`` means, best first.

        Empty for the standard library and third parties.
        """

    def submodule(self, module: str, name: str) -> str:
        """The import text of module ``name`` inside ``module``, empty where a name is never a module."""

    def visible(self, path: str, paths: Paths) -> tuple[str, ...]:
        """Other files whose top-level names are in scope without an import (Go and Java packages)."""


class Dotted:
    """The answers of languages whose names are ``Outer.inner`` and whose scopes nest."""

    receivers: tuple[str, ...] = ("this",)
    implicit_members = False
    open_types = False
    paths_in_code = False
    counted_arguments = False
    manifest = ""

    def receiver(self, symbol: str, reference: str) -> tuple[str, str] | None:
        """``this.name`` inside ``Owner.method``."""
        first, _, member = reference.partition(".")
        owner = symbol.rpartition(".")[0]
        if first in self.receivers and member and owner:
            return owner, member.split(".")[0]
        return None

    def member(self, owner: str, name: str) -> str:
        """``owner.name``."""
        return f"{owner}.{name}"

    def lookups(self, symbol: str, reference: str) -> tuple[str, ...]:
        """From the innermost scope outwards, the whole reference before its shorter beginnings."""
        parts = symbol.split(".")
        words = reference.split(".")
        names = []
        for length in range(len(words), 0, -1):
            word = ".".join(words[:length])
            names += [".".join([*parts[:depth], word]) for depth in range(len(parts), -1, -1)]
        return tuple(names)

    def submodule(self, module: str, name: str) -> str:
        """What is imported is never a file by itself."""
        return ""

    def visible(self, path: str, paths: Paths) -> tuple[str, ...]:
        """Nothing is in scope without an import."""
        return ()


def fingerprint(normal_form: str) -> str:
    """Short hex digest (16 characters) of a normal form; empty for an empty one."""
    if not normal_form:
        return ""
    return hashlib.sha256(normal_form.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def clean_doc(text: str) -> str:
    """A doc text without its indentation, outer blank lines and trailing spaces."""
    lines = [line.rstrip() for line in text.expandtabs().splitlines()]
    margins = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    margin = min(margins, default=0)
    cleaned = [line.strip() for line in lines[:1]] + [line[margin:] for line in lines[1:]]
    return "\n".join(cleaned).strip("\n")
