"""Replay real merges through ``agentctx check``, each as its pull request would have seen it.

    bench/gate REPO... [--data DIR] [--merges 200] [--notes 200] [--seed 1] [--show N] [--json]

REPO is any clone (a bare one too), DIR a folder of clones; none of them is touched. For each merge of the
main line, notes are tied to random functions and methods as they were where the branch began, and verified
there. Then the gate compares the branch with the base into which it was merged. A squashed merge is a branch
of one commit. An alert is a finding that stops the branch. It is a catch when the function's own text truly
changed: that is told by a comparison of texts, which shares nothing with agentctx. Every check starts without
caches, as on a fresh runner. An interrupt (Ctrl-C) ends a repository early.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NOTES = "agent-context"
GROUND = "refs/bench/ground"
_OPENING = re.compile(
    r"^(?:pub(?:\([a-z]+\))? |export |default |async |unsafe |static )*(?:func|function|fn) (\w+)\b"
)
_METHOD = re.compile(r"^func \((?:\w+ )?\*?(\w+)(?:\[[^\]]*\])?\) (\w+)\(")
_BRACED = (".go", ".js", ".jsx", ".ts", ".tsx", ".rs")
_CLASS = re.compile(r"^(?:(?:public|final|abstract|sealed|strictfp) )*(?:class|interface|enum|record) (\w+)")
_MEMBER = re.compile(
    r"^(?P<indent> {2,4}|\t)(?:(?:public|protected|private|static|final|synchronized|default) )+"
    r"(?:<[^(]*> )?[\w<>\[\],.? ]+ (?P<name>\w+)\("
)
_READ = (".py", ".java", *_BRACED)


@dataclass
class Score:
    """What one repository's merges showed."""

    name: str
    merges: int = 0
    notes: int = 0
    alerts: int = 0
    catches: int = 0
    changed: int = 0
    missed: int = 0
    warnings: int = 0
    targeted: int = 0
    quiet: int = 0
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """The numbers of the table."""
        merges = max(self.merges, 1)
        wall, cpu = sorted(self.wall) or [0.0], sorted(self.cpu) or [0.0]
        return {
            "repository": self.name,
            "merges": self.merges,
            "notes_per_merge": round(self.notes / merges, 1),
            "alerts_per_merge": round(self.alerts / merges, 3),
            "alerts_per_catch": round(self.alerts / self.catches, 3) if self.catches else None,
            "caught": self.catches,
            "changed": self.changed,
            "missed": self.missed,
            "merges_without_alert": round(self.quiet / merges, 3),
            "warnings_per_merge": round(self.warnings / merges, 3),
            "by_targeting_per_merge": round(self.targeted / merges, 3),
            "median_s": round(statistics.median(wall), 3),
            "p95_s": round(wall[int(len(wall) * 0.95) - 1], 3),
            "median_cpu_s": round(statistics.median(cpu), 3),
        }


