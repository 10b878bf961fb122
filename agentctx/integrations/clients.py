"""All clients that agentctx knows, and what is done to several of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agentctx.errors import InvalidInput
from agentctx.integrations import agents_md, claude_code, codex, copilot, cursor, gemini, opencode
from agentctx.integrations.base import Client, Installed
from agentctx.text import did_you_mean

CLIENTS: dict[str, Client] = {
    module.CLIENT.name: module.CLIENT
    for module in (claude_code, codex, cursor, gemini, copilot, opencode, agents_md)
}
ALWAYS = ("agents-md",)
"""Read by most clients, whichever a team member uses."""
WITHOUT_SIGNS = ("claude-code", *ALWAYS)

Done = tuple[Client, Installed]


def chosen(words: str, root: Path) -> list[Client]:
    """The clients that ``auto``, ``none`` or ``NAME,...`` means here. Raises ``InvalidInput``."""
    if words == "none":
        return []
    if words == "all":
        return list(CLIENTS.values())
    if words == "auto":
        found = [name for name, client in CLIENTS.items() if client.detect(root)]
        names = [*found, *ALWAYS] if set(found) - set(ALWAYS) else WITHOUT_SIGNS
        return [client for name, client in CLIENTS.items() if name in names]
    return named([word.strip() for word in words.split(",") if word.strip()])


def named(names: Sequence[str]) -> list[Client]:
    """The clients with these names, all without any. Raises ``InvalidInput``."""
    for name in names:
        if name not in CLIENTS:
            near = did_you_mean(name, CLIENTS)
            hint = f"did you mean {near}?" if near else f"auto, all, none, or some of: {', '.join(CLIENTS)}"
            raise InvalidInput(f"there is no agent client {name!r}", hint)
    return [client for name, client in CLIENTS.items() if not names or name in names]


def install(clients: Sequence[Client], root: Path, dry_run: bool = False) -> list[Done]:
    """Register with each; a file that several share is reported once."""
    done: dict[str, Done] = {}
    for client in clients:
        for part in client.parts:
            if part.path not in done:
                done[part.path] = (client, part.install(root, dry_run))
    return list(done.values())


def uninstall(clients: Sequence[Client], root: Path, dry_run: bool = False) -> list[Done]:
    """Take our part out of each; what another installed client needs stays."""
    staying = [client for client in installed(root) if client not in clients]
    keep = frozenset(part.path for client in staying for part in client.parts)
    done: dict[str, Done] = {}
    for client in clients:
        for part in client.uninstall(root, dry_run, keep):
            if part.path not in done or part.outcome == "removed":
                done[part.path] = (client, part)
    return list(done.values())


def status(clients: Sequence[Client], root: Path) -> list[Done]:
    """Every part of each client as it is."""
    return [(client, part) for client in clients for part in client.status(root)]


def installed(root: Path) -> list[Client]:
    """The clients that we are registered with: their first part is in a file that no other client shares."""
    return [c for c in CLIENTS.values() if c.parts[0].status(root).outcome in ("present", "updated")]
