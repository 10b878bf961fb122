"""Does a real formatter ever look like a change? Reformats real files and compares every stamp.

    bench/formatters REPOSITORY [--language TypeScript] [--files 300] [--tool prettier=PATH] [--json]

Each file is reformatted in two opposite styles; each symbol's signature and body must stay the same from the
file as committed to style A to style B. Doc comments are compared apart: a formatter may rewrap them.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agentctx.freshness.languages import language_of
from agentctx.freshness.languages.base import Parsed
from bench.sameness import program


@dataclass(frozen=True)
class Formatter:
    """A program that rewrites files in place, in two styles."""

    tool: str
    suffixes: tuple[str, ...]
    styles: tuple[tuple[str, ...], tuple[str, ...]]
    """Arguments of each style; the files follow."""


_PRETTIER = (
    "--write --log-level silent --ignore-path /dev/null --no-config --no-editorconfig --print-width 60 "
    "--quote-props consistent",
    "--write --log-level silent --ignore-path /dev/null --no-config --no-editorconfig --print-width 140 "
    "--no-semi --single-quote "
    "--jsx-single-quote --quote-props as-needed --trailing-comma none --arrow-parens avoid "
    "--bracket-same-line --object-wrap collapse --no-bracket-spacing --experimental-ternaries",
)
_RUSTFMT = (
    "--edition 2021 --config max_width=60,hard_tabs=true,match_block_trailing_comma=true,"
    "match_arm_leading_pipes=Always,use_small_heuristics=Off,reorder_imports=false,reorder_modules=false",
    "--edition 2021 --config max_width=140,use_small_heuristics=Max,style_edition=2024",
)
FORMATTERS = {
    "TypeScript": Formatter(
        "prettier", (".ts", ".tsx"), (tuple(_PRETTIER[0].split()), tuple(_PRETTIER[1].split()))
    ),
    "JavaScript": Formatter(
        "prettier", (".js", ".jsx", ".mjs"), (tuple(_PRETTIER[0].split()), tuple(_PRETTIER[1].split()))
    ),
    "Go": Formatter("gofmt", (".go",), (("-w",), ("-w", "-s"))),
    "Rust": Formatter("rustfmt", (".rs",), (tuple(_RUSTFMT[0].split()), tuple(_RUSTFMT[1].split()))),
    "Java": Formatter("google-java-format", (".java",), (("-i",), ("-i", "--aosp"))),
    "C": Formatter("clang-format", (".c", ".h"), (("-i", "--style=LLVM"), ("-i", "--style=GNU"))),
    "C++": Formatter(
        "clang-format", (".cc", ".cpp", ".hpp"), (("-i", "--style=Google"), ("-i", "--style=Mozilla"))
    ),
    "C#": Formatter("clang-format", (".cs",), (("-i", "--style=LLVM"), ("-i", "--style=Microsoft"))),
    "Python": Formatter(
        "ruff",
        (".py",),
        (("format", "-q", "--line-length", "50"), ("format", "-q", "--line-length", "140")),
    ),
}


@dataclass(frozen=True)
class Difference:
    """One symbol that a formatter changed."""

    path: str
    symbol: str
    part: str
    style: str


def sample(repository: Path, suffixes: Sequence[str], count: int) -> dict[str, bytes]:
    """A fixed random choice of files at HEAD."""
    git = ["git", "-C", str(repository)]
    names = subprocess.run(
        [*git, "ls-tree", "-r", "--name-only", "-z", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.split("\0")
    chosen = [n for n in names if n.endswith(tuple(suffixes)) and "/vendor/" not in f"/{n}"]
    random.Random(7).shuffle(chosen)
    found = {}
    for name in chosen[:count]:
        done = subprocess.run([*git, "cat-file", "blob", f"HEAD:{name}"], check=False, capture_output=True)
        if done.returncode == 0:
            found[name] = done.stdout
    return found


def reformat(formatter: Formatter, tool: list[str], style: int, files: dict[str, bytes]) -> dict[str, bytes]:
    """The files after the formatter; one that it refuses stays as it is."""
    with tempfile.TemporaryDirectory() as folder:
        places = {name: Path(folder) / f"{i}{Path(name).suffix}" for i, name in enumerate(files)}
        for name, place in places.items():
            place.write_bytes(files[name])
        whole = [str(p) for p in places.values()]
        one_by_one = formatter.tool == "rustfmt"  # it stops at the first file that does not parse
        for batch in [[p] for p in whole] if one_by_one else [whole]:
            subprocess.run(
                [*tool, *formatter.styles[style], *batch], check=False, capture_output=True, cwd=folder
            )
        return {name: place.read_bytes() for name, place in places.items()}


def roughen(name: str, source: bytes) -> bytes:
    """Go has one style only: take the indentation away, where no raw string could hold it."""
    if not name.endswith(".go") or b"`" in source:
        return source
    return b"\n".join(line.strip() for line in source.split(b"\n"))


def compare(path: str, style: str, old: Parsed, new: Parsed) -> list[Difference]:
    """Symbols whose signature or body is another one after formatting."""
    found = []
    for name in [*old.symbols, ""]:
        before, after = old.symbol(name), new.symbol(name)
        if before is None:
            continue
        if after is None:
            found.append(
                Difference(path, name, "unknown" if new.error or "" in new.damage else "gone", style)
            )
            continue
        for part in ("sig", "body", "doc"):
            if getattr(before.stamp, part) != getattr(after.stamp, part):
                found.append(Difference(path, name, part, style))
    return found


def measure(name: str, repository: Path, count: int, tool: list[str]) -> dict[str, object]:
    """Reformat a sample of one repository and compare."""
    formatter = FORMATTERS[name]
    files = sample(repository, formatter.suffixes, count)
    rough = {path: roughen(path, source) for path, source in files.items()}
    styles = [reformat(formatter, tool, style, rough) for style in (0, 1)]
    differences: list[Difference] = []
    symbols = changed = unread = 0
    for path, source in files.items():
        language = language_of(path)
        assert language is not None
        old = language.parse(path, source)
        if old.error or old.damage:
            unread += 1
            continue
        symbols += len(old.symbols)
        for style, versions in zip("AB", styles, strict=True):
            changed += versions[path] != source
            differences += compare(path, style, old, language.parse(path, versions[path]))
    hard = [d for d in differences if d.part not in ("doc", "unknown")]
    return {
        "language": name,
        "tool": formatter.tool,
        "files": len(files),
        "not_parsed": unread,
        "symbols": symbols,
        "rewritten": changed,
        "false_differences": len(hard),
        "doc_differences": sum(d.part == "doc" for d in differences),
        "unknown": sum(d.part == "unknown" for d in differences),
        "examples": [f"{d.path}#{d.symbol} {d.part} ({d.style})" for d in hard[:40]],
    }


def main() -> None:
    """Print one line per language."""
    parser = argparse.ArgumentParser(prog="bench/formatters", description=__doc__.splitlines()[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("--language", choices=sorted(FORMATTERS), action="append")
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--tool", action="append", default=[], help="NAME=COMMAND, for tools not on the path")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    tools = dict(item.split("=", 1) for item in arguments.tool)
    results = []
    for name in arguments.language or sorted(FORMATTERS):
        own = FORMATTERS[name].tool
        tool = tools[own].split() if own in tools else [program(own)]
        if shutil.which(tool[0]) is None:
            print(f"{name}: {own} is not installed")
            continue
        result = measure(name, arguments.repository, arguments.files, tool)
        if result["files"]:
            results.append(result)
    if arguments.json:
        print(json.dumps({"version": 1, "results": results}, indent=2))
        return
    for r in results:
        print(
            f"{r['language']:<11} {r['tool']:<18} files {r['files']:>4} rewritten {r['rewritten']:>4} "
            f"not parsed {r['not_parsed']:>3} symbols {r['symbols']:>6} "
            f"false differences {r['false_differences']} "
            f"(doc comments {r['doc_differences']}, unknown {r['unknown']})"
        )
        for example in r["examples"]:  # type: ignore[attr-defined]
            print(f"  {example}")


if __name__ == "__main__":
    main()
