"""Is drift right? Eighteen mutations in five languages on real git, through the command line alone.

    bench/scorecard [--language Go] [--case move] [--json] [--keep FOLDER]

Each case is a repository with one note about one method, one commit that changes something, and
``agentctx status --json`` in a process of its own. This program imports nothing from agentctx.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.mutations import CASES, SUBJECTS, Subject, mutated

RIVALS = {
    "legendary (symbol)": (3, 4),
    "legendary (file)": (7, 2),
    "drift 0.3.3": (4, 2),
    "OpenWiki": (4, 3),
    "kenkeep": (7, 3),
    "bettermemory (no claim)": (7, 1),
    "bettermemory (symbol claim)": (0, 7),
    "knowl": (0, 9),
    "mnemex": (5, 4),
    "projectmem": (0, 8),
}
"""(false alarms, misses) of eighteen, measured on a Python repository with the same mutations; none of them
tells where a moved symbol went, and none sees a change in a called helper in another file."""
ACCEPTED = {
    "fresh": ("fresh",),
    "soft": ("suspect",),
    "stale": ("stale",),
    "moved": ("moved",),
    "gone": ("stale",),
}


@dataclass(frozen=True)
class Outcome:
    """What one case came to."""

    language: str
    case: str
    expected: str
    state: str
    drift: str
    moved_to: str
    verdict: str
    """``right``, ``false alarm``, ``miss``, ``not relocated`` or ``unknown``."""
    reason: str = ""


def agentctx(root: Path, *arguments: str) -> str:
    """Standard output of the command; raises with its words when it fails."""
    environment = {**os.environ, "AGENTCTX_NO_WORKER": "1", "HOME": str(root.parent / "home")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "agentctx", *arguments],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"agentctx {' '.join(arguments)} -> {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


_ALONE = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "AGENTCTX_NO_WORKER": "1"}
"""The repository is copied: no worker that a hook starts may write into it meanwhile."""


def git(root: Path, *arguments: str) -> None:
    """One git command with a fixed author and no configuration of the machine's."""
    subprocess.run(
        ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments],
        cwd=root,
        check=True,
        capture_output=True,
        env={**os.environ, **_ALONE},
    )


def prepare(root: Path, subject: Subject) -> None:
    """A repository with the code and one note about the method."""
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    write(root, mutated(subject, "none"))
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Add billing")
    agentctx(root, "init")
    agentctx(
        root, "new", "decision", "Totals carry tax", "--anchor", f"{subject.main}#{subject.symbol}",
        "--body", "Totals carry tax because the law says so.",
    )  # fmt: skip
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Note why totals carry tax")


def write(root: Path, files: dict[str, str]) -> None:
    """Put the files there."""
    for name, text in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


def run(base: Path, work: Path, subject: Subject, case: tuple[str, str, str]) -> Outcome:
    """One mutation on a copy of the prepared repository."""
    key, _, expected = case
    root = work / f"{subject.name}-{key}"
    shutil.copytree(base, root, symlinks=True)
    if key == "rename_file":
        git(root, "mv", subject.main, subject.file_after_rename)
    elif key == "delete_file":
        (root / subject.main).unlink()
    write(root, mutated(subject, key))
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", f"Mutate: {key}", "--no-verify")
    report = json.loads(agentctx(root, "status", "--json"))
    note: dict[str, Any] = report["notes"][0]
    drift: dict[str, Any] = note["drifts"][0] if note["drifts"] else {}
    place = {
        "rename_file": f"{subject.file_after_rename}#{subject.symbol}",
        "move": f"{subject.moved_file}#{subject.symbol}",
        "rename": f"{subject.main}#{subject.renamed}",
    }.get(key, "")
    moved_to = drift.get("moved_to") or ""
    verdict = judge(expected, note["state"], moved_to, place)
    return Outcome(
        subject.name,
        key,
        expected,
        note["state"],
        drift.get("state", ""),
        moved_to,
        verdict,
        drift.get("reason", ""),
    )


