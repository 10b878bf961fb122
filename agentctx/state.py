"""What one clone remembers for itself: queue, watermarks, caches, proposals. Nothing here is the truth.

It lies in ``agentctx/`` under git's common directory, so that all work trees of a clone share it; where
that cannot be written (a sandbox), in the user's state directory; where nothing can be written, every
read is empty and every write answers False. Deleting all of it loses no note.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentctx.errors import AgentctxError, NotFound, UnsafeFile
from agentctx.files import read_regular, remove_file, write_atomic

DOCUMENT_LIMIT = 64_000_000
"""Bytes of the largest document that is read; a larger one counts as corrupt."""
QUEUE_LIMIT = 4_000_000
LINE_LIMIT = 4_000
"""Bytes of a queue line: under 4 KB an append is not torn by another."""
SEEN_LIMIT = 32
"""Commits remembered per work tree, so that going back to a branch is not taken for news."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One line of the queue: a git hook saw that something may have arrived in a work tree."""

    hook: str
    worktree: str
    """Absolute path of the work tree."""

    def line(self) -> str:
        """The line as the hooks write it; the path comes last because it may hold any character but LF."""
        return f"1\t{self.hook}\t{self.worktree}\n"


def parse_queue(data: bytes) -> tuple[Arrival, ...]:
    """The arrivals in a queue file; lines of another form (torn, foreign, newer) are passed over."""
    found = []
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        version, _, rest = line.partition("\t")
        hook, _, worktree = rest.partition("\t")
        if version == "1" and hook and worktree:
            found.append(Arrival(hook, worktree))
    return tuple(found)


def worktree_key(git_dir: Path, common_dir: Path) -> str:
    """Short name of a work tree inside the state folder: ``main``, or a digest of its git directory."""
    if git_dir == common_dir:
        return "main"
    return hashlib.sha256(os.fsencode(git_dir.name)).hexdigest()[:16]


