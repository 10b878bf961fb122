"""The real Codex, from its wheel, against a scripted model."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.agents.conftest import TITLE, WITH, WITHOUT, hanging_git
from tests.agents.scripted import Requests, Say, Use, scripted_model, tool_names
from tests.repository import TempRepo

pytestmark = pytest.mark.agents

BRIEFING = "What this repository remembers"


def client() -> Path:
    """The binary that its wheel carries (``make test-agents`` installs it)."""
    found = find_spec("codex_cli_bin")
    assert found is not None and found.origin, "run `make test-agents`: it installs the client's wheel"
    return Path(found.origin).parent / "bin" / "codex"


def configured(project: TempRepo, model: Requests, home: Path) -> None:
    """A person's own configuration: our scripted provider, and trust in the project."""
    config = home / ".codex/config.toml"
    config.parent.mkdir(exist_ok=True)
    config.write_text(
        f"""\
model = "scripted"
model_provider = "scripted"
check_for_update_on_startup = false
[model_providers.scripted]
name = "scripted"
base_url = "{model.url}/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
[projects."{project.root.resolve()}"]
trust_level = "trusted"
[features]
enable_request_compression = false
"""
    )


def ask(
    project: TempRepo, model: Requests, home: Path, *args: str, path: str = WITH
) -> subprocess.CompletedProcess[str]:
    configured(project, model, home)
    done = subprocess.run(
        [str(client()), "exec", *args, "how long does a token live?"],
        cwd=project.root,
        env={
            "HOME": str(home), "PATH": path, "TERM": "dumb", "LANG": "C.UTF-8",
            "OPENAI_API_KEY": "placeholder", "AGENTCTX_NO_WORKER": "1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done


TRUSTED = "--dangerously-bypass-hook-trust"


def test_the_briefing_and_the_tools_reach_the_first_turn(project: TempRepo, own_home: Path) -> None:
    script = [Use("/search", {"query": "signed tokens"}), Say("Fifteen minutes.")]
    with scripted_model(script) as model:
        ask(project, model, own_home, TRUSTED)
        first, second = model.main()[:2]
    assert BRIEFING in str(first["input"]) and TITLE in str(first["input"])
    assert "agentctx:begin" in str(first) or "Memory of this repository" in str(first)
    assert any(name.endswith("prime") for name in tool_names(first)), tool_names(first)
    outputs = [item for item in second["input"] if item.get("type") == "function_call_output"]
    assert TITLE in str(outputs)


def test_untrusted_hooks_cost_the_briefing_and_nothing_else(project: TempRepo, own_home: Path) -> None:
    with scripted_model() as model:
        ask(project, model, own_home)
        first = model.main()[0]
    assert BRIEFING not in str(first["input"])
    assert any(name.endswith("prime") for name in tool_names(first))


def test_a_machine_without_agentctx_still_works(project: TempRepo, own_home: Path) -> None:
    with scripted_model() as model:
        done = ask(project, model, own_home, TRUSTED, path=WITHOUT)
        assert "Understood." in done.stdout
        assert BRIEFING not in model.texts()


def test_a_store_that_hangs_delays_a_session_and_does_not_end_it(
    project: TempRepo, own_home: Path, tmp_path: Path
) -> None:
    with scripted_model() as model:
        done = ask(project, model, own_home, TRUSTED, path=hanging_git(tmp_path / "slow"))
        assert "Understood." in done.stdout


def test_around_a_patch_the_model_hears_what_the_notes_say_and_which_it_made_false(
    project: TempRepo, own_home: Path
) -> None:
    patch = (
        "*** Begin Patch\n*** Update File: src/tokens.py\n@@\n-def issue_token(user):\n"
        "+def issue_token(user, role):\n*** End Patch\n"
    )
    with scripted_model([Use("apply_patch", {"input": patch}), Say("Done.")]) as model:
        # Only a model that Codex knows is offered the tool.
        done = ask(project, model, own_home, TRUSTED, "--sandbox", "danger-full-access", "-m", "gpt-5.5")
        told = str(model.main()[-1]["input"])
    assert "(user, role)" in (project.root / "src/tokens.py").read_text()
    assert "Notes about src/tokens.py" in told and "We sign." in told
    assert "You have just made the decision" in told
    assert "clamping" not in done.stderr
    (note,) = (project.root / "agent-context/sessions").glob("*.md")
    assert "src/tokens.py: +1 -1" in note.read_text()
