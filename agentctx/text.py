"""Small questions about text: slugs, hidden characters, token estimates, near misses."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

_ANSI = re.compile(
    "\x1b(?:\\[[0-?]*[ -/]*[@-~]"  # control sequence: colours, cursor
    "|\\][^\x07\x1b\n]{0,4096}(?:\x07|\x1b\\\\)"  # operating system command: title, hyperlink
    "|[PX^_][^\x1b\n]{0,4096}\x1b\\\\"  # device control and other strings
    "|[ -/]{0,4}[0-~])"
)

_HIDDEN_RANGES = (
    (0x00, 0x08),  # C0 without tab and newline
    (0x0B, 0x1F),
    (0x7F, 0x9F),  # delete and C1
    (0xAD, 0xAD),  # soft hyphen
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x180E, 0x180E),  # Mongolian vowel separator
    (0x200B, 0x200F),  # zero width, direction marks
    (0x202A, 0x202E),  # bidirectional embedding and override
    (0x2060, 0x206F),  # word joiner, invisible operators, bidirectional isolates
    (0x3164, 0x3164),
    (0xD800, 0xDFFF),  # halves of characters, which no file can hold
    (0xFEFF, 0xFEFF),  # zero width no-break space
    (0xFFA0, 0xFFA0),
    (0xFFF9, 0xFFFB),  # interlinear annotation
    (0xE0000, 0xE007F),  # tag characters
    (0xE0100, 0xE01EF),  # supplementary variation selectors
)
_HIDDEN = re.compile("[" + "".join(f"{chr(a)}-{chr(b)}" for a, b in _HIDDEN_RANGES) + "]")
_SEPARATORS = re.compile("[\u2028\u2029]")
_HALVES = re.compile("[\ud800-\udfff]")

_TOKEN = re.compile(r"[A-Za-z]{1,5}|[0-9]{1,3}|\n[ \t]*|[^\sA-Za-z0-9]|(?<=[ \t])[ \t]{1,16}")

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")


def slugify(title: str, limit: int = 60) -> str:
    """A note id out of a title: lower-case ASCII words joined by ``-``, at most ``limit`` characters.

    A title without any ASCII letter or digit gives ``note-`` and eight hex digits of its hash, so that
    two such titles give two ids.
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = "-".join(re.findall(r"[a-z0-9]+", plain))
    if len(slug) > limit:
        cut = slug[: limit + 1].rpartition("-")[0]
        slug = (cut if len(cut) > limit // 2 else slug[:limit]).strip("-")
    if not slug:
        return "note-" + hashlib.sha256(title.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{slug}-note" if _RESERVED.fullmatch(slug) else slug


def valid_id(id: str) -> bool:
    """Is this a note id: ``[a-z0-9][a-z0-9._-]*``, at most 80 characters, and a file name on every system?"""
    return bool(_ID.fullmatch(id)) and not _RESERVED.fullmatch(id) and not id.endswith(".")


def strip_hidden(text: str) -> str:
    """Text without what a reader cannot see: terminal escapes, control, bidirectional, zero-width and
    tag characters. Newline and tab stay; line and paragraph separators become a space, half a character
    becomes the mark of a missing one."""
    if text.isascii() and text.isprintable():
        return text
    text = _ANSI.sub("", text) if "\x1b" in text else text
    return _HIDDEN.sub("", _HALVES.sub("\ufffd", _SEPARATORS.sub(" ", text)))


def hidden_characters(text: str) -> list[tuple[int, str]]:
    """What ``strip_hidden`` would remove, as (offset in characters, ``U+202E``).

    A CR before LF is a line ending and not hidden.
    """
    return [
        (found.start(), f"U+{ord(found[0]):04X}")
        for found in _HIDDEN.finditer(text)
        if not (found[0] == "\r" and text[found.end() : found.end() + 1] == "\n")
    ]


def count_tokens(text: str) -> int:
    """An estimate of a language model's tokens that errs to the high side, without a tokeniser.

    A token is five letters, three digits, one other character, or a newline with its indentation.
    English prose comes out at about 1.4 tokens a word, where common tokenisers give 1.2 to 1.4.
    """
    return len(_TOKEN.findall(text))


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """The candidate most like ``word`` (case aside), or ``""`` when none is near."""
    from difflib import get_close_matches

    by_lower: dict[str, str] = {}
    for candidate in candidates:
        by_lower.setdefault(candidate.lower(), candidate)
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.7)
    return by_lower[near[0]] if near else ""


def counted(number: int, noun: str) -> str:
    """``1 note``, ``2 notes``: for nouns whose plural is an ``s``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
