"""Makefiles: targets and variables."""

from __future__ import annotations

import re

from agentctx.freshness.languages.base import Dotted, Language, Parsed, fingerprint
from agentctx.freshness.languages.treesitter import LARGEST, plain_bytes
from agentctx.freshness.tree import Paths
from agentctx.model import Stamp, Symbol

_VARIABLE = re.compile(r"(?:export\s+|override\s+)*([\w.-]+)\s*(?::{0,2}|[?+!])=\s*(.*)$")
_TARGET = re.compile(r"([^\s:#=][^:#=]*?)\s*::?(?!=)\s*(.*)$")


class Make(Dotted):
    """A target's signature is what it needs, its body is its recipe."""

    name = "Make"
    scheme = 1

    def parse(self, path: str, source: bytes) -> Parsed:
        """See ``Language.parse``."""
        if len(source) > LARGEST:
            return Parsed(error=f"{path}: over {LARGEST} bytes")
        text = plain_bytes(source).decode()
        parts: dict[str, list[tuple[str, str, str, int, int]]] = {}
        names: list[str] = []
        for line, first, last in _logical(text.split("\n")):
            if line.startswith("\t"):
                for name in names:
                    kind, needs, recipe, start, _ = parts[name][-1]
                    parts[name][-1] = (kind, needs, recipe + " ".join(line.split()) + "\n", start, last)
                continue
            bare = line.split(" #")[0] if not line.startswith("#") else ""
            variable, target = _VARIABLE.match(bare), _TARGET.match(bare)
            if variable:
                names = []
                parts.setdefault(variable[1], []).append(("constant", "", variable[2].strip(), first, last))
            elif target:
                names = [n for n in target[1].split() if n != ".PHONY"]
                needs, _, recipe = target[2].partition(";")
                for name in names:
                    found = ("target", " ".join(needs.split()), recipe.strip(), first, last)
                    parts.setdefault(name, []).append(found)
            elif bare.strip():
                names = []
        symbols = {name: _symbol(name, found) for name, found in parts.items()}
        body = "\n".join(
            " ".join(x.split()) for x, _, _ in _logical(text.split("\n")) if not x.startswith("#")
        )
        module = Symbol("", "module", Stamp(scheme=1, body=fingerprint(body)), 1, max(1, text.count("\n")))
        return Parsed(symbols=symbols, module=module)

    def targets(self, path: str, module: str, paths: Paths) -> tuple[str, ...]:
        """Included files are not followed."""
        return ()


def _logical(lines: list[str]) -> list[tuple[str, int, int]]:
    """(line with its continuations, first number, last number); blank lines left out."""
    found: list[tuple[str, int, int]] = []
    start, text = 0, ""
    for number, line in enumerate(lines, 1):
        text = f"{text} {line.strip()}" if start else line.rstrip()
        start = start or number
        if text.endswith("\\"):
            text = text[:-1].rstrip()
            continue
        if text.strip():
            found.append((text, start, number))
        start, text = 0, ""
    return found


def _symbol(name: str, found: list[tuple[str, str, str, int, int]]) -> Symbol:
    kind = found[0][0]
    body = "\n".join(recipe for _, _, recipe, _, _ in found)
    return Symbol(
        name=name,
        kind=kind,
        stamp=Stamp(
            scheme=1, sig=fingerprint(" ".join(needs for _, needs, _, _, _ in found)), body=fingerprint(body)
        ),
        start_line=min(f[3] for f in found),
        end_line=max(f[4] for f in found),
        value=body if kind == "constant" and len(found) == 1 else "",
    )


LANGUAGES: dict[str, Language] = {"Make": Make()}
