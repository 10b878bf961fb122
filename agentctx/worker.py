"""The detached worker: one per clone, started by hooks, gone when the queue is empty.

It waits until git is quiet, then brings each queued work tree from its watermark to HEAD, once, however
many lines the queue has. The watermark moves only after success; a failure is one line that ``prime`` and
``status`` show. The kernel frees its lock however it ends.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from agentctx.catchup import mark_seen, pending_range
from agentctx.errors import AgentctxError, Busy, NotARepository
from agentctx.files import locked
from agentctx.git import Git
from agentctx.model import Pending
from agentctx.state import Arrival, StateDir

DEBOUNCE = 2.0
"""Seconds without a new line in the queue before work starts (``AGENTCTX_DEBOUNCE`` overrides)."""
PATIENCE = 15
"""Debounce periods after which work starts even though lines keep coming."""

Sync = Callable[[Path, str, str], object]
"""(work tree, base, head): brings the notes of a work tree up to date with a range."""


def sync_range(root: Path, base: str, head: str) -> object:
    """The write line on one work tree."""
    from agentctx.project import Project
    from agentctx.sync import run_sync

    with Project.open(root) as project:
        return run_sync(project, base, head)


def work(git: Git, sync: Sync = sync_range, debounce: float = DEBOUNCE) -> int:
    """Empty the queue of this clone; how many ranges were synced. 0 at once when another worker runs."""
    state = StateDir.open(git.common_dir)
    lock = state.path("worker.lock")
    done = 0
    while lock is not None and state.queued():
        try:
            with locked(lock, wait=0):
                _settle(state, debounce)
                synced, left = _drain(git, state, sync)
        except Busy:
            break
        except AgentctxError as error:
            state.set_failure(error.message)
            break
        done += synced
        if left:
            break
    return done


def _settle(state: StateDir, debounce: float) -> None:
    """Wait until the queue has not grown for ``debounce`` seconds."""
    for _ in range(PATIENCE):
        before = len(state.queued())
        time.sleep(debounce)
        if len(state.queued()) == before:
            return


def _drain(git: Git, state: StateDir, sync: Sync) -> tuple[int, Sequence[Arrival]]:
    """Work the queue off once; how many ranges were synced, and what must wait for a rebase to end."""
    arrivals = state.take_queue()
    waiting: list[Arrival] = []
    synced = 0
    for worktree, arrival in {a.worktree: a for a in arrivals}.items():
        outcome = _bring_up(git, Path(worktree), state, sync)
        synced += outcome == "synced"
        if outcome == "busy":
            waiting.append(arrival)
    state.finish_queue()
    for arrival in waiting:
        state.enqueue(arrival)
    return synced, waiting


def _bring_up(git: Git, worktree: Path, state: StateDir, sync: Sync) -> str:
    """Bring one work tree to its HEAD: ``synced``, ``nothing``, ``busy`` or ``failed``."""
    pending = Pending("", "")
    try:
        with Git.open(worktree) as there:
            if there.common_dir != git.common_dir:
                return "nothing"  # a line that names another repository is not ours to act on
            if there.in_progress():
                return "busy"
            pending = pending_range(there, state)
            if pending.empty:
                return "nothing"
            if pending.base:
                sync(there.root, pending.base, pending.head)
            mark_seen(there, state, pending.head)
    except NotARepository:
        return "nothing"  # the work tree was removed since
    except AgentctxError as error:
        state.set_failure(error.message, pending.head)
        return "failed"
    except Exception as error:
        state.set_failure(f"a bug in agentctx: {type(error).__name__}: {error}", pending.head)
        return "failed"
    state.set_failure("")
    return "synced" if pending.base else "nothing"


def main() -> int:
    """Run as a process of its own in the current folder; always ends with 0."""
    try:
        os.setsid()  # out of the terminal's process group: closing it does not end the work
    except OSError:
        pass  # already the leader of a session
    os.environ["AGENTCTX_HOOK"] = "worker"
    try:
        os.nice(10)
        debounce = float(os.environ.get("AGENTCTX_DEBOUNCE") or DEBOUNCE)
        with Git.open(Path.cwd()) as git:
            work(git, debounce=max(0.0, debounce))
    except (AgentctxError, OSError, ValueError):
        pass  # nobody reads what a detached process says; the queue and the watermark are as they were
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
