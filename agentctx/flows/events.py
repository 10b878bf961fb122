"""What happens on an agent's or git's event. Every answer is data for standard output."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agentctx.errors import InvalidInput, NotARepository
from agentctx.git import Git
from agentctx.integrations import dialects
from agentctx.integrations.dialects import Event
from agentctx.project import Project

FORGETFUL = ("compact", "clear")
"""Sources of a session start after which the model no longer knows what it was shown."""


ARGUMENTS = "arguments"
"""Key of an event: what git gave its hook."""


def handle(name: str, client: str, event: Mapping[str, Any]) -> str:
    """The answer to one event; empty for an event or a place that is not ours."""
    handler = HANDLERS.get(name)
    return handler(client, event) if handler else ""


@contextmanager
def _project(event: Event) -> Iterator[Project | None]:
    """The repository an agent works in; None where nobody asked for agentctx."""
    start = event.folder or os.environ.get("CLAUDE_PROJECT_DIR") or ""
    try:
        opened = Project.open(Path(start) if start else None)
    except NotARepository:
        yield None
        return
    with opened as project:
        yield project if project.initialised else None


def _session_start(client: str, data: Mapping[str, Any]) -> str:
    """The briefing, once for each time the session begins, however many hooks ask for it."""
    from agentctx.flows import sessions
    from agentctx.flows.prime import prime

    event = dialects.heard(client, data)
    with _project(event) as project:
        if project is None:
            return ""
        occasion = f"{dialects.family(event.client)} start {event.source}"
        if not sessions.first_time(project.state, event.session, occasion):
            return ""
        try:
            text = prime(project).text
        except InvalidInput as wrong:  # a setting, say: nobody would notice that the briefing stays away
            project.state.set_failure(f"hook session-start: {wrong}")
            text = _unbriefed(wrong)
        if event.session:
            _begin(project, event, occasion)
        return dialects.session_start(event.client, text)


def _unbriefed(wrong: InvalidInput) -> str:
    return (
        f"agentctx could not brief you: {wrong.message}.\nTo mend it: {wrong.hint or 'agentctx doctor'}. "
        "Tell the person you work for; the session goes on without the memory of this repository.\n"
    )


def _begin(project: Project, event: Event, occasion: str) -> None:
    """Remember where the session began. That this fails must not cost the briefing."""
    from agentctx.flows import sessions

    try:
        if event.source in FORGETFUL:
            sessions.forget_shown(project.state, event.session)
        sessions.begin(project, event.session)
        sessions.announce(project, event.session)
        sessions.answered(project.state, event.session, occasion)
    except Exception as failure:
        project.state.set_failure(f"hook session-start: {failure}")


def _session_end(client: str, data: Mapping[str, Any]) -> str:
    """The session's note, out of git alone, when the session changed anything."""
    from agentctx.flows import handover, sessions

    event = dialects.heard(client, data)
    with _project(event) as project:
        if project is None or not event.session:
            return ""
        if sessions.read(project.state, event.session).begun:
            handover.end(project, event.session, handover.Told())
        if sessions.current(project) == event.session:
            sessions.announce(project, "")
    return ""


def _pre_tool_use(client: str, data: Mapping[str, Any]) -> str:
    """What the notes say about a file that is about to be edited."""
    from agentctx.flows import edits

    event = dialects.heard(client, data)
    text = _about_edit(event, edits.before if dialects.hears_before(event.client) else edits.look)
    return dialects.before_edit(event.client, text) if text else ""


def _post_tool_use(client: str, data: Mapping[str, Any]) -> str:
    """Which notes an edit has just made false."""
    from agentctx.flows import edits

    event = dialects.heard(client, data)
    text = _about_edit(event, edits.after if dialects.hears_before(event.client) else edits.told_late)
    return dialects.after_edit(event.client, text) if text else ""


def _about_edit(event: Event, ask: Callable[[Project, str, tuple[str, ...]], str]) -> str:
    from agentctx.flows import edits, sessions

    if not event.paths:
        return ""
    with _project(event) as project:
        if project is None:
            return ""
        given = (edits.repository_path(project, path, event.folder) for path in event.paths)
        paths = tuple(path for path in given if path)
        return ask(project, event.session or sessions.current(project), paths) if paths else ""


def _pre_commit(client: str, event: Mapping[str, Any]) -> str:
    """Stamp the notes of the commit that is being made, and keep where accepted words in it came from."""
    from agentctx.flows.pre_commit import prepare

    prepare(Path.cwd())
    return ""


def _message(melting: bool) -> Handler:
    """What is called with the file of a commit's message."""

    def handler(client: str, event: Mapping[str, Any]) -> str:
        from agentctx.flows.attribution import add_trailers

        message = next(iter(event.get(ARGUMENTS, ())), "")
        if message:
            with Git.open(Path.cwd(), os.environ.get("GIT_INDEX_FILE", "")) as git:
                add_trailers(git, Path(message), melting)
        return ""

    return handler


def _arrival(hook: str) -> Handler:
    """What a hook manager calls in place of our own shim."""

    def handler(client: str, event: Mapping[str, Any]) -> str:
        from agentctx.catchup import note_arrival
        from agentctx.state import StateDir

        with Git.open(Path.cwd()) as git:
            note_arrival(git, StateDir.open(git.common_dir), hook)
        return ""

    return handler


Handler = Callable[[str, Mapping[str, Any]], str]
HANDLERS: dict[str, Handler] = {
    "session-start": _session_start,
    "session-end": _session_end,
    "pre-tool-use": _pre_tool_use,
    "post-tool-use": _post_tool_use,
    "pre-commit": _pre_commit,
    "prepare-commit-msg": _message(melting=True),
    "commit-msg": _message(melting=False),
    **{name: _arrival(name) for name in ("post-merge", "post-commit", "post-rewrite", "post-checkout")},
}
SECONDS = {"session-start": 8.0, "session-end": 8.0, "pre-tool-use": 4.0, "post-tool-use": 4.0}
"""How long an agent's hook may take: below what we ask its client to wait."""


def too_late(name: str, client: str) -> str:
    """What an agent hears when its briefing takes too long, as the first of a large repository may.

    What could not be read in time is read in the background, for the next one.
    """
    if name != "session-start":
        return ""
    from agentctx.catchup import start_worker

    start_worker(Path(os.environ.get("CLAUDE_PROJECT_DIR") or Path.cwd()))
    return dialects.session_start(
        client,
        "agentctx had no time to brief you: it reads this repository's notes for the first time, or the "
        "machine is busy. It goes on reading in the background. `agentctx prime` waits for the end of it and "
        "prints the briefing.\n",
    )
