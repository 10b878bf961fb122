"""A small builder for real repositories in tests."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TempRepo:
    """A real git repository; every method runs real git and raises on failure."""

    root: Path

    @classmethod
    def init(cls, root: Path, *options: str) -> TempRepo:
        root.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "init", "-q", *options, str(root)], check=True)
        return cls(root)

    def git(self, *args: str, check: bool = True, stdin: str | None = None) -> str:
        """Standard output of ``git ARGS``, stripped of its last newline."""
        done = subprocess.run(
            ["git", *args], cwd=self.root, check=False, capture_output=True, text=True, input=stdin
        )
        if check and done.returncode:
            raise AssertionError(f"git {' '.join(args)} -> {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout.rstrip("\n")

    def write(self, path: str, text: str | bytes) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
        return target

    def commit(self, message: str, files: dict[str, str | bytes] | None = None, author: str = "") -> str:
        """Write the files, stage everything, commit; returns the commit id."""
        for path, text in (files or {}).items():
            self.write(path, text)
        self.git("add", "-A")
        extra = [f"--author={author}"] if author else []
        self.git("commit", "-q", "--allow-empty", "-m", message, *extra)
        return self.git("rev-parse", "HEAD")

    def agentctx(
        self, *args: str, stdin: str | None = None, env: dict[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the real command line in a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "agentctx", *args],
            cwd=cwd or self.root,
            check=False,
            capture_output=True,
            text=True,
            input=stdin,
            env={**os.environ, **(env or {})},
        )
