"""Why a sync changed nothing, or not what its proposals say: no sync ends without a word."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from agentctx.model import Affected, Proposal, SyncReport
from agentctx.project import Project
from agentctx.text import counted

NEAREST = 3
"""Notes named that were looked at and found untouched."""


def why_nothing(project: Project, report: SyncReport) -> Iterator[str]:
    """In words, for a report that has nothing else to tell; nothing for any other."""
    if report.proposals or report.repaired or report.refused or report.skipped or report.calls:
        return
    false = [f.id for f in project.index.notes if f.state == "stale"]
    if report.affected:
        yield _untouched(report.affected)
    elif not project.notes.notes:
        yield "there are no notes that could be mended"
    elif not false:
        yield "nothing new has arrived, and no note is false"
    if false:
        yield (
            f"still false: {_named(false)}; dealt with in an earlier sync, and nothing has arrived since: "
            "`agentctx review`, or edit them"
        )


def left_false(
    project: Project, reasons: Iterable[tuple[str, str]] = (), mended: Collection[str] = ()
) -> Iterator[str]:
    """The notes that a published sync leaves false, a line each, with the reason where there is one."""
    why = dict(reasons)
    for found in project.index.notes:
        if found.state == "stale" and found.id not in mended:
            yield f"still false: {found.id}" + (f": {why[found.id]}" if found.id in why else "")


def _untouched(looked_at: Sequence[Affected]) -> str:
    nearest = ", ".join(
        f"{one.id} ({one.probability:.0%}{f', {one.reasons[0]}' if one.reasons else ''})"
        for one in looked_at[:NEAREST]
    )
    return f"{counted(len(looked_at), 'note')} looked at, none touched by the change; nearest: {nearest}"


def _named(ids: Sequence[str]) -> str:
    return ", ".join(ids[:NEAREST]) + (f" and {len(ids) - NEAREST} more" if len(ids) > NEAREST else "")


def as_accepted(project: Project, report: SyncReport, accepted: Sequence[Proposal]) -> SyncReport:
    """The report with its proposals as accepting left them; those of earlier syncs are told as well."""
    kept = {p.id: p for p in project.proposals.proposals()}
    ours = tuple(kept.get(p.id, p) for p in report.proposals)
    more = [p for p in (kept.get(p.id, p) for p in accepted) if p.id not in {one.id for one in ours}]
    told = (f"{p.state} too, from sync {p.sync}: {p.note_id}: {p.why}" for p in more)
    return replace(report, proposals=ours, notices=(*report.notices, *told))


def kept_as_they_are(proposals: Sequence[Proposal]) -> Iterator[str]:
    """What was said of the notes that a sync left as they are, a line each."""
    for proposal in proposals:
        if all(operation.name == "keep" for operation in proposal.operations):
            yield f"kept as it is: {proposal.note_id}: {proposal.why}"
