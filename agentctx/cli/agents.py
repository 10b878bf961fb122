"""Commands about agent clients and their sessions."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from agentctx.cli.output import emit_json, say, tell

if TYPE_CHECKING:
    from agentctx.integrations.clients import Done

JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
DRY = click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")


@click.command("agents")
@click.argument("action", type=click.Choice(["install", "uninstall", "status"]))
@click.argument("names", nargs=-1, metavar="[NAME]...")
@DRY
@JSON
def agents_command(action: str, names: tuple[str, ...], dry_run: bool, as_json: bool) -> int:
    """Register with agent clients, take our part out again, or show it.

    Without NAME: install for what the team uses, uninstall and status for all. Names: claude-code, codex,
    cursor, gemini, copilot, opencode, agents-md.
    """
    from agentctx.integrations import clients
    from agentctx.project import Project

    with Project.open() as project:
        root = project.root
        if action == "install":
            chosen = clients.named(names) if names else clients.chosen("auto", root)
            done = clients.install(chosen, root, dry_run)
        elif action == "uninstall":
            done = clients.uninstall(clients.named(names), root, dry_run)
        else:
            done = clients.status(clients.named(names), root)
    if as_json:
        emit_json({"agents": [{"client": client.name, "part": part} for client, part in done]})
    else:
        _show(done)
        if action == "install":
            tell_trust(done)
    return 1 if any(part.outcome == "refused" for _, part in done) else 0


def _show(done: list[Done]) -> None:
    for client, part in done:
        words = "outdated" if part.reason == "not current" else part.outcome
        reason = f"  ({part.reason})" if part.reason and words != "outdated" else ""
        say(f"{words:10}  {client.name:12}  {part.path}{reason}")
        for line in part.by_hand.splitlines():
            say(f"    {line}")


def tell_trust(done: list[Done]) -> None:
    """What a person must still do in each client where something was written."""
    written = {c.name: c for c, part in done if part.wrote and c.trust}
    for client in written.values():
        tell(client.trust)


@click.command("session")
@click.argument("action", type=click.Choice(["start", "end"]))
@click.option("--summary", default="", help="What was done, first line as title; `-` reads standard input.")
@click.option("--why", default="", help="Why it was done so.")
@click.option("--decided-against", default="", help="What was tried or rejected, and why.")
@click.option("--next", "following", default="", help="What comes next.")
@click.option(
    "--id", "session", default="", help="The client's session id; else the session of this work tree."
)
@DRY
@JSON
def session_command(
    action: str, summary: str, why: str, decided_against: str, following: str, session: str,
    dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    """Say that a session begins, or leave its note for the next agent in sessions/ of the context folder."""
    from agentctx.flows import handover, sessions
    from agentctx.project import Project

    with Project.open() as project:
        if action == "start":
            id = session or f"manual:{sessions.current(project)}"
            if not dry_run:
                sessions.restart(project, id)
                sessions.begin(project, id)
                sessions.announce(project, id)
            return emit_json({"session": id}) if as_json else tell("a session begins here")
        text = sys.stdin.read() if summary == "-" else summary
        told = handover.Told(summary=text, why=why, against=decided_against, next=following)
        handed = handover.end(project, session or sessions.current(project), told, dry_run)
    if as_json:
        return emit_json({"session_note": handed})
    if handed.path:
        say(handed.path)
    return tell(f"{handed.outcome}{f': {handed.reason}' if handed.reason else ''}")
