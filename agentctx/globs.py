"""Which paths a glob means: ``*`` and ``?`` stay inside one name, ``**`` crosses folders.

Paths and patterns are repository-relative and POSIX. ``src/**`` means everything under ``src``;
``**/x.py`` means ``x.py`` at any depth, the top included. Case counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


def matches(pattern: str, path: str) -> bool:
    """Does the glob mean this path?"""
    return compiled(pattern).fullmatch(path) is not None


def select(pattern: str, paths: Iterable[str]) -> list[str]:
    """The paths that the glob means, in the order given."""
    fullmatch = compiled(pattern).fullmatch
    return [path for path in paths if fullmatch(path)]


def fixed_prefix(pattern: str) -> str:
    """The folder above the first name with a wildcard (``docs`` of ``docs/**/*.md``), or ``""``."""
    names: list[str] = []
    for name in pattern.split("/")[:-1]:
        if any(c in name for c in "*?["):
            break
        names.append(name)
    return "/".join(names)


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """The glob as a regular expression for ``fullmatch``.

    Between two ``**`` (and between two ``*`` of one name) the first place that matches is taken for good,
    which loses no match and keeps a hostile pattern from trying every combination.
    """
    groups: list[list[str]] = [[]]
    for name in pattern.rstrip("/").split("/"):
        if name != "**":
            groups[-1].append(_name(name))
        elif len(groups) == 1 or groups[-1]:
            groups.append([])
    first, *others = groups
    if not others:
        return re.compile("/".join(first), re.DOTALL)
    parts = ["".join(f"{name}/" for name in first)]
    parts += [f"(?>(?:[^/]+/)*?{'/'.join(group)}/)" for group in others[:-1]]
    parts.append("(?:[^/]+/)*" + "/".join(others[-1]) if others[-1] else ".*")
    return re.compile("".join(parts), re.DOTALL)


def _name(name: str) -> str:
    """One name of a path as a regular expression."""
    chunks = [""]
    at = 0
    while at < len(name):
        char = name[at]
        at += 1
        if char == "*":
            if chunks[-1] or len(chunks) == 1:
                chunks.append("")
        elif char == "?":
            chunks[-1] += "[^/]"
        elif char == "[" and (end := name.find("]", at + 1 + (name[at : at + 1] in ("!", "^")))) > 0:
            inside = name[at:end].replace("\\", "\\\\").replace("[", "\\[")
            negated = inside[0] in "!^"
            chunks[-1] += _char_class(inside[negated:], negated)
            at = end + 1
        else:
            chunks[-1] += re.escape(char)
    if len(chunks) == 1:
        return chunks[0]
    first, *middle, last = chunks
    return first + "".join(f"(?>[^/]*?{chunk})" for chunk in middle) + "[^/]*" + last


def _char_class(inside: str, negated: bool) -> str:
    """A bracket expression, or its literal text where it is none (``[z-a]``)."""
    text = f"(?!/)[{'^' if negated else ''}{inside.replace('^', chr(92) + '^')}]"
    try:
        re.compile(text)
    except re.error:
        return re.escape(f"[{'!' if negated else ''}{inside}]")
    return text
