"""The real Claude Code, from its wheel, against a scripted model: does the briefing truly arrive?"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.agents.messages_server import Requests, scripted_messages
from tests.repository import TempRepo

pytestmark = pytest.mark.agents

TITLE = "Signed tokens instead of server sessions"


def client() -> Path:
    """The binary that the wheel of the agent SDK carries (``make test-agents`` installs it)."""
    found = find_spec("claude_agent_sdk")
    assert found is not None and found.origin, "run `make test-agents`: it installs the client's wheel"
    return Path(found.origin).parent / "_bundled" / "claude"


@pytest.fixture
def project(repo: TempRepo) -> TempRepo:
    repo.commit("code", {"src/tokens.py": "MAX_AGE = 900\n\n\ndef issue_token(user):\n    return user\n"})
    assert repo.agentctx("init").returncode == 0
    made = repo.agentctx(
        "new", "decision", TITLE, "--anchor", "src/tokens.py#issue_token", "--body", "We sign."
    )
    assert made.returncode == 0, made.stderr
    repo.commit("memory")
    return repo


def ask(
    project: TempRepo, model: Requests, home: Path, path: str, *args: str
) -> subprocess.CompletedProcess[str]:
    environment = {
        "HOME": str(home),
        "PATH": path,
        "TERM": "dumb",
        "LANG": "C.UTF-8",
        "ANTHROPIC_BASE_URL": model.url,
        "ANTHROPIC_API_KEY": "placeholder",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
    }
    return subprocess.run(
        [str(client()), "-p", "how long does a token live?", "--model", "scripted", *args],
        cwd=project.root,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


WITH = f"{Path(sys.executable).parent}{os.pathsep}/usr/local/bin:/usr/bin:/bin"
WITHOUT = "/usr/bin:/bin"


def test_the_briefing_is_in_the_request_that_reaches_the_model(project: TempRepo, own_home: Path) -> None:
    with scripted_messages() as model:
        done = ask(project, model, own_home, WITH)
        assert done.returncode == 0, done.stdout + done.stderr
        texts = model.texts()
    assert "What this repository remembers" in texts
    assert TITLE in texts


def test_a_stale_note_arrives_with_its_reason(project: TempRepo, own_home: Path) -> None:
    project.commit(
        "Add a role", {"src/tokens.py": "MAX_AGE = 900\n\n\ndef issue_token(user, role):\n    return user\n"}
    )
    with scripted_messages() as model:
        assert ask(project, model, own_home, WITH).returncode == 0
        texts = model.texts()
    assert 'state="stale"' in texts
    assert "issue_token" in texts and "role" in texts and "Ada" in texts


def test_after_compaction_the_briefing_comes_back(project: TempRepo, own_home: Path) -> None:
    with scripted_messages() as model:
        assert ask(project, model, own_home, WITH).returncode == 0
        before = len(model)
        ask(project, model, own_home, WITH, "--continue")
        assert TITLE in "\n".join(str(b) for b in model[before:])


def test_a_machine_without_agentctx_loses_nothing_but_the_briefing(project: TempRepo, own_home: Path) -> None:
    with scripted_messages() as model:
        done = ask(project, model, own_home, WITHOUT)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Understood." in done.stdout
        assert "What this repository remembers" not in model.texts()
