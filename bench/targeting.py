"""Gives real merges to the code behind ``agentctx affected`` and says how well it finds the notes.

``bench/targeting --data DIR`` needs DIR/targeting with one group of files per repository: its merges, its
documentation by section, and which sections each merge had to change. Rows:

- ours, shipped: the weights that ship; in-sample for the repositories they were trained on.
- ours, leave one out (``--loro``): trained anew for each repository on the others alone.
- path overlap, BM25: baselines that need no training; thresholds of theirs come from the other repositories.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from agentctx.proposals.affected import affected
from agentctx.proposals.change_words import ChangeWords
from agentctx.proposals.note_words import Table, count_note, count_words, path_words
from agentctx.proposals.weighing import SHIPPED, observe, rank_scores
from bench.targeting_data import Case, cases, repositories
from bench.targeting_training import ALLOWED_ALARMS, Seen, chances, train, write_weights

WEIGHTS_FILE = Path(__file__).parent.parent / "agentctx" / "proposals" / "affected_weights.py"
BASELINES = ("path overlap", "BM25 identifiers", "BM25 all of the diff")
Scores = Mapping[str, Any]
"""Merge id -> (order, chance) arrays."""


# --------------------------------------------------------------------------- reading


def see(case: Case, repository: str, ask: bool) -> Seen:
    """One merge: with ``ask`` timed through ``affected`` as the command runs it; its signals always."""
    start = time.process_time()
    answer = affected(case.change, case.notes, history=case.history) if ask else []
    seconds = time.process_time() - start
    rank = {found.id: place for place, found in enumerate(answer)}
    chance = {found.id: found.probability for found in answer}
    observed = observe(case.change, case.notes, case.history)
    return Seen(
        repository,
        case.id,
        case.kind,
        {name: np.asarray(v, dtype=np.float32) for name, v in observed.values.items()},
        _lean(observed.words),
        np.array([float(n.id in case.relevant) for n in case.notes]),
        baselines(case, observed.words),
        seconds,
        len(case.notes),
        np.array([(-rank[n.id], chance[n.id]) for n in case.notes]).T if ask else None,
    )


def _lean(words: ChangeWords) -> ChangeWords:
    """What the look of a change needs; the words themselves stay behind."""
    return ChangeWords(added_chunks=words.added_chunks, size=words.size, subject=words.subject)


def baselines(case: Case, words: ChangeWords) -> dict[str, Any]:
    """Three plain answers over the same notes."""
    texts = Table([count_note(n.title, n.body).body for n in case.notes])
    bags = words.bags
    paths = Table([path_words(n.path) for n in case.notes])
    shares = {"code": 1.0, "tests": 0.5, "context": 0.4, "headers": 0.5, "literals": 0.7, "paths": 1.0}
    everything: dict[str, float] = {}
    for source, share in shares.items():
        for word, weight in bags[source].items():
            everything[word] = everything.get(word, 0.0) + share * weight
    names = {w: 1.0 for path in words.paths for w in count_words(path)}
    identifiers = {w: 1.0 for source in ("code", "tests") for w in bags[source]}
    return {
        "path overlap": paths.cosine(names),
        "BM25 identifiers": texts.bm25(identifiers),
        "BM25 all of the diff": texts.bm25(everything),
    }


def _read(task: tuple[Path, str, bool]) -> list[Seen]:
    folder, repository, ask = task
    return [see(case, repository, ask) for case in cases(folder, repository) if case.notes]


# --------------------------------------------------------------------------- measures


def ranking(merges: Iterable[Seen], scores: Scores) -> Any:
    """Rows of recall@1, @5, @10 and 1/rank of the first, one per merge that changed a note."""
    rows = []
    for merge in merges:
        if not merge.truth.any():
            continue
        truth = merge.truth[np.argsort(-scores[merge.id][0], kind="stable")]
        total = truth.sum()
        rows.append(
            [
                truth[:1].sum() / total,
                truth[:5].sum() / total,
                truth[:10].sum() / total,
                1 / (1 + truth.argmax()),
            ]
        )
    return np.array(rows).reshape(-1, 4)


def with_interval(groups: Sequence[Any], rounds: int = 1000) -> list[tuple[float, float, float]]:
    """Mean over groups of the mean over merges, with its 95 % bootstrap interval."""
    groups = [g for g in groups if len(g)]
    dice = np.random.default_rng(0)
    drawn = np.array(
        [[g[dice.integers(0, len(g), len(g))].mean(axis=0) for g in groups] for _ in range(rounds)]
    ).mean(axis=1)
    mean = np.mean([g.mean(axis=0) for g in groups], axis=0)
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return [(float(m), float(a), float(b)) for m, a, b in zip(mean, low, high, strict=True)]


def flagging(merges: Sequence[Seen], scores: Scores, limits: Mapping[str, float]) -> dict[str, Any]:
    """Precision and recall over notes of merges that changed documentation; alarms where none was needed.

    ``precision_known`` leaves out merges that only added new sections: there every flag is counted as false.
    """
    hit = false = missed = false_known = 0
    alarms: dict[str, list[bool]] = {}
    for merge in merges:
        flags = scores[merge.id][1] >= limits[merge.repository]
        if merge.kind == "positive":
            hit += int((flags & (merge.truth > 0)).sum())
            wrong = int((flags & (merge.truth == 0)).sum())
            false += wrong
            false_known += wrong if merge.truth.any() else 0
            missed += int((~flags & (merge.truth > 0)).sum())
        else:
            alarms.setdefault(merge.kind, []).append(bool(flags.any()))
    precision, recall = hit / max(1, hit + false), hit / max(1, hit + missed)
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    rates = {kind: float(np.mean(found)) for kind, found in sorted(alarms.items())}
    known = hit / max(1, hit + false_known)
    return {
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "precision_known": known,
        "false_alarms": rates,
    }


def area(merges: Sequence[Seen], scores: Scores) -> float:
    """Chance that a merge that changed notes outscores a code-only one; mean of repositories."""
    found = []
    for repository in sorted({m.repository for m in merges}):
        own = [m for m in merges if m.repository == repository]
        yes = np.array([scores[m.id][1].max() for m in own if m.truth.any()])
        no = np.array([scores[m.id][1].max() for m in own if m.kind == "code_only"])
        if len(yes) and len(no):
            found.append(float((yes[:, None] > no).mean() + (yes[:, None] == no).mean() / 2))
    return float(np.mean(found)) if found else float("nan")


def calibration(merges: Sequence[Seen], scores: Scores) -> dict[str, float]:
    """Brier score and expected calibration error (ten equal-width bins) over all notes of all merges."""
    chance = np.concatenate([scores[m.id][1] for m in merges])
    truth = np.concatenate([m.truth for m in merges])
    bins = np.minimum((chance * 10).astype(int), 9)
    gaps = [
        abs(chance[bins == b].mean() - truth[bins == b].mean()) * (bins == b).mean()
        for b in set(bins.tolist())
    ]
    shown = chance >= 0.1
    gap = abs(float(chance[shown].mean() - truth[shown].mean())) if shown.any() else 0.0
    return {"brier": float(((chance - truth) ** 2).mean()), "ece": float(sum(gaps)), "gap_from_0.1": gap}


def limits_of_others(merges: Sequence[Seen], scores: Scores) -> dict[str, float]:
    """Per repository the score that the allowed share of the others' code-only merges reaches."""
    limits = {}
    for repository in {m.repository for m in merges}:
        quiet = [
            scores[m.id][1].max() for m in merges if m.repository != repository and m.kind == "code_only"
        ]
        limits[repository] = float(np.quantile(quiet, 1 - ALLOWED_ALARMS)) if quiet else float("inf")
    return limits


