"""Mending that needs no model: moved anchors, notes mended by hand, and proposals that nobody objects to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from agentctx.errors import NotFound
from agentctx.flows.unread import marks_of, still_unread
from agentctx.freshness.tree import Tree
from agentctx.freshness.verify import stamps_for
from agentctx.git import RevTree
from agentctx.model import Freshness, Note, Proposal, Stamp
from agentctx.notes.document import parse
from agentctx.project import Project
from agentctx.proposals.accept import accept, written_before
from agentctx.proposals.drafting import Provenance, draft_repair
from agentctx.proposals.prompts import PROMPT_VERSION
from agentctx.proposals.repair import mended_by_hand, moved_anchors
from agentctx.proposals.store import content_key


def repairs(project: Project, sync: str, write: bool, dry: bool = False) -> tuple[str, ...]:
    """Anchors put where their code went, and new stamps for notes that people mended; ids of both.

    Without ``write`` the new anchors are proposals like all others, and no stamp is touched. ``dry``
    only says which notes those are.
    """
    states = project.index.by_id()
    notes = project.own_notes.notes
    done = []
    for note in notes:
        repair = moved_anchors(note, states[note.id])
        if repair is None:
            continue
        data = project.folder.read_bytes(note.path)
        cause = _cause(states[note.id]) or project.index.head
        made = draft_repair(repair, note, data, provenance_of(project, sync, cause))
        if isinstance(made, Proposal) and (dry or keep(project, made, write)):
            done.append(note.id)
    for id in mended_by_hand([states[n.id] for n in notes]):
        if write and not dry:
            note = next(n for n in notes if n.id == id)
            kept = still_unread(note, project.folder.record(id))
            if project.folder.write_record(id, {**stamps_for(note, project.tree), **kept}):
                done.append(id)
    return tuple(dict.fromkeys(done))


def _cause(freshness: Freshness) -> str:
    """The newest commit that moved anchored code, as far as history tells."""
    moved = [commit for drift in freshness.drifts if drift.moved_to for commit in drift.commits]
    return max(moved, key=lambda commit: commit.date).id if moved else ""


def keep(project: Project, proposal: Proposal, write: bool) -> bool:
    """Keep a proposal, and with ``write`` accept it; False when it was rejected or is open already.

    One that a killed run left open is accepted as well.
    """
    store = project.proposals
    if not store.add(proposal):
        key = content_key(proposal)
        twin = next((p for p in _unasked(project) if content_key(p) == key), None) if write else None
        if twin is None:
            return False
        proposal = twin
    if write:
        _apply(project, proposal)
    return True


def _apply(project: Project, proposal: Proposal) -> None:
    """Accept what no person has looked at: the note's record says so of the words that it brings."""
    stamps = stamps_by(project, proposal)
    writes = proposal.origin == "model" and any(o.name != "keep" for o in proposal.operations)

    old = _before(project, proposal)

    def unread(note: Note) -> dict[str, Stamp]:
        before = parse(note.path, old, note.kind)[0] if old is not None else None
        known = project.folder.record(note.id)
        kept = still_unread(note, still_unread(before, known) if before else known)
        return {**stamps(note), **kept, **(marks_of(note, before) if writes else {})}

    accept(proposal, project.folder, project.proposals, unread)


def _before(project: Project, proposal: Proposal) -> bytes | None:
    """What the note said before the proposal was or will be written into it."""
    written = written_before(proposal, project.folder, project.proposals)
    return written.before if written else _present(project, proposal.note_path)


def stamps_by(project: Project, proposal: Proposal) -> Callable[[Note], Mapping[str, Stamp]]:
    """What accepting a proposal may put on record: the code of the commit that it was made for, and nothing
    that has been changed since, committed or not. A repair is proved against the files as they are."""
    tree: Tree = project.tree
    if proposal.origin == "model" and proposal.commit:
        try:
            tree = RevTree(project.git, proposal.commit)
        except NotFound:  # a commit that this clone does not have any more
            pass
    return lambda note: stamps_for(note, tree)


def finish_interrupted(project: Project) -> None:
    """Do to the end what a run began that was killed between a note and its verification record."""
    store = project.proposals
    for proposal in store.open():
        if written_before(proposal, project.folder, store) is not None:
            _apply(project, proposal)


def apply_open(project: Project) -> list[Proposal]:
    """Accept what waits and no check objected to; what a person has undone waits for that person."""
    waiting = _unasked(project)
    for proposal in waiting:
        _apply(project, proposal)
    return waiting


def discarded(project: Project) -> frozenset[str]:
    """Notes whose accepted edit is gone from the disk, as ``git checkout`` leaves them: not undone, and not
    decided against. They may be asked about again, though they have been dealt with."""
    store, found = project.proposals, set()
    accepted = {p.id: p.note_id for p in store.proposals(("accepted",))}
    for entry in (store.journal(sync) for sync in store.syncs()) if accepted else ():
        steps = [s for s in entry.steps if s.proposal in accepted and s.edit.before is not None]
        kept = {s.proposal for s in steps if _present(project, s.edit.path) != s.edit.before}
        found |= {accepted[s.proposal] for s in steps if s.proposal not in kept and not entry.undone}
    return frozenset(found)


def _present(project: Project, path: str) -> bytes | None:
    try:
        return project.folder.read_bytes(path)
    except NotFound:
        return None


def _unasked(project: Project) -> list[Proposal]:
    """The open proposals that may be accepted without asking anybody."""
    journal = [project.proposals.journal(sync) for sync in project.proposals.syncs()]
    undone = {step.proposal for entry in journal if entry.undone for step in entry.steps}
    return [p for p in project.proposals.open() if p.state == "pending" and p.id not in undone]


def provenance_of(project: Project, sync: str, commit: str, model: str = "") -> Provenance:
    """What every proposal of one sync shares."""
    found = project.git.commits(range=commit, limit=1) if commit else []
    return Provenance(
        sync=sync,
        commit=commit,
        context=project.context,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        author=found[0].author if found else "",
        model=model,
        prompt_version=PROMPT_VERSION if model else "",
    )
