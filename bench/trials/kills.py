"""Processes that are killed at any moment: nothing is lost, and the next run ends in the same bytes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.demo import scripted
from bench.scripted_model import ScriptedModel
from bench.trials.base import Play, Round, Trial
from bench.trials.scene import SYNC, TEMPORARY, Shop, world

MORE = 8
"""Notes beside the example's own that one sync has to mend."""


@contextmanager
def syncs(folder: Path, size: int) -> Iterator[Play]:
    """``kill -9`` at a random moment of a sync; then the sync again."""
    with world(folder), ScriptedModel(scripted) as model:
        shop = Shop(folder, MORE)
        shop.use(model.url)
        shop.keep()
        assert shop.run(*SYNC) == 0
        whole = shop.notes()
        shop.reset()
        began = time.monotonic()
        shop.run(*SYNC)
        length = time.monotonic() - began
        changed = [path for path in whole if whole[path] != shop.start.get(path)]
        assert len(changed) > 2 * MORE, "every note is mended, and its record"

        def play(round: Round) -> None:
            shop.reset()
            after = round.chance.uniform(0, length)
            round.seen["killed"] += shop.run(*SYNC, kill_after=after) == -9
            left = _only_old_or_new(round, shop, whole)
            round.seen["halfway"] += 0 < sum(left.get(p) == whole[p] for p in changed) < len(changed)
            code = shop.run(*SYNC)
            round.expect(code == 0, f"the next sync ended with {code}")
            again = shop.notes()
            round.expect(again == whole, f"the next sync left other bytes: {_differing(again, whole)}")

        yield play


@contextmanager
def taking_back(folder: Path, size: int) -> Iterator[Play]:
    """``kill -9`` of accept, undo and rollback; then the same again."""
    with world(folder), ScriptedModel(scripted) as model:
        shop = Shop(folder, MORE)
        shop.use(model.url)
        before = shop.notes()
        ways: list[tuple[tuple[str, ...], Path, dict[str, bytes], dict[str, bytes]]] = []
        assert shop.run("sync", "HEAD~1..HEAD") == 0
        suggested = _kept(shop, folder / "suggested")
        ends = suggested
        assert shop.run("review", "accept") == 0
        ways.append((("review", "accept"), folder / "suggested", suggested, shop.notes()))
        accepted = _kept(shop, folder / "accepted")
        for command in (("undo",), ("rollback", shop.source)):
            shop.saved, shop.start = folder / "accepted", accepted
            shop.reset()
            assert shop.run(*command) == 0
            ends = shop.notes()
            ways.append((command, folder / "accepted", accepted, ends))
        assert ends == before

        def play(round: Round) -> None:
            command, shop.saved, shop.start, whole = ways[round.number % len(ways)]
            shop.reset()
            after = round.chance.uniform(0.02, 0.4)
            round.seen["killed"] += shop.run(*command, kill_after=after) == -9
            left = _only_old_or_new(round, shop, whole)
            code = shop.run(*command)
            round.seen["finished by the same command"] += shop.notes() == whole
            round.expect(code in (0, 1, 2), f"{command[0]} again ended with {code}")
            _only_old_or_new(round, shop, whole)
            round.expect(left.keys() >= shop.start.keys() & whole.keys(), "a file is gone")

        yield play


def _kept(shop: Shop, saved: Path) -> dict[str, bytes]:
    shop.saved = saved
    shop.keep()
    return shop.start


def _only_old_or_new(round: Round, shop: Shop, whole: dict[str, bytes]) -> dict[str, bytes]:
    """Every file is as before or as after, and none that stands in both is missing."""
    found = {path: data for path, data in shop.notes().items() if not path.endswith(TEMPORARY)}
    for path, data in found.items():
        round.expect(data in (shop.start.get(path), whole.get(path)), f"{path} is neither old nor new")
    for path in (shop.start.keys() & whole.keys()) - found.keys():
        round.expect(False, f"{path} is lost")
    return found


def _differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))[:5]


TRIALS = (
    Trial(
        "kills", 500, "nothing lost; the next sync ends in the same bytes", syncs,
        shows=("killed", "halfway"), least={"killed": 0.2},
    ),
    Trial(
        "kills-taking-back", 150, "accept, undo, rollback: each file is old or new", taking_back,
        shows=("killed", "finished by the same command"), least={"killed": 0.1},
    ),
)  # fmt: skip
