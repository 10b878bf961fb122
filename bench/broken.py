"""What is still known of a Python file with a syntax error? Breaks real files and compares the stamps.

    bench/broken REPOSITORY... [--files 60] [--breaks 6] [--seed 1] [--json]

Each file is broken in one line (a bracket, colon or quote taken out, a word too many, half a line, markers of
a conflict). Every symbol that the line is no part of should keep its stamp; `unknown` is honest, another
stamp or a symbol that is gone is wrong. Beside it: in how many whole files the grammar, which reads what the
interpreter refuses, gives other stamps than the interpreter.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from agentctx.freshness.languages.base import Parsed
from agentctx.freshness.languages.python import Python, _read
from agentctx.freshness.languages.python_recovery import recover

PYTHON = Python()
BREAKS: dict[str, Callable[[str, random.Random], str]] = {
    "bracket": lambda line, _: line.replace(")", "", 1),
    "colon": lambda line, _: re.sub(r":\s*$", "", line),
    "words": lambda line, _: f"{line} foo bar",
    "open": lambda line, _: f"{line} (",
    "half": lambda line, chance: line[: chance.randint(len(line) - len(line.lstrip()) + 1, len(line))],
    "conflict": lambda line, _: f"<<<<<<< HEAD\n{line}\n=======\n{line}\n>>>>>>> other",
    "quote": lambda line, _: line.replace('"', "", 1),
    "sign": lambda line, _: f"{line} =",
}


def main(arguments: list[str] | None = None) -> int:
    """Break the files of the repositories that the command line names."""
    parser = argparse.ArgumentParser(prog="bench/broken", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("repositories", nargs="+", type=Path, metavar="REPOSITORY", help="checked out clones")
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--breaks", type=int, default=6, help="of each file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # of the files' own escapes
    chance = random.Random(options.seed)
    paths = sorted(path for repository in options.repositories for path in _files(repository))
    counts: Counter[str] = Counter()
    for path in chance.sample(paths, min(options.files, len(paths))):
        source = path.read_text(encoding="utf-8", errors="replace")
        whole = PYTHON.parse(path.name, source.encode())
        if whole.error or whole.damage:
            continue
        counts["files"] += 1
        counts["files_read_otherwise_by_the_grammar"] += _stamps(whole) != _by_grammar(source.encode())
        for _ in range(options.breaks):
            _break(source, whole, chance, counts)
    print(
        json.dumps(counts, indent=1) if options.json else "\n".join(f"{n:38} {c}" for n, c in counts.items())
    )
    return 0


def _files(repository: Path) -> list[Path]:
    out = subprocess.run(["git", "-C", repository, "ls-files", "-z", "*.py"], capture_output=True, check=True)
    return [repository / name for name in out.stdout.decode().split("\0") if name]


def _break(source: str, whole: Parsed, chance: random.Random, counts: Counter[str]) -> None:
    lines = source.split("\n")
    places = [at for at, line in enumerate(lines) if line.strip() and not line.strip().startswith("#")]
    if len(places) < 10:
        return
    at = chance.choice(places)
    broken = "\n".join(
        [*lines[:at], BREAKS[chance.choice(list(BREAKS))](lines[at], chance), *lines[at + 1 :]]
    )
    try:
        ast.parse(broken)
    except (SyntaxError, ValueError):
        counts["broken_copies"] += 1
    else:
        return
    found = PYTHON.parse("a.py", broken.encode())
    for name, symbol in whole.symbols.items():
        if symbol.start_line <= at + 1 <= symbol.end_line:
            continue
        now = found.symbols.get(name)
        hidden = now is None and bool(found.error or found.damage)
        counts["same" if now and now.stamp == symbol.stamp else "unknown" if hidden else "wrong"] += 1


def _stamps(parsed: Parsed) -> dict[str, object]:
    return {name: symbol.stamp for name, symbol in parsed.symbols.items()}


def _by_grammar(source: bytes) -> dict[str, object]:
    return _stamps(_read(recover(source).tree, source))


if __name__ == "__main__":
    sys.exit(main())
