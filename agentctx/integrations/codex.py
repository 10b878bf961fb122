"""Codex: the MCP server in ``.codex/config.toml``, hooks in ``.codex/hooks.json``.

Codex skips hooks that the person has not trusted without a word, and reads the project's configuration
only in a trusted project; both are said to the person when we install.
"""

from __future__ import annotations

import tomllib
from typing import Any

from agentctx.integrations.base import Client, hook_command
from agentctx.integrations.blockpart import BlockPart
from agentctx.integrations.jsonpart import Element, JsonPart

NAME = "codex"
CONFIG = ".codex/config.toml"
HOOKS_FILE = ".codex/hooks.json"
BLOCK = """\
[mcp_servers.agentctx]
command = "agentctx"
args = ["mcp"]
startup_timeout_sec = 20
"""


def _hook(event: str, timeout: int, matcher: str = "") -> dict[str, Any]:
    run = {"type": "command", "command": hook_command(event, NAME), "timeout": timeout}
    return {"matcher": matcher, "hooks": [run]} if matcher else {"hooks": [run]}


HOOKS: dict[str, dict[str, Any]] = {
    "SessionStart": _hook("session-start", 10, "startup|resume|clear|compact"),
    # More than three seconds it cuts to three, and warns the person of it every time.
    "SessionEnd": _hook("session-end", 3),
    "PreToolUse": _hook("pre-tool-use", 5, "apply_patch|Edit|Write"),
    "PostToolUse": _hook("post-tool-use", 5, "apply_patch|Edit|Write"),
}


def _refuses(before: str, after: str) -> str:
    """Why the block must not be written: the file, or the file with it, would not be TOML."""
    try:
        tomllib.loads(before)
    except tomllib.TOMLDecodeError as error:
        return f"it is not TOML ({error}), so it stays untouched"
    try:
        tomllib.loads(after)
    except tomllib.TOMLDecodeError:
        return "it has an entry mcp_servers.agentctx of its own, which stays as it is"
    return ""


CLIENT = Client(
    name=NAME,
    title="Codex",
    parts=(
        BlockPart(CONFIG, BLOCK, "# agentctx:begin", "# agentctx:end", _refuses),
        JsonPart(HOOKS_FILE, tuple(Element(("hooks", event), hook) for event, hook in HOOKS.items())),
    ),
    signs=(".codex",),
    commands=("codex",),
    trust="Codex reads .codex/ in trusted projects only and skips untrusted hooks silently: "
    "start codex here once, trust the project, then type /hooks and trust the hooks of agentctx",
)
