"""The real Claude Code, from its wheel, against a scripted model: what truly reaches the model, and when."""

from __future__ import annotations

import json
import os
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.agents.conftest import CODE, TITLE, WITH, WITHOUT, hanging_git
from tests.agents.scripted import Requests, Say, Use, scripted_model, tool_names
from tests.repository import TempRepo

pytestmark = pytest.mark.agents

BRIEFING = "What this repository remembers"
PLUGIN = Path(__file__).parents[2] / "plugin"
QUESTION = "how long does a token live?"


def client() -> Path:
    """The binary that the wheel of the agent SDK carries (``make test-agents`` installs it)."""
    found = find_spec("claude_agent_sdk")
    assert found is not None and found.origin, "run `make test-agents`: it installs the client's wheel"
    return Path(found.origin).parent / "_bundled" / "claude"


def run(
    home: Path, folder: Path, url: str, *args: str, path: str = WITH, **more: str
) -> subprocess.CompletedProcess[str]:
    environment = {
        "HOME": str(home),
        "PATH": path,
        "TERM": "dumb",
        "LANG": "C.UTF-8",
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "placeholder",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "AGENTCTX_NO_WORKER": "1",
        **more,
    }
    return subprocess.run(
        [str(client()), *args],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def ask(
    project: TempRepo, model: Requests, home: Path, *args: str, path: str = WITH, **more: str
) -> subprocess.CompletedProcess[str]:
    done = run(home, project.root, model.url, "-p", QUESTION, "--model", "scripted", *args, path=path, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture
def trusting_home(project: TempRepo, own_home: Path) -> Path:
    """A home whose person has trusted the folder and approved its server, as the first dialogs ask."""
    entry = {"hasTrustDialogAccepted": True, "enabledMcpjsonServers": ["agentctx"]}
    data = {"hasCompletedOnboarding": True, "projects": {os.path.realpath(project.root): entry}}
    (own_home / ".claude.json").write_text(json.dumps(data))
    return own_home


def test_the_briefing_is_in_the_request_that_reaches_the_model(project: TempRepo, own_home: Path) -> None:
    with scripted_model() as model:
        ask(project, model, own_home)
        texts = "\n".join(str(body["messages"]) for body in model.main()[:1])
    assert texts.count(BRIEFING) == 1
    assert TITLE in texts


def test_a_stale_note_arrives_with_its_reason(project: TempRepo, own_home: Path) -> None:
    project.commit("Add a role", {"src/tokens.py": CODE.replace("(user)", "(user, role)")})
    with scripted_model() as model:
        ask(project, model, own_home)
        texts = model.texts()
    assert 'state="stale"' in texts
    assert "issue_token" in texts and "role" in texts and "Ada" in texts


def test_the_briefing_comes_again_on_resume_and_after_compaction(project: TempRepo, own_home: Path) -> None:
    with scripted_model() as model:
        ask(project, model, own_home)
        first = len(model)
        ask(project, model, own_home, "--continue")
        assert model[first:] and BRIEFING in str(model[first:])
        done = run(own_home, project.root, model.url, "-p", "--continue", "/compact", "--model", "scripted")
        assert done.returncode == 0, done.stdout + done.stderr
        second = len(model)
        ask(project, model, own_home, "--continue")
        last = model.main()[-1]
        assert len(model) > second
        assert BRIEFING in str(last["messages"]) and TITLE in str(last["messages"])


def test_the_tools_are_in_the_first_turn_and_answer(project: TempRepo, trusting_home: Path) -> None:
    script = [Use("mcp__agentctx__search", {"query": "signed tokens"}), Say("Fifteen minutes.")]
    with scripted_model(script) as model:
        ask(project, model, trusting_home, "--allowedTools", "mcp__agentctx__search")
        first, second = model.main()[:2]
    assert "mcp__agentctx__prime" in tool_names(first)
    answer = [b for m in second["messages"] for b in m["content"] if isinstance(b, dict)]
    results = [b for b in answer if b.get("type") == "tool_result"]
    assert TITLE in str(results) and '{"result"' not in str(results)


def test_the_tools_are_in_the_first_turn_in_twenty_of_twenty_starts(
    project: TempRepo, trusting_home: Path
) -> None:
    burners = [subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"]) for _ in range(os.cpu_count() or 2)]
    try:
        for _ in range(20):
            with scripted_model() as model:
                ask(project, model, trusting_home)
                assert "mcp__agentctx__prime" in tool_names(model.main()[0])
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def test_around_an_edit_the_model_hears_what_the_notes_say_and_which_it_made_false(
    project: TempRepo, trusting_home: Path
) -> None:
    path = str(project.root / "src/tokens.py")
    script = [
        Use("Read", {"file_path": path}),
        Use("Edit", {"file_path": path, "old_string": "(user)", "new_string": "(user, role)"}),
        Say("Done."),
    ]
    with scripted_model(script) as model:
        ask(project, model, trusting_home, "--allowedTools", "Read,Edit", "--permission-mode", "acceptEdits")
        texts = str(model.main()[-1]["messages"])
    assert "(user, role)" in (project.root / "src/tokens.py").read_text()
    assert "Notes about src/tokens.py" in texts and "We sign." in texts
    assert "You have just made the decision" in texts
    (note,) = (project.root / "agent-context/sessions").glob("*.md")
    assert "src/tokens.py: +1 -1" in note.read_text()


CODE_IN = {
    "go": (
        "pkg/tokens.go",
        "package pkg\n\nfunc IssueToken(user string) string {\n\treturn user\n}\n",
        "IssueToken",
        ("user string)", "user string, role string)"),
    ),
    "typescript": (
        "web/tokens.ts",
        "export class Tokens {\n  issue(user: string): string {\n    return user;\n  }\n}\n",
        "Tokens.issue",
        ("user: string)", "user: string, role: string)"),
    ),
}


@pytest.mark.parametrize("path, code, symbol, change", CODE_IN.values(), ids=CODE_IN.keys())
def test_an_edit_of_other_languages_and_a_file_written_anew_are_heard_too(
    project: TempRepo, trusting_home: Path, path: str, code: str, symbol: str, change: tuple[str, str]
) -> None:
    project.commit("more code", {path: code, "src/loose.py": "LOOSE = 1\n"})
    made = project.agentctx(
        "new", "gotcha", "Mind it", "--anchor", f"{path}#{symbol}", "--body", "Sign first."
    )
    assert made.returncode == 0, made.stderr
    project.commit("memory of it")
    whole = str(project.root / path)
    script = [
        Use("Read", {"file_path": whole}),
        Use("Write", {"file_path": whole, "content": code.replace(*change)}),
        Use("Write", {"file_path": str(project.root / "src/new.py"), "content": "NEW = 1\n"}),
        Say("Done."),
    ]
    with scripted_model(script) as model:
        ask(project, model, trusting_home, "--allowedTools", "Read,Write", "--permission-mode", "acceptEdits")
        texts = str(model.main()[-1]["messages"])
    assert f"Notes about {path}" in texts and "Sign first." in texts
    assert texts.count("You have just made the gotcha") == 1
    assert "Notes about src/new.py" not in texts


def test_a_machine_without_agentctx_loses_nothing_but_the_briefing(project: TempRepo, own_home: Path) -> None:
    with scripted_model() as model:
        done = ask(project, model, own_home, path=WITHOUT)
        assert "Understood." in done.stdout
        assert BRIEFING not in model.texts()


def test_a_store_that_hangs_delays_a_session_and_does_not_end_it(
    project: TempRepo, own_home: Path, tmp_path: Path
) -> None:
    started = time.monotonic()
    with scripted_model() as model:
        done = ask(project, model, own_home, path=hanging_git(tmp_path / "slow"))
        assert "Understood." in done.stdout
        assert BRIEFING not in model.texts()
    assert time.monotonic() - started < 60


def test_a_briefing_above_the_clients_limit_arrives_cut_by_us(project: TempRepo, own_home: Path) -> None:
    for number in range(30):
        title = f"規則 {number} トークンは署名する"
        project.write(
            f"agent-context/patterns/rule-{number}.md", f"---\ntitle: {title}\n---\n{'記憶は長い。' * 200}\n"
        )
    budget = {"AGENTCTX_PRIME_BUDGET_BYTES": "200000", "AGENTCTX_PRIME_BUDGET_TOKENS": "100000"}
    with scripted_model() as model:
        ask(project, model, own_home, **budget)
        texts = str(model.main()[0]["messages"])
    assert BRIEFING in texts and "規則" in texts and "記憶は長い" in texts
    assert "cut here: `agentctx prime`" in texts


def test_the_plugin_is_valid_and_beside_our_settings_briefs_once(
    project: TempRepo, trusting_home: Path
) -> None:
    with scripted_model() as model:
        for target in (PLUGIN, PLUGIN / ".claude-plugin/plugin.json"):
            done = run(trusting_home, project.root, model.url, "plugin", "validate", "--strict", str(target))
            assert done.returncode == 0, done.stdout + done.stderr
        for words in (("marketplace", "add", str(PLUGIN)), ("install", "agentctx@agentctx")):
            done = run(trusting_home, project.root, model.url, "plugin", *words)
            assert done.returncode == 0, done.stdout + done.stderr
        ask(project, model, trusting_home)
        assert str(model.main()[0]["messages"]).count(BRIEFING) == 1


def test_the_client_finds_our_files_in_order(project: TempRepo, trusting_home: Path) -> None:
    with scripted_model() as model:
        done = run(trusting_home, project.root, model.url, "mcp", "list")
    assert "agentctx" in done.stdout and "Connected" in done.stdout, done.stdout + done.stderr
