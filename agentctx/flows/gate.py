"""The gate before a merge: which notes does this branch make false that it did not mend itself?

The branch is compared with the commit where it left its base, so what the base did since is not its fault.
Nothing that the branch says about the gate is believed: settings come from the base. Only git is asked.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

from agentctx.config import Config
from agentctx.flows.branch import Branch, branch_of
from agentctx.flows.places import Places
from agentctx.flows.side import Side
from agentctx.flows.since_base import SinceBase
from agentctx.freshness.anchors import Sight, look, same_code
from agentctx.freshness.code import Code
from agentctx.freshness.score import state_of
from agentctx.git import RevTree, WorkTree
from agentctx.model import Anchor, Change, Checked, Drift, Finding, Freshness, Note, Problem
from agentctx.project import Project
from agentctx.proposals.findings import (
    Rules,
    edit_command,
    in_order,
    of_note,
    of_problems,
    of_targeting,
    renamed,
)
from agentctx.proposals.silent_files import lasting, telling
from agentctx.revision import settings_at

Say = Callable[[str], None]


def check(project: Project, base: str = "", head: str = "", say: Say | None = None) -> Checked:
    """What the branch makes false. Without ``head`` the files on disk are looked at, uncommitted changes
    included; without ``base`` the branch is compared with the upstream default branch.

    Raises ``NotFound`` when git does not have what the answer needs; it is never guessed.
    """
    say = say or (lambda _: None)
    branch = branch_of(project.git, base, head)
    config, notices = settings_at(
        project.git, branch.base, project.context
    )  # no branch switches off its gate
    say("reading the notes")
    gate = _Gate(project, branch, config)
    found = gate.findings()
    if config.check.targeting != "off" and branch.merge_base:
        say("reading the change")
        found += gate.by_targeting({f.note for f in found})
    return replace(branch.checked, findings=in_order(found), notices=notices)


# --------------------------------------------------------------------------- the answer


class _Gate:
    """One check under way."""

    def __init__(self, project: Project, branch: Branch, config: Config) -> None:
        self.project, self.git, self.branch = project, project.git, branch
        self.rules = Rules(config.check.fail_on, config.check.targeting)
        tree = WorkTree(self.git) if branch.is_worktree else RevTree(self.git, branch.head)
        include = config.notes.include
        self.after = Side(project, tree, include)
        self.before = Side(project, RevTree(self.git, branch.merge_base), include)
        self.places = Places(self.before, self.after, self.git.is_shallow)
        self.settled: set[str] = set()
        self.notes = {note.id: note for note in self.after.notes.notes}

    @cached_property
    def was(self) -> dict[str, str]:
        """Id of a note -> its id before the branch."""
        same = {id: id for id in self.notes}
        return same | renamed(self.before.notes.notes, self.after.notes.notes)

    @cached_property
    def since_base(self) -> SinceBase:
        """What the code at the merge base says where nothing else does."""
        return SinceBase(self.git, self.before, self.after, self.branch.merge_base, self.was)

    @cached_property
    def verdicts(self) -> dict[str, Freshness]:
        """Of every note after the branch."""
        return self.since_base.verdicts(self.after.verdicts())

    def findings(self) -> list[Finding]:
        """What is false now: brought by the branch, or older than it (``known``)."""
        after = self.verdicts
        doubtful = frozenset(id for id, f in after.items() if f.state != "fresh")
        named = frozenset(self.was[id] for id in doubtful)
        before = self.before.verdicts(named) if named and self.branch.merge_base else {}
        found: list[Finding] = []
        for id in sorted(doubtful):
            then = before.get(self.was[id])
            then = then and self.since_base.known(id, then, after[id])
            claims = list(of_note(self.notes[id], after[id], then, self.rules))
            mine = [c for c in claims if c.known or not self._is_settled(self.notes[id], after[id], c)]
            self.settled |= {id} if claims and not mine else set()
            found += self.places.placed(self.notes[id], after[id], mine) if mine else []
        problems = [*self.after.notes.problems, *self._links()]
        return found + of_problems(problems, self.before.notes.problems, set(self.before.tree.paths()))

    def _links(self) -> list[Problem]:
        """Notes whose file, or a folder above it, is a symbolic link now, which hides them; a document that
        is a link to another document is read there."""
        others = self.after.tree.others()
        paths = {note.path: note.read_only for note in self.before.notes.notes}
        links = {path: next((p for p in _and_above(path) if p in others), "") for path in paths}
        read = {note.path for note in self.after.notes.notes}
        return [
            Problem(path, "link", f"`{link}` is a link now, and links are not followed", self._put_back(link))
            for path, link in links.items()
            if link and not (paths[path] and self._leads(link) in read)
        ]

    def _leads(self, link: str) -> str:
        """The repository path that a link names."""
        if self.branch.is_worktree:
            to = str((self.git.root / link).readlink())
        else:
            to = (self.git.read_blob(f"{self.branch.head}:{link}") or b"").decode("utf-8", "surrogateescape")
        return posixpath.normpath(posixpath.join(posixpath.dirname(link), to))

    def _put_back(self, link: str) -> str:
        return f"rm {shlex.quote(link)} && git checkout {self.branch.merge_base[:12]} -- {shlex.quote(link)}"

    def by_targeting(self, told: set[str]) -> list[Finding]:
        """Notes that were there before, that the branch left alone, and that its change concerns."""
        change = telling(self._change(), self.notes.values(), self.project.context)
        notes = lasting(self.notes.values())
        if not change.files or not notes:
            return []
        from agentctx.proposals.affected import affected
        from agentctx.proposals.kept_counts import counts_of
        from agentctx.proposals.merge_log import merge_history

        documents = sorted({n.path for n in notes if n.read_only})
        history = merge_history(self.git, self.branch.merge_base, self.project.state, documents)
        answer = affected(change, notes, history=history, counts=counts_of(notes, self.project.state))
        flagged = [one for one in answer if one.flag and one.id not in told | self.settled]
        paths = {path for file in change.files for path in (file.path, file.old_path)}
        quiet = [n for n in (self.notes[one.id] for one in flagged) if self._is_proven(n, paths)]
        left = told | {n.id for n in quiet} | {o.id for o in flagged if self._is_edited(self.notes[o.id])}
        found = of_targeting(flagged, self.notes, left, self.rules)
        lines = [self.places.line(self.notes[f.note], f) for f in found]
        return [
            replace(f, line=line, settle=edit_command(f.path, line))
            for f, line in zip(found, lines, strict=True)
        ]

    def _worth_reading(self, paths: Sequence[str]) -> list[str]:
        from agentctx.proposals.sampling import worth_reading

        return worth_reading(paths, list(self.notes.values()))

    def _is_proven(self, note: Note, changed: set[str]) -> bool:
        """Its author tied it to code in the changed files, and that code is what it was: words prove less."""
        drifts = self.verdicts[note.id].drifts
        return any(d.anchor.path in changed for d in drifts) and all(state_of([d]) == "fresh" for d in drifts)

    def _change(self) -> Change:
        base, head = self.branch.merge_base, self.branch.head
        if not self.branch.is_worktree:
            return self.git.show_change(base, head, self._worth_reading)
        from agentctx.diff import parse_patch

        patch = self.git.patch_worktree(base).decode("utf-8", "surrogateescape")
        return Change(base, head, parse_patch(patch))

    # ----------------------------------------------------------------- mended by the branch, or by the base

    def _is_edited(self, note: Note) -> bool:
        """Did the branch write this note, verify it, or bring it?"""
        record = f"{self.project.context}/.verified/{note.id}"
        return any(self.after.tree.key(p) != self.before.tree.key(p) for p in (note.path, record))

    def _is_settled(self, note: Note, verdict: Freshness, finding: Finding) -> bool:
        drift = next((d for d in verdict.drifts if str(d.anchor) == finding.anchor), None)
        if drift is None or drift.state in ("unknown", "unverified"):
            return False
        now = look(drift.anchor, self.after.assessor.code)
        return self._is_mended(note, drift, now) or self._is_the_bases(drift.anchor, now)

    def _is_mended(self, note: Note, drift: Drift, now: Sight) -> bool:
        """The branch last wrote the note when its code was as it is now, if in several commits. Anchors that
        follow moved code are no mending: the text is. A note that still names what is gone is not mended."""
        if not self.branch.merge_base or (now.stamp is None and drift.anchor in note.anchors):
            return False
        if self.was[note.id] != note.id and note.id in self.after.records:
            return False  # a record that came along speaks
        if not self.since_base.is_rewritten(note):
            return False
        if self.after.tree.key(note.path).startswith("w:"):
            return True
        span = f"{self.branch.merge_base}..{self.branch.head}"
        wrote = self.git.commits([note.path], span, limit=1)
        if not wrote:
            return False
        then = look(drift.anchor, self._past(wrote[0].id), deep=False)
        if then.stamp is None or now.stamp is None:
            return then.is_gone and now.is_gone
        return same_code(then.stamp, now.stamp)

    def _is_the_bases(self, anchor: Anchor, now: Sight) -> bool:
        """The base has this very code already (the branch was squashed, or stands on one that was)."""
        if self.branch.base in (self.branch.merge_base, ""):
            return False
        there = look(anchor, self._past(self.branch.base))
        return (there.is_gone and now.is_gone) or (there.stamp is not None and there.stamp == now.stamp)

    def _past(self, commit: str) -> Code:
        return Code(RevTree(self.git, commit), self.after.assessor.memory)


def _and_above(path: str) -> list[str]:
    """The path and every folder above it, the outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
