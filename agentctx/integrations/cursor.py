"""Cursor: the MCP server in ``.cursor/mcp.json``, hooks in ``.cursor/hooks.json``, as documented."""

from __future__ import annotations

from agentctx.integrations.base import Client, hook_command
from agentctx.integrations.jsonpart import Element, Frame, JsonPart, Member

NAME = "cursor"
EVENTS = {"sessionStart": "session-start", "sessionEnd": "session-end"}

CLIENT = Client(
    name=NAME,
    title="Cursor",
    parts=(
        JsonPart(
            ".cursor/mcp.json",
            (Member(("mcpServers",), "agentctx", {"command": "agentctx", "args": ["mcp"]}, mark='["mcp"]'),),
        ),
        JsonPart(
            ".cursor/hooks.json",
            (
                Frame("version", 1),
                *(
                    Element(("hooks", event), {"command": hook_command(ours, NAME), "timeout": 10})
                    for event, ours in EVENTS.items()
                ),
            ),
        ),
    ),
    signs=(".cursor", ".cursorrules"),
    commands=("cursor", "cursor-agent"),
    trust="Cursor asks once whether to enable the MCP server agentctx (Settings, MCP)",
)
