"""Replay a real repository: notes on random symbols, hundreds of merges, and what freshness says after each.

    bench/replay PATH [--notes 200] [--merges 300] [--seed 1] [--show N] [--json]

PATH is any clone (a bare one too). It is not touched: the walk happens in a scratch clone. The notes are
verified at the commit that lies ``--merges`` first-parent steps back; every later step is committed on top
with the same tree and the notes beside it. A verdict is what ``agentctx status`` would say, with caches kept
between steps.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentctx.freshness.code import Code, Memory
from agentctx.freshness.index import Assessor
from agentctx.freshness.verify import stamps_for
from agentctx.git import Git, WorkTree
from agentctx.model import Anchor, Freshness, Index
from agentctx.notes.folder import Folder
from agentctx.notes.splice import new_note
from agentctx.state import StateDir

CONTEXT = "agent-context"
HARD = ("stale",)
_processes = 0


@dataclass
class Step:
    """What one merge did to the verdicts."""

    commit: str
    ms: float
    processes: int
    states: Counter[str]
    raised: int
    """Notes that became stale with this step."""


@dataclass
class Walk:
    """A finished replay."""

    notes: int
    steps: list[Step] = field(default_factory=list)
    last: Index | None = None
    diffs: dict[str, Freshness] = field(default_factory=dict)


def main(arguments: list[str] | None = None) -> int:
    """Run the replay that the command line describes."""
    parser = argparse.ArgumentParser(prog="bench/replay", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("repository", type=Path, help="any clone")
    parser.add_argument("--notes", type=int, default=200)
    parser.add_argument("--merges", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N verdicts with their diffs")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    asked = ["git", "-C", str(options.repository), "rev-parse", "--verify", "-q", "HEAD"]
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        parser.error(f"{options.repository} is no clone with a commit: give the path of a git repository")
    sys.addaudithook(_count)
    with tempfile.TemporaryDirectory(prefix="replay-") as scratch:
        walk = replay(options, Path(scratch) / "clone")
    report = _report(walk, options)
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        _print(report)
        _show(walk, options.show, options.seed)
    return 0


def replay(options: argparse.Namespace, clone: Path) -> Walk:
    """Clone, anchor, walk."""
    quiet = {"check": True, "capture_output": True, "text": True}
    subprocess.run(
        ["git", "clone", "-q", "--shared", "--no-checkout", str(options.repository), str(clone)], **quiet
    )  # type: ignore[call-overload]

    def git(*args: str, env: dict[str, str] | None = None, stdin: str = "") -> str:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            ["git", "-C", str(clone), *args], env={**os.environ, **(env or {})}, input=stdin, **quiet
        )  # type: ignore[call-overload]
        return done.stdout.strip()

    line = git("rev-list", "--first-parent", f"--max-count={options.merges + 1}", "HEAD").split()[::-1]
    git("checkout", "-q", "-f", "--detach", line[0])
    count = _write_notes(clone, options.notes, options.seed)
    git("add", "-f", CONTEXT)
    git(
        "-c",
        "user.name=Replay",
        "-c",
        "user.email=replay@example.org",
        "commit",
        "-q",
        "--no-verify",
        "-m",
        "Add notes",
    )
    notes_tree = git("rev-parse", f"HEAD:{CONTEXT}")
    walk = Walk(count)
    before: dict[str, str] = {}
    parent = git("rev-parse", "HEAD")
    for number, commit in enumerate(line):
        if number % 20 == 0:
            print(f"merge {number} of {len(line) - 1}", file=sys.stderr, flush=True)
        if commit != line[0]:
            parent = _on_top(git, commit, parent, notes_tree)
            git("checkout", "-q", "-f", "--detach", parent)
        before = _step(walk, clone, commit, before)
    _explain(walk, clone)
    return walk


def _write_notes(clone: Path, count: int, seed: int) -> int:
    """Notes on random symbols of all languages that can be read, verified as ``new`` would."""
    chooser = random.Random(seed)
    folder = Folder(clone, CONTEXT)
    with Git.open(clone) as git:
        tree = WorkTree(git)
        code = Code(tree, Memory())
        files = {p: code.file(p) for p in tree.paths() if not p.startswith(f"{CONTEXT}/")}
        anchors = [
            Anchor(path, name) for path, file in files.items() for name in (file.names if file else ())
        ]
        chosen = sorted(chooser.sample(anchors, min(count, len(anchors))), key=str)
        for number, anchor in enumerate(chosen):
            path = f"{CONTEXT}/gotchas/note-{number:04}.md"
            folder.save(path, new_note(f"About {anchor}", (), [str(anchor)], "See the code.\n"), None)
        for note in folder.read().notes:
            folder.write_record(note.id, stamps_for(note, tree, code))
    return len(chosen)


def _on_top(git: Callable[..., str], commit: str, parent: str, notes_tree: str) -> str:
    """A commit with the tree of ``commit`` and the notes, by its author and with its subject."""
    index = {"GIT_INDEX_FILE": ".git/replay-index"}
    git("read-tree", commit, env=index)
    git("rm", "-r", "-q", "--cached", "--ignore-unmatch", CONTEXT, env=index)
    git("read-tree", f"--prefix={CONTEXT}/", notes_tree, env=index)
    author, email, date, subject = git("log", "-1", "--format=%an%n%ae%n%cI%n%s", commit).split("\n", 3)
    env = {"GIT_AUTHOR_NAME": author, "GIT_AUTHOR_EMAIL": email, "GIT_AUTHOR_DATE": date}
    env |= {key.replace("AUTHOR", "COMMITTER"): value for key, value in env.items()}
    return git(
        "commit-tree", git("write-tree", env=index), "-p", parent, "-m", subject or "(no subject)", env=env
    )


def _step(walk: Walk, clone: Path, commit: str, before: dict[str, str]) -> dict[str, str]:
    with _measured() as cost, Git.open(clone) as git:
        folder = Folder(clone, CONTEXT)
        assessor = Assessor(git, WorkTree(git), StateDir.open(git.common_dir), context=CONTEXT)
        index = assessor.assess(folder.read(), folder.records())
    states = {f.id: f.state for f in index.notes}
    raised = sum(states[id] in HARD and before.get(id) not in HARD for id in states)
    walk.steps.append(Step(commit, cost["ms"], int(cost["processes"]), Counter(states.values()), raised))
    walk.last = index
    return dict(states)


def _explain(walk: Walk, clone: Path) -> None:
    with Git.open(clone) as git:
        folder = Folder(clone, CONTEXT)
        notes = folder.read()
        assessor = Assessor(git, WorkTree(git), StateDir.open(git.common_dir), context=CONTEXT)
        index = assessor.assess(notes, folder.records())
        by_id = index.by_id()
        for note in notes.notes:
            if by_id[note.id].state != "fresh":
                walk.diffs[note.id] = assessor.explain(note, by_id[note.id])


def _count(event: str, _: object) -> None:
    global _processes
    _processes += event == "subprocess.Popen"


@contextmanager
def _measured() -> Iterator[dict[str, float]]:
    cost: dict[str, float] = {}
    start, processes = time.perf_counter(), _processes
    yield cost
    cost |= {"ms": (time.perf_counter() - start) * 1000, "processes": _processes - processes}


def _report(walk: Walk, options: argparse.Namespace) -> dict[str, Any]:
    assert walk.last is not None
    costs = [step.ms for step in walk.steps[1:]] or [0.0]
    drifts = Counter(drift.state for f in walk.last.notes for drift in f.drifts)
    return {
        "repository": options.repository.resolve().name,
        "notes": walk.notes,
        "merges": len(walk.steps) - 1,
        "states": dict(walk.last and Counter(f.state for f in walk.last.notes).most_common()),
        "drifts": dict(drifts.most_common()),
        "stale_per_merge": round(sum(s.raised for s in walk.steps[1:]) / max(1, len(walk.steps) - 1), 3),
        "unknown_share": round(drifts["unknown"] / max(1, sum(drifts.values())), 4),
        "first_ms": round(walk.steps[0].ms, 1),
        "median_ms": round(statistics.median(costs), 1),
        "p95_ms": round(sorted(costs)[int(len(costs) * 0.95) - 1], 1),
        "median_processes": statistics.median([s.processes for s in walk.steps[1:]] or [0]),
    }


def _print(report: dict[str, Any]) -> None:
    print(f"{report['repository']}: {report['notes']} notes, {report['merges']} merges")
    for name in ("states", "drifts"):
        print(f"  {name:18}", ", ".join(f"{state} {count}" for state, count in report[name].items()))
    for name in ("stale_per_merge", "unknown_share", "first_ms", "median_ms", "p95_ms", "median_processes"):
        print(f"  {name:18} {report[name]}")


def _show(walk: Walk, count: int, seed: int) -> None:
    chosen = random.Random(seed).sample(sorted(walk.diffs), min(count, len(walk.diffs)))
    for id in sorted(chosen):
        for drift in walk.diffs[id].drifts:
            print(f"\n{walk.diffs[id].state}  {drift.anchor}\n  {drift.state}: {drift.reason}\n{drift.diff}")


if __name__ == "__main__":
    sys.exit(main())
