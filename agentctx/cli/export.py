"""Commands that take memory out."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agentctx.cli.output import tell

if TYPE_CHECKING:
    from typing import TextIO

    from agentctx.memory.batches import Rows

NAMESPACE = click.option(
    "--namespace", default="", help="Slash path in the target; default: the folder's name."
)


@click.group("export")
def export_command() -> None:
    """Write notes, their history and the current briefing somewhere else."""


@export_command.command("postgres")
@click.option(
    "--out", type=click.Path(dir_okay=False), help="A file of plain SQL that psql loads; `-` prints it."
)
@click.option("--dsn", help="A PostgreSQL to write to (postgresql://...); the schema is made when missing.")
@NAMESPACE
def postgres_command(out: str | None, dsn: str | None, namespace: str) -> None:
    """Notes as facts, merges and sessions as episodes, the briefing as working context. Safe to repeat."""
    from agentctx.export import export_postgres, export_postgres_dsn

    if bool(out) == bool(dsn):
        raise click.UsageError("give either --out FILE or --dsn URL")
    rows = _rows(namespace)
    if dsn:
        written = export_postgres_dsn(rows, dsn, lambda done: tell(f"{done} rows so far"))
        return tell(f"{written} rows are in the database")
    export_postgres(rows, _target(out or "-"))
    return tell(_summary(rows, out or "-"))


@export_command.command("jsonl")
@click.option("--out", type=click.Path(dir_okay=False), default="-", help="A file; `-` prints it.")
@NAMESPACE
def jsonl_command(out: str, namespace: str) -> None:
    """The same rows as JSON Lines, without loss."""
    from agentctx.export import export_jsonl

    rows = _rows(namespace)
    export_jsonl(rows, _target(out))
    tell(_summary(rows, out))


def _rows(namespace: str) -> Rows:
    from agentctx.export import context_of, rows_of_repository
    from agentctx.note_versions import history_of_notes
    from agentctx.prime import prime, query_for
    from agentctx.project import Project

    with Project.open() as project:
        notes = project.notes.notes
        history = history_of_notes(project.git, project.context, [n.path for n in notes if n.read_only])
        now = datetime.now(UTC).isoformat(timespec="seconds")
        name = namespace or f"/{project.root.name}"
        contexts = context_of(prime(project), query_for(project, "", ()), name, now)
        return rows_of_repository(notes, history, contexts, name, now)


def _target(out: str) -> Path | TextIO:
    if out == "-":
        return sys.stdout
    return Path(out)


def _summary(rows: Rows, out: str) -> str:
    facts, episodes, contexts = (len(list(part)) for part in (rows.facts, rows.episodes, rows.contexts))
    return f"{facts} facts, {episodes} episodes, {contexts} contexts -> {out}"
