"""The command that keeps looking."""

from __future__ import annotations

import click

from agentctx.cli.output import say


@click.command("watch")
@click.option("--poll", is_flag=True, help="Look every two seconds instead of asking the system to tell.")
def watch_command(poll: bool) -> None:
    """Keep the index warm while people edit notes and git moves; prints what changed. Ctrl-C ends it."""
    from agentctx.flows.watch import watch

    watch(None, say, poll=poll)
