"""What the notes claim and claimed, as facts in two clocks out of git history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agentctx.memory.batches import NOTES
from agentctx.memory.canonical import instant, json_text, namespace_path, plain
from agentctx.memory.ids import derived
from agentctx.model import Commit, Fact, Note, NoteHistory, NoteVersion


def facts_of_notes(notes: Sequence[Note], history: NoteHistory, namespace: str, now: str) -> list[Fact]:
    """What the notes claim and claimed: one fact for each title, status, body, section, tag list and anchor.

    ``valid_at`` is the date of the commit that asserted the value, ``invalid_at`` that of the commit that
    changed or removed it. The text and the anchors of a note that is no longer active hold no longer.
    What is not committed yet holds from ``now`` on. Session notes are episodes, not facts.
    """
    lines: dict[str, list[NoteVersion]] = {}
    for version in history.versions:
        lines.setdefault(version.id, []).append(version)
    for note in notes:
        line = lines.setdefault(note.id, [])
        last = line[-1].note if line else None
        same = last is not None and (last.digest == note.digest or replace(last, digest=note.digest) == note)
        if not same:
            line.append(NoteVersion(note.id, Commit("", "", now, ""), note.path, "", note))
    verified: dict[str, list[Commit]] = {}
    for ident, commit in history.verified:
        verified.setdefault(ident, []).append(commit)
    facts: list[Fact] = []
    for ident, line in lines.items():
        story = _Story(namespace_path(namespace), ident)
        for version in line:
            if version.note is None or version.note.kind != "session":
                story.tell(version)
        facts.extend(_verified(fact, verified.get(ident, ())) for fact in story.facts())
    return facts


@dataclass(frozen=True, slots=True)
class _Claim:
    value: Any
    statement: str
    holds: bool = True


def _claims(note: Note) -> dict[str, _Claim]:
    name = note.title or note.id
    active = note.status == "active"
    claims = {
        "title": _Claim(note.title, f"{note.id}: {note.title}"),
        "kind": _Claim(note.kind, f"{name} is a {note.kind}"),
        "status": _Claim(note.status, f"{name} is {note.status}"),
    }
    if note.extra.get("record_status"):
        said = note.extra["record_status"]
        claims["record_status"] = _Claim(said, f"{name} says of its status: {said}")
    if note.tags:
        claims["tags"] = _Claim(list(note.tags), f"{name} is tagged {', '.join(note.tags)}")
    if note.superseded_by:
        claims["superseded_by"] = _Claim(note.superseded_by, f"{name} is superseded by {note.superseded_by}")
    if note.body.strip():
        claims["body"] = _Claim(note.body, f"{name}\n{note.body}", active)
    for section in note.sections:
        if section.heading and section.text.strip():
            key = _unused(f"section:{section.heading}"[:200], claims)
            claims[key] = _Claim(section.text, f"{name}, {section.heading}\n{section.text}", active)
    for anchor in note.anchors:
        where = {"path": anchor.path, "symbol": anchor.symbol}
        claims[f"anchor:{anchor}"] = _Claim(where, f"{name} is about {anchor}", active)
    return claims


def _unused(key: str, taken: dict[str, _Claim]) -> str:
    names = [key, *(f"{key} ({number})" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


@dataclass(slots=True)
class _Story:
    """The versions of one note, told oldest first, as facts."""

    namespace: str
    entity: str
    at: str = ""
    """Time never runs backwards along the mainline, whatever the clocks of its authors said."""
    before: dict[str, _Claim] = field(default_factory=dict)
    live: dict[str, Fact] = field(default_factory=dict)
    over: list[Fact] = field(default_factory=list)
    times: Counter[tuple[str, str]] = field(default_factory=Counter)

    def tell(self, version: NoteVersion) -> None:
        """Take the next version in: close what it changed, open what it asserts."""
        self.at = max(self.at, instant(version.commit.date))
        claims = _claims(version.note) if version.note else {}
        for name in [n for n in self.live if not _same(claims.get(n), self.before[n])]:
            self._close(name, self.live.pop(name), claims.get(name), version)
        for name, claim in claims.items():
            old = self.before.get(name)
            changed = old is None or old.value != claim.value
            if changed or (claim.holds and not old.holds):  # type: ignore[union-attr]
                self._open(name, claim, version)
        self.before = claims

    def facts(self) -> Iterator[Fact]:
        """Closed facts in the order of their end, then the live ones."""
        yield from self.over
        yield from self.live.values()

    def _open(self, name: str, claim: _Claim, version: NoteVersion) -> None:
        ident = self._next_id(name, claim, self.times)
        commit = version.commit
        sources = (("commit", commit.id),) if commit.id else ()
        metadata = {"author": commit.author} if commit.id else {"committed": False}
        fact = Fact(
            id=ident,
            namespace=self.namespace,
            entity=self.entity,
            property=plain(name),
            value=claim.value,
            statement=claim.statement,
            valid_at=self.at,
            recorded_at=self.at,
            origin="git",
            extractor=NOTES,
            git_commit=commit.id,
            git_path=version.path,
            git_blob=version.blob,
            sources=(*sources, ("note", version.path)),
            metadata={**metadata, "boundary": True} if version.boundary else metadata,
        )
        if claim.holds:
            self.live[name] = fact
        else:
            self.over.append(replace(fact, status="superseded", invalid_at=self.at, retired_at=self.at))

    def _close(self, name: str, fact: Fact, claim: _Claim | None, version: NoteVersion) -> None:
        follows = claim is not None and claim.value != self.before[name].value
        self.over.append(
            replace(
                fact,
                status="retracted" if claim is None else "superseded",
                invalid_at=self.at,
                retired_at=self.at,
                superseded_by=self._next_id(name, claim, self.times.copy()) if claim and follows else "",
            )
        )

    def _next_id(self, name: str, claim: _Claim, times: Counter[tuple[str, str]]) -> str:
        text = json_text(claim.value)
        times[name, text] += 1
        return derived("fact", self.namespace, self.entity, name, text, str(times[name, text]))


def _same(new: _Claim | None, old: _Claim) -> bool:
    return new is not None and new.holds and new.value == old.value


def _verified(fact: Fact, commits: Iterable[Commit]) -> Fact:
    """``fact`` with the newest verification that was made while it held."""
    held = [
        commit
        for commit in commits
        if instant(commit.date) >= fact.valid_at
        and (not fact.invalid_at or instant(commit.date) < fact.invalid_at)
    ]
    return replace(fact, verified_at=instant(held[-1].date), verified_commit=held[-1].id) if held else fact
