"""More notes than one sync may ask about: every job is a fresh clone, and goes on where another stopped."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.scripted_model import Asked, ScriptedModel
from tests.flows.test_sync import configure
from tests.repository import TempRepo
from tests.scripted_forge import ScriptedGitHub

NOTES = 3
CAP = 2
Answer = Callable[[str], dict[str, Any]]


def doubtful(id: str) -> dict[str, Any]:
    """Told to a person: it names what is nowhere."""
    operation = {"op": "append_section", "heading": "", "text": f"Mind `frobnicate_{id[-1]}`."}
    return {"note": id, "why": "guessed", "operations": [operation]}


def useless(id: str) -> dict[str, Any]:
    return {"note": id, "why": "", "operations": [{"op": "replace_text", "old": "no such", "new": "x"}]}


def kept(id: str) -> dict[str, Any]:
    return {"note": id, "why": "still so", "operations": [{"op": "keep", "why": "still so"}]}


@dataclass
class Line:
    """A remote, a host and a model; ``job`` syncs in a fresh clone, as the one after a merge does."""

    repo: TempRepo
    remote: Path
    served: ScriptedModel
    github: ScriptedGitHub
    answers: Answer = doubtful
    jobs: int = 0
    asked: list[list[str]] = field(default_factory=list)

    def answer(self, asked: Asked) -> dict[str, Any]:
        ids = list(dict.fromkeys(re.findall(r"\bnote-\d\b", re.sub(r"(?m)^- note-\d: .*", "", asked.user))))
        self.asked[-1] += ids
        return {"answers": [self.answers(id) for id in ids]}

    def job(self) -> list[str]:
        """Ids of the notes that the job asked about."""
        self.jobs += 1
        self.asked.append([])
        clone = self.remote.parent / f"job{self.jobs}"
        subprocess.run(["git", "clone", "-q", str(self.remote), str(clone)], check=True)
        done = TempRepo(clone).agentctx(
            "sync", "--mode", "pull-request", "--since", "first", env=self.github.environment()
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return sorted(self.asked[-1])

    def merge(self, files: dict[str, str]) -> None:
        self.repo.commit("Merged", dict(files))
        self.repo.git("push", "-q", "origin", "main")


@pytest.fixture
def line(repo: TempRepo, tmp_path: Path) -> Iterator[Line]:
    numbers = range(1, NOTES + 1)
    repo.commit("code", {f"src/m{n}.py": f"def fun{n}(a):\n    return a\n" for n in numbers})
    repo.agentctx("init", "--no-hooks")
    for n in numbers:
        repo.agentctx("new", "gotcha", f"Note {n}", "--anchor", f"src/m{n}.py#fun{n}", "--body", f"Mind {n}.")
    config = repo.root / "agent-context/config.yaml"
    repo.write("agent-context/config.yaml", config.read_text() + f"sync:\n  max_notes: {CAP}\n")
    repo.commit("notes")
    repo.git("tag", "first")
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(repo.root), str(remote)], check=True)
    repo.git("remote", "add", "origin", str(remote))
    lines: list[Line] = []
    with ScriptedGitHub() as github, ScriptedModel(lambda asked: lines[0].answer(asked)) as served:
        lines.append(Line(repo, remote, served, github))
        configure(repo, served)
        for n in numbers:
            repo.commit(f"Change {n}", {f"src/m{n}.py": f"def fun{n}(a, b):\n    return a + b\n"})
        repo.git("push", "-q", "origin", "main")
        yield lines[0]


def test_every_note_gets_its_turn_once_and_a_merge_of_words_costs_no_call_then(line: Line) -> None:
    found = [line.job()]
    for number in range(3):
        line.merge({"README.md": f"Words {number}\n"})
        found.append(line.job())
    assert [len(ids) for ids in found] == [2, 1, 0, 0]
    assert sorted(id for ids in found for id in ids) == [f"note-{n}" for n in range(1, NOTES + 1)]
    (pull,) = line.github.pulls
    assert "frobnicate" in pull["body"] and "asked about before" not in pull["body"]


def test_code_that_changes_again_is_asked_about_again(line: Line) -> None:
    asked = line.job()
    again = asked[0]
    line.merge({f"src/m{again[-1]}.py": f"def fun{again[-1]}(a, b, c):\n    return a * b * c\n"})
    found = line.job()
    line.merge({"README.md": "Words\n"})
    found += line.job()
    assert found.count(again) == 1 and found.count(asked[1]) == 0 and len(found) == NOTES - 1


def test_an_answer_of_no_use_is_asked_for_again_behind_those_that_had_no_turn(line: Line) -> None:
    line.answers = useless
    found = [line.job()]
    for number in range(5):
        line.merge({"README.md": f"Words {number}\n"})
        found.append(line.job())
    assert found[1][0] not in found[0] or found[1][1] not in found[0]
    assert [len(ids) for ids in found] == [2, 2, 2, 2, 1, 0], "three times each"


def test_what_had_no_turn_is_asked_about_when_the_request_is_merged(line: Line) -> None:
    line.answers = kept
    first = line.job()
    line.repo.git("fetch", "-q", "origin")
    (branch,) = line.repo.git("for-each-ref", "--format=%(refname)", "refs/remotes/origin/agentctx").split()
    line.repo.git("merge", "-q", "--no-ff", "-m", "Merge notes", branch)
    line.repo.git("push", "-q", "origin", "main")
    line.github.pulls[0]["state"] = "closed"
    second = line.job()
    assert len(second) == NOTES - CAP and not {*first} & {*second}
    assert [pull["state"] for pull in line.github.pulls] == ["closed", "open"]


def test_a_note_that_only_the_first_range_touched_gets_its_turn_with_that_range(line: Line) -> None:
    """It is about no code, so nothing tells of it once the range is over."""
    line.repo.agentctx("new", "gotcha", "Note 6", "--body", "`src/m9.py` defines `frame_rate` for `fun9`.")
    line.merge({"src/m9.py": "def fun9(frame_rate):\n    return frame_rate\n"})
    line.repo.git("tag", "-f", "first")
    line.repo.git("push", "-q", "-f", "origin", "first")
    line.merge({"src/m9.py": "def fun9(frame_speed):\n    return frame_speed\n"})
    found = line.job()
    assert "note-6" not in found, "over the cap"
    for number in range(2):
        line.merge({"README.md": f"Words {number}\n"})
        found += line.job()
    prompts = "\n".join(asked.user for asked in line.served.requests if "note-6" in asked.user)
    assert found.count("note-6") == 1 and "-def fun9(frame_rate)" in prompts


def without_a_model(line: Line, tmp_path: Path) -> str:
    """What a job prints that runs before anybody configured a model."""
    line.jobs += 1
    clone = line.remote.parent / f"job{line.jobs}"
    subprocess.run(["git", "clone", "-q", str(line.remote), str(clone)], check=True)
    env = line.github.environment() | {"XDG_CONFIG_HOME": str(tmp_path / "none")}
    done = TempRepo(clone).agentctx("sync", "--mode", "pull-request", "--since", "first", env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_false_note_that_nobody_was_there_to_ask_about_is_named_and_asked_about_by_the_next_run(
    line: Line, tmp_path: Path
) -> None:
    said = without_a_model(line, tmp_path)
    assert "no note has to change" not in said
    assert said.count("still false: note-") == NOTES and said.count(": no model is configured") == CAP
    (pull,) = line.github.pulls
    assert "Not mended, and false perhaps: **note-" in pull["body"]
    assert "no model is configured" in pull["body"] and pull["title"].startswith("Look at 3 notes ")
    refs = line.remote / "refs"
    before = sorted((p, p.read_text()) for p in refs.rglob("*") if p.is_file())
    assert without_a_model(line, tmp_path) == said.partition("committed ")[0]
    assert sorted((p, p.read_text()) for p in refs.rglob("*") if p.is_file()) == before
    first, second, third = line.job(), line.job(), line.job()
    assert sorted([*first, *second]) == ["note-1", "note-2", "note-3"] and third == []
    assert len(line.github.pulls) == 1
