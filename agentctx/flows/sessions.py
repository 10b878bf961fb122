"""What this clone remembers of one agent's session: where it began, what it was shown, what it wrote.

One small document a session in the clone's state, keyed by the client's session id. Losing it loses a
reminder or repeats one; it never loses a note.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from agentctx.errors import AgentctxError
from agentctx.files import locked
from agentctx.project import Project
from agentctx.state import StateDir, worktree_key

KEPT = 50
"""Sessions remembered; the oldest are forgotten."""
DIRTY_LIMIT = 500
"""Uncommitted files whose content is remembered at the start."""
LIFETIME = 24 * 3600.0
"""Seconds after which a session that never ended is taken to be over."""
REPEAT = 5.0
"""Seconds within which the same answer to the same session is a second hook's and not a second wish."""


@dataclass(slots=True)
class Session:
    """The memory of one session. ``begun`` is empty until somebody said that it began."""

    id: str
    begun: str = ""
    """The day and time it began, ISO 8601."""
    head: str = ""
    """The commit that was checked out then; empty in an unborn repository."""
    dirty: dict[str, str] = field(default_factory=dict)
    """path -> content id of what was uncommitted then."""
    answered: dict[str, float] = field(default_factory=dict)
    """What was answered (dialect and occasion) -> when, in seconds of the machine's clock."""
    shown: list[str] = field(default_factory=list)
    """Ids of notes shown before an edit."""
    states: dict[str, str] = field(default_factory=dict)
    """Note id -> what state it was last seen in around an edit."""
    note: str = ""
    """Path of its session note; empty before there is one."""
    digest: str = ""
    """SHA-256 of the session note as we wrote it."""
    told: dict[str, str] = field(default_factory=dict)
    """What the agent said for its session note, by part."""


def current(project: Project) -> str:
    """The session that works in this work tree now; where no client told, one a day."""
    key = worktree_key(project.git.git_dir, project.git.common_dir)
    told = project.state.read(f"sessions/current/{key}")
    if isinstance(told, dict) and isinstance(told.get("at"), (int, float)):
        id = told.get("id")
        if isinstance(id, str) and id and 0 <= time.time() - told["at"] < LIFETIME:
            return id
    return f"worktree:{key}:{project.today}"


def announce(project: Project, id: str) -> None:
    """Say which session works in this work tree; an empty id: none any more."""
    key = worktree_key(project.git.git_dir, project.git.common_dir)
    project.state.write(f"sessions/current/{key}", {"id": id, "at": time.time()})


def read(state: StateDir, id: str) -> Session:
    """What is remembered of a session; an empty one when it is new or its document is damaged."""
    data = state.read(_name(id))
    if not isinstance(data, dict) or data.get("id") != id:
        return Session(id)
    known = {f.name: type(getattr(Session(""), f.name)) for f in fields(Session)}
    given: dict[str, Any] = {k: v for k, v in data.items() if isinstance(v, known.get(k, ()))}
    return Session(**given)


@contextmanager
def opened(state: StateDir, id: str) -> Iterator[Session]:
    """A session to change; what is changed in the block is kept. Hooks of one session run side by side."""
    place = state.path("sessions/lock")
    if place is None:
        yield Session(id)
        return
    with locked(place, wait=2.0):
        session = read(state, id)
        before = asdict(session)
        yield session
        if asdict(session) != before:
            state.write(_name(id), asdict(session))
            _forget_old(state)


def begin(project: Project, id: str) -> None:
    """Remember where a session began. A resumed or compacted session keeps its first beginning."""
    with opened(project.state, id) as session:
        if session.begun:
            return
        session.begun = _now()
        session.head = project.tree.head
        session.dirty = dirty_files(project)


def restart(project: Project, id: str) -> None:
    """Forget where a session began, for a person who begins the next one under the same id."""
    with opened(project.state, id) as session:
        for f in fields(Session):
            if f.name != "id":
                setattr(session, f.name, getattr(Session(id), f.name))


def dirty_files(project: Project) -> dict[str, str]:
    """path -> content id of every uncommitted file outside the context folder."""
    own = f"{project.context}/"
    paths = [path for path in sorted(project.tree.status.entries) if not path.startswith(own)]
    return {path: project.tree.key(path) for path in paths[:DIRTY_LIMIT]}


def first_time(state: StateDir, id: str, what: str, now: float | None = None) -> bool:
    """Is this the first of several hooks that ask the same for one session within ``REPEAT`` seconds?

    When nothing can be remembered the answer is yes: a briefing twice is better than none.
    """
    if not id:
        return True
    moment = time.time() if now is None else now
    try:
        with opened(state, id) as session:
            again = 0 <= moment - session.answered.get(what, -REPEAT - 1) <= REPEAT
            session.answered[what] = moment
            return not again
    except AgentctxError:
        return True


def answered(state: StateDir, id: str, what: str) -> None:
    """The answer is given only now: a second hook that waited for this one is counted from here."""
    with opened(state, id) as session:
        session.answered[what] = time.time()


def forget_shown(state: StateDir, id: str) -> None:
    """After a compaction or ``/clear`` the model no longer knows what it was shown."""
    with opened(state, id) as session:
        session.shown = []
        session.states = {}


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds")


def _name(id: str) -> str:
    return f"sessions/{hashlib.sha256(id.encode('utf-8', 'surrogatepass')).hexdigest()[:20]}"


def _forget_old(state: StateDir) -> None:
    names = state.names("sessions")
    if len(names) <= KEPT:
        return
    documents: dict[str, Mapping[str, Any]] = {
        name: found for name in names if isinstance(found := state.read(f"sessions/{name}"), dict)
    }
    by_age = sorted(names, key=lambda name: max([0.0, *documents.get(name, {}).get("answered", {}).values()]))
    for name in by_age[: len(names) - KEPT]:
        state.delete(f"sessions/{name}.json")
