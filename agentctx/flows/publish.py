"""A sync as a commit: on the current branch, or on a branch of its own with one open pull request.

Nothing of a pull request touches the work tree, and nothing is ever pushed with force. The synced ref moves
last, so a job that fails anywhere loses nothing: the next one does its range.
"""

from __future__ import annotations

import posixpath
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from agentctx.errors import GitFailed, InvalidInput
from agentctx.files import locked
from agentctx.flows.causes import arrived, newest, sources_of
from agentctx.flows.open_request import WithRequest
from agentctx.flows.outcome import kept_as_they_are, left_false
from agentctx.flows.refused import WHY, Refused, refused
from agentctx.flows.review import unified
from agentctx.flows.sync import CAP, UNASKED, Choices, Say, run_sync
from agentctx.flows.turns import ANSWERED, Turns
from agentctx.forges.base import Request, Text
from agentctx.forges.place import Goal, Place, Tip
from agentctx.freshness.verify import stamps_for
from agentctx.git import RevTree
from agentctx.model import Edit, Note, Proposal, Refusal, SyncReport
from agentctx.notes.document import parse
from agentctx.notes.folder import RECORDS
from agentctx.notes.records import parse_record, render_record
from agentctx.notes.scan import KINDS
from agentctx.project import Project
from agentctx.proposals.accept import applied, preview, vouched
from agentctx.proposals.publish import (
    Batch,
    Mended,
    branch_name,
    edit_of,
    message,
    only_notes,
    request_text,
    subject,
    trailers,
)
from agentctx.proposals.store import Store
from agentctx.text import counted

