"""Code-aware words: one tokenizer for notes, queries and diffs.

An identifier counts whole and in its pieces: ``issue_token``, ``issueToken`` and ``IssueToken`` all give
``issuetoken``, ``issu`` and ``token``. Paths fall into their parts, words are stemmed (English), stop words
drop out, and runs of Chinese, Japanese or Korean text give overlapping pairs of characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import chain

_WORD = re.compile(r"\w+")
_PIECE = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_OTHER_PIECE = re.compile(r"[^\W\d_]+|\d+")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+")

_STOP_TEXT = """
    a about above after again all also am an and any are as at be because been before being below
    between both but by can cannot could did do does doing down during each few for from further had has
    have having he her here hers him his how i if in into is it its itself just me more most my no nor
    not now of off on once only or other our ours out over own s same she should so some such t than
    that the their theirs them then there these they this those through to too under until up us very
    was we were what when where which while who whom why will with would you your yours
"""
STOP_WORDS = frozenset(_STOP_TEXT.split())

_CHANGE_TEXT = """
    feat fix chore docs doc refactor test perf ci build style revert add added remove removed update support
    implement make allow improve change use new introduce enable ensure cleanup clean close refs ref issue pr
    part follow bug initial commit merge rename move switch bump drop handle provide prevent avoid
"""

_LONGEST = 64
"""Characters of a word that count: hashes and encoded blobs are no words."""
_CACHE_LIMIT = 100_000
_cache: dict[str, tuple[str, ...]] = {}
_stem: list[Callable[[str], str]] = []


def tokenize(text: str) -> list[str]:
    """The words of a text in order, repeats kept; deterministic, never fails, empty for an empty text."""
    if len(_cache) > _CACHE_LIMIT:
        _cache.clear()
    known = _cache.get
    found: list[str] = []
    extend = found.extend
    for word in _WORD.findall(text):
        tokens = known(word)
        if tokens is None:
            tokens = _cache[word] = _tokens_of(word)
        extend(tokens)
    return found


def vocabulary(text: str) -> list[str]:
    """The different words of a text in order of appearance: those of ``tokenize``, told once."""
    if len(_cache) > _CACHE_LIMIT:
        _cache.clear()
    known = _cache.get
    found: list[tuple[str, ...]] = []
    for word in dict.fromkeys(_WORD.findall(text)):
        tokens = known(word)
        if tokens is None:
            tokens = _cache[word] = _tokens_of(word)
        found.append(tokens)
    return list(dict.fromkeys(chain.from_iterable(found)))


@cache
def change_words() -> frozenset[str]:
    """What the title of any change may say: it tells little about which one."""
    return frozenset(tokenize(_CHANGE_TEXT))


def _tokens_of(word: str) -> tuple[str, ...]:
    if len(word) > _LONGEST and word.isascii():
        return ()
    if not word.isascii():
        word = unicodedata.normalize("NFKC", word)
        if _UNSPACED.search(word):
            return _pairs(word)
    pieces = _PIECE.findall(word) if word.isascii() else _OTHER_PIECE.findall(word)
    if len(pieces) == 1:
        return _plain(pieces[0])
    whole = "".join(pieces).casefold()
    parts = [token for piece in pieces if len(piece) > 1 for token in _plain(piece)]
    return (whole, *parts) if len(whole) > 1 else ()


def pieces_of(word: str) -> list[str]:
    """The pieces of an identifier as they are written, ``[]`` for a word that is not made of several."""
    if not word.isascii() or len(word) > _LONGEST:
        return []
    pieces = _PIECE.findall(word)
    return pieces if len(pieces) > 1 else []


def _plain(word: str) -> tuple[str, ...]:
    folded = word.casefold()
    if folded in STOP_WORDS or (len(folded) == 1 and folded.isascii() and not folded.isdigit()):
        return ()
    return (_stemmed(folded),)


def _stemmed(word: str) -> str:
    if not _stem:
        import Stemmer

        # Its own cache is off: every word is asked once, the answers live in ``_cache``.
        _stem.append(Stemmer.Stemmer("english", 0).stemWord)
    return _stem[0](word)


def _pairs(word: str) -> tuple[str, ...]:
    """Overlapping pairs for text written without spaces; what stands between such runs is read as usual."""
    tokens: list[str] = []
    end = 0
    for run in _UNSPACED.finditer(word):
        tokens += _tokens_of(word[end : run.start()]) if run.start() > end else ()
        characters = run.group()
        tokens += [characters[i : i + 2] for i in range(max(1, len(characters) - 1))]
        end = run.end()
    tokens += _tokens_of(word[end:]) if end < len(word) else ()
    return tuple(tokens)
