"""Gemini CLI: everything in ``.gemini/settings.json``. Times are in milliseconds there.

It reads ``AGENTS.md`` only where the team's ``context.fileName`` says so, which is not ours to set.
"""

from __future__ import annotations

from typing import Any

from agentctx.integrations.base import Client, hook_command
from agentctx.integrations.jsonpart import Element, JsonPart, Member

NAME = "gemini"


def _hook(event: str, matcher: str = "") -> dict[str, Any]:
    run = {"name": "agentctx", "type": "command", "command": hook_command(event, NAME), "timeout": 10_000}
    return {"matcher": matcher, "hooks": [run]} if matcher else {"hooks": [run]}


CLIENT = Client(
    name=NAME,
    title="Gemini CLI",
    parts=(
        JsonPart(
            ".gemini/settings.json",
            (
                Member(("mcpServers",), "agentctx", {"command": "agentctx", "args": ["mcp"]}, mark='["mcp"]'),
                Element(("hooks", "SessionStart"), _hook("session-start", "startup|resume|clear")),
                Element(("hooks", "SessionEnd"), _hook("session-end")),
            ),
        ),
    ),
    signs=(".gemini", "GEMINI.md"),
    commands=("gemini",),
    trust="Gemini CLI reads project settings in trusted folders only: answer its question with yes",
)
