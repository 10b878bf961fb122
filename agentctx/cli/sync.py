"""Commands of the write line: what a change touches, proposals, review, undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agentctx.cli.output import emit_json, painted, say, tell

if TYPE_CHECKING:
    from agentctx.flows.review import Shown
    from agentctx.forges.place import Goal
    from agentctx.model import Proposal
    from agentctx.project import Project

JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.command("affected")
@click.argument("span", metavar="A..B")
@click.option("--limit", default=20, show_default=True, help="Most notes to print; 0 prints all.")
@JSON
def affected_command(span: str, limit: int, as_json: bool) -> None:
    """Say which notes of B are touched by what B brings that A has not; best first, with reasons."""
    from agentctx.flows import targeting
    from agentctx.project import Project

    with Project.open() as project:
        range_ = targeting.span_of(project.git, span)
        change = targeting.change_between(project, range_.base, range_.head)
        asked = targeting.notes_at(project, range_.head)
        reading = "reading earlier merges:"
        found = targeting.find_affected(project, change, asked, lambda n: tell(f"{reading} {n}"))
    shown = found[:limit] if limit > 0 else found
    for line in filter(None, (range_.notice, asked.notice, targeting.left_unread(change))):
        tell(line)
    if as_json:
        return emit_json({"range": f"{change.base}..{change.head}", "notes": list(shown)})
    for note in shown:
        mark = ("flag ", "red") if note.flag else ("     ", "")
        say(mark, f"{note.probability:4.0%}  {note.id}")
        for reason in note.reasons:
            say(f"             {reason}")
    return None if found else tell("there are no notes yet")


NO_REASON = "no reason given"
MODES = ("suggest", "apply", "commit", "pull-request")


@click.command("sync")
@click.argument("span", metavar="[A..B]", required=False, default="")
@click.option(
    "--mode", type=click.Choice(MODES), default="suggest", show_default=True,
    help="suggest keeps proposals for `agentctx review`; apply writes those no check objects to; commit also "
    "commits them; pull-request puts them on a branch with one open pull request.",
)  # fmt: skip
@click.option("--no-model", is_flag=True, help="Ask no model: repairs only.")
@click.option("--dry-run", is_flag=True, help="Say what would be asked and what it would cost.")
@click.option("--since", default="", metavar="REV", help="pull-request: start here if no sync was published.")
@click.option("--remote", default="", help="pull-request: where to push; `origin`, or the only remote.")
@click.option("--target", default="", metavar="BRANCH", help="pull-request: the remote's default branch.")
@click.option(
    "--forge", type=click.Choice(["auto", "github", "gitlab", "git"]), default="auto", show_default=True,
    help="pull-request: the kind of host.",
)  # fmt: skip
@JSON
def sync_command(span: str, mode: str, no_model: bool, dry_run: bool, as_json: bool, **where: str) -> int:
    """Bring the notes up to date with what arrived. Without A..B: from what was last looked at to HEAD."""
    from agentctx.flows.sync import Choices, run_sync, told
    from agentctx.flows.targeting import span_of
    from agentctx.forges.place import Goal
    from agentctx.project import Project

    with Project.open() as project:
        base, head = "", ""
        if span:
            range_ = span_of(project.git, span)
            base, head = range_.base, range_.head
            tell(range_.notice) if range_.notice else None
        if mode == "pull-request" or (mode == "commit" and not dry_run):
            goal = Goal(**where, model=not no_model, dry_run=dry_run)
            return _published(project, (base, head), mode, goal, as_json)
        choices = Choices(repair=True, apply=mode == "apply", model=not no_model, dry_run=dry_run)
        report = run_sync(project, base, head, choices, tell)
    if as_json:
        emit_json({"sync": report})
        return 0
    lines = list(told(report, dry_run))
    for line in lines:
        say(line)
    if dry_run:
        tell("nobody was asked and nothing was written (--dry-run)")
    elif report.proposals and mode == "suggest":
        tell("look at them with `agentctx review`")
    return 0


def _published(project: Project, span: tuple[str, str], mode: str, goal: Goal, as_json: bool) -> int:
    from agentctx.flows.publish import commit_sync, publish, told
    from agentctx.flows.sync import told as told_of_sync

    if mode == "commit":
        done = commit_sync(project, *span, goal.model, tell)
    else:
        done = publish(project, span, goal, tell)
    if as_json:
        emit_json({"published": done})
        return 0
    for line in told_of_sync(done.report, goal.dry_run) if done.report else ():
        tell(line)
    for line in told(done):
        say(line)
    return 0


@click.command("review")
@click.argument("action", default="list", metavar="[list|show|accept|reject|edit]")
@click.argument("ids", nargs=-1, metavar="[PROPOSAL]...")
@click.option("--sync", default="", help="All open proposals of this sync.")
@click.option("--all", "every", is_flag=True, help="list: closed ones too; accept: those for review too.")
@click.option("--dry-run", is_flag=True, help="accept, reject: say what would be done; change nothing.")
@JSON
def review_command(
    action: str, ids: tuple[str, ...], sync: str, every: bool, dry_run: bool, as_json: bool
) -> int:
    """Look at proposals and decide: list, show, accept, reject, edit. Without PROPOSAL: all open ones."""
    from agentctx.flows import review
    from agentctx.project import Project

    if action not in ("list", "show", "accept", "reject", "edit"):
        raise click.UsageError(f"{action!r} is not one of list, show, accept, reject, edit")
    with Project.open() as project:
        if action == "edit":
            return _edit(project, ids)
        if action == "show":
            chosen = ids or tuple(p.id for p in review.pending(project))
            return _show([review.show(project, id) for id in chosen], as_json)
        if action == "accept":
            done = review.accept(project, ids, sync, every, dry_run)
            code = _decided(done, as_json, dry_run)
            return code if dry_run or as_json else _told_where_from(project, done, code)
        if action == "reject":
            return _decided(review.reject(project, ids, sync, dry_run), as_json, dry_run)
        return _list(review.pending(project, every), as_json)


def _list(proposals: list[Proposal], as_json: bool) -> int:
    if as_json:
        emit_json({"proposals": proposals})
        return 0
    for p in proposals:
        say(f"{p.id}  ", painted(p.state, 12), f"  {p.note_id}: {p.why or NO_REASON}")
        for refusal in p.refusals:
            say(f"                            look at it: {refusal.reason}")
    more = "`agentctx review show` prints the diffs, `accept` and `reject` decide"
    tell(more if proposals else "no proposal waits")
    return 0


def _show(shown: list[Shown], as_json: bool) -> int:
    if as_json:
        emit_json({"proposals": shown})
        return 0
    for one in shown:
        p = one.proposal
        say(f"{p.id}  ", painted(p.state), f"  {p.note_path}")
        source = " ".join(filter(None, (p.origin, p.model)))
        say(f"why: {p.why or NO_REASON} ({source}, commit {p.commit[:8]} by {p.author})")
        for reason in (*p.reasons, *(r.reason for r in p.refusals)):
            say(f"  - {reason}")
        _print_diff("the code", p.code_diff)
        _print_diff("the note", f"(does not fit any more: {one.obstacle})" if one.obstacle else one.diff)
        _print_diff("what is vouched for", "\n".join(filter(None, (one.text, one.vouches))))
        say()
    if not shown:
        tell("no proposal waits")
    return 0


def _print_diff(name: str, diff: str) -> None:
    if not diff:
        return
    say((f"--- {name} ".ljust(80, "-"), "bright_black"))
    for line in diff.splitlines():
        say((line, {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")))


def _decided(proposals: list[Proposal], as_json: bool, dry_run: bool) -> int:
    if as_json:
        emit_json({"proposals": proposals, "dry_run": dry_run})
    else:
        for p in proposals:
            undecided = p.state in ("dropped", "needs_review") and p.refusals
            why = f" ({p.refusals[-1].reason})" if undecided else ""
            say(f"{'would be ' if dry_run else ''}{p.state}  {p.id}  {p.note_id}{why}")
        if dry_run:
            tell("nothing was changed (--dry-run)")
        elif accepted := {p.sync for p in proposals if p.state == "accepted"}:
            tell(f"to take it back: agentctx undo {' or '.join(sorted(accepted))}")
        if not proposals:
            tell("nothing was decided: `agentctx review` lists what waits; name it, or take all with --all")
    return 1 if any(p.state in ("dropped", "needs_review") for p in proposals) else 0


def _told_where_from(project: Project, decided: list[Proposal], code: int) -> int:
    """In a clone without our hooks a person has to write down where the words came from."""
    from agentctx.flows.attribution import trailers_missing

    accepted = [p for p in decided if p.state == "accepted"]
    lines = trailers_missing(project.git, project.context, accepted)
    if lines:
        tell("end the commit's message with these lines, for `blame` and `rollback` in every clone")
        tell("(`agentctx hooks install` has git add them):")
    for line in lines:
        tell(f"  {line}")
    return code


def _edit(project: object, ids: tuple[str, ...]) -> int:
    from agentctx.flows import review
    from agentctx.project import Project

    assert isinstance(project, Project)
    if len(ids) != 1:
        raise click.UsageError("edit takes one PROPOSAL")
    text = _edited(review.proposed_text(project, ids[0]))
    if text is None:
        tell("nothing was saved; the proposal stays open")
        return 0
    done = review.edit(project, ids[0], text)
    say(f"{done.state}  {done.id}  {done.note_id}")
    return 0


def _edited(text: str) -> str | None:
    from agentctx.errors import InvalidInput

    try:
        return click.edit(text, extension=".md")
    except click.ClickException as failed:
        raise InvalidInput(
            f"{failed.format_message()}; the proposal stays open",
            "set EDITOR to an editor that waits, for example EDITOR=vi or EDITOR='code --wait'",
        ) from failed


@click.command("undo")
@click.argument("sync", required=False, default="")
@click.option("--dry-run", is_flag=True, help="Say what would be restored; write nothing.")
@JSON
def undo_command(sync: str, dry_run: bool, as_json: bool) -> None:
    """Take back, byte for byte, what accepting one SYNC's proposals wrote; they wait in `review` again."""
    from agentctx.flows import review
    from agentctx.project import Project

    with Project.open() as project:
        edits = review.undo(project, sync, dry_run)
    if as_json:
        return emit_json({"restored": [e.path for e in edits], "dry_run": dry_run})
    for edit in edits:
        say(f"{'would restore' if dry_run else 'restored'}  {edit.path}")
    return None if edits else tell("that sync has been undone before")
