"""Words of code that a note names, that stood anywhere in the repository and stand nowhere in it now."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from agentctx.freshness.anchors import look
from agentctx.freshness.code import Code
from agentctx.freshness.history import History
from agentctx.freshness.languages import is_program
from agentctx.freshness.languages.base import fingerprint
from agentctx.freshness.mentions import Claim, definitions
from agentctx.freshness.relocation import Before, relocate
from agentctx.freshness.rot import lines_above
from agentctx.freshness.vocabulary import Vocabulary
from agentctx.model import Anchor, Mention, Note, Stamp

_SHAPE = re.compile(r"_|[a-z0-9][A-Z]|[A-Z]{2}[a-z]|\w\.\w|^--\w|^-\w{2,}")
_SHORTEST = 4
_MOST_PAST_TREES = 40
_MOST_EXPLAINED = 40
"""Words whose commit and whose new name are looked up in one run."""
_PARTS = re.compile(r"\.|::|#")
_SAMPLES = re.compile(
    r"(?i)(?:^|/)(?:[\w-]*(?:tests?|examples?|samples?|docs?(?:_src)?|demos?|benchmarks?|spec|website))/"
)
"""Code that a document's own examples resemble; what it names was never the repository's."""
_OF_THE_PAST = re.compile(
    r"(?i)(?:^|/)(?:[^/]*(?:change-?s?(?:log)?|history|news|releases?|release[-_]notes|migrat\w*|upgrad\w*|whatsnew)"
    r"|blog|posts)(?:[-_./]|$)"
)
"""Documents that tell what was; a word that is gone does not make them wrong."""


@dataclass(frozen=True, slots=True)
class Question:
    """Claims of a note that its own files do not settle."""

    note: Note
    claims: Sequence[Claim]
    base: str
    """Commit in which somebody last vouched for the note."""
    is_open: bool = False
    """Nobody has committed that: the commit that is checked out stands for it."""
    known: Stamp | None = None
    """The words that had gone when the note was verified (``words_stamp``)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one note's words."""

    mentions: tuple[Mention, ...] = ()
    uses: frozenset[str] = frozenset()
    """The files in which its other words stand: as long as they are as they are, no word is gone."""


class Vanished:
    """Looks for the words of many notes in one go: in the tree once, in an old tree for what is missing."""

    def __init__(self, code: Code, history: History, context: str) -> None:
        self._code = code
        self._history = history
        self._vocabulary = Vocabulary(history.git, context)
        self._befores: dict[str, Before] = {}
        self._explained = 0

    def answers(self, questions: Sequence[Question]) -> dict[str, Answer]:
        """Note id -> the words it names that are gone, and where the others stand."""
        asked = [(q, claim, forms(claim)) for q in questions for claim in _checkable(q)]
        if not asked:
            return {}
        now = self._vocabulary.places(self._code.tree, {form for _, _, some in asked for form in some})
        missing = [entry for entry in asked if not any(form in now for form in entry[2])]
        stood = self._stood(missing)
        uses: dict[str, set[str]] = {}
        for question, _, some in asked:
            uses.setdefault(question.note.id, set()).update(now[form] for form in some if form in now)
        mentions: dict[str, list[Mention]] = {}
        for question, claim, some in missing:
            then = stood.get(question.base, {})
            place = self._home(question, claim, [path for form in some for path in then.get(form, ())])
            if place:
                claim = replace(claim, line=claim.line + lines_above(question.note, self._code))
                mentions.setdefault(question.note.id, []).append(self._mention(claim, place, question.base))
        return {id: Answer(tuple(mentions.get(id, ())), frozenset(files)) for id, files in uses.items()}

    def _stood(
        self, missing: Iterable[tuple[Question, Claim, Sequence[str]]]
    ) -> dict[str, dict[str, list[str]]]:
        """Commit -> word -> the files in which it stood there."""
        words: dict[str, set[str]] = {}
        for question, _, some in missing:
            words.setdefault(question.base, set()).update(some)
        most = Counter({base: len(some) for base, some in words.items()}).most_common(_MOST_PAST_TREES)
        return {
            base: self._vocabulary.stood(self._history.tree(base), words[base], self._code.tree)
            for base, _ in most
        }

    def _home(self, question: Question, claim: Claim, places: Iterable[str]) -> str:
        """The file in which the repository defined the word, not only used it; empty when none did.

        What others define (a library's argument, another tool's flag) comes and goes in a repository's code
        and is no less true for that.
        """
        past = self._history.code(question.base, self._code.memory)
        for path in dict.fromkeys(places):
            if question.note.read_only and _SAMPLES.search(path):
                continue
            if definitions(_last(claim.name), (path,), past) and _owns(path, claim.name, past):
                return path
            literal = claim.kind == "word" and is_program(path)
            if literal and any(_is_literal(form, past.tree.read(path) or b"") for form in forms(claim)):
                return path
        return ""

    def _mention(self, claim: Claim, place: str, base: str) -> Mention:
        self._explained += 1
        reason = f"`{claim.name}` is no longer in the code"
        if self._explained > _MOST_EXPLAINED:
            return Mention(claim.text, claim.line, "broken", reason)
        went = self._went(claim, place, base) if claim.kind != "value" else ""
        if went:
            return Mention(claim.text, claim.line, "broken", f"`{claim.name}` is now `{went}`", went)
        return Mention(claim.text, claim.line, "broken", reason + self._commit(claim, place, base))

    def _went(self, claim: Claim, place: str, base: str) -> str:
        """The symbol that its definition is now; empty when there is none, or none is evident."""
        past = self._history.code(base, self._code.memory)
        if base not in self._befores:
            self._befores[base] = Before(past, self._history.renames(base))
        for path, name in definitions(_last(claim.name), (place,), past):
            anchor = Anchor(path, name)
            stamp = look(anchor, past, deep=False).stamp
            found = relocate(anchor, stamp, self._code, self._befores[base]) if stamp else None
            if found is not None:
                return str(found.anchor)
        return ""

    def _commit(self, claim: Claim, place: str, base: str) -> str:
        """Who took the word out of the file, in brackets; empty when that is not committed."""
        head = self._history.head
        for form in forms(claim):
            if form.encode() in (self._history.tree(head).read(place) or b""):
                return ""
            self._history.processes += 1
            out = self._history.git.run(
                "--literal-pathspecs", "log", "-1", "--no-color", "--encoding=UTF-8", f"-S{form}",
                "--format=%h%x00%an%x00%s", f"{base}..{head}", "--", place, check=False,
            ).decode("utf-8", "replace")  # fmt: skip
            if out.count("\0") == 2:
                identity, author, subject = out.strip().split("\0")
                return f" (removed in {identity} by {author}: “{subject}”)"
        return ""