_PATIENCE = 900.0
"""Seconds for which a sync waits for another one that commits in the same clone."""


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it. ``branch`` and ``commit`` are empty when there was nothing to change."""

    base: str
    head: str
    report: SyncReport | None = None
    branch: str = ""
    commit: str = ""
    request: Request | None = None
    text: Text | None = None
    words: tuple[str, ...] = ()


# --------------------------------------------------------------------------- on the current branch


def commit_sync(
    project: Project, base: str = "", head: str = "", model: bool = True, say: Say | None = None
) -> Published:
    """Sync, apply what no check objects to, and commit exactly that, with provenance trailers.

    Raises ``InvalidInput`` when notes have uncommitted changes, which would be committed along. Of two at
    once in a clone the second waits: each would commit the other's edits as its own.
    """
    folder = project.state.folder
    with locked(folder / "commit.lock", _PATIENCE) if folder else nullcontext():
        return _commit_sync(project, base, head, model, say)


def _commit_sync(project: Project, base: str, head: str, model: bool, say: Say | None) -> Published:
    _clean(project)
    if project.git.in_progress():
        raise InvalidInput(f"a {project.git.in_progress()} is under way", "finish it first")
    report = run_sync(project, base, head, Choices(repair=True, apply=True, model=model), say)
    store = project.proposals
    steps = store.journal(report.id).steps if report.id in store.syncs() else ()
    wrote = {step.edit.path for step in steps}
    paths = [path for path in _dirty(project) if path in wrote]  # a person may be at work here
    if not paths:
        return Published(
            report.base, report.head, report, words=("nothing to commit", *kept_as_they_are(report.proposals))
        )
    written = [p for p in project.proposals.proposals(("accepted",)) if p.sync == report.id]
    restamped = set(report.repaired) - {p.note_id for p in written}
    edits = [step.edit for step in steps if step.edit.path in paths]
    batch = _batch(project, report, written, edits, sorted(restamped))
    words = message(batch).encode()
    project.git.run("add", "--", *paths)
    project.git.run("commit", "-q", "--no-gpg-sign", "--only", "-F", "-", "--", *paths, stdin=words)
    return Published(report.base, report.head, report, project.git.branch(), project.git.head())


def _dirty(project: Project) -> list[str]:
    return sorted(p for p in project.git.dirty() if p.startswith(f"{project.context}/"))


def _clean(project: Project) -> None:
    changed = _dirty(project)
    if changed:
        raise InvalidInput(
            f"{changed[0]} has uncommitted changes", f"commit {project.context}/ first, or `git stash` it"
        )


# --------------------------------------------------------------------------- as a pull request


def publish(project: Project, span: tuple[str, str], goal: Goal, say: Say | None = None) -> Published:
    """Sync a range of merged commits and have the edits on one open pull request.

    ``span`` is a range of commits; an empty base means from where the last sync ended. Raises
    ``AgentctxError`` when the remote or its host refuses; the same range is done again then.
    """
    say = say or (lambda _: None)
    _clean(project)
    place = Place(project.git, goal)
    head = span[1] or project.git.head()
    place.insist_merged(head)
    tip = place.waiting()
    base = span[0] or place.base(head, tip)
    project = _with_request(project, place, tip)
    turns = Turns(project, place)
    if tip and place.covers(tip, head) and (place.unsaid(tip) or not (goal.model and turns.waiting)):
        words = ("nothing new to publish", *left_false(project))
        nothing = Published(base, head, None, tip.branch, tip.commit, words=words)
        return nothing if goal.dry_run else _taken_up(place, tip, nothing)
    before = refused(project, place, tip.commit if tip else head)
    report = _proposed(project, place.changed(base, head), (base, head), _choices(goal, before, turns), say)
    report = replace(report, proposals=tuple(p for p in report.proposals if p.note_id not in before.notes))
    if goal.dry_run:
        calls = counted(report.calls, "model call")
        return Published(base, head, report, words=(f"would ask with {calls}",))
    done = _pushed(project, place, report, tip, before)
    turns.keep(report)
    if not done.commit:
        return _taken_up(place, tip, done)
    place.mark(head)
    return done


def _taken_up(place: Place, tip: Tip | None, nothing: Published) -> Published:
    """Nothing to add: only what an interrupted run left undone, the request, then the synced ref."""
    text = place.unsaid(tip) if tip else None
    request = place.say(tip, text) if tip and text else None
    place.mark(nothing.head)
    if not tip or not request:
        return nothing
    words = ("brought to the request what an interrupted run had pushed",)
    return replace(nothing, branch=tip.branch, commit=tip.commit, request=request, text=text, words=words)


def _choices(goal: Goal, before: Refused, turns: Turns) -> Choices:
    left = {**turns.answered, **dict.fromkeys(before.notes, WHY)}
    waiting = {id: since for id, since in turns.waiting.items() if id not in left}
    return Choices(
        model=goal.model, dry_run=goal.dry_run, mark=False, left=left, waiting=waiting, tried=turns.tried
    )


def _with_request(project: Project, place: Place, tip: Tip | None) -> Project:
    """The notes as the open request has them, over the code that is checked out."""
    changed = place.edited(tip) if tip else []
    ours = [path for path in changed if path.startswith(f"{project.context}/")]
    return WithRequest(project, tip.commit, ours) if tip and ours else project


def _pushed(
    project: Project, place: Place, report: SyncReport, tip: Tip | None, before: Refused
) -> Published:
    """Commit on top of the open branch, or on the merged commit; push, and ask.

    What a check sent to a person, and what could not be mended, is published as well, without any edit if
    need be: the ref moves on, and nobody may have to look for it in the log of a job.
    """
    base, head, git = report.base, report.head, project.git
    parent = tip.commit if tip else head
    edits, done = _edits(project, report.proposals, parent, before)
    batch = _batch(project, report, done, edits)
    told = place.still_open(batch.head, tip)
    mended = {m.note_id for m in batch.mended}
    words = tuple(left_false(project, [*report.skipped, *batch.left], mended))
    if not (edits or batch.waiting) and told.issuperset(batch.open):
        words = words or ("no note has to change",)
        return Published(base, head, report, words=(*words, *kept_as_they_are(report.proposals)))
    text = _text(project, batch, place, tip)
    name = tip.branch if tip else place.free_name(branch_name(base, head))
    with suppress(GitFailed):  # what an interrupted run left in this clone
        git.run("update-ref", "-d", f"refs/heads/{name}")
    commit = git.commit_tree(parent, edits, message(batch), name)
    try:
        place.keep_text(Tip(name, commit), text)
        place.push(commit, name, text, tip)
    finally:
        git.run("update-ref", "-d", f"refs/heads/{name}", check=False)
    request = place.say(Tip(name, commit), text)
    return Published(base, head, report, name, commit, request, text, words)


def _text(project: Project, batch: Batch, place: Place, tip: Tip | None) -> Text:
    from agentctx.rendering import environment

    template = environment().get_template("pull_request.md.j2")
    earlier = place.earlier(batch.head, tip)
    mended = {m.note_id for m in batch.mended}
    unsettled = sorted(place.still_open(batch.head, tip) - mended - set(batch.open))
    previews = ((p.id, preview(p, project.folder)) for p in batch.waiting)
    diffs = {id: unified(edit) for id, edit in previews if isinstance(edit, Edit)}
    body = template.render(
        **request_text(batch, diffs, earlier),
        unsettled=unsettled,
        refusal=place.forge.refusal,
    )
    told = (*place.trailers(batch.head, tip), *trailers(batch))
    return Text(subject(batch, earlier), body, place.target, told)


# --------------------------------------------------------------------------- what is published


def _proposed(
    project: Project, changed: Sequence[str], span: tuple[str, str], choices: Choices, say: Say
) -> SyncReport:
    """The proposals of a range, kept nowhere: the pull request is where people decide about them."""
    base, head = span
    if only_notes(changed, project.context) and not choices.waiting:
        why = "only notes changed: no code that could make one false"  # our own commit, or what people wrote
        return SyncReport("0" * 10, base, head, notices=(why,))
    if project.git.head() != head:
        raise InvalidInput(f"{head[:12]} is not checked out", f"git checkout --detach {head[:12]}")
    with tempfile.TemporaryDirectory(prefix="agentctx-") as folder:
        project.proposals = Store(Path(folder))
        try:
            report = run_sync(project, base, head, choices, say)
            return replace(report, proposals=tuple(project.proposals.proposals()))
        finally:
            del project.proposals


def _edits(
    project: Project, proposals: Sequence[Proposal], parent: str, refused: Refused
) -> tuple[list[Edit], list[Proposal]]:
    """What the proposals that need no person make of the parent commit's files, and which of them fit."""
    before: dict[str, bytes | None] = {}
    after: dict[str, bytes | None] = {}
    done: list[Proposal] = []
    tree = RevTree(project.git, project.git.head())
    for proposal in proposals:
        path = proposal.note_path
        if proposal.state != "pending":
            continue
        before.setdefault(path, project.git.read_blob(f"{parent}:{path}"))
        result = applied(proposal, after.get(path, before[path]))
        if isinstance(result, Refusal):
            continue
        after[path] = result
        done.append(proposal)
        note = _note(project, path, result)
        record = f"{project.context}/{RECORDS}/{proposal.note_id}"
        before.setdefault(record, project.git.read_blob(f"{parent}:{record}"))
        if note is not None:
            old = (after.get(record, before[record]) or b"").decode("utf-8", "replace")
            stamps = vouched(proposal, stamps_for(note, tree), parse_record(old))
            after[record] = render_record(stamps, old).encode() or None
    edits = [Edit(p, before[p], after[p]) for p in after if after[p] != before[p]]
    words = {_note_of(e): e for e in edits if f"/{RECORDS}/" not in e.path}
    # Where words change they decide: a record is the same whatever else the note says.
    same = {_note_of(e) for e in edits if refused.has(words.get(_note_of(e), e))}
    edits = [e for e in edits if _note_of(e) not in same]
    return edits, [p for p in done if p.note_id not in same]


