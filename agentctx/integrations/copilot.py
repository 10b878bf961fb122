"""GitHub Copilot (CLI, coding agent): hooks in ``.github/hooks/``, the MCP server in ``.mcp.json``.

In a trusted folder the CLI also runs the hooks of ``.claude/settings.json``. At the start of a session it
ignores their nested answer; around an edit it takes either, and each note is said once a session.
"""

from __future__ import annotations

from typing import Any

from agentctx.integrations.base import Client, hook_command
from agentctx.integrations.claude_code import MCP_PART
from agentctx.integrations.jsonpart import Element, Frame, JsonPart

NAME = "copilot"
EDITS = "edit|create|str_replace|apply_patch"


def _hook(event: str, timeout: int, matcher: str = "") -> dict[str, Any]:
    run = {"type": "command", "bash": hook_command(event, NAME), "timeoutSec": timeout}
    return {"matcher": matcher, **run} if matcher else run


HOOKS: dict[str, dict[str, Any]] = {
    "sessionStart": _hook("session-start", 10),
    "sessionEnd": _hook("session-end", 10),
    "preToolUse": _hook("pre-tool-use", 5, EDITS),
    "postToolUse": _hook("post-tool-use", 5, EDITS),
}

CLIENT = Client(
    name=NAME,
    title="GitHub Copilot",
    parts=(
        JsonPart(
            ".github/hooks/agentctx.json",
            (
                Frame("version", 1),
                *(Element(("hooks", event), hook) for event, hook in HOOKS.items()),
            ),
        ),
        MCP_PART,
    ),
    signs=(".github/copilot-instructions.md", ".github/hooks", ".github/instructions"),
    commands=("copilot",),
    trust="Copilot CLI runs hooks and MCP servers of trusted folders only: trust this one when it asks",
)
