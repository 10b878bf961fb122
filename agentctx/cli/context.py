"""Commands that hand notes to agents and people."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from agentctx.cli.output import emit_json, painted, say, tell, titled


@click.command("prime")
@click.option("--task", default="", help="What the session is about; `-` reads standard input.")
@click.option("--files", multiple=True, metavar="PATH", help="Files the session is about (repeatable).")
@click.option("--budget", type=int, metavar="TOKENS", help="Largest briefing in tokens.")
@click.option(
    "--format", "form", type=click.Choice(["markdown", "json", "hook"]), default="markdown", show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def prime_command(task: str, files: tuple[str, ...], budget: int | None, form: str, as_json: bool) -> None:
    """Print the briefing of a session: the notes that matter for it, and what is no longer true in them."""
    from agentctx.flows.prime import prime
    from agentctx.project import Project

    text = sys.stdin.read() if task == "-" else task
    with Project.open() as project:
        briefing = prime(project, text, files, budget)
    if as_json or form == "json":
        return emit_json(
            {
                "head": briefing.head,
                "bytes": briefing.bytes,
                "tokens": briefing.tokens,
                "items": list(briefing.items),
                "left_out": list(briefing.left_out),
                "notices": list(briefing.notices),
            }
        )
    if form == "hook":
        from agentctx.flows.prime import hook_answer

        return click.echo(hook_answer(briefing.text, "claude-code"))
    return click.echo(briefing.text, nl=False)


@click.command("search")
@click.argument("query", required=False)
@click.option(
    "--file", "source", type=click.Path(exists=True, dir_okay=False), help="Read the query from a file."
)
@click.option("--limit", default=10, show_default=True, help="Most notes to print; 0 prints all.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def search_command(query: str | None, source: str | None, limit: int, as_json: bool) -> None:
    """Find notes by words, best first. QUERY `-` reads standard input."""
    from agentctx.flows.prime import search
    from agentctx.flows.unread import WORDS, unread
    from agentctx.project import Project
    from agentctx.retrieval.succession import retired

    if source:
        text = Path(source).read_text(encoding="utf-8", errors="replace")
    elif query in (None, "-"):
        text = sys.stdin.read()
    else:
        text = query or ""
    with Project.open() as project:
        hits = search(project, text, limit)
        notes = {n.id: n for n in project.notes.notes}
        states = project.index.by_id()
        past, new = retired(project.notes.notes), unread(project)
    if as_json:
        return emit_json(
            {
                "query": text,
                "hits": [
                    {
                        "id": h.id,
                        "path": notes[h.id].path,
                        "status": notes[h.id].status,
                        "unread": h.id in new,
                        "score": round(h.score, 6),
                        "reasons": list(h.reasons),
                    }
                    for h in hits
                ],
            }
        )
    for hit in hits:
        note = notes[hit.id]
        say(
            f"{hit.score:6.2f}  ",
            painted(note.shown(states[hit.id].state), 10),
            f"  {note.id}  {titled(note, past)}",
        )
        if hit.id in new:
            say(f"{'':20}", (WORDS, "yellow"))
        if hit.reasons:
            say(f"                    {'; '.join(hit.reasons)}")
    return None if hits else tell("no note has these words")