class StateDir:
    """The state of one clone. ``folder`` is where it is written, None when nothing can be written."""

    def __init__(self, folder: Path | None, also: Sequence[Path] = ()) -> None:
        self.folder = folder
        self._read_from = tuple(place for place in (folder, *also) if place is not None)

    @classmethod
    def open(cls, common_dir: Path) -> StateDir:
        """The state of the clone whose git directory this is. Makes no folder yet and never raises."""
        own = common_dir / "agentctx"
        if _usable(own):
            return cls(own)
        state_home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
        clone = hashlib.sha256(os.fsencode(os.path.realpath(common_dir))).hexdigest()[:16]
        users = Path(state_home) / "agentctx" / clone
        readable = () if own.is_symlink() else (own,)
        return cls(users if _usable(users) else None, readable)

    # ------------------------------------------------------------------ documents

    def path(self, name: str) -> Path | None:
        """Where a document is written (``caches/symbols``); None when nothing can be written."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name for a document")
        return self.folder / name if self.folder else None

    def read_bytes(self, name: str) -> bytes | None:
        """A document's bytes; None when it is absent, unreadable or over ``DOCUMENT_LIMIT``."""
        self.path(name)
        for place in self._read_from:
            try:
                return read_regular(place / name, limit=DOCUMENT_LIMIT)
            except (NotFound, UnsafeFile):
                continue
        return None

    def write_bytes(self, name: str, data: bytes, durable: bool = False) -> bool:
        """Replace a document atomically; False when that was not possible."""
        target = self.path(name)
        if target is None:
            return False
        try:
            write_atomic(target, data, durable=durable)
        except AgentctxError:
            return False
        return True

    def read(self, name: str) -> Any:
        """A JSON document ``NAME.json``; None when it is absent or corrupt (the next write replaces it)."""
        data = self.read_bytes(f"{name}.json")
        if data is None:
            return None
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            return None

    def write(self, name: str, value: Any, durable: bool = False) -> bool:
        """Replace the JSON document ``NAME.json``; False when that was not possible."""
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
        return self.write_bytes(f"{name}.json", text.encode(), durable)

    def delete(self, name: str) -> bool:
        """Take away a document (with its ending, as given to ``write_bytes``); True when it is gone."""
        target = self.path(name)
        try:
            if target is not None:
                remove_file(target)
        except AgentctxError:
            return False
        return target is not None

    def names(self, folder: str, ending: str = ".json") -> list[str]:
        """Names of the documents in a subfolder (``proposals``), without the ending, sorted."""
        self.path(folder)
        found: set[str] = set()
        for place in self._read_from:
            try:
                found.update(entry.name for entry in os.scandir(place / folder))
            except OSError:
                continue
        return sorted(
            name.removesuffix(ending) for name in found if name.endswith(ending) and _NAME.fullmatch(name)
        )

    # ------------------------------------------------------------------ watermarks

    def seen(self, worktree: str) -> tuple[str, ...]:
        """Commits this work tree has already been brought up to, newest first; empty: never looked."""
        document = self.read(f"watermarks/{worktree}")
        commits = document.get("seen") if isinstance(document, dict) else None
        return tuple(c for c in commits if isinstance(c, str)) if isinstance(commits, list) else ()

    def mark_seen(self, worktree: str, commit: str) -> bool:
        """Say that everything up to ``commit`` has been dealt with in this work tree."""
        before = self.seen(worktree)
        if before[:1] == (commit,):
            return True
        seen = [commit, *(old for old in before if old != commit)][:SEEN_LIMIT]
        return self.write(f"watermarks/{worktree}", {"seen": seen})

    def seen_elsewhere(self, worktree: str) -> tuple[str, ...]:
        """Newest seen commit of every other work tree of this clone."""
        others = (self.seen(name) for name in self.names("watermarks") if name != worktree)
        return tuple(seen[0] for seen in others if seen)

    # ------------------------------------------------------------------ queue

    def enqueue(self, arrival: Arrival) -> bool:
        """Append one line, as the hooks do; False when it was too long or nothing can be written."""
        line = arrival.line().encode("utf-8", "surrogateescape")
        if self.folder is None or len(line) > LINE_LIMIT or line.count(b"\n") > 1:
            return False
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / "queue", flags, 0o666)
        except OSError:
            return False
        try:
            return os.write(handle, line) == len(line)
        except OSError:
            return False
        finally:
            os.close(handle)

    def queued(self) -> tuple[Arrival, ...]:
        """What waits for the worker, oldest first, including what a killed worker had begun."""
        if self.folder is None:
            return ()
        return tuple(
            arrival
            for name in ("queue.taken", "queue")
            for arrival in parse_queue(_tail(self.folder / name, QUEUE_LIMIT))
        )

    def take_queue(self) -> tuple[Arrival, ...]:
        """Move the queue aside and read it. It stays on disk until ``finish_queue``, so a kill loses nothing.

        A line appended in the instant between the two is lost, which costs nothing: the work is found
        from watermarks, a line only says when to look. For the holder of the worker's lock.
        """
        waiting = self.queued()
        if self.folder is None or not waiting:
            return ()
        kept = "".join(arrival.line() for arrival in waiting).encode("utf-8", "surrogateescape")
        if self.write_bytes("queue.taken", kept):
            self.delete("queue")
        return waiting

    def finish_queue(self) -> None:
        """Forget what ``take_queue`` returned."""
        self.delete("queue.taken")

    # ------------------------------------------------------------------ the worker's last failure

    def failure(self) -> str:
        """One line about why the last background sync failed; empty when it did not."""
        return self._worker("failure")

    def failed_head(self) -> str:
        """The commit that the failed sync was to reach; empty when it did not fail."""
        return self._worker("head")

    def set_failure(self, words: str, head: str = "") -> bool:
        """Remember (or, with an empty string, forget) why the last background sync failed."""
        line = " ".join(words.split())[:300]
        if (self.failure(), self.failed_head()) == (line, head):
            return True
        return self.write("worker", {"failure": line, "head": head})

    def _worker(self, name: str) -> str:
        document = self.read("worker")
        value = document.get(name) if isinstance(document, dict) else None
        return value if isinstance(value, str) else ""


def _usable(folder: Path) -> bool:
    """True when ``folder`` is, or could be made, a real folder that this process may write in."""
    try:
        if folder.is_symlink():
            return False
        while not folder.exists():
            folder = folder.parent
        return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
    except OSError:
        return False


def _tail(path: Path, limit: int) -> bytes:
    """The last ``limit`` bytes of a regular file; empty when it cannot be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    with os.fdopen(handle, "rb") as file:
        try:
            size = os.fstat(handle).st_size
            file.seek(max(0, size - limit))
            return file.read(limit)
        except OSError:
            return b""
