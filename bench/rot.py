"""Do notes' claims rot, and does agentctx notice? Structural claims of real repositories, half a year apart.

    bench/rot REPO... [--pairs 2] [--months 6] [--claims 600] [--seed 1] [--show N] [--json]

Claims (a path exists, a symbol is defined in a file, a constant holds a literal) are read mechanically out of
the older commit and written as notes, one each; the notes are verified, and the newer commit is put on top.
What `agentctx status --json` says then, in a process of its own, is compared with what patterns find in the
newer commit. Such claims are nearly decidable from the diff, so the oracle stands beside the numbers.
`file` is what "its file was changed" would say.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench.claims import Claim, claims_in, holds, is_read
from bench.scratch import CONTEXT, Clone

FALSE = ("stale", "suspect", "moved", "conflicted")
PUBLISHED = {"file": (0.29, 3.4), "claim": (0.97, 1.1)}
"""bettermemory's figures (Youden J, alerts per catch) on 37,635 claims of thirty repositories."""


@dataclass
class Tally:
    """Alarms against the oracle."""

    hits: int = 0
    misses: int = 0
    false_alarms: int = 0
    quiet: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, alarmed: bool, is_false: bool, words: str = "") -> None:
        """Count one claim."""
        self.hits += alarmed and is_false
        self.misses += is_false and not alarmed
        self.false_alarms += alarmed and not is_false
        self.quiet += not alarmed and not is_false
        if words and alarmed != is_false:
            self.wrong.append(("missed  " if is_false else "alarmed ") + words)

    def merge(self, other: Tally) -> None:
        """Take in another tally."""
        for name in ("hits", "misses", "false_alarms", "quiet"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.wrong += other.wrong

    def figures(self) -> dict[str, Any]:
        """Precision, recall, Youden J and alerts for each catch."""
        recall = self.hits / max(1, self.hits + self.misses)
        alarms = self.hits + self.false_alarms
        return {
            "claims": self.hits + self.misses + self.false_alarms + self.quiet,
            "false": self.hits + self.misses,
            "caught": self.hits,
            "false_alarms": self.false_alarms,
            "precision": round(self.hits / max(1, alarms), 4),
            "recall": round(recall, 4),
            "youden_j": round(recall - self.false_alarms / max(1, self.false_alarms + self.quiet), 4),
            "alerts_per_catch": round(alarms / self.hits, 3) if self.hits else None,
        }


@dataclass
class Result:
    """What one repository showed."""

    name: str
    claims: Tally = field(default_factory=Tally)
    files: Tally = field(default_factory=Tally)
    states: Counter[str] = field(default_factory=Counter)


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison that the command line describes."""
    parser = argparse.ArgumentParser(prog="bench/rot", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("repositories", nargs="+", type=Path, metavar="REPO", help="any clones")
    parser.add_argument("--pairs", type=int, default=2, help="pairs of commits, one behind the other")
    parser.add_argument("--months", type=int, default=6, help="between the commits of a pair")
    parser.add_argument("--claims", type=int, default=600, help="at most, of each pair")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N claims judged wrongly")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    results = []
    for repository in options.repositories:
        with tempfile.TemporaryDirectory(prefix="rot-") as scratch:
            results.append(measure(repository, Path(scratch), options))
    report = _report(results)
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        _print(report)
        wrong = [f"{r.name}: {w}" for r in results for w in r.claims.wrong]
        print("".join(f"\n{line}" for line in wrong[: options.show]))
    return 0


def measure(repository: Path, scratch: Path, options: argparse.Namespace) -> Result:
    """All pairs of one repository."""
    name = repository.resolve()
    result = Result(name.parent.name.replace("+", "/") if name.name in ("repo", ".git") else name.name)
    for pair, (old, new) in enumerate(_pairs(Clone(repository, scratch / "look"), options)):
        _compare(Clone(repository, scratch / f"pair-{pair}"), old, new, result, options)
    return result


def _pairs(clone: Clone, options: argparse.Namespace) -> list[tuple[str, str]]:
    newest = date.fromisoformat(clone.git("log", "-1", "--format=%cs", "HEAD"))
    step = timedelta(days=options.months * 365 // 12)
    found = []
    for at in range(options.pairs):
        new, old = (clone.line(1, f"{newest - step * n}T23:59:59Z") for n in (at, at + 1))
        if old and new and old != new:
            found.append((old[0], new[0]))
    return found


def _compare(clone: Clone, old: str, new: str, result: Result, options: argparse.Namespace) -> None:
    sources = clone.read(old, [path for path in clone.paths(old) if is_read(path)])
    claims = [claim for path, source in sorted(sources.items()) for claim in claims_in(path, source)]
    chosen = random.Random(options.seed).sample(claims, min(options.claims, len(claims)))
    states = _states(clone, chosen, old, new)
    later = clone.read(new, sorted({claim.path for claim in chosen}))
    for number, claim in enumerate(chosen):
        state = states.get(f"claim-{number:05}", "absent")
        is_false = not holds(claim, later.get(claim.path))
        result.states[state] += 1
        result.claims.add(state in FALSE, is_false, f"{new[:10]} {claim.text()} ({state})")
        result.files.add(later.get(claim.path) != sources[claim.path], is_false)


def _states(clone: Clone, claims: list[Claim], old: str, new: str) -> dict[str, str]:
    clone.checkout(old)
    notes = {
        f"claim-{n:05}": f"---\ntitle: Claim {n} of this measurement\n---\n{claim.text()}\n"
        for n, claim in enumerate(claims)
    }
    clone.add_notes(notes)
    clone.agentctx("verify")
    clone.commit_notes("Verify the notes")
    clone.checkout(
        clone.with_notes(new, clone.git("rev-parse", "HEAD"), clone.git("rev-parse", f"HEAD:{CONTEXT}"))
    )
    document = json.loads(clone.agentctx("status", "--json"))
    return {note["id"]: note["state"] for note in document["notes"]}


def _report(results: list[Result]) -> dict[str, Any]:
    total = Result("all")
    for result in results:
        total.claims.merge(result.claims)
        total.files.merge(result.files)
        total.states.update(result.states)
    return {
        "repositories": {
            r.name: {"agentctx": r.claims.figures(), "file": r.files.figures(), "states": dict(r.states)}
            for r in [*results, total]
        },
        "published": {"bettermemory, file": PUBLISHED["file"], "bettermemory, claim": PUBLISHED["claim"]},
    }


def _print(report: dict[str, Any]) -> None:
    heads = (
        "claims",
        "false",
        "caught",
        "false_alarms",
        "precision",
        "recall",
        "youden_j",
        "alerts_per_catch",
    )
    print(f"{'repository':34}", *(f"{head.replace('_', ' '):>16}" for head in heads), f"{'file: J':>9}")
    for name, rows in report["repositories"].items():
        row = rows["agentctx"]
        print(f"{name:34}", *(f"{row[head]!s:>16}" for head in heads), f"{rows['file']['youden_j']:>9}")
    file = report["repositories"]["all"]["file"]
    print(
        f"\nfile changed, same claims: J {file['youden_j']}, {file['alerts_per_catch']} alerts for each catch"
    )
    for name, (youden, alerts) in report["published"].items():
        print(f"{name}, as published on its own corpus: J {youden}, {alerts} alerts for each catch")


if __name__ == "__main__":
    sys.exit(main())
