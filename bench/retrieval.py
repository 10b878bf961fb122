"""How often the right notes come first: the shipped search on real tasks, beside plainer ones.

``bench/retrieval --data DIR`` reads every repository found in DIR/targeting (change suite: the task is the
title and text of a merged change, the notes are the sections of the documentation before it, the right ones
are those that the change touched) and every collection in DIR/retrieval (decision records that a change
cites). Of the history only what lies before a change is used. Nothing is written to disk.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import multiprocessing
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from agentctx.llm.settings import ProviderSettings
from agentctx.model import Commit, Freshness, Note, Query, Section
from agentctx.proposals.note_history import Merge, NoteHistory, titles_of
from agentctx.retrieval.bags import Bag, bag_of
from agentctx.retrieval.concordance import Concordance
from agentctx.retrieval.ranking import concordance_of, rank
from agentctx.retrieval.tokens import tokenize
from agentctx.retrieval.weights import SHIPPED, Weights
from bench.retrieval_meaning import Cost, Meaning

MEASURES = ("recall@1", "recall@5", "recall@10", "MRR", "nDCG@10")
MINIMUM_WORDS = 12
NO_SIGNALS: dict[str, Any] = {
    "context": 0.0,
    "phrases": 0.0,
    "history": 0.0,
    "document": 0.0,
    "recency": 0.0,
    "query_change": 1.0,
}
OFF: dict[str, dict[str, Any]] = {
    "title": {"title": 0.0},
    "path": {"path": 0.0},
    "headings above": {"context": 0.0},
    "headings inside": {"headings": 0.0},
    "usual saturation (1.5)": {"saturation": 1.5},
    "usual length (0.75)": {"body_length": 0.75},
    "code spans of the task": {"query_code": 0.0},
    "text of the task": {"query_body": 0.0},
    "less for words of any change": {"query_change": 1.0},
    "phrases": {"phrases": 0.0},
    "earlier titles": {"history": 0.0},
    "mean of the document": {"document": 0.0},
    "recency": {"recency": 0.0},
}


# --------------------------------------------------------------------------- reading the data


@dataclass(frozen=True)
class Task:
    """One question with its candidates and the right answers."""

    query: Query
    notes: Sequence[Note]
    words: Concordance
    freshness: Mapping[str, Freshness]
    relevant: frozenset[str]
    changed: tuple[str, ...] = ()


def rows(base: Path, name: str) -> list[dict[str, Any]]:
    with gzip.open(f"{base}.{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


class ChangeSuite:
    """Walks the cases of one repository, oldest first, with the documentation and the history of that day."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.texts = {r["h"]: r["text"] for r in rows(base, "sections")}
        self.documents = {(r["v"], r["path"]): r["sections"] for r in rows(base, "docs")}
        self.past = NoteHistory()
        self.dates: list[str] = []
        """Of the changes in ``past``."""

    def tasks(self) -> Iterator[Task]:
        manifest: dict[str, str] = {}
        earlier = rows(self.base, "history")
        for case in rows(self.base, "cases"):
            for path in case["docs_del"]:
                manifest.pop(path, None)
            manifest.update(case["docs_set"])
            while len(self.dates) < len(earlier) and earlier[len(self.dates)]["i"] < case["i"]:
                self._remember(earlier[len(self.dates)])
            relevant = frozenset(x["id"] for x in case["relevant_sections"])
            if case["kind"] == "positive" and relevant:
                yield self._task(case, manifest, relevant)

    def _remember(self, change: Mapping[str, Any]) -> None:
        renames = tuple((old, new) for old, new in change.get("ren", ()))
        self.past.add(Merge(str(change["i"]), change["s"], (), tuple(change.get("secs", ())), renames))
        self.dates.append(change["d"])

    def _task(self, case: Mapping[str, Any], manifest: Mapping[str, str], relevant: frozenset[str]) -> Task:
        found = [pair for path, v in sorted(manifest.items()) for pair in self._document(path, v)]
        notes = [note for note, _ in found]
        return Task(
            Query(text=f"{case['subject']}\n\n{case['body']}"),
            notes,
            concordance_of(notes, titles_of(self.past, notes), {n.id: bag for n, bag in found}),
            {n.id: self._freshness(n) for n in notes},
            relevant,
            tuple(f["path"] for f in case["files"]),
        )

    def _freshness(self, note: Note) -> Freshness:
        changes = self.past.of_note(note)
        last = Commit("", "", self.dates[changes[-1]], "") if changes else None
        return Freshness(note.id, "unknown", changed=last)

    @cache  # noqa: B019 - one suite lives as long as its process
    def _document(self, path: str, version: str) -> list[tuple[Note, Bag]]:
        """The sections of one version of a document as read-only notes, as the shipped reader names them."""
        sections = self.documents[version, path]
        notes = [
            Note(
                id=f"{path}#{slug}",
                path=path,
                kind="document",
                title=heading if place == 0 else f"{sections[0][1]}: {heading}",
                body=self.texts[text],
                digest=text,
                sections=(Section(heading, level_of(self.texts[text]), self.texts[text], 0, 0),),
                read_only=True,
            )
            for place, (slug, heading, text) in enumerate(sections)
            if len(self.texts[text].split()) >= MINIMUM_WORDS
        ]
        return [(note, bag_of(note)) for note in notes]


