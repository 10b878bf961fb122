"""Code that only takes what it uses from another place: an import inside a function names its module."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agentctx.freshness.anchors import same_code
from agentctx.freshness.code import Code
from agentctx.freshness.languages import language_of
from agentctx.freshness.languages.base import Language
from agentctx.model import Anchor, Stamp

_IMPORTS = {
    "Python": re.compile(rb"^(?P<before>[ \t]*from[ \t]+)(?P<module>[\w.]+)(?=[ \t]+import\b)", re.MULTILINE),
    "Rust": re.compile(
        rb"^(?P<before>[ \t]*use[ \t]+)(?P<module>(?:crate|self|super)(?:::\w+)*)(?=::)", re.MULTILINE
    ),
    "": re.compile(rb"(?P<before>\b(?:import|require)\(\s*[\"'])(?P<module>[^\"'\n]+)(?=[\"'])"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """An anchor in one version of the code."""

    anchor: Anchor
    code: Code


def is_rerouted(then: Seen, now: Seen) -> bool:
    """Is the code the same but for the modules of this repository that it imports from?

    Whether what is imported is still the same is for its dependencies to tell.
    """
    language = language_of(now.anchor.path)
    if language is None or language is not language_of(then.anchor.path):
        return False
    present = _stamp(now, language)
    past = _stamp(then, language) if present else None
    return present is not None and past is not None and same_code(past, present)


def _stamp(seen: Seen, language: Language) -> Stamp | None:
    """The stamp with every such module taken for the same one; None when there is none."""
    path, code = seen.anchor.path, seen.code
    symbol, source = code.symbol(path, seen.anchor.symbol), code.tree.read(path)
    if symbol is None or source is None or not seen.anchor.symbol:
        return None
    lines = source.splitlines(keepends=True)
    start, end = symbol.start_line - 1, symbol.end_line
    written = b"".join(lines[start:end])

    def plain(found: re.Match[bytes]) -> bytes:
        module = found["module"].decode("utf-8", "replace")
        is_ours = bool(language.targets(path, module, code.paths))
        return found["before"] + (b"a_module" if is_ours else found["module"])

    rewritten = _IMPORTS.get(language.name, _IMPORTS[""]).sub(plain, written)
    if rewritten == written:
        return None
    parsed = language.parse(path, b"".join([*lines[:start], rewritten, *lines[end:]]))
    found = parsed.symbol(seen.anchor.symbol)
    return found.stamp if found else None
