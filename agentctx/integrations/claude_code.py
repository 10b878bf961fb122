"""Claude Code: hooks in ``.claude/settings.json``, the MCP server in ``.mcp.json``.

SessionStart fires again after a compaction (source ``compact``), so no other hook is needed for that. Its
output is dropped whole when the hook fails or is late, hence generous times and a command that cannot fail.
Without ``alwaysLoad`` the tools would wait behind a tool search and not be in the first turn.
"""

from __future__ import annotations

from typing import Any

from agentctx.integrations.base import Client, hook_command
from agentctx.integrations.jsonpart import Element, JsonPart, Member

SETTINGS = ".claude/settings.json"
MCP = ".mcp.json"
NAME = "claude-code"
EDITS = "Edit|MultiEdit|Write|NotebookEdit"


def _hook(event: str, timeout: int, matcher: str = "") -> dict[str, Any]:
    run = {"type": "command", "command": hook_command(event, NAME), "timeout": timeout}
    return {"matcher": matcher, "hooks": [run]} if matcher else {"hooks": [run]}


HOOKS: dict[str, dict[str, Any]] = {
    "SessionStart": _hook("session-start", 10, "startup|resume|clear|compact"),
    # Without a timeout of its own this hook is killed between one and two seconds.
    "SessionEnd": _hook("session-end", 10),
    "PreToolUse": _hook("pre-tool-use", 5, EDITS),
    "PostToolUse": _hook("post-tool-use", 5, EDITS),
}
SERVER: dict[str, Any] = {"type": "stdio", "command": "agentctx", "args": ["mcp"], "alwaysLoad": True}

SETTINGS_PART = JsonPart(SETTINGS, tuple(Element(("hooks", event), hook) for event, hook in HOOKS.items()))
MCP_PART = JsonPart(MCP, (Member(("mcpServers",), "agentctx", SERVER, mark='["mcp"]'),))

CLIENT = Client(
    name=NAME,
    title="Claude Code",
    parts=(SETTINGS_PART, MCP_PART),
    signs=(".claude", "CLAUDE.md"),
    commands=("claude",),
    trust="Claude Code asks once whether to start the server of .mcp.json: say yes",
)
