"""Settings of a repository run nothing and contact nobody: hostile ones, every reading command, watched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.trials.settings import COMMANDS, HOSTILE, WATCH
from tests.repository import TempRepo


@pytest.mark.parametrize("name", HOSTILE)
def test_no_process_is_started_and_no_socket_opened(repo: TempRepo, tmp_path: Path, name: str) -> None:
    repo.commit("code", {"src/money.py": "RATE = 19\n"})
    repo.agentctx(
        "new", "gotcha", "Tax", "--anchor", "src/money.py#RATE", "--body", "The tax is `RATE = 19`."
    )
    for path, text in HOSTILE[name].items():
        target = repo.root / "agent-context" / path
        if text.startswith("-> "):
            target.symlink_to(text[3:])
        else:
            repo.write(f"agent-context/{path}", text)
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "hostile")
    log = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, "-P", "-c", WATCH, str(log), json.dumps(COMMANDS)],
        cwd=repo.root, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "AGENTCTX_NO_WORKER": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    # `doctor` asks the installed command and git for their versions: both from PATH.
    seen = [line for line in log.read_text().splitlines() if "--version" not in line]
    assert seen == []
    assert not list(tmp_path.rglob("pwned"))
    assert "root:" not in done.stdout, "no file outside the repository is shown"


def test_trust_says_what_is_set_what_never_works_and_what_a_person_allowed(repo: TempRepo) -> None:
    repo.commit("code", {"a.py": "A = 1\n"})
    said = repo.agentctx("trust").stdout
    assert "no setting of a repository can\n  - run a command\n  - contact an address" in said
    assert "This one sets nothing." in said and "You allowed nothing yet" in said
    repo.agentctx("init")
    repo.write("agent-context/config.yaml", "sync:\n  max_notes: 3\n")
    repo.agentctx("provider", "set", "command", "--command", "cat prompt")
    said = repo.agentctx("trust").stdout
    assert "(agent-context/config.yaml):\n  sync.max_notes = 3" in said
    for words in ("git hooks: post-merge", "merge driver: git starts agentctx", "model: command at cat"):
        assert words in said
    allowed = json.loads(repo.agentctx("trust", "--json").stdout)["trust"]["granted"]
    assert [one["what"] for one in allowed] == ["git hooks", "merge driver", "model"]


def test_trust_names_the_host_that_is_sent_every_note_for_its_meaning(repo: TempRepo) -> None:
    repo.commit("code", {"a.py": "A = 1\n"})
    repo.agentctx("provider", "embeddings", "--url", "https://vectors.example/v1", "--model", "minilm")
    said = repo.agentctx("trust").stdout
    assert "minilm at vectors.example is sent the text of every note" in said
    assert "agentctx provider embeddings --off" in said
    repo.agentctx("provider", "set", "claude")
    allowed = json.loads(repo.agentctx("trust", "--json").stdout)["trust"]["granted"]
    assert [one["what"] for one in allowed] == ["model", "embeddings"]
    repo.agentctx("provider", "embeddings", "--off")
    assert "vectors.example" not in repo.agentctx("trust").stdout
