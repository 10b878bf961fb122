"""Notes held against one commit, as if somebody had vouched for all of them there: neither a record nor a
later edit of the note speaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agentctx.freshness.anchors import Sight, look
from agentctx.freshness.code import Code
from agentctx.freshness.evidence import Evidence
from agentctx.freshness.history import History
from agentctx.freshness.judge import Judge
from agentctx.freshness.logbook import Log
from agentctx.freshness.rot import Rot
from agentctx.freshness.witness import Baseline, Witness
from agentctx.model import Anchor, Commit, Drift, Mention, Note, Stamp


class Since:
    """What became of anchors and claims between one commit and a tree."""

    def __init__(self, code: Code, history: History, context: str, commit: Commit) -> None:
        self.code = code
        self.history = history
        self.context = context
        self.commit = commit
        self.then = history.code(commit.id, code.memory)
        self.then.tree.paths()  # listed once, so that asking for one file is free

    def stamp(self, anchor: Anchor) -> Stamp | None:
        """What the anchor's code looked like in the commit; None when there was nothing to see."""
        return look(anchor, self.then).stamp

    def drifts(self, note: Note, anchors: Sequence[Anchor]) -> list[Drift]:
        """What happened to the anchors, with reasons and diffs; those whose files are the same are left out,
        and those of which the commit shows nothing."""
        changed = [anchor for anchor in anchors if not anchor.is_glob and self._is_touched(anchor)]
        stamps = {str(a): stamp for a in changed if (stamp := self.stamp(a))}
        held = replace(note, anchors=tuple(a for a in changed if str(a) in stamps))
        judgement = Judge(self.code, self.history, _Vouched(self)).judge(held, stamps)
        drifts = list(judgement.verdict.drifts)
        evidence = Evidence(self.code, self.history, self.context)
        explained = evidence.explain(list(judgement.cases.values()), [self.commit.id])
        for (at, case), drift in zip(judgement.cases.items(), explained, strict=True):
            drifts[at] = replace(drift, diff=evidence.diff(case))
        return drifts

    def mentions(self, note: Note) -> list[Mention]:
        """The claims of the text that were true in the commit, and are not now."""
        rot = Rot(self.code, self.history, self.context)
        lost, _ = rot.lost(note, self.commit)
        true = {entry.claim.text for entry in lost if entry.was_true}
        found = rot.mentions(lost).get(note.id, [])
        return [m for m in found if m.text in true or m.state == "changed"]

    def _is_touched(self, anchor: Anchor) -> bool:
        sight = look(anchor, self.code)
        files = {anchor.path, *sight.used}
        return sight.is_gone or any(self.code.tree.key(p) != self.then.tree.key(p) for p in files)


class _Vouched(Witness):
    """Says of every anchor that it was true in the commit."""

    def __init__(self, since: Since) -> None:
        super().__init__(since.code, since.history, Log(), since.context)
        self._commit_of_all = since.commit

    def baseline(self, note: Note, anchor: Anchor, recorded: Stamp | None, sight: Sight) -> Baseline:
        return Baseline(recorded, "record", self._commit_of_all)
