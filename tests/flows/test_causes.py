"""Which part of a long range speaks for an edit of a note."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentctx.flows.causes import part_about
from agentctx.flows.targeting import change_between
from agentctx.project import Project
from bench.scripted_model import Asked, ScriptedModel
from tests.flows.test_sync import configure
from tests.repository import TempRepo


@pytest.fixture
def scene(repo: TempRepo) -> TempRepo:
    """A note about one function; its signature changes, and much else does before and after."""
    repo.commit("code", {"src/fees.py": "def fee(a):\n    return a + 10\n"})
    repo.agentctx("init", "--no-hooks")
    body = "Call `fee(a)` with one value only."
    repo.agentctx("new", "gotcha", "Fees", "--anchor", "src/fees.py#fee", "--body", body)
    repo.commit("notes")
    repo.git("tag", "start")
    others = {f"src/m{n}.py": f"def fun{n}(value{n}):\n    return value{n} * {n}\n" for n in range(70)}
    repo.commit("Other things", dict(others))
    repo.commit("Second value", {"src/fees.py": "def fee(a, b):\n    return a + 10\n"})
    repo.commit("More of them", {path: f"{text}\n# {path}\n" for path, text in others.items()})
    return repo


def signature(asked: Asked) -> dict[str, Any]:
    operation = {"op": "replace_text", "old": "`fee(a)`", "new": "`fee(a, b)`"}
    return {"answers": [{"note": "fees", "why": "two now", "operations": [operation]}]}


@pytest.mark.parametrize("span", ["HEAD~2..HEAD~1", "start..HEAD"], ids=["one commit", "many"])
def test_an_edit_is_judged_by_the_merges_that_touched_its_code_however_long_the_range(
    scene: TempRepo, span: str
) -> None:
    with ScriptedModel(signature) as served:
        configure(scene, served)
        scene.agentctx("sync", span)
    (found,) = json.loads(scene.agentctx("review", "--json").stdout)["proposals"]
    assert found["state"] == "pending", found["refusals"]


def test_several_merges_that_touched_the_code_are_one_part_with_all_their_words(scene: TempRepo) -> None:
    scene.commit("Third value", {"src/fees.py": "def fee(a, b, c):\n    return a + 10\n", "README.md": "x"})
    project = Project.open(scene.root)
    (note,) = project.notes.notes
    whole = change_between(project, project.git.rev_parse("start"), project.git.head())
    part = part_about(project, note, whole)
    assert {file.path for file in part.files} == {"src/fees.py", "README.md"}
    assert "Second value" in part.body and "Third value" in part.body
    last = change_between(project, project.git.rev_parse("HEAD^"), project.git.head())
    assert part_about(project, note, last) is last
