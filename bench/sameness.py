"""Did a change of a file only touch formatting and comments? Told without agentctx.

Python: the syntax trees are equal, docstrings taken out. Other languages: the same tokens in the same order,
without comments, blanks, trailing commas and semicolons, and whichever quotes.
"""

from __future__ import annotations

import ast
import posixpath
import re

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
        return _python(before) is not None and _python(before) == _python(after)
    return _tokens(path, before) == _tokens(path, after)


def _python(source: str) -> str | None:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and body:
            first = body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = body[1:]
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
    return [text for text in found if text != ";"]
