"""How much noise does freshness make on real commits? Notes on random symbols, hundreds of commits.

    bench/noise REPO [--commits 300] [--notes 200] [--seed 1] [--before DATE] [--formatting N] [--show N]
                     [--sample N] [--json]

The notes are verified at the commit that lies `--commits` steps back on the mainline; every later commit is
put on top, and `agentctx status --json` is asked, in a process of its own. What it raises is counted and
verified again, as a reader would do. A commit that changes nothing but formatting and comments
(`bench/sameness.py` decides with a formatter, not agentctx) must raise nothing; nor may a note be called
stale whose file the commit left alone. An interrupt (Ctrl-C) ends the walk early.

Such commits are rare, so `--formatting N` takes, instead of consecutive commits, the newest N of the whole
mainline whose subject speaks of formatting, comments, words or style and that are found to be no more; each
meets notes on symbols of the very files it touches, verified at its parent.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.claims import claims_in, is_read
from bench.sameness import FORMATTERS, is_cosmetic, program
from bench.scratch import CONTEXT, Clone

HARD = ("signature", "body", "gone")
SUBJECTS = re.compile(
    r"(?i)black|format|fmt|lint|ruff|flake|pep.?8|prettier|comment|doc|typo|spell|grammar|white ?space|style"
    r"|indent|quot|blank|clean|licen[cs]e|header|wrap|line length|trailing|cosmetic|tidy"
)
PER_COMMIT = 60
"""Notes on the files of one formatting commit, at most."""
SILENT = ("unchanged", "cosmetic", "unverified", "unknown", "docstring")
"""States of an anchor that raise nothing, and the one a changed comment may rightly raise."""
Drifts = Mapping[str, tuple[str, str, str, str]]
"""Note -> its anchor, the state of that, the reason, and where the code went."""
_METHOD = re.compile(r"^func \(\w+ (\*?)(\w+)\) (\w+)\(", re.MULTILINE)


@dataclass
class Walk:
    """What was raised on the way."""

    notes: int = 0
    commits: int = 0
    with_code: int = 0
    cosmetic_commits: int = 0
    hard: list[str] = field(default_factory=list)
    soft: list[str] = field(default_factory=list)
    moved: int = 0
    documented: int = 0
    """Anchors whose doc comment changed: a note about them is rightly asked to be read."""
    cosmetic_flags: list[str] = field(default_factory=list)
    """Raised by a commit that changed only formatting and comments."""
    untouched_flags: list[str] = field(default_factory=list)
    """Called stale although the commit left the meaning of its file alone."""
    seen: Counter[str] = field(default_factory=Counter)


class Change:
    """What one commit did to source files, held against its parent."""

    def __init__(self, clone: Clone, parent: str, commit: str) -> None:
        self.clone, self.parent, self.commit = clone, parent, commit
        out = clone.git("diff-tree", "-r", "-z", "--no-renames", "--name-status", parent, commit).split("\0")
        self.status = dict(zip(out[1::2], out[::2], strict=False))
        self.code = [path for path in self.status if is_read(path)]
        self._same: dict[str, bool] = {}

    @cached_property
    def texts(self) -> tuple[dict[str, str], dict[str, str]]:
        """The files before and after."""
        return self.clone.read(self.parent, self.code), self.clone.read(self.commit, self.code)

    def is_same(self, path: str) -> bool:
        """Was the meaning of this file's text left alone?"""
        if path not in self.status:
            return True
        if path not in self._same:
            old, new = (texts.get(path) for texts in self.texts)
            self._same[path] = old is not None and new is not None and is_cosmetic(path, old, new)
        return self._same[path]

    @property
    def is_cosmetic(self) -> bool:
        """Did the commit touch source files, and only their formatting and comments?"""
        code = sorted(self.code, key=lambda path: self.status[path] == "M")  # the cheap answers first
        return bool(code) and all(self.status[path] == "M" and self.is_same(path) for path in code)


