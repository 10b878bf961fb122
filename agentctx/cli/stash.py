"""Ephemeral working memory from the command line: serve it, and set or get a value."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agentctx.cli.output import emit_json, say
from agentctx.cli.serve import JSON

if TYPE_CHECKING:
    from agentctx.flows.stash import Stash

URL = click.option("--url", default="", envvar="STASH_URL", help="A server to ask, not the local back end.")
KEY = click.option("--api-key", default="", envvar="STASH_API_KEY", help="Its key.")


@click.group("stash")
def stash_command() -> None:
    """Values with a time to live. The back end is STASH_BACKEND: sqlite (default), redis or memory."""


@stash_command.command("serve")
@click.option("--host", default="", help="STASH_HOST, else 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), help="STASH_PORT, else 8787.")
@click.option("--tls-cert", "certificate", type=click.Path(dir_okay=False), default="")
@click.option("--tls-key", "key", type=click.Path(dir_okay=False), default="")
@click.option("--allow-host", "hosts", multiple=True, help="A further name that clients address.")
@click.option("--origin", "origins", multiple=True, help="An origin of web pages that may ask.")
def stash_serve(host: str, port: int | None, **given: Any) -> None:
    """Serve /stash, /recall/ID, /update/ID and /forget/ID; STASH_* variables or a file .env set it up."""
    from agentctx.flows.stash import Settings, environment
    from agentctx.server.serving import Bind, serve_stash

    settings = Settings.read(environment(Path.cwd()))
    bind = Bind(
        host or settings.host, settings.port if port is None else port, log_level=settings.log_level,
        json_logs=settings.log_format == "json", **given,
    )  # fmt: skip
    serve_stash(bind, settings)


@stash_command.command("set")
@click.argument("name")
@click.argument("value")
@click.option("--text", is_flag=True, help="VALUE is text, not JSON.")
@click.option("--ttl", type=click.IntRange(min=1), help="Seconds to live.")
@URL
@KEY
@JSON
def stash_set(
    name: str, value: str, text: bool, ttl: int | None, url: str, api_key: str, as_json: bool
) -> None:
    """Keep VALUE (JSON; `-` reads standard input) under NAME; prints the id to get it by."""
    from agentctx.errors import InvalidInput

    given = sys.stdin.read() if value == "-" else value
    try:
        data = given if text else json.loads(given)
    except (ValueError, RecursionError):
        raise InvalidInput(f"{given[:80]!r} is not JSON", "quote it for the shell, or use --text") from None
    stash = _opened(url, api_key)
    ident = stash.set(name, data, ttl)
    stash.close()
    return emit_json({"memory_id": ident}) if as_json else say(ident)


@stash_command.command("get")
@click.argument("name")
@URL
@KEY
@JSON
def stash_get(name: str, url: str, api_key: str, as_json: bool) -> None:
    """Print the value under a name or an id as JSON."""
    stash = _opened(url, api_key)
    data = stash.get(name)
    stash.close()
    return emit_json({"data": data}) if as_json else say(json.dumps(data, ensure_ascii=False))


def _opened(url: str, api_key: str) -> Stash:
    from agentctx.flows.stash import Settings, Stash, environment

    settings = Settings.read(environment(Path.cwd()))
    return Stash(settings.backend, settings.redis_url, api_key=api_key, url=url, tier=settings.tier)
