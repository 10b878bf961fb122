"""What a change says, as weighted words: changed lines, literals, context, paths, tests, message.

Also what kind of change it is: formatting alone, moved files alone, tests alone, how large.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from agentctx.model import Change, FileChange, Hunk
from agentctx.retrieval.tokens import tokenize

CHARACTERS_READ = 400_000
"""Of all changed and context lines together; a larger change is cut there, files in order."""

_MESSAGE_READ = 3_000
_TEST = re.compile(
    r"(^|[/_.\-])(tests?|testing|specs?|__tests__|e2e|testdata|fixtures?|__?snapshots?(__)?)([/_.\-]|$)",
    re.IGNORECASE,
)
_TEST_CLASS = re.compile(r"[a-z]Tests?\.[a-z]+$")
_LITERAL = re.compile(r'"((?:[^"\\\n]|\\.){2,120})"' r"|'((?:[^'\\\n]|\\.){2,120})'" r"|`([^`\n]{2,120})`")
_COMMENT = re.compile(r"\s*(///?!?|#(?!\[|include|define|if|endif)|\*|/\*\*?|<!--|\"\"\"|'''|--\s)")
_COSMETIC = re.compile(r"[\s\"'`,;()\[\]{}]+")
_CHUNK = re.compile(r"[^\s\"'`(){}\[\]<>,;=|*!]+")
_EDGES = ".:&$#\\"
_NAME = re.compile(r"[\w-]+")
_ADDING = 3
"""A hunk adds something new when it adds more than this many lines for each one it removes."""
_PIECE = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def is_test(path: str) -> bool:
    """Whether a path looks like a test, a fixture or a snapshot."""
    return _TEST.search(path) is not None or _TEST_CLASS.search(path) is not None


def damped(counts: Mapping[str, float]) -> dict[str, float]:
    """Counts as weights: the tenth use of a word says little more than the third."""
    return {word: 1 + math.log(n) if n >= 1 else n for word, n in counts.items() if n > 0}


def chunks(text: str) -> list[str]:
    """Code-like words as a person reads them: flags, dotted keys, versions, paths, identifiers.

    ``--no-verify``, ``no_verify`` and ``noVerify`` are the same chunk; plain English words are none.
    """
    return [chunk for word in _CHUNK.findall(text) if (chunk := _chunk(word))]


def written_chunks(text: str) -> dict[str, str]:
    """Chunk -> the word as it stands in the text."""
    return {chunk: word.strip(_EDGES) for word in _CHUNK.findall(text) if (chunk := _chunk(word))}


@lru_cache(maxsize=100_000)
def _chunk(word: str) -> str:
    word = word.strip(_EDGES)
    if len(word) < 3 or not any(c.isalnum() for c in word):
        return ""
    if word.isalpha() and word[1:].islower():
        return ""
    if _NAME.fullmatch(word):
        word = word.replace("-", "").replace("_", "")
    return word.lower() if len(word) >= 3 else ""


def phrases(text: str) -> list[str]:
    """Neighbouring word pieces of a line: ``creds-init``, ``credsInit`` and ``creds init`` agree."""
    found: list[str] = []
    for line in text.split("\n"):
        words = [word for piece in _PIECE.findall(line) if (word := _piece(piece))]
        found += [f"{a} {b}" for a, b in pairwise(words)]
    return found


@lru_cache(maxsize=100_000)
def _piece(piece: str) -> str:
    return " ".join(tokenize(piece))


@dataclass(slots=True)
class Size:
    """How much a change changes; lines of tests are counted apart, those of cosmetic hunks not at all."""

    files: int = 0
    code_files: int = 0
    added: int = 0
    removed: int = 0
    test_lines: int = 0
    comment_lines: int = 0
    cosmetic_hunks: int = 0
    hunks: int = 0
    moved_files: int = 0

    @property
    def code_lines(self) -> int:
        return self.added + self.removed

    @property
    def says_nothing_new(self) -> bool:
        """Only formatting changed, or files moved and what names them followed."""
        return self.cosmetic_hunks == self.hunks


@dataclass(slots=True)
class ChangeWords:
    """One change, read once. Words are stemmed tokens unless the field says otherwise."""

    paths: tuple[str, ...] = ()
    """Changed paths and the old paths of moved files, without duplicates."""
    old_paths: tuple[str, ...] = ()
    """Paths that are gone: moved away or deleted."""
    bags: dict[str, dict[str, float]] = field(default_factory=dict)
    """Source (``code``, ``net``, ``tests``, ``context``, ``headers``, ``literals``, ``comments``, ``paths``,
    ``subject``, ``message``, ``all``) -> word -> weight."""
    files: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    """(weight, words) of each changed file; a test weighs half."""
    phrases: dict[str, float] = field(default_factory=dict)
    """Neighbouring word pieces of changed lines and of the subject."""
    chunks: dict[str, float] = field(default_factory=dict)
    """Code-like words of changed lines, context, tests and message."""
    removed_chunks: dict[str, str] = field(default_factory=dict)
    """Chunks outside tests that were removed and not added again, with the path where."""
    added_chunks: dict[str, str] = field(default_factory=dict)
    siblings: frozenset[str] = frozenset()
    """Unchanged chunks right around lines that were added: what the new thing was put beside."""
    size: Size = field(default_factory=Size)
    subject: str = ""


_SHARES = {
    "code": 1.0,
    "net": 0.5,
    "context": 0.4,
    "headers": 0.5,
    "literals": 0.7,
    "comments": 0.5,
    "paths": 1.0,
    "subject": 3.0,
    "tests": 0.5,
    "message": 0.5,
}
"""What a word of each source is worth in the bag of all sources."""


def read_change(change: Change) -> ChangeWords:
    """The words of a change. Hunks that change only formatting say nothing and are left out."""
    reading = _Reading()
    reading.moves(change.files)
    for file in change.files:
        reading.file(file)
    reading.message(change.subject, change.body[:_MESSAGE_READ])
    return reading.finish()


class _Reading:
    """Counts words file by file."""

    def __init__(self) -> None:
        self.words = ChangeWords()
        self.counts: dict[str, Counter[str]] = {source: Counter() for source in _SHARES}
        self.phrases: Counter[str] = Counter()
        self.chunks: dict[str, Counter[str]] = {
            name: Counter() for name in ("changed", "context", "tests", "message")
        }
        self.removed: dict[str, str] = {}
        self.added: dict[str, str] = {}
        self.beside: set[str] = set()
        self.characters = CHARACTERS_READ
        self.moved_words: set[str] = set()
        self.subject_phrases: list[str] = []

    def moves(self, files: Iterable[FileChange]) -> None:
        """Words of the paths of moved files: a hunk that changes these alone only follows the move."""
        moved = [f for f in files if f.status == "R"]
        self.moved_words = {w for f in moved for path in (f.path, f.old_path) for w in tokenize(path)}

    def file(self, file: FileChange) -> None:
        words, size = self.words, self.words.size
        gone = [p for p in (file.old_path if file.status == "R" else "", file.path) if p]
        words.paths += tuple(p for p in gone if p not in words.paths)
        if file.status in ("R", "D"):
            words.old_paths += (file.old_path or file.path,)
        size.files += 1
        size.moved_files += file.status == "R"
        for path in gone:
            self.counts["paths"].update(set(tokenize(path)))
        test = is_test(file.path)
        size.code_files += not test
        cosmetic = is_cosmetic(file.hunks)
        size.hunks += len(file.hunks)
        bag: Counter[str] = Counter()
        for hunk in file.hunks:
            if cosmetic or is_cosmetic((hunk,)) or self.follows_move(hunk):
                size.cosmetic_hunks += 1
            elif self.characters > 0:
                self.hunk(hunk, file.path, test, bag)
        if bag:
            words.files.append((0.5 if test else 1.0, damped(bag)))

    def follows_move(self, hunk: Hunk) -> bool:
        if not self.moved_words:
            return False
        plus, minus = Counter(tokenize("\n".join(hunk.added))), Counter(tokenize("\n".join(hunk.removed)))
        changed = {word for word in plus | minus if plus[word] != minus[word]}
        return self.moved_words.issuperset(changed)

    def hunk(self, hunk: Hunk, path: str, test: bool, bag: Counter[str]) -> None:
        limit = self.characters // 2  # neither side of one huge hunk hides the other
        added, removed = "\n".join(hunk.added)[:limit], "\n".join(hunk.removed)[:limit]
        context = "\n".join(hunk.context)[:limit]
        self.characters -= len(added) + len(removed) + len(context)
        plus, minus = Counter(tokenize(added)), Counter(tokenize(removed))
        bag.update(plus)
        bag.update(minus)
        size, counts = self.words.size, self.counts
        changed_chunks = Counter(chunks(added)), Counter(chunks(removed))
        if test:
            counts["tests"].update(plus + minus)
            self.chunks["tests"].update(changed_chunks[0] + changed_chunks[1])
            size.test_lines += len(hunk.added) + len(hunk.removed)
            return
        counts["code"].update(plus + minus)
        counts["net"].update((plus - minus) + (minus - plus))
        counts["context"].update(tokenize(context))
        counts["headers"].update(tokenize(hunk.header))
        size.added += len(hunk.added)
        size.removed += len(hunk.removed)
        self.phrases.update(set(phrases(f"{added}\n{removed}")))
        self.chunks["changed"].update(changed_chunks[0] + changed_chunks[1])
        near = chunks(f"{context}\n{hunk.header}")
        self.chunks["context"].update(near)
        if len(hunk.added) > _ADDING * len(hunk.removed):
            self.beside.update(near)
        for chunk in changed_chunks[0]:
            self.added.setdefault(chunk, path)
        for chunk in changed_chunks[1]:
            self.removed.setdefault(chunk, path)
        self.lines(f"{added}\n{removed}".split("\n"))

    def lines(self, lines: Iterable[str]) -> None:
        """String literals and comments of changed lines."""
        for line in lines:
            line = line[:1000]
            for groups in _LITERAL.findall(line):
                self.counts["literals"].update(tokenize("".join(groups)))
            if _COMMENT.match(line):
                self.counts["comments"].update(tokenize(line))
                self.words.size.comment_lines += 1

    def message(self, subject: str, body: str) -> None:
        self.words.subject = subject
        self.counts["subject"].update(tokenize(subject))
        self.counts["message"].update(tokenize(body))
        self.chunks["message"].update(chunks(f"{subject}\n{body}"))
        self.subject_phrases = phrases(subject)

    def finish(self) -> ChangeWords:
        words = self.words
        words.bags = {source: damped(counts) for source, counts in self.counts.items()}
        words.bags["all"] = _weighted((words.bags[source], share) for source, share in _SHARES.items())
        words.phrases = damped(self.phrases) | dict.fromkeys(self.subject_phrases, 3.0)
        shares = {"changed": 1.0, "context": 0.5, "tests": 0.5, "message": 1.0}
        words.chunks = _weighted((damped(self.chunks[name]), share) for name, share in shares.items())
        words.removed_chunks = {c: p for c, p in self.removed.items() if c not in self.added}
        words.added_chunks = {c: p for c, p in self.added.items() if c not in self.removed}
        words.siblings = frozenset(self.beside.difference(self.added, self.removed))
        return words


def _weighted(parts: Iterable[tuple[Mapping[str, float], float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for bag, share in parts:
        for word, weight in bag.items():
            total[word] = total.get(word, 0.0) + share * weight
    return total


def is_cosmetic(hunks: Iterable[Hunk]) -> bool:
    """Whether old and new text are equal once white space, quotes, commas and brackets are ignored."""
    hunks = tuple(hunks)
    old = "".join(line for hunk in hunks for line in hunk.removed)
    new = "".join(line for hunk in hunks for line in hunk.added)
    return bool(hunks) and _COSMETIC.sub("", old) == _COSMETIC.sub("", new)
