"""What a change of very many files costs before any model is asked.

`bench/wide` writes a repository by `git fast-import` in which one commit changes every file, and asks for the
notes that the commit touches: `affected`, `status` with the whole change pending, `sync --dry-run`. Seconds
are those of the clock and of the processors; memory is the most that one process of the command held.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

_SOURCE = """def read_{number}(path, limit={limit}):
    text = path.read_text()[:limit]
    return [line for line in text.splitlines() if line]


def write_{number}(path, lines):
    path.write_text("".join(lines))
    return len(lines) + {number}
"""
_NOTE = """---
title: Reading and writing of kind {number}
anchors:
  - src/pkg{folder}/module_{number}.py#{name}_{number}
---
`read_{number}` drops empty lines, because the files of kind {number} end with several.
"""
COMMANDS = {
    "affected": ("affected", "HEAD~1..HEAD", "--json"),
    "status": ("status",),
    "sync --dry-run": ("sync", "--dry-run"),
}


def build(root: Path, files: int, notes: int) -> None:
    """``files`` modules, ``notes`` verified notes about the first of them, then a change of all modules."""
    _git(root, "init", "-q", "-b", "main", ".")
    _import(root, "Start", "", [*_modules(files, 10), *_notes(notes)])
    _git(root, "reset", "-q", "--hard")
    _agentctx(root, "verify")
    _git(root, "add", "-A", "agent-context")
    _git(root, "commit", "-q", "-m", "Verify")
    _agentctx(root, "status")
    _import(root, "Change all", "from refs/heads/main^0\n", _modules(files, 20))
    _git(root, "reset", "-q", "--hard")


def _modules(files: int, limit: int) -> Iterator[tuple[str, str]]:
    for number in range(files):
        yield f"src/pkg{number % 300}/module_{number}.py", _SOURCE.format(number=number, limit=limit)


def _notes(notes: int) -> Iterator[tuple[str, str]]:
    for number in range(notes):
        name = "read" if number % 2 else "write"
        text = _NOTE.format(number=number, folder=number % 300, name=name)
        yield f"agent-context/decisions/note-{number}.md", text


def _import(root: Path, message: str, parent: str, files: Iterable[tuple[str, str]]) -> None:
    """One commit on ``main``, written by git itself in one pass."""
    importer = subprocess.Popen(["git", "fast-import", "--quiet"], cwd=root, stdin=subprocess.PIPE)
    assert importer.stdin is not None
    head = f"commit refs/heads/main\ncommitter Bench <bench@example.org> {int(time.time())} +0000\n"
    importer.stdin.write(f"{head}data {len(message)}\n{message}\n{parent}".encode())
    for path, text in files:
        data = text.encode()
        importer.stdin.write(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data))
    importer.stdin.close()
    if importer.wait():
        raise SystemExit("git fast-import failed")


def _git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Bench", "-c", "user.email=bench@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, stdout=subprocess.DEVNULL)


def _agentctx(root: Path, *arguments: str) -> dict[str, float]:
    """Runs a command; what it took, and how much memory at most."""
    home = root.parent / "home"
    home.mkdir(exist_ok=True)
    environment = {**os.environ, "HOME": str(home), "AGENTCTX_NO_WORKER": "1"}
    started = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-m", "agentctx", *arguments], cwd=root, env=environment, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"agentctx {' '.join(arguments)} ended with {child.returncode}")
    return {
        "seconds": round(time.monotonic() - started, 2),
        "processor": round(used.ru_utime + used.ru_stime, 2),
        "megabytes": round(used.ru_maxrss / 1024),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--notes", type=int, default=200)
    parser.add_argument("--keep", type=Path, help="build the repository in this folder, and leave it there")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentctx-wide-") as folder:
        root = (given.keep or Path(folder)) / "repo"
        if not root.is_dir():
            root.mkdir(parents=True)
            build(root, given.files, given.notes)
        rows = {}
        for name, arguments in COMMANDS.items():
            rows[name] = _agentctx(root, *arguments)
            rows[f"{name}, again"] = _agentctx(root, *arguments)
    if given.json:
        print(json.dumps({"files": given.files, "notes": given.notes, "rows": rows}, indent=2))
        return
    print(f"{given.files} changed files, {given.notes} notes")
    print(f"{'command':24} {'seconds':>8} {'processor':>10} {'megabytes':>10}")
    for name, row in rows.items():
        print(f"{name:24} {row['seconds']:8.2f} {row['processor']:10.2f} {row['megabytes']:10.0f}")


if __name__ == "__main__":
    main()
