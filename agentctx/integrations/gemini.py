"""Gemini CLI: everything in ``.gemini/settings.json``. Times are in milliseconds there.

A matcher of a session's start or end would be one exact word, so there is none; one of a tool is a pattern.
Before an edit it takes no context: the hook there only looks, and the one after the edit says everything.
It reads ``AGENTS.md`` only where the team's ``context.fileName`` says so, which is not ours to set.
"""

from __future__ import annotations

from typing import Any

from agentctx.integrations.base import Client, hook_command
from agentctx.integrations.jsonpart import Element, JsonPart, Member

NAME = "gemini"


EDITS = "replace|write_file"


def _hook(event: str, timeout: int, matcher: str = "") -> dict[str, Any]:
    run = {"name": "agentctx", "type": "command", "command": hook_command(event, NAME), "timeout": timeout}
    return {"matcher": matcher, "hooks": [run]} if matcher else {"hooks": [run]}


CLIENT = Client(
    name=NAME,
    title="Gemini CLI",
    parts=(
        JsonPart(
            ".gemini/settings.json",
            (
                Member(("mcpServers",), "agentctx", {"command": "agentctx", "args": ["mcp"]}, mark='["mcp"]'),
                Element(("hooks", "SessionStart"), _hook("session-start", 10_000)),
                Element(("hooks", "SessionEnd"), _hook("session-end", 10_000)),
                Element(("hooks", "BeforeTool"), _hook("pre-tool-use", 5_000, EDITS)),
                Element(("hooks", "AfterTool"), _hook("post-tool-use", 5_000, EDITS)),
            ),
        ),
    ),
    signs=(".gemini", "GEMINI.md"),
    commands=("gemini",),
    trust="Gemini CLI reads project settings in trusted folders only: answer its question with yes",
)
