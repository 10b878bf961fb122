"""The real Gemini CLI against a scripted model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.agents.conftest import CODE, TITLE, WITH, WITHOUT, hanging_git
from tests.agents.node import run
from tests.agents.scripted import Requests, Say, Use, scripted_model, tool_names
from tests.repository import TempRepo

pytestmark = pytest.mark.npm_agents

BRIEFING = "What this repository remembers"
QUESTION = "how long does a token live?"


def ask(project: TempRepo, model: Requests, home: Path, path: str = WITH) -> str:
    """One question, asked by a person who trusts the folder; what the client says."""
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False}},
        "telemetry": {"enabled": False},
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"disableAutoUpdate": True, "disableUpdateNag": True},
    }
    (home / ".gemini").mkdir(exist_ok=True)
    (home / ".gemini/settings.json").write_text(json.dumps(settings))
    words = ("-m", "scripted", "--approval-mode", "yolo", "-p", QUESTION)
    key = {"GEMINI_API_KEY": "placeholder", "GOOGLE_GEMINI_BASE_URL": model.url}
    return run(home, project.root, "gemini", *words, path=path, **key).stdout


def test_the_briefing_and_the_tools_reach_the_first_turn(project: TempRepo, own_home: Path) -> None:
    script = [Use("agentctx_search", {"query": "signed tokens"}), Say("Fifteen minutes.")]
    with scripted_model(script) as model:
        assert "Fifteen minutes." in ask(project, model, own_home)
        first, *_, last = model.main()
    assert str(first["contents"]).count(BRIEFING) == 1 and TITLE in str(first["contents"])
    assert "mcp_agentctx_prime" in tool_names(first)
    assert "functionResponse" in str(last["contents"]) and "read_note" in str(last["contents"][-1])


def test_after_an_edit_the_model_hears_which_note_it_made_false_and_what_it_says(
    project: TempRepo, own_home: Path
) -> None:
    edit = {
        "file_path": "src/tokens.py", "instruction": "add a role",
        "old_string": "(user)", "new_string": "(user, role)",
    }  # fmt: skip
    with scripted_model([Use("replace", edit), Say("Done.")]) as model:
        ask(project, model, own_home)
        told = str(model.main()[-1]["contents"][-1])
    assert "You have just made the decision" in told and "We sign." in told
    (note,) = (project.root / "agent-context/sessions").glob("*.md")
    assert "src/tokens.py: +1 -1" in note.read_text()


def test_a_note_that_was_false_before_is_not_blamed_on_the_edit(project: TempRepo, own_home: Path) -> None:
    project.commit("Add a role", {"src/tokens.py": CODE.replace("(user)", "(user, role)")})
    edit = {"file_path": "src/tokens.py", "content": CODE.replace("(user)", "(user, role, team)")}
    with scripted_model([Use("write_file", edit), Say("Done.")]) as model:
        ask(project, model, own_home)
        told = str(model.main()[-1]["contents"][-1])
    assert "You have just made" not in told
    assert "We sign." in told and "stale" in told


@pytest.mark.parametrize("how", ["missing", "hanging"])
def test_an_agentctx_that_does_not_answer_ends_no_session(
    project: TempRepo, own_home: Path, tmp_path: Path, how: str
) -> None:
    path = WITHOUT if how == "missing" else hanging_git(tmp_path / "slow")
    with scripted_model() as model:
        assert "Understood." in ask(project, model, own_home, path)
        assert BRIEFING not in model.texts()