def forms(claim: Claim) -> tuple[str, ...]:
    """The words by which code may name what a claim names: a flag ``--a-b`` (or ``-a-b``, in Go) may be
    ``a_b`` or ``aB``."""
    name = _last(claim.name)
    if not name.startswith("-"):
        return (name,)
    bare = name.lstrip("-")
    first, *rest = bare.split("-")
    camel = first + "".join(part[:1].upper() + part[1:] for part in rest)
    return tuple(dict.fromkeys((name, bare, bare.replace("-", "_"), camel)))


def _checkable(question: Question) -> Iterator[Claim]:
    if question.note.read_only and _OF_THE_PAST.search(question.note.path):
        return
    for claim in question.claims:
        is_word = claim.kind in ("symbol", "word", "value") and _SHAPE.search(claim.name) is not None
        if (
            is_word
            and _digest(claim.text) not in _known(question.known)
            and len(_last(claim.name).lstrip("-")) >= _SHORTEST
        ):
            yield claim


def _owns(path: str, name: str, code: Code) -> bool:
    """Does a file, or its name, say what stands before the last dot? Else the note means another one."""
    owner = _PARTS.split(name)[-2:-1]
    if name.startswith("-") or not owner:
        return True
    text = path.encode() + b" " + code.text(path)
    return re.search(rf"(?i)(?<![^\W_]){re.escape(owner[0])}(?![^\W_])".encode(), text) is not None


def words_stamp(mentions: Sequence[Mention]) -> Stamp:
    """What to record of words that have gone, for somebody who verifies the note all the same."""
    return Stamp(text="".join(sorted(_digest(mention.text) for mention in mentions)))


def _known(stamp: Stamp | None) -> frozenset[str]:
    text = stamp.text if stamp else ""
    return frozenset(text[at : at + 12] for at in range(0, len(text), 12))


def _digest(text: str) -> str:
    return fingerprint(text)[:12]


def _is_literal(word: str, text: bytes) -> bool:
    """Does a word stand in quotes, alone or beside other spellings of the same option?"""
    pattern = rf"""["'`](?:[\w-]+[ ,/|]+)*{re.escape(word)}(?:[ =,/|<\[][^"'`\n]*)?["'`]"""
    return re.search(pattern.encode(), text) is not None


def _last(name: str) -> str:
    return name if name.startswith("-") else _PARTS.split(name)[-1].lstrip("$")
