"""Commands about whose words a note holds: after a conflict, by commit, and taking one commit's back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agentctx.cli.output import emit_json, say, tell

if TYPE_CHECKING:
    from agentctx.resolve import Choice, Resolved

JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.command("resolve")
@click.argument("note")
@click.option("--ours", "choice", flag_value="ours", help="Settle what stays open with our side.")
@click.option("--theirs", "choice", flag_value="theirs", help="Settle what stays open with their side.")
@click.option("--edit", "choice", flag_value="edit", help="Settle what stays open in your editor.")
@JSON
def resolve_command(note: str, choice: Choice | None, as_json: bool) -> int:
    """Put a conflicted NOTE together by field and paragraph; write and stage it when nothing stays open."""
    from agentctx.project import Project
    from agentctx.resolve import resolve

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
