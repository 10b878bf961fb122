"""A host that only takes branches (plain git): the text is printed for whoever opens the request."""

from __future__ import annotations

from agentctx.forges.base import Request, Text


class PlainGit:
    """Branches are all there is: one that is not merged is still being asked for."""

    name = "git"
    refusal = "Deleting this branch"

    def waiting(self, branches: tuple[str, ...]) -> tuple[str, ...]:
        return branches

    def push_options(self, text: Text, is_new: bool) -> tuple[str, ...]:
        return ()

    def announce(self, branch: str, text: Text) -> Request:
        return Request(branch)
