"""What a branch makes false that it did not mend itself: verdicts after it, held against those before it."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agentctx.freshness.score import state_of
from agentctx.model import Affected, Drift, Finding, Freshness, Mention, Note, Problem, Severity
from agentctx.proposals.repair import is_moved
from agentctx.text import slugify

_BADNESS = ("fresh", "unverified", "unknown", "moved", "suspect", "stale", "conflicted")
_FALSE = ("stale", "conflicted")
"""States worth telling when they are older than the branch."""
_ALIKE = 0.6
"""Share of common words from which a note under a new name is the old one."""
_COMPARED = 50
"""Notes gone and rewritten in one branch that are looked for under new names."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts how."""

    fail_on: tuple[str, ...] = ("stale",)
    """States of a note that are errors."""
    targeting: str = "warning"
    """``off``, ``warning`` or ``error``."""

    def severity(self, state: str) -> Severity:
        """How much a state weighs when the branch brought it about."""
        if state in self.fail_on or state in ("conflicted", "unreadable"):
            return "error"
        return "info" if state == "unverified" else "warning"


def badness(state: str) -> int:
    """A number that is higher for a worse state of a note."""
    return _BADNESS.index(state)


def of_note(note: Note, after: Freshness, before: Freshness | None, rules: Rules) -> Iterator[Finding]:
    """What is false of one note after the branch; what was no better before it is marked ``known``."""
    if note.status != "active":
        return
    was = _states(before) if before else {}
    for key, state, reason, settle, line in _claims(note, after):
        known = key in was and badness(state) <= badness(was[key])
        if known and state not in _FALSE:
            continue
        yield Finding(
            note=note.id,
            anchor=key,
            state=state,
            severity="info" if known else rules.severity(state),
            reason=reason,
            settle=settle,
            title=note.title,
            path=note.path,
            line=line,
            known=known,
        )


def renamed(before: Sequence[Note], after: Sequence[Note]) -> dict[str, str]:
    """Id after -> id before, of notes whose file got another name and whose text mostly stayed."""
    ids = {note.id for note in before}, {note.id for note in after}
    lost = {note.id: _words(note) for note in before if note.id not in ids[1] and not note.read_only}
    new = {note.id: _words(note) for note in after if note.id not in ids[0] and not note.read_only}
    found: dict[str, str] = {}
    by_text = {tuple(words): id for id, words in lost.items()}
    for id, words in new.items():
        if old := by_text.pop(tuple(words), ""):
            found[id] = old
    others = [id for id in lost if id not in found.values()][:_COMPARED]
    rest = [id for id in new if id not in found][:_COMPARED]
    pairs = [(_likeness(lost[old], new[id]), id, old) for id in rest for old in others]
    for likeness, id, old in sorted(pairs, reverse=True):
        if likeness >= _ALIKE and id not in found and old not in found.values():
            found[id] = old
    return found | _documents(before, after)


def _documents(before: Sequence[Note], after: Sequence[Note]) -> dict[str, str]:
    """Sections of documents whose file got another name: those of the very same text."""
    ids = {note.id for note in before}, {note.id for note in after}
    lost = {(n.title, n.body): n.id for n in before if n.id not in ids[1] and n.read_only}
    new = [n for n in after if n.id not in ids[0] and n.read_only] if lost else []
    return {n.id: lost[n.title, n.body] for n in new if (n.title, n.body) in lost}


def _words(note: Note) -> list[str]:
    return f"{note.title} {note.body}".split()


def _likeness(a: Sequence[str], b: Sequence[str]) -> float:
    """The share of their words that two texts have in common, 0..1."""
    one, other = Counter(a), Counter(b)
    return (one & other).total() / max(1, (one | other).total())


def of_problems(
    after: Sequence[Problem], before: Sequence[Problem], old: Collection[str] = ()
) -> list[Finding]:
    """Notes that could be read before the branch, or were not there, and cannot be read after it. ``old``:
    files that were there before it; of two notes with one id the other one is at fault."""
    was = {problem.path for problem in before if problem.severity == "error"}
    after = [_newer(problem, old) for problem in after]
    return [
        Finding(
            note=problem.path.rpartition("/")[2].removesuffix(".md"),
            anchor="",
            state="conflicted" if "conflict" in problem.code else "unreadable",
            severity="info" if problem.path in was else "error",
            reason=f"it cannot be read as a note: {problem.message}",
            settle=_settled(problem),
            path=problem.path,
            line=problem.line or 1,
            known=problem.path in was,
        )
        for problem in after
        if problem.severity == "error"
    ]


