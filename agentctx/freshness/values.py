"""``NAME = literal`` in a note: which constant the name means now, wherever it went, and what it was before.

A value that was true when somebody vouched for the note and is another one now makes the note stale. One that
was never true makes it suspect, but only where the name can mean nothing else. A file that cannot be parsed
proves neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agentctx.freshness.code import Code
from agentctx.freshness.history import History
from agentctx.freshness.languages import language_of
from agentctx.freshness.mentions import Claim, constants, definitions, same_value, unreadable
from agentctx.model import Mention, Symbol

_MOST_FILES = 40
"""Files that are taken apart to find out whether a name is the only one of its kind."""
_STATED = re.compile(r"[A-Za-z_][\w.-]*(?: = |: |=)(?P<value>.*)")
_CERTAIN = " = "
"""Nothing else is written so: a key may be another system's, ``NAME=value`` a variable of the shell."""
_LITERAL = re.compile(
    r"""-?(?:0[xob])?[\d_]+(?:\.\d+)?(?:[eE][+-]?\d+)?|"[^"]*"|'[^']*'|[Tt]rue|[Ff]alse|None|null"""
)
_DISTINCT = re.compile(r"[A-Z_.-]")
"""One plain word in lower case (``timeout``) may well belong to another system."""

Place = tuple[str, Symbol]
"""A file and a constant or key with a value in it."""


def is_stated(claim: Claim) -> bool:
    """Does the span say exactly ``NAME = literal``, ``key: literal`` or ``NAME=literal``?"""
    found = _STATED.fullmatch(claim.text) if claim.kind == "value" else None
    return found is not None and _LITERAL.fullmatch(found["value"]) is not None


class Values:
    """Holds the values that notes state against the constants of one tree."""

    def __init__(self, code: Code, history: History, context: str) -> None:
        self.code = code
        self.history = history
        self.context = context
        self._files: dict[str, tuple[str, ...]] = {}

    def search(self, wanted: Iterable[tuple[Claim, Sequence[str]]]) -> None:
        """Look once for all names that are no constant in the files given with them."""
        words = {_word(c) for c, files in wanted if not constants(c, files, self.code)}
        if words:
            self._files |= self.history.files_of(words, self.context)

    def changed(self, claim: Claim, files: Sequence[str], base: str) -> Mention | None:
        """What became of a value that was true in ``base``; None when it is true elsewhere now."""
        then = self.history.code(base, self.code.memory)
        homes = [p for p in _places(claim, files, then) if same_value(p[1].value, claim.value)]
        renames = self.history.renames(base) if any(not self.code.exists(p) for p, _ in homes) else {}
        present = [renames.get(path, path) for path, _ in homes]
        for path in present:
            if why := unreadable(path, self.code):
                return _unknown(claim, why)
        now = _places(claim, present, self.code) or _places(claim, files, self.code)
        names = {symbol.name for _, symbol in homes}
        for path in () if now else present:
            if any(found in names for _, found in definitions(claim.name, [path], self.code)):
                reason = f"`{claim.name}` in `{path}` is written as no plain value now"
                return Mention(claim.text, claim.line, "broken", f"{reason}, the note says {claim.value}")
        elsewhere = now or [place for place in self._everywhere(claim) if place[1].name in names]
        if any(same_value(symbol.value, claim.value) for _, symbol in elsewhere):
            return None
        moved = now or [place for place in elsewhere if not then.symbol(place[0], place[1].name)]
        if now or len(moved) == 1:
            path, symbol = moved[0]
            return _differs(claim, _shown(symbol, claim), "" if path in files else f" in `{path}`")
        if why := self._doubt(claim):
            return _unknown(claim, why)
        where = f" in `{homes[0][0]}`" if homes else ""
        reason = f"there is no `{claim.name}` with a value{where} any more"
        return Mention(claim.text, claim.line, "broken", reason)

    def never(self, claim: Claim, files: Sequence[str], base: str) -> Mention | None:
        """A statement that was not true in the note's own files when it was vouched for, in ``base``."""
        then = self.history.code(base, self.code.memory)
        for path in files:
            if (why := unreadable(path, self.code)) and _meant(claim, [path], then):
                return _unknown(claim, why)
        own = _meant(claim, files, self.code)
        found = own or self._only(claim)
        if not found or any(_may_be(symbol.value, claim.value) for _, symbol in found):
            return None
        path, symbol = found[0]
        was = self._value_then(path, symbol.name, base, then)
        now = _shown(symbol, claim)
        if was and _may_be(was, claim.value):
            return _differs(claim, now, "" if path in files else f" in `{path}`")
        if not own and _CERTAIN not in claim.text:
            return None
        said = f"the note says {claim.value}, `{claim.name}` is {now}"
        when = "when the note was last edited or verified"
        if was:
            said += f", and was {when}" if same_value(was, symbol.value) else f" now and was {was} {when}"
        return Mention(claim.text, claim.line, "broken", said, now)

    def _value_then(self, path: str, name: str, base: str, then: Code) -> str:
        """What a constant was in ``base``, under another path if its file moved since."""
        if not then.exists(path):
            old = [was for was, now in self.history.renames(base).items() if now == path]
            gone = old or [p for p in then.tree.paths() if language_of(p) and not self.code.exists(p)]
            found = [then.symbol(p, name) for p in gone[:_MOST_FILES]]
            values = [symbol.value for symbol in found if symbol]
            return values[0] if len(values) == 1 else ""
        symbol = then.symbol(path, name)
        return symbol.value if symbol else ""

    def _only(self, claim: Claim) -> list[Place]:
        """The one constant of that name in the tree, if there is exactly one."""
        if not _DISTINCT.search(claim.name):
            return []
        found = self._everywhere(claim)
        if len(found) != 1 or self._doubt(claim):
            return []
        is_same = found[0][1].name == claim.name and "=" in claim.text
        return found if is_same or _is_meant(claim, found[0][1]) else []

    def _everywhere(self, claim: Claim) -> list[Place]:
        """Every constant of that name in the files that hold the word; none when there are too many."""
        files = self._files.get(_word(claim), ())
        return _places(claim, files, self.code) if len(files) <= _MOST_FILES else []

    def _doubt(self, claim: Claim) -> str:
        """Why nobody can say what the name means in the whole tree."""
        files = self._files.get(_word(claim), ())
        if len(files) > _MOST_FILES:
            return f"`{claim.name}` occurs in {len(files)} files"
        return next((why for path in files if (why := unreadable(path, self.code))), "")


