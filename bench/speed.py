"""Whole commands in cold processes, as ratios to a bare import of the named packages in the same run.

`bench/speed` builds a repository of notes and code in a temporary folder, warms the caches once and measures
in turn, so that a machine that slows down slows both sides. Times are processor seconds, user and system, of
the command and of every git process it starts: a busy machine changes them little. The first look at the
repository, without any cache, is also timed by the clock, for it uses more than one processor.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
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
_FUNCTIONS = 6
_FUNCTION = '''
def {name}(value: int, top: int = 10, *, strict: bool = False) -> list[int]:
    """Return the {word} of each value up to ``top``."""
    found = []
    for at, step in enumerate(range(top)):
        if strict and step > LIMIT_{number}:
            raise ValueError(f"{{step}} is over the {word}")
        found.append(other_{other}(value + step, top=at))
    return sorted(found, key=lambda entry: -entry)
'''
_CLASS = '''
class {name}:
    """Keeps what was read from one file."""

    size = LIMIT_{number}

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries = json.loads(path.read_text())

    def total(self) -> int:
        return sum({first}(entry, self.size)[0] for entry in self.entries)

    def largest(self) -> int:
        return max((entry for entry in self.entries), default=self.size)
'''


def build(root: Path, notes: int, files: int, anchors: int = 1) -> None:
    """``files`` modules of 3 KB that import from each other; ``notes`` notes with so many anchors each."""
    chance = random.Random(7)
    names = [[f"{chance.choice(WORDS)}_{k}" for k in range(_FUNCTIONS)] for _ in range(files)]
    for number in range(files):
        path = root / _module(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_source(number, names, chance))
    kinds = ("decisions", "patterns", "gotchas")
    for number in range(notes):
        modules = [(number * anchors + k) % files for k in range(anchors)]
        text = " ".join(chance.choices(WORDS, k=120))
        path = root / "agent-context" / kinds[number % 3] / f"note-{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"---\ntitle: {' '.join(chance.choices(WORDS, k=5))} {number}\nstatus: active\nanchors:\n"
            + "".join(f"  - {_module(at)}#{names[at][0]}\n" for at in modules)
            + f"---\n{text}\n"
        )


def _module(number: int) -> str:
    return f"src/pkg{number % 20}/module_{number}.py"


def _source(number: int, names: Sequence[Sequence[str]], chance: random.Random) -> str:
    """A module: imports of three others, a constant, functions that call what was imported, a class."""
    others = [chance.randrange(len(names)) for _ in range(3)]
    lines = ["from __future__ import annotations", "", "import json", "from pathlib import Path", ""]
    lines += [
        f"from pkg{at % 20}.module_{at} import {names[at][0]} as other_{k}" for k, at in enumerate(others)
    ]
    lines += ["", f"LIMIT_{number} = {number}", ""]
    for k, name in enumerate(names[number]):
        lines += _FUNCTION.format(name=name, word=chance.choice(WORDS), other=k % 3, number=number).split(
            "\n"
        )
    lines += _CLASS.format(name=f"Holder{number}", first=names[number][0], number=number).split("\n")
    return "\n".join(lines) + "\n"


class Place:
    """The repository under measurement."""

    def __init__(self, root: Path) -> None:
        self.root = root
        home = root.parent / "home"
        home.mkdir()
        self.environment = {**os.environ, "HOME": str(home), "AGENTCTX_NO_WORKER": "1"}

    def run(self, *command: str) -> float:
        """Processor seconds of one process and of those it waited for."""
        return self.timed(*command)[0]

    def timed(self, *command: str) -> tuple[float, float]:
        """Processor seconds of one process and of those it waited for, and seconds of the clock."""
        started = time.monotonic()
        child = subprocess.Popen(
            command,
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
        return used.ru_utime + used.ru_stime, time.monotonic() - started

    def agentctx(self, *arguments: str) -> float:
        return self.run(sys.executable, "-m", "agentctx", *arguments)

    def floor(self) -> float:
        """What nothing can do without that asks git about the work tree from Python."""
        return self.run("git", "status", "--porcelain") + self.run(sys.executable, "-c", "pass")

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
        self.run("git", *identity, *arguments)


def prepared(folder: Path, notes: int, files: int, anchors: int = 1) -> Place:
    """A repository of verified notes in a new folder, everything committed, without caches."""
    root = folder / "repo"
    root.mkdir(parents=True)
    build(root, notes, files, anchors)
    place = Place(root)
    place.git("init", "-q")
    place.git("add", "-A")
    place.git("commit", "-q", "-m", "all")
    place.agentctx("verify")
    place.git("add", "-A")
    place.git("commit", "-q", "-m", "verified")
    shutil.rmtree(root / ".git" / "agentctx")
    return place


PRIME = ("prime", "--task", "retry the payment when the queue is full")
SEARCH = ("search", "payment retry queue")


def growth(small: Place, large: Place, rounds: int) -> dict[str, float]:
    """How many times the processor time of the small repository a command needs in the large one."""
    found: dict[str, list[float]] = {"prime, warm": [], "search, warm": []}
    for number in range(rounds + 1):
        for name, command in zip(found, (PRIME, SEARCH), strict=True):
            less = small.agentctx(*command)
            more = large.agentctx(*command)
            if number:  # the first round warms caches
                found[name].append(more / less)
    return {name: round(statistics.median(ratios), 2) for name, ratios in found.items()}


Case = tuple[Callable[[int], None], Sequence[str]]
"""What to do before the command (it is given a number of its own), and the command's arguments."""
Times = tuple[float, float, float]


