"""What must be found out anew about some notes: verdicts, evidence for what drifted, mentions that broke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agentctx.freshness.answers import MENTIONS, WORDS
from agentctx.freshness.code import Code
from agentctx.freshness.company import read_ahead, without_collector
from agentctx.freshness.evidence import Evidence
from agentctx.freshness.history import History
from agentctx.freshness.judge import Judge, Judgement
from agentctx.freshness.logbook import Log
from agentctx.freshness.rot import Lost, Rot
from agentctx.freshness.vanished import Answer, Question, Vanished, words_stamp
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
        questions: list[Question] = []
        for judgement in judged:
            verdict = judgement.verdict
            found, used, question = self._mentioned(rot, judgement.note, records)
            verdict.uses |= used
            verdict.needs_tree |= bool(found)
            verdict.needs_head |= bool(found) or question.is_open
            questions.append(question)
            lost += found
        broken = rot.mentions(lost)
        vanished = self._vanished(questions)
        for judgement in judged:
            verdict, answer = judgement.verdict, vanished.get(judgement.note.id, Answer())
            verdict.uses |= answer.uses
            verdict.needs_tree |= bool(answer.mentions)
            verdict.needs_head |= bool(answer.mentions)
            verdict.mentions = (*broken.get(judgement.note.id, ()), *answer.mentions)

    def gone(
        self, notes: Sequence[Note], records: Mapping[str, Mapping[str, Stamp]]
    ) -> dict[str, dict[str, Stamp]]:
        """What to record of words that have gone, for somebody who finds the notes true all the same."""
        rot = Rot(self.code, self.history, self.context)
        plain = {id: {n: s for n, s in stamps.items() if n != WORDS} for id, stamps in records.items()}
        answers = self._vanished([self._mentioned(rot, note, plain)[2] for note in notes])
        return {id: {WORDS: words_stamp(a.mentions)} for id, a in answers.items() if a.mentions}

    def _mentioned(
        self, rot: Rot, note: Note, records: Mapping[str, Mapping[str, Stamp]]
    ) -> tuple[list[Lost], set[str], Question]:
        """(mentions that broke, the files that tell it, what only the whole tree can tell)."""
        stamps = records.get(note.id, {})
        recorded = stamps.get(MENTIONS)
        sworn = recorded if recorded and not self.witness.is_reworded(note) else None
        answered = self.witness.answered(note, sworn) if sworn else None
        vouched = self.witness.vouched(note)
        lines = [line.strip() for line in note.body.split("\n")]
        found, used = rot.lost(
            note, vouched, sworn, answered, lambda claim: self.witness.wrote(note, lines[claim.line - 1])
        )
        told = {entry.claim.text for entry in found}
        left = tuple(claim for claim in rot.unsettled.get(note.id, ()) if claim.text not in told)
        base = answered or vouched
        head = self.history.head if self.history else ""
        known = stamps.get(WORDS)
        return (
            found,
            used,
            Question(note, left, base.id if base else head, base is None and bool(left), known),
        )

    def _vanished(self, questions: Sequence[Question]) -> Mapping[str, Answer]:
        """Note id -> the words that stand nowhere any more."""
        if self.history is None or not self.history.head:
            return {}
        return Vanished(self.code, self.history, self.context).answers(questions)


def _by_place(notes: Sequence[Note]) -> list[Note]:
    """Notes about the same files side by side, so that a file is taken apart once."""
    return sorted(notes, key=lambda note: (note.anchors[0].path if note.anchors else "", note.id))
