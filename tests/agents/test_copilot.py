"""The real GitHub Copilot CLI with a provider of one's own, against a scripted model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.conftest import TITLE, WITH, WITHOUT, hanging_git
from tests.agents.node import run
from tests.agents.scripted import Requests, Say, Use, scripted_model, tool_names
from tests.repository import TempRepo

pytestmark = pytest.mark.npm_agents

BRIEFING = "What this repository remembers"


def ask(project: TempRepo, model: Requests, home: Path, path: str = WITH) -> str:
    """One question, asked by a person who trusts the folder; what the client says."""
    provider = {
        "COPILOT_PROVIDER_BASE_URL": f"{model.url}/v1", "COPILOT_MODEL": "scripted",
        "COPILOT_PROVIDER_API_KEY": "placeholder",
    }  # fmt: skip
    words = ("-p", "how long does a token live?", "--allow-all-tools", "--trust-folder")
    return run(home, project.root, "copilot", *words, path=path, **provider).stdout


def test_the_briefing_and_the_tools_reach_the_first_turn_though_two_clients_hooks_run(
    project: TempRepo, own_home: Path
) -> None:
    script = [Use("agentctx-search", {"query": "signed tokens"}), Say("Fifteen minutes.")]
    with scripted_model(script) as model:
        assert "Fifteen minutes." in ask(project, model, own_home)
        first, *_, last = model.main()
    assert (project.root / ".claude/settings.json").exists()
    assert str(first["messages"]).count(BRIEFING) == 1 and TITLE in str(first["messages"])
    assert "Memory of this repository" in str(first["messages"])
    assert "agentctx-prime" in tool_names(first)
    answers = [message for message in last["messages"] if message["role"] == "tool"]
    assert TITLE in str(answers)


@pytest.mark.parametrize("beside", ["alone", "with_the_hooks_of_claude_code"])
def test_around_an_edit_the_model_hears_each_thing_once(
    project: TempRepo, own_home: Path, beside: str
) -> None:
    if beside == "alone":
        (project.root / ".claude/settings.json").unlink()
        project.commit("copilot alone")
    edit = {"path": str(project.root / "src/tokens.py"), "old_str": "(user)", "new_str": "(user, role)"}
    with scripted_model([Use("edit", edit), Say("Done.")]) as model:
        ask(project, model, own_home)
        messages = str(model.main()[-1]["messages"])
    assert messages.count("Notes about src/tokens.py") == 1
    assert messages.count("You have just made the decision") == 1
    (note,) = (project.root / "agent-context/sessions").glob("*.md")
    assert "src/tokens.py: +1 -1" in note.read_text()


@pytest.mark.parametrize("how", ["missing", "hanging"])
def test_an_agentctx_that_does_not_answer_ends_no_session(
    project: TempRepo, own_home: Path, tmp_path: Path, how: str
) -> None:
    path = WITHOUT if how == "missing" else hanging_git(tmp_path / "slow")
    with scripted_model() as model:
        assert "Understood." in ask(project, model, own_home, path)
        assert BRIEFING not in model.texts()
