"""``agentctx watch``: keeps the index warm while people edit notes by hand and git moves refs.

A convenience, never a requirement: `status` and `prime` catch up by themselves. Only the context folder and
git's refs are watched; events are filtered to finished writes and gathered until they stop for a moment.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from agentctx.catchup import catch_up
from agentctx.errors import AgentctxError
from agentctx.flows.status import write_index
from agentctx.model import Freshness
from agentctx.project import Project
from agentctx.text import counted

QUIET = 0.4
"""Seconds without an event after which a burst counts as over."""
POLL = 2.0
"""Seconds between looks where the system cannot tell about changes."""
KINDS = ("closed", "moved", "deleted", "created", "modified")

Say = Callable[[str], None]


class Burst:
    """Gathers paths of events; ``wait`` gives them when they have stopped coming."""

    def __init__(self, roots: Iterable[Path]) -> None:
        self.roots = tuple(roots)
        self._paths: set[str] = set()
        self._came = threading.Event()

    def dispatch(self, event: Any) -> None:
        """Called by the observer's thread."""
        if event.is_directory or event.event_type not in KINDS:
            return
        for path in filter(None, (event.src_path, getattr(event, "dest_path", ""))):
            if self._ours(str(path)):
                self._paths.add(str(path))
                self._came.set()

    def _ours(self, path: str) -> bool:
        name = path.rpartition("/")[2]
        if name.endswith((".lock", "~", ".swp")) or name in ("index.json", "4913"):
            return False
        # Our own temporary files begin with a dot; git's HEAD, refs and the notes do not.
        return not name.startswith(".") and any(path.startswith(f"{root}") for root in self.roots)

    def wait(self, seconds: float | None) -> set[str]:
        """The paths of the next burst; empty when ``seconds`` passed without one."""
        if not self._came.wait(seconds):
            return set()
        size = -1
        while size != len(self._paths):
            size = len(self._paths)
            time.sleep(QUIET)
        self._came.clear()
        found, self._paths = self._paths, set()
        return found


def watch(start: Path | None, say: Say, stop: threading.Event | None = None, poll: bool = False) -> None:
    """Print what changes until interrupted (or ``stop`` is set)."""
    stop = stop or threading.Event()
    with Project.open(start) as project:
        folders = _folders(project)
        before = _states(project)
        say(f"watching {', '.join(str(f) for f in folders)}: {counted(len(before), 'note')}")
    burst = Burst(folders)
    observer = _observer(burst, folders, poll, say)
    try:
        while not stop.is_set():
            if burst.wait(0.5):
                before = _look(start, before, say)
    finally:
        observer.stop()
        observer.join()


def _folders(project: Project) -> list[Path]:
    candidates = (
        project.root / project.context,
        project.git.git_dir / "logs",
        project.git.common_dir / "refs",
    )
    return [folder for folder in candidates if folder.is_dir()]


def _observer(burst: Burst, folders: Iterable[Path], poll: bool, say: Say) -> Any:
    """The system's own notification, or polling where its limit of watches is reached."""
    from watchdog.observers import Observer
    from watchdog.observers.polling import PollingObserver

    kinds: list[Any] = [PollingObserver] if poll else [Observer, PollingObserver]
    for kind in kinds:
        observer = kind(timeout=POLL) if kind is PollingObserver else kind()
        try:
            for folder in folders:
                observer.schedule(cast(Any, burst), str(folder), recursive=True)
            observer.start()
            return observer
        except OSError as error:
            say(f"the system cannot watch ({error}); looking every {POLL:.0f} s instead")
    raise AgentctxError("nothing can be watched here", "`agentctx status` needs no watcher")


def _look(start: Path | None, before: dict[str, Freshness], say: Say) -> dict[str, Freshness]:
    """Judge anew, keep the caches and index.json warm, and tell what is different."""
    try:
        with Project.open(start) as project:
            now = _states(project)
            write_index(project)
            pending = catch_up(project.git, project.state)
            for line in changes(before, now):
                say(line)
            if pending.base and not pending.empty:
                say(f"new commits: {pending.base[:8]}..{pending.head[:8]}")
            for notice in project.notices:
                say(notice)
            return now
    except AgentctxError as error:
        say(f"{error.message}")
        return before


def _states(project: Project) -> dict[str, Freshness]:
    return project.index.by_id()


def changes(before: dict[str, Freshness], now: dict[str, Freshness]) -> Iterator[str]:
    """What is different between two looks, a line each."""
    for id in sorted({*before, *now}):
        if id not in before:
            yield f"new       {id} ({now[id].state})"
        elif id not in now:
            yield f"gone      {id}"
        elif before[id].state != now[id].state:
            reasons = [d.reason for d in now[id].drifts if d.reason] or list(now[id].reasons)
            yield f"{now[id].state:9} {id} (was {before[id].state}){': ' + reasons[0] if reasons else ''}"