def cases(place: Place) -> list[dict[str, Case]]:
    """Groups of commands that leave each other's caches warm."""
    module = place.root / "src" / "pkg1" / "module_1.py"
    note = place.root / "agent-context" / "decisions" / "note-0.md"

    def touch(number: int) -> None:
        module.write_text(module.read_text() + f"\n\nEXTRA_{number} = {number}\n")

    def stage(number: int) -> None:
        note.write_text(note.read_text() + f"\nRead again, {number}.\n")
        place.git("add", str(note))

    def nothing(number: int) -> None:
        """All is as the last command left it."""

    return [
        {
            "prime, warm": (nothing, PRIME),
            "status, warm": (nothing, ("status",)),
            "status after a one-file change": (touch, ("status",)),
            "search, warm": (nothing, SEARCH),
        },
        {"hook pre-commit, a staged note": (stage, ("hook", "pre-commit"))},
    ]


def measure(place: Place, group: dict[str, Case], rounds: int) -> dict[str, list[Times]]:
    """(seconds, seconds of the import, seconds of the floor) of each command."""
    found: dict[str, list[Times]] = {name: [] for name in group}
    for number in range(rounds + 1):
        for name, (prepare, command) in group.items():
            prepare(number)
            base, floor = place.run(*BASELINE), place.floor()
            times = (place.agentctx(*command), base, floor)
            if number:  # the first round warms caches
                found[name].append(times)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, default=1000)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--anchors", type=int, default=1, help="anchors of each note")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--against", type=int, metavar="NOTES", help="also compare with so many notes")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentctx-speed-") as folder:
        place = prepared(Path(folder), given.notes, given.files, given.anchors)
        cold, clock = place.timed(sys.executable, "-m", "agentctx", "status")
        found = {
            name: times
            for group in cases(place)
            for name, times in measure(place, group, given.rounds).items()
        }
        grown: dict[str, float] = {}
        if given.against:
            large = prepared(Path(folder) / "large", given.against, given.files, given.anchors)
            grown = growth(place, large, given.rounds)
    rows = [
        {
            "command": name,
            "seconds": round(statistics.median(s for s, _, _ in times), 3),
            "baseline": round(statistics.median(b for _, b, _ in times), 3),
            "ratio": round(statistics.median(s / b for s, b, _ in times), 2),
            "floor": round(statistics.median(f for _, _, f in times), 3),
            "to_floor": round(statistics.median(s / f for s, _, f in times), 2),
        }
        for name, times in found.items()
    ]
    if given.json:
        first = {"processor": round(cold, 3), "clock": round(clock, 3)}
        table = {"notes": given.notes, "without_caches": first, "rows": rows}
        print(json.dumps({**table, "against": {"notes": given.against, **grown}}, indent=2))
        return
    print(
        f"{given.notes} notes x {given.anchors} anchors, {given.files} files; "
        f"median processor time of {given.rounds} cold processes each, in turn"
    )
    print(
        "ratio: to the import of the packages; to floor: to `git status` and an interpreter that does nothing"
    )
    print(f"{'command':34} {'seconds':>8} {'import':>8} {'ratio':>6} {'floor':>8} {'to floor':>9}")
    for row in rows:
        print(
            f"{row['command']:34} {row['seconds']:8.3f} {row['baseline']:8.3f} {row['ratio']:6.2f} "
            f"{row['floor']:8.3f} {row['to_floor']:9.2f}"
        )
    print(f"status without caches: {cold:.2f} s of the processors, {clock:.2f} s of the clock")
    for name, ratio in grown.items():
        print(f"{name}: {given.against} notes take {ratio:.2f} times as long as {given.notes}")


if __name__ == "__main__":
    main()
