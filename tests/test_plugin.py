"""The plugin registers what `agentctx init` registers, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

from agentctx import __version__
from agentctx.integrations.claude_code import HOOKS, SERVER

PLUGIN = Path(__file__).parents[1] / "plugin"


def read(name: str) -> dict[str, object]:
    data = json.loads((PLUGIN / name).read_text())
    assert isinstance(data, dict)
    return data


def test_its_hooks_and_server_are_those_of_init() -> None:
    assert read("hooks/hooks.json")["hooks"] == {event: [hook] for event, hook in HOOKS.items()}
    assert read(".mcp.json") == {"mcpServers": {"agentctx": SERVER}}


def test_its_version_is_ours() -> None:
    assert read(".claude-plugin/plugin.json")["version"] == __version__
