"""A scratch clone of a real repository in which notes travel along with its commits. Only git is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

CONTEXT = "agent-context"
_BINARY = "png jpg jpeg gif webp ico svg pdf mp4 webm mov ttf otf woff woff2 zip gz tar jar wasm so dll bin"
"""Endings of files that are not put on disk: pictures and the like, which a mirror may lack."""


class Clone:
    """A clone that borrows its objects; the repository it came from is not touched."""

    def __init__(self, repository: Path, folder: Path) -> None:
        self.folder = folder
        _run(["git", "clone", "-q", "--shared", "--no-checkout", str(repository), str(folder)])
        for name, value in (("user.name", "Bench"), ("user.email", "bench@example.org"), ("gc.auto", "0")):
            self.git("config", name, value)
        self.git("config", "core.sparseCheckout", "true")
        info = folder / ".git" / "info"
        info.mkdir(exist_ok=True)
        (info / "sparse-checkout").write_text(
            "/*\n" + "".join(f"!*.{ending}\n" for ending in _BINARY.split())
        )

    def git(self, *args: str, env: Mapping[str, str] | None = None) -> str:
        """Standard output of git, stripped. Raises ``CalledProcessError``."""
        return _run(["git", "-C", str(self.folder), *args], env).strip()

    def line(self, count: int, before: str = "") -> list[str]:
        """The last ``count`` commits of the mainline (up to a date), oldest first."""
        until = [f"--before={before}"] if before else []
        return self.git("rev-list", "--first-parent", f"--max-count={count}", *until, "HEAD").split()[::-1]

    def subjects(self, head: str) -> dict[str, str]:
        """commit -> subject of the whole mainline."""
        out = self.git("log", "--first-parent", "--format=%H %s", head)
        return {line[:40]: line[41:] for line in out.splitlines()}

    def checkout(self, commit: str) -> None:
        """Put a commit's files on disk."""
        self.git("checkout", "-q", "-f", "--detach", commit)

    def paths(self, commit: str) -> list[str]:
        """Regular files of a commit."""
        entries = self.git("ls-tree", "-r", "-z", commit).split("\0")
        return [e.partition("\t")[2] for e in entries if e.startswith("100")]

    def read(self, commit: str, paths: Sequence[str]) -> dict[str, str]:
        """path -> text of those of the files that a commit has."""
        wanted = "".join(f"{commit}:{path}\n" for path in paths if "\n" not in path).encode()
        out = subprocess.run(
            ["git", "-C", str(self.folder), "cat-file", "--batch"],
            input=wanted,
            capture_output=True,
            check=True,
        ).stdout
        found: dict[str, str] = {}
        at = 0
        for path in (p for p in paths if "\n" not in p):
            end = out.index(b"\n", at)
            head = out[at:end].split(b" ")
            at = end + 1
            if head[-1] == b"missing":
                continue
            size = int(head[-1])
            if head[-2] == b"blob":
                found[path] = out[at : at + size].decode("utf-8", "replace")
            at += size + 1
        return found

    def add_notes(self, notes: Mapping[str, str]) -> None:
        """Commit notes (name -> text) on what is checked out."""
        folder = self.folder / CONTEXT / "gotchas"
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in notes.items():
            (folder / f"{name}.md").write_text(text, encoding="utf-8")
        self.commit_notes("Add notes")

    def commit_notes(self, message: str) -> None:
        """Commit the context folder as it lies on disk; other objects may be missing from the mirror."""
        self.git("add", "-f", CONTEXT)
        tree = self.git("write-tree", "--missing-ok")
        self.git(
            "update-ref", "--no-deref", "HEAD", self.git("commit-tree", tree, "-p", "HEAD", "-m", message)
        )

    def with_notes(self, commit: str, parent: str, notes: str) -> str:
        """A commit on ``parent`` with the files, author and subject of ``commit`` and the notes' tree."""
        index = {"GIT_INDEX_FILE": ".git/bench-index"}
        self.git("read-tree", commit, env=index)
        self.git("rm", "-r", "-q", "--cached", "--ignore-unmatch", CONTEXT, env=index)
        self.git("read-tree", f"--prefix={CONTEXT}/", notes, env=index)
        author, email, date, subject = (
            self.git("log", "-1", "--format=%an%n%ae%n%cI%n%s", commit) + "\n"
        ).split("\n", 3)
        about = {"NAME": author or "nobody", "EMAIL": email, "DATE": date}
        env = {f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in about.items()}
        tree = self.git("write-tree", "--missing-ok", env=index)
        return self.git("commit-tree", tree, "-p", parent, "-m", subject.strip() or "(no subject)", env=env)

    def agentctx(self, *args: str) -> str:
        """Standard output of the command line, run as a process of its own."""
        environment = {"AGENTCTX_NO_WORKER": "1"}
        # -P: the repository may be one of our own dependencies, and is not to be imported from
        command = [sys.executable, "-P", "-m", "agentctx", *args]
        return _run(command, environment, cwd=self.folder)


def _run(command: Sequence[str], env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    done = subprocess.run(
        command, env={**os.environ, **(env or {})}, cwd=cwd, capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:8])} -> {done.returncode}: {done.stderr.decode()[-600:]}")
    return done.stdout.decode("utf-8", "replace")
