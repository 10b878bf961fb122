"""Does a recall ever return what is no longer true, and always what is?

First, facts with a key (entity, property): 200 are kept, 100 of them get another value. Then facts that come
from notes: the Markdown documents of a real repository become notes, are taken through its last landings
that changed them (``--repository PATH --merges 50``), and are exported after each one, as a team would do it.
Each key is asked for with its own words, and the first five answers are looked at:

- stale intrusion: the share of keys with an older value for which one of the five is that older value;
- current: the share of keys that hold for which one of the five is what holds now.

Run it with ``bench/stale``.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentctx.flows.export import import_jsonl
from agentctx.flows.memories import Memory
from agentctx.memory.store import SqlStore, open_postgres, open_sqlite
from agentctx.model import Fact
from agentctx.text import slugify
from bench.memory import server as postgres
from bench.scratch import CONTEXT, Clone

PEOPLE = ["Ada", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hana", "Ivo", "Jill"]
PROPERTIES = ("owner", "reviewer", "oncall", "contact")
_LONGEST = 8_000


@dataclass(frozen=True)
class Key:
    """One question: the words of a key, what holds, and what held before."""

    entity: str
    property: str
    current: Fact | None
    older: frozenset[str]
    """Values as JSON, without the current one."""


def judge(memory: Memory, keys: Iterable[Key]) -> dict[str, Any]:
    """The two shares at five answers."""
    asked = held = changed = intruded = found = 0
    for key in keys:
        asked += 1
        query = f"{key.property} of {key.entity}"
        hits = [hit.item for hit in memory.recall(query, 5) if isinstance(hit.item, Fact)]
        if key.older:
            changed += 1
            mine = [hit for hit in hits if (hit.entity, hit.property) == (key.entity, key.property)]
            intruded += any(_value(hit) in key.older for hit in mine)
        if key.current:
            held += 1
            found += any(hit.id == key.current.id for hit in hits)
    return {
        "keys": asked,
        "changed": changed,
        "stale_at_5": intruded / changed if changed else None,
        "current_at_5": found / held if held else None,
    }


def _value(fact: Fact) -> str:
    return json.dumps(fact.value, sort_keys=True)


def keyed(store: SqlStore) -> dict[str, Any]:
    """200 keyed facts, every second one changed."""
    memory = Memory(store, "/keyed")
    names = [(f"service {n // 4}", PROPERTIES[n % 4]) for n in range(200)]
    for n, (entity, name) in enumerate(names):
        memory.set_fact(entity, name, PEOPLE[n % 10])
        memory.remember(f"The {name} of {entity} was talked about")
    for n, (entity, name) in enumerate(names[::2]):
        memory.set_fact(entity, name, PEOPLE[(n * 2 + 3) % 10])
    return judge(memory, keys_of(memory))


def keys_of(memory: Memory) -> list[Key]:
    """Every key that ever had a fact."""
    lines: dict[tuple[str, str, str], list[Fact]] = {}
    for fact in memory.store.everything(memory.space).facts:
        lines.setdefault((fact.namespace, fact.entity, fact.property), []).append(fact)
    found = []
    for (space, entity, name), facts in lines.items():
        current = memory.store.fact(space, entity, name, memory.now())
        held = {_value(fact) for fact in facts} - ({_value(current)} if current else set())
        found.append(Key(entity, name, current, frozenset(held)))
    return found


# --------------------------------------------------------------------------- notes through real landings


def landings(repository: Path, count: int) -> list[str]:
    """The last landings of the mainline that changed a Markdown document, oldest first."""
    git = ("git", "-C", str(repository), "rev-list", "--first-parent", f"--max-count={count}", "HEAD")
    found = subprocess.run([*git, "--", "*.md"], capture_output=True, text=True, check=True)
    return found.stdout.split()[::-1]


def documents(clone: Clone, commit: str) -> dict[str, str]:
    """The Markdown documents of a commit as notes: name -> text."""
    texts = clone.read(commit, [path for path in clone.paths(commit) if path.endswith(".md")][:400])
    return {slugify(path): _note(path, text) for path, text in texts.items() if text.strip()}


def _note(path: str, text: str) -> str:
    body = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)[:_LONGEST]
    return f"---\ntitle: {json.dumps(path)}\nstatus: active\n---\n{body}\n"


def noted(store: SqlStore, repository: Path, merges: int, folder: Path) -> dict[str, Any]:
    """Notes made of documents, through real landings, exported into the store after each."""
    source, clone = Clone(repository, folder / "source"), folder / "team"
    clone.mkdir()

    def git(*words: str) -> None:
        subprocess.run(["git", "-C", str(clone), *words], check=True, capture_output=True)

    git("init", "-q")
    git("config", "user.name", "bench")
    git("config", "user.email", "bench@example.org")
    notes = clone / CONTEXT / "decisions"
    notes.mkdir(parents=True)
    commits = landings(repository, merges)
    for commit in commits:
        for path in notes.iterdir():
            path.unlink()
        for name, text in documents(source, commit).items():
            (notes / f"{name}.md").write_text(text, encoding="utf-8")
        git("add", "-A")
        git("commit", "-q", "--allow-empty", "-m", f"Land {commit[:12]}")
        out = subprocess.run(
            [sys.executable, "-m", "agentctx", "export", "jsonl", "--only", "notes", "--namespace", "/notes"],
            cwd=clone, capture_output=True, check=True,
        ).stdout  # fmt: skip
        store.restore(import_jsonl(out.decode().splitlines(keepends=True)))
    memory = Memory(store, "/notes")
    return {"landings": len(commits), **judge(memory, keys_of(memory))}


def run(engine: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The rows of one engine."""
    with (
        postgres(arguments.dsn) if engine == "postgres" else nullcontext("") as dsn,
        tempfile.TemporaryDirectory(prefix="agentctx-bench-") as name,
    ):
        store = open_postgres(dsn) if dsn else open_sqlite(Path(name) / "memory.sqlite")
        rows = [{"engine": engine, "facts": "with keys", **keyed(store)}]
        if arguments.repository:
            found = noted(store, arguments.repository.resolve(), arguments.merges, Path(name))
            rows.append({"engine": engine, "facts": f"from notes, {arguments.repository.name}", **found})
        store.close()
    return rows


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench/stale", description=__doc__.splitlines()[0])
    parser.add_argument("--repository", type=Path, help="a git repository with documents in Markdown")
    parser.add_argument("--merges", type=int, default=50)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], nargs="+", default=["sqlite", "postgres"])
    parser.add_argument("--dsn", default="", help="a PostgreSQL to use instead of one started here")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    rows = [row for engine in arguments.engine for row in run(engine, arguments)]
    if arguments.json:
        json.dump({"version": 1, "rows": rows}, sys.stdout, indent=2)
        print()
        return
    for row in rows:
        print(", ".join(f"{name}: {value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
