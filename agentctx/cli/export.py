"""Commands that take memory out, and in again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from agentctx.cli.output import emit_json, tell
from agentctx.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from agentctx.memory.batches import Rows

T = TypeVar("T")
NAMESPACE = click.option(
    "--namespace", default="", help="Slash path in the target; default: the folder's name."
)
ONLY = click.option(
    "--only",
    type=click.Choice(["notes", "memory"]),
    help="The notes and their history, or what is remembered.",
)


@click.group("export")
def export_command() -> None:
    """Write notes, their history, what is remembered and the current briefing somewhere else."""


@export_command.command("postgres")
@click.option(
    "--out", type=click.Path(dir_okay=False), help="A file of plain SQL that psql loads; `-` prints it."
)
@click.option("--dsn", help="A PostgreSQL to write to (postgresql://...); the schema is made when missing.")
@NAMESPACE
@ONLY
def postgres_command(out: str | None, dsn: str | None, namespace: str, only: str | None) -> None:
    """Notes as facts, merges and sessions as episodes, the briefing as working context. Safe to repeat."""
    from agentctx.flows.export import export_postgres, export_postgres_dsn

    if bool(out) == bool(dsn):
        raise click.UsageError("give either --out FILE or --dsn URL")
    with _rows(namespace, only) as (rows, count):
        if dsn:
            written = export_postgres_dsn(rows, dsn, lambda done: tell(f"{done} rows so far"), _tell_away)
            return tell(f"{written} rows are in the database")
        export_postgres(rows, _target(out or "-"))
        return tell(f"{count} -> {out}")


@export_command.command("jsonl")
@click.option("--out", type=click.Path(dir_okay=False), default="-", help="A file; `-` prints it.")
@NAMESPACE
@ONLY
def jsonl_command(out: str, namespace: str, only: str | None) -> None:
    """The same rows as JSON Lines, without loss: `agentctx import jsonl` reads them.

    Without `--namespace` only notes go below the folder's name: memory keeps its place, as a backup must.
    """
    from agentctx.flows.export import export_jsonl

    with _rows(namespace, only, backup=True) as (rows, count):
        export_jsonl(rows, _target(out))
    tell(f"{count} -> {out}")


@export_command.command("stash")
@click.option("--out", type=click.Path(dir_okay=False), help="A file of SQL for psql; `-` prints it.")
@click.option("--dsn", help="The database of a Stash (postgresql://...), with its tables.")
@NAMESPACE
@ONLY
def stash_command(out: str | None, dsn: str | None, namespace: str, only: str | None) -> None:
    """The same rows into the tables of Stash (github.com/alash3al/stash). Safe to repeat."""
    from agentctx.flows.export import export_stash, export_stash_dsn

    if bool(out) == bool(dsn):
        raise click.UsageError("give either --out FILE or --dsn URL")
    now = datetime.now(UTC).isoformat()
    with _rows(namespace, only) as (rows, count):
        if dsn:
            export_stash_dsn(rows, dsn, now)
        else:
            export_stash(rows, _target(out or "-"), now)
    tell(f"{count} -> {out or 'the database'}")


@click.group("import")
def import_command() -> None:
    """Read memory that was written elsewhere."""


@import_command.command("jsonl")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--dry-run", is_flag=True, help="Check every line; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def import_jsonl_command(file: str, dry_run: bool, as_json: bool) -> None:
    """Rows of `agentctx export jsonl` (`-` reads standard input) into this repository's memory.

    All lines are checked before the first is written; the same file twice changes nothing.
    """
    from agentctx.flows.export import import_jsonl
    from agentctx.flows.memories import Memory
    from agentctx.memory.lines import Lines

    piped = file == "-"
    lines = Lines(sys.stdin.buffer if piped else Path(file))
    rows = import_jsonl(lines, "standard input" if piped else file)
    count, away = Count(), [0]
    with Memory.open() as memory:
        counted = count.over(memory.taken_in(rows))
        if dry_run:
            for part in (counted.episodes, counted.facts, counted.contexts):
                list(part)
        else:
            memory.store.restore(counted, away.append)
    if as_json:
        return emit_json({"dry_run": dry_run, **count.parts, "kept_away": sum(away)})
    _tell_away(sum(away))
    return tell(f"{count} {'would be imported' if dry_run else 'imported'}")


@dataclass
class Count:
    """Counts rows while they are read, so that they need not be read twice."""

    parts: dict[str, int] = field(default_factory=lambda: {"facts": 0, "episodes": 0, "contexts": 0})

    def over(self, rows: Rows) -> Rows:
        """``rows``, counted on their way."""
        return replace(
            rows,
            facts=self._each("facts", rows.facts),
            episodes=self._each("episodes", rows.episodes),
            contexts=self._each("contexts", rows.contexts),
        )

    def _each(self, name: str, values: Iterable[T]) -> Iterator[T]:
        for value in values:
            self.parts[name] += 1
            yield value

    def __str__(self) -> str:
        return ", ".join(counted(number, name.removesuffix("s")) for name, number in self.parts.items())


@contextmanager
def _rows(namespace: str, only: str | None, backup: bool = False) -> Iterator[tuple[Rows, Count]]:
    """What is asked for, counted while it is read; the memory stays open as long as the block runs.

    ``backup``: memory keeps its place, so that reading it back finds it where it was.
    """
    from agentctx.flows.export import joined
    from agentctx.flows.memories import Memory
    from agentctx.project import Project

    count, memory = Count(), None
    with Project.open() as project:
        name = namespace or f"/{project.root.name}"
        try:
            if only != "notes":
                memory = Memory.of(project)
                rows = memory.rows(namespace or "/" if backup else name)
            if only != "memory":
                notes = _notes(project, name)
                rows = joined(notes, rows) if memory else notes
            yield count.over(rows), count
        finally:
            if memory:
                memory.close()


def _notes(project: Any, namespace: str) -> Rows:
    from agentctx.flows.export import context_of, rows_of_repository
    from agentctx.flows.memories import Place
    from agentctx.flows.prime import prime, query_for
    from agentctx.memory.rows import DEFAULT_TENANT
    from agentctx.note_versions import history_of_notes

    notes = project.notes.notes
    history = history_of_notes(project.git, project.context, project.config.notes.include)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    contexts = context_of(prime(project), query_for(project, "", ()), namespace, now)
    tenant = Place.chosen().tenant or DEFAULT_TENANT
    return rows_of_repository(notes, history, contexts, namespace, now, tenant)


def _tell_away(number: int) -> None:
    if number:
        tell(f"{counted(number, 'row')} kept away: they were removed there before")


def _target(out: str) -> Path | TextIO:
    if out == "-":
        return sys.stdout
    return Path(out)
