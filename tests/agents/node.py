"""Clients that npm brings, each run once from a clean environment in a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.agents.conftest import WITH

PROGRAMS = Path(sys.prefix) / "agent-clients/node_modules/.bin"
"""Where ``make test-npm-agents`` installs them, with a Node that is new enough for all."""


def run(
    home: Path, folder: Path, name: str, *args: str, path: str = WITH, **more: str
) -> subprocess.CompletedProcess[str]:
    """One run of a client; it must succeed."""
    assert (PROGRAMS / name).exists(), "run `make test-npm-agents`: it installs the client"
    environment = {
        "HOME": str(home), "PATH": f"{PROGRAMS}{os.pathsep}{path}", "TERM": "dumb", "LANG": "C.UTF-8",
        "AGENTCTX_NO_WORKER": "1", **more,
    }  # fmt: skip
    done = subprocess.run(
        [str(PROGRAMS / name), *args], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done