def judge(expected: str, state: str, moved_to: str, place: str) -> str:
    """A case is right when the state is the expected one, and a move is told with its place."""
    if state == "unknown":
        return "unknown"
    if state in ACCEPTED[expected]:
        return "right" if expected != "moved" or moved_to == place else "not relocated"
    if expected == "fresh":
        return "false alarm"
    if state == "fresh" or (expected in ("stale", "gone") and state == "suspect"):
        return "miss"
    return "not relocated" if expected == "moved" else "false alarm"


def table(outcomes: list[Outcome]) -> str:
    """The card: a line per mutation, a column per language, the sums and the rivals below."""
    languages = list(dict.fromkeys(o.language for o in outcomes))
    cells = {(o.language, o.case): o for o in outcomes}
    width = max(len(what) for _, what, _ in CASES)
    lines = [f"{'mutation':<{width}}  {'expected':<8}  " + "  ".join(f"{n:<12}" for n in languages)]
    for key, what, expected in CASES:
        row = [cells.get((n, key)) for n in languages]
        if any(row):
            shown = [
                ("Y" if o.verdict == "right" else f"{o.verdict}:{o.state}")[:12] if o else "" for o in row
            ]
            lines.append(f"{what:<{width}}  {expected:<8}  " + "  ".join(f"{s:<12}" for s in shown))
    lines.append("")
    for name, count in summary(outcomes).items():
        lines.append(
            f"{name:<28} false alarms {count['false_alarms']:>2}  misses {count['misses']:>2}  "
            f"moves relocated {count['relocated']}/{count['moves']}  unknown {count['unknown']}"
        )
    lines += ["", "Rivals on the Python repository (of eighteen; none relocates):"]
    lines += [f"{name:<28} false alarms {fp:>2}  misses {fn:>2}" for name, (fp, fn) in RIVALS.items()]
    return "\n".join(lines)


def _cell(outcome: Outcome) -> str:
    return "Y" if outcome.verdict == "right" else f"{outcome.verdict}:{outcome.state}"[:12]


def summary(outcomes: list[Outcome]) -> dict[str, dict[str, int]]:
    """Counts per language. A move that is not told with its place is neither alarm nor miss: it is apart."""
    counts: dict[str, dict[str, int]] = {}
    for o in outcomes:
        count = counts.setdefault(
            o.language, {"cases": 0, "false_alarms": 0, "misses": 0, "moves": 0, "relocated": 0, "unknown": 0}
        )
        count["cases"] += 1
        count["false_alarms"] += o.verdict == "false alarm"
        count["misses"] += o.verdict == "miss"
        count["unknown"] += o.verdict == "unknown"
        count["moves"] += o.expected == "moved"
        count["relocated"] += o.expected == "moved" and o.verdict == "right"
    return counts


def main() -> None:
    """Run the card; exit 1 when it is not clean."""
    parser = argparse.ArgumentParser(prog="bench/scorecard", description=__doc__.splitlines()[0])
    parser.add_argument("--language", action="append", choices=[s.name for s in SUBJECTS])
    parser.add_argument("--case", action="append", choices=[key for key, _, _ in CASES])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", type=Path, help="leave the repositories in this folder")
    arguments = parser.parse_args()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.keep or Path(temporary)
        (work / "home").mkdir(parents=True, exist_ok=True)
        for subject in SUBJECTS:
            if arguments.language and subject.name not in arguments.language:
                continue
            base = work / f"{subject.name}-base"
            prepare(base, subject)
            cases = [c for c in CASES if not arguments.case or c[0] in arguments.case]
            outcomes += [run(base, work, subject, case) for case in cases]
    if arguments.json:
        print(
            json.dumps(
                {
                    "version": 1,
                    "languages": summary(outcomes),
                    "rivals": {n: {"false_alarms": a, "misses": b} for n, (a, b) in RIVALS.items()},
                    "cases": [o.__dict__ for o in outcomes],
                },
                indent=2,
            )
        )
    else:
        print(table(outcomes))
    sys.exit(any(o.verdict != "right" for o in outcomes))


if __name__ == "__main__":
    main()
