"""The git command that a hook is called by, however many shells of a hook manager stand between the two."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

_MOST = 12
"""Processes looked at on the way up."""
_AMEND = re.compile("--am(e|en|end)?")


def is_amending() -> bool:
    """Whether this process works for a ``git commit --amend``; False where processes cannot be looked at."""
    process = os.getppid()
    for _ in range(_MOST):
        parent, words = _looked_up(process)
        if words and os.path.basename(words[0]).removesuffix(".exe") == "git" and "commit" in words:
            return any(_AMEND.fullmatch(word) for word in words)
        if parent <= 1:
            break
        process = parent
    return False


def _looked_up(process: int) -> tuple[int, Sequence[str]]:
    """A process's parent, and the words of its command; (0, ()) when there is none."""
    try:
        about = Path(f"/proc/{process}/stat").read_text("utf-8", "replace")
        line = Path(f"/proc/{process}/cmdline").read_bytes().decode("utf-8", "replace")
        return int(about.rpartition(")")[2].split()[1]), line.split("\0")
    except (OSError, ValueError, IndexError):
        pass
    try:
        command = ("ps", "-o", "ppid=,args=", "-p", str(process))
        told = subprocess.run(command, capture_output=True, text=True, timeout=2, check=True).stdout.split()
        return int(told[0]), told[1:]
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return 0, ()