def level_of(text: str) -> int:
    """The level of the heading that a section starts with, in Markdown or reStructuredText."""
    if found := re.search(r"(?m)^(#{1,6})\s", text[:300]):
        return len(found[1])
    found = re.search(r"(?m)^\S.*\n([=\-~^\"'+*`])\1{2,}\s*$", text[:400])
    return "=-~^".find(found[1]) % 5 + 1 if found else 1


def record_tasks(base: Path) -> Iterator[Task]:
    notes = []
    for record in rows(base, "records"):
        text = record["text"]
        title = re.search(r"(?im)^title:[ \t]*(.*)$|^#[ \t]+(.*)$", text)
        headings = re.findall(r"(?m)^#{1,6}[ \t]+(.+)$|^(\S.*)\n(?:=|-|~){3,}\s*$", text)
        notes.append(
            Note(
                id=record["id"],
                path=record["path"],
                kind="decision",
                title=(title[1] or title[2] or "").strip(" \"'\r") if title else "",
                body=text,
                digest=record["id"],
                sections=tuple(Section(a or b, 2, "", 0, 0) for a, b in headings),
            )
        )
    words = concordance_of(notes)
    for query in rows(base, "queries"):
        text = f"{query['title']}\n\n{query['body']}"
        yield Task(Query(text=text), notes, words, {}, frozenset(query["relevant"]))


# --------------------------------------------------------------------------- methods and measures

Method = Callable[[Task], list[str]]


def shipped(weights: Weights = SHIPPED, files: bool = False) -> Method:
    def order(task: Task) -> list[str]:
        query = replace(task.query, changed=task.changed) if files else task.query
        return [h.id for h in rank(query, task.notes, task.freshness, words=task.words, weights=weights)]

    return order


def plain(split: Callable[[Note], list[str]], words: Callable[[str], list[str]]) -> Method:
    """rank-bm25 as it comes."""
    from rank_bm25 import BM25Okapi

    known: dict[int, Any] = {}

    def order(task: Task) -> list[str]:
        if id(task.notes) not in known:
            known.clear()
            known[id(task.notes)] = task.notes, BM25Okapi([split(n) or [""] for n in task.notes])
        scores = known[id(task.notes)][1].get_scores(words(task.query.text))
        return [task.notes[i].id for i in sorted(range(len(scores)), key=lambda i: (-scores[i], i))]

    return order


@cache
def _spaced(text: str) -> list[str]:
    return text.split()


@cache
def _tokens(text: str) -> list[str]:
    return tokenize(text)


def methods(ablate: bool, meaning: Meaning | None = None) -> dict[str, Method]:
    every: dict[str, Method] = {
        "shipped": shipped(),
        "rank-bm25, white space": plain(lambda n: _spaced(f"{n.title} {n.body}"), _spaced),
        "rank-bm25, code tokens": plain(lambda n: _tokens(f"{n.title} {n.body}"), _tokens),
        "fields alone": shipped(replace(SHIPPED, **NO_SIGNALS)),
        "shipped, changed files known": shipped(files=True),
    }
    if meaning:
        every = {"shipped": shipped(), "embeddings alone": meaning.order, "shipped, fused": meaning.fused}
    if ablate:
        every = {"shipped": shipped()}
        every |= {f"without {name}": shipped(replace(SHIPPED, **off)) for name, off in OFF.items()}
    return every


def measures(order: Sequence[str], relevant: frozenset[str]) -> tuple[float, ...]:
    """recall@1, @5, @10, reciprocal rank, nDCG@10."""
    places = [i for i, id in enumerate(order) if id in relevant]
    recalls = [sum(p < k for p in places) / len(relevant) for k in (1, 5, 10)]
    gain = sum(1 / math.log2(p + 2) for p in places if p < 10)
    best = sum(1 / math.log2(p + 2) for p in range(min(10, len(relevant))))
    return (*recalls, 1 / (places[0] + 1) if places else 0.0, gain / best)


Results = dict[str, list[tuple[float, ...]]]
"""Method -> the measures of every task."""


Job = tuple[str, bool, int, ProviderSettings | None]
"""Repository, whether signals are left out, each Nth task, the embedding model."""


def run(job: Job) -> tuple[str, Results, Cost]:
    base, ablate, every_nth = Path(job[0]), job[1], job[2]
    change = base.parent.name == "targeting"
    meaning = Meaning(job[3]) if job[3] else None
    every = methods(ablate, meaning)
    results: Results = {name: [] for name in every}
    tasks = ChangeSuite(base).tasks() if change else record_tasks(base)
    for task in islice(tasks, 0, None, every_nth):
        for name, method in every.items():
            results[name].append(measures(method(task), task.relevant))
    return f"{base.parent.name}/{base.name}", results, meaning.cost if meaning else Cost()


