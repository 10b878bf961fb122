"""Whose words a note's bytes are: reviewed by the team, written at this machine, or a stranger's.

A note is trusted when its bytes come from the upstream default branch, or when every commit that is not
there yet and touched it was made in this clone. Author names prove nothing, so they are not asked: the
reflog says which commits were made here. Anything else is shown, fenced as unreviewed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentctx.freshness.tree import Tree
from agentctx.git import Git
from agentctx.model import Commit


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the bytes of one file come from, in words, and whether they count as reviewed."""

    trusted: bool
    words: str


HERE = Origin(True, "this repository")
UNCOMMITTED = Origin(True, "this work tree, uncommitted")


def origins(git: Git, tree: Tree, paths: Sequence[str]) -> dict[str, Origin]:
    """The origin of every path. At most three git questions, whatever the number of notes."""
    dirty = {p for p in paths if tree.key(p).startswith("w:")}
    known = dict.fromkeys(dirty, UNCOMMITTED)
    upstream = git.default_upstream()
    rest = [p for p in paths if p not in dirty]
    if not upstream:
        return known | dict.fromkeys(rest, HERE)
    name = upstream.removeprefix("refs/remotes/")
    reviewed = Origin(True, name)
    if not git.head() or git.rev_parse(upstream) == git.head():
        return known | dict.fromkeys(rest, reviewed)
    return known | _not_upstream_yet(git, rest, upstream, reviewed)


def _not_upstream_yet(git: Git, paths: list[str], upstream: str, reviewed: Origin) -> dict[str, Origin]:
    touched: dict[str, list[Commit]] = {}
    for commit, changed in git.log_touching(paths, since=upstream):
        for path in changed:
            touched.setdefault(path, []).append(commit)
    own = made_here(_reflog(git)) if touched else set()
    return {path: _judge(touched.get(path, []), own, reviewed) for path in paths}


def _judge(commits: Sequence[Commit], own: set[str], reviewed: Origin) -> Origin:
    if not commits:
        return reviewed
    strange = [c for c in commits if c.id not in own]
    if not strange:
        return Origin(True, f"commits of this clone, not on {reviewed.words} yet")
    first = strange[0]
    return Origin(False, f"commit {first.id[:8]} by {first.author}, not on {reviewed.words}")


def _reflog(git: Git) -> list[tuple[str, str]]:
    out = git.run("log", "--walk-reflogs", "--all", "--format=%H%x00%gs", check=False).decode(
        "utf-8", "replace"
    )
    return [(commit, action) for commit, _, action in (line.partition("\0") for line in out.splitlines())]


def made_here(reflog: Sequence[tuple[str, str]]) -> set[str]:
    """Commits this clone created, from (commit, action) pairs of its reflog.

    A fetch, pull, rebase or cherry-pick brings other people's words; only `commit` writes one's own.
    """
    return {commit for commit, action in reflog if action.startswith("commit")}
