"""Does a name that a proposal uses exist? Asked of both trees, so that nothing invented gets in."""

from __future__ import annotations

from agentctx.git import Git
from agentctx.model import Change
from agentctx.proposals.wording import Names


class LookUp:
    """Which names exist in the old tree or the new one: one `git grep` for each."""

    def __init__(self, git: Git, change: Change) -> None:
        self._git = git
        self._revisions = (change.head, change.base)

    def __call__(self, names: Names) -> Names:
        """The names that were found."""
        wanted = {*names.words, *names.flags, *names.numbers, *names.urls}
        if not wanted:
            return Names()
        patterns = [part for name in sorted(wanted) for part in ("-e", name)]
        found: set[str] = set()
        for revision in filter(None, self._revisions):
            out = self._git.run("grep", "-hoIwF", *patterns, revision, "--", check=False)
            found |= set(out.decode("utf-8", "replace").splitlines())
        return Names(
            names.words & found, frozenset(), names.flags & found, names.numbers & found, names.urls & found
        )
