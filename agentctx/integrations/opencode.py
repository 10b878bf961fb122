"""opencode: the MCP server in ``opencode.json``. Its hooks are programs in JavaScript, which a guest does
not put into a repository; the briefing is asked for by the instructions in ``AGENTS.md``. A file without
the address of its schema is given one by opencode at its first start, so ours has it."""

from __future__ import annotations

from agentctx.integrations.base import Client
from agentctx.integrations.jsonpart import Frame, JsonPart, Member

SERVER = {"type": "local", "command": ["agentctx", "mcp"], "enabled": True}

CLIENT = Client(
    name="opencode",
    title="opencode",
    parts=(
        JsonPart(
            "opencode.json",
            (
                Frame("$schema", "https://opencode.ai/config.json"),
                Member(("mcp",), "agentctx", SERVER, mark='"agentctx", "mcp"'),
            ),
        ),
    ),
    signs=("opencode.json", "opencode.jsonc", ".opencode"),
    commands=("opencode",),
)
