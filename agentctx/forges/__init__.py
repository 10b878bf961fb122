"""Hosts of repositories: one file each, and the choice between them."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from agentctx.errors import InvalidInput
from agentctx.forges.base import Forge, Request, Text

__all__ = ["NAMES", "Forge", "Request", "Text", "choose"]

NAMES = ("auto", "github", "gitlab", "git")


def choose(name: str, url: str) -> Forge:
    """The host of a remote by its address (``auto``), or the one that is named. Contacts nobody."""
    host, path = _place(url)
    if name == "auto":
        name = _guess(host)
    if name == "github":
        from agentctx.forges.github import GitHub, token

        repository = os.environ.get("GITHUB_REPOSITORY", "") if _in_github_actions() else path
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
            raise InvalidInput(f"{url[:80]!r} names no repository on GitHub", "take --forge git")
        api = os.environ.get("GITHUB_API_URL", "")
        known = "https://api.github.com" if host in ("github.com", "") else f"https://{host}/api/v3"
        return GitHub(repository, api or known, token())
    if name == "gitlab":
        from agentctx.forges.gitlab import GitLab

        here = os.environ.get("GITLAB_CI") == "true"
        project = (os.environ.get("CI_PROJECT_PATH", "") if here else "") or path
        api = os.environ.get("CI_API_V4_URL", "") or (f"https://{host}/api/v4" if host else "")
        return GitLab(project, api, os.environ.get("GITLAB_TOKEN", "") if api else "")
    from agentctx.forges.plain import PlainGit

    return PlainGit()


def _in_github_actions() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _guess(host: str) -> str:
    if _in_github_actions() or host == "github.com":
        return "github"
    if os.environ.get("GITLAB_CI") == "true" or "gitlab" in host.split("."):
        return "gitlab"
    return "git"


def _place(url: str) -> tuple[str, str]:
    """Host and path (without ``.git``) of a remote's address; empty host for a folder."""
    short = re.fullmatch(r"(?:[\w.-]+@)?([\w.-]+):(?!//)(.+)", url)
    if short and not url.startswith("/"):
        host, path = short[1], short[2]
    else:
        parts = urlsplit(url)
        host, path = parts.hostname or "", parts.path
    return host.lower(), path.strip("/").removesuffix(".git")
