"""Commands about whose words a note holds: after a conflict, by commit, and taking one commit's back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agentctx.cli.output import emit_json, say, table, tell

if TYPE_CHECKING:
    from agentctx.flows.resolve import Choice, Resolved

JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.command("resolve")
@click.argument("note")
@click.option("--ours", "choice", flag_value="ours", help="Settle what stays open with our side.")
@click.option("--theirs", "choice", flag_value="theirs", help="Settle what stays open with their side.")
@click.option("--edit", "choice", flag_value="edit", help="Settle what stays open in your editor.")
@JSON
def resolve_command(note: str, choice: Choice | None, as_json: bool) -> int:
    """Put a conflicted NOTE together by field and paragraph; write and stage it when nothing stays open."""
    from agentctx.flows.resolve import resolve
    from agentctx.project import Project

    with Project.open() as project:
        done = resolve(project, note, choice or "", lambda text: click.edit(text, extension=".md"))
    if as_json:
        emit_json({"resolved": done})
    else:
        _print(done)
    return 0 if done.written else 1


def _print(done: Resolved) -> None:
    if done.words:
        tell(done.words)
    if done.written:
        how = "written and staged" if done.staged else "written"
        return say(f"resolved  {done.path} ({how})")
    for region in done.open:
        say((f"line {region.line}", "bright_black"))
        for side, colour in (("ours", "green"), ("theirs", "cyan")):
            for line in getattr(region, side).splitlines() or ["(nothing)"]:
                say((f"  {side:6}  {line}", colour))
    return tell(f"{done.path} was not written: settle it with --ours, --theirs or --edit")


@click.command("blame")
@click.argument("note")
@JSON
def blame_command(note: str, as_json: bool) -> None:
    """Say of each paragraph of NOTE which commit and whom it is from, and which source commit caused it."""
    from agentctx.flows.provenance import blame, summary
    from agentctx.project import Project

    with Project.open() as project:
        found = blame(project, note)
    if as_json:
        return emit_json({"note": note, "words": list(found)})
    rows = [summary(words) for words in found]
    return table([[r["line"], r["text"], r["from"]] for r in rows], ["line", "words", "from"])


@click.command("rollback")
@click.argument("commit")
@click.option("--dry-run", is_flag=True, help="Say what would be restored; write nothing.")
@JSON
def rollback_command(commit: str, dry_run: bool, as_json: bool) -> int:
    """Take back every edit of a note that one source COMMIT caused. Exit code 1: some were changed since."""
    from agentctx.flows.rollback import rollback
    from agentctx.project import Project

    with Project.open() as project:
        done = rollback(project, commit, dry_run)
    if as_json:
        emit_json({"rollback": done})
        return 1 if done.changed else 0
    for path in done.restored:
        say(f"{'would restore' if dry_run else 'restored'}  {path}")
    for path, why in done.changed:
        say(("left alone", "yellow"), f"  {path}: {why}; look at it with `agentctx blame`")
    if done.restored and not dry_run:
        tell(f"commit it; to bring it back: agentctx undo {done.sync}")
    elif not done.changed and not done.restored:
        tell("it was taken back before")
    return 1 if done.changed else 0


@click.command("trust")
@JSON
def trust_command(as_json: bool) -> None:
    """Say what this repository's settings can make agentctx do, and what you have allowed on this machine."""
    from agentctx.flows.grants import standing
    from agentctx.project import Project

    with Project.open() as project:
        found = standing(project)
    if as_json:
        return emit_json({"trust": found})
    say("Nothing here needs to be trusted: no setting of a repository can")
    for words in found.never:
        say(f"  - {words}")
    say(f"This one sets ({found.source}):" if found.settings else "This one sets nothing.")
    for line in found.settings:
        say(f"  {line}")
    say("You allowed:" if found.granted else "You allowed nothing yet: no hooks, no merge driver, no model.")
    for one in found.granted:
        say(f"  {one.what}: {one.words} ({one.allowed_in})")
    return None