def _note_of(edit: Edit) -> str:
    return posixpath.basename(edit.path).removesuffix(".md")


def _note(project: Project, path: str, data: bytes) -> Note | None:
    kind = KINDS.get(path.removeprefix(f"{project.context}/").split("/")[0], "decision")
    return parse(path, data, kind)[0]


def _batch(
    project: Project,
    report: SyncReport,
    done: Sequence[Proposal],
    edits: Sequence[Edit],
    restamped: Sequence[str] = (),
) -> Batch:
    """The report in the terms of what is published, every note with the commits that made it necessary."""
    notes = {n.id: n for n in project.notes.notes}
    said: dict[str, tuple[str, str, tuple[str, ...]]]
    said = dict.fromkeys(restamped, ("verified anew", "repair", ()))
    said |= {p.note_id: (p.why, p.origin, p.reasons) for p in done}
    waiting = tuple(p for p in report.proposals if p.state == "needs_review")
    again = _again(project, report)
    told = dict.fromkeys([*said, *(p.note_id for p in waiting), *again])
    sources = {id: sources_of(project, notes.get(id), report.base, report.head) for id in told}
    here = arrived(project, report.base, report.head) if report.head else frozenset()
    before = {id for id in told if here.isdisjoint(sources[id])}
    mended = tuple(
        Mended(
            id, notes[id].title if id in notes else id, why, origin, sources[id], reasons, id in before
        )
        for id, (why, origin, reasons) in said.items()
    )  # fmt: skip
    cause = newest(project, {c for id in told for c in sources[id]}) if before == set(told) else ""
    after = cause or report.head
    found = project.git.commits(range=after, limit=1) if after else []
    refused = [(id, refusal.reason) for id, refusal in report.refused]
    return Batch(
        sync=report.id,
        base=report.base,
        head=report.head,
        subject=found[0].subject if found else "",
        author=found[0].author if found else "",
        mended=mended,
        waiting=waiting,
        left=(*refused, *(one for one in report.skipped if one[1] != ANSWERED)),
        again=again,
        models=tuple(dict.fromkeys(p.model for p in done if p.model)),
        prompt=next((p.prompt_version for p in done if p.prompt_version), ""),
        edits=tuple(edit_of(_note_of(e), e.before, e.after) for e in edits if f"/{RECORDS}/" not in e.path),
        cause=cause,
    )


def _again(project: Project, report: SyncReport) -> tuple[str, ...]:
    """The notes that were meant to be mended and got no proposal: an answer refused whole, over a cap, or
    false when there was nobody to ask."""
    proposed, states = {p.note_id for p in report.proposals}, project.index.by_id()
    refused = [id for id, _ in report.refused if id and id not in proposed]
    over = [id for id, why in report.skipped if CAP in why]
    false = [id for id, why in report.skipped if why in UNASKED and states[id].state == "stale"]
    return tuple(dict.fromkeys([*refused, *over, *false]))


def told(done: Published) -> list[str]:
    """What was published, in lines for a person; the request's text where no host took it."""
    lines = list(done.words)
    if done.commit:
        verb = "committed" if done.report else "open is"
        lines.append(f"{verb} {done.commit[:12]} on {done.branch or 'a detached HEAD'}")
    if done.request and done.request.url:
        lines.append(f"pull request {done.request.url}")
    elif done.text:
        lines += ["", f"title: {done.text.title}", "", *done.text.body.splitlines()]
    return lines
