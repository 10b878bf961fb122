"""The command that draws facts out of episodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agentctx.cli.memory import DRY, JSON, SPACE
from agentctx.cli.output import emit_json, table, tell

if TYPE_CHECKING:
    from agentctx.llm.base import Provider
    from agentctx.project import Project


@click.command("consolidate")
@click.option(
    "--limit", default=200, show_default=True, type=click.IntRange(1, 5000), help="Newest episodes read."
)
@click.option("--model", is_flag=True, help="Ask the configured model too (agentctx provider).")
@SPACE
@DRY
@JSON
def consolidate_command(limit: int, model: bool, namespace: str, dry_run: bool, as_json: bool) -> None:
    """Draw facts out of episodes, manifests and trailers of commits, as proposals with their sources.

    `agentctx fact contradictions` lists them; nobody reads one before `agentctx fact resolve ID --keep`.
    """
    from agentctx.flows.consolidate import by_commits, by_manifests, by_model, by_rules, propose
    from agentctx.flows.memories import Memory
    from agentctx.project import Project

    with Project.open() as project, Memory.of(project) as memory:
        episodes = memory.episodes(limit, namespace=namespace)
        found = [
            *by_rules(memory, episodes),
            *by_manifests(memory, project),
            *by_commits(memory, project),
        ]
        if model:
            found += by_model(memory, episodes, _provider(project))
        kept = propose(memory, found, dry_run)
    if as_json:
        return emit_json({"dry_run": dry_run, "proposals": kept})
    rows = [(f.id, f.entity, f.property, f"{f.confidence:g}", f.extractor, str(f.value)) for f in kept]
    if rows:
        return table(rows, ("id", "entity", "property", "sure", "by", "value"))
    return tell("nothing new was found")


def _provider(project: Project) -> Provider:
    from agentctx.errors import InvalidInput
    from agentctx.llm import open_provider, thrifty
    from agentctx.llm.settings import read

    settings = read()
    if settings is None:
        raise InvalidInput("no model is configured", "agentctx provider set")
    return thrifty(open_provider(settings), settings, project.state.folder, project.today.isoformat())
