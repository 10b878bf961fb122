"""Transcripts of every command in odd repositories; ``python -m tests.cli.odd_repositories`` writes them.

The transcripts in ``odd_repositories/`` are committed and meant to be read: a cell that says something
foolish is a bug, also when the test is green.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.repository import TempRepo

FOLDER = Path(__file__).parent / "odd_repositories"
CODE = {"src/money.py": "RATE = 19\n\n\ndef add_tax(cents):\n    return cents * (100 + RATE) // 100\n"}

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("list",),
    ("init",),
    ("new", "gotcha", "Tax is rounded once", "--anchor", "src/money.py#add_tax", "--body", "On the sum."),
    ("new", "decision", "No such file", "--anchor", "src/mony.py"),
    ("anchor", "tax-is-rounded-once", "src/money.py#RATE"),
    ("verify", "tax-is-rounded-once"),
    ("verify",),
    ("list",),
    ("show", "tax-is-rounded-once"),
    ("show", "nothing-like-it"),
    ("lint",),
    ("status", "--all"),
    ("status", "--check", "--json"),
    ("status", "--explain", "tax-is-rounded-once"),
    ("dashboard", "--dry-run"),
    ("search", "rounding tax"),
    ("prime", "--task", "change the tax"),
    ("affected", "HEAD~1..HEAD"),
    ("check", "--base", "HEAD"),
    ("sync",),
    ("review",),
    ("hooks", "status"),
    ("hooks", "uninstall"),
    ("export", "jsonl", "--namespace", "/shop"),
    ("hook", "session-start", "--client", "claude-code"),
    ("hook", "post-merge"),
)


def normal(folder: Path) -> Path:
    repo = TempRepo.init(folder / "repo")
    repo.commit("one", {"README.md": "# Shop\n"})
    repo.commit("two", dict(CODE))
    return repo.root


def outside(folder: Path) -> Path:
    target = folder / "nowhere"
    (target / "src").mkdir(parents=True)
    return target


def unborn(folder: Path) -> Path:
    repo = TempRepo.init(folder / "repo")
    for path, text in CODE.items():
        repo.write(path, text)
    return repo.root


def detached(folder: Path) -> Path:
    root = normal(folder)
    TempRepo(root).git("checkout", "-q", "--detach")
    return root


def shallow(folder: Path) -> Path:
    origin = normal(folder)
    target = folder / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{origin}", str(target)], check=True)
    return target


def bare(folder: Path) -> Path:
    origin = normal(folder)
    target = folder / "bare.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(origin), str(target)], check=True)
    return target


def worktree(folder: Path) -> Path:
    origin = normal(folder)
    TempRepo(origin).git("worktree", "add", "-q", "../linked")
    return folder / "linked"


def submodule(folder: Path) -> Path:
    inner = normal(folder / "inner")
    outer = TempRepo.init(folder / "outer")
    outer.git("-c", "protocol.file.allow=always", "submodule", "-q", "add", str(inner), "shop")
    outer.commit("add the shop")
    return outer.root / "shop"


def sha256(folder: Path) -> Path:
    repo = TempRepo.init(folder / "repo", "--object-format=sha256")
    repo.commit("one", {"README.md": "# Shop\n"})
    repo.commit("two", dict(CODE))
    return repo.root


def locked(folder: Path) -> Path:
    root = normal(folder)
    (root / ".git" / "index.lock").touch()
    return root


def broken_notes(folder: Path) -> Path:
    root = normal(folder)
    notes = root / "agent-context" / "gotchas"
    notes.mkdir(parents=True)
    (notes / "conflicted.md").write_text("<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n")
    (notes / "broken.md").write_text("---\ntitle: [\n---\ntext\n")
    os.mkfifo(notes / "pipe.md")
    return root


STATES: dict[str, Callable[[Path], Path]] = {
    f.__name__: f
    for f in (
        normal, outside, unborn, detached, shallow, bare, worktree, submodule, sha256, locked, broken_notes
    )
}  # fmt: skip


def transcript(state: str, folder: Path) -> str:
    """Every command in one repository of this kind, one after the other."""
    root = STATES[state](folder)
    out = []
    for command in COMMANDS:
        done = TempRepo(root).agentctx(*command, env={"SOURCE_DATE_EPOCH": "1767225600"})
        shown = " ".join(f'"{c}"' if " " in c else c for c in command)
        words = _plain(done.stdout, folder) + _marked(_plain(done.stderr, folder))
        out.append(f"$ agentctx {shown}\n{words}[exit {done.returncode}]\n")
    return "\n".join(out)


def _marked(text: str) -> str:
    """Standard error, told apart from data."""
    return "".join(f"! {line}\n" for line in text.splitlines())


def _plain(text: str, folder: Path) -> str:
    text = text.replace(str(folder), "<folder>").replace(str(Path(sys.executable).parent), "<bin>")
    text = re.sub(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{40}\b", "<id>", text)
    text = re.sub(r"\b[0-9a-f]{7,12}\b", "<id>", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?", "<time>", text)
    text = re.sub(r"20[2-9]\d-\d\d-\d\d(?=')", "<day>", text)
    text = re.sub(r'"tokens":\d+', '"tokens":<n>', text)  # they depend on the letters of commit ids
    return re.sub(r"on 20\d\d-\d\d-\d\d", "on <day>", text)


def main() -> None:
    """Write every transcript (or those named) with a clean home."""
    FOLDER.mkdir(exist_ok=True)
    for state in sys.argv[1:] or STATES:
        with tempfile.TemporaryDirectory() as name:
            home = Path(name) / "home"
            home.mkdir()
            (home / ".gitconfig").write_text(
                "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
            )
            os.environ.update(HOME=str(home), AGENTCTX_NO_WORKER="1", GIT_CONFIG_NOSYSTEM="1")
            work = Path(name) / "work"
            work.mkdir()
            (FOLDER / f"{state}.txt").write_text(transcript(state, work))


if __name__ == "__main__":
    main()
