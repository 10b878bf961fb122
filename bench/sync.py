"""Would the checks let the right edits through and stop the wrong ones? Real merges, real edits, no model.

    bench/sync --data DIR [--merges 50] [--seed 1] [--show N] [--loro] [--train] [--json]

For each merge the section that its authors really edited is the note, and their edit the answer. It is
judged with the merge's own diff as evidence: as is, with names and numbers rotated among each other
(`rotated`), and with only two of them exchanged (`traded`). `foreign` is the true edit with another merge's
diff as evidence; `planted` puts what another merge's edit added into this note. `pending` would be applied
by `--mode apply`, `review` waits for a person, `refused` is never shown. A name counts as existing when the
diff, the repository's paths before or after the merge, or any of its documents before it has it; the product
looks into both trees instead.

`calls` are the requests that a sync would send for the merge, against one request for each note whose file
was touched: a file that the note names, or that the last earlier merge to change the note changed too.

`--loro` judges each repository with weights and thresholds from the others alone; `--train` writes those
that ship, from all of the data. Both take all merges.
"""

from __future__ import annotations

import argparse
import difflib
import gzip
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from agentctx.model import Affected, Change, Note, Operation, Refusal, SyncRequest
from agentctx.notes.document import parse
from agentctx.proposals.affected import affected
from agentctx.proposals.checks import Case, evidence_of, judge, verdict
from agentctx.proposals.judging import SHIPPED
from agentctx.proposals.note_words import count_note
from agentctx.proposals.operations import apply_operations
from agentctx.proposals.prompts import grouped
from agentctx.proposals.support import Rarity, rarity_of
from agentctx.proposals.wording import Names, names_in_code
from bench import sync_training
from bench.targeting_data import Case as Merge
from bench.targeting_data import cases, repositories

NOTES_A_SYNC = 20
"""The cap that a repository has when it sets none."""
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n+", re.DOTALL)
_TOKEN = re.compile(
    r"`[^`\n]{2,60}`|(?<![\w.])\d[\d_.]*\d|(?<![\w.])\d(?![\w.])|\b\w+(?:_\w+)+\b|\b[a-z]+(?:[A-Z]\w+)\b"
)


@dataclass(frozen=True)
class Edited:
    """One section before and after one merge, and what its repository names."""

    repository: str
    note: Note
    data: bytes
    after: str
    change: Change
    known: Names
    rarity: Rarity


@dataclass(frozen=True)
class Calls:
    """Requests for one merge."""

    ours: int
    one_for_each_note: int


@dataclass(frozen=True)
class _Open:
    """A merge whose notes after it are not known yet."""

    merge: Merge
    bodies: dict[str, str]
    wanted: Mapping[str, tuple[int, int]]
    known: Names
    rarity: Rarity


def edits(folder: Path, repository: str) -> Iterator[Edited]:
    """The true edits of existing sections: those that the next recorded state shows undisturbed."""
    wanted, spans = _wanted(folder, repository), list(_rows(folder, repository, "paths"))
    last: _Open | None = None
    for at, case in enumerate(cases(folder, repository)):
        now = {note.id: _FRONT_MATTER.sub("", note.body) for note in case.notes}
        if last is not None:
            for id, count in last.wanted.items():
                before, after = last.bodies.get(id, ""), now.get(id, "")
                if before and after and _changed(before, after) == count:
                    data = f"---\ntitle: {json.dumps(PurePosixPath(id).name)}\n---\n{before}".encode()
                    note, _ = parse("agent-context/gotchas/section.md", data, "gotcha")
                    change = last.merge.change
                    if note is not None and change.files:
                        yield Edited(repository, note, data, after, change, last.known, last.rarity)
        last = None
        if wanted[at]:
            # Documents that the merge itself adds are hidden in its diff; a product sees them as paths.
            near = (at, at + 1)
            paths = {path for path, ranges in spans if any(a <= n <= b for a, b in ranges for n in near)}
            names = _joined([*now.values()], paths | {note.path for note in case.notes})
            rarity = rarity_of(count_note("", body).body for body in now.values())
            last = _Open(case, now, wanted[at], names, rarity)


