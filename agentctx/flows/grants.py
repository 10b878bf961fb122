"""What this repository may make agentctx do, and what a person allowed: the answer of ``agentctx trust``.

Committed settings can name no command, no address and no key, so there is nothing to allow. Should a setting
ever need it, it has to be pinned here to the repository's real path and the settings' digest.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from urllib.parse import urlsplit

from agentctx.config import Config
from agentctx.integrations import githooks, mergedriver
from agentctx.llm.settings import EMBEDDINGS, ProviderSettings, config_path, read
from agentctx.project import Project

NEVER = (
    "run a command",
    "contact an address",
    "name a model, or the variable that holds its key",
    "read or write outside the repository",
    "make a note trusted",
)


@dataclass(frozen=True, slots=True)
class Granted:
    """One thing that runs or is contacted here, and where a person allowed it."""

    what: str
    words: str
    allowed_in: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The whole answer."""

    source: str
    """The file with the repository's settings; empty when there is none."""
    settings: tuple[str, ...]
    """What it sets, as ``section.name = value``."""
    never: tuple[str, ...]
    granted: tuple[Granted, ...]


def standing(project: Project) -> Standing:
    """What the committed settings say, what they can never do, and what a person allowed on this machine."""
    config = project.config
    return Standing(config.source, _set(config), NEVER, (*_installed(project), *_models()))


def _set(config: Config) -> tuple[str, ...]:
    """The settings that differ from their defaults."""
    default = Config()
    found = []
    for section in (f.name for f in fields(Config) if f.name != "source"):
        group, usual = getattr(config, section), getattr(default, section)
        found += [
            f"{section}.{f.name} = {getattr(group, f.name)}"
            for f in fields(group)
            if getattr(group, f.name) != getattr(usual, f.name)
        ]
    return tuple(found)


def _installed(project: Project) -> tuple[Granted, ...]:
    hooks = [h.name for h in githooks.status(project.git, project.context) if h.outcome == "present"]
    found = []
    if hooks:
        words = f"{', '.join(hooks)} start agentctx"
        found.append(Granted("git hooks", words, "this clone: agentctx hooks uninstall"))
    if mergedriver.status(project.git).outcome == "present":
        words = "git starts agentctx to merge notes"
        found.append(Granted("merge driver", words, "this clone: agentctx hooks uninstall"))
    return tuple(found)


def _models() -> tuple[Granted, ...]:
    """What is sent to a model of the person's, and to which host."""
    found = []
    if settings := read():
        words = f"{_named(settings)} is sent the notes that merged commits touch, and the commits' diffs"
        found.append(Granted("model", words, _place("set none")))
    if settings := read(section=EMBEDDINGS):
        words = f"{_named(settings)} is sent the text of every note, episode, fact, task and query"
        found.append(Granted("embeddings", words, _place("embeddings --off")))
    return tuple(found)


def _named(settings: ProviderSettings) -> str:
    where = settings.command[0] if settings.command else urlsplit(settings.url).netloc
    return f"{settings.model or settings.kind} at {where}"


def _place(off: str) -> str:
    home = os.path.expanduser("~")  # noqa: PTH111 - only for show
    place = str(config_path()).replace(home, "~", 1)
    return f"your own settings, {place}: agentctx provider {off}"
