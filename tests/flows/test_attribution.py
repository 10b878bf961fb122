"""Accepted words that a person commits by hand keep their origin: real hooks, real commits, other clones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentctx.flows.attribution import is_as_accepted
from agentctx.flows.making import Making
from agentctx.git import Git
from agentctx.proposals.publish import read_trailers
from bench.scripted_model import ScriptedModel
from tests.flows.test_publish import ID, model, remote
from tests.flows.test_sync import NOTE, configure, notes_on_disk
from tests.repository import TempRepo

__all__ = ["model", "remote"]


@pytest.fixture
def proposed(remote: Path, repo: TempRepo, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> TempRepo:
    """Proposals wait for what a merge made false, in a clone with hooks."""
    monkeypatch.setenv("AGENTCTX_NO_WORKER", "1")
    repo.agentctx("hooks", "install")
    done = repo.agentctx("sync", "HEAD~1..HEAD")
    assert "proposal" in done.stdout, done.stdout + done.stderr
    return repo


@pytest.fixture
def accepted(proposed: TempRepo) -> TempRepo:
    done = proposed.agentctx("review", "accept", "--all")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Agentctx-" not in done.stderr, "the hooks do it"
    return proposed


def message(repo: TempRepo, commit: str = "HEAD") -> str:
    return repo.git("log", "-1", "--format=%B", commit)


def ours(repo: TempRepo) -> list[str]:
    return [line for line in message(repo).splitlines() if line.startswith("Agentctx-")]


def test_accepted_words_committed_by_hand_are_blamed_and_rolled_back_in_every_clone(
    accepted: TempRepo, tmp_path: Path
) -> None:
    work, start = accepted.git("rev-parse", "HEAD^2"), notes_at_head(accepted)
    accepted.git("commit", "-qam", "x")
    found = read_trailers(message(accepted))
    assert message(accepted).startswith("x\n\nAgentctx-Sync: ")
    assert found and ID in found.notes_of(work) and found.model == "scripted" and found.head == ""
    clone = TempRepo(tmp_path / "clone")
    subprocess.run(["git", "clone", "-q", str(accepted.root), str(clone.root)], check=True)
    told = json.loads(clone.agentctx("blame", ID, "--json").stdout)["words"]
    assert {w["model"] for w in told} >= {"scripted"}
    assert any(c["id"] == work for w in told for c in w["sources"])
    assert clone.agentctx("rollback", work).returncode == 0
    assert notes_on_disk(clone) == start


def notes_at_head(repo: TempRepo) -> dict[str, bytes]:
    repo.git("stash", "-q")
    found = notes_on_disk(repo)
    repo.git("stash", "pop", "-q")
    return found


COMMITS = {
    "add and commit": ("commit", "-q", "-m", "x"),
    "only one path": ("commit", "-q", "-m", "x", "--", NOTE),
    "an editor": ("commit", "-q"),
    "an editor that shows the diff": ("commit", "-q", "-v"),
}


@pytest.mark.parametrize("how", COMMITS)
def test_every_way_of_committing_adds_them_once_at_the_end(
    accepted: TempRepo, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\n{ echo "A subject"; cat "$1"; } > "$1.new" && mv "$1.new" "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("GIT_EDITOR", str(editor))
    accepted.git("add", "-A")
    accepted.git(*COMMITS[how])
    lines = ours(accepted)
    assert lines and len(lines) == len(set(lines))
    assert message(accepted).splitlines()[-len(lines) :] == lines and "diff --git" not in message(accepted)


@pytest.mark.parametrize("how", [("-a", "--no-verify", "-m", "x"), ("-anm", "x")], ids=str)
def test_a_commit_that_skips_the_checks_says_where_its_words_came_from(
    accepted: TempRepo, how: tuple[str, ...]
) -> None:
    accepted.git("commit", "-q", *how)
    lines = ours(accepted)
    assert lines and len(lines) == len(set(lines)) and message(accepted).startswith("x\n\nAgentctx-Sync: ")
    accepted.commit("code", {"src/y.py": "y = 1\n"})
    assert ours(accepted) == []


@pytest.mark.parametrize("how", [("-m", "better"), ("--no-edit",), ("-am", "better")], ids=str)
def test_an_amended_commit_has_them_once(accepted: TempRepo, how: tuple[str, ...]) -> None:
    accepted.git("commit", "-qam", "x")
    before = ours(accepted)
    accepted.write("README.md", "more\n")
    accepted.git("commit", "-q", "--amend", *how)
    assert ours(accepted) == before != []
    accepted.git("commit", "-q", "--allow-empty", "-m", "the next")
    assert ours(accepted) == []


def test_a_message_without_words_still_gives_the_commit_up(
    accepted: TempRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = accepted.git("rev-parse", "HEAD")
    monkeypatch.setenv("GIT_EDITOR", "true")
    for verbose in ((), ("-v",)):
        accepted.git("commit", "-a", *verbose, check=False)
        assert accepted.git("rev-parse", "HEAD") == head
    accepted.git("commit", "-q", "--allow-empty", "--only", "-m", "nothing of it")
    assert ours(accepted) == []


def test_a_persons_further_words_do_not_hide_the_accepted_ones(accepted: TempRepo) -> None:
    note = accepted.root / NOTE
    note.write_text(note.read_text() + "\nA person's words.\n")
    accepted.git("commit", "-qam", "x")
    assert any(line.endswith(f" {ID}") for line in ours(accepted))


def test_what_was_undone_or_thrown_away_is_not_told(accepted: TempRepo) -> None:
    accepted.git("checkout", "-q", "--", "agent-context")
    note = accepted.root / NOTE
    note.write_text(note.read_text() + "\nA person's words.\n")
    accepted.git("commit", "-qam", "x")
    assert ours(accepted) == []


def test_a_commit_without_notes_is_left_alone(accepted: TempRepo) -> None:
    accepted.write("other.txt", "x")
    accepted.git("add", "other.txt")
    accepted.git("commit", "-q", "-m", "x")
    assert message(accepted) == "x"


def test_a_hook_that_cannot_do_its_work_does_not_stop_the_commit(accepted: TempRepo) -> None:
    for file in (accepted.root / ".git/agentctx/journal").glob("*.json"):
        file.write_text("{")
    accepted.git("commit", "-qam", "x")
    assert message(accepted).startswith("x")


def test_without_the_hooks_accepting_says_what_to_write_and_uninstalling_leaves_none(
    proposed: TempRepo, tmp_path: Path
) -> None:
    assert os.access(proposed.root / ".git/hooks/commit-msg", os.X_OK)
    proposed.agentctx("hooks", "uninstall")
    assert not (proposed.root / ".git/hooks/commit-msg").exists()
    told = proposed.agentctx("review", "accept", "--all").stderr
    lines = [line.strip() for line in told.splitlines() if line.startswith("  Agentctx-")]
    proposed.git("commit", "-qam", "x\n\n" + "\n".join(lines))
    found = read_trailers(message(proposed))
    assert found and any(note == ID for _, note in found.sources)
    other = clone_of(proposed, tmp_path / "clone")
    assert other.agentctx("rollback", found.sources[-1][0]).returncode == 0
    assert "MAX_AGE = 3600" not in (other.root / NOTE).read_text()


@pytest.fixture
def managed(accepted: TempRepo, monkeypatch: pytest.MonkeyPatch) -> TempRepo:
    """Hooks as a manager has them: git starts a shell, that one another, and that one us."""
    accepted.agentctx("hooks", "uninstall")
    monkeypatch.setenv("PYTHON", sys.executable)
    for name in ("prepare-commit-msg", "commit-msg"):
        accepted.write(f".husky/{name}", f'"$PYTHON" -m agentctx hook {name} "$1" </dev/null\n')
        hook = accepted.write(f".git/hooks/{name}", f'#!/bin/sh\nsh -e .husky/{name} "$@"\n')
        hook.chmod(0o755)
    return accepted


def test_hook_managers_call_the_same_with_the_messages_file(managed: TempRepo) -> None:
    managed.git("commit", "-qam", "x")
    assert ours(managed)


@pytest.mark.parametrize("how", [("-m", "better"), ("--no-edit",), ("--amen", "-am", "better")], ids=str)
def test_a_hook_manager_keeps_them_when_a_commit_is_amended(managed: TempRepo, how: tuple[str, ...]) -> None:
    managed.git("commit", "-qam", "x")
    before = ours(managed)
    managed.write("README.md", "more\n")
    managed.git("add", "README.md")
    managed.git("commit", "-q", "--amend", *how)
    assert ours(managed) == before != []
    managed.git("commit", "-q", "--allow-empty", "-m", "about --amend")
    assert ours(managed) == []


def test_whoever_amends_the_commit_in_another_clone_keeps_them(accepted: TempRepo, tmp_path: Path) -> None:
    accepted.git("commit", "-qam", "x")
    other = clone_of(accepted, tmp_path / "clone")
    other.agentctx("hooks", "install")
    other.git("commit", "-q", "--amend", "-m", "better")
    assert ours(other) == ours(accepted) != []


def melted(repo: TempRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two fixups of an older commit, the first of which holds the accepted words."""
    monkeypatch.setenv("GIT_SEQUENCE_EDITOR", "true")
    repo.git("stash", "-q")
    repo.commit("Readme", {"README.md": "# Shop\n"})
    repo.commit("Another", {"other.txt": "x\n"})
    repo.git("stash", "pop", "-q")
    repo.git("commit", "-qa", "--fixup=HEAD~1")
    repo.write("README.md", "# Shop\n\nMore.\n")
    repo.git("commit", "-qa", "--fixup=HEAD~2")
    repo.git("rebase", "-q", "-i", "--autosquash", "HEAD~4")
    assert [line.split(" ", 1)[1] for line in repo.git("log", "--format=%h %s", "-3").splitlines()][:2] == [
        "Another", "Readme",
    ]  # fmt: skip


