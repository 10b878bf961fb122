"""No sync ends without saying which notes it looked at and why they stay as they are."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

from agentctx.flows.outcome import kept_as_they_are
from agentctx.model import Operation, Proposal
from bench.scripted_model import ScriptedModel
from tests.flows.test_publish import ID, arrive, model, remote
from tests.flows.test_sync import NOTE
from tests.repository import TempRepo

__all__ = ["model", "remote"]


def told(repo: TempRepo, *args: str) -> tuple[str, dict[str, Any]]:
    """The words of one sync, and the JSON of the same one done again."""
    shown = repo.agentctx("sync", *args)
    assert shown.returncode == 0, shown.stderr
    return shown.stdout, json.loads(repo.agentctx("sync", *args, "--json").stdout)["sync"]


def test_a_change_that_touches_no_note_names_the_nearest_ones(
    remote: Path, repo: TempRepo, model: ScriptedModel
) -> None:
    repo.agentctx("sync", "HEAD~1..HEAD", "--mode", "commit")
    repo.commit("Something else", {"tools/other.sh": "echo 1\n"})
    words, found = told(repo, "HEAD~1..HEAD")
    assert " looked at, none touched by the change; nearest: " in words
    assert found["notices"][-1] in words
    assert "nothing new has arrived, and no note is false" in told(repo)[0]


def test_what_stays_false_is_named_when_nothing_new_has_arrived(
    remote: Path, repo: TempRepo, model: ScriptedModel
) -> None:
    repo.agentctx("sync", "HEAD~1..HEAD")
    repo.agentctx("review", "reject")
    words, found = told(repo)
    assert f"still false: {ID}; dealt with in an earlier sync" in words
    assert found["notices"][-1] in words


def test_a_range_of_notes_alone_says_so(remote: Path, repo: TempRepo) -> None:
    arrive(repo, "Words", files={NOTE: (repo.root / NOTE).read_text() + "\nMore.\n"})
    done = repo.agentctx("sync", "--mode", "pull-request", "--since", "HEAD^1")
    assert "only notes changed: no code that could make one false" in done.stdout + done.stderr


def test_applying_tells_what_became_of_each_proposal_and_of_those_that_waited(
    remote: Path, repo: TempRepo, model: ScriptedModel
) -> None:
    repo.agentctx("sync", "HEAD~1..HEAD")
    done = repo.agentctx("sync", "HEAD~1..HEAD", "--mode", "apply")
    assert "`MAX_AGE = 3600`" in (repo.root / NOTE).read_text()
    assert "accepted too, from sync " in done.stdout and ID in done.stdout
    subprocess.run(["rm", "-rf", ".git/agentctx"], cwd=repo.root, check=True)
    repo.git("checkout", "-q", "--", "agent-context")
    again = repo.agentctx("sync", "HEAD~1..HEAD", "--mode", "apply").stdout
    assert "(accepted)" in again and "(pending)" not in again


def test_what_was_read_and_found_true_is_named_with_its_reason() -> None:
    kept = Operation("keep", {"why": "it does not speak of it"})
    common = {"id": "p", "sync": "s", "note_path": NOTE, "note_digest": "", "reasons": (), "origin": "model"}
    read = Proposal(note_id=ID, operations=(kept,), why="it does not speak of it", commit="c", **common)
    assert list(kept_as_they_are([read])) == [f"kept as it is: {ID}: it does not speak of it"]
    edited = replace(read, operations=(Operation("retitle", {"title": "x"}),))
    assert list(kept_as_they_are([edited])) == []
