"""How much noise does freshness make on real commits? Notes on random symbols, hundreds of commits.

    bench/noise REPO [--commits 300] [--notes 200] [--seed 1] [--before DATE] [--show N] [--json]

The notes are verified at the commit that lies `--commits` steps back on the mainline; every later commit is
put on top, and `agentctx status --json` is asked, in a process of its own. What it raises is counted and
verified again, as a reader would do. A commit that changes nothing but formatting and comments
(`bench/sameness.py` decides, not agentctx) must raise nothing; nor may a note be called stale whose file the
commit left alone.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.claims import claims_in, is_read
from bench.sameness import is_cosmetic
from bench.scratch import CONTEXT, Clone

HARD = ("signature", "body", "gone")
SILENT = ("unchanged", "cosmetic", "unverified", "unknown", "docstring")
"""States of an anchor that raise nothing, and the one a changed comment may rightly raise."""
Drifts = Mapping[str, tuple[str, str, str]]
"""Note -> its anchor, the state of that, and where the code went."""
_METHOD = re.compile(r"^func \(\w+ (\*?)(\w+)\) (\w+)\(", re.MULTILINE)


@dataclass
class Walk:
    """What was raised on the way."""

    notes: int = 0
    commits: int = 0
    with_code: int = 0
    cosmetic_commits: int = 0
    hard: int = 0
    soft: int = 0
    moved: int = 0
    cosmetic_flags: list[str] = field(default_factory=list)
    """Raised by a commit that changed only formatting and comments."""
    untouched_flags: list[str] = field(default_factory=list)
    """Called stale although the commit left the meaning of its file alone."""
    seen: Counter[str] = field(default_factory=Counter)


def main(arguments: list[str] | None = None) -> int:
    """Run the walk that the command line describes."""
    parser = argparse.ArgumentParser(prog="bench/noise", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("repository", type=Path, help="any clone")
    parser.add_argument("--commits", type=int, default=300)
    parser.add_argument("--notes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--before", default="", metavar="DATE", help="walk up to this day")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N wrong flags")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="noise-") as scratch:
        walk = measure(Clone(options.repository, Path(scratch) / "clone"), options)
    report = _report(walk, options)
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        for name, value in report.items():
            print(f"{name.replace('_', ' '):34} {value}")
        print("".join(f"\n{line}" for line in [*walk.cosmetic_flags, *walk.untouched_flags][: options.show]))
    return 0


def measure(clone: Clone, options: argparse.Namespace) -> Walk:
    """Write the notes, then walk."""
    line = clone.line(options.commits + 1, options.before)
    clone.checkout(line[0])
    sources = clone.read(line[0], [path for path in clone.paths(line[0]) if is_read(path)])
    anchors = sorted({a for path, source in sources.items() for a in _anchors(path, source)})
    chosen = random.Random(options.seed).sample(anchors, min(options.notes, len(anchors)))
    clone.add_notes(
        {
            f"note-{n:04}": f'---\ntitle: Note {n}\nanchors:\n  - "{a}"\n---\nText.\n'
            for n, a in enumerate(chosen)
        }
    )
    clone.agentctx("verify")
    clone.commit_notes("Verify the notes")
    walk = Walk(notes=len(chosen))
    before = _drifts(clone)
    for parent, commit in pairwise(line):
        before = _step(clone, walk, parent, commit, before)
    return walk


def _anchors(path: str, source: str) -> Iterator[str]:
    """Symbols of a file, methods too, as a person would name them."""
    yield from (f"{path}#{claim.name}" for claim in claims_in(path, source) if claim.kind == "symbol")
    if path.endswith(".go"):
        for star, kind, name in _METHOD.findall(source):
            yield f"{path}#(*{kind}).{name}" if star else f"{path}#{kind}.{name}"
    if path.endswith(".py"):
        try:
            body = ast.parse(source).body
        except (SyntaxError, ValueError):
            return
        for node in body:
            if isinstance(node, ast.ClassDef):
                yield from (
                    f"{path}#{node.name}.{m.name}" for m in node.body if isinstance(m, ast.FunctionDef)
                )


def _step(clone: Clone, walk: Walk, parent: str, commit: str, before: Drifts) -> Drifts:
    walk.commits += 1
    out = clone.git("diff-tree", "-r", "-z", "--no-renames", "--name-status", parent, commit).split("\0")
    status = dict(zip(out[1::2], out[::2], strict=False))
    code = [path for path in status if is_read(path)]
    if not code:
        return before  # nothing that a note is about
    walk.with_code += 1
    old, new = clone.read(parent, code), clone.read(commit, code)
    same = {p for p in code if status[p] == "M" and p in old and p in new and is_cosmetic(p, old[p], new[p])}
    notes = clone.git("rev-parse", f"HEAD:{CONTEXT}")
    clone.checkout(clone.with_notes(commit, clone.git("rev-parse", "HEAD"), notes))
    after = _drifts(clone)
    walk.seen.update(state for _, state, _ in after.values())
    walk.cosmetic_commits += len(same) == len(code)
    raised = {id: drift for id, drift in after.items() if drift != before.get(id) and drift[1] not in SILENT}
    for _, (anchor, state, _) in sorted(raised.items()):
        path = anchor.partition("#")[0]
        words = f"{commit[:10]} {anchor}: {state}"
        walk.hard += state in HARD
        walk.moved += state == "moved"
        walk.soft += state not in (*HARD, "moved")
        if len(same) == len(code):
            walk.cosmetic_flags.append(words)
        elif state in HARD and (path not in status or path in same):
            walk.untouched_flags.append(words)
    return _verified(clone, after, raised)


def _verified(clone: Clone, after: Drifts, raised: Drifts) -> Drifts:
    """The reader has seen what was raised and says that it still holds; what is gone or moved stays so."""
    again = sorted(id for id, (_, state, went) in raised.items() if state != "gone" and not went)
    if not again:
        return after
    clone.agentctx("verify", *again)
    clone.commit_notes("Read the notes again")
    return {id: (drift[0], "unchanged", "") if id in again else drift for id, drift in after.items()}


def _drifts(clone: Clone) -> dict[str, tuple[str, str, str]]:
    document = json.loads(clone.agentctx("status", "--json"))
    return {n["id"]: (d["anchor"], d["state"], d["moved_to"]) for n in document["notes"] for d in n["drifts"]}


def _report(walk: Walk, options: argparse.Namespace) -> dict[str, Any]:
    name = options.repository.resolve()
    total = max(1, sum(walk.seen.values()))
    return {
        "repository": name.parent.name.replace("+", "/") if name.name in ("repo", ".git") else name.name,
        "notes": walk.notes,
        "commits": walk.commits,
        "commits_that_touch_code": walk.with_code,
        "formatting_only_commits": walk.cosmetic_commits,
        "flags_by_formatting_only_commits": len(walk.cosmetic_flags),
        "stale_though_its_file_is_the_same": len(walk.untouched_flags),
        "stale_per_commit": round(walk.hard / max(1, walk.commits), 3),
        "suspect_per_commit": round(walk.soft / max(1, walk.commits), 3),
        "moved": walk.moved,
        "unknown_share": round((walk.seen["unknown"] + walk.seen["unverified"]) / total, 4),
    }


if __name__ == "__main__":
    sys.exit(main())
