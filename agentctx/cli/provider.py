"""Commands about the person's own model."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from agentctx.cli.output import emit_json, say, tell

if TYPE_CHECKING:
    from agentctx.flows.embeddings import Filled
    from agentctx.llm.settings import ProviderSettings

JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group("provider")
def provider_command() -> None:
    """The model that proposes edits: yours, in your own settings; a repository cannot set or change it."""


@provider_command.command("set")
@click.argument("name", required=False, default="")
@click.option("--model", help="The model's name at the provider.")
@click.option("--url", help="Base address, for example https://api.example.org/v1.")
@click.option("--key-variable", help="Name of the environment variable that holds the key.")
@click.option("--command", "command_line", help="A command that reads the prompt and prints the answer.")
@click.option("--timeout", type=float, help="Seconds for one answer.")
@click.option("--max-output-tokens", type=int, help="The longest answer, in tokens.")
@click.option("--price-in", type=float, help="Price of a million tokens sent, in your currency.")
@click.option("--price-out", type=float, help="Price of a million tokens received.")
@click.option("--tokens-per-sync", type=int, help="Most tokens of one sync, sent and received together.")
@click.option("--tokens-per-day", type=int, help="Most tokens of a day in one clone.")
@click.option("--allow-http", is_flag=True, help="Allow plain http to another machine.")
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
def set_command(
    name: str, command_line: str | None, allow_http: bool, dry_run: bool, **fields: str | float | None
) -> None:
    """Choose a model. NAME: openai, anthropic, ollama, claude, codex, command, ... or none.

    Without NAME only what is given changes; so it does with the NAME of the model that is set.
    """
    from agentctx.llm import settings

    if name == "none":
        where = settings.config_path() if dry_run else settings.write(None)
        return tell(f"no model {'would be left' if dry_run else 'any more'}: {where}")
    given = {
        **fields,
        "command": _words(command_line) if command_line else None,
        "allow_http": allow_http or None,
    }
    changes = {k: v for k, v in given.items() if v is not None}
    chosen = settings.chosen(name, changes, settings.read())
    if "model" in changes and chosen.kind == "command" and "{model}" not in chosen.command:
        tell("no word of the command is {model}: the name says whose answers these are, and chooses none")
    if dry_run:
        settings.validate(chosen)
        tell(f"would be written to {settings.config_path()}:")
    else:
        tell(f"written to {settings.write(chosen)}; prove it: agentctx provider test")
    return _print(asdict(chosen))


def _words(line: str) -> tuple[str, ...]:
    """The words of a command as a shell would split them. Raises ``InvalidInput``."""
    from agentctx.errors import InvalidInput

    try:
        return tuple(shlex.split(line))
    except ValueError as error:
        raise InvalidInput(
            f"the command cannot be split into words: {str(error).lower()}", "close every quote in --command"
        ) from None


@provider_command.command("show")
@JSON
def show_command(as_json: bool) -> None:
    """Show the chosen model. The key itself is never stored, so it cannot be shown."""
    from agentctx.llm import settings

    found = settings.read()
    if as_json:
        return emit_json({"provider": asdict(found) if found else None, "path": str(settings.config_path())})
    if found is None:
        return tell("no model is configured: agentctx provider set NAME")
    return _print(asdict(found))


@provider_command.command("test")
@JSON
def test_command(as_json: bool) -> None:
    """Prove address, key and model with one small call."""
    from agentctx.errors import ModelFailed
    from agentctx.llm import open_provider, probe, settings

    found = settings.read()
    if found is None:
        raise ModelFailed("no model is configured", "agentctx provider set NAME")
    answer = probe(open_provider(found))
    if as_json:
        return emit_json({"model": answer.model, "seconds": round(answer.seconds, 3)})
    return say(f"{answer.model} answered in {answer.seconds:.1f} s")


@provider_command.command("embeddings")
@click.option(
    "--url", help="Base address of an OpenAI-compatible server, for example http://127.0.0.1:11434/v1."
)
@click.option("--model", help="The embedding model's name there.")
@click.option("--key-variable", help="Name of the environment variable that holds the key.")
@click.option("--allow-http", is_flag=True, help="Allow plain http to another machine.")
@click.option("--off", is_flag=True, help="Search by words alone again.")
@click.option("--fill", "filling", is_flag=True, help="Ask for the vectors of notes and memory now.")
@click.option("--dry-run", is_flag=True, help="Say what would be written; write and send nothing.")
def embeddings_command(off: bool, filling: bool, dry_run: bool, **fields: str | bool | None) -> None:
    """Find notes and memory by meaning too, with an embedding model of yours; off unless set here.

    Shows what is set.
    """
    from agentctx.llm import settings
    from agentctx.llm.settings import EMBEDDINGS, ProviderSettings

    given = {key: value for key, value in fields.items() if value}
    chosen = None if off else settings.read(section=EMBEDDINGS)
    if given and not off:
        chosen = settings.changed(chosen or ProviderSettings("openai-compatible"), given)
    if (given or off) and not dry_run:
        tell(f"written to {settings.write(chosen, section=EMBEDDINGS)}")
    if chosen is None:
        return tell("no embeddings: notes are found by words alone")
    for name in ("model", "url", "key_variable"):
        say(f"{name:18} {getattr(chosen, name)}")
    return _fill(chosen) if filling and not dry_run else None


def _fill(chosen: ProviderSettings) -> None:
    from agentctx.flows.embeddings import fill
    from agentctx.flows.meaning import fill as fill_memory
    from agentctx.flows.memories import Memory
    from agentctx.project import Project

    with Project.open() as project:
        _filled("notes", fill(project, chosen))
        with Memory.of(project) as memory:
            _filled("episodes and facts", fill_memory(memory.store, chosen, memory.now()))


def _filled(what: str, done: Filled) -> None:
    price = f", cost {done.cost:.4f}" if done.cost else ""
    tell(
        f"{done.asked} of {done.texts} {what} asked for in {done.requests} requests, "
        f"{done.tokens} tokens, {done.seconds:.1f} s{price}"
    )


def _print(settings: dict[str, object]) -> None:
    for key, value in settings.items():
        if value not in ("", (), 0.0, False):
            say(f"{key:18} {' '.join(value) if isinstance(value, tuple) else value}")
