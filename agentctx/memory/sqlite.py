"""SQLite without configuration: one file in the user's data directory, or ``:memory:``."""

from __future__ import annotations

import hashlib
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from agentctx.errors import AgentctxError, Busy, NotWritable
from agentctx.memory.engine import RETRIES, LostRace, Matching, Session
from agentctx.memory.migrations import Engine
from agentctx.memory.tables import Table

T = TypeVar("T")

_WAIT = 2.0
"""Seconds that SQLite itself waits for a lock before a transaction is tried again."""
_FIRST_PAUSE = 0.005
_NETWORK = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "gpfs", "lustre", "ncpfs",
    "nfs", "nfs4", "smb2", "smb3", "smbfs",
})  # fmt: skip
"""File systems on which a write-ahead log loses data: its shared memory does not reach other machines."""


def default_path(root_commit: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the memory of a repository lies: keyed by its first commit, so it survives a new clone."""
    base = environ.get("XDG_DATA_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".local/share")
    return Path(base) / "agentctx" / "memory" / f"{root_commit}.sqlite"


def file_system(path: Path, mounts: str) -> str:
    """The type of the file system of ``path``, out of the text of ``/proc/mounts``; empty if unknown."""
    best, kind = "", ""
    for line in mounts.splitlines():
        parts = line.split(" ")
        point = parts[1].replace("\\040", " ") if len(parts) > 2 else ""
        inside = point == "/" or str(path) == point or str(path).startswith(f"{point}/")
        if point and inside and len(point) >= len(best):
            best, kind = point, parts[2]
    return kind


def _journal(path: Path) -> str:
    if str(path).startswith("\\\\"):
        return "DELETE"
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "WAL"
    return "DELETE" if file_system(path.resolve(), mounts) in _NETWORK else "WAL"


class SqliteSession:
    """One transaction on one connection."""

    engine: Engine = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """See ``engine.Session``."""
        return self.connection.execute(sql, values).fetchall()

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """See ``engine.Session``."""
        return self.connection.execute(sql, values).rowcount

    def insert(self, table: Table, rows: Sequence[Sequence[Any]], conflict: str = "") -> int:
        """See ``engine.Session``."""
        return self._many(f"{table.insert()} {conflict}", rows)

    def add(
        self, table: Table, rows: Sequence[Sequence[Any]], words: Sequence[Sequence[str]], conflict: str = ""
    ) -> int:
        """See ``engine.Session``."""
        sql = f"{table.insert()} {conflict}"
        written = [(str(row[0]), said) for row, said in zip(rows, words, strict=True) if self.run(sql, row)]
        self.index(table, written)
        return len(written)

    def update(
        self, table: Table, changed: Sequence[str], known: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> int:
        """See ``engine.Session``."""
        sets = ", ".join(f"{name} = ?" for name in changed)
        same = " AND ".join(f"{name} = ?" for name in known)
        return self._many(f"UPDATE {table.name} SET {sets} WHERE {same}", rows)

    def _many(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        return self.connection.executemany(sql, rows).rowcount

    def among(self, column: str, values: Sequence[str]) -> tuple[str, tuple[Any, ...]]:
        """See ``engine.Session``."""
        return f"{column} IN ({', '.join('?' * len(values))})", tuple(values)

    def has_table(self, name: str, column: str = "") -> bool:
        """See ``engine.Session``."""
        names = [found for (found,) in self.rows("SELECT name FROM pragma_table_info(?)", (name,))]
        return bool(names) and (not column or column in names)

    def wordless(self, table: Table, limit: int) -> list[tuple[Any, ...]]:
        """See ``engine.Session``: nobody else writes into the file, but an old one may have lost some."""
        columns = ", ".join(table.columns)
        return self.rows(
            f"SELECT {columns} FROM {table.name} JOIN unsearched ON owner_id = id"
            " WHERE NOT EXISTS (SELECT 1 FROM search WHERE search.rowid = row_id(id)) ORDER BY id LIMIT ?",
            (limit,),
        )

    def index(self, table: Table, entries: Iterable[tuple[str, Sequence[str]]]) -> None:
        """See ``engine.Session``."""
        self._many(
            "INSERT OR REPLACE INTO search (rowid, owner_id, words) VALUES (?, ?, ?)",
            [(_row_id(owner), owner, " ".join(words)) for owner, words in entries],
        )

    def unindex(self, owners: Iterable[str]) -> None:
        """See ``engine.Session``."""
        self._many("DELETE FROM search WHERE rowid = ?", [(_row_id(owner),) for owner in owners])

    def matching(self, words: Sequence[str], every: bool = False) -> Matching:
        """See ``engine.Session``."""
        asked = (" AND " if every else " OR ").join(f'"{word}"' for word in words)
        return Matching(("search",), "search MATCH ?", "rank", "rank", (asked,))

    def unbound(self) -> AbstractContextManager[None]:
        """See ``engine.Session``: there are no policies."""
        return nullcontext()


def _row_id(owner: str) -> int:
    """Owner ids of any kind, however alike, fall far apart."""
    return int.from_bytes(hashlib.blake2b(owner.encode(), digest_size=8).digest(), "big") >> 1


class SqliteDatabase:
    """One file with a connection a thread, or one connection in memory shared under a lock."""

    engine: Engine = "sqlite"

    def __init__(self, path: Path | None) -> None:
        """``path`` None keeps everything in memory. Trouble with the file is told on first use."""
        self._path = path
        self._lock = threading.RLock()
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._memory = self._connect(":memory:") if path is None else None

    def write(self, work: Callable[[Session], T]) -> T:
        """See ``engine.Database``."""
        if self._memory is None:
            return self._retried(self._connection(), work)
        with self._lock:
            return self._retried(self._memory, work)

    def once(self, work: Callable[[Session], T]) -> T:
        """See ``engine.Database``."""
        return self.write(work)

    def create(self, work: Callable[[Session], T]) -> T:
        """See ``engine.Database``."""
        return self.write(work)

    def read(self, work: Callable[[Session], T]) -> T:
        """See ``engine.Database``."""
        try:
            if self._memory is None:
                return work(SqliteSession(self._connection()))
            with self._lock:
                return work(SqliteSession(self._memory))
        except sqlite3.Error as error:
            raise self._told(error) from error

    def scrub(self) -> None:
        """See ``engine.Database``: removed words leave the index, removed pages the log."""
        self.write(lambda session: session.run("INSERT INTO search (search) VALUES ('optimize')"))
        if self._path is not None:
            self.read(lambda session: session.rows("PRAGMA wal_checkpoint(TRUNCATE)"))

    def close(self) -> None:
        """See ``engine.Database``."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()
            self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            assert self._path is not None
            found = self._local.connection = self._connect(self._path)
        return found

    def _connect(self, path: Path | str) -> sqlite3.Connection:
        try:
            if isinstance(path, Path):
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _make(path)
            connection = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
            connection.create_function("row_id", 1, _row_id, deterministic=True)
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")
            if isinstance(path, Path):
                connection.execute(f"PRAGMA journal_mode = {_journal(path)}")
        except (sqlite3.Error, OSError) as error:
            raise self._told(error) from error
        with self._lock:
            self._open.append(connection)
        return connection

    def _retried(self, connection: sqlite3.Connection, work: Callable[[Session], T]) -> T:
        for attempt in range(RETRIES):
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    result = work(SqliteSession(connection))
                    connection.execute("COMMIT")
                    return result
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            except LostRace:
                pass
            except sqlite3.Error as error:
                if not _busy(error):
                    raise self._told(error) from error
            time.sleep(_FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1.0))
        raise Busy(f"other writers kept {self._path} busy", "try again in a moment")

    def _told(self, error: Exception) -> AgentctxError:
        words = getattr(error, "strerror", None) or str(error)
        place = self._path or "the database in memory"
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if _busy(error):
            return Busy(f"other writers kept {place} busy", "try again in a moment")
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return AgentctxError(
                f"{place} is damaged: {words}", "move the file away and import your last export"
            )
        refused = (
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_IOERR,
            sqlite3.SQLITE_CANTOPEN,
        )
        if isinstance(error, OSError) or code in refused:
            return NotWritable(
                f"{place} cannot be written: {words}", "check the disk and the folder's permissions"
            )
        return AgentctxError(f"{place}: {words}")


def _busy(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _make(path: Path) -> None:
    """Make the file for its owner alone, and only if it is not there.

    A database that is there is never opened beside SQLite: closing such a handle would take the locks of
    every other connection of this process with it.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        pass
