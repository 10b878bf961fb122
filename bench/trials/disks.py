"""Disks that fail, and processes that die, at any writing call of any command that writes."""

from __future__ import annotations

import errno
import os
import random
import resource
import signal
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.demo import scripted
from bench.scripted_model import ScriptedModel
from bench.trials.base import Play, Round, Trial
from bench.trials.scene import SYNC, TEMPORARY, Shop, world

CALLS = ("write", "rename", "replace", "fsync", "mkdir", "unlink", "open")
FAULTS = {"full": errno.ENOSPC, "read-only": errno.EROFS, "broken": errno.EIO, "killed": 0}
PATIENCE = 20
"""Tenths of a second."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
COMMANDS: dict[str, tuple[str, ...]] = {
    "new": ("new", "gotcha", "A new one", "--anchor", "src/shop/money.py", "--body", "Text."),
    "anchor": ("anchor", "2026-01-12-signed-tokens", "src/shop/money.py"),
    "verify": ("verify",),
    "sync": SYNC,
    "accept": ("review", "accept"),
    "reject": ("review", "reject"),
    "undo": ("undo",),
    "init": ("init",),
    "commit": ("sync", "HEAD~1..HEAD", "--mode", "commit"),
}


def failing(at: int, code: int, counted: Path | None = None) -> Callable[[], None]:
    """Lets the writing call number ``at`` of a process fail, and all after it; code 0 kills the process.

    ``counted`` is a file that gets a byte for each such call.
    """

    def arm() -> None:
        number = 0
        log = os.open(counted, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600) if counted else -1
        write = os.write
        for name in CALLS:
            real = getattr(os, name)

            def wrapped(*args: Any, _real: Any = real, _name: str = name, **options: Any) -> Any:
                nonlocal number
                if not _writes(_name, args):
                    return _real(*args, **options)
                number += 1
                if log >= 0:
                    write(log, b".")
                if number >= at and not code:
                    os.kill(os.getpid(), signal.SIGKILL)
                if number >= at:
                    raise OSError(code, os.strerror(code))
                return _real(*args, **options)

            setattr(os, name, wrapped)

    return arm


def _writes(name: str, args: tuple[Any, ...]) -> bool:
    if name == "open":
        return bool(args[1] & WRITING) and os.fspath(args[0]) != os.devnull
    if name in ("write", "fsync"):  # a pipe to git is no disk
        return stat.S_ISREG(os.fstat(args[0]).st_mode)
    return True


def small_files(limit: int) -> Callable[[], None]:
    """No file may grow beyond so many bytes, git's own included: the kernel refuses the write."""

    def arm() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return arm


@dataclass(frozen=True)
class Way:
    """One command, from where it starts, and what it leaves when nothing fails."""

    name: str
    saved: Path
    start: dict[str, bytes]
    whole: dict[str, bytes]
    head: str
    calls: int


class Ways:
    """Every writing command in the shop, tried once so that its end and its writing calls are known."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self.shop, self.folder = shop, folder
        self.found = [self._tried(name) for name in COMMANDS]

    def _tried(self, name: str) -> Way:
        shop = self.shop
        shop.saved = self.folder / f"saved-{name}"
        self.back(shop.head)
        if name in ("accept", "reject", "undo"):
            assert shop.run("sync", "HEAD~1..HEAD", "--mode", "apply" if name == "undo" else "suggest") == 0
        start = shop.notes()
        Shop._copy(shop.root / ".git" / "agentctx", shop.saved)
        counted = self.folder / f"calls-{name}"
        assert shop.run(*COMMANDS[name], arm=failing(10**9, 1, counted)) in (0, 1)
        return Way(name, shop.saved, start, shop.notes(), shop.head, counted.stat().st_size)

    def back(self, head: str) -> None:
        """The first state of all, before any command."""
        for left in reversed(range(PATIENCE)):
            try:
                self.shop.git("reset", "-q", "--hard", head)
                break
            except RuntimeError:  # a git that outlived the command that asked it still holds its locks
                if not left:
                    raise
                time.sleep(0.1)
                if left == 1:  # git itself was killed, by the limit of a file's size
                    for lock in (self.shop.root / ".git").rglob("*.lock"):
                        lock.unlink()
        self.shop.git("clean", "-q", "-f", "-d")
        Shop._copy(self.folder / "saved-first", self.shop.root / ".git" / "agentctx")

    def points(self) -> list[tuple[Way, str, int]]:
        """(command, fault, writing call) of every point there is, shuffled the same way each time."""
        every = [(way, fault, at) for way in self.found for fault in FAULTS for at in range(1, way.calls + 1)]
        every += [(way, "small files", 1 << bits) for way in self.found for bits in range(4, 17, 2)]
        random.Random("points").shuffle(every)
        return every


@contextmanager
def writes(folder: Path, size: int) -> Iterator[Play]:
    """One writing call of one command fails in one way; every file is whole afterwards."""
    with world(folder), ScriptedModel(scripted) as model:
        shop = Shop(folder)
        shop.use(model.url)
        Shop._copy(shop.root / ".git" / "agentctx", folder / "saved-first")
        ways = Ways(shop, folder)
        points = ways.points()

        def play(round: Round) -> None:
            if round.number >= len(points):
                return
            way, fault, at = points[round.number]
            ways.back(way.head)  # the command played before may have committed
            shop.saved, shop.start = way.saved, way.start
            shop.reset()
            arm = small_files(at) if fault == "small files" else failing(at, FAULTS[fault])
            code = shop.run(*COMMANDS[way.name], arm=arm)
            where = f"{way.name}, {fault} at {at}"
            round.seen["points"] += 1
            round.seen["stopped"] += code != 0
            allowed = (-9,) if fault == "killed" else (0, 1, 2)
            round.expect(code in (0, *allowed), f"{where}: ended with {code}")
            after = shop.notes()
            for path, data in after.items():
                fits = path.endswith(TEMPORARY) or data in (way.start.get(path), way.whole.get(path))
                round.expect(fits, f"{where}: {path} is torn")
            lost = (way.start.keys() & way.whole.keys()) - after.keys()
            round.expect(not lost, f"{where}: lost {sorted(lost)}")
            if code == 0 and fault != "small files":
                ends = {path: data for path, data in after.items() if not path.endswith(TEMPORARY)}
                round.seen["said done"] += 1
                round.expect(ends == way.whole, f"{where}: said it was done and it was not")

        yield play


TRIALS = (
    Trial(
        "disks", 1500, "full, read-only, broken, killed at every write: old bytes or new", writes,
        shows=("points", "stopped", "said done"),
    ),
)  # fmt: skip
