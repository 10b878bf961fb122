"""What git's and agents' hooks call. A hook never fails its caller: it exits 0, whatever happens."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from agentctx.cli.output import emit_json, say

INPUT_LIMIT = 64_000_000
"""Characters of an event that are read: after an edit some clients send the file before and after."""


@click.command("hook")
@click.argument("name")
@click.option("--client", default="plain", help="claude-code, codex, gemini, copilot, cursor or plain.")
@click.argument("rest", nargs=-1)
def hook_command(name: str, client: str, rest: tuple[str, ...]) -> None:
    """Run what a hook asks for: session-start, session-end, pre-tool-use, post-tool-use for agents."""
    from agentctx.flows import events

    try:
        with _in_time(events.SECONDS.get(name, 0.0), lambda: events.too_late(name, client)):
            answer = events.handle(name, client, _input() if not rest else {events.ARGUMENTS: rest})
        if answer:
            _tell(answer)
    except Exception as failure:
        from agentctx.flows.failures import remember

        remember(name, failure)


def _tell(answer: str) -> None:
    """Write it out now: a disk that is full fails the hook otherwise, when the process ends."""
    try:
        sys.stdout.buffer.write(answer.encode("utf-8", "replace"))
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left of it goes there
        raise


@contextmanager
def _in_time(seconds: float, excuse: Callable[[], str]) -> Iterator[None]:
    """Give up after ``seconds`` (0: never), before the client kills us and tells its user of an error.

    ``excuse`` makes what the client hears then.

    The client waits as long as anybody holds our output, so the git that we wait for is ended too. It is
    in our process group, and in nobody else's.
    """
    if not seconds:
        yield
        return

    def late(number: int, frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(1, excuse().encode())
        os.killpg(0, signal.SIGTERM)
        os._exit(0)

    if not sys.stdin.isatty() and os.getpgrp() != os.getpid():
        os.setpgrp()
        signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, seconds)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)


def _input() -> dict[str, object]:
    """The client's JSON on standard input; nothing when a person runs the hook by hand."""
    if sys.stdin is None or sys.stdin.isatty():
        return {}
    try:
        data = json.loads(sys.stdin.read(INPUT_LIMIT) or "{}")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


@click.command("hooks")
@click.argument("action", type=click.Choice(["install", "uninstall", "status"]))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
def hooks_command(action: str, as_json: bool, dry_run: bool) -> int:
    """Install, remove or show agentctx's part of this clone's git hooks."""
    from agentctx.integrations import githooks, mergedriver
    from agentctx.project import Project

    with Project.open() as project:
        if action == "status":
            found = githooks.status(project.git, project.context)
            driver = mergedriver.status(project.git)
        elif action == "install":
            found = githooks.install(project.git, project.context, dry_run)
            driver = mergedriver.register(project.git, dry_run)
        else:
            found = githooks.uninstall(project.git, dry_run)
            driver = mergedriver.unregister(project.git, dry_run)
    if as_json:
        emit_json({"hooks": list(found), "merge_driver": driver})
        return 0
    for hook in found:
        say(f"{hook.outcome:10}  {hook.name:14}", f"  {hook.reason}" if hook.reason else "")
        for line in hook.by_hand.splitlines():
            say(f"    {line}")
    say(f"{driver.outcome:10}  merge driver  ", f"  {driver.reason}" if driver.reason else "")
    return 0


@click.command("merge-driver", hidden=True)
@click.argument("files", nargs=-1, metavar="BASE OURS THEIRS MARKER-SIZE NAME")
def merge_driver_command(files: tuple[str, ...]) -> int:
    """Merge three versions of a note. Called by git; exit code 9 stands for conflicts between markers."""
    from agentctx.notes.driver import main

    return main(files)


@click.command("worker", hidden=True)
def worker_command() -> int:
    """Work off what git hooks queued, then end. Started by the hooks; at most one runs."""
    from agentctx.flows.worker import main

    return main()
