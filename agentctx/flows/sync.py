"""The write line: watermark..HEAD -> change -> affected notes -> repairs -> model -> checks -> proposals.

No lock is held while the model thinks; nothing it says touches a note before somebody accepts it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agentctx.catchup import mark_seen, pending_range, waiting_for
from agentctx.errors import NotFound, NotYet
from agentctx.flows.asking import Asker, counted_up, rehearsed
from agentctx.flows.causes import evidence_against
from agentctx.flows.mending import apply_open, discarded, finish_interrupted, repairs
from agentctx.flows.outcome import as_accepted, why_nothing
from agentctx.flows.recheck import recheck
from agentctx.flows.targeting import change_between, find_affected, left_unread, notes_now
from agentctx.llm import open_provider, thrifty
from agentctx.llm.capped import NEVER
from agentctx.llm.settings import read as read_provider
from agentctx.model import (
    Affected,
    Change,
    Note,
    Refusal,
    SyncReport,
    SyncRequest,
)
from agentctx.project import REFUSED, Project
from agentctx.proposals.prompts import fitted, grouped
from agentctx.proposals.requests import requests_for, without_own_files
from agentctx.proposals.settled import settle, settled
from agentctx.text import counted

Say = Callable[[str], None]
_NO_MODEL = "no model is configured: agentctx provider set"
_NOT_ASKED = "no model was asked (--no-model)"
UNASKED = (_NO_MODEL, _NOT_ASKED)
"""The reasons of notes that were left out because there was nobody to ask."""
CAP = "the cap of "
"""In every reason of a note that was left out because there were too many, or too many tokens."""


@dataclass(frozen=True, slots=True)
class Choices:
    """How one sync is to behave."""

    repair: bool = False
    """Write mechanical repairs at once; otherwise they are proposals like all others."""
    apply: bool = False
    """Accept every proposal that no check objects to."""
    model: bool = True
    """False: no model is called, whatever is configured."""
    dry_run: bool = False
    """Say what would be asked and what it would cost; write nothing, call nobody."""
    mark: bool = True
    """Say afterwards that this work tree has been brought up to the range's end. Without it, what this
    clone remembers of earlier syncs counts for nothing, and nothing is added to it."""
    left: Mapping[str, str] = field(default_factory=dict)
    """Notes that no model is asked about, with the reason."""
    waiting: Mapping[str, str] = field(default_factory=dict)
    """Notes that are asked about whatever the range, with the commit where what touched them began."""
    tried: Mapping[str, int] = field(default_factory=dict)
    """How often notes were asked about in vain: those that never were come first."""


def run_sync(
    project: Project, base: str = "", head: str = "", choices: Choices | None = None, say: Say | None = None
) -> SyncReport:
    """Bring the notes up to ``head``. Without a range: from what was last looked at to HEAD."""
    choices, say = choices or Choices(), say or (lambda _: None)
    notices: tuple[str, ...] = ()
    if choices.repair and not choices.dry_run:
        finish_interrupted(Project(project.git))  # this one must not remember what was before
    if not head:
        pending = pending_range(project.git, project.state)
        base, head = pending.base, pending.head
        notices = (pending.notice,) if pending.notice else ()
    say("reading the change")
    change = change_between(project, base, head) if base and head and base != head else Change(base, head, ())
    if not change.files:
        done = _settled(project, project.index.head) if choices.mark else frozenset()
        change = standing_change(project, {f.id for f in project.index.notes} - done) or change
    notices = tuple(filter(None, (*notices, left_unread(change))))
    report = SyncReport(sync_id(project, base, head), base, head, notices=notices)
    repaired = repairs(project, report.id, choices.repair, choices.dry_run)
    report = replace(report, repaired=repaired)
    if change.files:
        report = _ask(project, change, report, choices, say)
    if not choices.dry_run:
        recheck(project)
    if choices.apply and not choices.dry_run:
        report = as_accepted(project, report, apply_open(project))
    report = replace(report, notices=(*report.notices, *why_nothing(project, report)))
    if head and choices.mark and not choices.dry_run:
        project.state.write(REFUSED, [[id, _reason(refusal)] for id, refusal in report.refused])
        mark_seen(project.git, project.state, head)
        project.state.set_failure("")
    return report


def standing_change(project: Project, ids: Collection[str]) -> Change | None:
    """What made these notes false that are false now, whatever has arrived since: the work list is a state.

    From before the oldest commit that is evidence against one of them; None when there is no such commit.
    """
    head = project.index.head
    commits = [commit for f in project.index.notes if f.id in ids for commit in evidence_against(f)]
    if not commits:
        return None
    oldest = min(commits, key=lambda commit: commit.date)
    try:
        return change_between(project, project.git.rev_parse(f"{oldest.id}^"), head)
    except NotFound:  # the first commit, or the edge of a shallow clone
        return None


def sync_id(project: Project, base: str, head: str) -> str:
    """The same range over the same notes is the same sync: ten hex digits."""
    notes = "".join(sorted(n.digest for n in project.notes.notes))
    return hashlib.sha256(f"{base} {head} {notes}".encode()).hexdigest()[:10]


# --------------------------------------------------------------------------- with a model


def _ask(project: Project, change: Change, report: SyncReport, choices: Choices, say: Say) -> SyncReport:
    now = notes_now(project)
    found = find_affected(project, change, now, lambda n: say(f"reading earlier merges: {n}"))
    report = replace(report, affected=tuple(found))
    done = _done(project, report, choices)
    open_ones = [a for a in found if a.id not in done and a.id not in choices.left]
    chosen, skipped = _chosen(project, open_ones, change, choices)
    skipped += tuple((a.id, choices.left[a.id]) for a in found if a.flag and a.id in choices.left)
    earlier = [a.id for a in found if a.flag and a.id in done and a.id not in report.repaired]
    skipped += tuple((id, "dealt with in an earlier sync of this commit") for id in earlier)
    report = replace(report, skipped=skipped)
    settings = read_provider()
    if not choices.model or (settings is None and not choices.dry_run):
        why = _NO_MODEL if choices.model else _NOT_ASKED
        return replace(report, skipped=skipped + tuple((a.id, why) for a in chosen))
    groups = _groups(project, change, chosen, choices.waiting)
    if choices.dry_run or settings is None:
        return rehearsed(project, groups, report)
    provider = thrifty(open_provider(settings), settings, project.state.folder, project.today.isoformat())
    asker = Asker(project, provider, choices.mark, choices.apply)
    for number, group in enumerate(groups, 1):
        ids = [r.note.id for r in group]
        say(f"asking {provider.model}: group {number}, {', '.join(ids)}")
        report = asker.ask(group, report)
    return counted_up(report, provider.ledger, settings)


def _groups(
    project: Project, change: Change, chosen: Sequence[Affected], waiting: Mapping[str, str]
) -> list[Sequence[SyncRequest]]:
    """What is asked in one call each. A note that was false before the range is shown what made it so, not
    only the range: the answer about it was refused, or a cap was reached; ``waiting`` says where the range
    began in which it was."""
    arrived = set(project.git.run("rev-list", f"{change.base}..{change.head}").decode().split())
    states = project.index.by_id()
    before = {a.id for a in chosen if any(c.id not in arrived for c in evidence_against(states[a.id]))}
    shown: dict[str, Change | None] = {"": change, "standing": standing_change(project, before)}
    began = {a.id: waiting.get(a.id, "") for a in chosen}
    began |= dict.fromkeys(before, "standing") if shown["standing"] else {}
    notes, code = project.notes.notes, project.assessor.code
    groups: list[Sequence[SyncRequest]] = []
    for since in dict.fromkeys(["", *began.values()]):
        about = shown.get(since) or change_between(project, since, change.head)
        part = [a for a in chosen if began[a.id] == since]
        about = without_own_files(about, project.context)
        groups += grouped([fitted(r) for r in requests_for(notes, code, project.index, about, part)])
    return groups


def _done(project: Project, report: SyncReport, choices: Choices) -> frozenset[str]:
    """Notes that need no model for this range: repaired whole just now, or dealt with in an earlier sync."""
    states = project.index.by_id()
    whole = [id for id in report.repaired if states[id].state not in ("stale", "suspect")]
    if not choices.mark:
        return frozenset(whole)
    if not choices.dry_run:
        settle(project.state, report.head, whole)
    return _settled(project, report.head).union(whole)


def _settled(project: Project, head: str) -> frozenset[str]:
    """Notes dealt with for a range that ends at this commit, but those whose edit somebody threw away."""
    return settled(project.state, head) - discarded(project)


def _chosen(
    project: Project, found: Sequence[Affected], change: Change, choices: Choices
) -> tuple[list[Affected], tuple[tuple[str, str], ...]]:
    """The flagged notes that may be edited, within the cap, what never had a turn first; the others with
    the reason."""
    notes = {n.id: n for n in project.notes.notes}
    edited = {f.path for f in change.files}
    flagged = [a for a in found if a.flag or a.id in choices.waiting]
    hindrances = ((a.id, _hindrance(project, notes[a.id], edited)) for a in flagged)
    skipped = [(id, why) for id, why in hindrances if why]
    left_out = {id for id, _ in skipped}
    candidates = sorted(
        (a for a in flagged if a.id not in left_out), key=lambda a: choices.tried.get(a.id, 0)
    )
    cap = project.config.sync.max_notes
    skipped += [(a.id, f"over {CAP}{counted(cap, 'note')} a sync") for a in candidates[cap:]]
    return candidates[:cap], tuple(skipped)


def _hindrance(project: Project, note: Note, edited: set[str]) -> str:
    """Why a flagged note is not shown to the model; empty when it is."""
    state = project.index.by_id()[note.id].state
    if note.read_only:
        return f"a section of {note.path}: agentctx only reads it"
    if state == "conflicted":
        return "holds merge conflict markers"
    if note.path in edited and state in ("fresh", "unverified"):
        return "edited in the change itself"
    return ""


def background(project: Project, base: str, head: str) -> SyncReport:
    """What the worker runs: proposals only, never a byte of the work tree.

    A model is asked only by the clone that owns syncing, and only about commits that are everybody's.
    Raises ``NotYet`` for commits that are not on the upstream default branch yet: they stay pending.
    """
    if project.config.sync.owner != "local":
        return run_sync(project, base, head, Choices(model=False))
    if not on_default_branch(project, head):
        repairs(project, sync_id(project, base, head), write=False)
        raise NotYet(waiting_for(project.git, head))
    return run_sync(project, base, head)


def on_default_branch(project: Project, head: str) -> bool:
    """Whether the commits are everybody's: on the upstream default branch, or there is no upstream."""
    upstream = project.git.default_upstream()
    return not upstream or project.git.merge_base(head, upstream) == project.git.rev_parse(head)


