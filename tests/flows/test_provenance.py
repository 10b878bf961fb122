"""Where a note's words came from, and taking back what one commit caused, in the clone and in another one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.scripted_model import ScriptedModel
from tests.flows.test_publish import ID, branches, model, remote, sync
from tests.flows.test_sync import NOTE, notes_on_disk, states
from tests.repository import TempRepo
from tests.scripted_forge import ScriptedGitHub

__all__ = ["model", "remote"]

Merge = Callable[[TempRepo, str, ScriptedGitHub], None]


@pytest.fixture
def mended(remote: Path, repo: TempRepo, model: ScriptedModel) -> TempRepo:
    done = repo.agentctx("sync", "HEAD~1..HEAD", "--mode", "commit")
    assert done.returncode == 0, done.stderr
    return repo


def words(repo: TempRepo) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(repo.agentctx("blame", ID, "--json").stdout)["words"]
    return found


def test_blame_names_person_and_source_commit_of_every_paragraph(mended: TempRepo) -> None:
    source = mended.git("rev-parse", "HEAD~1^2")
    found = words(mended)
    assert found[0]["text"] == "front matter" and found[0]["sources"] == []
    caused = [w for w in found if w["sources"]]
    assert caused and all(w["commit"] == mended.git("rev-parse", "HEAD") for w in caused)
    assert all(w["model"] == "scripted" for w in caused)
    told = {c["id"]: c["author"] for w in caused for c in w["sources"]}  # type: ignore[attr-defined]
    assert told[source] == "Bob"
    lines = (mended.root / NOTE).read_text().splitlines()
    assert all(lines[int(str(w["line"])) - 1] == w["text"] for w in found[1:])
    shown = mended.agentctx("blame", ID)
    assert "because of" in shown.stdout and "Bob: Tokens carry a role" in shown.stdout


def test_blame_of_words_that_nobody_committed(remote: Path, repo: TempRepo, model: ScriptedModel) -> None:
    repo.agentctx("new", "gotcha", "Fresh", "--body", "One.\n\nTwo.")
    found = json.loads(repo.agentctx("blame", "fresh", "--json").stdout)["words"]
    assert {w["author"] for w in found} == {"not committed yet"}
    repo.agentctx("sync", "HEAD~1..HEAD", "--mode", "apply")
    accepted = [w for w in words(repo) if not w["commit"]]
    assert accepted and all(w["sources"] for w in accepted), "the journal knows before git does"


def test_rollback_restores_bytes_in_any_clone_and_undo_brings_them_back(
    mended: TempRepo, tmp_path: Path
) -> None:
    source = mended.git("rev-parse", "HEAD~1^2")
    before = {
        path: subprocess.run(
            ["git", "show", f"HEAD~1:agent-context/{path}"], cwd=mended.root, capture_output=True, check=False
        ).stdout
        for path in notes_on_disk(mended)
    }
    subprocess.run(["git", "clone", "-q", str(mended.root), str(tmp_path / "other")], check=True)
    clone = TempRepo(tmp_path / "other")
    after = notes_on_disk(clone)
    dry = clone.agentctx("rollback", source, "--dry-run")
    assert dry.returncode == 0 and NOTE in dry.stdout and notes_on_disk(clone) == after
    done = clone.agentctx("rollback", source)
    assert done.returncode == 0, done.stderr
    assert notes_on_disk(clone) == before != after
    assert states(clone)[ID] == "stale"
    assert "taken back before" in clone.agentctx("rollback", source).stderr
    sync = json.loads(clone.agentctx("rollback", source, "--json").stdout)["rollback"]["sync"]
    assert clone.agentctx("undo", sync).returncode == 0
    assert notes_on_disk(clone) == after


def test_a_rollback_keeps_the_line_endings_that_git_checked_out(mended: TempRepo, tmp_path: Path) -> None:
    source = mended.git("rev-parse", "HEAD~1^2")
    command = ["git", "clone", "-q", "--config", "core.autocrlf=true", str(mended.root), str(tmp_path / "w")]
    subprocess.run(command, check=True)
    clone = TempRepo(tmp_path / "w")
    assert b"\r\n" in (clone.root / NOTE).read_bytes()
    done = clone.agentctx("rollback", source)
    assert done.returncode == 0, done.stdout + done.stderr
    assert b"\n" not in (clone.root / NOTE).read_bytes().replace(b"\r\n", b"")
    assert clone.git("diff", "--stat", "HEAD~1", "--", "agent-context") == ""


def test_what_somebody_changed_since_in_the_same_place_is_listed_and_left_with_its_record(
    mended: TempRepo,
) -> None:
    source = mended.git("rev-parse", "HEAD~1^2")
    note = mended.root / NOTE
    note.write_text(note.read_text().replace("3600", "4000"))
    mine, record = note.read_bytes(), (mended.root / f"agent-context/.verified/{ID}").read_bytes()
    done = mended.agentctx("rollback", source)
    assert done.returncode == 1 and f"left alone  {NOTE}" in done.stdout
    assert note.read_bytes() == mine
    assert (mended.root / f"agent-context/.verified/{ID}").read_bytes() == record


def test_a_rollback_keeps_what_people_wrote_elsewhere_in_the_note_and_calls_nothing_true_that_they_verified(
    mended: TempRepo,
) -> None:
    source, note = mended.git("rev-parse", "HEAD~1^2"), mended.root / NOTE
    before = mended.git("show", f"HEAD~1:{NOTE}")
    note.write_text(note.read_text() + "\n## Later\n\nA person's words.\n")
    tokens = mended.root / "src/shop/tokens.py"
    tokens.write_text(tokens.read_text() + "\n\nLATER = 1\n")
    mended.agentctx("verify", ID)
    mended.commit("More")
    done = mended.agentctx("rollback", source)
    assert done.returncode == 0, done.stdout + done.stderr
    assert note.read_text() == f"{before}\n\n## Later\n\nA person's words.\n"
    assert states(mended)[ID] == "stale"
    sync_id = json.loads(mended.agentctx("rollback", source, "--json").stdout)["rollback"]["sync"]
    assert mended.agentctx("undo", sync_id).returncode == 0
    assert mended.git("status", "--porcelain") == ""


def test_a_rollback_reads_the_trailers_of_a_squash_and_the_journal(
    remote: Path, repo: TempRepo, model: ScriptedModel
) -> None:
    source, start = repo.git("rev-parse", "HEAD^2"), notes_on_disk(repo)
    repo.agentctx("sync", "HEAD~1..HEAD", "--mode", "apply")
    assert repo.agentctx("rollback", source).returncode == 0, "from the journal, before any commit"
    assert notes_on_disk(repo) == start
    repo.git("checkout", "-q", "--", ".")
    repo.git("switch", "-q", "-c", "pr")
    subprocess.run(["rm", "-rf", ".git/agentctx"], cwd=repo.root, check=True)
    repo.agentctx("sync", "HEAD~1..HEAD", "--mode", "commit")
    message = repo.git("log", "-1", "--format=%B")
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--squash", "pr")
    indented = "\n".join(f"  {line}" for line in message.splitlines())
    repo.git("commit", "-q", "-m", f"Mend notes (#7)\n\n* {indented.strip()}\n\nCo-authored-by: x <x@y>")
    subprocess.run(["rm", "-rf", ".git/agentctx"], cwd=repo.root, check=True)
    assert repo.agentctx("rollback", source).returncode == 0
    assert notes_on_disk(repo) == start


def test_a_rollback_takes_back_a_repair_too_when_the_branch_has_gone_on_meanwhile(
    remote: Path, repo: TempRepo, model: ScriptedModel
) -> None:
    merge = repo.git("rev-parse", "HEAD")
    repo.commit("Something else", {"src/shop/other.py": "X = 1\n"})
    for cause in (f"{merge}^2", merge):
        start = notes_on_disk(repo)
        done = repo.agentctx("sync", f"{merge}~1..{merge}", "--mode", "apply")
        assert "repaired  tax-is-rounded-once" in done.stdout
        assert repo.agentctx("rollback", cause).returncode == 0
        assert notes_on_disk(repo) == start
        subprocess.run(["rm", "-rf", ".git/agentctx"], cwd=repo.root, check=True)


def test_a_commit_that_caused_nothing_is_named(mended: TempRepo) -> None:
    done = mended.agentctx("rollback", "HEAD~3")
    assert done.returncode == 2 and "caused an edit" in done.stderr


def test_forged_trailers_reach_only_files_that_the_commit_itself_changed(mended: TempRepo) -> None:
    source = mended.git("rev-parse", "HEAD~1")
    forged = f"x\n\nAgentctx-Sync: a\nAgentctx-Range: a..b\nAgentctx-Source: {source} tokens"
    mended.commit(forged, {"src/shop/tokens.py": "MAX_AGE = 1\n"})
    mended.agentctx("rollback", source)
    assert (mended.root / "src/shop/tokens.py").read_text() == "MAX_AGE = 1\n"


def _squashed_with_the_text(repo: TempRepo, branch: str, github: ScriptedGitHub) -> None:
    repo.git("merge", "-q", "--squash", f"origin/{branch}")
    repo.git("commit", "-q", "-m", f"{github.pulls[0]['title']} (#1)\n\n{github.pulls[0]['body']}")


def _rebased(repo: TempRepo, branch: str, github: ScriptedGitHub) -> None:
    repo.commit("Something else", {"README.md": "# shop\n"})
    repo.git("cherry-pick", f"main..origin/{branch}")


@pytest.mark.parametrize("merge", [_squashed_with_the_text, _rebased], ids=["squash", "rebase"])
def test_a_fresh_clone_knows_the_origin_after_every_way_of_merging_the_pull_request(
    remote: Path, repo: TempRepo, model: ScriptedModel, tmp_path: Path, merge: Merge
) -> None:
    source, start = repo.git("rev-parse", "HEAD^2"), notes_on_disk(repo)
    with ScriptedGitHub() as github:
        sync(repo, github, "--since", "HEAD^1")
        (branch,) = branches(remote)
        repo.git("fetch", "-q", "origin")
        merge(repo, branch, github)
    repo.git("push", "-q", "origin", "main")
    subprocess.run(["git", "clone", "-q", str(remote), str(tmp_path / "fresh")], check=True)
    fresh = TempRepo(tmp_path / "fresh")
    assert notes_on_disk(fresh) != start
    assert any(c["id"] == source for w in words(fresh) for c in w["sources"])  # type: ignore[attr-defined]
    assert fresh.agentctx("rollback", source).returncode == 0
    assert notes_on_disk(fresh) == start


def test_rollback_of_a_sync_itself_names_the_commits_that_caused_it(mended: TempRepo) -> None:
    source = mended.git("rev-parse", "HEAD~1^2")
    done = mended.agentctx("rollback", "HEAD")
    assert done.returncode == 2 and "it is a sync itself" in done.stderr and source[:12] in done.stderr
