"""Whose turn it is: what earlier jobs asked a model about, kept on the remote, where every job finds it.

A false note that was answered is asked about again when its text, its code, what is known against it, or the
model is another one; after an answer of no use a few times. One that was over a cap, or came when there was
no model to ask, waits for its turn.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from agentctx.flows.sync import CAP, UNASKED
from agentctx.forges.place import Place
from agentctx.freshness.anchors import look
from agentctx.llm.settings import read as read_provider
from agentctx.model import Note, SyncReport
from agentctx.project import Project
from agentctx.proposals.prompts import PROMPT_VERSION
from agentctx.proposals.settled import TRIES

ANSWERED = "asked about before; neither it nor its code has changed since"


@dataclass(frozen=True, slots=True)
class Turn:
    """What is known of one note."""

    key: str
    """Stands for everything that was asked about; with another one, nothing here counts."""
    tries: int = 0
    """Answers of no use so far; ``TRIES`` after one that was."""
    since: str = ""
    """Where the range began in which nobody was asked about it; then ``key`` says nothing of who was."""


class Turns:
    """The turns that the notes of a project have had."""

    def __init__(self, project: Project, place: Place) -> None:
        self._project, self._place = project, place
        self._known = _read(place.turns())
        notes = {note.id: note for note in project.notes.notes}
        there = {id: turn for id, turn in self._known.items() if id in notes}
        self._valid = {
            id: turn for id, turn in there.items() if turn.key == key_of(project, notes[id], not turn.since)
        }

    @property
    def answered(self) -> dict[str, str]:
        """Notes that need not be asked about again for being false, with the reason."""
        states = self._project.index.by_id()
        done = (id for id, turn in self._valid.items() if turn.tries >= TRIES and not turn.since)
        return {id: ANSWERED for id in done if states[id].state == "stale"}

    @property
    def tried(self) -> Mapping[str, int]:
        """How often notes were asked about in vain: those that never were come first."""
        return {id: turn.tries for id, turn in self._valid.items()}

    @property
    def waiting(self) -> Mapping[str, str]:
        """Notes that nobody was asked about yet, with where the range began."""
        known = self._project.git.objects.kind
        found = {id: turn.since for id, turn in self._valid.items() if turn.since}
        return {id: since for id, since in found.items() if known(since) == "commit"}

    def keep(self, report: SyncReport) -> None:
        """Remember what a sync has asked about, what it had no room for, and what nobody was there to ask."""
        if not report.calls and not any(waits(why) for _, why in report.skipped):
            return
        skipped, waiting = dict(report.skipped), self.waiting
        proposed = {p.note_id for p in report.proposals}
        failed = {id for id, _ in report.refused} - proposed
        turns = dict(self._valid)
        for note in self._project.notes.notes:
            flagged = any(a.id == note.id and a.flag for a in report.affected) or note.id in waiting
            why = skipped.get(note.id, "")
            if not flagged or note.id in report.repaired or (why and not waits(why)):
                continue
            turn = self._valid.get(note.id) or Turn("")
            if why:
                turn = replace(turn, since=turn.since or report.base)
            else:
                turn = replace(turn, tries=turn.tries + 1 if note.id in failed else TRIES, since="")
            turns[note.id] = replace(turn, key=key_of(self._project, note, not turn.since))
        if turns != self._known:
            self._place.keep_turns(_written(turns))


def waits(why: str) -> bool:
    """Whether a note that was left out for this reason is to be asked about by a later job."""
    return CAP in why or why in UNASKED


def key_of(project: Project, note: Note, asked: bool = True) -> str:
    """A note's text, how its code looks, what is known against it; and who is asked how, if anybody."""
    verdict, code = project.index.by_id()[note.id], project.assessor.code
    settings = read_provider() if asked else None
    whole = [
        note.digest,
        [repr(look(anchor, code).stamp) for anchor in note.anchors if not anchor.is_glob],
        [[str(drift.anchor), drift.state] for drift in verdict.drifts],
        [[mention.text, mention.state] for mention in verdict.mentions],
        [settings.kind, settings.model, *settings.command] if settings else [],
        PROMPT_VERSION if asked else "",
    ]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:16]


def _read(text: str) -> dict[str, Turn]:
    """One note a line: id, key, tries, and where a range began. Lines of another form are left out."""
    rows = (line.split(" ") for line in text.splitlines())
    return {row[0]: Turn(row[1], int(row[2]), row[3]) for row in rows if len(row) == 4 and row[2].isdigit()}


def _written(turns: Mapping[str, Turn]) -> str:
    return "".join(f"{id} {turn.key} {turn.tries} {turn.since}\n" for id, turn in sorted(turns.items()))