@pytest.mark.parametrize("hooks", ["accepted", "managed"])
def test_a_fixup_that_a_rebase_melts_into_another_commit_keeps_them(
    hooks: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo: TempRepo = request.getfixturevalue(hooks)
    work = repo.git("rev-parse", "HEAD^2")
    melted(repo, monkeypatch)
    assert ours(repo) == []
    found = read_trailers(message(repo, "HEAD~1"))
    assert found and ID in found.notes_of(work)
    clone = clone_of(repo, tmp_path / "clone")
    told = json.loads(clone.agentctx("blame", ID, "--json").stdout)["words"]
    assert {w["model"] for w in told} >= {"scripted"}
    assert clone.agentctx("rollback", work).returncode == 0
    assert "MAX_AGE = 3600" not in (clone.root / NOTE).read_text()


def test_a_squash_under_a_message_of_ones_own_keeps_them_in_another_clone(
    accepted: TempRepo, tmp_path: Path
) -> None:
    accepted.git("switch", "-q", "-c", "mine")
    accepted.git("commit", "-qam", "Mend")
    before = ours(accepted)
    other = clone_of(accepted, tmp_path / "clone")
    other.agentctx("hooks", "install")
    other.git("switch", "-q", "-c", "target", "HEAD~1")
    other.git("merge", "-q", "--squash", "mine")
    other.git("commit", "-q", "-m", "Squashed")
    assert ours(other) == before != []


def test_only_a_commit_of_accepted_words_and_nothing_else_need_not_be_stamped(accepted: TempRepo) -> None:
    def is_accepted() -> bool:
        accepted.git("add", "-A")
        with Git.open(accepted.root) as git:
            return is_as_accepted(Making(git), "agent-context")

    assert is_accepted()
    note, record = accepted.root / NOTE, accepted.root / f"agent-context/.verified/{ID}"
    words, stamps = note.read_text(), record.read_bytes()
    note.write_text(words + "\nA person's words.\n")
    assert not is_accepted()
    note.write_text(words)
    record.write_bytes(stamps + b"src/other.py\n")
    assert not is_accepted()
    record.write_bytes(stamps)
    assert is_accepted()
    accepted.write("src/shop/other.py", "X = 1\n")
    assert not is_accepted(), "code that is part of the commit may be what the note is about"


def test_words_of_a_note_that_is_renamed_before_the_commit(accepted: TempRepo, tmp_path: Path) -> None:
    work = accepted.git("rev-parse", "HEAD^2")
    accepted.git("mv", NOTE, "agent-context/decisions/tokens.md")
    accepted.git("commit", "-qam", "Mend, under another name")
    assert ours(accepted)
    clone = clone_of(accepted, tmp_path / "clone")
    told = json.loads(clone.agentctx("blame", "tokens", "--json").stdout)["words"]
    assert {w["model"] for w in told} >= {"scripted"}
    assert clone.agentctx("rollback", work).returncode == 0
    assert "MAX_AGE = 3600" not in (clone.root / "agent-context/decisions/tokens.md").read_text()


def test_a_short_note_renamed_along_with_its_edit_is_to_git_another_file_and_keeps_its_origin(
    repo: TempRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCTX_NO_WORKER", "1")
    repo.commit("code", {"src/auth.py": "def issue(user):\n    return user\n"})
    repo.agentctx("init")
    old = "`issue` takes a user, and nobody has to give it anything else than that one thing."
    new = "`issue` takes user and scope; both end up in what it returns, joined by a colon sign."
    repo.agentctx("new", "gotcha", "Tokens", "--anchor", "src/auth.py#issue", "--body", old)
    repo.commit("notes")
    (path,) = repo.git("ls-files", "agent-context/gotchas/*tokens.md").split()
    id, renamed = Path(path).stem, "agent-context/gotchas/t.md"
    work = repo.commit("Scope", {"src/auth.py": "def issue(user, scope):\n    return f'{user}:{scope}'\n"})
    operations = [{"op": "replace_text", "old": old, "new": new}]
    answer = {"answers": [{"note": id, "why": "scope", "operations": operations}]}
    with ScriptedModel(lambda asked: answer) as served:
        configure(repo, served)
        repo.agentctx("sync", "HEAD~1..HEAD")
        assert repo.agentctx("review", "accept", "--all").returncode == 0
    repo.git("mv", path, renamed)
    repo.git("commit", "-qam", "Another name")
    assert f"A\t{renamed}" in repo.git("show", "-M", "--format=", "--name-status")
    assert f"Agentctx-Source: {work} {id}" in ours(repo)
    for clone in (clone_of(repo, tmp_path / "clone"), repo):
        front, body = json.loads(clone.agentctx("blame", "t", "--json").stdout)["words"]
        assert (front["model"], body["model"]) == ("", "scripted")
        assert [c["id"] for c in body["sources"]] == [work]
        done = clone.agentctx("rollback", work)
        assert done.returncode == 0 and "left alone" not in done.stdout + done.stderr
        assert (clone.root / renamed).read_text() == repo.git("show", f"{work}:{path}") + "\n"


def clone_of(repo: TempRepo, root: Path) -> TempRepo:
    subprocess.run(["git", "clone", "-q", str(repo.root), str(root)], check=True)
    return TempRepo(root)


@pytest.mark.parametrize("squashed", [False, True], ids=["in one commit", "squashed"])
def test_taking_back_what_a_commit_caused_leaves_a_persons_words(
    accepted: TempRepo, tmp_path: Path, squashed: bool
) -> None:
    work, note = accepted.git("rev-parse", "HEAD^2"), accepted.root / NOTE
    accepted.git("switch", "-q", "-c", "mine")
    if squashed:
        accepted.git("commit", "-qam", "Mend")
    note.write_text(note.read_text() + "\n## Who\n\nA person wrote this.\n")
    accepted.git("commit", "-qam", "Say who")
    if squashed:
        accepted.git("switch", "-q", "main")
        accepted.git("merge", "-q", "--squash", "mine")
        accepted.git("commit", "-qm", "Mend and say who")
    before = accepted.git("show", f"HEAD~1:{NOTE}")
    for repo in (clone_of(accepted, tmp_path / "clone"), accepted):
        assert repo.agentctx("rollback", work).returncode == 0
        assert (repo.root / NOTE).read_text() == f"{before}\n\n## Who\n\nA person wrote this.\n"


def test_commits_that_bring_no_accepted_words_have_no_trailers(accepted: TempRepo) -> None:
    note = accepted.root / NOTE
    accepted.git("commit", "-qam", "Mend")
    mended = note.read_text()
    note.write_text(mended + "\nA person's words.\n")
    accepted.git("commit", "-qam", "Write on")
    assert ours(accepted) == []
    note.write_text(mended)
    accepted.git("commit", "-qam", "Take them back")
    assert ours(accepted) == []
    accepted.git("rm", "-qf", NOTE)
    accepted.git("commit", "-qm", "Drop the note")
    assert ours(accepted) == []


def test_the_record_alone_is_no_accepted_word(accepted: TempRepo) -> None:
    accepted.git("add", f"agent-context/.verified/{ID}")
    accepted.git("commit", "-qm", "The record")
    assert ours(accepted) == []


def test_amend_in_a_message_is_no_amend_and_its_abbreviation_is_one(accepted: TempRepo) -> None:
    accepted.git("commit", "-qam", "x")
    before = ours(accepted)
    accepted.git("commit", "-q", "--amen", "-m", "better")
    assert ours(accepted) == before != []
    accepted.write("src/x.py", "x = 1\n")
    accepted.git("add", "-A")
    accepted.git("commit", "-qm", "Document git commit --amend in the guide")
    assert ours(accepted) == []


@pytest.mark.parametrize("text", ["#12 mend note", "Title\n\nBody\n---\nAfter"], ids=["number", "divider"])
def test_odd_messages_have_them_at_their_end(accepted: TempRepo, text: str) -> None:
    accepted.git("config", "trailer.separators", "=#")
    accepted.git("commit", "-qam", text)
    lines = ours(accepted)
    assert lines and message(accepted).rstrip("\n").splitlines()[-len(lines) :] == lines


def test_a_commit_that_was_given_up_leaves_nothing_for_the_next_process_of_its_number(
    accepted: TempRepo,
) -> None:
    left = accepted.root / ".git/agentctx/trailers"
    left.mkdir()
    hook = accepted.root / ".git/hooks/pre-commit"
    hook.write_text(
        f'#!/bin/sh\necho "Agentctx-Sync: old" > "{left}/$PPID"\n' + hook.read_text().split("\n", 1)[1]
    )
    accepted.git("stash", "-q")
    accepted.commit("Something else", {"src/y.py": "y = 1\n"})
    assert ours(accepted) == []


def test_a_renamed_note_still_says_where_its_words_came_from(accepted: TempRepo) -> None:
    work = accepted.git("rev-parse", "HEAD^2")
    accepted.git("commit", "-qam", "Mend")
    accepted.git("mv", NOTE, "agent-context/decisions/tokens.md")
    accepted.git("commit", "-qm", "Another name")
    told = json.loads(accepted.agentctx("blame", "tokens", "--json").stdout)["words"]
    assert {w["model"] for w in told} >= {"scripted"}
    assert any(c["id"] == work for w in told for c in w["sources"])
