"""Code spans in a note's text as claims: a path, a symbol, a value, a flag, a variable, a script.

A claim is only ever held against a note when it was true in the tree in which the note was verified or last
written. A word that never meant anything here stays a word.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agentctx.freshness.answers import MOST, stamp_of
from agentctx.freshness.code import Code
from agentctx.freshness.languages import is_program, language_of
from agentctx.model import Note, Stamp, Symbol

ClaimKind = Literal["path", "symbol", "value", "word", "make", "script"]

_VALUE = re.compile(
    r"([A-Za-z_][\w.-]*)\s*(?::=|=|:)\s*"
    r"""("[^"]*"|'[^']*'|-?\d[\w.]*|true|false|True|False|None|null)"""
)
_FLAG = re.compile(r"(--?[A-Za-z][\w-]*)(?:[= ]\S*)?")
_VARIABLE = re.compile(r"\$\{?([A-Z][A-Z0-9_]+)\}?|([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=\S*)?")
_SYMBOL = re.compile(r"([A-Za-z_$][\w$]*(?:(?:\.|::|#)[A-Za-z_$][\w$-]*)*)(\([^`]*\))?")
_PATH = re.compile(
    r"(?:\./)?([\w.@+()\[\]~$-]+(?:/[\w.@+()\[\]~$-]+)*/?)(?:#([\w.:$*()]+))?(?::\d+(?:-\d+)?)?"
)
_FILE_NAMES = frozenset({"Makefile", "Dockerfile", "Jenkinsfile", "Gemfile", "Procfile"})
_DATA = frozenset(
    {
        ".md",
        ".toml",
        ".yaml",
        ".yml",
        ".json",
        ".cfg",
        ".ini",
        ".txt",
        ".html",
        ".css",
        ".lock",
        ".xml",
        ".csv",
    }
)
_MAKE = re.compile(r"make ([\w.-]+)")
_SCRIPT = re.compile(r"(?:npm|pnpm|yarn|bun) (?:run )?([\w:.-]+)")
_LONGEST = 160
_MOST_FILES = 12


@dataclass(frozen=True, slots=True)
class Claim:
    """One code span, read as a statement about the repository."""

    text: str
    line: int
    """One-based: of the note's body at first, of its file in a ``Mention``."""
    kind: ClaimKind
    name: str
    """Path, symbol, constant, flag, variable or target."""
    value: str = ""
    """The value claimed, or the symbol behind a path."""


def claims(note: Note) -> list[Claim]:
    """What the code spans of a note say, one claim for each that can be checked."""
    found = []
    for text in note.mentions:
        if len(text) <= _LONGEST and "\n" not in text:
            line = note.body.count("\n", 0, max(0, note.body.find(f"`{text}`"))) + 1
            found += [claim] if (claim := _claim(text.strip(), line)) else []
    return found


def sworn(note: Note, code: Code) -> Stamp | None:
    """What to record of the mentions of a note that somebody has just verified; None when it has none."""
    said = claims(note)
    files = files_of(note, said, code)
    return stamp_of([c.text for c in said], [was_true(c, files, code) for c in said[:MOST]])


def files_of(note: Note, said: Sequence[Claim], now: Code) -> list[str]:
    """The files a note is about: those of its anchors, then those its text names."""
    anchored = [a.path for a in note.anchors if not a.is_glob]
    named = [claim.name for claim in said if claim.kind == "path" and now.exists(claim.name)]
    return list(dict.fromkeys([*anchored, *named]))[:_MOST_FILES]


def was_true(claim: Claim, files: Sequence[str], code: Code) -> bool:
    """Did the claim hold in this tree? What a syntax error hides there is given the benefit of the doubt."""
    if is_true(claim, files, code):
        return True
    place = place_of(claim, code) if claim.kind == "path" else ""
    return place != "" and unreadable(place, code) != ""


def is_true(claim: Claim, files: Sequence[str], code: Code) -> bool:
    """Does the claim hold in this tree, as far as the note's own files can tell?"""
    if claim.kind == "path":
        place = place_of(claim, code)
        return place != "" and (not claim.value or _names_symbol(place, claim.value, code))
    if claim.kind == "value":
        return any(same_value(found.value, claim.value) for found in constants(claim, files, code))
    if claim.kind == "make":
        return _in_text(rf"^{re.escape(claim.name)}[^=\n]*:(?!=)", "Makefile", code)
    if claim.kind == "script":
        return claim.name in _scripts(code)
    if claim.kind == "symbol" and definitions(claim.name, files, code):
        return True
    return any(_has_word(claim.name, path, code) for path in files)


