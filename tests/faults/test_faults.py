"""The long fault tests (`make faults`): kills, races, full disks, taking back; nothing may be lost."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import stat
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agentctx.notes.folder import Folder
from agentctx.notes.passages import append_section
from bench.demo import scripted
from bench.merge import measure
from bench.scripted_model import Asked, ScriptedModel
from tests.faults.scene import forked, restore
from tests.flows.test_sync import NOTE, configure, model, notes_on_disk, shop
from tests.repository import TempRepo

__all__ = ["model", "shop"]

pytestmark = pytest.mark.faults
SYNC = ("sync", "HEAD~1..HEAD", "--mode", "apply")


def rounds(number: int) -> range:
    """So many rounds, or fewer: ``AGENTCTX_FAULT_ROUNDS`` is the most."""
    return range(min(number, int(os.environ.get("AGENTCTX_FAULT_ROUNDS", number))))


@pytest.mark.parametrize("part", range(2))
def test_two_hundred_and_fifty_kills_each_lose_nothing_and_the_next_run_ends_in_the_same_bytes(
    shop: TempRepo, model: ScriptedModel, part: int
) -> None:
    start = notes_on_disk(shop)
    began = time.monotonic()
    assert forked(shop.root, *SYNC) == 0
    length = time.monotonic() - began
    whole = notes_on_disk(shop)
    assert whole != start
    chance, killed = random.Random(part), 0
    for _ in rounds(250):
        restore(shop, start)
        killed += forked(shop.root, *SYNC, kill_after=chance.uniform(0, length)) == -9
        for path, data in notes_on_disk(shop).items():
            assert path.rpartition("/")[2].startswith(".") or data in (start.get(path), whole.get(path)), path
        assert forked(shop.root, *SYNC) == 0
        forked(shop.root, "review", "accept")
        assert notes_on_disk(shop) == whole
    assert killed > len(rounds(250)) // 5


def test_two_hundred_edits_by_a_person_while_the_model_thinks_all_stand(shop: TempRepo) -> None:
    start = notes_on_disk(shop)
    note = shop.root / NOTE
    lines = note.read_text().splitlines(keepends=True)
    body = [at for at, line in enumerate(lines) if line.strip() and at > lines.index("---\n", 1)]
    chance = random.Random(1)
    mine = ""

    def slowly(asked: Asked) -> Any:
        nonlocal mine
        mine = f"person{chance.randrange(10**9)}"
        changed = list(lines)
        at = chance.choice(body)
        if chance.random() < 0.5:
            changed.insert(at, f"A {mine} wrote this.\n\n")
        else:
            words = changed[at].rstrip("\n").split(" ")
            words.insert(chance.randrange(len(words) + 1), mine)
            changed[at] = " ".join(words) + "\n"
        note.write_text("".join(changed))
        return scripted(asked)

    with ScriptedModel(slowly) as served:
        configure(shop, served)
        for _ in rounds(200):
            restore(shop, start)
            mine = ""
            assert forked(shop.root, *SYNC) == 0
            assert mine and mine in note.read_text()
            forked(shop.root, "review", "accept", "--all")
            assert mine in note.read_text()


def _append(root: Path, writer: int, count: int) -> None:
    folder = Folder(root, "agent-context")
    for number in range(count):
        text = f"Writer {writer} line {number}."
        folder.edit(NOTE, partial(append_section, heading="Log", text=text), attempts=10_000)


def test_eight_writers_append_two_hundred_and_fifty_times_each_and_every_line_is_there(
    shop: TempRepo,
) -> None:
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_append, args=(shop.root, writer, 250)) for writer in range(8)]
    for process in writers:
        process.start()
    for process in writers:
        process.join()
    assert [process.exitcode for process in writers] == [0] * 8
    text = (shop.root / NOTE).read_text()
    assert [f"Writer {w} line {n}." in text for w in range(8) for n in range(250)] == [True] * 2000


def test_a_thousand_merges_conflict_rarely_and_lose_no_word() -> None:
    found = measure(1000, 7)
    driver, plain = found["driver"], found["plain git"]
    print(found)
    assert (driver.words_lost, driver.markers_in_front_matter, driver.unreadable) == (0, 0, 0)
    assert driver.conflicts <= 0.05 * driver.notes
    assert plain.conflicts <= 0.25 * plain.notes


# --------------------------------------------------------------------------- full and read-only disks

CALLS = ("write", "rename", "fsync", "mkdir", "unlink")


def failing(at: int, code: int) -> Callable[[], None]:
    """Lets the writing call number ``at`` (and all after it) of this process fail with ``code``."""

    def arm() -> None:
        counted = 0
        for name in CALLS:
            real = getattr(os, name)

            def wrapped(*args: Any, _real: Any = real, **options: Any) -> Any:
                nonlocal counted
                if args and isinstance(args[0], int) and not stat.S_ISREG(os.fstat(args[0]).st_mode):
                    return _real(*args, **options)  # a pipe to git is no disk
                counted += 1
                if counted >= at:
                    raise OSError(code, os.strerror(code))
                return _real(*args, **options)

            setattr(os, name, wrapped)

    return arm


WRITERS: dict[str, tuple[str, ...]] = {
    "new": ("new", "gotcha", "A new one", "--anchor", "src/shop/money.py", "--body", "Text."),
    "anchor": ("anchor", "2026-01-12-signed-tokens", "src/shop/money.py"),
    "verify": ("verify",),
    "sync": SYNC,
    "accept": ("review", "accept"),
    "undo": ("undo",),
    "init": ("init",),
}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO], ids=["full", "read-only", "broken"])
@pytest.mark.parametrize("name", WRITERS)
def test_a_disk_that_fails_at_any_write_leaves_old_bytes_or_new_ones(
    shop: TempRepo, model: ScriptedModel, name: str, code: int
) -> None:
    if name in ("accept", "undo"):
        assert (
            forked(shop.root, "sync", "HEAD~1..HEAD", "--mode", "apply" if name == "undo" else "suggest") == 0
        )
    start = notes_on_disk(shop)
    saved = shop.root.parent / "saved"
    _copy(shop.root / ".git/agentctx", saved)
    assert forked(shop.root, *WRITERS[name]) in (0, 1)
    whole = notes_on_disk(shop)
    for at in range(1, 400):
        restore(shop, start)
        _copy(saved, shop.root / ".git/agentctx")
        ended = forked(shop.root, *WRITERS[name], arm=failing(at, code))
        assert ended in (0, 1, 2), f"write {at} ended with {ended}"
        for path, data in notes_on_disk(shop).items():
            assert path.endswith(".agentctx-tmp") or data in (start.get(path), whole.get(path)), (at, path)
        assert start.keys() - notes_on_disk(shop).keys() <= start.keys() - whole.keys()
        if ended != 2 and notes_on_disk(shop) == whole and at > 40:
            break


def _copy(source: Path, target: Path) -> None:
    import shutil

    shutil.rmtree(target, ignore_errors=True)
    if source.exists():
        shutil.copytree(source, target)


# --------------------------------------------------------------------------- taking back


def test_undo_and_rollback_restore_the_bytes_two_hundred_times(shop: TempRepo, model: ScriptedModel) -> None:
    start = notes_on_disk(shop)
    source = shop.git("rev-parse", "HEAD^2")
    chance = random.Random(3)
    assert forked(shop.root, *SYNC) == 0
    whole = notes_on_disk(shop)
    assert whole != start
    for _ in rounds(200):
        back = ("undo",) if chance.random() < 0.5 else ("rollback", source)
        restore(shop, start)
        assert forked(shop.root, *SYNC) == 0
        assert notes_on_disk(shop) == whole
        assert forked(shop.root, *back) == 0
        assert notes_on_disk(shop) == start, back
