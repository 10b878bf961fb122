"""The table of languages: a file's suffix says which sibling reads it.

Every sibling offers ``LANGUAGES``: a mapping from a name in this table to a ``Language``. It is imported
when the first file of its kind is met, so that a repository pays only for the grammars it uses.
"""

from __future__ import annotations

import posixpath
from functools import cache, lru_cache
from importlib import import_module

from agentctx.freshness.languages.base import Language

SUFFIXES: dict[str, tuple[str, str]] = {
    ".py": ("python", "Python"),
    ".pyi": ("python", "Python"),
    ".js": ("javascript", "JavaScript"),
    ".mjs": ("javascript", "JavaScript"),
    ".cjs": ("javascript", "JavaScript"),
    ".jsx": ("javascript", "JavaScript"),
    ".ts": ("javascript", "TypeScript"),
    ".mts": ("javascript", "TypeScript"),
    ".cts": ("javascript", "TypeScript"),
    ".tsx": ("javascript", "TSX"),
    ".go": ("go", "Go"),
    ".rs": ("rust", "Rust"),
    ".java": ("java", "Java"),
    ".c": ("c", "C"),
    ".h": ("c", "C"),
    ".cc": ("cpp", "C++"),
    ".cpp": ("cpp", "C++"),
    ".cxx": ("cpp", "C++"),
    ".hh": ("cpp", "C++"),
    ".hpp": ("cpp", "C++"),
    ".hxx": ("cpp", "C++"),
    ".cs": ("csharp", "C#"),
    ".rb": ("ruby", "Ruby"),
    ".php": ("php", "PHP"),
    ".toml": ("keys", "TOML"),
    ".yaml": ("keys", "YAML"),
    ".yml": ("keys", "YAML"),
    ".json": ("keys", "JSON"),
    ".jsonc": ("keys", "JSON"),
    ".md": ("markdown", "Markdown"),
    ".markdown": ("markdown", "Markdown"),
    ".mk": ("makefile", "Make"),
    "makefile": ("makefile", "Make"),
    "gnumakefile": ("makefile", "Make"),
}
"""Suffix, or whole name of a file without one, in lower case -> (sibling module, name in ``LANGUAGES``)."""

_PROGRAMS = """
.py .pyi .pyx
.js .mjs .cjs .jsx .ts .mts .cts .tsx .go .rs .java .c .h .cc .cpp .cxx .hh .hpp .hxx .cs .rb .php
.kt .kts .swift .scala .m .mm .lua .pl .pm .sh .bash .zsh .ps1 .r .jl .ex .exs .erl .hs .ml .mli .clj .cljs
.dart
.zig .nim .vue .svelte .groovy .gradle .sql .proto .tf .hcl .cu .f90 .v .sv .vhd
"""
PROGRAMS = frozenset(_PROGRAMS.split())
"""Suffixes of programming languages: without a grammar their changed files are ``unknown``."""


@lru_cache(maxsize=1 << 16)
def language_of(path: str) -> Language | None:
    """The language of a file by its suffix, or None: a text, a data file, or a missing grammar."""
    name = posixpath.basename(path).lower()
    return _language(posixpath.splitext(name)[1] or name)


def is_program(path: str) -> bool:
    """Whether the file is source code in a language whose formatting we cannot judge as text."""
    return posixpath.splitext(path)[1].lower() in PROGRAMS


@cache
def _language(suffix: str) -> Language | None:
    if suffix not in SUFFIXES:
        return None
    sibling, name = SUFFIXES[suffix]
    try:
        module = import_module(f"{__name__}.{sibling}")
    except ImportError:  # the grammar's wheel is not installed
        return None
    found: Language | None = module.LANGUAGES.get(name)
    return found