def _places(claim: Claim, files: Iterable[str], code: Code) -> list[Place]:
    found = []
    for path, name in definitions(claim.name, list(dict.fromkeys(files)), code):
        symbol = code.symbol(path, name)
        found += [(path, symbol)] if symbol and symbol.value else []
    return found


def _meant(claim: Claim, files: Sequence[str], code: Code) -> list[Place]:
    """The constants that the name cannot but mean: those of exactly this name, or one nested key."""
    found = _places(claim, files, code)
    exact = [place for place in found if place[1].name == claim.name and _is_meant(claim, place[1])]
    return exact or [place for place in found if len(found) == 1 and _is_meant(claim, place[1])]


def _is_meant(claim: Claim, symbol: Symbol) -> bool:
    if symbol.kind == "key":
        return True
    return _CERTAIN in claim.text and (symbol.name == claim.name or "." in claim.name)


def _may_be(now: str, said: str) -> bool:
    """The same value, or one that differs in nothing but its quotes."""
    return same_value(now, said) or now.strip("\"'`") == said.strip("\"'`")


def _shown(symbol: Symbol, claim: Claim) -> str:
    """The value as it is written: a YAML scalar without the quotes that nobody typed."""
    return symbol.value if symbol.kind != "key" or claim.value[0] in "\"'" else symbol.value.strip('"')


def _word(claim: Claim) -> str:
    return claim.name.rpartition(".")[2] or claim.name


def _differs(claim: Claim, now: str, where: str) -> Mention:
    reason = f"`{claim.name}` is {now} now{where}, the note says {claim.value}"
    return Mention(claim.text, claim.line, "changed", reason, now)


def _unknown(claim: Claim, why: str) -> Mention:
    return Mention(claim.text, claim.line, "unknown", f"{why}: `{claim.text}` cannot be checked")
