"""Where a finding is: the line of the note, the code in question with its diff, and what settles it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from agentctx.flows.side import Side
from agentctx.freshness.anchors import Sight, look
from agentctx.freshness.code import Code
from agentctx.freshness.languages import language_of
from agentctx.freshness.mentions import Claim, claims, definitions, files_of, place_of, unreadable
from agentctx.freshness.rot import lines_above
from agentctx.freshness.wording import lines_of as lines_of_symbol
from agentctx.freshness.wording import symbol_diff
from agentctx.model import Drift, Finding, Freshness, Note
from agentctx.notes.document import lines_of
from agentctx.proposals.findings import edit_command

_MOST_FILES = 200
"""Changed files in which a constant is looked for that left the files of its note."""
_SPOILT = re.compile(r"cannot be parsed \(.*?\bline (\d+)")


@dataclass(frozen=True, slots=True)
class _Place:
    """A definition by file and qualified name."""

    path: str
    symbol: str


class Places:
    """Places the findings of one branch. Both sides share nothing but the repository."""

    def __init__(self, before: Side, after: Side, is_shallow: bool) -> None:
        self.before, self.after = before, after
        self.is_shallow = is_shallow

    def placed(self, note: Note, verdict: Freshness, findings: Sequence[Finding]) -> list[Finding]:
        """The findings of one note with lines, code, diff, and the command that settles them."""
        explained = self.after.assessor.explain(note, verdict)
        drifts = {str(drift.anchor): drift for drift in explained.drifts}
        said = {claim.text.strip(): claim for claim in claims(note)}
        found = []
        for finding in findings:
            finding = replace(finding, line=self.line(note, finding))
            drift, claim = drifts.get(finding.anchor), said.get(finding.anchor.strip())
            if drift is not None:
                finding = self._of_drift(note, finding, drift)
            elif claim is not None:
                now = next((m.now for m in verdict.mentions if m.text == finding.anchor), "")
                finding = self._of_claim(note, finding, claim, now)
            found.append(finding)
        return found

    def line(self, note: Note, finding: Finding) -> int:
        """The line of the note's file where the anchor or the code span stands."""
        data = self.after.tree.read(note.path) or b""
        if not finding.anchor:
            return max(finding.line, lines_above(note, self._now) + 1 if note.read_only else 1)
        listed = lines_of(data).get(("anchors", finding.anchor), 0)
        at = data.find(f"`{finding.anchor}`".encode("utf-8", "surrogateescape"))
        return listed or (data.count(b"\n", 0, at) + 1 if at >= 0 else 1)

    @property
    def _now(self) -> Code:
        return self.after.assessor.code

    @property
    def _then(self) -> Code:
        return self.before.assessor.code

    # ----------------------------------------------------------------- anchors

    def _of_drift(self, note: Note, finding: Finding, drift: Drift) -> Finding:
        path, _, symbol = (drift.moved_to or str(drift.anchor)).partition("#")
        if drift.state == "unknown":
            return self._of_unknown(note, finding, drift)
        code_path, line = self._at(_Place(path, symbol))
        return replace(finding, code_path=code_path, code_line=line, diff=self._diff(drift))

    def _of_unknown(self, note: Note, finding: Finding, drift: Drift) -> Finding:
        """Nothing could be compared: not the code, or not with the record, or there is no such code."""
        sight = look(drift.anchor, self._now)
        if sight.error:
            return _spoilt(finding, drift.anchor.path, sight.error)
        if sight.stamp is None:
            return finding
        path, line = self._at(_Place(drift.anchor.path, drift.anchor.symbol))
        return replace(finding, code_path=path, code_line=line, settle=self._comparable(note, drift, sight))

    def _comparable(self, note: Note, drift: Drift, sight: Sight) -> str:
        """The command after which code and record can be compared."""
        record = self.after.records.get(note.id, {}).get(str(drift.anchor))
        cut = record is None or (sight.stamp is not None and record.scheme == sight.stamp.scheme)
        if self.is_shallow and cut:
            return "git fetch --unshallow"
        return f"agentctx verify {shlex.quote(note.id)}"

    def _diff(self, drift: Drift) -> str:
        """The symbol's own diff; of one that is gone, all of it taken away."""
        if drift.state != "gone" or not drift.anchor.symbol:
            return drift.diff
        return self._change(_Place(drift.anchor.path, drift.anchor.symbol)) or drift.diff

    # ----------------------------------------------------------------- claims

    def _of_claim(self, note: Note, finding: Finding, claim: Claim, now: str) -> Finding:
        """``now``: what the claim means now, where that is known."""
        files = files_of(note, claims(note), self._now)
        if finding.state == "unknown":
            why = ((path, unreadable(path, self._now)) for path in [*files, *self._changed()])
            bad = next(((p, words) for p, words in why if words and finding.reason.startswith(words)), None)
            return _spoilt(finding, *bad) if bad else finding
        place = next(self._meant(claim, files), None)
        if place is None:
            return finding
        to = _Place(*now.split("#", 1)) if "#" in now else place
        path, line = self._at(to)
        return replace(finding, code_path=path, code_line=line, diff=self._change(place, to))

    def _meant(self, claim: Claim, files: Sequence[str]) -> Iterator[_Place]:
        """The definitions that a claim may be about: in the note's files now, in changed ones, and before."""
        name = claim.value if claim.kind == "path" else claim.name
        if claim.kind in ("make", "script") or not name:
            return
        if claim.kind == "path":
            files = [place_of(claim, self._now) or claim.name]
        for code, paths in ((self._now, files), (self._now, self._changed()), (self._then, files)):
            for path, found in definitions(name, paths, code):
                symbol = code.symbol(path, found)
                if symbol and (symbol.value or claim.kind != "value"):
                    yield _Place(path, found)

    def _changed(self) -> list[str]:
        """Programs and settings that the branch brought or changed."""
        trees = self.before.tree, self.after.tree
        paths = (p for p in trees[1].paths() if language_of(p) and trees[0].key(p) != trees[1].key(p))
        return [path for path, _ in zip(paths, range(_MOST_FILES), strict=False)]

    # ----------------------------------------------------------------- definitions

    def _at(self, place: _Place) -> tuple[str, int]:
        if not self._now.exists(place.path):
            return "", 0
        found = self._now.symbol(place.path, place.symbol) if place.symbol else None
        return place.path, found.start_line if found else 1

    def _change(self, place: _Place, to: _Place | None = None) -> str:
        """The diff of one definition between where the branch began and now, where it may stand elsewhere."""
        texts = []
        for code, at in ((self._then, place), (self._now, to or place)):
            symbol = code.symbol(at.path, at.symbol)
            texts.append(lines_of_symbol(symbol, code.tree.read(at.path) or b"") if symbol else "")
        if texts[0] == texts[1]:
            return ""
        return symbol_diff(texts[0], texts[1], f"{place.path}#{place.symbol}")


def _spoilt(finding: Finding, path: str, why: str) -> Finding:
    """A finding that waits for code to be mended; where nothing says which line, the note is what remains."""
    found = _SPOILT.search(why)
    if found is None:
        return finding
    line = int(found[1])
    return replace(finding, code_path=path, code_line=line, settle=edit_command(path, line))
