"""GitLab: the push itself opens or updates the merge request, with options; no token beyond git's own."""

from __future__ import annotations

from agentctx.forges.base import Request, Text

LIMIT = 1_000
"""Characters of a description: a push option is one line and must stay a modest one."""


class GitLab:
    """GitLab finds the open merge request of a branch by itself."""

    name = "gitlab"

    def waiting(self, branches: tuple[str, ...]) -> tuple[str, ...]:
        return branches

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