# --------------------------------------------------------------------------- printing


def mean(found: Sequence[Sequence[float]]) -> list[float]:
    return [sum(column) / len(found) for column in zip(*found, strict=True)] if found else [0.0] * 5


def suite_mean(results: Mapping[str, Results], suite: str, method: str) -> list[float]:
    """Mean over the repositories of a suite."""
    return mean([mean(r[method]) for name, r in results.items() if name.startswith(f"{suite}/")])


def interval(results: Mapping[str, Results], suite: str, method: str, measure: int) -> tuple[float, float]:
    """95 % bootstrap interval of a suite's mean: tasks drawn anew within each repository, 1,000 times."""
    draw = random.Random(0)
    columns = [[m[measure] for m in r[method]] for n, r in results.items() if n.startswith(f"{suite}/")]
    means = sorted(
        sum(sum(draw.choices(c, k=len(c))) / len(c) for c in columns) / len(columns) for _ in range(1000)
    )
    return means[25], means[974]


def report(results: Mapping[str, Results], ablate: bool) -> dict[str, Any]:
    names = list(next(iter(results.values())))
    out: dict[str, Any] = {"measures": MEASURES, "repositories": {}, "suites": {}}
    for repository, found in results.items():
        out["repositories"][repository] = {
            "tasks": len(found["shipped"]),
            "methods": {name: [round(x, 4) for x in mean(found[name])] for name in names},
        }
    for suite in ("targeting", "retrieval"):
        if any(name.startswith(f"{suite}/") for name in results):
            out["suites"][suite] = {
                name: {
                    "mean": [round(x, 4) for x in suite_mean(results, suite, name)],
                    "recall@10 95%": [] if ablate else interval(results, suite, name, 2),
                    "MRR 95%": [] if ablate else interval(results, suite, name, 3),
                }
                for name in names
            }
    return out


def show(found: Mapping[str, Any], ablate: bool) -> None:
    line = f"{'':46s} {'tasks':>5s} " + " ".join(f"{m:>9s}" for m in MEASURES)
    print(line)
    for repository, entry in found["repositories"].items():
        for name, values in entry["methods"].items():
            if not ablate:
                cells = " ".join(f"{v:9.3f}" for v in values)
                print(f"{repository.partition('/')[2][:20]:20s} {name:25.25s} {entry['tasks']:5d} {cells}")
    for suite, entry in found["suites"].items():
        label = "change suite" if suite == "targeting" else "decision records"
        base = entry["shipped"]["mean"]
        print(f"\n{label}: mean over repositories")
        for name, values in entry.items():
            cells = " ".join(f"{v:9.3f}" for v in values["mean"])
            if ablate:
                tail = " ".join(f"{values['mean'][i] - base[i]:+.4f}" for i in (2, 3))
            else:
                tail = "  ".join(
                    f"{key[:-4]} {values[key][0]:.3f}-{values[key][1]:.3f}"
                    for key in ("recall@10 95%", "MRR 95%")
                )
            print(f"  {name:50.50s} {cells}   {tail}")


def sources(data: Path) -> list[str]:
    change = sorted(str(p)[: -len(".cases.jsonl.gz")] for p in (data / "targeting").glob("*.cases.jsonl.gz"))
    records = sorted(
        str(p)[: -len(".queries.jsonl.gz")] for p in (data / "retrieval").glob("*.queries.jsonl.gz")
    )
    return change + records


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with targeting/ and retrieval/")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--ablate", action="store_true", help="leave out one signal at a time")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="a quicker look: each Nth task")
    parser.add_argument("--embeddings", metavar="URL", default="", help="an OpenAI-compatible base address")
    parser.add_argument("--model", metavar="NAME", default="", help="the embedding model's name there")
    options = parser.parse_args()
    found = sources(options.data)
    if not found:
        print(f"no *.cases.jsonl.gz or *.queries.jsonl.gz under {options.data}", file=sys.stderr)
        return 2
    chosen = ProviderSettings("openai-compatible", options.model, options.embeddings)
    model = chosen if options.embeddings else None
    with multiprocessing.Pool(2) as pool:
        jobs = [(base, options.ablate, max(1, options.every), model) for base in found]
        done = {name: (results, cost) for name, results, cost in pool.imap_unordered(run, jobs)}
    ordered = [f"{Path(b).parent.name}/{Path(b).name}" for b in found]
    table = report({name: done[name][0] for name in ordered}, options.ablate)
    if model:
        table["cost"] = asdict(sum((done[name][1] for name in ordered), Cost()))
    if options.json:
        print(json.dumps(table, indent=1))
    else:
        show(table, options.ablate)
        if model:
            print("\ncost of the embeddings: " + Cost(**table["cost"]).told())
    return 0


if __name__ == "__main__":
    sys.exit(main())
