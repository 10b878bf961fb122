"""Commands that connect a repository."""

from __future__ import annotations

import click

from agentctx.cli.output import emit_json, say, tell


@click.command("init")
@click.option(
    "--agents",
    default="auto",
    show_default=True,
    metavar="auto|all|none|NAME,...",
    help="Register with agent clients: what the team uses, all, none, or these.",
)
@click.option("--no-agents", is_flag=True, help="The same as --agents none.")
@click.option("--hooks/--no-hooks", default=True, help="Install the git hooks of this clone.")
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def init_command(agents: str, no_agents: bool, hooks: bool, dry_run: bool, as_json: bool) -> None:
    """Make the context folder and connect git and your agents to it. Safe to repeat."""
    from agentctx.flows.initialise import initialise
    from agentctx.project import Project

    with Project.open() as project:
        steps = initialise(project, "none" if no_agents else agents, hooks, dry_run)
    if as_json:
        return emit_json({"steps": list(steps)})
    for step in steps:
        say(f"{step.outcome:10}  {step.path}", f"  ({step.reason})" if step.reason else "")
        for line in step.by_hand.splitlines():
            say(f"    {line}")
    for hint in dict.fromkeys(step.hint for step in steps if step.hint):
        tell(hint)
    return tell('next: agentctx new decision "Why we ..." --anchor PATH#SYMBOL; commit what was written here')


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor_command(as_json: bool) -> int:
    """Say what is connected and what is not, proven by probes where a file's presence proves nothing."""
    from agentctx.flows.doctor import examine

    findings = examine()
    if as_json:
        emit_json({"checks": list(findings)})
    else:
        for f in findings:
            say(
                (f"{f.outcome:8}", {"ok": "green", "problem": "red"}.get(f.outcome, "yellow")),
                f"{f.name}: {f.words}",
            )
            if f.hint:
                say(f"        -> {f.hint}")
    return 1 if any(f.outcome == "problem" for f in findings) else 0
