"""Structural claims read out of source text: a path exists, a symbol is defined, a constant holds a literal.

The reading is this bench's own: nothing here knows how agentctx reads code.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

_LITERAL = r"""(-?\d[\d_]*(?:\.\d+)?|"[^"\\\n]{1,60}"|'[^'\\\n]{1,60}'|true|false|True|False)"""

_SYMBOLS = {
    ".py": r"^(?:async +)?(?:def|class) +(\w+)",
    ".go": r"^func +(\w+)[\[(]|^type +(\w+)[ \[]",
    ".js": r"^(?:export +)?(?:default +)?(?:async +)?(?:function\*? +|class +)(\w+)",
    ".ts": r"^(?:export +)?(?:default +)?(?:declare +)?(?:abstract +)?(?:async +)?"
    r"(?:function\*? +|class +|interface +|enum +)(\w+)",
    ".rs": r"^(?:pub(?:\([^)]*\))? +)?(?:async +|unsafe +|const +)*(?:fn|struct|enum|trait) +(\w+)",
    ".java": r"^(?:public +)?(?:final +|abstract +|sealed +)*(?:class|interface|enum|record) +(\w+)",
}
_DEFINED = {
    ".go": r"^(?:func|type|var|const) +NAME\b|^\tNAME\b",
    ".js": r"^(?:export +)?(?:default +)?(?:async +)?(?:function\*? +|class +|const +|let +|var +)NAME\b",
    ".ts": r"^(?:export +)?(?:default +)?(?:declare +)?(?:abstract +)?(?:async +)?"
    r"(?:function\*? +|class +|interface +|enum +|const +|let +|var +|type +|namespace +)NAME\b",
    ".rs": r"^(?:pub(?:\([^)]*\))? +)?(?:async +|unsafe +|const +)*"
    r"(?:fn|struct|enum|trait|type|union|mod|static|const) +NAME\b",
    ".java": r"\b(?:class|interface|enum|record) +NAME\b",
}
"""What counts as a definition of a name in the newer commit: any kind of it."""
_CONSTANTS = {
    ".py": rf"^([A-Z_][A-Z0-9_]*)(?:: *[\w.]+)? *= *{_LITERAL} *(?:#.*)?$",
    ".go": rf"^(?:const +|\t)([A-Za-z_]\w*)(?: +[\w.]+)? += +{_LITERAL} *(?://.*)?$",
    ".js": rf"^(?:export +)?const +([A-Za-z_]\w*) *= *{_LITERAL} *;? *(?://.*)?$",
    ".ts": rf"^(?:export +)?const +([A-Za-z_]\w*)(?:: *\w+)? *= *{_LITERAL} *;? *(?://.*)?$",
    ".rs": rf"^(?:pub(?:\([^)]*\))? +)?const +([A-Z_][A-Z0-9_]*): *[&'\w ]+ *= *{_LITERAL} *; *(?://.*)?$",
    ".java": r"^ +(?:(?:public|private|protected) +)?static +final +[\w.]+ +([A-Z_][A-Z0-9_]*) *= *"
    + _LITERAL
    + r" *; *(?://.*)?$",
}
_COMMENTS = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
"""Comments, and strings, in which no comment begins."""
_SAME = {".tsx": ".ts", ".mts": ".ts", ".jsx": ".js", ".mjs": ".js", ".cjs": ".js"}
_SKIPPED = re.compile(
    r"(?:^|/)(?:vendor|node_modules|third_party|testdata|fixtures?|dist|agent-context)/|\.min\."
)
LARGEST = 400_000
"""Characters of a file that is read for claims."""

Kind = Literal["path", "symbol", "value"]


@dataclass(frozen=True)
class Claim:
    """One statement about one file."""

    kind: Kind
    path: str
    name: str = ""
    value: str = ""

    def text(self) -> str:
        """The claim as the body of a note."""
        if self.kind == "path":
            return f"See `{self.path}`."
        if self.kind == "symbol":
            return f"See `{self.path}#{self.name}`."
        return f"In `{self.path}`: `{self.name} = {self.value}`."


def is_read(path: str) -> bool:
    """Is this a source file that claims are made about?"""
    return _ending(path) in _SYMBOLS and not _SKIPPED.search(path)


def claims_in(path: str, source: str) -> list[Claim]:
    """Every claim about one file; a name that occurs twice makes none."""
    if len(source) > LARGEST:
        return [Claim("path", path)]
    symbols, constants = _symbols(path, source), _constants(path, source)
    found = [Claim("path", path)]
    found += [Claim("symbol", path, name) for name, count in symbols.items() if count == 1]
    found += [Claim("value", path, name, values[0]) for name, values in constants.items() if len(values) == 1]
    return found


def holds(claim: Claim, source: str | None) -> bool:
    """Is the claim true of this version of its file? None: there is no such file."""
    if source is None or claim.kind == "path":
        return source is not None
    if claim.kind == "symbol" and claim.path.endswith(".py"):
        return claim.name in _bound(source)
    if claim.kind == "symbol":
        pattern = _DEFINED[_ending(claim.path)].replace("NAME", re.escape(claim.name))
        return re.search(pattern, _code(claim.path, source, "const|var|type"), re.MULTILINE) is not None
    return _plain(claim.value) in {_plain(v) for v in _constants(claim.path, source).get(claim.name, ())}


def _symbols(path: str, source: str) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for match in re.finditer(_SYMBOLS[_ending(path)], _code(path, source), re.MULTILINE):
        name = next(group for group in match.groups() if group)
        found[name] = found.get(name, 0) + 1
    return found


def _bound(source: str) -> set[str]:
    """The names that a Python file defines at its top level, in any branch of it."""
    try:
        waiting: list[ast.AST] = [ast.parse(source)]
    except (SyntaxError, ValueError):
        return set()
    found: set[str] = set()
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
            elif isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.ExceptHandler):
                waiting.append(node)
    return found


def _constants(path: str, source: str) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(_CONSTANTS[_ending(path)], _code(path, source), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def _code(path: str, source: str, blocks: str = "const") -> str:
    """The text without block comments, long strings and, in Go, what stands inside functions."""
    source = source.replace("\r\n", "\n")
    if _ending(path) == ".py":
        return _without_strings(source)
    source = _COMMENTS.sub(lambda found: found[0] if found[0][0] == '"' else "", source)
    if _ending(path) in (".js", ".ts", ".go"):
        source = re.sub(r"`[^`]*`", "``", source, flags=re.DOTALL)
    if _ending(path) == ".go":  # a tab before a name means something only inside `const (` ... `)`
        inside = re.findall(rf"^(?:{blocks}) \(\n(.*?)^\)", source, re.DOTALL | re.MULTILINE)
        outside = [line for line in source.split("\n") if not line.startswith("\t")]
        return "\n".join([*outside, *inside])
    return source


def _without_strings(source: str) -> str:
    """Python without the lines inside long strings."""
    try:
        nodes = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Constant | ast.JoinedStr)]
    except (SyntaxError, ValueError):
        return ""
    lines = source.split("\n")
    for node in nodes:
        for at in range(node.lineno, (node.end_lineno or node.lineno) - 1):
            lines[at] = ""
    return "\n".join(lines)


def _plain(value: str) -> str:
    return value[1:-1] if value[0] in "\"'" else value.replace("_", "").lower()


def _ending(path: str) -> str:
    ending = posixpath.splitext(path)[1]
    return _SAME.get(ending, ending)
