"""Would the checks let the right edits through and stop the wrong ones? Real merges, real edits, no model.

    bench/sync --data DIR [--merges 50] [--seed 1] [--show N] [--json]

For each merge the section that its authors really edited is the note, and their edit the answer. It is
judged with the merge's own diff as evidence: as is, with names and numbers rotated among each other
(`rotated`), with only two of them exchanged (`traded`); and with another merge's diff (`foreign`). `pending`
would be applied by `--mode apply`, `review` waits for a person, `refused` is never shown. A name counts as
existing when the diff, the repository's paths or any of its documents has it; the product looks into both
trees instead.
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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agentctx.model import Affected, Change, Note, Operation, Refusal, SyncRequest
from agentctx.notes.document import parse
from agentctx.proposals.checks import Case, evidence_of, judge, verdict
from agentctx.proposals.operations import apply_operations
from agentctx.proposals.wording import Names, names_in_code
from bench.targeting_data import cases, repositories

_TOKEN = re.compile(
    r"`[^`\n]{2,60}`|(?<![\w.])\d[\d_.]*\d|(?<![\w.])\d(?![\w.])|\b\w+(?:_\w+)+\b|\b[a-z]+(?:[A-Z]\w+)\b"
)


@dataclass(frozen=True)
class Edited:
    """One section before and after one merge, and what its repository's documents name."""

    repository: str
    note: Note
    data: bytes
    after: str
    change: Change
    known: Names


def edits(folder: Path, repository: str) -> Iterator[Edited]:
    """The true edits of existing sections: those that the next recorded state shows undisturbed."""
    with gzip.open(folder / f"{repository}.cases.jsonl.gz", "rt", encoding="utf-8") as lines:
        counts = [
            {s["id"]: (s["add"], s["delete"]) for s in json.loads(line)["relevant_sections"]}
            for line in lines
        ]
    last: tuple[dict[str, str], Change, dict[str, tuple[int, int]], Names] | None = None
    for at, case in enumerate(cases(folder, repository)):
        now = {note.id: note.body for note in case.notes}
        if last is not None:
            texts, change, wanted, known = last
            for id, count in wanted.items():
                if id in texts and id in now and _changed(texts[id], now[id]) == count:
                    data = texts[id].encode()
                    note, _ = parse("agent-context/gotchas/section.md", data, "gotcha")
                    if note is not None and change.files:
                        yield Edited(repository, note, data, now[id], change, known)
        known = names_in_code(now.values()) if counts[at] else Names()
        last = (now, case.change, counts[at], known)


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


def judged(edited: Edited, given: Sequence[Operation], change: Change) -> tuple[str, tuple[Refusal, ...]]:
    """What the checks say of an answer: ``pending``, ``review`` or ``refused``."""
    note = edited.note
    after = apply_operations(edited.data, given)
    if isinstance(after, Refusal):
        return "refused", (after,)
    request = SyncRequest(note, Affected(note.id, note.path, 1.0, 1.0, True), change)
    evidence = evidence_of(request, known=edited.known)
    case = Case(note, edited.data, after, tuple(given), evidence, frozenset((note.id,)))
    refusals = judge(case)
    return {"needs_review": "review"}.get(verdict(refusals), verdict(refusals)), refusals


# --------------------------------------------------------------------------- measuring


def measure(found: Sequence[Edited], seed: int, show: int = 0) -> dict[str, Counter[str]]:
    """Verdicts by kind of answer."""
    chance = random.Random(seed)
    table: dict[str, Counter[str]] = {k: Counter() for k in ("true", "rotated", "traded", "foreign")}
    for edited in found:
        given = operations(edited.note.body, edited.after)
        others = [o.change for o in found if o.repository == edited.repository and o.change != edited.change]
        answers = {
            "true": (given, edited.change),
            "rotated": (exchanged(given, chance, few=False), edited.change),
            "traded": (exchanged(given, chance, few=True), edited.change),
            "foreign": (given, chance.choice(others)) if others else (None, edited.change),
        }
        for kind, (answer, change) in answers.items():
            if answer is None:
                continue
            said, why = judged(edited, answer, change)
            table[kind][said] += 1
            table[kind].update(f"because of {check}" for check in {r.check for r in why})
            if table[kind][said] <= show and (said == "pending") != (kind == "true"):
                print(f"--- {kind} {said}: {[r.reason for r in why]}", file=sys.stderr)
                for operation in answer:
                    print(
                        f"<<< {operation.arguments['old']}>>> {operation.arguments['new']}", file=sys.stderr
                    )
    return table


def sample(folder: Path, merges: int, seed: int) -> list[Edited]:
    """So many merges, evenly from the repositories, with all of their true edits."""
    names = repositories(folder)
    chance = random.Random(seed)
    found: list[Edited] = []
    for at, name in enumerate(names):
        every = list(edits(folder, name))
        heads = sorted({e.change.head for e in every})
        share = merges * (at + 1) // len(names) - merges * at // len(names)
        kept = set(chance.sample(heads, min(share, len(heads))))
        found += [replace(e) for e in every if e.change.head in kept]
    return found


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="bench/sync", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the merges, or its parent")
    parser.add_argument("--merges", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--show", type=int, default=0, metavar="N", help="print N wrong verdicts of each kind"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    folder = options.data / "targeting" if (options.data / "targeting").is_dir() else options.data
    found = sample(folder, options.merges, options.seed)
    table = measure(found, options.seed, options.show)
    if options.json:
        print(json.dumps({"edits": len(found), **table}, indent=1))
        return 0
    print(f"{len({e.change.head for e in found})} merges, {len(found)} edits")
    print("edit        count  pending   review  refused   most frequent objections")
    for kind, row in table.items():
        total = sum(row[k] for k in ("pending", "review", "refused"))
        shares = "".join(f"{row[k] / max(total, 1):9.0%}" for k in ("pending", "review", "refused"))
        why = [
            f"{k.removeprefix('because of ')} {n}" for k, n in row.most_common() if k.startswith("because")
        ]
        print(f"{kind:10} {total:6}{shares}   {', '.join(why[:5])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
