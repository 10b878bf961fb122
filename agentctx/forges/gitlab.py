"""GitLab: the push itself opens or updates the merge request, with options; the API says which was closed."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote, urlencode

from agentctx.forges.api import Api, patiently
from agentctx.forges.base import Request, Text

LIMIT = 1_000
"""Characters of a description: a push option is one line and must stay a modest one."""


class GitLab:
    """Merge requests of one project (``group/name``). Without a token the API is not asked, and every branch
    that is not merged counts as open."""

    name = "gitlab"

    def __init__(self, project: str, api: str, token: str) -> None:
        self.project = project
        self.refusal = "Closing this without merging" if token else "Deleting this branch"
        self._api = Api(api, token, {"PRIVATE-TOKEN": token}, _explained) if token else None

    def waiting(self, branches: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(branch for branch in branches if self._api is None or not self._is_closed(branch))

    def _is_closed(self, branch: str) -> bool:
        """Whether people have decided about every merge request of the branch; false when there is none."""
        assert self._api is not None
        query = urlencode({"source_branch": branch, "state": "all", "per_page": 100})
        path = f"/projects/{quote(self.project, safe='')}/merge_requests?{query}"
        found = patiently(partial(self._api.call, "GET", path))
        # A fork may have a branch of the same name.
        own = [one["state"] for one in found if one["source_project_id"] == one["target_project_id"]]
        return bool(own) and all(state in ("closed", "merged") for state in own)

    def push_options(self, text: Text, is_new: bool) -> tuple[str, ...]:
        body = ""
        for line in filter(None, map(str.strip, text.body.splitlines())):
            if len(body) + len(line) > LIMIT:  # whole lines only: a cut could open a code span
                break
            body += f"{line}<br>"
        opening = ("merge_request.create", f"merge_request.target={text.target}")
        return (
            *(opening if is_new else ()),
            f"merge_request.title={text.title}",
            f"merge_request.description={body}",
        )

    def announce(self, branch: str, text: Text) -> Request:
        return Request(branch)


def _explained(status: int, words: str) -> str:
    return "GITLAB_TOKEN needs `read_api` on this project" if status in (401, 403, 404) else ""