_TWIN = re.compile(r"(the id `.*` is also that of )(.+)")


def _newer(problem: Problem, old: Collection[str]) -> Problem:
    twin = _TWIN.fullmatch(problem.message) if problem.code == "duplicate-id" else None
    if twin is None or problem.path not in old or twin[2] in old:
        return problem
    return replace(problem, path=twin[2], message=twin[1] + problem.path)


def _settled(problem: Problem) -> str:
    """The command after which the file can be read."""
    folder, _, name = problem.path.rpartition("/")
    id = name.removesuffix(".md")
    if problem.code == "link":
        return problem.hint
    if problem.code == "bad-id":
        return _move(problem.path, f"{folder}/{slugify(id)}.md")
    if problem.code == "duplicate-id":
        return _move(problem.path, f"{folder}/{id}-2.md")
    return edit_command(problem.path, problem.line or 1)


def _move(path: str, to: str) -> str:
    return f"git mv {shlex.quote(path)} {shlex.quote(to)}"


def of_targeting(
    affected: Sequence[Affected], notes: Mapping[str, Note], told: Collection[str], rules: Rules
) -> list[Finding]:
    """Notes that the change probably concerns, though no anchor of theirs says so. ``told``: ids that
    have a finding, or that the branch edited or brought."""
    if rules.targeting == "off":
        return []
    return [
        Finding(
            note=one.id,
            anchor="",
            state="affected",
            severity="error" if rules.targeting == "error" else "warning",
            reason="the change probably concerns it: " + ("; ".join(one.reasons[:3]) or "by its words"),
            settle=edit_command(one.path),
            title=notes[one.id].title,
            path=one.path,
        )
        for one in affected
        if one.flag and one.id in notes and one.id not in told and notes[one.id].status == "active"
    ]


def in_order(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Errors first, what is older than the branch last."""
    weight = ("error", "warning", "info")
    return tuple(
        sorted(findings, key=lambda f: (f.known, weight.index(f.severity), f.path, f.line, f.anchor))
    )


def edit_command(path: str, line: int = 1) -> str:
    """The command that opens a note where it has to be changed."""
    at = f"+{line} " if line > 1 else ""
    return f'"${{EDITOR:-vi}}" {at}{shlex.quote(path)}'


Claim = tuple[str, str, str, str, int]
"""anchor or code span, state, reason, the command that settles it, line in the note's body (1: unknown)."""


def _claims(note: Note, freshness: Freshness) -> Iterator[Claim]:
    if freshness.state == "conflicted":
        yield "", "conflicted", "its text holds merge conflict markers", edit_command(note.path), 1
        return
    for drift in freshness.drifts:
        state = state_of([drift])
        if state != "fresh":
            yield str(drift.anchor), state, drift.reason or drift.state, settle_command(note, drift), 1
    for mention in freshness.mentions:
        yield mention.text, _mention_state(mention), mention.reason, edit_command(note.path), mention.line


def settle_command(note: Note, drift: Drift) -> str:
    """The command that settles a drift, after reading.

    Code that only moved is repaired by machine; code that is gone needs another text or anchor.
    """
    if note.read_only or drift.state in ("gone", "unknown"):
        return edit_command(note.path)
    if drift.anchor not in note.anchors:
        return edit_command(note.path)  # taken off by the branch: there is nothing to repair or to verify
    if is_moved(drift):
        also = f" && agentctx verify {shlex.quote(note.id)}" if state_of([drift]) != "moved" else ""
        return f"agentctx sync --no-model{also}"
    return edit_command(note.path) if drift.moved_to else f"agentctx verify {shlex.quote(note.id)}"


def _states(freshness: Freshness) -> dict[str, str]:
    """Anchor or code span -> state, of a verdict."""
    found = {str(drift.anchor): str(state_of([drift])) for drift in freshness.drifts}
    found |= {mention.text: _mention_state(mention) for mention in freshness.mentions}
    return found | {"": "conflicted" if freshness.state == "conflicted" else "fresh"}


def _mention_state(mention: Mention) -> str:
    return str(state_of([], [mention]))