def main(arguments: list[str] | None = None) -> int:
    """Run the walk that the command line describes."""
    parser = argparse.ArgumentParser(prog="bench/noise", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("repository", type=Path, help="any clone")
    parser.add_argument("--commits", type=int, default=300)
    parser.add_argument("--notes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--before", default="", metavar="DATE", help="walk up to this day")
    parser.add_argument("--formatting", type=int, default=0, metavar="N", help="only N formatting commits")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N wrong flags")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="print N flags of each kind")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background too
    with tempfile.TemporaryDirectory(prefix="noise-") as scratch:
        clone = Clone(options.repository, Path(scratch) / "clone")
        walk = formatting(clone, options) if options.formatting else measure(clone, options)
    report = _report(walk, options)
    if options.json:
        print(json.dumps({**report, "wrong": [*walk.cosmetic_flags, *walk.untouched_flags]}, indent=1))
        return 0
    for name, value in report.items():
        print(f"{name.replace('_', ' '):34} {value}")
    lines = [*walk.cosmetic_flags, *walk.untouched_flags][: options.show]
    for flags in (walk.hard, walk.soft):
        lines += random.Random(options.seed).sample(flags, min(options.sample, len(flags)))
    print("".join(f"\n{line}" for line in lines))
    return 0


def measure(clone: Clone, options: argparse.Namespace) -> Walk:
    """Write the notes, then walk along the mainline."""
    line = clone.line(options.commits + 1, options.before)
    clone.checkout(line[0])
    walk = Walk(notes=_note(clone, line[0], clone.paths(line[0]), options.notes, options.seed))
    before: Drifts = _drifts(clone)
    with suppress(KeyboardInterrupt):
        for parent, commit in pairwise(line):
            change = Change(clone, parent, commit)
            if change.code:  # else nothing that a note is about
                after, raised = _step(clone, walk, change, before)
                before = _verified(clone, after, raised)
            walk.commits += 1
            if walk.commits % 50 == 0:
                so_far = f"{len(walk.hard)} stale, {len(walk.soft)} suspect"
                print(f"{walk.commits} commits, {so_far}", file=sys.stderr)
    return walk


def formatting(clone: Clone, options: argparse.Namespace) -> Walk:
    """Take one commit after the other that is found to change only formatting and comments."""
    walk = Walk()
    line = clone.line(1_000_000, options.before)[::-1]
    subjects = clone.subjects(line[0])
    for commit, parent in pairwise(line):
        if walk.commits == options.formatting:
            break
        if not SUBJECTS.search(subjects.get(commit, "")):
            continue
        change = Change(clone, parent, commit)
        if change.is_cosmetic:
            clone.checkout(parent)
            notes = _note(clone, parent, change.code, PER_COMMIT, options.seed)
            if notes:  # else the files define nothing
                walk.notes += notes
                walk.commits += 1
                _step(clone, walk, change, _drifts(clone))
    return walk


def _note(clone: Clone, commit: str, paths: Sequence[str], count: int, seed: int) -> int:
    """Write and verify notes on random symbols of the files of what is checked out; how many there are."""
    sources = clone.read(commit, [path for path in paths if is_read(path)])
    anchors = sorted({a for path, source in sources.items() for a in _anchors(path, source)})
    chosen = random.Random(seed).sample(anchors, min(count, len(anchors)))
    notes = {
        f"note-{n:04}": f'---\ntitle: Note {n}\nanchors:\n  - "{a}"\n---\nText.\n'
        for n, a in enumerate(chosen)
    }
    if not notes:
        return 0
    clone.add_notes(notes)
    clone.agentctx("verify")
    clone.commit_notes("Verify the notes")
    return len(chosen)


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


def _step(clone: Clone, walk: Walk, change: Change, before: Drifts) -> tuple[Drifts, Drifts]:
    """What the commit raises is counted; (all drifts, those that are news)."""
    walk.with_code += 1
    notes = clone.git("rev-parse", f"HEAD:{CONTEXT}")
    clone.checkout(clone.with_notes(change.commit, clone.git("rev-parse", "HEAD"), notes))
    after = _drifts(clone)
    walk.seen.update(state for _, state, *_ in after.values())
    walk.cosmetic_commits += change.is_cosmetic
    news = {id: drift for id, drift in after.items() if drift[:2] != before.get(id, ("", ""))[:2]}
    raised = {id: drift for id, drift in news.items() if drift[1] not in SILENT}
    walk.documented += sum(drift[1] == "docstring" for drift in news.values())
    for id, (anchor, state, reason, went) in sorted(raised.items()):
        words = f"{change.commit[:10]} {anchor}: {state}: {reason}"
        if state == "moved":
            walk.moved += 1
        else:
            (walk.hard if state in HARD else walk.soft).append(words)
        if change.is_cosmetic:
            walk.cosmetic_flags.append(words)
        elif state in HARD and change.is_same((went or _went(before, id) or anchor).partition("#")[0]):
            walk.untouched_flags.append(words)
    return after, raised


def _went(before: Drifts, id: str) -> str:
    """Where a note's code had moved before; it is not anchored anew there."""
    return before[id][3] if id in before else ""


def _verified(clone: Clone, after: Drifts, raised: Drifts) -> Drifts:
    """The reader has seen what was raised and says that it still holds; what is gone or moved stays so."""
    again = sorted(id for id, (_, state, _, went) in raised.items() if state != "gone" and not went)
    if not again:
        return after
    clone.agentctx("verify", *again)
    clone.commit_notes("Read the notes again")
    return {id: (drift[0], "unchanged", "", "") if id in again else drift for id, drift in after.items()}


def _drifts(clone: Clone) -> dict[str, tuple[str, str, str, str]]:
    notes = json.loads(clone.agentctx("status", "--json"))["notes"]
    return {
        n["id"]: (d["anchor"], d["state"], d["reason"], d["moved_to"]) for n in notes for d in n["drifts"]
    }


def _report(walk: Walk, options: argparse.Namespace) -> dict[str, Any]:
    name = options.repository.resolve()
    total = max(1, sum(walk.seen.values()))
    return {
        "repository": name.parent.name.replace("+", "/") if name.name in ("repo", ".git") else name.name,
        "notes": walk.notes,
        "commits": walk.commits,
        "commits_that_touch_code": walk.with_code,
        "formatting_only_commits": walk.cosmetic_commits,
        "formatters": " ".join(sorted({name for name, *_ in FORMATTERS.values() if program(name)})),
        "flags_by_formatting_only_commits": len(walk.cosmetic_flags),
        "stale_though_its_file_is_the_same": len(walk.untouched_flags),
        "stale_per_commit": round(len(walk.hard) / max(1, walk.commits), 3),
        "suspect_per_commit": round(len(walk.soft) / max(1, walk.commits), 3),
        "moved": walk.moved,
        "doc_comment_changed": walk.documented,
        "unknown_share": round((walk.seen["unknown"] + walk.seen["unverified"]) / total, 4),
    }


if __name__ == "__main__":
    sys.exit(main())
