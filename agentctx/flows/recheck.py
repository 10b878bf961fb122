"""Open proposals held against what is there now: what note or code left behind is not offered as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from agentctx.errors import NotFound, NotWritable
from agentctx.freshness.anchors import look
from agentctx.freshness.code import Code, Memory
from agentctx.git import RevTree
from agentctx.model import Anchor, Note, Proposal, Refusal
from agentctx.project import Project
from agentctx.proposals import accept as accepting

MOVED_ON = "moved-on"


def recheck(project: Project, dry_run: bool = False) -> list[Proposal]:
    """The open proposals that are not what they were; each is kept in its new state, unless ``dry_run``.

    Dropped: edits that do not fit their note any more, and words that a note is still true when its code
    has changed since somebody said so. An edit of the text whose code has changed since waits for a person.
    """
    changed = [new for old in project.proposals.open() if (new := _again(project, old)) is not old]
    try:
        for proposal in () if dry_run else changed:
            project.proposals.update(proposal)
    except NotWritable:  # a reader's answer is the same where nothing can be kept
        pass
    return changed


def _again(project: Project, proposal: Proposal) -> Proposal:
    proposal = _under_its_name(project, proposal)
    obstacle = accepting.current(proposal, project.folder)
    if accepting.written_before(proposal, project.folder, project.proposals) is not None:
        return proposal  # a run was killed between the note and its record; accepting it does the rest
    if obstacle is not None:
        return replace(proposal, state="dropped", refusals=(*proposal.refusals, obstacle))
    if proposal.origin != "model" or any(r.check == MOVED_ON for r in proposal.refusals):
        return proposal
    moved = next(_moved(project, proposal), None)
    if moved is None:
        return proposal
    reason = f"{moved} has changed since this was proposed: run `agentctx sync`, or look for yourself"
    kept = any(operation.name == "keep" for operation in proposal.operations)
    refusals = (*proposal.refusals, Refusal(MOVED_ON, reason, "refused" if kept else "needs_review"))
    return replace(proposal, state="dropped" if kept else "needs_review", refusals=refusals)


def _under_its_name(project: Project, proposal: Proposal) -> Proposal:
    """The proposal for the note that has the very bytes it was made for, when that has another name now."""
    notes = project.own_notes.notes
    if any(note.path == proposal.note_path for note in notes):
        return proposal
    same = [note for note in notes if note.digest == proposal.note_digest]
    return replace(proposal, note_id=same[0].id, note_path=same[0].path) if len(same) == 1 else proposal


def _moved(project: Project, proposal: Proposal) -> Iterator[Anchor]:
    """Anchors whose code is not what it was at the commit that the proposal was made for."""
    note = next((n for n in project.notes.notes if n.id == proposal.note_id), None)
    if note and proposal.commit and proposal.commit != project.index.head:
        yield from moved_since(project, note, proposal.commit)


def moved_since(project: Project, note: Note, commit: str) -> Iterator[Anchor]:
    """A note's anchors whose code is not what it was at a commit; none when this clone lacks that commit."""
    exact = [a for a in note.anchors if not a.is_glob]
    try:
        tree = RevTree(project.git, commit)
    except NotFound:
        return
    then, now = Code(tree, Memory()), project.assessor.code
    for anchor in exact:
        if look(anchor, then).stamp != look(anchor, now).stamp:
            yield anchor
