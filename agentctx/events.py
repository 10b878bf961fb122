"""What happens on an agent's or git's event. Every answer is data for standard output."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agentctx.errors import NotARepository
from agentctx.git import Git
from agentctx.project import Project


def handle(name: str, client: str, event: Mapping[str, Any]) -> str:
    """The answer to one event; empty for an event or a place that is not ours."""
    handler = HANDLERS.get(name)
    return handler(client, event) if handler else ""


def _session_start(client: str, event: Mapping[str, Any]) -> str:
    """The briefing, when the folder has one; silent in a repository that never asked for agentctx."""
    from agentctx.integrations.dialects import session_start
    from agentctx.prime import prime

    start = str(event.get("cwd") or os.environ.get("CLAUDE_PROJECT_DIR") or "")
    try:
        with Project.open(Path(start) if start else None) as project:
            if not project.initialised:
                return ""
            return session_start(client, prime(project).text)
    except NotARepository:
        return ""


def _pre_commit(client: str, event: Mapping[str, Any]) -> str:
    """Stamp the notes that are part of the commit that is being made."""
    from agentctx.restamp import restamp_staged

    restamp_staged(Path.cwd(), os.environ.get("GIT_INDEX_FILE", ""))
    return ""


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
    "pre-commit": _pre_commit,
    **{name: _arrival(name) for name in ("post-merge", "post-commit", "post-rewrite", "post-checkout")},
}


def remember(name: str, failure: Exception) -> None:
    """Keep the last failure of a hook where ``status`` and ``doctor`` can tell it."""
    try:
        with Project.open() as project:
            project.state.set_failure(f"hook {name}: {failure}")
    except Exception:
        return
