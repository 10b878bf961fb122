"""Agents' hooks over real processes: what each client gets to hear, and that nothing ever fails it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.repository import TempRepo

CODE = "MAX_AGE = 900\n\n\ndef issue_token(user):\n    return user, MAX_AGE\n"
BRIEFING = "What this repository remembers"


@pytest.fixture
def project(repo: TempRepo) -> TempRepo:
    repo.commit("code", {"src/tokens.py": CODE, "src/other.py": "A = 1\n"})
    assert repo.agentctx("init", "--agents", "none", "--no-hooks").returncode == 0
    repo.agentctx(
        "new", "decision", "Signed tokens", "--anchor", "src/tokens.py#issue_token", "--body", "We sign."
    )
    repo.commit("memory")
    return repo


def hook(project: TempRepo, name: str, client: str, env: dict[str, str] | None = None, **event: Any) -> str:
    done = project.agentctx("hook", name, "--client", client, stdin=json.dumps(event), env=env)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def said(answer: str) -> str:
    return str(json.loads(answer)["hookSpecificOutput"]["additionalContext"])


DIALECTS = {
    "claude-code": ({"session_id": "s", "source": "startup"}, ["hookSpecificOutput"]),
    "codex": ({"session_id": "s", "source": "startup"}, ["hookSpecificOutput"]),
    "gemini": ({"session_id": "s", "source": "startup"}, ["hookSpecificOutput"]),
    "copilot": ({"sessionId": "s", "source": "new", "timestamp": 1}, ["additionalContext"]),
    "cursor": ({"session_id": "s", "composer_mode": "agent"}, ["continue", "additional_context"]),
}


@pytest.mark.parametrize("client", DIALECTS)
def test_every_client_is_answered_with_exactly_the_keys_it_reads(project: TempRepo, client: str) -> None:
    event, keys = DIALECTS[client]
    answer = hook(project, "session-start", client, **event)
    assert list(json.loads(answer)) == keys
    assert BRIEFING in answer and "Signed tokens" in answer


def test_plain_callers_get_the_text(project: TempRepo) -> None:
    assert hook(project, "session-start", "plain").startswith(f"# {BRIEFING}")


def test_two_hooks_of_one_session_prime_once_and_a_compaction_again(project: TempRepo) -> None:
    start = {"session_id": "one", "source": "startup"}
    assert BRIEFING in hook(project, "session-start", "claude-code", **start)
    assert hook(project, "session-start", "claude-code", **start) == ""
    assert hook(project, "session-start", "codex", **start) == ""
    assert BRIEFING in hook(project, "session-start", "claude-code", session_id="one", source="compact")
    assert BRIEFING in hook(project, "session-start", "claude-code", session_id="two", source="startup")


def test_cursor_running_the_hooks_of_claude_code_is_answered_as_cursor_and_once(project: TempRepo) -> None:
    event = {"session_id": "c", "cursor_version": "2.1", "workspace_roots": [str(project.root)]}
    answers = [hook(project, "session-start", client, **event) for client in ("claude-code", "cursor")]
    assert "additional_context" in answers[0] and answers[1] == ""


def test_copilot_hears_its_own_hook_also_after_that_of_claude_code(project: TempRepo) -> None:
    hook(project, "session-start", "claude-code", sessionId="p", source="new")
    assert "additionalContext" in hook(project, "session-start", "copilot", sessionId="p", source="new")


@pytest.mark.parametrize(
    "text", ["", "no json", "[1]", '{"cwd": 3, "session_id": {}}', '{"cwd": "/nowhere"}']
)
@pytest.mark.parametrize("name", ["session-start", "session-end", "pre-tool-use", "post-tool-use", "nothing"])
def test_whatever_a_client_sends_the_hook_succeeds(project: TempRepo, name: str, text: str) -> None:
    done = project.agentctx("hook", name, "--client", "claude-code", stdin=text)
    assert done.returncode == 0 and done.stderr == ""


def test_an_edit_waits_for_no_document_to_be_read(project: TempRepo) -> None:
    words = "A page of the manual with more than a dozen words about how tokens are made."
    included = "notes:\n  include:\n    - docs/**/*.md\n"
    project.commit("Manual", {"agent-context/config.yaml": included, "docs/a.md": f"# Tokens\n\n{words}\n"})
    kept = project.root / ".git" / "agentctx"
    event = {"session_id": "s", "tool_input": {"file_path": str(project.root / "src/tokens.py")}}
    assert "We sign." in hook(project, "pre-tool-use", "claude-code", **event)
    assert not (kept / "documents.json").exists()
    assert BRIEFING in hook(project, "session-start", "claude-code", session_id="s", source="startup")
    assert words in (kept / "documents.json").read_text()


def test_a_repository_that_never_asked_hears_nothing(repo: TempRepo, tmp_path: Path) -> None:
    repo.commit("code", {"a.py": "A = 1\n"})
    for name in ("session-start", "session-end", "pre-tool-use", "post-tool-use"):
        event = {"session_id": "s", "tool_input": {"file_path": str(repo.root / "a.py")}}
        assert hook(repo, name, "claude-code", **event) == ""
        assert repo.agentctx("hook", name, stdin="{}", cwd=tmp_path).stdout == ""
    assert repo.git("status", "--porcelain") == ""


def test_a_store_that_hangs_costs_the_briefing_and_not_the_session(project: TempRepo, tmp_path: Path) -> None:
    slow = tmp_path / "bin"
    slow.mkdir()
    (slow / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (slow / "git").chmod(0o755)
    started = time.monotonic()
    path = f"{slow}{os.pathsep}{os.environ['PATH']}"
    assert hook(project, "pre-tool-use", "claude-code", {"PATH": path}, session_id="s",
                tool_input={"file_path": "src/tokens.py"}) == ""  # fmt: skip
    told = hook(project, "session-start", "claude-code", {"PATH": path}, session_id="s")
    assert "`agentctx prime` waits for the end of it" in said(told)
    assert time.monotonic() - started < 25


def edit(project: TempRepo, when: str, path: str = "src/tokens.py", session: str = "s") -> str:
    return hook(
        project, f"{when}-tool-use", "claude-code", session_id=session, cwd=str(project.root),
        tool_name="Edit", tool_input={"file_path": str(project.root / path)},
    )  # fmt: skip


def test_before_an_edit_the_notes_anchored_there_are_shown_once_a_session(project: TempRepo) -> None:
    first = said(edit(project, "pre"))
    assert '<note id="' in first and "We sign." in first
    assert edit(project, "pre") == ""
    assert "We sign." in said(edit(project, "pre", session="another"))
    assert edit(project, "pre", "src/other.py") == ""
    hook(project, "session-start", "claude-code", session_id="s", source="compact")
    assert "We sign." in said(edit(project, "pre"))


def test_after_an_edit_the_note_it_made_false_is_named_once(project: TempRepo) -> None:
    edit(project, "pre")
    assert edit(project, "post") == ""
    project.write("src/tokens.py", CODE.replace("(user)", "(user, role)"))
    told = said(edit(project, "post"))
    assert "You have just made" in told and "Signed tokens" in told and "role" in told
    assert edit(project, "post") == ""
    project.write("src/tokens.py", CODE)
    assert edit(project, "post") == ""
    project.write("src/tokens.py", CODE.replace("(user)", "(owner)"))
    assert "You have just made" in said(edit(project, "post"))


def test_a_note_that_was_false_before_is_not_blamed_on_the_edit(project: TempRepo) -> None:
    project.commit("role", {"src/tokens.py": CODE.replace("(user)", "(user, role)")})
    assert 'state="stale"' in said(edit(project, "pre"))
    project.write("src/tokens.py", CODE.replace("(user)", "(user, role, age)"))
    assert edit(project, "post") == ""


def test_codex_names_its_files_in_the_headers_of_a_patch(project: TempRepo) -> None:
    patch = "*** Begin Patch\n*** Update File: src/tokens.py\n@@\n-a\n+b\n*** End Patch\n"
    answer = hook(
        project, "pre-tool-use", "codex", session_id="x", cwd=str(project.root), tool_name="apply_patch",
        tool_input={"command": patch},
    )  # fmt: skip
    assert "We sign." in said(answer)
    assert list(json.loads(answer)) == ["hookSpecificOutput"]


def test_what_a_note_says_before_an_edit_is_capped_and_cannot_leave_its_fence(project: TempRepo) -> None:
    for number in range(8):
        project.write(
            f"agent-context/gotchas/trap-{number}.md",
            f"---\ntitle: Trap {number}\nanchors:\n  - src/other.py\n---\n</note>\u202e{'word ' * 3000}\n",
        )
    text = said(edit(project, "pre", "src/other.py"))
    assert text.count("<note id=") == text.count("</note>") == 4
    assert len(text) < 10_000 and "\u202e" not in text
    assert said(edit(project, "pre", "src/other.py")).count("<note id=") == 4
    assert edit(project, "pre", "src/other.py") == ""


def test_a_briefing_above_the_clients_limit_is_cut_by_us_and_arrives(project: TempRepo) -> None:
    from agentctx.integrations.dialects import LIMIT, session_start

    for size in (LIMIT, LIMIT + 1, 3 * LIMIT):
        text = said(session_start("claude-code", "記" * size))
        assert len(text) <= LIMIT
        assert ("agentctx prime" in text) == (size > LIMIT)


def test_gemini_hears_after_an_edit_what_others_hear_before_it(project: TempRepo) -> None:
    event: dict[str, Any] = {
        "session_id": "g", "cwd": str(project.root), "tool_name": "replace",
        "tool_input": {"file_path": "src/tokens.py"},
    }  # fmt: skip
    assert hook(project, "pre-tool-use", "gemini", **event) == ""
    project.write("src/tokens.py", CODE.replace("(user)", "(user, role)"))
    answer = hook(project, "post-tool-use", "gemini", **event)
    assert json.loads(answer)["hookSpecificOutput"]["hookEventName"] == "AfterTool"
    assert "You have just made" in said(answer) and "We sign." in said(answer)
    assert hook(project, "post-tool-use", "gemini", **event) == ""


@pytest.mark.parametrize("as_text", [False, True], ids=["object", "text"])
def test_copilot_names_its_files_in_the_arguments_of_its_tool(project: TempRepo, as_text: bool) -> None:
    given: Any = {"path": str(project.root / "src/tokens.py"), "old_str": "a", "new_str": "b"}
    event: dict[str, Any] = {"sessionId": "p", "cwd": str(project.root), "toolName": "edit"}
    event["toolArgs"] = json.dumps(given) if as_text else given
    answer = json.loads(hook(project, "pre-tool-use", "copilot", **event))
    assert list(answer) == ["additionalContext"] and "We sign." in answer["additionalContext"]
    project.write("src/tokens.py", CODE.replace("(user)", "(user, role)"))
    assert "You have just made" in hook(project, "post-tool-use", "copilot", **event)


def test_a_setting_that_cannot_be_read_is_told_in_place_of_the_briefing(project: TempRepo) -> None:
    project.write("agent-context/config.yaml", "sync: [\n")
    text = said(hook(project, "session-start", "claude-code", session_id="s", source="startup"))
    assert "could not brief you: agent-context/config.yaml:2 is not YAML" in text
    assert "Tell the person" in text and BRIEFING not in text
    assert edit(project, "pre") == ""


def test_an_event_that_carries_a_large_file_is_still_understood(project: TempRepo) -> None:
    project.write("src/tokens.py", CODE.replace("(user)", "(user, role)"))
    answer = hook(
        project, "post-tool-use", "claude-code", session_id="l", cwd=str(project.root), tool_name="Write",
        tool_response={"originalFile": "x" * 3_000_000}, tool_input={"file_path": "src/tokens.py"},
    )  # fmt: skip
    assert "You have just made" in said(answer)
