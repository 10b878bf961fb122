"""Is what the notes say still true? One pass over all of them, for one tree and one HEAD.

What was found out before is reused by content id: verdicts first, then definitions, then the log of the
context folder. A run in which nothing changed reads no code, and does not even load what reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from agentctx.freshness.history import History
from agentctx.freshness.logbook import Log, Logbook, newer
from agentctx.freshness.renamed import with_renamed
from agentctx.freshness.score import (
    HALF_LIVES,
    Ageing,
    asks_for_review,
    is_about_no_code,
    is_conflicted,
    overdue,
    review_reasons,
    state_of,
    superseded,
    weight,
)
from agentctx.freshness.tree import Tree
from agentctx.freshness.verdicts import Cache, Verdict, Verdicts
from agentctx.git import Git, WorkTree
from agentctx.model import Commit, Freshness, Index, Note, NoteSet, Stamp

if TYPE_CHECKING:
    from agentctx.freshness.code import Code, Memory
    from agentctx.freshness.inquiry import Inquiry
    from agentctx.freshness.standing import Standing

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
        self._records: Records = {}
        self._entries = Log()
        self._reasons: Mapping[str, tuple[str, ...]] = {}

    @cached_property
    def memory(self) -> Memory:
        """Definitions by content id, with those of earlier runs."""
        from agentctx.freshness.code import Memory

        return Memory(self.cache.read if self.cache else None)

    @cached_property
    def code(self) -> Code:
        """The tree as definitions."""
        from agentctx.freshness.code import Code

        return Code(self.tree, self.memory)

    def assess(self, notes: NoteSet, records: Records, today: date | None = None) -> Index:
        """The verdict on every note, in the order of the notes."""
        git = self.history.git if self.history else None
        records = with_renamed(notes.notes, records, git, self.head, self.context)
        self._records = records
        self._entries = self._log(notes, self.cache)
        verdicts = Verdicts(self.cache, self.tree, self.head)
        found = {note.id: verdicts.get(note, records.get(note.id, {})) for note in notes.notes}
        missing = [note for note in notes.notes if found[note.id] is None]
        for note, verdict in self._inquiry().verdicts(missing, records) if missing else ():
            found[note.id] = verdict
            verdicts.put(note, records.get(note.id, {}), verdict)
        self._save(verdicts)
        self._reasons = superseded(notes.notes)
        if self.head and any(is_about_no_code(n) or asks_for_review(n) for n in notes.notes):
            self._reasons = self._standing().reasons(notes.notes, records, self._reasons)
        ageing = Ageing(today.isoformat() if today else "", self.half_lives)
        assessed = [self._freshness(n, found[n.id] or Verdict(), ageing) for n in notes.notes]
        return Index(self.head, tuple(assessed), notes.problems)

    def explain(self, note: Note, freshness: Freshness) -> Freshness:
        """The same verdict with a diff of each drifted symbol, and ``cosmetic`` told from ``unchanged``."""
        return self._inquiry().explained(note, self._records.get(note.id, {}), freshness)

    def _inquiry(self) -> Inquiry:
        from agentctx.freshness.inquiry import Inquiry

        return Inquiry(self.code, self.history, self._entries, self.context)

    def _log(self, notes: NoteSet, cache: Cache | None) -> Log:
        if self.history is None or not notes.notes:
            return Log()
        interesting = {note.path for note in notes.notes}
        interesting |= {f"{self.context}/.verified/{note.id}" for note in notes.notes if not note.read_only}
        folders = {note.path for note in notes.notes if note.read_only} | {self.context}
        interesting |= {a.path for note in notes.notes for a in note.anchors if not a.is_glob}
        return Log(Logbook(self.history, cache).events(folders, interesting))

    def _freshness(self, note: Note, verdict: Verdict, ageing: Ageing) -> Freshness:
        changed = self._entries.last_change(note.path)
        record = f"{self.context}/.verified/{note.id}"
        verified = newer(self._entries.last_change(record), verdict.verified)
        reasons = (*review_reasons(note, ageing.today), *self._reasons.get(note.id, ()))
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

    def _standing(self) -> Standing:
        from agentctx.freshness.standing import Standing

        return Standing(self.tree, self.history, self.cache, self.context, self._entries)

    def versions(self, path: str) -> frozenset[str]:
        """The content ids that a file had in this history, as far as it has been assessed."""
        events = (self._entries.events[at] for at in self._entries.places.get(path, ()))
        return frozenset(blob for event in events for blob in event.changes[path] if blob)

    def known(self, notes: Sequence[Note], records: Records) -> dict[str, dict[str, Stamp]]:
        """What to record, beside anchors, of notes that are verified now: what speaks against them, by id."""
        if not notes or self.history is None:
            return {}
        self._entries = self._log(NoteSet(tuple(notes)), None)
        found = self._inquiry().gone(notes, records)
        silent = [note for note in notes if is_about_no_code(note)]
        for id, stamps in (self._standing().known(silent) if silent else {}).items():
            found[id] = {**found.get(id, {}), **stamps}
        return found

    def read_ahead(self, notes: Sequence[Note]) -> None:
        """Read the code of many notes at once, for a caller that is about to stamp each."""
        if self.history is not None:
            from agentctx.freshness.company import read_ahead

            read_ahead(self.code, [a for note in notes for a in note.anchors], self.history.git.close)

    def keep_code(self) -> None:
        """Keep what was read of the code for the next run."""
        if self.cache and "memory" in self.__dict__ and self.memory.grew:
            for name, document in self.memory.documents().items():
                self.cache.write(name, document)

    def _save(self, verdicts: Verdicts) -> None:
        verdicts.save()
        self.keep_code()


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
        reasons = [reason for reason in freshness.reasons if reason != overdue(note)]
        state = "conflicted" if conflicted else state_of(freshness.drifts, freshness.mentions, reasons)
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
                "reasons": reasons,
                "review_by": note.review_by,
                "changed": _commit(freshness.changed),
                "verified": _commit(freshness.verified),
            }
        )
        for tag in note.tags:
            tags.setdefault(tag, []).append(note.id)
    return {"version": 1, "head": index.head, "notes": entries, "tags": dict(sorted(tags.items()))}


def _commit(commit: Commit | None) -> dict[str, str] | None:
    if commit is None:
        return None
    return {"id": commit.id, "author": commit.author, "date": commit.date, "subject": commit.subject}


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


def _half_lives(settings: object) -> Mapping[str, int]:
    if isinstance(settings, Mapping):
        return {**HALF_LIVES, **settings}
    if is_dataclass(settings) and not isinstance(settings, type):
        return {**HALF_LIVES, **asdict(settings)}
    return HALF_LIVES
