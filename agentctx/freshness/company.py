"""Reads much code in several processes at once: the first look at a large repository.

Each process looks at a share of the anchors and sends back what they show and what it learnt of the files;
verdicts are then reached as if it had been seen here. Whatever goes wrong costs only the time it would have
saved.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from agentctx.freshness.anchors import Sight, look
from agentctx.freshness.code import Code
from agentctx.model import Anchor

MANY = 400
"""Files to be read for the first time from which a second process earns its start."""
_MOST = 4
"""Processes, our own among them."""


@contextmanager
def without_collector() -> Iterator[None]:
    """Syntax trees come by the million objects and hold no circles: looking for some doubles the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def read_ahead(code: Code, anchors: Sequence[Anchor], before: Callable[[], None]) -> int:
    """Look at the anchors and at what their code calls, into ``code`` and its memory; how many did it.

    ``before`` is called before processes part: it lets go of what two cannot share, such as pipes. Nothing is
    done below ``MANY`` files, on one processor, and in a program with threads, which must not fork.
    """
    new = sorted({a for a in anchors if not a.is_glob and code.is_news(a.path)}, key=str)
    files = [list(group) for _, group in groupby(new, key=lambda anchor: anchor.path)]
    several = min(_MOST, _processors(), 2 * len(files) // MANY)
    if several < 2:
        return 1
    shares = [files[len(files) * n // several : len(files) * (n + 1) // several] for n in range(several)]
    before()
    others = [_start(code, share) for share in shares[1:]]
    _learn(code, shares[0])
    for process, pipe in others:
        news, sights = _answer(process, pipe)
        code.memory.adopt(news)
        code.sights.update(sights)
    return several


def _processors() -> int:
    """Processors that we may use; 1 where forking is not safe."""
    if not sys.platform.startswith("linux") or threading.active_count() > 1:
        return 1
    return len(os.sched_getaffinity(0))


def _learn(code: Code, share: Sequence[Sequence[Anchor]]) -> None:
    for group in share:
        for anchor in group:
            look(anchor, code)


def _start(code: Code, share: Sequence[Sequence[Anchor]]) -> tuple[int, int]:
    """A forked process that learns its share and writes it down: (its id, where to read)."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    status = 1
    try:
        os.close(reading)
        _learn(code, share)
        with os.fdopen(writing, "wb") as out:
            pickle.dump((code.memory.news(), code.sights), out, pickle.HIGHEST_PROTOCOL)
        status = 0
    finally:
        os._exit(status)  # nothing of the parent's is tidied up here


def _answer(process: int, reading: int) -> tuple[dict[str, Any], dict[Anchor, Sight]]:
    """What another process learnt and saw; nothing when it failed. Ends with us when we are interrupted."""
    try:
        with os.fdopen(reading, "rb") as answers:
            data = answers.read()
    except BaseException:
        os.kill(process, signal.SIGTERM)
        raise
    finally:
        _, status = os.waitpid(process, 0)
    return pickle.loads(data) if status == 0 and data else ({}, {})  # our own process wrote it
