"""The few things that contact a remote: listing its refs, fetching, pushing. Branches never with force.

Only commands that a person or a CI job started to publish come here; nothing else in agentctx leaves the
machine through git.
"""

from __future__ import annotations

from collections.abc import Sequence

from agentctx.errors import GitFailed
from agentctx.git.repository import Git
from agentctx.git.runner import decode


def default_remote(git: Git) -> str:
    """``origin``, or the only remote there is. Raises ``GitFailed``."""
    names = decode(git.run("remote")).split()
    if "origin" in names:
        return "origin"
    if len(names) == 1:
        return names[0]
    hint = f"name one with --remote: {', '.join(names)}" if names else "git remote add origin URL"
    raise GitFailed("it is not plain which remote to publish to", hint)


def url_of(git: Git, remote: str) -> str:
    """Where a remote is pushed to."""
    return decode(git.run("remote", "get-url", "--push", "--", remote)).removesuffix("\n")


def remote_refs(git: Git, remote: str, *patterns: str) -> dict[str, str]:
    """Refs of the remote that match, with their commits; asks the remote."""
    listed = git.runner.run("ls-remote", "--", remote, *patterns, contact=True)
    rows = (line.split("\t") for line in decode(listed).splitlines())
    return {ref: commit for commit, ref in rows}


def fetch(git: Git, remote: str, refs: Sequence[str]) -> None:
    """Bring the commits of these refs here, without touching a branch of this clone."""
    if refs:
        specs = [f"+{ref}:refs/agentctx/remote/{ref.removeprefix('refs/')}" for ref in refs]
        git.runner.run(
            "fetch", "-q", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--", remote,
            *specs, contact=True,
        )  # fmt: skip


def push(
    git: Git, remote: str, commit: str, ref: str, options: Sequence[str] = (), instead_of: str = ""
) -> None:
    """Move a ref of the remote forward to ``commit``. Raises ``GitFailed`` when it is not a step forward.

    ``instead_of`` is for our own ref after history was rewritten: it moves if it still names that commit.
    """
    given = [part for option in options for part in ("-o", option)]
    if instead_of:
        given.append(f"--force-with-lease={ref}:{instead_of}")
    git.runner.run("push", "-q", "--no-verify", *given, "--", remote, f"{commit}:{ref}", contact=True)
