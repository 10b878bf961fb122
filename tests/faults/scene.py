"""Runs commands in forked processes: as real as a process of its own, and a hundred times a minute."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from agentctx.cli.main import run
from tests.flows.test_sync import notes_on_disk
from tests.repository import TempRepo

PATIENCE = 60.0

for _name in (
    "agentctx.cli.sync", "agentctx.cli.origin", "agentctx.flows.provenance", "agentctx.flows.review",
    "agentctx.flows.sync", "agentctx.flows.targeting", "agentctx.llm.openai_compatible",
    "jinja2", "rank_bm25", "tree_sitter", "yaml",
):  # fmt: skip
    import_module(_name)  # a forked process starts with what every sync imports


def forked(root: Path, *command: str, kill_after: float = -1.0, arm: Callable[[], None] | None = None) -> int:
    """The command's exit code in a process of its own; -9 when it was killed after so many seconds."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.chdir(root)
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nothing, stream)
            if arm:
                arm()
            code = run(list(command))
        finally:
            os._exit(code)
    end = time.monotonic() + (kill_after if kill_after >= 0 else PATIENCE)
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def restore(repo: TempRepo, notes: dict[str, bytes]) -> None:
    """Put the context folder back as it was, and forget everything that this clone remembers."""
    folder = repo.root / "agent-context"
    for extra in notes_on_disk(repo).keys() - notes.keys():
        (folder / extra).unlink()
    for path, data in notes.items():
        (folder / path).write_bytes(data)
    subprocess.run(["rm", "-rf", ".git/agentctx"], cwd=repo.root, check=True)
