"""The door to the file system: reads that cannot be tricked, writes that cannot be torn."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from agentctx.errors import Busy, NotFound, NotWritable, UnsafeFile

NOTE_LIMIT = 1_000_000
"""Bytes of the largest file that is read as a note."""

TEMPORARY_SUFFIX = ".agentctx-tmp"
"""Leftovers of a crashed write are named ``.<random>.agentctx-tmp`` and lie beside their target."""

_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}


def read_regular(path: Path, limit: int = NOTE_LIMIT, root: Path | None = None) -> bytes:
    """The bytes of a regular file of at most ``limit`` bytes.

    Never blocks on a FIFO and never opens a device. Without ``root`` a symbolic link is refused; with it,
    a link is followed as long as the file lies inside ``root``. Raises ``NotFound`` or ``UnsafeFile``.
    """
    real = _inside(path, root) if root is not None else path
    try:
        handle = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(path, error) from None
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise UnsafeFile(
                f"{path} is {_sort(about.st_mode)}, not a regular file; it was not read",
                "replace it by a file, or delete it",
            )
        if about.st_size > limit:
            raise _oversize(path, about.st_size, limit)
        data = _read_all(handle, limit)
    except OSError as error:
        raise _unreadable(path, error) from None
    finally:
        os.close(handle)
    if len(data) > limit:
        raise _oversize(path, len(data), limit)
    return data


def glance(path: str, limit: int) -> bytes | None:
    """The bytes of a regular file, for a caller that can tell the right ones; None where there are none.

    Quick: the folders on the way may be links.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        about = os.fstat(handle)
        return _read_all(handle, limit) if stat.S_ISREG(about.st_mode) and about.st_size <= limit else None
    except OSError:
        return None
    finally:
        os.close(handle)


def _read_all(handle: int, limit: int) -> bytes:
    chunks: list[bytes] = []
    left = limit + 1
    while left > 0 and (chunk := os.read(handle, min(left, 1 << 20))):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def _inside(path: Path, root: Path) -> str:
    """The real path of a file, refused when it leaves ``root``."""
    real, top = os.path.realpath(path), os.path.realpath(root)
    if real != top and not real.startswith(top.rstrip("/") + "/"):
        raise UnsafeFile(
            f"{path} is a symbolic link out of the repository; it was not read",
            "replace it by a regular file",
        )
    return real


def _oversize(path: Path, size: int, limit: int) -> UnsafeFile:
    return UnsafeFile(
        f"{path} has {size:,} bytes, over the limit of {limit:,}; it was not read",
        "split it into smaller files",
    )


def _unreadable(path: Path, error: OSError) -> NotFound | UnsafeFile:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return NotFound(f"{path} does not exist")
    if error.errno == errno.ELOOP:
        return UnsafeFile(f"{path} is a symbolic link; it was not read", "replace it by a regular file")
    return UnsafeFile(f"{path} cannot be read: {error.strerror}", f"look at `ls -l {path}`")


def _sort(mode: int) -> str:
    sorts = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISLNK, "a symbolic link"),
    )
    return next((name for test, name in sorts if test(mode)), "a device")


def write_atomic(path: Path, data: bytes, durable: bool = True) -> None:
    """Put ``data`` at ``path`` so that a crash at any moment leaves the old bytes or the new ones.

    Missing folders are made; an existing file keeps its mode. ``durable=False`` (for caches) leaves out
    the two fsyncs. Raises ``UnsafeFile`` when ``path`` is a link or no regular file (resolve a link that
    is meant to be followed first), ``NotWritable`` when the place is full or read-only.
    """
    temporary = path.parent / f".{os.urandom(8).hex()}{TEMPORARY_SUFFIX}"
    try:
        _make_folders(path.parent, durable)
        mode = _mode_to_keep(path)
        try:
            _write_new(temporary, data, mode, durable)
            os.rename(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        if durable:
            _sync_folder(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from None


def _mode_to_keep(path: Path) -> int | None:
    try:
        about = os.lstat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(about.st_mode):
        raise UnsafeFile(
            f"{path} is {_sort(about.st_mode)}, not a regular file; it was not written",
            "replace it by a regular file",
        )
    return stat.S_IMODE(about.st_mode)


def _write_new(path: Path, data: bytes, mode: int | None, durable: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(path, flags, 0o666)
    try:
        if mode is not None:
            os.fchmod(handle, mode)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
        if durable:
            os.fsync(handle)
    finally:
        os.close(handle)


def _make_folders(folder: Path, durable: bool) -> None:
    """Make missing folders; each new one is written through to its parent, or a note in it could be lost."""
    missing: list[Path] = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(new)
        if durable:
            _sync_folder(new.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems have no fsync of folders
            raise
    finally:
        os.close(handle)


def _unwritable(path: Path, error: OSError) -> NotWritable:
    if error.errno in _FULL:
        return NotWritable(f"{path} was not written: {_FULL[error.errno]}", "free some space and try again")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return NotWritable(
            f"{path} was not written: {error.strerror}",
            f"make the folder {path.parent} writable and try again",
        )
    return NotWritable(f"{path} was not written: {error.strerror or error}", "nothing was changed; try again")


def remove_file(path: Path) -> None:
    """Delete a file durably; a missing one is no error. Raises ``NotWritable``."""
    try:
        os.unlink(path)
        _sync_folder(path.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unwritable(path, error) from None


def remove_temporaries(folder: Path) -> int:
    """Delete what crashed writes left in this folder; returns how many. Call it while holding the lock."""
    removed = 0
    try:
        leftovers = [e.path for e in os.scandir(folder) if e.name.endswith(TEMPORARY_SUFFIX)]
    except OSError:
        return 0
    for leftover in leftovers:
        with contextlib.suppress(OSError):
            os.unlink(leftover)
            removed += 1
    return removed


@contextlib.contextmanager
def locked(path: Path, wait: float = 2.0) -> Iterator[None]:
    """Hold the one lock at ``path`` (a lock file, made when missing, or an existing folder).

    The kernel lets go of it when the process ends, however it ends. Waits at most ``wait`` seconds, then
    raises ``Busy``; raises ``NotWritable`` when the lock file cannot be made.
    """
    import fcntl

    handle = _open_lock(path)
    try:
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise Busy(
                        f"another agentctx is writing (lock {path}, waited {wait:g} s)",
                        "try again when it has finished",
                    ) from None
                time.sleep(0.001 + time.monotonic_ns() // 1_000 % 5 / 1_000)  # uneven, so none always loses
        yield
    finally:
        os.close(handle)


def _open_lock(path: Path) -> int:
    flags = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        if path.is_dir():
            return os.open(path, os.O_RDONLY | flags)
        _make_folders(path.parent, durable=False)
        return os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o666)
    except OSError as error:
        raise _unwritable(path, error) from None


def data_file(*parts: str) -> Path:
    """A file that ships with agentctx (``data_file("templates", "briefing.md.j2")``).

    Looks in the installed package's ``_data`` first, then in the checkout. Raises ``NotFound``.
    """
    package = Path(__file__).resolve().parent
    for base in (package / "_data", package.parent):
        found = base.joinpath(*parts)
        if found.exists():
            return found
    raise NotFound(f"{'/'.join(parts)} is missing from this installation", "reinstall agentctx-memory")
