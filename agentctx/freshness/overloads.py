"""Of several functions of one name, those that a piece of code calls: told by the number of arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agentctx.freshness.code import Code
from agentctx.freshness.dependencies import User, face_of, face_stamp
from agentctx.freshness.languages import language_of
from agentctx.freshness.walk import last
from agentctx.model import Anchor

_QUOTED = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_DEPTH = {**dict.fromkeys("([{", 1), **dict.fromkeys(")]}", -1)}
_OPEN_ENDED = "..."


def is_uncalled(user: User, places: tuple[Anchor, Anchor], reference: str, codes: tuple[Code, Code]) -> bool:
    """Is what changed behind a reference, from one version to another, an overload that takes another number
    of arguments than ``user`` gives? False where that cannot be told."""
    language = language_of(user.anchor.path)
    if language is None or not language.counted_arguments:
        return False
    text = _text(user, codes[1])
    before, after = (
        dict(face_of(place, user, reference, code)) for place, code in zip(places, codes, strict=True)
    )
    if not before and not after:
        return _is_same(text, places, codes)
    faces = ({place: face_stamp(made) for place, made in face.items()} for face in (before, after))
    old, new = faces
    changed = [place for place in {**old, **new} if old.get(place) != new.get(place)]
    return bool(changed) and all(_is_same(text, (place, place), codes) for place in changed)


def _is_same(text: str, places: tuple[Anchor, Anchor], codes: tuple[Code, Code]) -> bool:
    counts = argument_counts(text, last(places[1].symbol))
    called = [_called(place, counts, code) for place, code in zip(places, codes, strict=True)]
    return bool(called[0]) and called[0] == called[1]


def _called(place: Anchor, counts: set[int], code: Code) -> dict[str, tuple[str, str]]:
    """Each overload that takes one of these numbers of arguments -> its digests."""
    file = code.file(place.path)
    found = {}
    for alias in file.aliases if file is not None else ():
        name, _, parameters = alias.removesuffix(")").partition("(")
        types = parameters.split(",") if parameters else []
        if name != place.symbol or "(" not in alias or not _takes(types, counts):
            continue
        symbol = code.symbol(place.path, alias)
        if symbol is not None:
            found[alias] = (symbol.stamp.sig, symbol.stamp.body)
    return found


def _takes(types: list[str], counts: set[int]) -> bool:
    if types and types[-1].endswith(_OPEN_ENDED):
        return any(count >= len(types) - 1 for count in counts)
    return len(types) in counts


def _text(user: User, code: Code) -> str:
    lines = code.text(user.anchor.path).decode("utf-8", "replace").split("\n")
    return "\n".join(lines[user.symbol.start_line - 1 : user.symbol.end_line])


def argument_counts(text: str, name: str) -> set[int]:
    """How many arguments a text gives to what it calls by a name; empty when it also names it otherwise."""
    if '"""' in text:
        return set()
    text = _QUOTED.sub("0", _COMMENT.sub(" ", text))
    counts = set()
    for found in re.finditer(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text):
        count = _arguments(text[found.end() :].lstrip())
        if count is None:
            return set()
        counts.add(count)
    return counts


def _arguments(rest: str) -> int | None:
    """The number of arguments in the brackets that a text begins with; None where that cannot be told."""
    if not rest.startswith("("):
        return None
    arguments = list(_split(rest))
    return None if any("<" in argument for argument in arguments) else len(arguments)


def _split(rest: str) -> Iterator[str]:
    depth, start = 0, 1
    for at, sign in enumerate(rest):
        depth += _DEPTH.get(sign, 0)
        if depth == 0 or (depth == 1 and sign == ","):
            if rest[start:at].strip() or sign == ",":
                yield rest[start:at]
            start = at + 1
        if depth == 0:
            return
