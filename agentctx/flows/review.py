"""Proposals under a person's eyes: what each would change and why; accept, reject, edit, undo."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agentctx.errors import InvalidInput
from agentctx.flows.mending import stamps_by
from agentctx.flows.recheck import recheck
from agentctx.flows.unread import WORDS, unread_lines
from agentctx.freshness.verify import stamps_for
from agentctx.model import Edit, Proposal, Refusal
from agentctx.notes.document import parse
from agentctx.notes.folder import RECORDS
from agentctx.project import Project
from agentctx.proposals import accept as accepting
from agentctx.proposals.accept import kind_of


@dataclass(frozen=True, slots=True)
class Shown:
    """A proposal with what accepting it would do to its note now."""

    proposal: Proposal
    diff: str
    obstacle: str = ""
    """Why it does not fit its note any more; then all else is empty."""
    vouches: str = ""
    """What accepting it says beyond the words of ``diff``."""
    text: str = ""
    """The note as it would be, where more is vouched for than ``diff`` shows; ``! `` begins the lines with
    words that a model wrote and nobody has read."""


def pending(project: Project, every: bool = False) -> list[Proposal]:
    """Proposals that wait for somebody and still fit, oldest first; with ``every`` the closed ones too."""
    recheck(project)
    return list(project.proposals.proposals() if every else project.proposals.open())


def show(project: Project, id: str) -> Shown:
    """One proposal, held against its note as it is now."""
    proposal = project.proposals.get(id)
    result = accepting.preview(proposal, project.folder)
    if isinstance(result, Refusal):
        return Shown(proposal, "", result.reason)
    diff, (text, unread) = unified(result), _read_with(project, proposal, result.after or b"")
    said = [] if diff else [f"no word is changed: accepting says that this is true at {proposal.commit[:8]}"]
    said += ["accepting says that you have read the lines marked `!`: " + WORDS] if unread else []
    return Shown(proposal, diff, vouches="; ".join(said), text="" if diff and not unread else text)


def _read_with(project: Project, proposal: Proposal, data: bytes) -> tuple[str, bool]:
    """A note's text with a mark on each line that nobody has read, and whether there is one. A repair vouches
    for no words, so it marks none."""
    note, _ = parse(proposal.note_path, data, kind_of(project.folder, proposal.note_path))
    if note is None:
        return "", False
    record = project.folder.record(note.id) if proposal.origin == "model" else {}
    unread = unread_lines(note, record)
    lines = [(-1, note.title), *enumerate(note.body.split("\n"))]
    return "\n".join(f"{'!' if at in unread else ' '} {line}".rstrip() for at, line in lines), bool(unread)


def accept(
    project: Project, ids: Sequence[str], sync: str = "", review_too: bool = False, dry_run: bool = False
) -> list[Proposal]:
    """Write proposals into their notes. ``sync`` means all of one sync, no ids and no sync all there are.

    Those that a check sent to a person are only taken by id, or with ``review_too``. What note or code has
    left behind since it was shown is not written, but comes back in its new state.
    """
    meant = [proposal.id for proposal in _meant(project, ids, sync)]
    moved = {proposal.id: proposal for proposal in recheck(project, dry_run)}
    done = [moved[id] for id in meant if id in moved]
    for proposal in (project.proposals.get(id) for id in meant if id not in moved):
        if proposal.state == "needs_review" and not ids and not review_too:
            continue
        done.append(_foreseen(project, proposal) if dry_run else _written(project, proposal))
    return done


def _written(project: Project, proposal: Proposal) -> Proposal:
    stamps = stamps_by(project, proposal)
    return accepting.accept(proposal, project.folder, project.proposals, stamps).proposal


def _foreseen(project: Project, proposal: Proposal) -> Proposal:
    """The proposal as accepting it would leave it; nothing is written."""
    if proposal.state not in ("pending", "needs_review"):
        return proposal
    result = accepting.preview(proposal, project.folder)
    if isinstance(result, Refusal):
        return replace(proposal, state="dropped", refusals=(*proposal.refusals, result))
    return replace(proposal, state="accepted")


def reject(project: Project, ids: Sequence[str], sync: str = "", dry_run: bool = False) -> list[Proposal]:
    """Refuse proposals; the same ones do not come back."""
    meant = _meant(project, ids, sync)
    if dry_run:
        return [replace(proposal, state="rejected") for proposal in meant]
    return [project.proposals.reject(proposal) for proposal in meant]


def edit(project: Project, id: str, text: str) -> Proposal:
    """Accept a proposal in a person's own words: ``text`` becomes the note, whole."""
    shown = show(project, id)
    proposal = shown.proposal
    if proposal.state not in ("pending", "needs_review"):
        raise InvalidInput(f"proposal {id} is {proposal.state}", "agentctx review list")
    before = project.folder.read_bytes(proposal.note_path)
    change = Edit(proposal.note_path, before, text.encode("utf-8", "surrogateescape"))
    project.proposals.record(proposal.sync, change, proposal.id)
    note = project.note(proposal.note_id)
    project.folder.save(proposal.note_path, change.after or b"", note.digest)
    _stamp(project, proposal, change.after or b"")
    done = replace(proposal, state="accepted")
    project.proposals.update(done)
    return done


def _stamp(project: Project, proposal: Proposal, data: bytes) -> None:
    """The person has read the note against the code: its record says so, and the journal knows the record."""
    note, _ = parse(proposal.note_path, data, project.note(proposal.note_id).kind)
    if note is None:
        return
    path = f"{project.context}/{RECORDS}/{note.id}"
    before = project.folder.read_record(note.id)
    if project.folder.write_record(note.id, stamps_for(note, project.tree)):
        after = project.folder.read_record(note.id)
        change = Edit(path, before.encode() if before else None, after.encode() if after else None)
        project.proposals.record(proposal.sync, change, proposal.id)


def proposed_text(project: Project, id: str) -> str:
    """The note as the proposal would leave it, for an editor."""
    result = accepting.preview(project.proposals.get(id), project.folder)
    if isinstance(result, Refusal):
        raise InvalidInput(f"the proposal does not fit its note any more: {result.reason}", "agentctx sync")
    return (result.after or b"").decode("utf-8", "surrogateescape")


def undo(project: Project, sync: str, dry_run: bool = False) -> list[Edit]:
    """Take back everything one sync wrote, byte for byte; nothing when somebody changed a note since."""
    return list(accepting.undo(sync or _last(project), project.folder, project.proposals, dry_run))


def unified(edit: Edit) -> str:
    """A note's change as a unified diff."""
    old, new = ((data or b"").decode("utf-8", "replace").splitlines() for data in (edit.before, edit.after))
    lines = difflib.unified_diff(old, new, f"a/{edit.path}", f"b/{edit.path}", lineterm="")
    return "\n".join(lines)


def _meant(project: Project, ids: Sequence[str], sync: str) -> list[Proposal]:
    if ids:
        return [project.proposals.get(id) for id in ids]
    found = [p for p in project.proposals.open() if not sync or p.sync.startswith(sync)]
    if sync and not found:
        raise InvalidInput(f"no open proposal belongs to sync {sync!r}", "agentctx review list")
    return found


def _last(project: Project) -> str:
    journal = project.proposals.syncs()
    open_ones = [s for s in journal if not project.proposals.journal(s).undone]
    if not open_ones:
        raise InvalidInput(
            "no sync of this clone has written anything that could be undone", "agentctx review list"
        )
    if len(open_ones) > 1:
        raise InvalidInput(
            f"several syncs could be undone: {', '.join(open_ones)}", "name one: agentctx undo SYNC"
        )
    return open_ones[0]
