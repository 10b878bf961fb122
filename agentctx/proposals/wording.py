"""What a text names: paths, symbols, flags and numbers, told from the words around them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_SPAN = re.compile(r"(`{1,3})(?!`)([^`\n]{1,400}?)\1(?!`)")
_FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n(.*?)^\1", re.MULTILINE | re.DOTALL)
_WORD = re.compile(r"(?<![\w$])[A-Za-z_$][\w$]*")
_FLAG = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")
_NUMBER = re.compile(r"(?<![\w.])\d[\d_,]*(?:\.\d[\d_]*)*(?=[a-zA-Z%]{0,3}\b|$|\W)")
_HEX = re.compile(r"\b0[xXbBoO][0-9a-fA-F_]+\b")
_LIST_MARK = re.compile(r"^[ \t]*\d{1,3}[.)][ \t]", re.MULTILINE)
_PATH = re.compile(
    r"(?<![\w/.@-])(?:[\w.@~*-]+/)+[\w.@*-]*|(?<![\w/.@-])[\w.-]+\.(?:"
    r"py|pyi|js|jsx|mjs|cjs|ts|tsx|go|rs|java|kt|scala|c|h|cc|cpp|hpp|cs|rb|php|swift|sh|bash|zsh|ps1|sql|md|rst|"
    r"txt|json|ya?ml|toml|ini|cfg|conf|xml|html?|css|scss|vue|proto|lock|mod|sum|gradle|tf|env|csv|j2|ipynb|db)\b"
    r"(?![(\w])"
)
_URL = re.compile(r"\b(?:(?:https?|ftp|wss?|file)://|[a-z][a-z0-9+.-]{1,20}://(?!/))[^\s<>)\"'`\]]{1,300}")
"""Other schemes without a host (`jdbc:tc:mysql:8-lts:///name`) lead nowhere."""
_FRAGMENT = re.compile(r"(\]\([^)\s#]*|^\[[^\]\n]+\]:[ \t]*[^\s#]*)#[^)\s]*", re.MULTILINE)
_PLACEHOLDER = re.compile(r"(?:\w*_)?<[a-z][\w-]*>(?:_\w*)?")
_DEFINED = re.compile(
    r"\b(?:const|let|var|val|def|fn|func|fun)[ \t]+(?:mut[ \t]+)?([a-z_]\w*)|"
    r"^[ \t]*([a-z_]\w*)[ \t]*:?=(?!=)",
    re.MULTILINE,
)
_CODE_LIKE = re.compile(
    r"(?<![\w./-])(?:[A-Za-z_$][\w$]*(?:\.|::|#))+[A-Za-z_$][\w$]*|"  # Invoice.total, Type::method
    r"\b[A-Za-z_$][\w$]*(?=\()|"  # call(
    r"\b[A-Za-z]+(?:_[A-Za-z0-9]+)+\b|\b_+[A-Za-z]\w*|"  # snake_case, MAX_AGE, _private
    r"\b[a-z]+[0-9]*(?:[A-Z][a-z0-9]+)+[A-Z]*\b|\b[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+\b"  # camelCase, TwoWords
)
EVERYDAY = frozenset(
    re.findall(
        r"\w+",
        "the and for that this with from are not will can you your have has been which when then than "
        "into its also use used using one all any may must only other more each they should would could "
        "does such these those was were but after before over under same some there their what how where "
        "new old see note set get add default value values name names file files option options type example",
    )
)
_ASSIGNED = re.compile(r"([A-Za-z_][\w.]*)[\"']?[ \t]{0,4}(?::=|=|:)[ \t]{0,4}([\"']?)([\w.+-]{1,60})\2")
_ELLIPSES = frozenset(("..", "..."))


@dataclass(frozen=True, slots=True)
class Names:
    """Code that a text names. ``words`` are single identifiers, ``numbers`` are in normal form."""

    words: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()

    def joined(self, other: Names) -> Names:
        """What either text names."""
        return Names(
            self.words | other.words,
            self.paths | other.paths,
            self.flags | other.flags,
            self.numbers | other.numbers,
            self.urls | other.urls,
        )

    def without(self, other: Names) -> Names:
        """What this text names and the other does not."""
        return Names(
            self.words - other.words,
            self.paths - other.paths,
            self.flags - other.flags,
            self.numbers - other.numbers,
            self.urls - other.urls,
        )


def names_in_prose(text: str) -> Names:
    """The code a note speaks of: code spans, fences, and whatever in the prose is spelled like code."""
    urls = frozenset(_urls(text))
    # Where a link lands inside a page, and what stands for any name (`<name>`), is no name.
    text = _PLACEHOLDER.sub(" ", _FRAGMENT.sub(r"\1", _URL.sub(" ", text)))
    examples = [match[2] for match in _FENCE.finditer(text)]
    prose = _FENCE.sub(" ", text)
    code = [match[2] for match in _SPAN.finditer(prose)]
    prose = _SPAN.sub(lambda match: f" {match[2]} " if "/" in match[2] else " , ", prose)
    joined = "\n".join(code)
    prose = "\n".join((prose, *examples))
    paths = frozenset(_paths(prose) | _paths(joined))
    # Examples hold comments and made-up words: of their words only those count that look like code.
    likely = " ".join(match[0] for match in _CODE_LIKE.finditer(_without(prose, paths)))
    whole = _without(joined, paths) + "\n" + likely
    words = frozenset(_WORD.findall(_FLAG.sub(" ", whole)))
    numbers = frozenset(_numbers(_LIST_MARK.sub("", prose)) | _numbers(joined))
    flags = frozenset(flag for flag in _FLAG.findall(prose + "\n" + joined) if flag.startswith("--"))
    return Names(words, paths, flags, numbers, urls)


def names_in_code(texts: Iterable[str]) -> Names:
    """Everything that source or diff text could be quoted for: every identifier, flag, number and path."""
    words: set[str] = set()
    flags: set[str] = set()
    numbers: set[str] = set()
    paths: set[str] = set()
    urls: set[str] = set()
    for text in texts:
        words.update(_WORD.findall(text))
        flags.update(_FLAG.findall(text))
        numbers |= _numbers(text)
        paths |= _paths(text)
        urls |= _urls(text)
    return Names(frozenset(words), frozenset(paths), frozenset(flags), frozenset(numbers), frozenset(urls))


def defined_in(text: str) -> frozenset[str]:
    """Variables and functions that the examples of a text define for themselves."""
    examples = "\n".join(match[2] for match in _FENCE.finditer(text))
    return frozenset(name for found in _DEFINED.findall(examples) for name in found if name)


def without_examples(text: str) -> str:
    """The text with its fenced examples left out."""
    return _FENCE.sub("", text)


def values_in(text: str) -> dict[str, frozenset[str]]:
    """What each name is set to, as in ``MAX_AGE = 900`` or ``retries: 3``; values in normal form."""
    found: dict[str, set[str]] = {}
    for match in _ASSIGNED.finditer(text):
        value = next(iter(_numbers(match[3])), match[3])
        value = value.lower() if is_literal(value) else value  # `True` here is `true` there
        found.setdefault(match[1].rpartition(".")[2], set()).add(value)
    return {name: frozenset(values) for name, values in found.items()}


def is_literal(value: str) -> bool:
    """Whether a value is a number or a truth value, and so no name of something else."""
    return value[:1].isdigit() or value.lower() in ("true", "false")


def spans_in(text: str) -> str:
    """The code spans of a text, one a line."""
    return "\n".join(match[2] for match in _SPAN.finditer(_FENCE.sub(" ", text)))


def _urls(text: str) -> set[str]:
    """Addresses of pages, wherever in the page they point."""
    return {match[0].partition("#")[0].rstrip(".,;:/") for match in _URL.finditer(text)}


def _paths(text: str) -> set[str]:
    found = (re.sub(r"^(?:\.{1,2}/)+", "", match[0]).rstrip(".") for match in _PATH.finditer(text))
    return {path.rstrip("/") for path in found if _like_a_path(path)}


def _like_a_path(text: str) -> bool:
    """``a/b`` alone is as often "a or b" as a path: an ending, a third part or a last slash decides."""
    last = text.rpartition("/")[2]
    return (
        len(text) > 2 and ("." in last or text.count("/") > 1 or text.endswith("/")) and last not in _ELLIPSES
    )


def _without(text: str, paths: Iterable[str]) -> str:
    """The text with its paths taken out: their parts are no symbols."""
    for path in sorted(paths, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(path)}(?!\w)", " ", text)
    return text


def _numbers(text: str) -> set[str]:
    """Numbers in one form each: ``1_800``, ``1,800`` and ``1800`` are the same; so are 0.50 and 0.5."""
    found = {match.lower().replace("_", "") for match in _HEX.findall(text)}
    for match in _NUMBER.findall(_HEX.sub(" ", text)):
        for part in [match] if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", match) else match.split(","):
            number = part.replace("_", "").replace(",", "")
            if number.count(".") == 1:
                number = number.rstrip("0").rstrip(".")
            if number:
                found.add(number.lstrip("0") or "0" if "." not in number else number)
    return found
