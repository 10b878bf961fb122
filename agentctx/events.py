"""What happens on an agent's or git's event. Every answer is data for standard output."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agentctx.errors import NotARepository
from agentctx.integrations.dialects import session_start
from agentctx.prime import prime
from agentctx.project import Project


def handle(name: str, client: str, event: Mapping[str, Any]) -> str:
    """The answer to one event; empty for an event or a place that is not ours."""
    handler = HANDLERS.get(name)
    return handler(client, event) if handler else ""


def _session_start(client: str, event: Mapping[str, Any]) -> str:
    """The briefing, when the folder has one; silent in a repository that never asked for agentctx."""
    start = str(event.get("cwd") or os.environ.get("CLAUDE_PROJECT_DIR") or "")
    try:
        with Project.open(Path(start) if start else None) as project:
            if not project.initialised:
                return ""
            return session_start(client, prime(project).text)
    except NotARepository:
        return ""


HANDLERS: dict[str, Callable[[str, Mapping[str, Any]], str]] = {"session-start": _session_start}


def remember(name: str, failure: Exception) -> None:
    """Keep the last failure of a hook where ``status`` and ``doctor`` can tell it."""
    try:
        with Project.open() as project:
            project.state.set_failure(f"hook {name}: {failure}")
    except Exception:
        return
