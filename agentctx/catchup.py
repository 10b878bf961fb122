"""What has arrived in a work tree since somebody last looked, however it came.

The watermark is the truth: hooks miss more than half of the ways in which commits arrive. A hook, or a
reader that finds something pending, only asks the worker to start early.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from agentctx.git import Git
from agentctx.model import Pending
from agentctx.state import Arrival, StateDir, worktree_key

DEFERRED = "deferred"
"""State document: what the worker found to be too early (see ``waiting_for``)."""


def pending_range(git: Git, state: StateDir) -> Pending:
    """The commits nobody has looked at: from the best known ancestor of HEAD that was seen, to HEAD.

    The first look at a clone sets its watermark, so that its history is not news; a new work tree starts
    from what the others have seen. Going back to a commit that was seen is never news.
    """
    head = git.head()
    key = worktree_key(git.git_dir, git.common_dir)
    seen = state.seen(key)
    known = seen or state.seen_elsewhere(key)
    if not head or head in known or not known:
        return _nothing_new(state, key, head)
    here = [commit for commit in known if git.objects.kind(commit) == "commit"]
    base = git.merge_base(head, *here) if here else ""
    if base == head:
        return _nothing_new(state, key, head)
    if base:
        return Pending(base, head)
    return Pending(
        "",
        head,
        f"the commit last looked at ({known[0][:12]}) is not an ancestor that this clone knows "
        "(rewritten or shallow history): notes are judged by the code as it is now",
    )


def _nothing_new(state: StateDir, key: str, head: str) -> Pending:
    if head:
        state.mark_seen(key, head)
    return Pending(head, head)


def mark_seen(git: Git, state: StateDir, commit: str) -> bool:
    """Say that everything up to ``commit`` has been dealt with in this work tree."""
    return state.mark_seen(worktree_key(git.git_dir, git.common_dir), commit)


def catch_up(git: Git, state: StateDir) -> Pending:
    """What is pending; when something is, the worker is asked to start. Never waits, never calls a model.

    A range that has failed before is not started again until HEAD moves, or somebody types a command.
    """
    pending = pending_range(git, state)
    if not pending.base or pending.empty or state.failed_head() == pending.head:
        return pending
    if state.read(DEFERRED) != waiting_for(git, pending.head):
        note_arrival(git, state, "catch-up")
    return pending


def waiting_for(git: Git, head: str) -> str:
    """What must change before deferred work is worth another look: HEAD, or the upstream branch."""
    upstream = git.default_upstream()
    return f"{head} {git.rev_parse(upstream) if upstream else ''}"


def note_arrival(git: Git, state: StateDir, hook: str) -> None:
    """Queue this work tree and start the worker: what a hook does, for hook managers and readers."""
    if state.enqueue(Arrival(hook, str(git.root))) and not git.in_progress():
        start_worker(git.root)


def start_worker(folder: Path) -> None:
    """Start the detached worker in a session of its own; it ends at once when another one runs."""
    if os.environ.get("AGENTCTX_NO_WORKER") or os.environ.get("AGENTCTX_HOOK"):
        return
    try:
        subprocess.Popen(
            [sys.executable, "-P", "-m", "agentctx.flows.worker"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        pass  # the work stays queued and is found again from the watermark


def missing_hooks_notice(git: Git, state: StateDir) -> str:
    """One sentence, once per clone, when git hooks do not call agentctx here; afterwards empty."""
    if state.read("hooks-told") is not None:
        return ""
    from agentctx.integrations import githooks

    missing = [
        hook.name
        for hook in githooks.status(git)
        if hook.name in githooks.ARRIVALS and hook.outcome in ("absent", "refused")
    ]
    if not state.write("hooks-told", {"missing": missing}) or not missing:
        return ""
    return (
        "git hooks do not call agentctx in this clone: it still catches up by itself when asked; "
        "`agentctx hooks install` makes it do so at once"
    )
