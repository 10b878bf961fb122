"""What a branch cannot switch off: every note that was there where it began is held against the code there,
when the branch left nothing else to hold it against.

A record speaks while the branch has it; without one, and for anchors that the branch took away, the code at
the merge base does. A note whose text is another one has been looked at. One that is verified anew has been
as well, but for the anchors that it lost: of those its record says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property

from agentctx.errors import NotFound
from agentctx.flows.side import Side
from agentctx.freshness.answers import MENTIONS
from agentctx.freshness.mentions import claims
from agentctx.freshness.score import state_of
from agentctx.freshness.since import Since
from agentctx.git import Git
from agentctx.model import Drift, Freshness, Mention, Note
from agentctx.proposals.findings import badness

_SILENT = ("unknown", "unverified")
_FALSE = ("stale", "conflicted")


class SinceBase:
    """Both sides of one branch. ``was``: id of a note -> its id before the branch."""

    def __init__(self, git: Git, before: Side, after: Side, merge_base: str, was: Mapping[str, str]) -> None:
        self.git, self.before, self.after, self.was = git, before, after, was
        self.merge_base = merge_base

    @cached_property
    def since(self) -> Since:
        """The branch's code, held against the code where it began."""
        assessor = self.after.assessor
        assert assessor.history is not None
        (commit,) = self.git.commits(range=self.merge_base, limit=1)
        return Since(assessor.code, assessor.history, assessor.context, commit)

    def verdicts(self, found: Mapping[str, Freshness]) -> dict[str, Freshness]:
        """The verdicts, made worse where only the base can tell."""
        if not self.merge_base:
            return dict(found)
        return {id: self._held(self.after.by_id[id], freshness) for id, freshness in found.items()}

    def is_rewritten(self, note: Note) -> bool:
        """Does the note say something that it never said before the branch? Beside the title its front matter
        says nothing."""
        old = self._old(note)
        if old is None or (old.title == note.title and old.body.split() == note.body.split()):
            return False
        return self.after.tree.key(note.path) not in self.before.assessor.versions(note.path)

    def known(self, id: str, before: Freshness, after: Freshness) -> Freshness:
        """The verdict before the branch, where a shallow clone does not tell it: as bad as the verdict after
        it while the code is the same. Raises ``NotFound`` when the code is another one."""
        if not self.git.is_shallow:
            return before
        now = {drift.anchor: drift for drift in after.drifts}
        drifts = [
            self._settled_in_shallow(self.after.by_id[id], drift, now.get(drift.anchor))
            for drift in before.drifts
        ]
        return replace(before, drifts=tuple(drifts))

    # ----------------------------------------------------------------- one note

    def _old(self, note: Note) -> Note | None:
        return self.before.by_id.get(self.was[note.id])

    def _held(self, note: Note, found: Freshness) -> Freshness:
        old = self._old(note)
        if old is None or note.status != "active":
            return found
        mentions = self._still_said(note, old)
        if note.read_only:
            return _worse(found, [], mentions) if mentions else found
        dropped = [a for a in old.anchors if a not in note.anchors and not a.is_glob]
        silent = [d.anchor for d in found.drifts if self._is_silent(note, d)]
        drifts = self.since.drifts(note, [*silent, *dropped]) if silent or dropped else []
        kept = [d for d in drifts if d.anchor in note.anchors or not self._is_followed(note, d)]
        if not kept and not mentions:
            return found
        return _worse(found, [_told(note, drift) for drift in kept], mentions)

    def _is_silent(self, note: Note, drift: Drift) -> bool:
        """Nobody vouches for the anchor, or only an edit that left the text as it was."""
        return drift.state in _SILENT or (drift.witness == "history" and not self.is_rewritten(note))

    def _is_followed(self, note: Note, drift: Drift) -> bool:
        """Did an anchor of the note go where its code went, with a record if the code changed too?"""
        if drift.moved_to not in {str(anchor) for anchor in note.anchors}:
            return False
        return drift.state == "moved" or drift.moved_to in self.after.records.get(note.id, {})

    def _still_said(self, note: Note, old: Note) -> list[Mention]:
        """What a note that the branch touched says in lines that it left as they were, and that was true.

        An edit counts as a look at the text, but an edit elsewhere is none at these. Whoever verifies the
        note anew answers for all of it."""
        then = self.before.records.get(old.id, {})
        now = self.after.records.get(note.id, {})
        keys = self.after.tree.key(note.path), self.before.tree.key(old.path)
        is_touched = now != then or note.path != old.path or keys[0] != keys[1]
        if not is_touched or (MENTIONS in now and now[MENTIONS] != then.get(MENTIONS)):
            return []
        lines, old_lines = note.body.split("\n"), {line.strip() for line in old.body.split("\n")}
        same = {c.text for c in claims(note) if lines[c.line - 1].strip() in old_lines}
        if not same:
            return []
        dropped = [a for a in old.anchors if a not in note.anchors and not a.is_glob]
        found = self.since.mentions(replace(note, anchors=(*note.anchors, *dropped)))
        return [mention for mention in found if mention.text.strip() in same]

    def _settled_in_shallow(self, note: Note, then: Drift, now: Drift | None) -> Drift:
        recorded = self.before.records.get(self.was[note.id], {}).get(str(then.anchor))
        stamp = self.since.stamp(then.anchor) if recorded and then.state == "unknown" else None
        if now is None or recorded is None or stamp is None or stamp.scheme != recorded.scheme:
            return then
        if all(state_of([drift]) == "fresh" for drift in self.since.drifts(note, [then.anchor])):
            return replace(then, state=now.state)
        if state_of([now]) not in _FALSE:
            return then
        raise NotFound(
            f"the clone is shallow: whether `{note.id}` was still true at {self.merge_base[:8]}, where the "
            f"branch began, stands in its history",
            "git fetch --unshallow (in CI: fetch-depth: 0 on GitHub, GIT_DEPTH: 0 on GitLab)",
        )


def _told(note: Note, drift: Drift) -> Drift:
    if drift.anchor in note.anchors:
        return drift
    return replace(drift, reason=f"the branch took this anchor off the note; {drift.reason}")


def _worse(found: Freshness, drifts: Iterable[Drift], mentions: Iterable[Mention]) -> Freshness:
    """The verdict with what is worse about an anchor or a claim than it says, and with what it leaves out."""
    anchors = {drift.anchor: drift for drift in found.drifts}
    for drift in drifts:
        was = anchors.get(drift.anchor)
        state = state_of([drift])
        if state != "fresh" and (was is None or badness(state) > badness(state_of([was]))):
            anchors[drift.anchor] = drift
    claims = {mention.text: mention for mention in found.mentions}
    for mention in mentions:
        said = claims.get(mention.text)
        if said is None or badness(state_of([], [mention])) > badness(state_of([], [said])):
            claims[mention.text] = mention
    state = state_of(anchors.values(), claims.values(), found.reasons)
    state = "conflicted" if found.state == "conflicted" else state
    return replace(found, state=state, drifts=tuple(anchors.values()), mentions=tuple(claims.values()))