def place_of(claim: Claim, code: Code) -> str:
    """The file or folder that a path means: exact, or the only one that ends so; empty when there is none."""
    name = claim.name.rstrip("/")
    if code.exists(name) or code.is_linked(name):
        return name
    if claim.name.endswith("/") or "." not in posixpath.basename(name):
        return name if code.paths.has_folder(name) else ""
    ending = code.paths.ending(name)
    return ending[0] if ending else ""


def unreadable(path: str, code: Code) -> str:
    """Why the definitions of a file cannot be told, in words; empty when they can, or there is no file."""
    file = code.file(path)
    if file is None:
        known = language_of(path) is not None and code.exists(path)
        return f"`{path}` cannot be read" if known else ""
    why = file.error or file.damage.get("", "")
    return f"`{path}` cannot be parsed ({why})" if why else ""


def _names_symbol(path: str, symbol: str, code: Code) -> bool:
    """Is a symbol seen in its file? Not where a syntax error hides it; always where nobody can look."""
    if language_of(path) is None or not code.exists(path):
        return True
    file = code.file(path)
    return file is not None and (symbol in file.names or symbol in file.aliases)


def definitions(name: str, files: Sequence[str], code: Code) -> list[tuple[str, str]]:
    """(file, qualified name) of every definition that ``name`` may mean in the files."""
    found = []
    for path in files:
        file = code.file(path)
        for known in file.names if file else ():
            if known == name or known.endswith((f".{name}", f"::{name}")):
                found.append((path, known))
    return found


def constants(claim: Claim, files: Sequence[str], code: Code) -> list[Symbol]:
    """The constants and keys with a value that the claim's name may mean."""
    symbols = [code.symbol(path, name) for path, name in definitions(claim.name, files, code)]
    return [symbol for symbol in symbols if symbol and symbol.value]


def same_value(a: str, b: str) -> bool:
    """Are two spellings of a value the same value? Quotes, ``_`` in numbers and case of ``true`` aside."""
    return _plain(a) == _plain(b)


def _claim(text: str, line: int) -> Claim | None:
    if found := _MAKE.fullmatch(text):
        return Claim(text, line, "make", found[1])
    if found := _SCRIPT.fullmatch(text):
        return Claim(text, line, "script", found[1])
    if found := _VALUE.fullmatch(text):
        return Claim(text, line, "value", found[1], found[2])
    if found := _VARIABLE.fullmatch(text):
        return Claim(text, line, "word", found[1] or found[2])
    if found := _FLAG.fullmatch(text):
        return Claim(text, line, "word", found[1])
    path = _PATH.fullmatch(text)
    if path and "//" not in text and ("/" in path[1] or _is_file_name(path[1])):
        return Claim(text, line, "path", path[1], path[2] or "")
    if found := _SYMBOL.fullmatch(text):
        name = found[1].replace("#", ".")
        is_code = found[2] is not None or re.search(r"[._$:]|\d|[a-z][A-Z]", name) is not None
        return Claim(text, line, "symbol", name) if is_code or name[0].isupper() else None
    return None


def _is_file_name(text: str) -> bool:
    return text in _FILE_NAMES or is_program(text) or posixpath.splitext(text)[1] in _DATA


def _has_word(word: str, path: str, code: Code) -> bool:
    return _in_text(rf"(?<![\w-]){re.escape(word)}(?![\w-])", path, code)


def _in_text(pattern: str, path: str, code: Code) -> bool:
    return re.search(pattern.encode(), code.text(path), re.MULTILINE) is not None


def _scripts(code: Code) -> frozenset[str]:
    try:
        manifest = json.loads(code.text("package.json") or b"{}")
        return frozenset(manifest.get("scripts", {}))
    except (ValueError, AttributeError, TypeError):
        return frozenset()


def _plain(value: str) -> str:
    value = value.strip().rstrip(",;")
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'`":
        return "s" + value[1:-1]
    if value.lower() in ("true", "false", "none", "null", "nil"):
        return value.lower().replace("null", "none").replace("nil", "none")
    number = value.replace("_", "").lower()
    try:
        return (
            f"n{float(int(number, 0)) if not re.search(r'[.e]', number) or 'x' in number else float(number)}"
        )
    except (ValueError, OverflowError):
        return "s" + value
