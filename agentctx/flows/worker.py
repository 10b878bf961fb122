"""The detached worker: one per clone, started by hooks, gone when the queue is empty.

It waits until git is quiet, then brings each queued work tree from its watermark to HEAD, once, however
many lines the queue has. The watermark moves only after success; a failure is one line that ``prime`` and
``status`` show. The kernel frees its lock however it ends. At last it reads what the next briefing needs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from agentctx.catchup import DEFERRED, mark_seen, pending_range
from agentctx.errors import AgentctxError, Busy, NotARepository, NotYet
from agentctx.files import locked
from agentctx.git import Git
from agentctx.model import Pending
from agentctx.state import StateDir

DEBOUNCE = 2.0
"""Seconds without a new line in the queue before work starts (``AGENTCTX_DEBOUNCE`` overrides)."""
PATIENCE = 15
"""Debounce periods after which work starts even though lines keep coming."""

Sync = Callable[[Path, str, str], object]
"""(work tree, base, head): brings the notes of a work tree up to date with a range."""


def sync_range(root: Path, base: str, head: str) -> object:
    """The write line on one work tree: proposals only. New notes get their embeddings, where any are set."""
    from agentctx.flows.embeddings import fill_quietly
    from agentctx.flows.sync import background
    from agentctx.project import Project

    with Project.open(root) as project:
        fill_quietly(project)
        return background(project, base, head)


def work(git: Git, sync: Sync = sync_range, debounce: float = DEBOUNCE) -> int:
    """Empty the queue of this clone; how many ranges were synced. 0 at once when another worker runs."""
    state = StateDir.open(git.common_dir)
    lock = state.path("worker.lock")
    done = 0
    while lock is not None and state.queued():
        try:
            with locked(lock, wait=0):
                _settle(state, debounce)
                arrivals = state.take_queue()
                for worktree in dict.fromkeys(arrival.worktree for arrival in arrivals):
                    done += _bring_up(git, Path(worktree), state, sync)
                state.finish_queue()
        except Busy:
            break
        except AgentctxError as error:
            state.set_failure(error.message)
            break
    return done


def read_ahead(root: Path) -> None:
    """Read what the next briefing needs into the caches: in a large repository, for the first time, that
    takes longer than the start of a session may. Does nothing while another process does."""
    from agentctx.flows.prime import rank_notes
    from agentctx.model import Query
    from agentctx.project import Project

    with Project.open(root) as project:
        lock = project.state.path("reading.lock")
        if lock is None or not project.initialised:
            return
        with suppress(Busy), locked(lock, wait=0):
            rank_notes(project, Query(), explained=0)


def _settle(state: StateDir, debounce: float) -> None:
    """Wait until the queue has not grown for ``debounce`` seconds."""
    for _ in range(PATIENCE):
        before = len(state.queued())
        time.sleep(debounce)
        if len(state.queued()) == before:
            return


def _bring_up(git: Git, worktree: Path, state: StateDir, sync: Sync) -> bool:
    """Bring one work tree to its HEAD; True when a range was synced.

    One in the middle of a merge or rebase is left for the hook that fires at its end.
    """
    pending = Pending("", "")
    try:
        with Git.open(worktree) as there:
            if there.common_dir != git.common_dir or there.in_progress():
                return False  # a line may name another repository; that is not ours to act on
            pending = pending_range(there, state)
            if pending.empty:
                return False
            if pending.base:
                sync(there.root, pending.base, pending.head)
            mark_seen(there, state, pending.head)
    except NotARepository:
        return False  # the work tree was removed since
    except NotYet as reason:
        state.write(DEFERRED, reason.message)
        return False
    except AgentctxError as error:
        state.set_failure(error.message, pending.head)
        return False
    except Exception as error:
        state.set_failure(f"a bug in agentctx: {type(error).__name__}: {error}", pending.head)
        return False
    state.set_failure("")
    return bool(pending.base)


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
            read_ahead(git.root)
    except (AgentctxError, OSError, ValueError):
        pass  # nobody reads what a detached process says; the queue and the watermark are as they were
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