def _rows(folder: Path, repository: str, kind: str) -> Iterator[Any]:
    with gzip.open(folder / f"{repository}.{kind}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _wanted(folder: Path, repository: str) -> list[dict[str, tuple[int, int]]]:
    """For each merge the sections that it changed, with how many lines it added and deleted."""
    rows = _rows(folder, repository, "cases")
    return [{s["id"]: (s["add"], s["delete"]) for s in row["relevant_sections"]} for row in rows]


def _joined(bodies: Sequence[str], paths: set[str]) -> Names:
    names = [_names(body) for body in bodies]
    kinds = ("words", "paths", "flags", "numbers", "urls")
    found = [frozenset().union(*(getattr(n, kind) for n in names)) for kind in kinds]
    return Names(found[0], found[1] | paths, *found[2:])


@lru_cache(maxsize=20_000)
def _names(body: str) -> Names:
    return names_in_code([body])


def _changed(before: str, after: str) -> tuple[int, int]:
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    return sum(line.startswith("+ ") for line in lines), sum(line.startswith("- ") for line in lines)


# --------------------------------------------------------------------------- answers


def operations(before: str, after: str) -> list[Operation]:
    """The edit as a model would give it: each changed stretch of lines, with enough around it to be found."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    groups = difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(0)
    found = []
    for group in groups:
        i, j, k, m = group[0][1], group[-1][2], group[0][3], group[-1][4]
        while before.count("".join(old[i:j])) != 1 and (i > 0 or j < len(old)):
            if i > 0:
                i, k = i - 1, k - 1
            if j < len(old):
                j, m = j + 1, m + 1
        found.append(Operation("replace_text", {"old": "".join(old[i:j]), "new": "".join(new[k:m])}))
    return found


def exchanged(given: Sequence[Operation], chance: random.Random, few: bool) -> list[Operation] | None:
    """The edit with names and numbers of its new texts traded for each other; None when it has no two."""
    texts = [str(o.arguments["new"]) for o in given]
    tokens = list(dict.fromkeys(token for text in texts for token in _TOKEN.findall(text)))
    kinds = [[t for t in tokens if t[0].isdigit()], [t for t in tokens if not t[0].isdigit()]]
    pools = [pool for pool in kinds if len(pool) > 1]
    if not pools:
        return None
    trades: dict[str, str] = {}
    for pool in [chance.choice(pools)] if few else pools:
        chosen = chance.sample(pool, 2) if few else pool
        trades |= dict(zip(chosen, (*chosen[1:], chosen[0]), strict=True))
    pattern = re.compile("|".join(re.escape(t) for t in sorted(trades, key=len, reverse=True)))
    new = [pattern.sub(lambda found: trades[found[0]], text) for text in texts]
    if new == texts:
        return None
    return [Operation(o.name, {**o.arguments, "new": text}) for o, text in zip(given, new, strict=True)]


def case_of(edited: Edited, given: Sequence[Operation], change: Change) -> Case | Refusal:
    """The edit as the checks see it."""
    note = edited.note
    after = apply_operations(edited.data, given)
    if isinstance(after, Refusal):
        return after
    request = SyncRequest(note, Affected(note.id, note.path, 1.0, 1.0, True), change)
    evidence = evidence_of(request, known=edited.known, rarity=edited.rarity)
    return Case(note, edited.data, after, tuple(given), evidence, frozenset((note.id,)))


def answers(found: Sequence[Edited], seed: int) -> Iterator[tuple[str, Edited, list[Operation], Change]]:
    """(kind, edit, operations, the merge that is the evidence): each true edit with its false variants."""
    chance = random.Random(seed)
    for at, edited in enumerate(found):
        if at % 50 == 0:
            progress(f"judging edit {at} of {len(found)}")
        given = operations(edited.note.body, edited.after)
        yield "true", edited, given, edited.change
        for kind in ("rotated", "traded"):
            answer = exchanged(given, chance, few=kind == "traded")
            if answer is not None:
                yield kind, edited, answer, edited.change
        others = [o for o in found if o.repository == edited.repository and o.change != edited.change]
        if others:
            other = chance.choice(others)
            yield "foreign", edited, given, other.change
            if text := added_lines(other):
                yield "planted", edited, [planted(edited.note, text)], edited.change


def added_lines(edited: Edited) -> str:
    """What an edit adds, without the lines that the note has."""
    old = set(edited.note.body.splitlines())
    return "\n".join(line for line in edited.after.splitlines() if line not in old).strip()


def planted(note: Note, text: str) -> Operation:
    """Another edit's words added at the end of this note's first section."""
    return Operation("append_section", {"heading": note.sections[0].heading, "text": text})


# --------------------------------------------------------------------------- measuring

KINDS = ("true", "rotated", "traded", "foreign", "planted")
_SAID = {"needs_review": "review"}


def measure(found: Sequence[Edited], seed: int, show: int = 0) -> dict[str, Counter[str]]:
    """Verdicts by kind of answer, with the weights that ship."""
    table: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for kind, edited, given, change in answers(found, seed):
        case = case_of(edited, given, change)
        why = (case,) if isinstance(case, Refusal) else judge(case)
        said = _SAID.get(verdict(why), verdict(why))
        table[kind][said] += 1
        table[kind].update(f"because of {check}" for check in {r.check for r in why})
        if table[kind][said] <= show and (said == "pending") != (kind == "true"):
            print(f"--- {kind} {said}: {[r.reason for r in why]}", file=sys.stderr)
            for operation in given:
                print(f"<<< {operation.arguments['old']}>>> {operation.arguments['new']}", file=sys.stderr)
    return table


def judged_anew(found: Sequence[Edited], seed: int) -> list[sync_training.Judged]:
    """Every answer with what the two scores are made of, for training."""
    rows = []
    for kind, edited, given, change in answers(found, seed):
        case = case_of(edited, given, change)
        if not isinstance(case, Refusal):
            rows.append(sync_training.judged(edited.repository, kind, case))
    return rows


def sample(folder: Path, merges: int, seed: int) -> list[Edited]:
    """So many merges (0: all), evenly from the repositories, with all of their true edits."""
    names = repositories(folder)
    chance = random.Random(seed)
    found: list[Edited] = []
    for at, name in enumerate(names):
        progress(f"reading {name} ({at + 1} of {len(names)})")
        every = list(edits(folder, name))
        heads = sorted({e.change.head for e in every})
        share = merges * (at + 1) // len(names) - merges * at // len(names)
        kept = set(chance.sample(heads, min(share, len(heads)))) if merges else set(heads)
        found += [e for e in every if e.change.head in kept]
    return found


def progress(words: str) -> None:
    """What is being done, for whoever waits; the tables alone go to standard output."""
    print(words, file=sys.stderr, flush=True)


# --------------------------------------------------------------------------- calls


def calls(folder: Path, heads: set[str]) -> list[Calls]:
    """Requests for each of these merges, and what one request for each touched note would be."""
    found = []
    for name in repositories(folder):
        progress(f"counting calls: {name}")
        for case in cases(folder, name):
            if case.change.head in heads:
                flagged = [a for a in affected(case.change, case.notes, history=case.history) if a.flag]
                notes = {note.id: note for note in case.notes}
                asked = [SyncRequest(notes[a.id], a, case.change) for a in flagged[:NOTES_A_SYNC]]
                found.append(Calls(sum(1 for _ in grouped(asked)), len(_touched(case))))
    return found


def _touched(case: Merge) -> set[str]:
    """Ids of the notes that name a changed file, or were last changed together with one."""
    files = {path for file in case.change.files for path in (file.path, file.old_path) if path}
    last = {section: set(merge.paths) for merge in case.history.merges for section in merge.sections}
    together = {note.id for note in case.notes if files & last.get(note.id, set())}
    return together | {note.id for note in case.notes if files & _names(note.body).paths}


# --------------------------------------------------------------------------- the command


def report(found: Sequence[Edited], table: Mapping[str, Counter[str]], asked: Sequence[Calls]) -> Any:
    """Everything measured, as one JSON document."""
    merges = len({e.change.head for e in found})
    ours, single = sum(c.ours for c in asked), sum(c.one_for_each_note for c in asked)
    return {
        "merges": merges,
        "edits": len(found),
        "trained_on": list(SHIPPED.trained_on),
        **table,
        "calls": {"ours": ours, "one_for_each_note": single, "merges": len(asked)},
    }


def print_report(found: Mapping[str, Any]) -> None:
    """The same as tables."""
    print(f"{found['merges']} merges, {found['edits']} edits")
    print("edit        count  pending   review  refused   most frequent objections")
    for kind in KINDS:
        row = found[kind]
        total = sum(row[k] for k in ("pending", "review", "refused"))
        shares = "".join(f"{row[k] / max(total, 1):9.0%}" for k in ("pending", "review", "refused"))
        why = [
            f"{k.removeprefix('because of ')} {n}" for k, n in row.most_common() if k.startswith("because")
        ]
        print(f"{kind:10} {total:6}{shares}   {', '.join(why[:5])}")
    asked = found["calls"]
    if asked["one_for_each_note"]:
        share = asked["ours"] / asked["one_for_each_note"]
        print(
            f"\n{asked['merges']} merges: {asked['ours']} calls, one for each note whose file was touched "
            f"would be {asked['one_for_each_note']} ({share:.0%})"
        )


def main(arguments: list[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="bench/sync", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the merges, or its parent")
    parser.add_argument("--merges", type=int, default=50, help="how many; 0 takes all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--show", type=int, default=0, metavar="N", help="print N wrong verdicts of each kind"
    )
    parser.add_argument("--loro", action="store_true", help="leave one repository out each time")
    parser.add_argument("--train", action="store_true", help="write the weights that ship")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    folder = options.data / "targeting" if (options.data / "targeting").is_dir() else options.data
    found = sample(folder, 0 if options.loro or options.train else options.merges, options.seed)
    if options.loro or options.train:
        rows = judged_anew(found, options.seed)
        if options.train:
            sync_training.write(sync_training.train(rows))
            return 0
        table = sync_training.leave_one_out(rows)
        asked = []
    else:
        table = measure(found, options.seed, options.show)
        asked = calls(folder, {e.change.head for e in found})
    document = report(found, table, asked)
    if options.json:
        print(json.dumps(document, indent=1))
    else:
        print_report(document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
