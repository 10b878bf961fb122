"""Several processes behind one listening socket: a dead one is started again, all are stopped together.

The socket is opened once and inherited, so that connections which wait in its queue outlive a worker.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any

from agentctx.server.logs import LOG

_YOUNG = 5.0
"""Seconds that a worker must live to be replaced at once."""
_PAUSE = 1.0

Work = Callable[..., None]


def supervise(count: int, work: Work, given: tuple[Any, ...], patience: float) -> None:
    """Run ``work(*given, number)`` in ``count`` fresh processes until this one is told to stop.

    Then each is told to stop as well, and killed after ``patience`` seconds.
    """
    woken, wake = os.pipe()
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: os.write(wake, b"."))
    running = [_Worker(number, work, given) for number in range(count)]
    try:
        while woken not in wait([woken, *(worker.process.sentinel for worker in running)]):
            if any(worker.died_young() for worker in running) and wait([woken], _PAUSE):
                break
            for worker in running:
                worker.see_that_it_lives()
    finally:
        for worker in running:
            worker.process.terminate()
        end = time.monotonic() + patience
        for worker in running:
            worker.process.join(max(0.0, end - time.monotonic()))
            worker.process.kill()


class _Worker:
    """The process that has one number."""

    def __init__(self, number: int, work: Work, given: tuple[Any, ...]) -> None:
        self._number, self._work, self._given = number, work, given
        self._start()

    def _start(self) -> None:
        self._born = time.monotonic()
        fresh = multiprocessing.get_context("spawn")
        self.process = fresh.Process(
            target=_living, args=(self._work, *self._given, self._number), daemon=True
        )
        self.process.start()

    def died_young(self) -> bool:
        return not self.process.is_alive() and time.monotonic() - self._born < _YOUNG

    def see_that_it_lives(self) -> None:
        if self.process.is_alive():
            return
        code = self.process.exitcode or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        LOG.warning("worker %d %s and is started again", self._number, how)
        self._start()


def _living(work: Work, *given: Any) -> None:
    """The beginning of a worker: it stops by itself when its parent is gone."""
    threading.Thread(target=_follow_parent, daemon=True).start()
    from agentctx.errors import AgentctxError

    try:
        work(*given)
    except AgentctxError as error:  # the database may be away: the parent tries again
        LOG.error("%s. %s", error.message, error.hint)
        sys.exit(1)


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
