"""Session notes: one a session, out of git and the agent's words, and never over somebody's edit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.repository import TempRepo


@pytest.fixture
def project(repo: TempRepo) -> TempRepo:
    repo.commit("code", {"src/a.py": "A = 1\n", "src/b.py": "B = 1\n"})
    assert repo.agentctx("init", "--agents", "none", "--no-hooks").returncode == 0
    repo.commit("memory")
    return repo


def hook(project: TempRepo, name: str, session: str) -> None:
    event = json.dumps({"session_id": session, "source": "startup", "cwd": str(project.root)})
    done = project.agentctx("hook", name, "--client", "claude-code", stdin=event)
    assert (done.returncode, done.stderr) == (0, "")


def notes(project: TempRepo) -> list[Path]:
    return sorted((project.root / "agent-context/sessions").glob("*.md"))


def test_a_session_that_changed_nothing_leaves_nothing(project: TempRepo) -> None:
    project.write("src/a.py", "A = 2\n")
    hook(project, "session-start", "s")
    hook(project, "session-end", "s")
    assert notes(project) == []
    done = project.agentctx("session", "end", "--id", "s")
    assert done.returncode == 0 and "nothing" in done.stderr


def test_the_hook_tells_commits_and_files_of_this_session_only(project: TempRepo) -> None:
    project.write("src/b.py", "B = 2\n")
    hook(project, "session-start", "s")
    project.git("commit", "-q", "-m", "Raise A", "--allow-empty")
    project.write("src/a.py", "A = 2\n")
    project.write("new/file.py", "C = 1\n")
    hook(project, "session-end", "s")
    (note,) = notes(project)
    text = note.read_text()
    assert "Raise A" in text and "src/a.py: +1 -1" in text and "new/file.py: new, not committed" in text
    assert "src/b.py" not in text
    hook(project, "session-end", "s")
    assert notes(project) == [note] and note.read_text() == text


def test_the_agents_words_stay_when_the_hook_comes_after_them(project: TempRepo) -> None:
    hook(project, "session-start", "s")
    project.write("src/a.py", "A = 2\n")
    done = project.agentctx(
        "session", "end", "--summary", "-", "--next", "Raise B.", stdin="Raised A\n\nIt was low."
    )
    assert done.returncode == 0 and done.stdout.strip().endswith("raised-a.md")
    project.write("src/b.py", "B = 2\n")
    hook(project, "session-end", "s")
    (note,) = notes(project)
    text = note.read_text()
    assert "It was low." in text and "## Next" in text and "src/b.py" in text


def test_what_somebody_edited_is_kept(project: TempRepo) -> None:
    hook(project, "session-start", "s")
    project.write("src/a.py", "A = 2\n")
    hook(project, "session-end", "s")
    (note,) = notes(project)
    note.write_text(note.read_text() + "\nMy own line.\n")
    done = project.agentctx("session", "end", "--id", "s", "--summary", "Other words")
    assert "kept" in done.stderr and "My own line." in note.read_text()
    assert "Other words" not in note.read_text()


def test_a_secret_never_gets_into_a_session_note(project: TempRepo) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    project.write("src/a.py", "A = 2\n")
    project.agentctx("session", "end", "--summary", f"Used {secret} to deploy", "--why", f"token={secret}")
    (note,) = notes(project)
    assert secret not in note.read_text() and "[redacted:" in note.read_text()
    assert secret not in note.name


def test_a_session_note_reads_back_and_its_code_can_change_without_making_it_stale(project: TempRepo) -> None:
    project.write("src/a.py", "A = 2\n")
    project.agentctx("session", "end", "--summary", "Raised A")
    project.commit("session", {"src/a.py": "A = 3\n"})
    assert project.agentctx("lint").returncode == 0
    states = json.loads(project.agentctx("status", "--json").stdout)["notes"]
    assert [(n["kind"], n["state"] in ("fresh", "unverified")) for n in states] == [("session", True)]
    found = json.loads(project.agentctx("search", "raised", "--json").stdout)["hits"]
    assert len(found) == 1


def test_a_dry_run_writes_nothing_and_sessions_do_not_mix(project: TempRepo) -> None:
    project.write("src/a.py", "A = 2\n")
    told = project.agentctx("session", "end", "--summary", "One", "--dry-run", "--json")
    assert json.loads(told.stdout)["session_note"]["outcome"] == "created" and notes(project) == []
    for session in ("x", "y"):
        project.agentctx("session", "end", "--id", session, "--summary", "Same title")
    assert len(notes(project)) == 2


def test_a_session_begun_by_hand_counts_from_there(project: TempRepo) -> None:
    project.write("src/a.py", "A = 2\n")
    assert project.agentctx("session", "start").returncode == 0
    project.write("src/b.py", "B = 2\n")
    project.agentctx("session", "end")
    (note,) = notes(project)
    assert "src/b.py" in note.read_text() and "src/a.py" not in note.read_text()


def test_a_title_is_not_said_twice_and_counts_the_files_that_it_does_not_name(project: TempRepo) -> None:
    project.agentctx("session", "start", "--id", "s")
    project.write("src/a.py", "A = 2\n")
    project.write("src/b.py", "B = 2\n")
    project.agentctx("session", "end", "--id", "s")
    (note,) = notes(project)
    assert "title: Work on src/a.py and 1 more" in note.read_text()
    project.agentctx("session", "end", "--id", "s", "--summary", "# Raised both\n\nThey were low.")
    text = note.read_text()
    assert text.count("Raised both") == 1 and "---\nThey were low.\n" in text


def test_words_that_come_after_somebodys_edit_are_sent_to_the_file(project: TempRepo) -> None:
    project.agentctx("session", "end", "--id", "s", "--summary", "Raised A")
    (note,) = notes(project)
    note.write_text(note.read_text() + "Not quite.\n")
    done = project.agentctx("session", "end", "--id", "s", "--next", "Raise B.")
    assert "kept: somebody has edited it since; say the rest in the file itself" in done.stderr
    hook(project, "session-end", "s")
    assert note.read_text().endswith("Not quite.\n")


def test_two_sessions_in_one_work_tree_leave_a_note_each(project: TempRepo) -> None:
    for session in ("one", "two"):
        hook(project, "session-start", session)
    project.write("src/a.py", "A = 2\n")
    for session, words in (("one", "Raised A"), ("two", "Looked at A")):
        done = project.agentctx("session", "end", "--id", session, "--summary", words)
        assert done.returncode == 0, done.stderr
    for session in ("one", "two"):
        hook(project, "session-end", session)
    assert [note.stem[11:] for note in notes(project)] == ["looked-at-a", "raised-a"]
