"""Break sync on purpose, often, and count what is lost.

    bench/faults [TRIAL]... [--scale 0.1] [--size NAME=N]... [--record FILE] [--json]

Kills, races, lying models, failing disks, hostile settings, odd machines, taking back: without names every
trial is run at its full size. Each round has a chance of its own that follows from its number, so a
measurement that was stopped goes on where it was (`--record FILE`, as long as the code is the same). Exit
code 1 when anything that must not happen did.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.trials import answers, disks, kills, people, places, taking_back
from bench.trials.base import Round, Trial

ROOT = Path(__file__).resolve().parents[1]
TRIALS: tuple[Trial, ...] = tuple(
    trial for family in (kills, people, answers, places, disks, taking_back) for trial in family.TRIALS
)


@dataclass
class Result:
    """All rounds of one trial so far."""

    trial: Trial
    rounds: int = 0
    seconds: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, count: int, seconds: float, seen: dict[str, int], wrong: Sequence[str]) -> None:
        self.rounds += count
        self.seconds += seconds
        self.seen.update(seen)
        self.wrong += wrong

    @property
    def missed(self) -> list[str]:
        return self.trial.missed(self.rounds, self.seen, len(self.wrong))

    @property
    def measured(self) -> str:
        return ", ".join(f"{self.seen[name]} {name}" for name in self.trial.shows) or "as wanted"


class Record:
    """What has been played already, a line of JSON for each round, for this code and no other."""

    def __init__(self, path: Path | None) -> None:
        self.path, self.code = path, _digest()
        self.lines: list[dict[str, object]] = []
        if path and path.exists():
            found = (json.loads(line) for line in path.read_text().splitlines() if line.endswith("}"))
            self.lines = [line for line in found if line["code"] == self.code]

    def played(self, trial: Trial) -> Iterator[dict[str, object]]:
        return (line for line in self.lines if line["trial"] == trial.name)

    def add(self, trial: Trial, round: Round, seconds: float) -> None:
        if self.path is None:
            return
        line = {
            "code": self.code, "trial": trial.name, "number": round.number, "count": round.count,
            "seconds": round_off(seconds), "seen": dict(round.seen), "wrong": round.wrong,
        }  # fmt: skip
        with self.path.open("a") as stream:
            stream.write(json.dumps(line) + "\n")


def round_off(seconds: float) -> float:
    return round(seconds, 3)


def _digest() -> str:
    """The code under test: a record of other code says nothing about it."""
    bench = ROOT / "bench"
    sources = sorted(
        [*(ROOT / "agentctx").rglob("*.py"), *(bench / "trials").rglob("*.py"), bench / "merge.py"]
    )
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def measure(trial: Trial, size: int, record: Record, told: Progress) -> Result:
    """Play every round that the record lacks. A scene that breaks counts as a round gone wrong."""
    result = Result(trial)
    done = set()
    for line in record.played(trial):
        if int(str(line["number"])) < size:
            done.add(line["number"])
            result.add(line["count"], line["seconds"], line["seen"], line["wrong"])  # type: ignore[arg-type]
    left = [n for n in range(0, size, trial.batch) if n not in done]
    if not left:
        return result
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder:
        try:
            with trial.begin(Path(folder), size) as play:
                for number in left:
                    round = Round(number, min(trial.batch, size - number))
                    began = time.monotonic()
                    play(round)
                    seconds = time.monotonic() - began
                    record.add(trial, round, seconds)
                    result.add(round.count, seconds, round.seen, round.wrong)
                    told.show(result, size)
        except Exception:  # one broken scene must not hide what the others found
            result.wrong.append(traceback.format_exc(limit=-3))
    return result


class Progress:
    """One line on standard error that moves; a line for every tenth when it is no terminal."""

    def __init__(self) -> None:
        self.tty, self.tenth = sys.stderr.isatty(), ("", -1)

    def show(self, result: Result, size: int) -> None:
        tenth = (result.trial.name, 10 * result.rounds // size)
        if self.tty or tenth != self.tenth:
            self.tenth = tenth
            end = "\r" if self.tty and result.rounds < size else "\n"
            line = (
                f"{result.trial.name}: {result.rounds} of {size}, {result.seconds:.0f} s, {result.measured}"
            )
            print(f"{line[:150]:150}" if self.tty else line, end=end, file=sys.stderr, flush=True)


# --------------------------------------------------------------------------- the command


def main(arguments: list[str] | None = None) -> int:
    """Run the trials and print the table."""
    options = _options(arguments)
    sizes = {trial.name: max(1, int(trial.size * options.scale)) for trial in TRIALS}
    sizes |= {name: int(number) for name, _, number in (given.partition("=") for given in options.size)}
    record, told = Record(options.record), Progress()
    results = []
    for trial in TRIALS:
        if not options.trial or trial.name in options.trial:
            results.append(measure(trial, sizes[trial.name], record, told))
            for line in results[-1].wrong[:5]:
                print(f"  {line}", file=sys.stderr)
    if options.json:
        print(json.dumps([_as_data(result) for result in results], indent=1))
    else:
        _table(results)
    return int(any(result.missed for result in results))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    names = [trial.name for trial in TRIALS]
    parser = argparse.ArgumentParser(
        prog="bench/faults", description=(__doc__ or "").splitlines()[0],
        epilog="trials and full sizes: " + ", ".join(f"{trial.name} {trial.size}" for trial in TRIALS),
    )  # fmt: skip
    parser.add_argument("trial", nargs="*", metavar="TRIAL")
    parser.add_argument("--scale", type=float, default=1.0, help="a share of the full sizes")
    parser.add_argument("--size", action="append", default=[], metavar="NAME=N", help="rounds of one trial")
    parser.add_argument("--record", type=Path, help="keep rounds here, and go on from what it holds")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    unknown = [
        name for name in (*options.trial, *(s.partition("=")[0] for s in options.size)) if name not in names
    ]
    if unknown:
        parser.error(f"there is no trial {unknown[0]!r}: {', '.join(names)}")
    return options


def _as_data(result: Result) -> dict[str, object]:
    return {
        "trial": result.trial.name, "rounds": result.rounds, "wanted": result.trial.wanted,
        "seen": {name: result.seen[name] for name in result.trial.shows},
        "missed": result.missed, "wrong": result.wrong, "seconds": round_off(result.seconds),
    }  # fmt: skip


def _table(results: Sequence[Result]) -> None:
    print("| trial | rounds | wanted | measured | |\n|---|---|---|---|---|")
    for result in results:
        trial, verdict = result.trial, "; ".join(result.missed) or "held"
        print(f"| {trial.name} | {result.rounds} | {trial.wanted} | {result.measured} | {verdict} |")
    rounds, seconds = sum(r.rounds for r in results), sum(r.seconds for r in results)
    print(f"\n{rounds} rounds in {seconds:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
