"""People and agents who write at the same time: nobody's words are overwritten."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from agentctx.notes.folder import Folder
from agentctx.notes.passages import append_section
from bench.demo import scripted
from bench.merge import measure
from bench.scripted_model import Asked, ScriptedModel
from bench.trials.base import Play, Round, Trial
from bench.trials.scene import CONTEXT, NOTE, SYNC, Shop, world

WRITERS = 8


def edited(chance: random.Random, text: str, mine: str) -> str:
    """The note as a person left it: one word of theirs somewhere in it."""
    lines = text.splitlines(keepends=True)
    end = lines.index("---\n", 1)
    body = [at for at, line in enumerate(lines) if line.strip() and at > end]
    at = chance.choice(body)
    match chance.randrange(5):
        case 0:
            lines.insert(at, f"A {mine} wrote this.\n\n")
        case 1:
            lines.insert(end, f"owner: {mine}\n")
        case 2:
            lines[end + 1 :] = [f"All of it was written anew by {mine}.\n"]
        case 3:
            lines.append(f"\n## Since then\n\n{mine} knows more.\n")
        case _:
            words = lines[at].rstrip("\n").split(" ")
            words.insert(chance.randrange(len(words) + 1), mine)
            lines[at] = " ".join(words) + "\n"
    return "".join(lines)


@contextmanager
def edits(folder: Path, size: int) -> Iterator[Play]:
    """A person saves the note while the model thinks about it."""
    pen: list[tuple[random.Random, str]] = []

    def slowly(asked: Asked) -> Any:
        if pen:
            chance, mine = pen.pop()
            note.write_text(edited(chance, note.read_text(), mine))
        return scripted(asked)

    with world(folder), ScriptedModel(slowly) as model:
        shop = Shop(folder)
        shop.use(model.url)
        shop.keep()
        note = shop.root / NOTE

        def play(round: Round) -> None:
            shop.reset()
            mine = f"person{round.number}x"
            pen[:] = [(round.chance, mine)]
            code = shop.run(*SYNC)
            round.expect(code == 0, f"the sync ended with {code}")
            round.expect(not pen, "the model was not asked")
            round.seen["overwritten"] += mine not in note.read_text()
            shop.run("review", "accept", "--all")
            round.seen["overwritten later"] += mine not in note.read_text()
            round.seen["the model's edit came along"] += "3600 seconds" in note.read_text()

        yield play


@contextmanager
def appends(folder: Path, size: int) -> Iterator[Play]:
    """Eight processes append to one note at once."""
    with world(folder):
        shop = Shop(folder)
        fork = multiprocessing.get_context("fork")

        def play(round: Round) -> None:
            shop.reset()
            each = max(1, round.count // WRITERS)
            writers = [fork.Process(target=_append, args=(shop.root, who, each)) for who in range(WRITERS)]
            for process in writers:
                process.start()
            for process in writers:
                process.join()
            codes = [process.exitcode for process in writers]
            round.expect(codes == [0] * WRITERS, f"writers ended with {codes}")
            lines = (shop.root / NOTE).read_text().splitlines()
            found = sum(lines.count(_line(who, n)) == 1 for who in range(WRITERS) for n in range(each))
            round.seen["appended"] += found
            round.seen["lost"] += each * WRITERS - found

        yield play


def _line(writer: int, number: int) -> str:
    return f"Writer {writer} line {number}."


def _append(root: Path, writer: int, count: int) -> None:
    folder = Folder(root, CONTEXT)
    for number in range(count):
        text = _line(writer, number)
        folder.edit(NOTE, partial(append_section, heading="Log", text=text), attempts=10_000)


@contextmanager
def merges(folder: Path, size: int) -> Iterator[Play]:
    """Two people edit a note each on a branch, and git merges: with our driver, and without it."""
    with world(folder):

        def play(round: Round) -> None:
            found = measure(round.count, 1000 + round.number)
            driver, plain = found["driver"], found["plain git"]
            round.seen["conflicts"] += driver.conflicts
            round.seen["words lost"] += driver.words_lost
            round.seen["markers in front matter"] += driver.markers_in_front_matter
            round.seen["unreadable"] += driver.unreadable
            round.seen["conflicts of plain git"] += plain.conflicts
            round.seen["words lost by plain git"] += plain.words_lost

        yield play


TRIALS = (
    Trial(
        "edits", 200, "what a person saves during a call stands", edits,
        shows=("overwritten", "overwritten later", "the model's edit came along"),
        most={"overwritten": 0, "overwritten later": 0},
    ),
    Trial(
        "appends", 2000, "eight writers, every line once", appends,
        batch=2000, shows=("appended", "lost"), most={"lost": 0}, least={"appended": 0.99},
    ),
    Trial(
        "merges", 1000, "driver: 5 % conflicts, no word lost; plain git: 25 %", merges, batch=100,
        shows=("conflicts", "words lost", "markers in front matter", "unreadable", "conflicts of plain git"),
        most={"conflicts": 0.05, "words lost": 0, "markers in front matter": 0, "unreadable": 0,
              "conflicts of plain git": 0.25},
    ),
)  # fmt: skip
