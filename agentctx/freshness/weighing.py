"""What a change is worth: some differences of stamps say nothing about the note, and are no drift.

Code that only imports from another module of the repository, and code that uses what everybody uses. Both
need the version in which the note was verified; where it is not known, the difference counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agentctx.freshness.anchors import Sight, difference, look
from agentctx.freshness.code import Code
from agentctx.freshness.commonplace import Commonplace
from agentctx.freshness.dependencies import User
from agentctx.freshness.history import History
from agentctx.freshness.overloads import is_uncalled
from agentctx.freshness.reroutes import Seen, is_rerouted
from agentctx.freshness.targets import Dependencies, is_other
from agentctx.freshness.witness import Baseline
from agentctx.model import Anchor, Drift, DriftState

_MOST_TREES = 32
"""Old trees listed to name the dependency that changed."""


@dataclass(frozen=True, slots=True)
class Case:
    """A drift to explain, with what was seen and what it was compared with."""

    drift: Drift
    baseline: Baseline
    sight: Sight


@dataclass(frozen=True, slots=True)
class Changed:
    """A reference that means something else than before."""

    reference: str
    then: Anchor | None
    now: Anchor | None

    @property
    def target(self) -> Anchor:
        """Where it led, or leads."""
        target = self.then or self.now
        assert target is not None
        return target


class Scales:
    """Weighs the drifts of one tree."""

    def __init__(self, code: Code, history: History | None, context: str) -> None:
        self.code = code
        self.history = history
        self._commonplace = Commonplace(code, history, context) if history else None
        self._trees: set[str] = set()

    def weighed(self, case: Case) -> Case:
        """The case, with another state when the difference is worth less than it looks."""
        drift = case.drift
        if drift.state == "body" and not drift.moved_to and self._is_rerouted(case):
            drift = replace(drift, state=_but_for_the_body(case), reason="it imports from another place")
            case = replace(case, drift=drift)
        if drift.state != "dependency":
            return case
        everything = self.changed(case)
        changed = [one for one in everything if not self._is_uncalled(one, case)]
        if everything and not changed:
            names = ", ".join(f"`{one.reference}`" for one in everything[:3])
            reason = f"{names} changed in an overload that is not called here"
            return replace(case, drift=replace(drift, state="unchanged", reason=reason))
        if not changed or not all(self._is_slight(one, case) for one in changed):
            return case
        names = ", ".join(f"`{one.reference}`" for one in changed[:3])
        reason = f"{names} changed, which says little: much of the repository uses it"
        state: DriftState = "unchanged"
        if drift.moved_to:
            state, reason = "moved", now_at(drift.anchor, drift.moved_to)
        return replace(case, drift=replace(drift, state=state, reason=reason))

    def since(self, baseline: Baseline) -> str:
        """The commit in which the note was true; HEAD when that is not committed."""
        if self.history is None:
            return ""
        return baseline.commit.id if baseline.commit else self.history.head

    def changed(self, case: Case) -> list[Changed]:
        """The references behind a changed dependency, as far as they can be told."""
        before, now = self._dependencies_then(case.drift.anchor, case.baseline), case.sight.dependencies
        if before is None:
            return []
        return [
            Changed(reference, before.targets.get(reference), now.targets.get(reference))
            for reference in sorted({*before.digests, *now.digests})
            if before.digests.get(reference) != now.digests.get(reference)
        ]

    def _dependencies_then(self, anchor: Anchor, baseline: Baseline) -> Dependencies | None:
        since = self.since(baseline)
        if self.history is None or not since or baseline.stamp is None:
            return None
        if since not in self._trees and len(self._trees) >= _MOST_TREES:
            return None
        self._trees.add(since)
        then = look(anchor, self.history.code(since, self.code.memory))
        if then.stamp is None or bool(then.stamp.deps) != bool(baseline.stamp.deps):
            return None
        return None if is_other(baseline.stamp.deps, then.stamp.deps) else then.dependencies

    def _is_rerouted(self, case: Case) -> bool:
        anchor = case.drift.anchor
        return self._same_but_imports(anchor, anchor, case.baseline)

    def _same_but_imports(self, then: Anchor, now: Anchor, baseline: Baseline) -> bool:
        since = self.since(baseline)
        if self.history is None or not since:
            return False
        past = self.history.code(since, self.code.memory)
        return is_rerouted(Seen(then, past), Seen(now, self.code))

    def _is_uncalled(self, changed: Changed, case: Case) -> bool:
        """Is it another overload than the one that is called?"""
        since = self.since(case.baseline)
        if changed.then is None or changed.now is None or case.sight.symbol is None or self.history is None:
            return False
        user = User(case.drift.anchor, case.sight.symbol)
        past = self.history.code(since, self.code.memory)
        return is_uncalled(user, (changed.then, changed.now), changed.reference, (past, self.code))

    def _is_slight(self, changed: Changed, case: Case) -> bool:
        """Is it there as before, no value, and the same but for imports, or everybody's?"""
        if changed.then is None or changed.now is None or self._commonplace is None:
            return False
        symbol = self.code.symbol(changed.now.path, changed.now.symbol)
        if symbol is None or symbol.kind in ("constant", "key"):
            return False
        if self._same_but_imports(changed.then, changed.now, case.baseline):
            return True
        return self._commonplace.holds(case.drift.anchor, changed.reference, changed.now)


def now_at(anchor: Anchor, moved_to: str) -> str:
    """The reason of a drift that is a move and nothing else."""
    return f"`{anchor}` is now `{moved_to}`"


def _but_for_the_body(case: Case) -> DriftState:
    old, now = case.baseline.stamp, case.sight.stamp
    assert old is not None and now is not None
    state = difference(replace(old, body=now.body), now, case.sight.dependencies.uncertain)
    return "cosmetic" if state == "unchanged" else state
