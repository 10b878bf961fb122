"""Did a change of a file only touch formatting and comments? Told without agentctx, by either of two ways.

By a formatter (ruff, gofmt, rustfmt, prettier; where it is installed): comments taken out, it prints the same
text before and after. By reading: in Python the syntax trees are equal, docstrings taken out; in other
languages the same tokens come in the same order, without comments, blanks, trailing commas and semicolons,
and whichever quotes.
"""

from __future__ import annotations

import ast
import posixpath
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

FORMATTERS = {
    ".py": ("ruff", "format", "-q", "--isolated", "--stdin-filename", "a.py", "-"),
    ".go": ("gofmt",),
    ".rs": ("rustfmt", "--edition", "2021"),
    **{
        f".{ending}": ("prettier", "--no-config", "--parser", parser)
        for ending, parser in (
            ("js", "babel"), ("jsx", "babel"), ("mjs", "babel"), ("ts", "typescript"), ("tsx", "typescript")
        )
    },
}  # fmt: skip
"""Ending -> a program that reads source from standard input and prints it in its one style."""
_TOKENS = re.compile(
    r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)
    |(?P<word>[\w$]+)
    |(?P<blank>\s+)
    |(?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_RUST_TOKENS = re.compile(
    r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\\n])')
    |(?P<word>\w+)
    |(?P<blank>\s+)
    |(?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSING = frozenset(")]}>")


def is_cosmetic(path: str, before: str, after: str) -> bool:
    """Is the meaning of the file's text the same before and after?"""
    if before == after:
        return True
    if path.endswith(".py"):
        tree = _python(before)
        if tree is not None and tree == _python(after):
            return True
    elif _tokens(path, before) == _tokens(path, after):
        return True
    return is_same_when_formatted(path, before, after)


def is_same_when_formatted(path: str, before: str, after: str) -> bool:
    """Does the formatter print the same code before and after? False where there is none."""
    texts = [_without_comments(path, text) for text in (before, after)]
    if len({re.sub(r"[\W_]", "", text) for text in texts}) == 2:
        return False  # no formatter changes words
    printed = [_formatted(path, text) for text in texts]
    return printed[0] is not None and printed[0] == printed[1]


@cache
def program(name: str) -> str:
    """Where a formatter is installed, beside this Python or on the PATH; empty when it is not."""
    return shutil.which(str(Path(sys.executable).parent / name)) or shutil.which(name) or ""


def _formatted(path: str, source: str) -> list[str] | None:
    """The lines that the formatter prints, blank ones aside; None when it does not accept the text."""
    name, *arguments = FORMATTERS.get(posixpath.splitext(path)[1], ("",))
    if not name or not program(name):
        return None
    done = subprocess.run(
        [program(name), *arguments], input=source.encode(), capture_output=True, check=False
    )
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return [line for line in lines if line.strip()] if done.returncode == 0 else None


def _without_comments(path: str, source: str) -> str:
    ending = posixpath.splitext(path)[1]
    if ending == ".py":
        return re.sub(r"^[ \t]*#[^\n]*\n", "", source, flags=re.MULTILINE)
    pattern = _RUST_TOKENS if ending == ".rs" else _TOKENS
    return pattern.sub(lambda found: "" if found.lastgroup == "comment" else found[0], source)


def _python(source: str) -> str | None:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and body:
            first = body[0]
            value = first.value if isinstance(first, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                node.body = body[1:]
        elif isinstance(node, ast.Constant):
            node.kind = None  # the `u` of a text
    return ast.dump(tree)


def _tokens(path: str, source: str) -> list[str]:
    ending = posixpath.splitext(path)[1]
    pattern = _RUST_TOKENS if ending == ".rs" else _TOKENS
    found: list[str] = []
    for match in pattern.finditer(source.replace("\r\n", "\n")):
        text = match[0]
        if match.lastgroup in ("comment", "blank"):
            continue
        if match.lastgroup == "string" and ending not in (".rs", ".go", ".java") and text[0] != "`":
            text = '"' + text[1:-1].replace('\\"', '"').replace("\\'", "'") + '"'
        if text in _CLOSING and found and found[-1] == ",":
            found.pop()
        found.append(text)
    return [text for text in found if text != ";" or ending == ".rs"]
