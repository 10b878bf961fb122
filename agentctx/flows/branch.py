"""What the gate compares: the commit to merge into, where the branch left it, and the branch.

Git either has all three or the answer is what to fetch; another commit is never taken for one of them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agentctx.errors import InvalidInput, NotFound
from agentctx.git import Git
from agentctx.model import Checked

_NOTHING = "0" * 40
_NAME = re.compile(r"\w[\w./+-]*")
_STEPS = re.compile(r"[^~^]+((?:\^1?|~\d*)+)")
"""A revision that goes back along first parents, as ``HEAD^1`` or ``HEAD~3`` do."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch and its base as commit ids; ``base`` and ``merge_base`` are empty for nothing at all."""

    base: str
    merge_base: str
    head: str
    is_worktree: bool
    """The files on disk are meant, not the commit ``head`` under them."""

    @property
    def checked(self) -> Checked:
        """An answer without findings."""
        return Checked(self.base, self.merge_base, self.head, self.is_worktree)


def branch_of(git: Git, base: str, head: str) -> Branch:
    """The branch between two revisions as typed; without ``head`` the files on disk, without ``base``
    against the upstream default branch.

    Raises ``NotFound`` when this clone lacks a commit that the answer needs, and says how to get it.
    """
    tip = _commit(git, head, "--head") if head else git.head()
    goal = _base(git, base, tip)
    if not goal:
        return Branch("", "", tip, not head)
    merging = () if head else _merging(git)
    if merging and git.merge_base(goal, tip, *merging) == goal:  # the commit in the making will hold it
        return Branch(goal, goal, tip, True)
    return Branch(goal, _merge_base(git, goal, tip), tip, not head)


def bases_of(git: Git, base: str, head: str) -> tuple[str, ...]:
    """The bases that a check asked for as typed has: a commit that finishes a merge comes after all its
    parents, so ``HEAD`` as the base of the files on disk means each of them."""
    return (base, *_merging(git)) if base in ("HEAD", "@") and not head else (base,)


def blamed_by_all(checks: Sequence[Checked]) -> Checked:
    """The first check, with what some other base has as well told as older than the branch, or left out."""
    mine = [{(f.note, f.anchor, f.state) for f in one.findings if not f.known} for one in checks]
    told = [{(f.note, f.anchor, f.state) for f in one.findings} for one in checks]
    found = []
    for finding in checks[0].findings:
        key = (finding.note, finding.anchor, finding.state)
        if all(key in one for one in mine):
            found.append(finding)
        elif finding.known or all(key in one for one in told):
            found.append(replace(finding, known=True, severity="info"))
    return replace(checks[0], findings=tuple(sorted(found, key=lambda finding: finding.known)))


def pushed(git: Git, told: Mapping[str, str]) -> tuple[str, str]:
    """Base and head of what is being pushed, of the variables that pre-commit sets before a push.

    Without an upstream default branch what the remote has is the base, and on the first push nothing.
    """
    head = told.get("PRE_COMMIT_TO_REF") or told.get("PRE_COMMIT_LOCAL_BRANCH") or "HEAD"
    return git.default_upstream() or told.get("PRE_COMMIT_FROM_REF") or _NOTHING, head


def _merging(git: Git) -> tuple[str, ...]:
    """The other parents of the commit that finishes a merge under way."""
    heads = git.git_dir / "MERGE_HEAD"
    return tuple(heads.read_text().split()) if heads.is_file() else ()


def _base(git: Git, base: str, tip: str) -> str:
    """The commit to merge into; empty for nothing at all: git's null id, or HEAD before the first commit."""
    if base and not base.strip("0") and len(base) >= len(_NOTHING):
        return ""
    if not tip and base in ("", "HEAD"):
        return ""
    name = base or git.default_upstream()
    if not name:
        raise InvalidInput("this clone knows no default branch to compare with", "agentctx check --base REV")
    return _commit(git, name, "--base")


def _commit(git: Git, rev: str, option: str) -> str:
    if ".." in rev:
        raise InvalidInput(
            f"{rev!r} is a range, and {option} takes one commit", "agentctx check --base A --head B"
        )
    try:
        return git.rev_parse(rev)
    except NotFound as error:
        raise NotFound(error.message, _how_to_get(git, rev, option) or error.hint) from error


def _how_to_get(git: Git, rev: str, option: str) -> str:
    """The command that brings a commit which is not here; empty when none can be told."""
    if git.is_shallow and (steps := _STEPS.fullmatch(rev)):
        depth = 1 + sum(int(n or 1) for n in re.findall(r"\^1?|~(\d*)", steps[1]))
        return f"the clone is shallow: git fetch --depth={depth} (in CI: {_depth(depth)})"
    remotes = git.run("remote").decode("utf-8", "replace").split()
    if not remotes or not _NAME.fullmatch(rev) or rev == "HEAD":
        return ""
    remote, _, name = rev.removeprefix("refs/remotes/").partition("/")
    deep = " --unshallow" if git.is_shallow else ""
    if name and remote in remotes:
        return f"git fetch{deep} {remote} {name}:refs/remotes/{remote}/{name}"
    remote = "origin" if "origin" in remotes else remotes[0]
    if git.run("rev-parse", "--verify", "-q", f"refs/remotes/{remote}/{rev}", check=False):
        return f"agentctx check {option} {remote}/{rev}"
    is_id = re.fullmatch("[0-9a-f]{40}(?:[0-9a-f]{24})?", rev)
    return f"git fetch{deep} {shlex.quote(remote)} {rev if is_id else f'{rev}:{rev}'}"


def _depth(commits: int) -> str:
    """How a runner is told to fetch so many commits; 0 is all of them."""
    return f"fetch-depth: {commits} on GitHub, GIT_DEPTH: {commits} on GitLab"


def _merge_base(git: Git, base: str, tip: str) -> str:
    """Where the branch began. A shallow clone may show a commit that is not it: then nothing is said."""
    found = git.merge_base(base, tip) if tip else ""
    if git.is_shallow and found not in (base, tip):
        cut = _cut(git, base, tip, found)
        if cut or not found:
            raise NotFound(
                f"the clone is shallow: its history ends at {cut[:8] or 'a commit'}, before the commit where "
                f"the branch left {base[:8]}",
                f"git fetch --unshallow (in CI: {_depth(0)})",
            )
    if not found and tip:
        raise NotFound(
            f"{base[:8]} and {tip[:8]} have no commit in common", "name the branch it left: --base"
        )
    return found


def _cut(git: Git, base: str, tip: str, found: str) -> str:
    """A commit of either side whose parents this clone left out; behind it may lie a nearer common one."""
    range_ = [base, tip, *([f"^{found}"] if found else [])]
    return git.run("rev-list", "--max-parents=0", "--max-count=1", *range_).decode().strip()
