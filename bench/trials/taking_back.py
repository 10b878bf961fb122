"""Undo and rollback give back every byte; the same range twice changes none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.demo import scripted
from bench.scripted_model import ScriptedModel
from bench.trials.base import Play, Round, Trial
from bench.trials.scene import CONTEXT, NOTE, SYNC, Shop, world


@contextmanager
def undo(folder: Path, size: int) -> Iterator[Play]:
    """A sync in one of the ways there are, over notes in one of the forms there are, taken back."""
    with world(folder), ScriptedModel(scripted) as model:
        shop = Shop(folder)
        shop.use(model.url)
        shop.keep()
        first = shop.notes()
        note = NOTE.removeprefix(f"{CONTEXT}/")

        def play(round: Round) -> None:
            chance = round.chance
            text = first[note].decode()
            forms = (text, text.replace("\n", "\r\n"), text.rstrip("\n"), "\ufeff" + text, text + "\n\n\n")
            shop.git("reset", "-q", "--hard", shop.head)
            shop.start = {**first, note: chance.choice(forms).encode()}
            shop.reset()
            if chance.random() < 0.5:
                shop.commit("Another form")
            else:
                assert shop.run("sync", "HEAD~1..HEAD") == 0, "a suggestion before it is none"
                shop.run("review", "accept", "--all")
                shop.run("undo")
                round.expect(shop.notes() == shop.start, "undo after accept left other bytes")
                shop.reset()
            span = f"{shop.head}~1..{shop.head}"
            code = shop.run("sync", span, "--mode", "apply")
            round.expect(code == 0, f"the sync ended with {code}")
            round.seen["changed"] += shop.notes() != shop.start
            back = chance.choice((("undo",), ("rollback", shop.source)))
            code = shop.run(*back)
            round.expect(code == 0, f"{back[0]} ended with {code}")
            round.seen["restored"] += shop.notes() == shop.start

        yield play


@contextmanager
def committed(folder: Path, size: int) -> Iterator[Play]:
    """A sync that was committed, rolled back in the clone or in another one that has only git's history."""
    with world(folder), ScriptedModel(scripted) as model:
        shop = Shop(folder)
        shop.use(model.url)
        shop.keep()
        assert shop.run("sync", f"{shop.head}~1..{shop.head}", "--mode", "commit") == 0
        mended = shop.git("rev-parse", "HEAD")
        whole = shop.notes()

        def play(round: Round) -> None:
            shop.git("reset", "-q", "--hard", mended)
            shop._copy(folder / "nothing", shop.root / ".git" / "agentctx")  # the journal is not asked
            word = f"later{round.number}"
            shop.git("commit", "-q", "--allow-empty", "-m", word)
            round.seen["changed"] += whole != shop.start
            code = shop.run("rollback", shop.source)
            round.expect(code == 0, f"rollback ended with {code}")
            round.seen["restored"] += shop.notes() == shop.start

        yield play


@contextmanager
def twice(folder: Path, size: int) -> Iterator[Play]:
    """The same range again: no byte changes and no model is asked."""
    with world(folder), ScriptedModel(scripted) as model:
        shop = Shop(folder)
        shop.use(model.url)
        assert shop.run(*SYNC) == 0
        whole, asked = shop.notes(), len(model.requests)

        def play(round: Round) -> None:
            ways = (SYNC, ("sync",), ("sync", "HEAD~1..HEAD"), ("status",), ("prime",))
            code = shop.run(*ways[round.number % len(ways)])
            round.expect(code == 0, f"ended with {code}")
            round.seen["bytes changed"] += shop.notes() != whole
            round.seen["model calls"] = max(round.seen["model calls"], len(model.requests) - asked)

        yield play


TRIALS = (
    Trial(
        "undo", 150, "undo and rollback restore every byte", undo,
        shows=("changed", "restored"), least={"changed": 1.0, "restored": 1.0},
    ),
    Trial(
        "rollback", 50, "from git's history alone, every byte", committed,
        shows=("changed", "restored"), least={"changed": 1.0, "restored": 1.0},
    ),
    Trial(
        "twice", 100, "the same range again: nothing changes", twice,
        shows=("bytes changed", "model calls"), most={"bytes changed": 0, "model calls": 0},
    ),
)  # fmt: skip
