"""How many requests each name has left: counted by one process, or by all workers of a server together."""

from __future__ import annotations

import hashlib
import os
import struct
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from mmap import mmap
from pathlib import Path
from typing import Protocol

from agentctx.memory.stash import Bucket

REMEMBERED = 10_000
"""Keys and addresses whose rate is remembered; the longest unseen are forgotten."""


class Rates(Protocol):
    """The buckets of all names."""

    def take(self, name: str, per_minute: int, burst: int, now: float) -> float:
        """0 when a request of ``name`` may go on at ``now`` (seconds), else the seconds it has to wait."""


@dataclass(slots=True)
class OwnRates:
    """Those of one process."""

    _buckets: OrderedDict[str, Bucket] = field(default_factory=OrderedDict)

    def take(self, name: str, per_minute: int, burst: int, now: float) -> float:
        """See ``Rates``."""
        bucket = self._buckets.setdefault(name, Bucket(per_minute, burst))
        self._buckets.move_to_end(name)
        while len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        return bucket.take(now)


_SLOT = struct.Struct("<16sdd")
"""The digest of a name, its level, and when it was seen last."""
_WAYS = 8
_SETS = REMEMBERED // _WAYS


class SharedRates:
    """Those of several processes of one machine, in a file that each of them has in its memory.

    A name may be in any of the ``_WAYS`` slots of one set; of a full set the longest unseen is forgotten. A
    set is locked while it is read and written, by its number in the file: a worker that is killed lets go.
    """

    def __init__(self, path: Path) -> None:
        size = _SETS * _WAYS * _SLOT.size
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self._file, size)
        self._held = mmap(self._file, size)

    def take(self, name: str, per_minute: int, burst: int, now: float) -> float:
        """See ``Rates``. The clock is the same in all processes, as the monotonic one of a machine is."""
        mark = hashlib.sha256(name.encode()).digest()[:16]
        number = int.from_bytes(mark[:4], "big") % _SETS
        with self._locked(number):
            slots = {
                at: _SLOT.unpack_from(self._held, at)
                for at in range(number * _WAYS * _SLOT.size, (number + 1) * _WAYS * _SLOT.size, _SLOT.size)
            }
            known = next((at for at, (held, _, _) in slots.items() if held == mark), None)
            at = min(slots, key=lambda at: slots[at][2]) if known is None else known
            bucket = Bucket(per_minute, burst, *(slots[at][1:] if known is not None else ()))
            wait = bucket.take(now)
            _SLOT.pack_into(self._held, at, mark, bucket.level, bucket.seen)
        return wait

    @contextmanager
    def _locked(self, number: int) -> Iterator[None]:
        import fcntl  # only where there are several workers, which is not on Windows

        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, number)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, number)
