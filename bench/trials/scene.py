"""A small shop whose code has just been changed by a teammate, and commands run in forked processes.

A forked process is as real as one of its own and starts warm, so a hundred a minute can be killed.
"""

from __future__ import annotations

import os
import pkgutil
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import agentctx
from agentctx.cli.main import run

PATIENCE = 120
"""Seconds after which a command counts as hanging and ends with -14."""
EXAMPLE = Path(__file__).resolve().parents[1] / "example"
NOTES = EXAMPLE.parents[1] / ".agent-context-example"
CONTEXT = "agent-context"
NOTE = f"{CONTEXT}/decisions/2026-01-12-signed-tokens.md"
SYNC = ("sync", "HEAD~1..HEAD", "--mode", "apply")
TEMPORARY = ".agentctx-tmp"
"""How the files end that are written before they are renamed."""

for _found in pkgutil.walk_packages(agentctx.__path__, "agentctx."):
    if not _found.name.startswith(("agentctx.server", "agentctx.memory", "agentctx.__main__")):
        import_module(_found.name)  # a forked process starts with all that it may import
for _name in ("jinja2", "rank_bm25", "tree_sitter", "yaml"):
    import_module(_name)


@contextmanager
def world(folder: Path) -> Iterator[None]:
    """A home of its own for as long as the block: nothing of the person's is read or written."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
        "[commit]\n\tgpgsign = false\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n"
        "[advice]\n\tdetachedHead = false\n"
    )
    before = dict(os.environ)
    for name in [n for n in before if n.startswith(("GIT_", "AGENTCTX_", "XDG_"))]:
        del os.environ[name]
    os.environ |= {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "AGENTCTX_NO_WORKER": "1"}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


class Shop:
    """The example, verified, with a teammate's change merged on top and nothing looked at yet.

    ``more`` adds so many notes that the change makes false as well.
    """

    def __init__(self, folder: Path, more: int = 0) -> None:
        self.root = folder / "shop"
        self.root.mkdir(parents=True)
        self.saved = folder / "saved-state"
        self.git("init", "-q")
        self._lay("before")
        self.commit("code")
        shutil.copytree(NOTES, self.root / CONTEXT)
        for number in range(more):
            self._note(number)
        assert self.run("init") == 0 and self.run("verify") == 0
        self.commit("notes")
        self.run("status")
        self.git("switch", "-q", "-c", "work")
        self._lay("teammate")
        self.commit("Tokens carry a role")
        self.git("switch", "-q", "main")
        self.git("merge", "-q", "--no-ff", "-m", "Merge work", "work")
        self.run("status")
        self.head = self.git("rev-parse", "HEAD")
        self.source = self.git("rev-parse", "HEAD^2")
        self.keep()

    def _lay(self, version: str) -> None:
        shutil.copytree(EXAMPLE / version, self.root, dirs_exist_ok=True)

    def _note(self, number: int) -> None:
        code = (EXAMPLE / "before" / "src" / "shop" / "tokens.py").read_text()
        found = re.search(r"^MAX_AGE = (\d+)$", code, re.MULTILINE)
        assert found
        life = found[1]
        path = self.root / CONTEXT / "patterns" / f"token-life-{number:03}.md"
        path.write_text(
            f"---\ntitle: Token life, part {number}\nanchors:\n  - src/shop/tokens.py#MAX_AGE\n---\n"
            f"In part {number} a token lives {life} seconds (`{found[0]}`) because of rule {number}.\n"
        )

    # ------------------------------------------------------------------ what is on disk

    def notes(self) -> dict[str, bytes]:
        """Path in the context folder -> bytes of every note and record, temporary files included."""
        folder = self.root / CONTEXT
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and path.name != "index.json"
        }

    def outside(self) -> dict[str, bytes]:
        """Bytes of everything in the clone that no sync may touch: code, refs, configuration, hooks."""
        found = {}
        for path in self.root.parent.rglob("*"):
            name = path.relative_to(self.root.parent).as_posix()
            ours = name.startswith((f"shop/{CONTEXT}/", "shop/.git/agentctx", "shop/.git/index", "saved-"))
            if path.is_file() and not ours and not name.startswith("shop/.git/objects"):
                found[name] = path.read_bytes()
        return found

    def keep(self) -> None:
        """Remember notes and this clone's state as they are now: ``reset`` comes back to them."""
        self.start = self.notes()
        self._copy(self.root / ".git" / "agentctx", self.saved)

    def reset(self) -> None:
        """Notes and state as they were kept."""
        folder = self.root / CONTEXT
        for path, data in self.notes().items():
            if path not in self.start:
                (folder / path).unlink()
            elif data != self.start[path]:
                (folder / path).write_bytes(self.start[path])
        for path in self.start:
            if not (folder / path).exists():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(self.start[path])
        self._copy(self.saved, self.root / ".git" / "agentctx")

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        shutil.rmtree(target, ignore_errors=True)
        target.unlink(missing_ok=True)
        if source.exists():
            shutil.copytree(source, target)

    # ------------------------------------------------------------------ commands

    def git(self, *args: str) -> str:
        done = subprocess.run(["git", *args], cwd=self.root, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"git {' '.join(args)} -> {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.rstrip("\n")

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--no-verify", "--allow-empty", "-m", message)

    def use(self, url: str, *options: str) -> None:
        """Have a model at this address."""
        words = ("provider", "set", "openai-compatible", "--model", "scripted", "--url", url, *options)
        assert self.run(*words) == 0

    def run(
        self,
        *command: str,
        kill_after: float = -1.0,
        arm: Callable[[], object] | None = None,
        said: str = "",
        patience: int = PATIENCE,
    ) -> int:
        """The command's exit code in a forked process: -9 when killed after so many seconds.

        ``arm`` is called in that process before the command; ``said`` names a file for what it prints.
        """
        child = os.fork()
        if child == 0:
            signal.alarm(patience)
            self._become(command, arm, said)
        if kill_after >= 0:
            end = time.monotonic() + kill_after
            while time.monotonic() < end:
                done, status = os.waitpid(child, os.WNOHANG)
                if done:
                    return os.waitstatus_to_exitcode(status)
                time.sleep(0.002)
            os.kill(child, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def _become(self, command: tuple[str, ...], arm: Callable[[], object] | None, said: str) -> None:
        code = 99
        try:
            os.chdir(self.root)
            nothing = os.open(os.devnull, os.O_RDWR)
            out = os.open(said, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600) if said else nothing
            for stream, target in ((0, nothing), (1, out), (2, out)):
                os.dup2(target, stream)
            sys.stdin = os.fdopen(0, closefd=False)
            sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
            sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)
            if arm:
                arm()
            code = run(list(command))
        finally:
            os._exit(code)
