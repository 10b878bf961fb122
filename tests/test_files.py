"""Reads that cannot be tricked, writes that cannot be torn, one lock."""

from __future__ import annotations

import errno
import multiprocessing
import os
import stat
import time
from pathlib import Path

import pytest

from agentctx import files
from agentctx.errors import Busy, NotFound, NotWritable, UnsafeFile
from agentctx.files import (
    TEMPORARY_SUFFIX,
    data_file,
    locked,
    read_regular,
    remove_file,
    remove_temporaries,
    write_atomic,
)

STEPS = ("open", "write", "fchmod", "fsync", "close", "rename", "mkdir")
"""Every call of ``os`` with which a save changes something on disk, or makes it last."""


def test_a_regular_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 3_000)
    assert read_regular(tmp_path / "a", limit=3_000, root=tmp_path) == b"x" * 3_000


def test_a_fifo_a_device_a_folder_and_a_socket_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    start = time.perf_counter()
    for path in (tmp_path / "fifo", tmp_path / "folder", Path("/dev/zero")):
        with pytest.raises(UnsafeFile, match="not a regular file"):
            read_regular(path)
    assert time.perf_counter() - start < 1


def test_a_link_is_followed_only_inside_the_root(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (root / "real").write_text("real")
    (root / "in").symlink_to("real")
    (root / "out").symlink_to(outside / "secret")
    (root / "folder").symlink_to(outside)
    (root / "loop").symlink_to("loop")
    assert read_regular(root / "in", root=root) == b"real"
    for path in ("out", "folder/secret", "../outside/secret"):
        with pytest.raises(UnsafeFile, match="out of the repository"):
            read_regular(root / path, root=root)
    with pytest.raises(UnsafeFile):
        read_regular(root / "in")
    with pytest.raises(UnsafeFile):
        read_regular(root / "loop", root=root)


def test_a_file_over_its_limit_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as big:
        big.truncate(5_000_000_000)
    with pytest.raises(UnsafeFile, match="over the limit"):
        read_regular(tmp_path / "big")


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_regular(tmp_path / "a" / "b")


def test_a_write_keeps_the_mode_and_leaves_nothing_beside(tmp_path: Path) -> None:
    target = tmp_path / "new" / "deep" / "a.sh"
    write_atomic(target, b"one")
    target.chmod(0o750)
    write_atomic(target, b"two")
    assert target.read_bytes() == b"two"
    assert stat.S_IMODE(target.stat().st_mode) == 0o750
    assert [path.name for path in target.parent.iterdir()] == ["a.sh"]


def test_a_write_through_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(UnsafeFile, match="symbolic link"):
        write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "real").read_text() == "old"
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("step", ["open", "write", "fsync", "rename"])
@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO], ids=errno.errorcode.get
)
def test_a_failing_write_keeps_the_old_bytes_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    target = tmp_path / "note.md"
    target.write_bytes(b"old")
    real = getattr(os, step)

    def failing(*args: object, **rest: object) -> object:
        if step == "open" and args[0] != target and not str(args[0]).endswith(TEMPORARY_SUFFIX):
            return real(*args, **rest)
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(files.os, step, failing)
        with pytest.raises(NotWritable) as raised:
            write_atomic(target, b"new")
    assert str(target) in raised.value.message
    assert raised.value.hint
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["note.md"]


def _die_at(target: Path, fatal: int, after: bool) -> None:
    """Save in this process and end it without warning before (or just after) the ``fatal``-th step."""
    seen = 0

    def wrapped(name: str) -> None:
        real = getattr(os, name)

        def step(*args: object, **rest: object) -> object:
            nonlocal seen
            seen += 1
            if seen == fatal and not after:
                os._exit(9)
            if name == "write" and seen == fatal:
                real(args[0], bytes(args[1])[: len(bytes(args[1])) // 2])  # type: ignore[call-overload]
                os._exit(9)
            result = real(*args, **rest)
            if seen == fatal:
                os._exit(9)
            return result

        setattr(os, name, step)

    for name in STEPS:
        wrapped(name)
    write_atomic(target, b"new" * 5_000)
    os._exit(0)


@pytest.mark.parametrize("after", [False, True], ids=["before the step", "behind the step"])
def test_a_crash_at_any_step_leaves_the_old_bytes_or_the_new(tmp_path: Path, after: bool) -> None:
    fork = multiprocessing.get_context("fork")
    old, new = b"old" * 4_000, b"new" * 5_000
    seen: list[bytes] = []
    for fatal in range(1, 100):
        target = tmp_path / f"n{fatal}" / "note.md"
        target.parent.mkdir()
        target.write_bytes(old)
        process = fork.Process(target=_die_at, args=(target, fatal, after))
        process.start()
        process.join(20)
        assert target.read_bytes() in (old, new)
        seen.append(target.read_bytes())
        with locked(target.parent):
            remove_temporaries(target.parent)
        assert [path.name for path in target.parent.iterdir()] == ["note.md"]
        if process.exitcode == 0:
            break
    else:
        pytest.fail("the save never came to its end")
    assert len(seen) > 7
    assert seen == sorted(seen, reverse=True)


def test_a_crash_while_a_new_file_is_made_leaves_none_or_all(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    for fatal in range(1, 100):
        target = tmp_path / f"n{fatal}" / "deep" / "note.md"
        process = fork.Process(target=_die_at, args=(target, fatal, True))
        process.start()
        process.join(20)
        assert not target.exists() or target.read_bytes() == b"new" * 5_000
        if process.exitcode == 0:
            return
    pytest.fail("the save never came to its end")


def _hold(path: Path, ready: multiprocessing.synchronize.Event) -> None:  # type: ignore[name-defined]
    with locked(path):
        ready.set()
        time.sleep(30)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_the_lock_is_waited_for_in_bounds_and_dies_with_its_holder(tmp_path: Path, kind: str) -> None:
    fork = multiprocessing.get_context("fork")
    ready = fork.Event()
    lock = tmp_path / "a.lock" if kind == "file" else tmp_path
    holder = fork.Process(target=_hold, args=(lock, ready))
    holder.start()
    assert ready.wait(10)
    start = time.perf_counter()
    with pytest.raises(Busy, match="another agentctx is writing"), locked(lock, wait=0.2):
        pytest.fail("two held the lock")
    assert 0.15 < time.perf_counter() - start < 2
    holder.kill()
    holder.join(10)
    with locked(lock, wait=0.2):
        assert lock.exists()


def test_a_lock_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no folder")
    with pytest.raises(NotWritable), locked(tmp_path / "x" / "lock"):
        pytest.fail("locked a place that cannot exist")


def test_leftovers_alone_are_removed(tmp_path: Path) -> None:
    (tmp_path / f".0123{TEMPORARY_SUFFIX}").write_text("half")
    (tmp_path / "note.md").write_text("whole")
    assert remove_temporaries(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["note.md"]
    assert remove_temporaries(tmp_path / "absent") == 0


def test_removing_a_file_twice_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    remove_file(tmp_path / "a")
    remove_file(tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_shipped_file_is_found_and_a_missing_one_is_named() -> None:
    assert data_file("hooks").is_dir()
    with pytest.raises(NotFound, match="templates/absent"):
        data_file("templates", "absent")
