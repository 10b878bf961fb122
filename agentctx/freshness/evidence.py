"""Why an anchor drifted: the commits that did it, a sentence, and a diff of the symbol alone.

The work is bounded: one log for all drifted files of one run, old contents through one process and remembered
by content id. Where the bound is met a drift keeps its plain reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from agentctx.freshness import wording
from agentctx.freshness.anchors import Sight, difference, look, same_code
from agentctx.freshness.code import Code
from agentctx.freshness.dependencies import User, face_of, face_stamp
from agentctx.freshness.history import Event, History
from agentctx.freshness.languages import language_of
from agentctx.freshness.weighing import Case, Changed, Scales
from agentctx.freshness.witness import Baseline, at_blob
from agentctx.model import Anchor, Commit, Drift, Stamp, Symbol

_MOST_PARSES = 600
"""Old versions read for one run."""
_SHORT_STRETCH = 4
"""Commits in a row that are all looked at: a change that was taken back is found among them."""


@dataclass(frozen=True, slots=True)
class _Culprit:
    """What to look for in history: an anchor, its stamp when it was verified, and how to call it."""

    anchor: Anchor
    stamp: Stamp | None
    since: str
    name: str = ""
    now: Anchor | None = None
    """Where it is now, when it went elsewhere."""


class Evidence:
    """Explains the drifts of one tree."""

    def __init__(self, code: Code, history: History | None, context: str) -> None:
        self.code = code
        self.history = history
        self.scales = Scales(code, history, context)
        self._start = code.memory.parses
        self._events: dict[str, list[Event]] = {}

    def explain(self, cases: Sequence[Case], order: Sequence[str] = ()) -> list[Drift]:
        """The drifts with commits and reasons. ``order`` lists commit ids of the context log, newest first,
        and says which verification is the oldest."""
        cases = [self.scales.weighed(case) for case in cases]
        culprits = [self._culprits(case) for case in cases]
        if self.history is not None:
            paths = {c.anchor.path for found in culprits for c in found}
            since = _oldest({c.since for found in culprits for c in found}, order)
            if since != self.history.head:
                for event in self.history.changes_of(paths, since):
                    for path in event.changes:
                        self._events.setdefault(path, []).append(event)
        return [self._explained(case, found) for case, found in zip(cases, culprits, strict=True)]

    def diff(self, case: Case) -> str:
        """Unified diff of the drifted symbol between verification and now; empty when it cannot be told."""
        old = self._then(case.drift.anchor, case.baseline)
        anchor = case.drift.anchor
        source = self.code.tree.read(case.sight.path)
        if old is None or case.sight.symbol is None or source is None:
            return ""
        return wording.symbol_diff(old[1], wording.lines_of(case.sight.symbol, source), str(anchor))

    def cosmetic(self, drift: Drift, verified: Commit | None) -> Drift:
        """An unchanged anchor whose text is another one since the verifying commit: ``cosmetic``."""
        if drift.state != "unchanged" or self.history is None:
            return drift
        anchor = drift.anchor
        old = self.history.tree(verified.id if verified else self.history.head)
        if not old.key(anchor.path) or old.key(anchor.path) == self.code.tree.key(anchor.path):
            return drift
        before = Code(old, self.code.memory).symbol(anchor.path, anchor.symbol)
        now = self.code.symbol(anchor.path, anchor.symbol)
        if before is None or now is None:
            return drift
        texts = [
            wording.lines_of(symbol, tree.read(anchor.path) or b"")
            for symbol, tree in ((before, old), (now, self.code.tree))
        ]
        if texts[0] == texts[1]:
            return drift
        return replace(drift, state="cosmetic", reason=f"formatting or comments of `{anchor}` changed")

    def _culprits(self, case: Case) -> list[_Culprit]:
        since = self.scales.since(case.baseline)
        anchor = case.drift.anchor
        if case.drift.state != "dependency":
            return [_Culprit(anchor, case.baseline.stamp, since)]
        assert case.sight.symbol is not None
        user = User(anchor, case.sight.symbol)
        found: dict[Anchor, _Culprit] = {}
        for changed in self.scales.changed(case):
            for culprit in self._behind(changed, user, since):
                found.setdefault(culprit.anchor, culprit)
        return list(found.values())

    def _behind(self, changed: Changed, user: User, since: str) -> list[_Culprit]:
        """The definition that changed behind a reference: of a type, the constructor or member."""
        assert self.history is not None
        target = changed.target
        past = self.history.code(since, self.code.memory)
        place = changed.now or target
        before = {p.symbol: (p, made) for p, made in face_of(target, user, changed.reference, past)}
        now = {p.symbol: (p, made) for p, made in face_of(place, user, changed.reference, self.code)}
        then = look(target, past, deep=False)
        members = [n for n in {**before, **now} if _face_at(before.get(n)) != _face_at(now.get(n))]
        if then.symbol is None or not members:
            return [_Culprit(target, then.stamp, since, changed.reference, place)]
        culprits = []
        for name in members[:3]:
            old, new = before.get(name), now.get(name)
            here = new[0] if new else None
            there, stamp = (old[0], old[1].stamp) if old else (here or target, None)
            culprits.append(_Culprit(there, stamp, since, name, here))
        return culprits

    def _explained(self, case: Case, culprits: list[_Culprit]) -> Drift:
        drift = case.drift
        if drift.state in ("unchanged", "cosmetic"):
            return drift
        if drift.state == "dependency":
            return self._dependency(case, culprits)
        commits, uncommitted = self._changes(culprits[0])
        reason = drift.reason
        if drift.state in ("signature", "body", "docstring") and case.sight.symbol is not None:
            reason = self._words(drift, case) + _went(drift)
        return replace(drift, commits=commits, reason=_joined(reason, wording.when(commits, uncommitted)))

    def _words(self, drift: Drift, case: Case) -> str:
        anchor = drift.anchor
        symbol, source = case.sight.symbol, self.code.tree.read(case.sight.path)
        assert symbol is not None
        if not anchor.symbol:
            return self._file_words(anchor, case)
        old = self._then(anchor, case.baseline)
        return wording.changed(
            anchor.symbol, drift.state, old, (symbol, wording.lines_of(symbol, source or b""))
        )

    def _file_words(self, anchor: Anchor, case: Case) -> str:
        """Names the definitions of a whole file that came, went or changed."""
        since = self.scales.since(case.baseline)
        file = self.code.file(anchor.path)
        if self.history is None or file is None:
            return f"`{anchor.path}` changed"
        past = self.history.code(since, self.code.memory)
        before = past.file(anchor.path)
        if before is None or before.error:
            return f"`{anchor.path}` changed"
        outer = [n for n in dict.fromkeys([*before.names, *file.names]) if "." not in n]
        words = []
        for name in outer:
            then, now = past.symbol(anchor.path, name), self.code.symbol(anchor.path, name)
            if then is None or now is None:
                words.append(f"`{name}` {'added' if then is None else 'removed'}")
            elif then.value != now.value:
                words.append(f"`{name}` {then.value or '…'} -> {now.value or '…'}")
            elif not same_code(then.stamp, now.stamp):
                words.append(f"`{name}` changed")
        more = f" and {len(words) - 4} more" if len(words) > 4 else ""
        listed = f": {', '.join(words[:4])}{more}" if words else ""
        return f"`{anchor.path}` changed{listed}"

    def _dependency(self, case: Case, culprits: list[_Culprit]) -> Drift:
        drift = case.drift
        name = drift.anchor.symbol
        if not culprits:
            return replace(drift, reason=f"something that `{name}` calls or reads changed{_went(drift)}")
        words: list[str] = []
        commits: dict[str, Commit] = {}
        uncommitted = False
        for culprit in culprits[:3]:
            found, open_edit = self._changes(culprit)
            commits |= {c.id: c for c in found}
            uncommitted = uncommitted or open_edit
            words.append(self._culprit_words(culprit))
        listed = tuple(sorted(commits.values(), key=lambda c: c.date, reverse=True))
        reason = f"`{name}` uses {', '.join(words)}{_went(drift)}"
        return replace(drift, commits=listed, reason=_joined(reason, wording.when(listed, uncommitted)))

    def _culprit_words(self, culprit: _Culprit) -> str:
        anchor, place = culprit.anchor, culprit.now or culprit.anchor
        now = look(place, self.code, deep=False)
        label = f"`{_as_written(culprit)}`"
        if now.symbol is None or culprit.stamp is None:
            return (
                f"{label}, which is no longer in `{anchor.path}`"
                if now.is_gone
                else f"{label}, which changed"
            )
        if now.symbol.kind == "constant" and self.history is not None:
            then = self.history.code(culprit.since, self.code.memory).symbol(anchor.path, anchor.symbol)
            if then and then.value and now.symbol.value and then.value != now.symbol.value:
                return f"{label}, which went {then.value} -> {now.symbol.value}"
        assert now.stamp is not None
        state = difference(culprit.stamp, now.stamp, uncertain=True)
        part = {"signature": "signature", "body": "body"}.get(state, "code")
        return f"{label}, whose {part} changed in `{place.path}`"

    def _then(self, anchor: Anchor, baseline: Baseline) -> tuple[Symbol, str] | None:
        """The symbol and its text as it was when verified."""
        since = self.scales.since(baseline)
        if self.history is None or not since:
            return None
        tree = self.history.tree(since)
        symbol = Code(tree, self.code.memory).symbol(anchor.path, anchor.symbol)
        source = tree.read(anchor.path)
        if symbol is None or source is None or baseline.stamp is None:
            return None
        if not same_code(symbol.stamp, baseline.stamp):
            return None
        return symbol, wording.lines_of(symbol, source)

    def _changes(self, culprit: _Culprit) -> tuple[tuple[Commit, ...], bool]:
        """(commits that changed the symbol, newest first; is there an uncommitted change too)."""
        if self.history is None:
            return (), False
        path = culprit.anchor.path
        key = self.code.tree.key(path)
        uncommitted = False
        if not key or key.startswith("w:"):
            committed = self.history.code(self.history.head, self.code.memory)
            uncommitted = not self._same(
                look(culprit.anchor, committed, deep=False), look(culprit.anchor, self.code, deep=False)
            )
        return self._commits(culprit), uncommitted

    def _commits(self, culprit: _Culprit) -> tuple[Commit, ...]:
        """Looks for the changes by halving: where both ends of a stretch are the same, nothing is read."""
        path, anchor = culprit.anchor.path, culprit.anchor
        events = [event for event in self._events.get(path, ()) if event.parents < 2]
        found: list[int] = []
        stretches = [(0, len(events))] if events else []
        while stretches:
            start, end = stretches.pop()  # events[start:end]; newest first
            after, before = (
                self._sight(anchor, events[start].changes[path][1]),
                self._sight(anchor, events[end - 1].changes[path][0]),
            )
            if self._same(before, after) and end - start > _SHORT_STRETCH:
                continue
            if end - start == 1:
                found += [] if self._same(before, after) else [start]
                continue
            middle = (start + end) // 2
            stretches += [(start, middle), (middle, end)]
        return tuple(self._until_verified(culprit, [events[at] for at in sorted(found)]))

    def _until_verified(self, culprit: _Culprit, events: Sequence[Event]) -> Iterator[Commit]:
        """The log reaches back to the oldest verification of all; this culprit's may be younger."""
        for event in events:
            yield event.commit
            before = self._sight(culprit.anchor, event.changes[culprit.anchor.path][0]).stamp
            if before and culprit.stamp and difference(before, culprit.stamp, True) == "unchanged":
                return

    def _sight(self, anchor: Anchor, oid: str) -> Sight:
        assert self.history is not None
        if self.code.memory.parses - self._start > _MOST_PARSES:
            return Sight(error="too many old versions")
        return look(anchor, at_blob(self.history, self.code.memory, anchor.path, oid), deep=False)

    def _same(self, before: Sight, after: Sight) -> bool:
        if before.stamp is None or after.stamp is None:
            return before.is_gone == after.is_gone
        return difference(before.stamp, after.stamp, True) == "unchanged" and (
            before.stamp.text == after.stamp.text
        )


def _face_at(made: tuple[Anchor, Symbol] | None) -> str:
    return face_stamp(made[1]) if made else ""


def _as_written(culprit: _Culprit) -> str:
    """References are kept with dots; Rust writes its paths with colons."""
    first = culprit.name.partition(".")[0]
    separator = getattr(language_of(culprit.anchor.path), "separator", ".")
    return culprit.name if first in ("self", "this") else culprit.name.replace(".", separator)


def _went(drift: Drift) -> str:
    return f", and it is now `{drift.moved_to}`" if drift.moved_to else ""


def _joined(reason: str, when: str) -> str:
    return f"{reason}, {when}" if when else reason


def _oldest(since: set[str], order: Sequence[str]) -> str:
    """The commit furthest back in the log; none at all when one of them is not in it."""
    place = {commit: at for at, commit in enumerate(order)}
    known = since - {""}
    if len(known) == 1:
        return next(iter(known))
    known = {c for c in known if c in place} or known
    return max(known, key=lambda commit: place.get(commit, -1), default="")
