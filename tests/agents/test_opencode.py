"""The real opencode against a scripted model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.agents.conftest import TITLE, WITH, WITHOUT
from tests.agents.node import run
from tests.agents.scripted import Requests, Say, Use, scripted_model, tool_names
from tests.repository import TempRepo

pytestmark = pytest.mark.npm_agents


def ask(project: TempRepo, model: Requests, home: Path, path: str = WITH) -> str:
    """One question with a provider of one's own; what the client says."""
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "scripted",
        "options": {"baseURL": f"{model.url}/v1", "apiKey": "placeholder"},
        "models": {"scripted": {"name": "scripted", "limit": {"context": 200_000, "output": 8_000}}},
    }
    settings = {
        "autoupdate": False, "share": "disabled", "permission": {"*": "allow"},
        "model": "own/scripted", "small_model": "own/scripted", "provider": {"own": provider},
    }  # fmt: skip
    place = home / ".config/opencode"
    place.mkdir(parents=True, exist_ok=True)
    (place / "opencode.json").write_text(json.dumps(settings))
    return run(home, project.root, "opencode", "run", "how long does a token live?", path=path).stdout


def test_the_tools_and_the_word_to_call_prime_reach_the_first_turn(project: TempRepo, own_home: Path) -> None:
    script = [Use("agentctx_prime", {"task": "how long does a token live?"}), Say("Fifteen minutes.")]
    with scripted_model(script) as model:
        assert "Fifteen minutes." in ask(project, model, own_home)
        first, *_, last = [body for body in model.main() if "agentctx_prime" in tool_names(body)]
    assert "call the tool `prime`" in str(first["messages"])
    answers = [message for message in last["messages"] if message["role"] == "tool"]
    assert TITLE in str(answers) and "What this repository remembers" in str(answers)
    assert project.git("status", "--porcelain") == "", "the client leaves our file as it is"


def test_a_machine_without_agentctx_still_works(project: TempRepo, own_home: Path) -> None:
    with scripted_model() as model:
        assert "Understood." in ask(project, model, own_home, WITHOUT)
        assert not any("agentctx" in name for name in tool_names(model.main()[0]))
