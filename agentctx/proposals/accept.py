"""From an accepted proposal to bytes on disk, and back: compare-and-swap, journal first, exact undo."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from agentctx.errors import Conflict, InvalidInput, NotFound
from agentctx.model import Edit, Kind, Note, Proposal, Refusal, Stamp
from agentctx.notes.document import parse
from agentctx.notes.folder import KINDS, RECORDS, Folder
from agentctx.notes.records import parse_record, render_record
from agentctx.proposals.checks import not_half_gone_text
from agentctx.proposals.operations import apply_operations, new_note_bytes
from agentctx.proposals.store import Store

T = TypeVar("T")
_MARK = re.compile(rb"^~unread(?::\w+)?\n  .*\n", re.MULTILINE)
StampsOf = Callable[[Note], Mapping[str, Stamp]]
"""The present stamps of a note's anchors, by anchor text: what ``verify`` would write."""

_OVERWRITING = ("replace_section", "retitle", "retag", "set_status")


@dataclass(frozen=True, slots=True)
class Accepted:
    """What accepting did: the edits that were written, and the proposal in its new state."""

    proposal: Proposal
    edits: tuple[Edit, ...] = ()


def accept(proposal: Proposal, folder: Folder, store: Store, stamps_of: StampsOf | None = None) -> Accepted:
    """Write a proposal into its note, together with the note's verification record.

    When the note is no longer the one that the proposal was made against, the operations are tried on
    its present bytes: they fit where every stretch they replace is still there exactly once. Otherwise
    the proposal is dropped, with the reason in ``refusals``. A second acceptance changes nothing.
    Raises ``InvalidInput`` for a proposal that was rejected or dropped, ``Conflict`` when somebody writes
    the note at this very moment again and again.
    """
    if proposal.state == "accepted":
        return Accepted(proposal)
    if proposal.state in ("rejected", "dropped"):
        raise InvalidInput(f"proposal {proposal.id} was {proposal.state}", "agentctx review list --all")
    written = written_before(proposal, folder, store)
    if written is None:
        result = _again(lambda: _write_note(proposal, folder, store), proposal)
        if isinstance(result, Refusal):
            return Accepted(_dropped(store, proposal, result))
        written = result
    edits = [written] if written.before != written.after else []
    if stamps_of is not None and written.after is not None:
        record = _again(
            lambda: _write_record(proposal, written.after or b"", folder, store, stamps_of), proposal
        )
        edits += [record] if record else []
    done = replace(proposal, state="accepted")
    store.update(done)
    return Accepted(done, tuple(edits))


def current(proposal: Proposal, folder: Folder) -> Refusal | None:
    """Why an open proposal does not fit its note any more; None while it does."""
    after = applied(proposal, _present(folder, proposal.note_path))
    return after if isinstance(after, Refusal) else None


def preview(proposal: Proposal, folder: Folder) -> Edit | Refusal:
    """What accepting would write into the note now."""
    before = _present(folder, proposal.note_path)
    after = applied(proposal, before)
    return after if isinstance(after, Refusal) else Edit(proposal.note_path, before, after)


def undo(sync: str, folder: Folder, store: Store, dry_run: bool = False) -> tuple[Edit, ...]:
    """Take back what a sync wrote; returns the edits that were taken back, newest first.

    Bytes are restored only where they are still what the sync left. The proposals wait for a decision
    again: accepting them does the same once more, and no later sync redoes them unasked, because what is
    open already is not offered twice. Raises ``Conflict`` naming the note that somebody has changed since,
    before anything is written; ``NotFound`` for an unknown sync. ``dry_run`` proves the same, and writes
    nothing.
    """
    entry = store.journal(sync)
    if entry.undone:
        return ()
    steps = _backward([step.edit for step in entry.steps], folder)
    if dry_run:
        return tuple(steps)
    for edit in steps:
        _put(folder, edit.path, edit.before, edit.after)
    _reopen({step.proposal for step in entry.steps}, store)
    store.close(sync)
    return tuple(steps)


# --------------------------------------------------------------------------- bytes


def _present(folder: Folder, path: str) -> bytes | None:
    try:
        return folder.read_bytes(path)
    except NotFound:
        return None


def applied(proposal: Proposal, before: bytes | None) -> bytes | Refusal:
    """The bytes that a proposal makes of a note's present ones (None: there is no such file)."""
    new = next((o for o in proposal.operations if o.name == "new_note"), None)
    if new is not None:
        after = new_note_bytes(new)
        if before is not None and before != after:
            return Refusal("moved-on", f"{proposal.note_path} exists already")
        return after
    if before is None:
        return Refusal("moved-on", f"{proposal.note_path} does not exist any more")
    after = apply_operations(before, proposal.operations)
    changed = hashlib.sha256(before).hexdigest() != proposal.note_digest
    if isinstance(after, Refusal):
        what = "the note has changed since: " if changed else ""
        return replace(after, reason=what + after.reason)
    if changed and any(o.name == "keep" for o in proposal.operations):
        return Refusal("moved-on", "the note has changed since it was read, so it is not verified by this")
    whole = [o.name for o in proposal.operations if o.name in _OVERWRITING]
    if changed and whole:
        # What somebody wrote there meanwhile would be overwritten unseen.
        return Refusal(
            "moved-on", f"the note has changed since, and {whole[0]} overwrites a whole part of it"
        )
    return next(iter(not_half_gone_text(before, after)), after)


