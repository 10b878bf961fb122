"""The first minute: init finds out what it can, touches only what is missing, and can be repeated."""

from __future__ import annotations

import json

import pytest

from tests.repository import TempRepo


def tree(repo: TempRepo) -> dict[str, bytes]:
    return {
        str(p.relative_to(repo.root)): p.read_bytes()
        for p in repo.root.rglob("*")
        if p.is_file() and "agentctx" not in p.parts and p.name != "index"
    }


def test_a_second_init_changes_no_byte(repo: TempRepo) -> None:
    repo.commit("code", {"a.py": "A = 1\n"})
    assert repo.agentctx("init").returncode == 0
    first = tree(repo)
    again = repo.agentctx("init")
    assert again.returncode == 0
    assert "created" not in again.stdout
    assert tree(repo) == first


def test_a_dry_run_says_the_same_and_writes_nothing(repo: TempRepo) -> None:
    repo.commit("code", {"a.py": "A = 1\n"})
    before = tree(repo)
    told = repo.agentctx("init", "--dry-run").stdout
    assert tree(repo) == before
    assert not (repo.root / "agent-context").exists()
    assert repo.agentctx("init").stdout == told


def test_existing_documents_are_notes_from_the_first_minute(repo: TempRepo) -> None:
    words = "The queue is drained by one worker, because two of them once paid every refund twice. "
    repo.commit(
        "docs",
        {
            "docs/adr/0001-one-worker.md": (
                f"# 1. One worker\n\n## Status\n\nAccepted\n\n## Decision\n\n{words}\n"
            ),
            "docs/guide.md": f"# Guide\n\n## Queue\n\n{words * 2}\n",
            "AGENTS.md": f"# For agents\n\n## Payments\n\n{words * 2}\n",
            "src/queue.py": "def drain():\n    return 1\n",
        },
    )
    done = repo.agentctx("init")
    assert "existing documents found" in done.stdout
    briefing = json.loads(repo.agentctx("prime", "--json", "--task", "drain the queue").stdout)
    paths = {item["path"] for item in briefing["items"]}
    assert {"docs/adr/0001-one-worker.md", "docs/guide.md", "AGENTS.md"} <= paths
    refused = repo.agentctx("verify", briefing["items"][0]["id"])
    assert refused.returncode == 2 and "only reads" in refused.stderr


COMMENTED = '{\n  // ours\n  "model": "opus",\n}\n'


def test_settings_with_comments_stay_untouched_and_the_lines_to_add_are_shown(repo: TempRepo) -> None:
    repo.commit("settings", {".claude/settings.json": COMMENTED})
    done = repo.agentctx("init")
    assert done.returncode == 0
    assert (repo.root / ".claude/settings.json").read_text() == COMMENTED
    assert "refused" in done.stdout
    assert '"SessionStart"' in done.stdout and "agentctx hook session-start" in done.stdout


def test_settings_of_others_keep_every_byte(repo: TempRepo) -> None:
    theirs = '{"permissions": {"allow": ["Bash(ls:*)"]},\n "hooks": {"Stop": []}}\n'
    repo.commit("settings", {".claude/settings.json": theirs})
    repo.agentctx("init")
    text = (repo.root / ".claude/settings.json").read_text()
    assert '{"permissions": {"allow": ["Bash(ls:*)"]},\n "hooks": {"Stop": []' in text
    assert len(json.loads(text)["hooks"]["SessionStart"]) == 1


@pytest.mark.parametrize("extra", [["--no-hooks"], ["--no-agents"], ["--no-hooks", "--no-agents"]])
def test_parts_that_are_not_wanted_are_left_alone(repo: TempRepo, extra: list[str]) -> None:
    repo.commit("code", {"a.py": "A = 1\n"})
    repo.agentctx("init", *extra)
    assert (repo.root / ".git/hooks/post-merge").exists() == ("--no-hooks" not in extra)
    assert (repo.root / ".claude/settings.json").exists() == ("--no-agents" not in extra)
    assert (repo.root / "agent-context").is_dir()


def test_settings_in_pyproject_are_not_given_a_second_source(repo: TempRepo) -> None:
    repo.commit("settings", {"pyproject.toml": "[tool.agentctx.prime]\nbudget_tokens = 500\n"})
    assert repo.agentctx("init").returncode == 0
    assert not (repo.root / "agent-context/config.yaml").exists()
    assert repo.agentctx("status").returncode == 0


def test_doctor_finds_another_program_of_the_same_name(repo: TempRepo) -> None:
    import os

    repo.commit("code", {"a.py": "A = 1\n"})
    repo.agentctx("init")
    other = repo.root.parent / "bin" / "agentctx"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\necho something else 9.9\n")
    other.chmod(0o755)
    done = repo.agentctx("doctor", env={"PATH": f"{other.parent}{os.pathsep}{os.environ['PATH']}"})
    assert done.returncode == 1
    assert "is another program" in done.stdout and "pip uninstall agentctx" in done.stdout


def test_doctor_names_the_clients_that_were_registered_and_none_that_shares_a_file_with_them(
    repo: TempRepo,
) -> None:
    repo.commit("code", {"a.py": "A = 1\n"})
    assert repo.agentctx("init", "--agents", "claude-code").returncode == 0
    lines = repo.agentctx("doctor").stdout.splitlines()
    (agents,) = [line for line in lines if " agents: " in line]
    assert agents.endswith("registered with Claude Code")
    assert any(line.endswith("context: 0 notes in agent-context/") for line in lines)
