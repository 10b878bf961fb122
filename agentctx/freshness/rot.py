"""Which claims of a note's text were true when it was verified or written, and are not true now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from agentctx.freshness.anchors import look
from agentctx.freshness.answers import answers_of
from agentctx.freshness.code import Code
from agentctx.freshness.history import History
from agentctx.freshness.mentions import (
    Claim,
    claims,
    definitions,
    files_of,
    is_true,
    place_of,
    unreadable,
    was_true,
)
from agentctx.freshness.relocation import Before, relocate
from agentctx.freshness.values import Values, is_stated
from agentctx.model import Anchor, Commit, Mention, Note, Stamp

_MOST_PAST_TREES = 40


@dataclass(frozen=True, slots=True)
class Lost:
    """A claim that is not true, and where its name still occurs is not known yet."""

    note: str
    claim: Claim
    files: tuple[str, ...]
    base: str
    """Commit in which it was true, or in which the note was vouched for although it was not."""
    was_true: bool = True


class Rot:
    """Checks the mentions of the notes of one tree."""

    def __init__(self, code: Code, history: History | None, context: str) -> None:
        self.code = code
        self.history = history
        self.context = context
        self.values = Values(code, history, context) if history else None
        self._bases: set[str] = set()
        self.unsettled: dict[str, list[Claim]] = {}
        """Note id -> what it says that its own files do not show to be true."""

    def lost(
        self,
        note: Note,
        base: Commit | None,
        recorded: Stamp | None = None,
        answered: Commit | None = None,
        wrote: Callable[[Claim], Commit | None] | None = None,
    ) -> tuple[list[Lost], set[str]]:
        """(claims that broke since ``base`` as far as the note's files tell, the files looked at).

        ``base`` None means the commit that is checked out. ``recorded`` says what was true when the note was
        verified, if nobody has changed its text since; then no old tree is read, unless that was ``answered``
        in a commit before ``base``. ``wrote`` tells when somebody wrote a statement, where that may be before
        he wrote the rest of the note.
        """
        said = claims(note)
        if not said:
            return [], set()
        files = files_of(note, said, self.code)
        untrue = [claim for claim in said if not is_true(claim, files, self.code)]
        self.unsettled[note.id] = untrue
        used = {*files, *(place_of(c, self.code) for c in said if c.kind == "path")} - {""}
        if not untrue or self.history is None:
            return [], used
        rev = base.id if base else self.history.head
        before = answers_of(recorded, [claim.text for claim in said])
        if before is not None:
            true_then = {claim for claim, answer in zip(said, before, strict=True) if answer}
            gone = self._gone_before(rev, answered, true_then.intersection(untrue), said, files)
            told = _told(untrue, true_then)
            found = self._placed(note, said, rev, [t for t in told if t[0] not in gone])
            if answered is not None and gone:
                found += self._placed(note, said, answered.id, [t for t in told if t[0] in gone])
            return found, used
        told_since: dict[str, list[Claim]] = {}
        for claim in untrue:
            since = wrote(claim) if wrote and is_stated(claim) else base
            told_since.setdefault(since.id if since else self.history.head, []).append(claim)
        return [one for rev, c in told_since.items() for one in self._since(note, said, rev, c)], used

    def _since(self, note: Note, said: Sequence[Claim], rev: str, untrue: Sequence[Claim]) -> list[Lost]:
        """What is to be told of claims that are not true now and were written in ``rev``."""
        assert self.history is not None
        if rev not in self._bases and len(self._bases) >= _MOST_PAST_TREES:
            return []
        files = files_of(note, said, self.code)
        if rev == self.history.head and not any(self.code.tree.key(f).startswith("w:") for f in files):
            kinds = ("path", "make", "script")  # the rest is about the same files, then as now
            untrue = [c for c in untrue if c.kind in kinds or is_stated(c)]
        self._bases.add(rev)
        true_then = self._true_in(rev, untrue, files, said)
        return self._placed(note, said, rev, _told(untrue, true_then))

    def _gone_before(
        self, rev: str, answered: Commit | None, held: Collection[Claim], said: Sequence[Claim],
        files: Sequence[str],
    ) -> set[Claim]:  # fmt: skip
        """What the record says was true and was not in ``rev``: it broke after the commit that answered."""
        if answered is None or answered.id == rev:
            return set()
        return set(held) - self._true_in(rev, held, files, said)

    def _true_in(
        self, rev: str, asked: Iterable[Claim], files: Sequence[str], said: Sequence[Claim]
    ) -> set[Claim]:
        """Which of the claims were true in a commit."""
        assert self.history is not None
        then = self.history.code(rev, self.code.memory)
        wider = [*files, *_missing(said, files)]
        return {c for c in asked if was_true(c, wider if c.kind == "value" else files, then)}

    def _placed(
        self, note: Note, said: Sequence[Claim], rev: str, told: Sequence[tuple[Claim, bool]]
    ) -> list[Lost]:
        if not told:
            return []
        above = lines_above(note, self.code)
        files = tuple(files_of(note, said, self.code))
        wider = (*files, *_missing(said, files))
        found = []
        for claim, held in told:
            about = wider if claim.kind == "value" else files
            found.append(Lost(note.id, replace(claim, line=claim.line + above), about, rev, held))
        return found

    def mentions(self, lost: Sequence[Lost]) -> dict[str, list[Mention]]:
        """Note id -> its broken mentions, with where each went. One search of the tree for all of them."""
        words = {_word(entry.claim) for entry in lost if entry.claim.kind in ("symbol", "word")}
        present = self._present(words)
        if self.values is not None:
            self.values.search((entry.claim, entry.files) for entry in lost if entry.claim.kind == "value")
        found: dict[str, list[Mention]] = {}
        for entry in lost:
            mention = self._mention(entry, present)
            if mention is not None:
                found.setdefault(entry.note, []).append(mention)
        return found

    def _mention(self, lost: Lost, present: Mapping[str, str]) -> Mention | None:
        claim = lost.claim
        if claim.kind == "path":
            return self._path(lost)
        if claim.kind == "value":
            assert self.values is not None
            judge = self.values.changed if lost.was_true else self.values.never
            return judge(claim, lost.files, lost.base)
        if claim.kind in ("make", "script"):
            where = "Makefile" if claim.kind == "make" else "package.json"
            return self._broken(claim, f"`{where}` has no `{claim.name}` any more")
        return self._symbol(lost, present)

    def _path(self, lost: Lost) -> Mention | None:
        assert self.history is not None
        claim = lost.claim
        place = place_of(claim, self.code)
        if place and (why := unreadable(place, self.code)):
            then = self.history.code(lost.base, self.code.memory)
            if not is_true(claim, (), then):
                return None  # it was hidden already
            return Mention(claim.text, claim.line, "unknown", f"{why}: `{claim.text}` cannot be checked")
        if place:
            return self._broken(claim, f"there is no `{claim.value}` in `{place}` any more")
        went = self.history.renames(lost.base).get(claim.name, "")
        reason = f"`{claim.name}` was renamed to `{went}`" if went else f"`{claim.name}` no longer exists"
        return self._broken(claim, reason, went)

    def _symbol(self, lost: Lost, present: Mapping[str, str]) -> Mention | None:
        assert self.history is not None
        claim = lost.claim
        then = self.history.code(lost.base, self.code.memory)
        defined = definitions(claim.name, lost.files, then)
        if not defined:
            return (
                None if _word(claim) in present else self._broken(claim, f"`{claim.name}` no longer occurs")
            )
        then.tree.paths()  # listed once, so that asking for one file is free
        before = Before(then, self.history.renames(lost.base))
        for path, name in defined:
            if why := unreadable(path, self.code):
                return Mention(claim.text, claim.line, "unknown", f"{why}: `{claim.text}` cannot be checked")
            stamp = look(Anchor(path, name), then, deep=False).stamp
            place = relocate(Anchor(path, name), stamp, self.code, before) if stamp else None
            if place is not None and _ends(place.anchor.symbol, claim.name):
                return None
            if place is not None:
                return self._broken(claim, f"`{claim.name}` is now `{place.anchor}`", str(place.anchor))
        if _word(claim) in present and not _is_qualified(claim.name):
            return None
        return self._broken(claim, f"`{claim.name}` is no longer defined in `{defined[0][0]}`")

    def _broken(self, claim: Claim, reason: str, now: str = "") -> Mention:
        return Mention(claim.text, claim.line, "broken", reason, now)

    def _present(self, words: set[str]) -> dict[str, str]:
        """Which of the words still occur anywhere but in prose, with one file for each."""
        if not words or self.history is None:
            return {}
        return self.history.occurrences(words, self.context)


def _told(untrue: Sequence[Claim], true_then: set[Claim]) -> list[tuple[Claim, bool]]:
    """What is to be said of claims that are not true now, with whether they were; other words stay words."""
    return [(c, c in true_then) for c in untrue if c in true_then or is_stated(c)]


def _missing(said: Sequence[Claim], files: Sequence[str]) -> list[str]:
    """Files that the text names and that are not there now; they may have been."""
    return [c.name for c in said if c.kind == "path" and c.name not in files]


def lines_above(note: Note, code: Code) -> int:
    """Lines of the file above the note's body: its front matter, or the sections before it."""
    text = (code.tree.read(note.path) or b"").decode("utf-8", "replace").replace("\r\n", "\n")
    return text.count("\n", 0, max(0, text.find(note.body)))


def _word(claim: Claim) -> str:
    return claim.name if claim.kind == "word" else claim.name.replace("::", ".").rpartition(".")[2]


def _is_qualified(name: str) -> bool:
    return "." in name or "::" in name


def _ends(symbol: str, name: str) -> bool:
    return symbol == name or symbol.endswith((f".{name}", f"::{name}"))
