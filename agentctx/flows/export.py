"""Notes, their history and the present briefing as episodes, facts and working context; and the way out.

Ids are derived from content: exporting the same repository twice, from two clones or before and after a
commit is rebased, gives the same rows.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from agentctx.errors import NotWritable
from agentctx.memory import jsonl, to_stash
from agentctx.memory.batches import NOTES, Rows
from agentctx.memory.canonical import instant, json_text, namespace_path, plain
from agentctx.memory.dump import dump
from agentctx.memory.ids import derived
from agentctx.memory.load import load
from agentctx.memory.rows import DEFAULT_TENANT, Head
from agentctx.model import (
    Briefing,
    Commit,
    Episode,
    Fact,
    Landing,
    Note,
    NoteHistory,
    NoteVersion,
    Query,
    WorkingContext,
)

__all__ = [
    "Rows",
    "context_of",
    "episodes_of_history",
    "export_jsonl",
    "export_postgres",
    "export_postgres_dsn",
    "export_stash",
    "export_stash_dsn",
    "facts_of_notes",
    "import_jsonl",
    "joined",
    "rows_of_repository",
]

Progress = Callable[[int], None]


def rows_of_repository(
    notes: Sequence[Note],
    history: NoteHistory,
    contexts: Sequence[WorkingContext],
    namespace: str,
    now: str,
    tenant: str = DEFAULT_TENANT,
) -> Rows:
    """Everything one repository has to export, ready for any of the ways out.

    ``namespace`` becomes a mirror: facts that an earlier export wrote there and that history no longer
    knows (a rewritten branch) are retracted.
    """
    facts = facts_of_notes(notes, history, namespace, now)
    return Rows(
        episodes=episodes_of_history(notes, history, namespace, now),
        facts=facts,
        contexts=contexts,
        tenant=tenant,
        mirror=namespace,
        mirror_at=now,
        mirror_holds=[fact.id for fact in facts if fact.status == "active"],
    )


def joined(notes: Rows, memory: Rows) -> Rows:
    """Both as one export of the tenant whose memory it is. Facts of the notes are heads of their keys as long
    as they are active.
    """
    facts = list(notes.facts)
    heads = [Head(f.namespace, f.entity, f.property, f.id) for f in facts if f.status == "active"]
    return replace(
        notes,
        episodes=chain(notes.episodes, memory.episodes),
        facts=chain(facts, memory.facts),
        contexts=chain(notes.contexts, memory.contexts),
        heads=[*heads, *(memory.heads or ())],
        removals=memory.removals,
        namespaces=memory.namespaces,
        erasures=memory.erasures,
        tenant=memory.tenant,
    )


# --------------------------------------------------------------------------- notes as facts


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


# --------------------------------------------------------------------------- history as episodes


def episodes_of_history(
    notes: Sequence[Note], history: NoteHistory, namespace: str, now: str
) -> list[Episode]:
    """Merges and commits that touched notes, and every version of every session note, oldest first.

    A session note that is not committed yet happened ``now``.
    """
    space = namespace_path(namespace)
    found = [_landed(landing, space) for landing in history.landings]
    sessions = [v for v in history.versions if v.note is not None and v.note.kind == "session"]
    known = {(v.id, v.note.digest) for v in sessions if v.note is not None}
    fresh = [n for n in notes if n.kind == "session" and (n.id, n.digest) not in known]
    sessions += [NoteVersion(n.id, Commit("", "", now, ""), n.path, "", n) for n in fresh]
    found += [_session(version, version.note, space) for version in sessions if version.note is not None]
    return sorted(found, key=lambda episode: (episode.occurred_at, episode.id))


def _landed(landing: Landing, namespace: str) -> Episode:
    commit = landing.commit
    return Episode(
        id=derived("landing", namespace, commit.id),
        namespace=namespace,
        kind="commit",
        content=landing.body or commit.subject,
        occurred_at=instant(commit.date),
        recorded_at=instant(commit.date),
        actor=commit.author,
        metadata={
            "merge": len(landing.parents) > 1,
            "parents": list(landing.parents),
            "notes": list(landing.notes),
        },
        git_commit=commit.id,
    )


def _session(version: NoteVersion, note: Note, namespace: str) -> Episode:
    return Episode(
        id=derived("session-note", namespace, note.id, note.digest),
        namespace=namespace,
        kind="note",
        content=f"{note.title}\n\n{note.body}" if note.title else note.body,
        occurred_at=instant(version.commit.date),
        recorded_at=instant(version.commit.date),
        actor=version.commit.author,
        session_id=note.id,
        metadata={"title": note.title, "tags": list(note.tags), "anchors": [str(a) for a in note.anchors]},
        git_commit=version.commit.id,
        git_path=version.path,
    )


# --------------------------------------------------------------------------- the present as working context


def context_of(briefing: Briefing, task: Query, namespace: str, now: str) -> list[WorkingContext]:
    """The briefing an agent would get and the task it is for, under the keys ``briefing`` and ``task``."""
    space, at = namespace_path(namespace), instant(now)
    return [
        WorkingContext(space, "briefing", asdict(briefing), 1, at),
        WorkingContext(space, "task", asdict(task), 1, at),
    ]


# --------------------------------------------------------------------------- ways out and in


def export_postgres(rows: Rows, out: Path | TextIO) -> None:
    """Plain SQL for ``psql``: loads into an empty database, and again without a change.

    A file appears whole or not at all. Raises ``NotWritable``.
    """
    with _opened(out) as stream:
        stream.writelines(dump(rows))


def export_postgres_dsn(rows: Rows, dsn: str, progress: Progress | None = None) -> int:
    """Create or update the schema behind ``dsn`` and upsert the rows; the number of rows written.

    Raises ``MissingExtra`` without psycopg, ``Conflict`` when another agentctx made the schema.
    """
    return load(rows, dsn, progress)


def export_jsonl(rows: Rows, out: Path | TextIO) -> None:
    """One JSON object a line, lossless. A file appears whole or not at all. Raises ``NotWritable``."""
    with _opened(out) as stream:
        stream.writelines(jsonl.lines(rows))


def export_stash(rows: Rows, out: Path | TextIO, now: str) -> None:
    """SQL for a database of Stash. A file appears whole or not at all. Raises ``NotWritable``."""
    with _opened(out) as stream:
        stream.writelines(to_stash.script(rows, now))


def export_stash_dsn(rows: Rows, dsn: str, now: str) -> None:
    """The same into the Stash behind ``dsn``, in one transaction. Raises ``AgentctxError``."""
    from agentctx.memory.connections import connect
    from agentctx.memory.postgres import run_script

    with connect(dsn) as connection:
        run_script(connection, to_stash.statements(rows, now), "start Stash on it once: it makes its tables")


def import_jsonl(source: Iterable[str], name: str = "standard input") -> Rows:
    """Rows out of JSON lines, all of them checked before the first is used. ``memory.lines.Lines``
    is a file that can be read twice.

    Raises ``InvalidInput`` with the number of the first line that is wrong.
    """
    return jsonl.parse(source, name)


@contextmanager
def _opened(out: Path | TextIO) -> Iterator[TextIO]:
    if not isinstance(out, Path):
        yield out
        return
    try:
        if out.exists() and not out.is_file():  # a pipe or a device is written to, never replaced
            with out.open("w", encoding="utf-8", newline="\n") as stream:
                yield stream
            return
        out = out.resolve()  # a link stays one
        handle, temporary = tempfile.mkstemp(prefix=f".{out.name}.", suffix=".tmp", dir=out.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).replace(out)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise NotWritable(
            f"{out} cannot be written: {error.strerror}", "name another place for it"
        ) from error