# --------------------------------------------------------------------------- report


def measured(
    merges: Sequence[Seen], scores: Scores, limits: Mapping[str, float], calibrated: bool
) -> dict[str, Any]:
    """Everything about one row."""
    names = sorted({m.repository for m in merges})
    groups = {name: ranking([m for m in merges if m.repository == name], scores) for name in names}
    measures = ("recall@1", "recall@5", "recall@10", "mrr")
    found = {
        "mean": dict(zip(measures, with_interval(list(groups.values())), strict=True)),
        "repositories": {
            name: dict(zip(measures, map(float, rows.mean(axis=0)), strict=True))
            for name, rows in groups.items()
            if len(rows)
        },
        "flags": flagging(merges, scores, limits),
        "auc": area(merges, scores),
    }
    return found | (calibration(merges, scores) if calibrated else {})


def leave_one_out(merges: Sequence[Seen]) -> tuple[Scores, dict[str, float]]:
    """Order, chance and threshold for every repository from weights trained on the others."""
    scores: dict[str, Any] = {}
    limits: dict[str, float] = {}
    for repository in sorted({m.repository for m in merges}):
        weights = train([m for m in merges if m.repository != repository])
        limits[repository] = weights.threshold
        for merge in merges:
            if merge.repository == repository:
                chance = chances(merge, weights)
                scores[merge.id] = (rank_scores(merge.values, weights), chance)
    return scores, limits


