"""Notes, their history and the present briefing as episodes, facts and working context; and the way out.

Ids are derived from content: exporting the same repository twice, from two clones or before and after a
commit is rebased, gives the same rows.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import TextIO

from agentctx.errors import NotWritable
from agentctx.flows.note_facts import facts_of_notes
from agentctx.memory import jsonl, to_stash
from agentctx.memory.batches import Rows
from agentctx.memory.canonical import instant, namespace_path
from agentctx.memory.dump import dump
from agentctx.memory.ids import derived
from agentctx.memory.load import load
from agentctx.memory.rows import DEFAULT_TENANT, Head
from agentctx.model import (
    Briefing,
    Commit,
    Episode,
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


def export_postgres_dsn(
    rows: Rows, dsn: str, progress: Progress | None = None, kept_away: Progress | None = None
) -> int:
    """Create or update the schema behind ``dsn`` and upsert the rows; the number of rows written.

    Raises ``MissingExtra`` without psycopg, ``Conflict`` when another agentctx made the schema.
    """
    return load(rows, dsn, progress, kept_away=kept_away)


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
        hint = "name a database that Stash was started on: it makes its tables there"
        run_script(connection, to_stash.statements(rows, now), hint)


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
