"""Words keep their origin, and are taken back, through renames, squashes and messages written anew."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bench.scripted_model import ScriptedModel
from tests.flows.test_attribution import accepted, proposed
from tests.flows.test_publish import ID, branches, model, remote, sync
from tests.flows.test_sync import NOTE, notes_on_disk
from tests.repository import TempRepo
from tests.scripted_forge import ScriptedGitHub

__all__ = ["accepted", "model", "proposed", "remote"]

RENAMED = "agent-context/decisions/tokens.md"
PERSONS = "\n## Who\n\nA person wrote this.\n"


def clone_of(place: Path, root: Path) -> TempRepo:
    subprocess.run(["git", "clone", "-q", str(place), str(root)], check=True)
    return TempRepo(root)


def words(repo: TempRepo, name: str = ID) -> dict[str, str]:
    """The beginning of each paragraph with the model that wrote it."""
    told = json.loads(repo.agentctx("blame", name, "--json").stdout)["words"]
    return {w["text"]: w["model"] for w in told}


# --------------------------------------------------------------------------- renames


@pytest.fixture
def committed(accepted: TempRepo) -> tuple[TempRepo, str, str]:
    """Accepted words in a commit; the commit that caused them, and the note as it was before."""
    before = accepted.git("show", f"HEAD:{NOTE}")
    work = accepted.git("rev-parse", "HEAD^2")
    accepted.git("commit", "-qam", "Mend")
    return accepted, work, before + "\n"


@pytest.mark.parametrize("how", ["staged", "committed", "twice, and written on"])
def test_a_rollback_finds_a_note_under_its_new_name_in_every_clone(
    committed: tuple[TempRepo, str, str], tmp_path: Path, how: str
) -> None:
    repo, work, before = committed
    repo.git("mv", NOTE, RENAMED)
    places, name = [repo], RENAMED
    if how != "staged":
        repo.git("commit", "-qm", "Another name")
        places.append(clone_of(repo.root, tmp_path / "clone"))
    if "twice" in how:
        name = RENAMED.replace("tokens", "keys")
        before += PERSONS
        for place in places:
            place.git("mv", RENAMED, name)
            (place.root / name).write_text((place.root / name).read_text() + PERSONS)
            place.commit("And another")
    for place in places:
        done = place.agentctx("rollback", work)
        assert done.returncode == 0 and f"restored  {name}" in done.stdout, done.stdout + done.stderr
        assert (place.root / name).read_text() == before and not (place.root / NOTE).exists()
        assert "scripted" not in words(place, Path(name).stem).values()


def test_a_note_that_is_gone_is_named(committed: tuple[TempRepo, str, str]) -> None:
    repo, work, _ = committed
    repo.git("rm", "-q", NOTE)
    repo.git("commit", "-qm", "Not any more")
    done = repo.agentctx("rollback", work)
    assert done.returncode == 1 and f"{NOTE}: {ID}.md is not there any more" in done.stdout


# --------------------------------------------------------------------------- many hands, and lost messages


def test_words_written_over_the_models_are_left_alone_and_named(accepted: TempRepo, tmp_path: Path) -> None:
    work, note = accepted.git("rev-parse", "HEAD^2"), accepted.root / NOTE
    note.write_text(note.read_text().replace("3600", "4000"))
    accepted.git("commit", "-qam", "Mend, and otherwise")
    clone = clone_of(accepted.root, tmp_path / "clone")
    done = clone.agentctx("rollback", work)
    assert (
        done.returncode == 1 and "brought a person's words along, in the same places: git show" in done.stdout
    )
    assert "4000" in (clone.root / NOTE).read_text()


def requested(repo: TempRepo, remote: Path, github: ScriptedGitHub) -> str:
    """The branch of an open request to which a reviewer has added words."""
    sync(repo, github, "--since", "HEAD^1")
    (branch,) = branches(remote)
    repo.git("fetch", "-q", "origin")
    repo.git("switch", "-q", "-c", "review", f"origin/{branch}")
    note = repo.root / NOTE
    note.write_text(note.read_text() + PERSONS)
    repo.commit("Say who", author="Rita <rita@example.org>")
    repo.git("push", "-q", "origin", f"HEAD:{branch}")
    repo.git("switch", "-q", "main")
    return branch


@pytest.mark.parametrize("message", ["title and text", "title"])
def test_a_reviewers_words_in_a_squashed_request_stay_and_are_the_reviewers(
    remote: Path, repo: TempRepo, model: ScriptedModel, tmp_path: Path, message: str
) -> None:
    source, before = repo.git("rev-parse", "HEAD^2"), (repo.root / NOTE).read_text()
    with ScriptedGitHub() as github:
        branch = requested(repo, remote, github)
        repo.git("merge", "-q", "--squash", "review")
        text = str(github.pulls[0]["body"]) if "text" in message else ""
        repo.git("commit", "-q", "-m", f"{github.pulls[0]['title']} (#1)\n\n{text}")
    repo.git("push", "-q", "origin", "main")
    repo.git("push", "-q", "origin", f":{branch}")
    fresh = clone_of(remote, tmp_path / "fresh")
    if not text:
        assert "scripted" not in words(fresh).values(), "nothing in this clone says so"
        fresh.git("fetch", "-q", "origin", "refs/agentctx/offered/*:refs/agentctx/offered/*")
    told = words(fresh)
    assert told["## Who"] == told["A person wrote this."] == "" and "scripted" in told.values()
    done = fresh.agentctx("rollback", source)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (fresh.root / NOTE).read_text() == before + PERSONS


def test_a_request_that_was_rebased_over_a_persons_change_of_the_note_is_taken_back_alone(
    remote: Path, repo: TempRepo, model: ScriptedModel, tmp_path: Path
) -> None:
    source, note = repo.git("rev-parse", "HEAD^2"), repo.root / NOTE
    with ScriptedGitHub() as github:
        sync(repo, github, "--since", "HEAD^1")
    (branch,) = branches(remote)
    repo.git("fetch", "-q", "origin")
    note.write_text(note.read_text() + PERSONS)
    mine = note.read_text()
    repo.commit("Say who")
    repo.git("cherry-pick", f"origin/{branch}")
    repo.git("push", "-q", "origin", "main")
    fresh = clone_of(remote, tmp_path / "fresh")
    assert fresh.agentctx("rollback", source).returncode == 0
    assert (fresh.root / NOTE).read_text() == mine


def test_words_whose_message_was_written_anew_are_known_where_they_were_accepted(
    committed: tuple[TempRepo, str, str],
) -> None:
    repo, work, _ = committed
    repo.agentctx("hooks", "uninstall")
    start = notes_on_disk(repo)
    repo.git("commit", "-q", "--amend", "-m", "Something else")
    assert "Agentctx" not in repo.git("log", "-1", "--format=%B")
    assert "scripted" in words(repo).values()
    assert repo.agentctx("rollback", work).returncode == 0
    assert notes_on_disk(repo) != start
