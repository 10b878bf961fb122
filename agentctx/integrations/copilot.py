"""GitHub Copilot (CLI, coding agent): hooks in ``.github/hooks/``, the MCP server in ``.mcp.json``.

In a trusted folder the CLI also runs the hooks of ``.claude/settings.json``; it ignores what they answer,
since it reads the top-level key only, and the second answer for one session stays away.
"""

from __future__ import annotations

from agentctx.integrations.base import Client, hook_command
from agentctx.integrations.claude_code import MCP_PART
from agentctx.integrations.jsonpart import Element, Frame, JsonPart

NAME = "copilot"
EVENTS = {"sessionStart": "session-start", "sessionEnd": "session-end"}

CLIENT = Client(
    name=NAME,
    title="GitHub Copilot",
    parts=(
        JsonPart(
            ".github/hooks/agentctx.json",
            (
                Frame("version", 1),
                *(
                    Element(
                        ("hooks", event),
                        {"type": "command", "bash": hook_command(ours, NAME), "timeoutSec": 10},
                    )
                    for event, ours in EVENTS.items()
                ),
            ),
        ),
        MCP_PART,
    ),
    signs=(".github/copilot-instructions.md", ".github/hooks", ".github/instructions"),
    commands=("copilot",),
    trust="Copilot CLI runs hooks and MCP servers of trusted folders only: trust this one when it asks",
)
