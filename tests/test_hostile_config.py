"""Settings of a repository run nothing and contact nobody: hostile ones, every reading command, watched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository import TempRepo

COMMANDS = (
    ("status",), ("list",), ("prime", "--task", "tax"), ("search", "tax"), ("lint",), ("sync",), ("trust",),
    ("check", "--base", "HEAD"), ("hook", "session-start", "--client", "claude-code"), ("doctor",),
)  # fmt: skip

WATCH = """
import sys
log = open(sys.argv.pop(1), "a")
sys.argv[0] = "agentctx"
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn")
def watch(event, args):
    if event in STARTS and not (event == "subprocess.Popen" and args[0] == "git"):
        print(event, args[:2], file=log, flush=True)
    elif event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request"):
        print(event, args, file=log, flush=True)
    elif event == "import" and args[0] in ("pickle", "ctypes.util"):
        pass
sys.addaudithook(watch)
import json
from agentctx.cli.main import run
for command in json.loads(sys.argv[1]):
    code = run(command)
    assert code in (0, 1, 2), (command, code)
"""

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(8)
)

HOSTILE: dict[str, dict[str, str]] = {
    "a provider's command": {"config.yaml": "provider:\n  kind: command\n  command: [touch, pwned]\n"},
    "a provider's address": {
        "config.yaml": "provider: {kind: openai-compatible, url: 'http://127.0.0.1:9'}\n"
    },
    "a key variable": {"config.yaml": "provider:\n  key_variable: AWS_SECRET_ACCESS_KEY\n"},
    "a hook": {"config.yaml": "hooks:\n  post-merge: touch pwned\n"},
    "a sync command": {"config.yaml": "sync:\n  command: touch pwned\n"},
    "a python tag": {"config.yaml": "notes: !!python/object/apply:os.system ['touch pwned']\n"},
    "a python module": {"config.yaml": "!!python/module:antigravity ''\n"},
    "a shell in a glob": {
        "config.yaml": "notes:\n  include:\n    - '$(touch pwned)'\n    - '`touch pwned`'\n"
    },
    "a glob out of the repository": {"config.yaml": "notes:\n  include: ['../**/*.md', '/etc/*']\n"},
    "a template": {"config.yaml": "notes:\n  include: ['{{ cycler.__init__.__globals__.os.system(1) }}']\n"},
    "a billion laughs": {"config.yaml": BOMB + "notes: *i\n"},
    "a deep one": {"config.yaml": "[" * 3000 + "]" * 3000},
    "other settings included": {"config.yaml": "extends: http://127.0.0.1:9/config.yaml\n"},
    "an owner that runs": {"config.yaml": "sync:\n  owner: '; touch pwned'\n"},
    "a number that runs": {
        "config.yaml": 'prime:\n  budget_bytes: \'__import__("os").system("touch pwned")\'\n'
    },
    "pyproject.toml": {"../pyproject.toml": "[tool.agentctx.provider]\ncommand = ['touch', 'pwned']\n"},
    "an environment file": {"../.env": "AGENTCTX_PROVIDER_COMMAND=touch pwned\nAGENTCTX_DIR=/etc\n"},
    "settings in a link": {"config.yaml": "-> /etc/passwd"},
    "modules beside the notes": {
        "../sitecustomize.py": "open('pwned', 'w')\n",
        "../yaml.py": "open('pwned', 'w')\n",
    },
    "an external diff": {"../.gitattributes": "* diff=evil merge=evil filter=evil\n"},
    "a folder for a file": {"config.yaml/x": "x"},
}


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
