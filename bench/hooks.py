"""What git hooks cost: commits and merges with and without them, turn by turn in one repository.

The hooked commits start the real worker, as on a developer's machine; the pre-commit hook is timed by itself
where words are staged that a person has accepted (it stamps the note and finds out where they came from); the
last rows say how long a merge whose output is piped takes. Times are milliseconds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from agentctx.freshness.verify import stamps_for
from agentctx.git import Git, WorkTree
from agentctx.integrations import githooks
from agentctx.model import Operation, Proposal
from agentctx.notes.folder import Folder
from agentctx.proposals.accept import accept
from agentctx.proposals.store import Store
from agentctx.state import StateDir

BARE = ("-c", "core.hooksPath=/dev/null")
ALONE = ("post-commit hook alone", "pre-commit hook alone, accepted words")
NOTE = "agent-context/decisions/one.md"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a hook takes 100 ms or more at the 95th percentile."""
    parser = argparse.ArgumentParser(prog="bench/hooks", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="commits of each kind (default 200)")
    parser.add_argument("--merges", type=int, default=20, help="piped merges of each kind (default 20)")
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args(argv)
    place = Path(tempfile.mkdtemp(prefix="agentctx-bench-"))
    try:
        rows = measure(place, options.runs, options.merges)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    arrival, accepted = (rows[name]["p95"] for name in ALONE)
    cost = max(arrival, accepted)
    result = {"runs": options.runs, "rows": rows, "hook_p95_ms": arrival, "pre_commit_p95_ms": accepted}
    if options.as_json:
        print(json.dumps(result, indent=2))
    else:
        show(rows, cost)
    return int(cost >= 100)


def measure(place: Path, runs: int, merges: int) -> dict[str, dict[str, float]]:
    """Named rows of median, 95th percentile and maximum."""
    git = repository(place)
    times: dict[str, list[float]] = {
        "commit, no hooks": [],
        "commit, hooks": [],
        "post-commit hook alone": [],
    }
    for number in range(runs):
        (place / "code.py").write_text(f"x = {number}\n")
        times["commit, no hooks"].append(timed(place, ["git", *BARE, "commit", "-q", "-a", "-m", "x"]))
        (place / "code.py").write_text(f"x = -{number} - 1\n")
        times["commit, hooks"].append(timed(place, ["git", "commit", "-q", "-a", "-m", "x"]))
        times["post-commit hook alone"].append(timed(place, [".git/hooks/post-commit"]))
    times["commit of a note, hooks"] = []
    for number in range(max(1, runs // 10)):
        (place / NOTE).write_text(f"---\ntitle: One\n---\n{number}\n")
        times["commit of a note, hooks"].append(timed(place, ["git", "commit", "-q", "-a", "-m", "x"]))
    times[ALONE[1]] = [accepted_words(place, git, number) for number in range(max(1, runs // 4))]
    for name, settings in (("merge | cat, no hooks", BARE), ("merge | cat, hooks", ())):
        times[name] = [piped_merge(place, settings, number) for number in range(merges)]
    git.close()
    return {name: summary(values) for name, values in times.items() if values}


def repository(place: Path) -> Git:
    """A small repository with notes and our hooks."""
    settings = place / ".git-settings"
    settings.write_text("[user]\n\tname = Bench\n\temail = bench@example.org\n[gc]\n\tauto = 0\n")
    os.environ |= {"GIT_CONFIG_GLOBAL": str(settings), "GIT_CONFIG_NOSYSTEM": "1"}
    for name in [name for name in os.environ if name.startswith("AGENTCTX_")]:
        del os.environ[name]
    subprocess.run(["git", "init", "-q", "-b", "main", str(place)], check=True)
    (place / "agent-context/decisions").mkdir(parents=True)
    (place / NOTE).write_text("---\ntitle: One\n---\nText.\n")
    for number in range(300):
        (place / f"module{number}.py").write_text(f"def f{number}():\n    return {number}\n")
    (place / "code.py").write_text("start = True\n")
    (place / ".gitignore").write_text(".git-settings\n")
    subprocess.run(["git", "add", "-A"], cwd=place, check=True)
    subprocess.run(["git", *BARE, "commit", "-q", "-m", "base"], cwd=place, check=True)
    git = Git.open(place)
    githooks.install(git)
    return git


def timed(place: Path, command: Sequence[str]) -> float:
    """Milliseconds until the command has ended and nobody holds its output open."""
    begun = time.perf_counter()
    subprocess.run(command, cwd=place, check=True, capture_output=True)
    return (time.perf_counter() - begun) * 1000


def accepted_words(place: Path, git: Git, number: int) -> float:
    """The pre-commit hook of a commit in which words are that a person has accepted."""
    store, folder = Store(StateDir.open(git.common_dir).folder), Folder(place, "agent-context")
    text = "---\ntitle: One\nanchors:\n  - module1.py#f1\n---\nMended {} times.\n"
    if not number:
        (place / NOTE).write_text(text.format("no"))
        subprocess.run(["git", *BARE, "commit", "-q", "-a", "-m", "x"], cwd=place, check=True)
    digest = hashlib.sha256((place / NOTE).read_bytes()).hexdigest()
    new = Operation("replace_section", {"heading": "", "text": f"Mended {number} times."})
    proposal = Proposal(f"p{number}", f"s{number}", "one", NOTE, digest, (new,), "", (), "model", git.head())
    store.add(proposal)
    tree = WorkTree(git)
    assert accept(proposal, folder, store, lambda note: stamps_for(note, tree)).proposal.state == "accepted"
    subprocess.run(["git", "add", "-A"], cwd=place, check=True)
    took = timed(place, [".git/hooks/pre-commit"])
    trailers = place / f".git/agentctx/trailers/{os.getpid()}"
    assert b"Agentctx-Edit: one " in trailers.read_bytes()
    subprocess.run(["git", *BARE, "commit", "-q", "-m", "x"], cwd=place, check=True)
    return took


def piped_merge(place: Path, settings: Sequence[str], number: int) -> float:
    """One true merge of a teammate's commit, read through a pipe."""

    def git(*args: str) -> None:
        subprocess.run(["git", *BARE, *args], cwd=place, check=True, capture_output=True)

    git("checkout", "-q", "-B", "side", "main~1")
    (place / "module0.py").write_text(f"y = {number} + {len(settings)}\n")
    git("commit", "-q", "-a", "-m", "side")
    git("checkout", "-q", "main")
    (place / "code.py").write_text(f"z = {number} + {len(settings)}\n")
    git("commit", "-q", "-a", "-m", "main")
    words = " ".join(["git", *settings, "merge", "-X", "ours", "--no-edit", "side"])
    return timed(place, ["sh", "-c", f"{words} | cat"])


def summary(values: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and maximum."""
    ordered = sorted(values)
    last = len(ordered) - 1
    places = {"p50": round(last * 0.5), "p95": round(last * 0.95), "max": last}
    return {name: round(ordered[at], 1) for name, at in places.items()}


def show(rows: dict[str, dict[str, float]], cost: float) -> None:
    """The table."""
    print(f"{'':40}{'median':>9}{'p95':>9}{'max':>9}   (ms)")
    for name, row in rows.items():
        print(f"{name:40}{row['p50']:9.1f}{row['p95']:9.1f}{row['max']:9.1f}")
    print(f"\na hook returns within {cost:.1f} ms at the 95th percentile (bound: 100)")


if __name__ == "__main__":
    raise SystemExit(main())
