"""Settings of a repository that try to run, to read or to contact something."""

from __future__ import annotations

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
