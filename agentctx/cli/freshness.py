"""Commands about what is still true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from agentctx.cli.output import emit_json, painted, say, tell, titled

if TYPE_CHECKING:
    from agentctx.model import Freshness, Index, Note
    from agentctx.project import Project
    from agentctx.revision import Revision

ORDER = ("conflicted", "stale", "moved", "suspect", "unverified", "unknown", "fresh")


@click.command("status")
@click.option("--check", is_flag=True, help="Exit 1 when a note is stale, conflicted, unreadable or cut off.")
@click.option("--explain", metavar="NOTE", help="Everything known about one note, with the symbol's diff.")
@click.option("--at", "revision", metavar="REV", help="Judge a commit instead of the files on disk.")
@click.option("--all", "show_all", is_flag=True, help="List the fresh notes too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def status_command(
    check: bool, explain: str | None, revision: str | None, show_all: bool, as_json: bool
) -> int:
    """Say of every note whether it is still true, and why not."""
    from agentctx.flows.status import arrivals, explained, write_index
    from agentctx.flows.unread import unread, unread_notice
    from agentctx.project import Project
    from agentctx.retrieval.succession import retired

    with Project.open() as project:
        seen = _at(project, revision) if revision is not None else project
        index = seen.index
        notes = {n.id: n for n in seen.notes.notes}
        if revision is None:
            notices, new = arrivals(project), unread(project)
            write_index(project)
        else:
            notices, new = seen.notices, frozenset()
        if explain:
            return _explain(*explained(seen, explain), retired(list(notes.values())), as_json)
    if as_json:
        from agentctx.flows.status import document

        emit_json(document(index, notes, notices, new))
    else:
        _print(index, notes, (*notices, *unread_notice(new)), show_all)
    bad = any(f.state in ("stale", "conflicted") for f in index.notes) or _broken(index)
    return 1 if check and (bad or _cut_off(index)) else 0


def _cut_off(index: Index) -> bool:
    """Are there notes that this shallow clone cannot judge, though their code is not as recorded?"""
    from agentctx.freshness.score import is_cut_off

    blind = [f.id for f in index.notes if any(is_cut_off(drift) for drift in f.drifts)]
    if blind:
        tell(f"{', '.join(blind[:5])}: not to be judged in a shallow clone; type: git fetch --unshallow")
    return bool(blind)


def _at(project: Project, name: str) -> Revision:
    from agentctx.revision import Revision

    return Revision(project, name)


def _broken(index: Index) -> int:
    return sum(p.severity == "error" for p in index.problems)


def _print(index: Index, notes: dict[str, Note], notices: tuple[str, ...], show_all: bool) -> None:
    from agentctx.retrieval.succession import retired

    past = retired(list(notes.values()))
    counts = Counter(notes[f.id].shown(f.state) for f in index.notes if f.id not in past)
    for state in ORDER:
        for freshness in (f for f in index.notes if f.state == state):
            if state != "fresh" or show_all:
                _print_note(freshness, notes[freshness.id], past)
    for problem in index.problems:
        if problem.severity == "error" or problem.code == "too-deep":
            say(painted(problem.severity, 10), f"  {problem.path}:{problem.line or 1}  {problem.message}")
    for notice in notices:
        tell(notice)
    summary = ", ".join(f"{counts[words]} {words}" for words in (*ORDER, "no anchors") if counts[words])
    more = f"; {len(past)} more superseded or archived" if past else ""
    words = f"{summary}{more}".removeprefix("; ")
    say(words) if words else tell("no notes yet")


def _print_note(freshness: Freshness, note: Note, past: Mapping[str, str]) -> None:
    say(painted(note.shown(freshness.state), 10), f"  {note.id}  {titled(note, past)}")
    for drift in freshness.drifts:
        if drift.state not in ("unchanged", "cosmetic"):
            say(f"            {drift.anchor}: {drift.reason or drift.state}")
    for mention in freshness.mentions:
        say(f"            line {mention.line}: {mention.reason}")
    for reason in freshness.reasons:
        say(f"            {reason}")


def _explain(note: Note, freshness: Freshness, past: Mapping[str, str], as_json: bool) -> int:
    if as_json:
        emit_json({"note": note.id, "path": note.path, "freshness": freshness})
        return 0
    _print_note(freshness, note, past)
    for drift in freshness.drifts:
        say()
        say(
            f"{drift.anchor}: ",
            painted(drift.state),
            f" (verified by {drift.witness})" if drift.witness else "",
        )
        for commit in drift.commits:
            say(f"  {commit.id[:8]} {commit.date[:10]} {commit.author}: {commit.subject}")
        for line in drift.diff.splitlines():
            colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
            say("  ", (line, colour))
    return 0
