"""Commands that serve agents until they are closed."""

from __future__ import annotations

import click


@click.command("mcp")
def mcp_command() -> None:
    """Serve agents over the Model Context Protocol on standard input and output.

    Clients start it by themselves once `agentctx init` has registered it.
    """
    from agentctx.server.mcp import serve

    serve()