class Clone:
    """A scratch clone in which commits with notes are made; the original is not touched."""

    def __init__(self, original: Path, root: Path) -> None:
        self.root = root
        # --shared over a local path borrows the objects; the user's own configuration plays no part.
        self.env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "AGENTCTX_NO_WORKER": "1"}
        for role in ("AUTHOR", "COMMITTER"):
            self.env |= {f"GIT_{role}_NAME": "Replay", f"GIT_{role}_EMAIL": "replay@example.org"}
        command = ["git", "clone", "-q", "--shared", "--no-checkout", str(original), str(root)]
        subprocess.run(command, check=True, env=self.env)
        self._texts: dict[str, dict[str, str]] = {}

    def git(self, *args: str, stdin: str = "") -> str:
        """Standard output of git."""
        done = subprocess.run(
            ["git", "-C", str(self.root), *args], input=stdin, env=self.env, check=True, capture_output=True,
            text=True, errors="replace",
        )  # fmt: skip
        return done.stdout.strip()

    def agentctx(self, *args: str) -> subprocess.CompletedProcess[str]:
        """The command line in a process of its own."""
        command = [sys.executable, "-P", "-m", "agentctx", *args]
        return subprocess.run(
            command, cwd=self.root, env=self.env, check=False, capture_output=True, text=True
        )

    def merges(self, count: int) -> Iterator[tuple[str, str, str]]:
        """(where the branch began, base, branch) of the newest merges that brought code, newest first."""
        listed = self.git("rev-list", "--first-parent", "--parents", "--max-count=20000", "HEAD")
        found = 0
        for line in listed.splitlines():
            commit, *parents = line.split()
            if found == count or not parents:
                return
            base = parents[0]
            head = parents[1] if len(parents) == 2 else commit
            start = self.git("merge-base", base, head) if len(parents) == 2 else base
            if start and start != head and self._brings_code(start, head):
                found += 1
                yield start, base, head

    def _brings_code(self, start: str, head: str) -> bool:
        names = self.git("diff", "--name-only", "-z", "--diff-filter=MDR", start, head).split("\0")
        return any(name.endswith(_READ) for name in names)

    def functions(self, commit: str) -> dict[str, str]:
        """``path#name`` -> text without layout and comments, of every function told apart by text alone."""
        found: dict[str, str] = {}
        wanted = []
        for entry in self.git("ls-tree", "-r", "-z", commit).split("\0"):
            about, _, path = entry.partition("\t")
            if path.endswith(_READ) and about.startswith("100"):
                wanted.append((about.split()[2], path))
        self._read([(oid, path) for oid, path in wanted if f"{oid} {Path(path).suffix}" not in self._texts])
        for oid, path in wanted:
            texts = self._texts[f"{oid} {Path(path).suffix}"]
            found |= {f"{path}#{name}": text for name, text in texts.items()}
        return found

    def _read(self, wanted: list[tuple[str, str]]) -> None:
        if not wanted:
            return
        asked = "".join(f"{oid}\n" for oid, _ in wanted).encode()
        out = subprocess.run(
            ["git", "-C", str(self.root), "cat-file", "--batch"], input=asked, env=self.env, check=True,
            capture_output=True,
        ).stdout  # fmt: skip
        for oid, path in wanted:
            head, _, out = out.partition(b"\n")
            size = int(head.split()[2])
            data, out = out[:size], out[size + 1 :]
            self._texts[f"{oid} {Path(path).suffix}"] = functions_in(path, data.decode("utf-8", "replace"))


def functions_in(path: str, text: str) -> dict[str, str]:
    """Name -> normalised text. A name that occurs twice in a file is left out."""
    readers = {".py": _python, ".java": _java}
    pairs = list(readers.get(Path(path).suffix, _braced)(text))
    names = [name for name, _ in pairs]
    return {name: body for name, body in pairs if names.count(name) == 1}


def _python(text: str) -> Iterator[tuple[str, str]]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        prefix, node = waiting.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                waiting.append((f"{prefix}{child.name}.", child))
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                if ast.get_docstring(child) is not None:
                    child.body = child.body[1:] or [ast.Pass()]
                yield prefix + child.name, ast.unparse(child)


