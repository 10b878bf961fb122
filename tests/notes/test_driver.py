"""git's merge driver in real merges, rebases, cherry-picks and merge-tree, with and without a command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentctx.git import Git
from agentctx.integrations import mergedriver
from agentctx.notes.driver import CONFLICT, LEFT, MERGED
from agentctx.notes.driver import main as drive
from bench.merge import measure
from tests.repository import TempRepo

NOTE = "agent-context/decisions/tokens.md"
RECORD = "agent-context/.verified/tokens"
BASE = """---
title: Tokens
tags:
  - auth
status: active
---
We sign tokens.

They are short-lived.
"""
OURS = BASE.replace("  - auth\n", "  - auth\n  - ours\n").replace("We sign", "We always sign")
THEIRS = BASE.replace("  - auth\n", "  - auth\n  - theirs\n").replace("short-lived", "very short-lived")
BOTH = BASE.replace("  - auth\n", "  - auth\n  - ours\n  - theirs\n").replace("We sign", "We always sign")
BOTH = BOTH.replace("short-lived", "very short-lived")


def forked(repo: TempRepo, ours: str = OURS, theirs: str = THEIRS, path: str = NOTE) -> TempRepo:
    """Branches main and theirs, each with its own edit of one note, and the driver registered."""
    with Git.open(repo.root) as git:
        mergedriver.register(git)
    mergedriver.add_attributes(repo.root, "agent-context")
    repo.commit("base", {path: BASE})
    repo.git("switch", "-q", "-c", "theirs")
    repo.commit("theirs", {path: theirs})
    repo.git("switch", "-q", "main")
    repo.commit("ours", {path: ours})
    return repo


WAYS = {
    "merge": (("merge", "-q", "-m", "m", "theirs"), NOTE),
    "octopus-free merge without fast-forward": (("merge", "-q", "--no-ff", "-m", "m", "theirs"), NOTE),
    "rebase": (("rebase", "-q", "theirs"), NOTE),
    "cherry-pick": (("cherry-pick", "theirs"), NOTE),
    "squash": (("merge", "-q", "--squash", "theirs"), NOTE),
}


@pytest.mark.parametrize("way", WAYS)
def test_two_edits_of_one_note_come_together_in_every_way_that_git_merges(repo: TempRepo, way: str) -> None:
    command, path = WAYS[way]
    forked(repo).git(*command)
    assert (repo.root / path).read_text() == BOTH
    assert list(repo.root.rglob("*agentctx-tmp")) == []


def test_merge_tree_merges_without_a_work_tree_of_its_own(repo: TempRepo) -> None:
    forked(repo)
    (repo.root / NOTE).write_text("the work tree is never looked at")
    tree = repo.git("merge-tree", "--write-tree", "main", "theirs").splitlines()[0]
    assert repo.git("show", f"{tree}:{NOTE}") + "\n" == BOTH


def test_a_contradiction_stands_between_markers_in_the_body_and_git_knows(repo: TempRepo) -> None:
    ours, theirs = (BASE.replace("We sign", f"{who} sign") for who in ("You", "They"))
    forked(repo, ours, theirs)
    merged = subprocess.run(["git", "merge", "theirs"], cwd=repo.root, capture_output=True, check=False)
    assert merged.returncode == 1
    assert repo.git("ls-files", "-u", "--", NOTE).count("\n") == 2
    text = (repo.root / NOTE).read_text()
    assert "<<<<<<< ours\nYou sign tokens.\n=======\nThey sign tokens.\n>>>>>>> theirs\n" in text
    assert text.startswith(BASE.partition("We sign")[0])


def test_two_titles_leave_the_front_matter_whole(repo: TempRepo) -> None:
    ours, theirs = (BASE.replace("title: Tokens", f"title: {who}") for who in ("One", "Two"))
    forked(repo, ours, theirs)
    repo.git("merge", "theirs", check=False)
    head, _, body = (repo.root / NOTE).read_text().partition("---\nWe")[0].partition("<<<<<<<")
    assert "title: Tokens" in head and "title: One" in body and "title: Two" in body


BROKEN = {
    "missing": "/nowhere/python",
    "failing": "/bin/false",
    "killed": "killer",
}


@pytest.mark.parametrize("python", BROKEN)
def test_without_a_working_driver_ordinary_markers_are_the_worst(
    repo: TempRepo, python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killer = tmp_path / "killer"
    killer.write_text("#!/bin/sh\nkill -9 $$\n")
    killer.chmod(0o755)
    forked(repo, OURS, OURS.replace("ours", "mine"))
    program = str(killer) if python == "killed" else BROKEN[python]
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    repo.git("config", "merge.agentctx.driver", mergedriver.command(program))
    merged = subprocess.run(["git", "merge", "theirs"], cwd=repo.root, capture_output=True, check=False)
    assert merged.returncode == 1
    text = (repo.root / NOTE).read_text()
    assert "<<<<<<< ours\n  - ours\n=======\n  - mine\n>>>>>>> theirs\n" in text
    assert repo.git("ls-files", "-u", "--", NOTE)


def test_a_clone_without_the_command_merges_by_line(repo: TempRepo) -> None:
    forked(repo, OURS, BASE.replace("short-lived", "very short-lived"))
    repo.git("config", "--remove-section", "merge.agentctx")
    repo.git("merge", "-q", "-m", "m", "theirs")
    assert "very short-lived" in (repo.root / NOTE).read_text()


def test_a_name_cannot_run_anything(repo: TempRepo) -> None:
    name = "agent-context/decisions/a; touch pwned $(touch pwned2) 'b'.md"
    forked(repo, path=name).git("merge", "-q", "-m", "m", "theirs")
    assert (repo.root / name).read_text() == BOTH
    assert sorted(p.name for p in repo.root.iterdir()) == [".git", "agent-context"]


def test_stamps_changed_on_both_sides_stay_at_the_base_and_never_conflict(repo: TempRepo) -> None:
    def record(value: str, more: str = "") -> str:
        return f"# Generated\nsrc/a.py#f\n  1 sig:{value}\n{more}"

    with Git.open(repo.root) as git:
        mergedriver.register(git)
    mergedriver.add_attributes(repo.root, "agent-context")
    repo.commit("base", {RECORD: record("00")})
    repo.git("switch", "-q", "-c", "theirs")
    repo.commit("theirs", {RECORD: record("11", "src/b.py\n  1 text:33\n")})
    repo.git("switch", "-q", "main")
    repo.commit("ours", {RECORD: record("22")})
    repo.git("merge", "-q", "-m", "m", "theirs")
    text = (repo.root / RECORD).read_text()
    assert "1 sig:00" in text and "src/b.py\n  1 text:33\n" in text


def test_the_driver_leaves_alone_what_it_cannot_read(tmp_path: Path) -> None:
    files = []
    for name, data in (("o", b"---\na: 1\n---\n"), ("a", b"---\na: [\n---\nx\n"), ("b", b"---\na: 2\n---\n")):
        (tmp_path / name).write_bytes(data)
        files.append(str(tmp_path / name))
    assert drive([*files, "7", "agent-context/x.md"]) == LEFT
    assert (tmp_path / "a").read_bytes() == b"---\na: [\n---\nx\n"
    assert drive([*files[:2], str(tmp_path / "missing"), "7", "x.md"]) == LEFT
    assert drive(["too", "few"]) == LEFT
    assert drive([*files, "seven", "x.md"]) == LEFT


def test_markers_are_as_long_as_git_asks(tmp_path: Path) -> None:
    files = []
    for name, data in (("o", "One.\n"), ("a", "Two.\n"), ("b", "Three.\n")):
        (tmp_path / name).write_text(data)
        files.append(str(tmp_path / name))
    assert drive([*files, "9", "agent-context/x.md"]) == CONFLICT
    nine = f"{'<' * 9} ours\nTwo.\n{'=' * 9}\nThree.\n{'>' * 9} theirs\n"
    assert (tmp_path / "a").read_text() == nine
    assert drive([files[0], files[0], files[2], "7", "x.md"]) == MERGED


def test_the_driver_starts_without_anything_heavy(tmp_path: Path) -> None:
    for name, text in (("o", BASE), ("a", OURS), ("b", THEIRS)):
        (tmp_path / name).write_text(text)
    code = (
        "import sys; from agentctx.notes.driver import main;"
        "assert main(['o', 'a', 'b', '7', 'agent-context/x.md']) == 0;"
        "print([m for m in ('numpy', 'jinja2', 'git', 'click', 'agentctx.model') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
    command = [sys.executable, "-P", "-m", "agentctx.notes.driver", "o", "a", "b", "7", "x.md"]
    times = []
    for _ in range(5):
        (tmp_path / "a").write_text(OURS)
        before = os.times()
        subprocess.run(command, cwd=tmp_path, check=True)
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        times.append(spent)
    assert min(times) < 0.4, "processor time; an idle machine takes under 150 ms"


def test_registering_twice_changes_no_byte_and_unregistering_restores_them(repo: TempRepo) -> None:
    attributes = repo.write("agent-context/.gitattributes", "*.png binary")
    config = repo.root / ".git/config"
    before = config.read_bytes(), attributes.read_bytes()
    with Git.open(repo.root) as git:
        assert mergedriver.register(git).outcome == "created"
        assert mergedriver.add_attributes(repo.root, "agent-context").outcome == "added"
        registered = config.read_bytes(), attributes.read_bytes()
        assert mergedriver.register(git).outcome == "present"
        assert mergedriver.add_attributes(repo.root, "agent-context").outcome == "present"
        assert (config.read_bytes(), attributes.read_bytes()) == registered
        assert mergedriver.unregister(git).outcome == "removed"
        assert mergedriver.remove_attributes(repo.root, "agent-context").outcome == "removed"
        assert mergedriver.unregister(git).outcome == "absent"
    assert config.read_bytes() == before[0]
    assert attributes.read_bytes() == before[1] + b"\n"


def test_init_registers_the_driver_and_hooks_install_does_so_in_a_teammates_clone(
    repo: TempRepo, tmp_path: Path
) -> None:
    repo.commit("code", {"a.py": "A = 1\n"})
    assert repo.agentctx("init").returncode == 0
    assert "*.md merge=agentctx" in (repo.root / "agent-context/.gitattributes").read_text()
    assert "agentctx.notes.driver" in repo.git("config", "merge.agentctx.driver")
    repo.commit("context")
    repo.git("clone", "-q", ".", str(tmp_path / "clone"))
    clone = TempRepo(tmp_path / "clone")
    assert "merged by line" in clone.agentctx("hooks", "status").stdout
    clone.agentctx("hooks", "install")
    assert "agentctx.notes.driver" in clone.git("config", "merge.agentctx.driver")
    clone.agentctx("hooks", "uninstall")
    assert clone.git("config", "merge.agentctx.driver", check=False) == ""


def test_two_hundred_random_merges_conflict_rarely_and_lose_no_word() -> None:
    found = measure(200, 3)
    driver, plain = found["driver"], found["plain git"]
    assert (driver.words_lost, driver.markers_in_front_matter, driver.unreadable) == (0, 0, 0)
    assert driver.conflicts <= 0.05 * driver.notes
    assert driver.conflicts < plain.conflicts <= 0.25 * plain.notes
