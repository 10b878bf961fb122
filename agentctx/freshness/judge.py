"""The verdict on one note: each anchor seen now, against its baseline, and looked for when it is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agentctx.freshness.anchors import Sight, drift, look, suggestion
from agentctx.freshness.code import Code
from agentctx.freshness.history import History
from agentctx.freshness.logbook import newer
from agentctx.freshness.relocation import Before, relocate
from agentctx.freshness.score import CUT_OFF
from agentctx.freshness.verdicts import Verdict
from agentctx.freshness.weighing import Case, now_at
from agentctx.freshness.witness import Baseline, Witness
from agentctx.model import Anchor, Drift, Note, Stamp

_MOST_BASES = 16
"""Commits from which lost code is followed by git's renames; beyond that by fingerprint alone."""


@dataclass(slots=True)
class Judgement:
    """A verdict in the making: ``cases[i]`` belongs to ``verdict.drifts[i]`` when it needs evidence."""

    note: Note
    verdict: Verdict
    cases: dict[int, Case] = field(default_factory=dict)


class Judge:
    """Judges the notes of one tree."""

    def __init__(self, code: Code, history: History | None, witness: Witness) -> None:
        self.code = code
        self.history = history
        self.witness = witness
        self._befores: dict[str, Before] = {}

    def judge(self, note: Note, stamps: Mapping[str, Stamp]) -> Judgement:
        """Everything about a note's anchors that needs no log: evidence comes later, for all at once."""
        verdict = Verdict()
        judgement = Judgement(note, verdict)
        drifts: list[Drift] = []
        for anchor in note.anchors:
            if anchor.is_glob:
                continue
            case = self._anchor(note, anchor, stamps.get(str(anchor)), verdict)
            if case.drift.state in ("signature", "body", "dependency", "docstring", "gone", "moved"):
                judgement.cases[len(drifts)] = case
            drifts.append(case.drift)
            verdict.verified = newer(verdict.verified, case.baseline.commit)
        verdict.drifts = tuple(drifts)
        return judgement

    def _anchor(self, note: Note, anchor: Anchor, recorded: Stamp | None, verdict: Verdict) -> Case:
        sight = look(anchor, self.code)
        verdict.uses |= {anchor.path, *sight.used}
        if recorded is not None and recorded == sight.stamp and not self.witness.is_reworded(note):
            same = Drift(anchor, "unchanged", witness="record")
            return Case(same, Baseline(recorded, "record"), sight)
        verdict.needs_head = True
        verdict.uses.add(note.path)
        baseline = self.witness.baseline(note, anchor, recorded, sight)
        if baseline.stamp is None and sight.is_gone:
            baseline = self._written_then(note, anchor)
        if baseline.stamp is None:
            return Case(self._unverified(anchor, sight), baseline, sight)
        if baseline.is_uncertain and not self.witness.is_cut_clean(note, anchor, baseline.stamp):
            return Case(_too_shallow(anchor, sight), baseline, sight)
        found = drift(anchor, baseline.stamp, sight)
        case = Case(replace(found, witness=baseline.witness), baseline, sight)
        if found.state != "gone":
            return case
        verdict.needs_tree = True
        return self._moved(case)

    def _written_then(self, note: Note, anchor: Anchor) -> Baseline:
        """Code that is gone now and was there when the note was last written; that needs no record."""
        commit = self.witness.log.last_change(note.path)
        if self.history is None or commit is None:
            return Baseline()
        past = self.history.code(commit.id, self.code.memory)
        stamp = look(anchor, past, deep=False).stamp
        return Baseline(stamp, "history", commit) if stamp else Baseline()

    def _unverified(self, anchor: Anchor, sight: Sight) -> Drift:
        if sight.error:
            return Drift(anchor, "unknown", reason=sight.error)
        if sight.is_gone:
            near = suggestion(anchor, self.code)
            hint = f"; did you mean `{near}`?" if near else ""
            where = f"there is no `{anchor.symbol}` in `{anchor.path}`" if anchor.symbol else ""
            return Drift(anchor, "unknown", reason=(where or f"there is no `{anchor.path}`") + hint)
        if self.history is not None and self.history.git.is_shallow:
            reason = f"there is no record of `{anchor}`, and the clone is shallow: git fetch --unshallow"
            return Drift(anchor, "unknown", reason=reason)
        return Drift(anchor, "unverified", reason=f"nobody has verified `{anchor}` yet")

    def _moved(self, case: Case) -> Case:
        """Where the code is now, if it is anywhere."""
        assert case.baseline.stamp is not None
        anchor = case.drift.anchor
        place = relocate(anchor, case.baseline.stamp, self.code, self._before(case.baseline))
        if place is None:
            return case
        if place.others:
            listed = " and ".join(f"`{one}`" for one in (place.anchor, *place.others)[:3])
            reason = f"{case.drift.reason}; the same code is in {listed} now"
            return replace(case, drift=replace(case.drift, reason=reason))
        there = look(place.anchor, self.code)
        changed = drift(anchor, case.baseline.stamp, there)
        if changed.state == "unchanged" or (place.is_same and changed.state in ("signature", "body")):
            changed = Drift(anchor, "moved", reason=now_at(anchor, str(place.anchor)))
        moved = replace(changed, moved_to=str(place.anchor), witness=case.baseline.witness)
        return Case(moved, case.baseline, there)

    def _before(self, baseline: Baseline) -> Before:
        if self.history is None or not self.history.head:
            return Before()
        base = baseline.commit.id if baseline.commit else self.history.head
        if base not in self._befores:
            if len(self._befores) >= _MOST_BASES:
                return Before()
            past = self.history.code(base, self.code.memory)
            past.tree.paths()  # listed once, so that asking for one file is free
            renames = self.history.renames(base)
            self._befores[base] = Before(past, renames)
        return self._befores[base]


def _too_shallow(anchor: Anchor, sight: Sight) -> Drift:
    what = "is gone" if sight.is_gone else "is not as it was recorded"
    return Drift(anchor, "unknown", reason=f"`{anchor}` {what}; {CUT_OFF}")