def report(merges: Sequence[Seen], loro: bool) -> dict[str, Any]:
    """All rows as plain data."""
    names = sorted({m.repository for m in merges})
    trained = sorted(set(SHIPPED.trained_on) & set(names))
    rows = {
        "ours, shipped": measured(
            merges, {m.id: m.shipped for m in merges}, dict.fromkeys(names, SHIPPED.threshold), True
        )
    }
    if loro and len(names) > 1:
        scores, limits = leave_one_out(merges)
        rows["ours, leave one out"] = measured(merges, scores, limits, True)
    for baseline in BASELINES:
        plain = {m.id: (m.baselines[baseline], m.baselines[baseline]) for m in merges}
        rows[baseline] = measured(merges, plain, limits_of_others(merges, plain), False)
    return {
        "version": 1,
        "merges": len(merges),
        "with_affected_notes": sum(bool(m.truth.any()) for m in merges),
        "in_sample_for_shipped": trained,
        "out_of_sample_for_shipped": sorted(set(names) - set(trained)),
        "threshold": SHIPPED.threshold,
        "seconds_per_merge": {
            "mean": float(np.mean([m.seconds for m in merges])),
            "mean_notes": float(np.mean([m.notes for m in merges])),
            "per_1000_notes": 1000 * sum(m.seconds for m in merges) / sum(m.notes for m in merges),
        },
        "rows": rows,
    }


def print_report(found: Mapping[str, Any]) -> None:
    """The same as a table."""
    print(f"{found['merges']} merges; {found['with_affected_notes']} changed notes that were there before")
    if found["in_sample_for_shipped"]:
        print(f"'ours, shipped' is IN-SAMPLE for: {', '.join(found['in_sample_for_shipped'])}")
    if found["out_of_sample_for_shipped"]:
        print(f"'ours, shipped' never saw: {', '.join(found['out_of_sample_for_shipped'])}")
    print(
        "'leave one out' and the thresholds of the baselines never saw the repository they are measured on\n"
    )
    print(
        f"{'mean of repositories':24} {'recall@1':>16} {'recall@5':>16} {'recall@10':>16} {'MRR':>16}   AUC"
    )
    for name, row in found["rows"].items():
        cells = " ".join(f"{m:6.3f} ({a:.2f}-{b:.2f})" for m, a, b in row["mean"].values())
        print(f"{name:24} {cells} {row['auc']:6.3f}")
    print(f"\n{'per repository':61} {'recall@1':>9} {'recall@5':>9} {'recall@10':>9} {'MRR':>9}")
    for name, row in found["rows"].items():
        for repository, values in row["repositories"].items():
            print(f"{name:24} {repository:36} " + " ".join(f"{v:9.3f}" for v in values.values()))
    print(
        f"\n{'flags':24} {'precision':>9} {'(known)':>9} {'recall':>9} {'F1':>9}   "
        "merges flagged though nothing was needed"
    )
    for name, row in found["rows"].items():
        flags = row["flags"]
        alarms = ", ".join(f"{kind} {rate:.1%}" for kind, rate in flags["false_alarms"].items())
        cells = " ".join(f"{flags[key]:9.3f}" for key in ("precision", "precision_known", "recall", "f1"))
        print(f"{name:24} {cells}   {alarms}")
    print()
    for name, row in found["rows"].items():
        if "brier" in row:
            gap = row["gap_from_0.1"]
            print(f"{name:24} Brier {row['brier']:.5f}  ECE {row['ece']:.5f}  ECE from 0.1 up {gap:.3f}")
    pace = found["seconds_per_merge"]
    print(
        f"\n{pace['mean']:.3f} s of one processor per merge at {pace['mean_notes']:.0f} notes, "
        f"{pace['per_1000_notes']:.3f} s per 1,000 notes (words of unchanged notes kept)"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="bench/targeting", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds targeting/")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument(
        "--loro", action="store_true", help="also train anew, leaving one repository out each time"
    )
    parser.add_argument("--train", action="store_true", help=f"write {WEIGHTS_FILE.name} from this data")
    options = parser.parse_args(arguments)
    folder = options.data / "targeting"
    names = repositories(folder)
    if not names:
        print(f"no *.cases.jsonl.gz in {folder}", file=sys.stderr)
        return 2
    with ProcessPoolExecutor(min(2, len(names))) as pool:
        merges = [
            seen
            for part in pool.map(_read, [(folder, name, not options.train) for name in names])
            for seen in part
        ]
    if options.train:
        write_weights(train(merges), WEIGHTS_FILE)
        print(f"wrote {WEIGHTS_FILE.name}; run again without --train to measure it", file=sys.stderr)
        return 0
    found = report(merges, options.loro)
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        print_report(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