def _braced(text: str) -> Iterator[tuple[str, str]]:
    """Functions, and methods of Go, that begin in the first column and end at the next brace there."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        found = _METHOD.match(line) or _OPENING.match(line)
        if found is None:
            continue
        if body := _to_brace(lines, at, "}"):
            yield ".".join(found.groups()), body


def _java(text: str) -> Iterator[tuple[str, str]]:
    """Methods that stand directly in a class of the first column, and end at the next brace below them."""
    lines = text.splitlines()
    owner = ""
    for at, line in enumerate(lines):
        if found := _CLASS.match(line):
            owner = found[1]
        method = _MEMBER.match(line) if owner else None
        if method and (body := _to_brace(lines, at, method["indent"] + "}")):
            yield f"{owner}.{method['name']}", body


def _to_brace(lines: list[str], at: int, brace: str) -> str:
    """The lines from one to its closing brace, without comments and layout; empty when there is none."""
    line = lines[at].rstrip()
    whole = line.endswith("}") and line.count("{") == line.count("}")
    end = at if whole else next((n for n in range(at, len(lines)) if lines[n].startswith(brace)), -1)
    body = re.sub(r"/\*.*?\*/", "", "\n".join(lines[at : end + 1]), flags=re.DOTALL)
    return re.sub(r"[\s,;]+", " ", re.sub(r"(?<!:)//[^\n]*", "", body))


def replay(original: Path, options: argparse.Namespace, scratch: Path) -> Score:
    """All merges of one repository."""
    clone = Clone(original, scratch / "clone")
    name = original.resolve().name
    score = Score(original.resolve().parent.name if name in ("repo", "repo.git") else name)
    chooser = random.Random(options.seed)
    with suppress(KeyboardInterrupt):
        for merge in clone.merges(options.merges):
            _replay_one(clone, merge, chooser, score, options)
            if score.merges % 10 == 0:
                so_far = f"{score.alerts} alerts, {score.catches} catches, {score.missed} missed"
                print(f"{score.name}: {score.merges} merges, {so_far}", file=sys.stderr)
    return score


def _replay_one(
    clone: Clone,
    merge: tuple[str, str, str],
    chooser: random.Random,
    score: Score,
    options: argparse.Namespace,
) -> None:
    start, base, head = merge
    before = clone.functions(start)
    chosen = sorted(chooser.sample(sorted(before), min(options.notes, len(before))))
    if chosen:
        anchors = _ground(clone, start, chosen)
        found, cost = _check(clone, base, head)
        _count(score, options.show, anchors, (before, clone.functions(base), clone.functions(head)), found)
        score.wall.append(cost[0])
        score.cpu.append(cost[1])


def _ground(clone: Clone, start: str, chosen: list[str]) -> list[str]:
    """The commit where the branch began, with verified notes on it; the anchors that were verified."""
    clone.git("read-tree", "--reset", "-u", start)
    shutil.rmtree(clone.root / NOTES, ignore_errors=True)
    folder = clone.root / NOTES / "gotchas"
    folder.mkdir(parents=True)
    clone.git("update-ref", "--no-deref", "HEAD", start)
    for number, anchor in enumerate(chosen):
        title = f"About number {number}"
        text = f'---\ntitle: {title}\nanchors:\n  - "{anchor}"\n---\nSee the code.\n'
        (folder / f"note-{number:04}.md").write_text(text)
    done = clone.agentctx("verify")
    assert done.returncode == 0, done.stderr
    clone.git("add", "-f", NOTES)
    commit = clone.git("commit-tree", clone.git("write-tree"), "-p", start, "-m", "Add notes")
    clone.git("update-ref", GROUND, commit)
    records = clone.root / NOTES / ".verified"
    return [a for n, a in enumerate(chosen) if (records / f"note-{n:04}").exists()]


def _with_notes(clone: Clone, commit: str) -> str:
    """A commit with another's tree and words, and the notes, on top of the ground."""
    clone.git("read-tree", commit)
    clone.git("rm", "-r", "-q", "--cached", "--ignore-unmatch", NOTES)
    clone.git("read-tree", f"--prefix={NOTES}/", f"{GROUND}:{NOTES}")
    words = clone.git("log", "-1", "--format=%B", commit) or "(no words)"
    return clone.git("commit-tree", clone.git("write-tree"), "-p", GROUND, "-F", "-", stdin=words)


