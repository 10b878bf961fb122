"""Much code is read by several processes, and nobody can tell from the verdicts."""

from __future__ import annotations

import os
import threading
from datetime import date

import pytest

from agentctx.freshness import company
from agentctx.freshness.index import Assessor
from agentctx.git import Git, WorkTree
from agentctx.model import Index
from agentctx.notes.folder import Folder
from tests.freshness.scene import Scene
from tests.freshness.test_index import Documents
from tests.repository import TempRepo

MODULES = 24


def many_modules(repo: TempRepo) -> Scene:
    """Each module calls a function of the next; one note for each."""
    scene = Scene(repo)
    for number in range(MODULES):
        after = (number + 1) % MODULES
        repo.write(
            f"src/m{number}.py",
            f"from src.m{after} import f{after}\n\nLIMIT = {number}\n\n\n"
            f"def f{number}(value):\n    return f{after}(value) + LIMIT\n",
        )
        scene.note(f"n{number}", (f"src/m{number}.py#f{number}",))
    scene.verify(*(f"n{number}" for number in range(MODULES)))
    repo.commit("All")
    scene.edit("src/m7.py", "+ LIMIT", "- LIMIT")
    return scene


def assess(scene: Scene, cache: Documents) -> tuple[Index, Assessor]:
    git = Git.open(scene.root)
    folder = Folder(scene.root, "agent-context")
    assessor = Assessor(git, WorkTree(git), cache)
    return assessor.assess(folder.read(), folder.records(), date(2026, 4, 1)), assessor


@pytest.fixture
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1})
    monkeypatch.setattr(company, "MANY", 4)


def test_two_processes_learn_what_one_learns(repo: TempRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    scene, alone, together = many_modules(repo), Documents(), Documents()
    one, single = assess(scene, alone)
    monkeypatch.setattr(company, "_processors", lambda: 2)  # whatever threads other tests left behind
    monkeypatch.setattr(company, "MANY", 4)
    two, several = assess(scene, together)
    assert one == two
    assert {f.id: f.state for f in two.notes if f.state != "fresh"} == {"n6": "suspect", "n7": "stale"}
    learnt = [name for name in alone.kept if name.startswith("symbols/")]
    assert learnt
    assert [alone.read(name)["files"] for name in learnt] == [together.read(name)["files"] for name in learnt]
    assert alone.kept["verdicts"] == together.kept["verdicts"]
    assert single.memory.parses >= MODULES
    assert several.memory.parses < single.memory.parses * 0.7


@pytest.mark.usefixtures("two_processors")
def test_what_is_known_already_is_read_by_nobody(repo: TempRepo) -> None:
    scene, cache = many_modules(repo), Documents()
    assess(scene, cache)
    del cache.kept["verdicts"]
    _, again = assess(scene, cache)
    assert again.memory.parses == 0


@pytest.mark.usefixtures("two_processors")
def test_a_process_that_fails_costs_only_time(repo: TempRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = many_modules(repo)
    ours, learn = os.getpid(), company._learn

    def fail_elsewhere(*given: object) -> None:
        if os.getpid() != ours:
            raise MemoryError
        learn(*given)  # type: ignore[arg-type]

    expected, _ = assess(scene, Documents())
    monkeypatch.setattr(company, "_learn", fail_elsewhere)
    found, assessor = assess(scene, Documents())
    assert found == expected
    assert assessor.memory.parses >= MODULES


@pytest.mark.usefixtures("two_processors")
def test_a_program_with_threads_never_forks(repo: TempRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    scene, done = many_modules(repo), threading.Event()
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        found, assessor = assess(scene, Documents())
    finally:
        done.set()
        thread.join()
    assert len(found.notes) == MODULES
    assert assessor.memory.parses >= MODULES
