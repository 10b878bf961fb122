"""The front door: which command lives where, and the one place where failures become text and exit codes.

Exit codes: 0 done, 1 a check found something, 2 could not run, 3 a bug in agentctx, 130 interrupted.
Commands are imported when they are called, so ``agentctx hook`` never pays for ``agentctx serve``.
"""

from __future__ import annotations

import errno
import gc
import io
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from agentctx import __version__
from agentctx.errors import AgentctxError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
"""What a disk says that takes no more: no bug of ours."""

# name -> (module below agentctx.cli, one line of help); the order is the order of `agentctx --help`.
COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Start": {
        "init": ("setup", "Make the context folder and connect git and your agents to it."),
        "doctor": ("setup", "Say what is connected and what is not, proven by probes."),
        "hooks": ("hooks", "Install, remove or show the git hooks."),
        "agents": ("agents", "Register with agent clients, take it back, or show it."),
    },
    "Notes": {
        "new": ("notes", "Write a note."),
        "anchor": ("notes", "Tie a note to code."),
        "verify": ("notes", "Say, having read them, that notes are true of the code as it is now."),
        "list": ("notes", "List the notes."),
        "show": ("notes", "Show one note with its freshness."),
        "lint": ("notes", "Check the notes' form; says what to type."),
    },
    "Truth": {
        "status": ("freshness", "Say of every note whether it is still true, and why not."),
        "affected": ("sync", "Say which notes a change touches."),
        "check": ("check", "Say which notes a branch makes false: the gate before a merge."),
        "sync": ("sync", "Bring the notes up to date with what arrived."),
        "review": ("sync", "Look at proposals and decide."),
        "undo": ("sync", "Take back what one sync wrote, byte for byte."),
        "resolve": ("origin", "Put a conflicted note together by field and paragraph."),
        "blame": ("origin", "Say where a note's words came from."),
        "rollback": ("origin", "Take back what one source commit caused."),
        "trust": ("origin", "Say what this repository can make agentctx do."),
        "dashboard": (
            "dashboard",
            "Make the page for people: every note, what changed under it, what waits.",
        ),
        "watch": ("watch", "Keep the index warm while people and git work."),
        "provider": ("provider", "Set, test or show the model that proposes edits."),
    },
    "Context": {
        "prime": ("context", "Print the briefing of a session."),
        "search": ("context", "Find notes by words."),
    },
    "Memory": {
        "remember": ("memory", "Keep something that happened, or a fact."),
        "recall": ("memory", "Find what is remembered about a question."),
        "forget": ("memory", "Remove what is remembered, text and all."),
        "episode": ("memory", "What happened: add, list."),
        "fact": ("facts", "What is known: set, get, list, history, contradictions, resolve."),
        "context": ("working_context", "The state of the task in hand: set, get, list, clear."),
        "consolidate": ("consolidate", "Draw facts out of what happened, as proposals."),
        "stash": ("stash", "Values with a time to live: serve, set, get."),
    },
    "Serve a team": {
        "serve": ("serve", "Serve memory over REST and the Model Context Protocol."),
        "keys": ("serve", "The keys of a server: new, list, revoke."),
        "prepare-database": ("serve", "Make a PostgreSQL ready for servers of several tenants."),
    },
    "In and out": {
        "export": ("export", "Write notes and memory to PostgreSQL, SQL, JSON Lines or Stash."),
        "import": ("export", "Read memory from JSON Lines."),
    },
    "Called by git and agents": {
        "session": ("agents", "Begin a session, or leave its note for the next agent."),
        "mcp": ("serve", "Serve agents over the Model Context Protocol."),
        "hook": ("hooks", "Run what a git hook or an agent's hook asks for."),
        "merge-driver": ("hooks", "Merge three versions of a note; called by git."),
        "worker": ("hooks", "Work off what git hooks queued; starts by itself."),
    },
}


class Commands(click.Group):
    """A group that imports a command's module only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for family in COMMANDS.values() for name in family]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for family in COMMANDS.values():
            if cmd_name in family:
                module = import_module(f"agentctx.cli.{family[cmd_name][0]}")
                found = getattr(module, cmd_name.replace("-", "_") + "_command")
                assert isinstance(found, click.Command)
                return found
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            from agentctx.text import did_you_mean

            near = did_you_mean(args[0], self.list_commands(ctx))
            hint = f"did you mean `agentctx {near}`?" if near else "`agentctx --help` lists the commands"
            raise AgentctxError(f"there is no command `{args[0]}`", hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for family, commands in COMMANDS.items():
            with formatter.section(family):
                formatter.write_dl([(name, text) for name, (_, text) in commands.items()])


@click.group(
    cls=Commands,
    invoke_without_command=True,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="agentctx")
@click.pass_context
def agentctx(ctx: click.Context) -> None:
    """Memory for coding agents that lives in the repository and is kept true by git."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave the process with its exit code."""
    gc.set_threshold(100_000)  # a command builds much and lets go of little: searching it often finds nothing
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(run(given))


def run(arguments: list[str]) -> int:
    """The error boundary: every failure becomes two lines at the most, and a code."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(
            errors="surrogateescape"
        )  # file names that are no UTF-8 are printed as they are
    try:
        result = agentctx.main(args=arguments, prog_name="agentctx", standalone_mode=False)
        if sys.stdout:  # None when the caller closed it
            sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except AgentctxError as error:
        _say(error.message, error.hint)
        return 2
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "agentctx"
        _say(error.format_message(), f"`{command} --help` shows how it is used")
        return 2
    except click.ClickException as error:
        _say(error.format_message(), "")
        return 2
    except (click.exceptions.Abort, KeyboardInterrupt):
        return 130
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except BrokenPipeError:
        return _print_no_more()
    except Exception as bug:
        if isinstance(bug, OSError) and bug.errno in NO_ROOM:
            _print_no_more()
            _say(f"nothing more can be written here: {bug.strerror}", "make room, then try again")
            return 2
        return _report(bug, arguments)


def _say(message: str, hint: str) -> None:
    from agentctx.text import strip_hidden

    click.echo(strip_hidden(f"agentctx: {message}"), err=True)
    if hint:
        click.echo(strip_hidden(f"  -> {hint}"), err=True)


def _print_no_more() -> int:
    """The reader of a pipe went away (``agentctx list | head``): no error, and no second one at exit."""
    import os

    if sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _report(bug: Exception, arguments: list[str]) -> int:
    """A bug of ours: one line, and a file that can be pasted into a report, without secrets."""
    import platform
    import tempfile
    import traceback

    from agentctx.hygiene import redact

    text = "".join(traceback.format_exception(bug))
    where = f"Python {platform.python_version()}, {platform.system()}"
    report = f"agentctx {__version__}, {where}\n{arguments}\n{text}"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="agentctx-", suffix=".log", delete=False, encoding="utf-8"
        ) as log:
            log.write(redact(report).text)
        where = f"the report is in {log.name}"
    except OSError:
        where = "no report could be written"
    _say(f"a bug in agentctx: {type(bug).__name__}: {bug}", where)
    return 3
