"""Commands that serve until they are stopped, and the keys of those servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from agentctx.cli.output import emit_json, say, table, tell

JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.command("mcp")
@click.option(
    "--memory-tools", is_flag=True, help="List every operation on memory, under the names of Stash."
)
def mcp_command(memory_tools: bool) -> None:
    """Serve agents over the Model Context Protocol on standard input and output.

    Clients start it by themselves once `agentctx init` has registered it.
    """
    from agentctx.server.mcp import serve

    serve(memory_tools=memory_tools)


def _bind_options(command: Any) -> Any:
    for option in (
        click.option("--log-format", type=click.Choice(["json", "text"]), default="json", show_default=True),
        click.option(
            "--rate",
            type=click.IntRange(min=0),
            help="Requests a minute of one key (working memory has those of its tier); 0: no limit.",
        ),
        click.option("--tls-key", "key", type=click.Path(dir_okay=False), default=""),
        click.option("--tls-cert", "certificate", type=click.Path(dir_okay=False), default=""),
        click.option("--origin", "origins", multiple=True, help="An origin of web pages that may ask."),
        click.option("--allow-host", "hosts", multiple=True, help="A further name that clients address."),
    ):
        command = option(command)
    return command


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8750, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes that answer."
)
@_bind_options
def serve_command(log_format: str, **given: Any) -> None:
    """Serve memory to programs: REST (/openapi.json), MCP (/mcp) and working memory, with keys for a team.

    The store is the one of `agentctx remember`. On another address than loopback a key is needed.
    """
    from agentctx.flows.memories import Place
    from agentctx.server.serving import Bind, serve_memory

    serve_memory(Path.cwd(), Bind(json_logs=log_format == "json", **given), Place.chosen())


@click.group("keys")
def keys_command() -> None:
    """The keys of `agentctx serve` and `agentctx stash serve`."""


@keys_command.command("new")
@click.option("--owner", default="local", show_default=True, help="The tenant whose memory the key opens.")
@click.option("--label", default="", help="What it is for.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(["read", "write", "admin"]))
@click.option("--tier", default="free", show_default=True, type=click.Choice(["free", "pro", "enterprise"]))
@click.option("--days", type=click.IntRange(min=1), help="Days after which it ends.")
@JSON
def keys_new(
    owner: str, label: str, scopes: tuple[str, ...], tier: str, days: int | None, as_json: bool
) -> None:
    """Make a key and print it: the only time it is shown. Default scopes: read and write."""
    import os

    from agentctx.memory.canonical import later

    with _keys() as (keys, now):
        text, key = keys.new(
            os.urandom(37), owner, now, label=label, scopes=scopes or ("read", "write"), tier=tier,
            expires_at=later(now, days * 86400) if days else "",
        )  # fmt: skip
    if as_json:
        return emit_json({"key": text, "about": key})
    say(text)
    return tell(f"key {key.id} of {owner}; it is kept as a digest only and cannot be shown again")


@keys_command.command("list")
@JSON
def keys_list(as_json: bool) -> None:
    """All keys, without the keys themselves."""
    with _keys() as (keys, now):
        found = keys.list()
    if as_json:
        return emit_json({"keys": found})
    rows = [
        (
            k.id,
            k.owner,
            ",".join(k.scopes),
            k.tier,
            k.expires_at[:10],
            "" if k.lives(now) else "over",
            k.label,
        )
        for k in found
    ]
    return table(rows, ("id", "owner", "scopes", "tier", "until", "", "label"))


@keys_command.command("revoke")
@click.argument("id")
@JSON
def keys_revoke(id: str, as_json: bool) -> None:
    """End a key; running servers know within a second."""
    with _keys() as (keys, now):
        keys.revoke(id, now)
    return emit_json({"revoked": id}) if as_json else tell(f"key {id} opens nothing any more")


@click.command("prepare-database")
@click.option("--dsn", required=True, help="The database, as the owner of its tables.")
@click.option("--role", required=True, help="The role that servers use; it must exist.")
def prepare_database_command(dsn: str, role: str) -> None:
    """Make schema, row-level security and grants for servers of several tenants. Safe to repeat."""
    from agentctx.memory.tenants import prepare

    prepare(dsn, role)
    tell(f"{role} may read and write rows of the tenant that each transaction names, and no others")


def _keys() -> Any:
    from contextlib import contextmanager
    from datetime import UTC, datetime

    from agentctx.flows.memories import Place
    from agentctx.memory.keys import Keys
    from agentctx.server.serving import key_database

    @contextmanager
    def opened() -> Any:
        database = key_database(Place.chosen())
        try:
            yield Keys(database), datetime.now(UTC).isoformat()
        finally:
            database.close()

    return opened()
