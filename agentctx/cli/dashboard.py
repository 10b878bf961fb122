"""The page for people."""

from __future__ import annotations

from pathlib import Path

import click

from agentctx.cli.output import emit_json, say


@click.command("dashboard")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write here instead of into the clone's state.",
)
@click.option("--open", "show", is_flag=True, help="Open it in the browser.")
@click.option("--dry-run", is_flag=True, help="Say what the page would show; write nothing.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document: where the page is and what it counts."
)
def dashboard_command(out: Path | None, show: bool, dry_run: bool, as_json: bool) -> None:
    """Make the page for people: every note with its verdict, the diff of the code that changed under it, and
    the proposals that wait. One HTML file; it loads nothing."""
    from agentctx.flows import dashboard
    from agentctx.project import Project

    with Project.open() as project:
        page = dashboard.page(project)
        place = "" if dry_run else str(dashboard.write(project, page, out))
    if as_json:
        emit_json({"path": place, "counts": dict(page.counts), "proposals": len(page.waiting)})
    else:
        say(*([place] if place else [dashboard.summary(page)]))
    if show and place:
        click.launch(place)
