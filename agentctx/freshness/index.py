"""Is what the notes say still true? One pass over all of them, for one tree and one HEAD.

What was found out before is reused by content id: verdicts first, then definitions, then the log of the
context folder. A run in which nothing changed reads no code at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass, replace
from datetime import date
from typing import Any

from agentctx.freshness.code import Code, Memory
from agentctx.freshness.evidence import Case, Evidence
from agentctx.freshness.history import Event, History
from agentctx.freshness.judge import Judge, Judgement, newer
from agentctx.freshness.logbook import Logbook
from agentctx.freshness.rot import Lost, Rot
from agentctx.freshness.score import HALF_LIVES, Ageing, is_conflicted, review_reasons, state_of, weight
from agentctx.freshness.tree import Tree
from agentctx.freshness.verdicts import Cache, Verdict, Verdicts
from agentctx.freshness.witness import Witness
from agentctx.git import Git, WorkTree
from agentctx.model import Freshness, Index, Note, NoteSet, Stamp

Records = Mapping[str, Mapping[str, Stamp]]
"""Note id -> anchor text -> what it looked like when it was verified."""


class Assessor:
    """Assesses the notes of one tree.

    ``half_life`` is the settings' group of days by kind; ``cache`` keeps documents between runs. Without
    ``git`` there is no history: records alone speak.
    """

    def __init__(
        self,
        git: Git | None,
        tree: Tree,
        cache: Cache | None = None,
        half_life: object = None,
        context: str = "agent-context",
    ) -> None:
        self.tree = tree
        self.context = context
        self.cache = cache
        self.head: str = getattr(tree, "head", "")
        self.history = History(git, self.head, isinstance(tree, WorkTree)) if git and self.head else None
        self.half_lives = _half_lives(half_life)
        self.memory = Memory(lambda: cache.read("symbols") if cache else None)
        self.code = Code(tree, self.memory)
        self._records: Records = {}
        self._events: Sequence[Event] = ()

    def assess(self, notes: NoteSet, records: Records, today: date | None = None) -> Index:
        """The verdict on every note, in the order of the notes."""
        self._records = records
        self._events = self._log(notes)
        witness = Witness(self.code, self.history, self._events, self.context)
        verdicts = Verdicts(self.cache, self.tree, self.head)
        found = {note.id: verdicts.get(note, records.get(note.id, {})) for note in notes.notes}
        missing = [note for note in notes.notes if found[note.id] is None]
        for note, verdict in self._judge(missing, witness):
            found[note.id] = verdict
            verdicts.put(note, records.get(note.id, {}), verdict)
        self._save(verdicts)
        ageing = Ageing(today.isoformat() if today else "", self.half_lives)
        assessed = [self._freshness(n, found[n.id] or Verdict(), witness, ageing) for n in notes.notes]
        return Index(self.head, tuple(assessed), notes.problems)

    def explain(self, note: Note, freshness: Freshness) -> Freshness:
        """The same verdict with a diff of each drifted symbol, and ``cosmetic`` told from ``unchanged``."""
        witness = Witness(self.code, self.history, self._events, self.context)
        evidence = Evidence(self.code, self.history)
        judgement = Judge(self.code, self.history, witness).judge(note, self._records.get(note.id, {}))
        drifts = list(freshness.drifts)
        for at, case in judgement.cases.items():
            drifts[at] = replace(drifts[at], diff=evidence.diff(case))
        return replace(freshness, drifts=tuple(evidence.cosmetic(d, freshness.verified) for d in drifts))

    def _log(self, notes: NoteSet) -> Sequence[Event]:
        if self.history is None or not notes.notes:
            return ()
        interesting = {note.path for note in notes.notes}
        interesting |= {f"{self.context}/.verified/{note.id}" for note in notes.notes if not note.read_only}
        folders = {note.path for note in notes.notes if note.read_only} | {self.context}
        interesting |= {a.path for note in notes.notes for a in note.anchors if not a.is_glob}
        return Logbook(self.history, self.cache).events(folders, interesting)

    def _judge(self, notes: Sequence[Note], witness: Witness) -> list[tuple[Note, Verdict]]:
        if not notes:
            return []
        judge = Judge(self.code, self.history, witness)
        judged = [judge.judge(note, self._records.get(note.id, {})) for note in _by_place(notes)]
        self._explain(judged)
        self._mentions(judged, witness)
        return [(judgement.note, judgement.verdict) for judgement in judged]

    def _explain(self, judged: Sequence[Judgement]) -> None:
        """Evidence for all drifts of the run, out of one log."""
        cases: list[Case] = [case for judgement in judged for case in judgement.cases.values()]
        if not cases:
            return
        order = [event.commit.id for event in self._events]
        explained = iter(Evidence(self.code, self.history).explain(cases, order))
        for judgement in judged:
            drifts = list(judgement.verdict.drifts)
            for at in judgement.cases:
                drifts[at] = next(explained)
            judgement.verdict.drifts = tuple(drifts)

    def _mentions(self, judged: Sequence[Judgement], witness: Witness) -> None:
        """What the notes' texts say in code spans, held against the tree in which it was last vouched for."""
        rot = Rot(self.code, self.history, self.context)
        lost: list[Lost] = []
        for judgement in judged:
            found, used = rot.lost(judgement.note, witness.vouched(judgement.note))
            judgement.verdict.uses |= used
            judgement.verdict.needs_tree |= bool(found)
            judgement.verdict.needs_head |= bool(found)
            lost += found
        broken = rot.mentions(lost)
        for judgement in judged:
            judgement.verdict.mentions = tuple(broken.get(judgement.note.id, ()))

    def _freshness(self, note: Note, verdict: Verdict, witness: Witness, ageing: Ageing) -> Freshness:
        changed = witness.last_change(note.path)
        verified = newer(witness.last_change(witness.record_path(note)), verdict.verified)
        reasons = review_reasons(note, ageing.today)
        state = state_of(verdict.drifts, verdict.mentions, reasons)
        if is_conflicted(note):
            state, reasons = "conflicted", ("its text holds merge conflict markers", *reasons)
        last = max((commit.date for commit in (changed, verified) if commit), default="")
        return Freshness(
            id=note.id,
            state=state,
            drifts=verdict.drifts,
            mentions=verdict.mentions,
            score=weight(note, state, last, ageing),
            reasons=reasons,
            changed=changed,
            verified=verified,
        )

    def _save(self, verdicts: Verdicts) -> None:
        verdicts.save()
        if self.cache and self.memory.grew:
            self.cache.write("symbols", self.memory.document())


