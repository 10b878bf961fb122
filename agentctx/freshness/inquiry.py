"""What must be found out anew about some notes: verdicts, evidence for what drifted, mentions that broke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agentctx.freshness.answers import MENTIONS
from agentctx.freshness.code import Code
from agentctx.freshness.company import read_ahead, without_collector
from agentctx.freshness.evidence import Evidence
from agentctx.freshness.history import History
from agentctx.freshness.judge import Judge, Judgement
from agentctx.freshness.logbook import Log
from agentctx.freshness.rot import Lost, Rot
from agentctx.freshness.verdicts import Verdict
from agentctx.freshness.weighing import Case
from agentctx.freshness.witness import Witness
from agentctx.model import Freshness, Note, Stamp


class Inquiry:
    """Reads the code and the history of one tree. ``log`` knows the commits about its notes."""

    def __init__(self, code: Code, history: History | None, log: Log, context: str) -> None:
        self.code = code
        self.history = history
        self.log = log
        self.context = context
        self.witness = Witness(code, history, log, context)

    def verdicts(
        self, notes: Sequence[Note], records: Mapping[str, Mapping[str, Stamp]]
    ) -> list[tuple[Note, Verdict]]:
        """The verdict on each note, in an order of its own."""
        judge = Judge(self.code, self.history, self.witness)
        with without_collector():
            self._read_ahead(notes)
            judged = [judge.judge(note, records.get(note.id, {})) for note in _by_place(notes)]
            self._explain(judged)
            self._mentions(judged, records)
            self.code.memory.let_go()
        return [(judgement.note, judgement.verdict) for judgement in judged]

    def explained(self, note: Note, stamps: Mapping[str, Stamp], freshness: Freshness) -> Freshness:
        """A verdict with a diff of each drifted symbol, and ``cosmetic`` told from ``unchanged``."""
        evidence = Evidence(self.code, self.history, self.context)
        judgement = Judge(self.code, self.history, self.witness).judge(note, stamps)
        drifts = list(freshness.drifts)
        for at, case in judgement.cases.items():
            drifts[at] = replace(drifts[at], diff=evidence.diff(case))
        return replace(freshness, drifts=tuple(evidence.cosmetic(d, freshness.verified) for d in drifts))

    def _read_ahead(self, notes: Sequence[Note]) -> None:
        if self.history is not None:
            read_ahead(self.code, [a for note in notes for a in note.anchors], self.history.git.close)

    def _explain(self, judged: Sequence[Judgement]) -> None:
        """Evidence for all drifts of the run, out of one log."""
        cases: list[Case] = [case for judgement in judged for case in judgement.cases.values()]
        if not cases:
            return
        order = [event.commit.id for event in self.log.events]
        explained = iter(Evidence(self.code, self.history, self.context).explain(cases, order))
        for judgement in judged:
            drifts = list(judgement.verdict.drifts)
            for at, case in judgement.cases.items():
                drifts[at] = next(explained)
                weighs = case.drift.state == "dependency" and drifts[at].state == "unchanged"
                judgement.verdict.needs_tree |= weighs  # how many files use what changed
            judgement.verdict.drifts = tuple(drifts)

    def _mentions(self, judged: Sequence[Judgement], records: Mapping[str, Mapping[str, Stamp]]) -> None:
        """What the notes' texts say in code spans, held against the tree in which it was last vouched for."""
        rot = Rot(self.code, self.history, self.context)
        lost: list[Lost] = []
        for judgement in judged:
            note = judgement.note
            recorded = records.get(note.id, {}).get(MENTIONS)
            sworn = recorded if recorded and not self.witness.is_reworded(note) else None
            answered = self.witness.answered(note, sworn) if sworn else None
            found, used = rot.lost(note, self.witness.vouched(note), sworn, answered)
            judgement.verdict.uses |= used
            judgement.verdict.needs_tree |= bool(found)
            judgement.verdict.needs_head |= bool(found)
            lost += found
        broken = rot.mentions(lost)
        for judgement in judged:
            judgement.verdict.mentions = tuple(broken.get(judgement.note.id, ()))


def _by_place(notes: Sequence[Note]) -> list[Note]:
    """Notes about the same files side by side, so that a file is taken apart once."""
    return sorted(notes, key=lambda note: (note.anchors[0].path if note.anchors else "", note.id))
