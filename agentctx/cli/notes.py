"""Commands that read and write notes."""

from __future__ import annotations

import sys

import click

from agentctx.cli.output import emit_json, painted, say, table, tell, titled
from agentctx.text import counted

JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
DRY = click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")


@click.command("new")
@click.argument("kind")
@click.argument("title")
@click.option("--anchor", "anchors", multiple=True, metavar="PATH#SYMBOL", help="Code the note is about.")
@click.option("--tag", "tags", multiple=True, help="A word to find it by.")
@click.option("--body", default="", help="The text; `-` reads standard input.")
@JSON
@DRY
def new_command(
    kind: str,
    title: str,
    anchors: tuple[str, ...],
    tags: tuple[str, ...],
    body: str,
    as_json: bool,
    dry_run: bool,
) -> None:
    """Write a note. KIND is decision, pattern, gotcha or session; prints the new note's path."""
    from agentctx.flows import authoring
    from agentctx.project import Project

    text = sys.stdin.read() if body == "-" else body
    with Project.open() as project:
        written = authoring.create(project, kind, title, anchors, tags, text, dry_run)
    if as_json:
        return emit_json({"id": written.id, "path": written.path, "anchors": list(written.anchors)})
    if dry_run:
        tell("nothing was written; this would be:")
    elif not text.strip():
        tell("the note has no text yet: open it and say why")
    return say(written.path)


@click.command("anchor")
@click.argument("note")
@click.argument("anchors", nargs=-1, required=True, metavar="PATH#SYMBOL...")
@JSON
@DRY
def anchor_command(note: str, anchors: tuple[str, ...], as_json: bool, dry_run: bool) -> None:
    """Tie a note to a file, to a symbol in it, or to a glob, and remember what the code looks like now."""
    from agentctx.flows import authoring
    from agentctx.project import Project

    with Project.open() as project:
        written = authoring.add_anchors(project, note, anchors, dry_run)
    if as_json:
        return emit_json({"id": written.id, "path": written.path, "anchors": list(written.anchors)})
    return say(f"{written.id} is anchored to {', '.join(written.anchors)}")


@click.command("verify")
@click.argument("notes", nargs=-1, metavar="[NOTE]...")
@JSON
@DRY
def verify_command(notes: tuple[str, ...], as_json: bool, dry_run: bool) -> int:
    """Say, having read them, that notes are true of the code as it is now. Without NOTE: all of them."""
    from agentctx.flows import authoring
    from agentctx.project import Project

    with Project.open() as project:
        written = authoring.verify(project, notes, dry_run)
    refused = {w.id: w.refused for w in written if w.refused}
    done = [w for w in written if not w.refused]
    if as_json:
        emit_json({"verified": [w.id for w in done], "refused": refused})
        return 1 if refused else 0
    for note in done:
        say(f"{note.id}  {len(note.stamps)} of {len(note.anchors)} anchors stamped")
    for reason in refused.values():
        tell(reason)
    tell(f"{counted(len(done), 'note')} verified")
    return 1 if refused else 0


@click.command("list")
@click.option("--kind", help="Only decision, pattern, gotcha, session or document.")
@click.option("--tag", help="Only notes with this tag.")
@JSON
def list_command(kind: str | None, tag: str | None, as_json: bool) -> None:
    """List the notes."""
    from agentctx.project import Project
    from agentctx.retrieval.succession import retired

    with Project.open() as project:
        states = project.index.by_id()
        found = [n for n in project.notes.notes if kind in (None, n.kind) and (tag is None or tag in n.tags)]
        problems, past = project.notes.problems, retired(project.notes.notes)
    if as_json:
        return emit_json(
            {
                "notes": [
                    {"id": n.id, "path": n.path, "kind": n.kind, "title": n.title, "tags": list(n.tags),
                     "status": n.status, "state": states[n.id].state}
                    for n in found
                ],
                "problems": list(problems),
            }
        )  # fmt: skip
    if not found:
        return tell('no notes yet; write one: agentctx new decision "TITLE" --anchor PATH#SYMBOL')
    rows = [(n.kind, n.shown(states[n.id].state), n.id, titled(n, past)) for n in found]
    table(rows, ("kind", "state", "id", "title"), 1)
    broken = [p for p in problems if p.severity == "error"]
    return tell(f"{counted(len(broken), 'file')} cannot be read as notes: agentctx lint") if broken else None


@click.command("show")
@click.argument("note")
@JSON
def show_command(note: str, as_json: bool) -> None:
    """Show one note with its freshness."""
    from agentctx.flows.unread import WORDS, unread
    from agentctx.project import Project
    from agentctx.retrieval.succession import retired

    with Project.open() as project:
        found = project.note(note)
        is_unread = found.id in unread(project)
        past = retired(project.notes.notes).get(found.id, "")
        freshness = project.index.by_id()[found.id]
    if as_json:
        return emit_json({"note": found, "freshness": freshness, "unread": is_unread})
    say(found.title)
    say(f"{found.kind}, ", painted(found.shown(freshness.state)), f", {found.path}")
    if past:
        say((f"  {past}: kept as history", "yellow"))
    if is_unread:
        say((f"  {WORDS}", "yellow"))
    for drift in freshness.drifts:
        say("  ", painted(drift.state), f"  {drift.anchor}  {drift.reason}")
    for reason in (*freshness.reasons, *(m.reason for m in freshness.mentions)):
        say(f"  {reason}")
    say()
    return say(found.body.strip("\n"))


@click.command("lint")
@JSON
def lint_command(as_json: bool) -> int:
    """Check the notes' form: every finding names the file, the line and what to type."""
    from agentctx.project import Project

    with Project.open() as project:
        notes = project.notes
        problems = project.folder.check(notes, frozenset(project.tree.paths()))
    errors = sum(p.severity == "error" for p in problems)
    if as_json:
        emit_json({"problems": list(problems)})
        return 1 if errors else 0
    for p in problems:
        say(f"{p.path}:{p.line or 1}: ", painted(p.severity), f": {p.message} [{p.code}]")
        if p.hint:
            say(f"    -> {p.hint}")
    tell(f"notes: {len(notes.notes)}, errors: {errors}, other findings: {len(problems) - errors}")
    return 1 if errors else 0