def index_document(index: Index, notes: Sequence[Note]) -> dict[str, Any]:
    """``index.json``: the same for one HEAD and work tree, whatever the day or the machine."""
    by_id = index.by_id()
    entries = []
    tags: dict[str, list[str]] = {}
    for note in sorted(notes, key=lambda n: n.id):
        freshness = by_id.get(note.id)
        if freshness is None:
            continue
        conflicted = freshness.state == "conflicted"
        state = "conflicted" if conflicted else state_of(freshness.drifts, freshness.mentions)
        entries.append(
            {
                "id": note.id,
                "path": note.path,
                "kind": note.kind,
                "title": note.title,
                "status": note.status,
                "tags": list(note.tags),
                "digest": note.digest,
                "state": state,
                "anchors": _anchors(note, freshness),
                "mentions": [asdict(mention) for mention in freshness.mentions],
                "review_by": note.review_by,
                "changed": asdict(freshness.changed) if freshness.changed else None,
                "verified": asdict(freshness.verified) if freshness.verified else None,
            }
        )
        for tag in note.tags:
            tags.setdefault(tag, []).append(note.id)
    return {"version": 1, "head": index.head, "notes": entries, "tags": dict(sorted(tags.items()))}


def _anchors(note: Note, freshness: Freshness) -> list[dict[str, str]]:
    drifts = {str(drift.anchor): drift for drift in freshness.drifts}
    found = []
    for anchor in note.anchors:
        drift = drifts.get(str(anchor))
        entry = {"anchor": str(anchor), "state": drift.state if drift else "glob"}
        if drift and drift.reason:
            entry["reason"] = drift.reason
        if drift and drift.moved_to:
            entry["moved_to"] = drift.moved_to
        found.append(entry)
    return found


def _by_place(notes: Sequence[Note]) -> list[Note]:
    """Notes about the same files side by side, so that a file is taken apart once."""
    return sorted(notes, key=lambda note: (note.anchors[0].path if note.anchors else "", note.id))


def _half_lives(settings: object) -> Mapping[str, int]:
    if isinstance(settings, Mapping):
        return {**HALF_LIVES, **settings}
    if is_dataclass(settings) and not isinstance(settings, type):
        return {**HALF_LIVES, **asdict(settings)}
    return HALF_LIVES
