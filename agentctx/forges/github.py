"""GitHub's REST API: the one open pull request of our branches, opened or given a new text.

The token comes from the environment (``GH_TOKEN``, ``GITHUB_TOKEN``) or from ``gh auth token``; it is sent to
the API's address only, which the environment or the remote names, never a file of the repository.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from agentctx.errors import InvalidInput
from agentctx.forges.api import TIMEOUT, Api, patiently
from agentctx.forges.base import Request, Text

_SETTING = "Settings > Actions > General > Allow GitHub Actions to create and approve pull requests"


class GitHub:
    """Pull requests of one repository (``owner/name``)."""

    name = "github"
    refusal = "Closing this without merging"

    def __init__(self, repository: str, api: str, token: str) -> None:
        self.repository = repository
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        self._api = Api(api, token, headers, _explained)

    def waiting(self, branches: tuple[str, ...]) -> tuple[str, ...]:
        states = {branch: patiently(partial(self._last_state, branch)) for branch in branches}
        return tuple(branch for branch in branches if states[branch] in ("open", "none"))

    def push_options(self, text: Text, is_new: bool) -> tuple[str, ...]:
        return ()

    def announce(self, branch: str, text: Text) -> Request:
        # Done twice it is done once: a request that was opened before the connection broke is found.
        return patiently(partial(self._announce, branch, text))

    def _announce(self, branch: str, text: Text) -> Request:
        fields = {"title": text.title[:250], "body": _body(text)}
        found = self._of_branch(branch, "open")
        if found:
            made = self._call("PATCH", f"/pulls/{int(found[0]['number'])}", fields)
        else:
            made = self._call("POST", "/pulls", {**fields, "head": branch, "base": text.target})
        return Request(branch, int(made["number"]), str(made["html_url"]))

    def _call(self, method: str, path: str, body: object = None) -> Any:
        return self._api.call(method, f"/repos/{quote(self.repository)}{path}", body)

    def _last_state(self, branch: str) -> str:
        """``open``, ``closed`` (merged, or refused by a person), or ``none`` when nobody has asked yet."""
        found = self._of_branch(branch, "all")
        if any(request["state"] == "open" for request in found):
            return "open"
        return "closed" if found else "none"

    def _of_branch(self, branch: str, state: str) -> list[dict[str, Any]]:
        owner = self.repository.partition("/")[0]
        query = urlencode({"state": state, "head": f"{owner}:{branch}", "per_page": 100})
        found = self._call("GET", f"/pulls?{query}")
        # A fork may have a branch of the same name.
        return [
            request
            for request in found
            if request["head"]["ref"] == branch
            and (request["head"]["repo"] or {}).get("full_name", "").lower() == self.repository.lower()
        ]


def _explained(status: int, words: str) -> str:
    if "not permitted to create" in words:
        return f"switch it on in the repository: {_SETTING}"
    return "the token needs `pull-requests: write` on this repository" if status in (401, 403, 404) else ""


def _body(text: Text) -> str:
    """The text with the provenance below it: a squash that takes it as its message keeps that too."""
    block = "\n".join(("", "```text", *text.trailers, "```", "")) if text.trailers else ""
    return text.body[: max(0, 60_000 - len(block))] + block[:60_000]


def token() -> str:
    """The token of the environment, else what ``gh`` knows. Raises ``InvalidInput`` when there is none."""
    found = os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN") or ""
    gh = shutil.which("gh")
    if not found and gh:
        done = subprocess.run(
            [gh, "auth", "token"], capture_output=True, text=True, check=False, timeout=TIMEOUT
        )
        found = done.stdout.strip() if done.returncode == 0 else ""
    if not found or not found.isascii() or not found.isprintable():
        raise InvalidInput(
            "there is no token for GitHub", "set GH_TOKEN, or run `gh auth login`, or take --forge git"
        )
    return found
