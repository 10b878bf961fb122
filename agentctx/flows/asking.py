"""The model's part of the write line: a question about a group of notes, and what becomes of the answer."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentctx.errors import TooLong, Unusable
from agentctx.flows.causes import part_about, sources_of
from agentctx.flows.mending import keep, provenance_of
from agentctx.llm import ledger
from agentctx.llm.base import Answer, Prompt, tokens_of
from agentctx.llm.cached import Cached
from agentctx.llm.capped import Ledger, OverCap
from agentctx.llm.settings import ProviderSettings
from agentctx.llm.settings import read as read_provider
from agentctx.model import Change, Freshness, Proposal, Refusal, SyncReport, SyncRequest
from agentctx.project import Project
from agentctx.proposals.change_words import read_change
from agentctx.proposals.checks import Evidence, evidence_of
from agentctx.proposals.drafting import Drafted, draft
from agentctx.proposals.look_up import LookUp
from agentctx.proposals.note_words import count_note
from agentctx.proposals.operations import answer_schema, parse_answer
from agentctx.proposals.prompts import ROOMS, build_prompt
from agentctx.proposals.requests import without_own_files
from agentctx.proposals.settled import fail, settle
from agentctx.proposals.support import rarity_of

ANSWER = 600
"""Tokens of an answer about one note, for an estimate; most have fewer."""
TOO_LONG = "even alone and with the least diff the prompt is too long for the model"


@dataclass(slots=True)
class Asker:
    """A model, and what is to become of what it says."""

    project: Project
    provider: Cached
    mark: bool
    """Remember in this clone which notes have been dealt with."""
    write: bool
    """Proposals that no check objects to will be accepted at once."""
    most: int = sys.maxsize
    """Tokens (estimated) of the shortest prompt that was too long: none of that size is sent again."""
    why: str = ""
    """What was said to that prompt."""

    def ask(self, group: Sequence[SyncRequest], report: SyncReport, room: int = 0) -> SyncReport:
        """The report with one group asked about, in the ``room`` of that number.

        What a model says nothing usable about is refused, a note at a time: the other notes of its group are
        asked about without it. A prompt that is too long is made shorter. A provider that is down raises
        ``ModelFailed``.
        """
        ids = [r.note.id for r in group]
        try:
            return self._one_call(group, report, room)
        except OverCap as cap:
            return replace(report, skipped=report.skipped + tuple((id, cap.message) for id in ids))
        except TooLong as error:
            return self._shorter(group, report, room, error)
        except Unusable as error:
            if len(group) > 1:
                for request in group:
                    report = self.ask([request], report, room)
                return report
            return self._refused(group[0], report, Refusal("format", error.message))

    def _shorter(
        self, group: Sequence[SyncRequest], report: SyncReport, room: int, error: TooLong
    ) -> SyncReport:
        """The same notes with less around them, first of all with less of a long diff; then fewer notes."""
        if room == 0 or (len(group) == 1 and room + 1 < len(ROOMS)):
            return self.ask(group, report, room + 1)
        if len(group) > 1:
            half = len(group) // 2
            return self.ask(group[half:], self.ask(group[:half], report, room), room)
        return self._refused(group[0], report, Refusal("length", f"{TOO_LONG}: {error.message}"))

    def _refused(self, request: SyncRequest, report: SyncReport, refusal: Refusal) -> SyncReport:
        if self.mark:
            fail(self.project.state, request.change.head, [request.note.id])
        return replace(report, refused=(*report.refused, (request.note.id, refusal)))

    def _one_call(self, group: Sequence[SyncRequest], report: SyncReport, room: int) -> SyncReport:
        """Ask about one group, judge the answer, keep what may be offered."""
        project, change = self.project, group[0].change
        data = {r.note.id: project.folder.read_bytes(r.note.path) for r in group}
        prompt, schema = build_prompt(group, ROOMS[room]), answer_schema([r.note.id for r in group])
        answer = self._answer(prompt, schema)
        parsed = parse_answer(answer.data, {r.note.id: r.candidates for r in group})
        provenance = provenance_of(project, report.id, change.head, answer.model)
        drafted = draft(
            parsed, group, data, _evidence(project, group), provenance, LookUp(project.git, change)
        )
        kept, remembered = self._offered(drafted, group, report)
        failed = {id for id, _ in drafted.refused if id} - {p.note_id for p in drafted.proposals}
        if failed:
            self.provider.forget(prompt, schema)
        if self.mark:
            settle(project.state, change.head, data.keys() - failed)
            fail(project.state, change.head, failed)
        return replace(
            report,
            proposals=report.proposals + kept,
            refused=report.refused + drafted.refused,
            skipped=report.skipped + remembered,
        )

    def _answer(self, prompt: Prompt, schema: Mapping[str, Any]) -> Answer:
        tokens = tokens_of(prompt, schema)
        if tokens >= self.most:
            raise TooLong(self.why)
        try:
            return self.provider.complete(prompt, schema)
        except TooLong as error:
            self.most, self.why = tokens, error.message
            raise

    def _offered(
        self, drafted: Drafted, group: Sequence[SyncRequest], report: SyncReport
    ) -> tuple[tuple[Proposal, ...], tuple[tuple[str, str], ...]]:
        """What is kept for a person, or for writing, and (note id, why) of what is not."""
        kept: list[Proposal] = []
        remembered: list[tuple[str, str]] = []
        notes = {r.note.id: r.note for r in group}
        for proposal in drafted.proposals:
            diff = _code_diff(self.project, proposal.note_id, group[0].change)
            sources = sources_of(self.project, notes.get(proposal.note_id), report.base, report.head)
            proposal = replace(proposal, code_diff=diff, sources=sources)
            if keep(self.project, proposal, self.write and proposal.state == "pending"):
                kept.append(proposal)
            else:
                remembered.append((proposal.note_id, "the same proposal was rejected, or is open already"))
        return tuple(kept), tuple(remembered)


def rehearsed(project: Project, groups: Iterable[Sequence[SyncRequest]], report: SyncReport) -> SyncReport:
    """The report with what asking would cost, and what the caps would leave out; nobody is asked."""
    settings = read_provider() or ProviderSettings("")
    count = ledger(settings, project.state.folder, project.today.isoformat()).rehearsal()
    for group in groups:
        ids = [r.note.id for r in group]
        tokens = tokens_of(build_prompt(group), answer_schema(ids))
        try:
            count.insist(tokens)
        except OverCap as cap:
            report = replace(report, skipped=report.skipped + tuple((id, cap.message) for id in ids))
        else:
            count.count(tokens, min(ANSWER * len(group), settings.max_output_tokens))
    return counted_up(report, count, settings)


def counted_up(report: SyncReport, spent: Ledger, settings: ProviderSettings) -> SyncReport:
    """The report with what was spent."""
    cost = settings.cost(spent.sent, spent.received)
    return replace(report, calls=spent.calls, tokens=spent.sent + spent.received, cost=cost)


def _code_diff(project: Project, note_id: str, change: Change, limit: int = 20_000) -> str:
    """The part of the change that the note is about; all of it for a note without anchored files in it."""
    anchored = {a.path for n in project.notes.notes if n.id == note_id for a in n.anchors}
    paths = [f.path for f in change.files if anchored & {f.path, f.old_path}]
    text = project.git.patch(change.base, change.head, 3, paths).decode("utf-8", "replace")
    return text if len(text) <= limit else text[:limit] + "\n(cut)\n"


def _evidence(project: Project, group: Sequence[SyncRequest]) -> Mapping[str, Evidence]:
    paths = set(project.tree.paths()) | {f.old_path for f in group[0].change.files if f.old_path}
    notes = project.notes.notes
    ids, rarity = [n.id for n in notes], rarity_of(count_note(n.title, n.body).body for n in notes)
    found = {r.note.id: evidence_of(r, paths=paths, note_ids=ids, rarity=rarity) for r in group}
    states = project.index.by_id()
    parts = {r.note.id: part_about(project, r.note, r.change) for r in group}
    return {
        id: replace(
            evidence,
            false=_false(states[id]),
            change=read_change(without_own_files(parts[id], project.context)),
        )
        for id, evidence in found.items()
    }


def _false(verdict: Freshness) -> dict[str, str]:
    return {m.text: m.reason for m in verdict.mentions if m.state in ("changed", "broken")}
