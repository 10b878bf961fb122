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
    """The glob as a regular expression for ``fullmatch``."""
    parts: list[str] = []
    names = pattern.rstrip("/").split("/")
    for place, name in enumerate(names):
        last = place == len(names) - 1
        if name == "**":
            if not parts or not parts[-1].endswith("*"):  # "**/**" means what "**" means
                parts.append(".*" if last else "(?:[^/]+/)*")
        else:
            parts.append(_name(name) + ("" if last else "/"))
    return re.compile("".join(parts), re.DOTALL)


def _name(name: str) -> str:
    """One name of a path as a regular expression; runs of ``*`` are one, so that matching stays linear."""
    out: list[str] = []
    at = 0
    while at < len(name):
        char = name[at]
        at += 1
        if char == "*":
            if not out or out[-1] != "[^/]*":
                out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[" and (end := name.find("]", at + 1 + (name[at : at + 1] in ("!", "^")))) > 0:
            inside = name[at:end].replace("\\", "\\\\").replace("[", "\\[")
            negated = inside[0] in "!^"
            out.append(_char_class(inside[negated:], negated))
            at = end + 1
        else:
            out.append(re.escape(char))
    return "".join(out)


def _char_class(inside: str, negated: bool) -> str:
    """A bracket expression, or its literal text where it is none (``[z-a]``)."""
    text = f"(?!/)[{'^' if negated else ''}{inside.replace('^', chr(92) + '^')}]"
    try:
        re.compile(text)
    except re.error:
        return re.escape(f"[{'!' if negated else ''}{inside}]")
    return text
