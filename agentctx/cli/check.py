"""The gate on the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agentctx.cli.output import COLOURS, say, tell
from agentctx.reports import FORMATS

if TYPE_CHECKING:
    from agentctx.model import Checked


@click.command("check")
@click.option(
    "--base", default="", metavar="REV", help="What to merge into; the upstream default branch without it."
)
@click.option("--head", default="", metavar="REV", help="The branch; the files on disk without it.")
@click.option("--push", is_flag=True, help="What is being pushed, as pre-commit's variables tell it.")
@click.option("--format", "name", type=click.Choice(list(FORMATS)), default="text", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to this file.")
@click.option("--also", multiple=True, metavar="FORMAT=FILE", help="One more report of the same check.")
def check_command(
    base: str, head: str, push: bool, name: str, as_json: bool, out: Path | None, also: tuple[str, ...]
) -> int:
    """Say which notes a branch makes false that it did not mend itself. Exit code 1 when there are any."""
    from agentctx.flows.branch import bases_of, blamed_by_all, pushed
    from agentctx.flows.gate import check
    from agentctx.project import Project
    from agentctx.reports.text import summary

    if push and (base or head):
        raise click.UsageError("--push tells base and head itself: leave out --base and --head")
    reports = [("json" if as_json else name, out), *(_target(text) for text in also)]
    _no_file_twice([path for _, path in reports if path])
    with Project.open() as project:
        if push:
            base, head = pushed(project.git, os.environ)
        checked = blamed_by_all([check(project, one, head) for one in bases_of(project.git, base, head)])
        top = os.path.relpath(project.git.root)
    for other, path in reports:
        _emit(checked, other, path, top if top != "." else "")
    for notice in checked.notices:
        tell(notice)
    tell(summary(checked))
    return 1 if checked.failed else 0


def _target(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    if name not in FORMATS or not path:
        raise click.UsageError(
            f"--also takes FORMAT=FILE with FORMAT one of {', '.join(FORMATS)}, not {text!r}"
        )
    return name, Path(path)


def _no_file_twice(paths: list[Path]) -> None:
    files = [os.path.realpath(path) for path in paths]
    twice = [str(path) for path, file in zip(paths, files, strict=True) if files.count(file) > 1]
    if twice:
        raise click.UsageError(f"two reports would be written to one file: {', '.join(twice)}")


def _emit(checked: Checked, name: str, out: Path | None, top: str) -> None:
    """``top``: the repository's root from here; empty when that is here."""
    from agentctx.reports import report
    from agentctx.reports.text import render

    text = report(name)(checked) if name != "text" or out else render(checked, top)
    if out is not None:
        from agentctx.files import write_atomic

        return write_atomic(out.absolute(), text.encode(), durable=False)
    if name != "text":
        return click.echo(text, nl=False)
    for line in text.splitlines():
        word = line.partition(" ")[0]
        say((word, COLOURS.get(word, "")), line[len(word) :])
    return None