def _check(clone: Clone, base: str, head: str) -> tuple[list[dict[str, Any]], tuple[float, float]]:
    """The findings as the pull request would have seen them; seconds by the clock and of the processor."""
    target, branch = _with_notes(clone, base), _with_notes(clone, head)
    state, aside = clone.root / ".git" / "agentctx", clone.root / ".git" / "aside"
    state.rename(aside)  # what `verify` has read helps it at the next merge, but no fresh runner has it
    started, before = time.perf_counter(), _children()
    done = clone.agentctx("check", "--base", target, "--head", branch, "--format", "json")
    cost = (time.perf_counter() - started, _children() - before)
    shutil.rmtree(state, ignore_errors=True)
    aside.rename(state)
    assert done.returncode in (0, 1), done.stderr
    findings: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return findings, cost


def _children() -> float:
    """Seconds of processor time that ended child processes have used, git's among them."""
    used = os.times()
    return used.children_user + used.children_system


def _count(
    score: Score,
    show: int,
    anchors: list[str],
    texts: tuple[dict[str, str], dict[str, str], dict[str, str]],
    found: list[dict[str, Any]],
) -> None:
    before, base, after = texts
    # What the base has already is none of the branch's doing.
    changed = {a for a in anchors if before[a] != after.get(a) and after.get(a) != base.get(a)}
    alerts = {f["anchor"]: f for f in found if f["severity"] == "error"}
    told = {f["anchor"] for f in found}
    score.merges += 1
    score.notes += len(anchors)
    score.alerts += len(alerts)
    score.catches += len(alerts.keys() & changed)
    score.changed += len(changed)
    score.missed += len(changed - told)
    score.warnings += sum(f["severity"] == "warning" and f["state"] != "affected" for f in found)
    score.targeted += sum(f["state"] == "affected" for f in found)
    score.quiet += not alerts
    odd = [("false alert", a, alerts[a]["reason"]) for a in sorted(alerts.keys() - changed)]
    odd += [("missed", a, "") for a in sorted(changed - told)]
    room = max(0, show - len(score.shown))
    score.shown += [f"  {what}: {anchor} {why}" for what, anchor, why in odd[:room]]


def repositories(options: argparse.Namespace) -> list[Path]:
    """The clones named, and those in the folder of clones."""
    found = list(options.repositories)
    if options.data and not options.data.is_dir():
        raise SystemExit(f"bench/gate: there is no folder {options.data}")
    if options.data:
        inner = [place for child in sorted(options.data.iterdir()) for place in (child, child / "repo")]
        found += [p for p in inner if (p / ".git").exists() or (p / "objects").is_dir()]
    return found


def main(arguments: list[str] | None = None) -> int:
    """Replay every repository and print a row for each."""
    parser = argparse.ArgumentParser(prog="bench/gate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("repositories", nargs="*", type=Path, metavar="REPO", help="any clone")
    parser.add_argument("--data", type=Path, metavar="DIR", help="a folder of clones")
    parser.add_argument("--merges", type=int, default=200)
    parser.add_argument("--notes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N false alerts and misses")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background too
    paths = repositories(options)
    if not paths:
        parser.error("name a clone, or a folder of clones with --data")
    for path in paths:
        if subprocess.run(["git", "-C", path, "rev-parse", "-q", "HEAD"], capture_output=True).returncode:
            raise SystemExit(f"bench/gate: {path} is no clone with a commit")
    scores = []
    for path in paths:
        with tempfile.TemporaryDirectory(prefix="gate-") as scratch:
            scores.append(replay(path, options, Path(scratch)))
    for score in scores:
        if not score.merges:
            suffixes = ", ".join(_READ)
            print(f"bench/gate: {score.name} has no merge that changes {suffixes} files", file=sys.stderr)
    if options.json:
        print("\n".join(line for score in scores for line in score.shown), file=sys.stderr)
        print(json.dumps({"version": 1, "repositories": [score.row() for score in scores]}, indent=1))
        return 0 if all(score.merges for score in scores) else 1
    for score in scores:
        for key, value in score.row().items():
            print(f"{key:24} {value}")
        print("\n".join(score.shown) + "\n" if score.shown else "")
    return 0 if all(score.merges for score in scores) else 1


if __name__ == "__main__":
    sys.exit(main())
