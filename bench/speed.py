"""Whole commands in cold processes, as ratios to a bare import of the named packages in the same run.

`bench/speed` builds a repository of notes and code in a temporary folder, warms the caches once and measures
in turn, so that a machine that slows down slows both sides.
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
from collections.abc import Callable, Sequence
from pathlib import Path

BASELINE = [sys.executable, "-c", "import click, yaml, frontmatter, jinja2, rank_bm25"]
TEXT = """token session invoice retry queue cache index user order payment refund worker signal parser buffer
request answer header cookie schema table column index lock commit branch merge review deploy"""
WORDS = tuple(TEXT.split())


def build(root: Path, notes: int, files: int) -> None:
    """A repository with ``files`` modules of five functions and ``notes`` anchored, verified notes."""
    chance = random.Random(7)
    for number in range(files):
        name = root / "src" / f"pkg{number % 20}" / f"module_{number}.py"
        name.parent.mkdir(parents=True, exist_ok=True)
        body = "".join(
            f"def {chance.choice(WORDS)}_{k}(v, top={k}):\n    total = v * {k}\n    return total\n\n\n"
            for k in range(5)
        )
        name.write_text(body)
    kinds = ("decisions", "patterns", "gotchas")
    for number in range(notes):
        target = number % files
        module = root / "src" / f"pkg{target % 20}" / f"module_{target}.py"
        symbol = module.read_text().split("(")[0].removeprefix("def ")
        text = " ".join(chance.choices(WORDS, k=120))
        path = root / "agent-context" / kinds[number % 3] / f"note-{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"---\ntitle: {' '.join(chance.choices(WORDS, k=5))} {number}\nstatus: active\nanchors:\n"
            f"  - {module.relative_to(root)}#{symbol}\n---\n{text}\n"
        )


class Place:
    """The repository under measurement."""

    def __init__(self, root: Path) -> None:
        self.root = root
        home = root.parent / "home"
        home.mkdir()
        self.environment = {**os.environ, "HOME": str(home), "AGENTCTX_NO_WORKER": "1"}

    def run(self, *command: str) -> float:
        """Wall seconds of one process."""
        began = time.perf_counter()
        subprocess.run(
            command,
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        return time.perf_counter() - began

    def agentctx(self, *arguments: str) -> float:
        return self.run(sys.executable, "-m", "agentctx", *arguments)

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
        self.run("git", *identity, *arguments)


def measure(place: Place, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """(seconds, baseline seconds) pairs of each command."""
    module = place.root / "src" / "pkg1" / "module_1.py"

    def touch(number: int) -> None:
        module.write_text(module.read_text() + f"\n\nEXTRA_{number} = {number}\n")

    cases: dict[str, tuple[Callable[[int], None], Sequence[str]]] = {
        "prime, warm": (lambda _: None, ("prime", "--task", "retry the payment when the queue is full")),
        "status, warm": (lambda _: None, ("status",)),
        "status after a one-file change": (touch, ("status",)),
        "search, warm": (lambda _: None, ("search", "payment retry queue")),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, (prepare, command) in cases.items():
            prepare(number)
            base = place.run(*BASELINE)
            pair = (place.agentctx(*command), base)
            if number:  # the first round warms caches
                found[name].append(pair)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, default=1000)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentctx-speed-") as folder:
        root = Path(folder) / "repo"
        root.mkdir()
        build(root, given.notes, given.files)
        place = Place(root)
        place.git("init", "-q")
        place.git("add", "-A")
        place.git("commit", "-q", "-m", "all")
        place.agentctx("verify")
        place.git("add", "-A")
        place.git("commit", "-q", "-m", "verified")
        began = time.perf_counter()
        place.agentctx("status")
        cold = time.perf_counter() - began
        found = measure(place, given.rounds)
    rows = [
        {
            "command": name,
            "seconds": round(statistics.median(s for s, _ in pairs), 3),
            "baseline": round(statistics.median(b for _, b in pairs), 3),
            "ratio": round(statistics.median(s / b for s, b in pairs), 2),
        }
        for name, pairs in found.items()
    ]
    if given.json:
        print(json.dumps({"notes": given.notes, "first_status": round(cold, 3), "rows": rows}, indent=2))
        return
    print(f"{given.notes} notes, {given.files} files, medians of {given.rounds} cold processes each, in turn")
    print(f"{'command':34} {'seconds':>8} {'import':>8} {'ratio':>6}")
    for row in rows:
        print(f"{row['command']:34} {row['seconds']:8.3f} {row['baseline']:8.3f} {row['ratio']:6.2f}")
    print(f"first status after verify: {cold:.2f} s")


if __name__ == "__main__":
    main()
