"""Targeting data made from a clone says what its history says."""

from __future__ import annotations

from pathlib import Path

from bench.harvest import Repository, Source, harvest
from bench.targeting_data import cases
from tests.repository import TempRepo

LONG = "A token lives for so many seconds and not longer, whatever the caller asks for in the request."
MANUAL = (
    f"Manual\n======\n\n{LONG}\n\n.. _limits:\n\nLimits\n------\n\nOne page has at most ten rows. {LONG}\n"
)


def test_merges_are_told_apart_and_read_back(repo: TempRepo, tmp_path: Path) -> None:
    repo.commit("Start", {"docs/manual.rst": MANUAL, "src/page.py": "ROWS = 10\n"})
    for n in range(10):
        repo.commit(f"Later {n}", {"src/other.py": f"N = {n}\n"})
    changed = MANUAL.replace("ten rows", "twenty rows")
    repo.commit("Show more rows", {"docs/manual.rst": changed, "src/page.py": "ROWS = 20\n"})
    repo.commit(
        "Fix a typo", {"docs/manual.rst": changed.replace("lives", "stays"), "src/page.py": "ROWS = 21\n"}
    )
    labelled = changed.replace("lives", "stays").replace(".. _limits:", ".. _bounds:")
    repo.commit("Rename a label", {"docs/manual.rst": labelled, "src/page.py": "ROWS = 22\n"})
    repo.git("config", "user.email", "other@example.org")
    for n in range(9):
        repo.commit(f"Alone {n}", {"src/page.py": f"ROWS = {30 + n}\n"})
    counted = harvest(Repository("some+where", Source(repo.root), 100), tmp_path, 50)
    found = {case.change.subject: case for case in cases(tmp_path / "targeting", "some+where")}
    assert counted["positive"] == 1
    (positive,) = (case for case in found.values() if case.kind == "positive")
    assert positive.change.subject == "Show more rows"
    assert positive.relevant == {"docs/manual.rst#limits"}
    assert {note.id for note in positive.notes} == {"docs/manual.rst#manual", "docs/manual.rst#limits"}
    assert "ten rows" in next(n.body for n in positive.notes if n.id.endswith("#limits"))
    assert [file.path for file in positive.change.files] == ["src/page.py"]
    assert found["Alone 0"].kind == "code_only"
    assert not {"Fix a typo", "Rename a label"} & {s for s, case in found.items() if case.kind == "positive"}
    assert "Later 9" not in found, "its author changed documentation soon after"