def told(report: SyncReport, dry_run: bool = False) -> Iterator[str]:
    """The report in words, a line each."""
    if report.base != report.head:
        affected = counted(sum(a.flag for a in report.affected), "note")
        yield f"{report.base[:8]}..{report.head[:8]}: {affected} affected"
    yield from (f"{'would repair' if dry_run else 'repaired '} {id}" for id in report.repaired)
    for proposal in report.proposals:
        yield f"proposal  {proposal.id}  {proposal.note_id}: {proposal.why} ({proposal.state})"
        yield from (f"          look at it: {refusal.reason}" for refusal in proposal.refusals)
    yield from (f"refused   {id or 'the answer'}: {_reason(refusal)}" for id, refusal in report.refused)
    yield from (f"skipped   {id}: {why}" for id, why in report.skipped)
    if over := sum(CAP in why and NEVER not in why for _, why in report.skipped):
        span = f" {report.base[:8]}..{report.head[:8]}" if report.base != report.head else ""
        yield f"{counted(over, 'note')} over a cap: `agentctx sync{span}` again asks about the next"
    if report.calls:
        price = f", cost {report.cost:.4f}" if report.cost else ""
        yield f"{counted(report.calls, 'model call')}, about {counted(report.tokens, 'token')}{price}"
    yield from report.notices


def _reason(refusal: Refusal) -> str:
    return f"{refusal.reason} [{refusal.check}]"