def written_before(proposal: Proposal, folder: Folder, store: Store) -> Edit | None:
    """The edit of an acceptance that was killed after the note was written and before that was noted down;
    None for every other proposal."""
    if proposal.sync not in store.syncs():
        return None
    steps = [step for step in store.journal(proposal.sync).steps if step.proposal == proposal.id]
    edits = [step.edit for step in steps if step.edit.path == proposal.note_path]
    return edits[-1] if edits and _present(folder, proposal.note_path) == edits[-1].after else None


def _again(write: Callable[[], T], proposal: Proposal, attempts: int = 5) -> T:
    """Do it anew, from the bytes that are there then, when somebody else wrote in between."""
    for _ in range(attempts):
        try:
            return write()
        except Conflict:
            continue
    raise Conflict(
        f"{proposal.note_path} is being written by somebody else again and again",
        f"try again: agentctx review accept {proposal.id}",
    )


def _write_note(proposal: Proposal, folder: Folder, store: Store) -> Edit | Refusal:
    before = _present(folder, proposal.note_path)
    after = applied(proposal, before)
    if isinstance(after, Refusal):
        return after
    edit = Edit(proposal.note_path, before, after)
    if before != after:
        _apply(proposal, edit, folder, store)
    return edit


def _write_record(
    proposal: Proposal, data: bytes, folder: Folder, store: Store, stamps_of: StampsOf
) -> Edit | None:
    """The verification record of the note as accepted; None when it says the same already."""
    note, _ = parse(proposal.note_path, data, kind_of(folder, proposal.note_path))
    if note is None:
        return None
    path = f"{folder.context}/{RECORDS}/{note.id}"
    before = _present(folder, path)
    old = (before or b"").decode("utf-8", "replace")
    text = render_record(vouched(proposal, stamps_of(note), parse_record(old)), old)
    edit = Edit(path, before, text.encode() or None)
    if edit.before == edit.after:
        return None
    _apply(proposal, edit, folder, store)
    return edit


def vouched(proposal: Proposal, now: Mapping[str, Stamp], old: Mapping[str, Stamp]) -> Mapping[str, Stamp]:
    """What accepting may put on record. A repair has proved where its anchors went and nothing else: the
    other stamps stay as somebody verified them, so that what was stale beside them stays stale."""
    if proposal.origin != "repair":
        return now
    moves = [o.arguments for o in proposal.operations if o.name == "anchor"]
    put, left = {move["anchor"]: move for move in moves}, {move.get("replaces") for move in moves}
    kept = {name: old.get(move["replaces"]) for name, move in put.items() if move.get("as_verified")}
    return {
        **{name: kept.get(name) or stamp for name, stamp in now.items() if name in put},
        **{name: stamp for name, stamp in old.items() if name not in left},
    }


def kind_of(folder: Folder, path: str) -> Kind:
    """The kind of a note, by the folder that it lies in."""
    return KINDS.get(path.removeprefix(f"{folder.context}/").split("/")[0], "decision")


def _apply(proposal: Proposal, edit: Edit, folder: Folder, store: Store) -> None:
    """Journal first, then the file, only if its bytes are still those that the edit was made from."""
    store.record(proposal.sync, edit, proposal.id)
    try:
        _put(folder, edit.path, edit.after, edit.before)
    except Exception:
        store.withdraw(proposal.sync, edit, proposal.id)
        raise


def _put(folder: Folder, path: str, data: bytes | None, expected: bytes | None) -> None:
    digest = None if expected is None else hashlib.sha256(expected).hexdigest()
    if data is not None:
        folder.save(path, data, digest)
    elif digest is not None:
        folder.remove(path, digest)


def _backward(edits: Sequence[Edit], folder: Folder) -> list[Edit]:
    """The edits to take back, newest first, proved against what is on disk before anything is written."""
    present: dict[str, bytes | None] = {}
    steps: list[Edit] = []
    for edit in reversed(edits):
        now = present.setdefault(edit.path, _present(folder, edit.path))
        if _read(edit.path, now) == _read(edit.path, edit.after):
            steps.append(replace(edit, after=now))
            present[edit.path] = edit.before
        elif now != edit.before:
            raise Conflict(
                f"{posixpath.basename(edit.path)} has been changed since; nothing was undone",
                f"edit {edit.path} by hand, or take your change back first",
            )
    return steps


def _read(path: str, data: bytes | None) -> bytes | None:
    """A file as it is once somebody has read the note: a record without the marks."""
    return _MARK.sub(b"", data) if data and f"/{RECORDS}/" in path else data


def _reopen(ids: Collection[str], store: Store) -> None:
    """Accepted proposals back to how a check left them."""
    for proposal in store.proposals(("accepted",)):
        if proposal.id in ids:
            looked = any(r.severity == "needs_review" for r in proposal.refusals)
            store.update(replace(proposal, state="needs_review" if looked else "pending"))


def _dropped(store: Store, proposal: Proposal, refusal: Refusal) -> Proposal:
    dropped = replace(proposal, state="dropped", refusals=(*proposal.refusals, refusal))
    store.update(dropped)
    return dropped
