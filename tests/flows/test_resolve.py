"""Putting a conflicted note together, from git's index and from markers in the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentctx.notes.markers import chosen, regions
from tests.repository import TempRepo

NOTE = "agent-context/decisions/tokens.md"
BASE = """---
title: Tokens
tags:
  - auth
status: active
---
We sign tokens.

They are short-lived.
"""


def conflicted(repo: TempRepo, ours: str, theirs: str, driver: bool = False, base: str = BASE) -> TempRepo:
    repo.commit("base", {NOTE: base})
    if driver:
        repo.agentctx("init", "--no-hooks")
        repo.agentctx("hooks", "install")
        repo.git("config", "core.hooksPath", "/dev/null")
        repo.commit("context")
    repo.git("switch", "-q", "-c", "theirs")
    repo.commit("theirs", {NOTE: theirs})
    repo.git("switch", "-q", "main")
    repo.commit("ours", {NOTE: ours})
    repo.git("merge", "theirs", check=False)
    return repo


def tagged(tag: str) -> str:
    return BASE.replace("  - auth\n", f"  - auth\n  - {tag}\n")


def unmerged(repo: TempRepo) -> bool:
    return bool(repo.git("ls-files", "-u"))


def test_what_git_cannot_merge_by_line_is_merged_by_field(repo: TempRepo) -> None:
    conflicted(repo, tagged("ours"), tagged("theirs"))
    assert unmerged(repo)
    done = repo.agentctx("resolve", "tokens")
    assert done.returncode == 0, done.stderr
    assert "  - auth\n  - ours\n  - theirs\n" in (repo.root / NOTE).read_text()
    assert not unmerged(repo)


@pytest.mark.parametrize("driver", [False, True], ids=["by line", "by the driver"])
def test_a_contradiction_is_shown_and_nothing_written_until_a_side_is_chosen(
    repo: TempRepo, driver: bool
) -> None:
    ours, theirs = (tagged(who).replace("We sign", f"{who} sign") for who in ("You", "They"))
    conflicted(repo, ours, theirs, driver)
    before = (repo.root / NOTE).read_bytes()
    done = repo.agentctx("resolve", "tokens")
    assert done.returncode == 1
    assert "ours    You sign tokens." in done.stdout and "theirs  They sign tokens." in done.stdout
    assert (repo.root / NOTE).read_bytes() == before and unmerged(repo)
    assert repo.agentctx("resolve", "tokens", "--theirs").returncode == 0
    text = (repo.root / NOTE).read_text()
    assert "They sign tokens." in text and "You sign" not in text
    assert "  - They\n  - You\n" in text, "both tags stay, whichever side the paragraph is from"
    assert not unmerged(repo)


@pytest.mark.parametrize("side", ["ours", "theirs"])
@pytest.mark.parametrize("driver", [False, True], ids=["by line", "by the driver"])
def test_contradicting_titles_are_settled_in_the_front_matter(
    repo: TempRepo, side: str, driver: bool
) -> None:
    titles = {"ours": "One", "theirs": "Two"}
    versions = {name: BASE.replace("Tokens", title) for name, title in titles.items()}
    conflicted(repo, versions["ours"], versions["theirs"], driver)
    assert repo.agentctx("resolve", "tokens", f"--{side}").returncode == 0
    assert (repo.root / NOTE).read_text() == versions[side]


def test_a_persons_begun_mending_is_never_overwritten(repo: TempRepo) -> None:
    ours, theirs = (BASE.replace("We sign", f"{who} sign") for who in ("You", "They"))
    conflicted(repo, ours, theirs)
    path = repo.root / NOTE
    path.write_text(path.read_text().replace("short-lived", "my own words"))
    assert repo.agentctx("resolve", "tokens").returncode == 1
    assert repo.agentctx("resolve", "tokens", "--ours").returncode == 0
    assert "You sign" in path.read_text() and "my own words" in path.read_text()


def test_a_note_mended_by_hand_is_staged_as_it_is(repo: TempRepo) -> None:
    conflicted(repo, *(BASE.replace("We sign", f"{who} sign") for who in ("You", "They")))
    (repo.root / NOTE).write_text(BASE.replace("We sign", "All sign"))
    assert repo.agentctx("resolve", "tokens").returncode == 0
    assert (repo.root / NOTE).read_text() == BASE.replace("We sign", "All sign")
    assert not unmerged(repo)


def test_the_editor_settles_what_stays_open(repo: TempRepo, tmp_path: Path) -> None:
    conflicted(repo, *(BASE.replace("We sign", f"{who} sign") for who in ("You", "They")))
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i -e '/^<<<<<<</d' -e '/^=======/,/^>>>>>>>/d' \"$1\"\n")
    editor.chmod(0o755)
    done = repo.agentctx("resolve", NOTE, "--edit", env={"EDITOR": str(editor)})
    assert done.returncode == 0, done.stderr
    assert (repo.root / NOTE).read_text() == BASE.replace("We sign", "You sign")


def test_a_note_deleted_on_one_side_waits_for_a_word(repo: TempRepo) -> None:
    repo.commit("base", {NOTE: BASE, "a.txt": "a"})
    repo.git("switch", "-q", "-c", "theirs")
    (repo.root / NOTE).unlink()
    repo.commit("theirs")
    repo.git("switch", "-q", "main")
    repo.commit("ours", {NOTE: tagged("ours")})
    repo.git("merge", "theirs", check=False)
    done = repo.agentctx("resolve", "tokens")
    assert done.returncode == 1 and "deleted the note" in done.stderr
    assert repo.agentctx("resolve", "tokens", "--theirs").returncode == 0
    assert not (repo.root / NOTE).exists() and not unmerged(repo)


def test_markers_that_were_committed_are_settled_from_the_file(repo: TempRepo) -> None:
    marked = BASE.replace("We sign tokens.\n", "<<<<<<< a\nOne.\n=======\nTwo.\n>>>>>>> b\n")
    repo.commit("oops", {NOTE: marked})
    assert repo.agentctx("resolve", "tokens").returncode == 1
    assert repo.agentctx("resolve", "tokens", "--ours", "--json").returncode == 0
    assert (repo.root / NOTE).read_text() == BASE.replace("We sign tokens.\n", "One.\n")


def test_markers_with_their_base_are_merged(repo: TempRepo) -> None:
    marked = tagged("x").replace(
        "  - x\n", "<<<<<<< a\n  - ours\n||||||| base\n=======\n  - theirs\n>>>>>>> b\n"
    )
    repo.commit("oops", {NOTE: marked})
    done = repo.agentctx("resolve", "tokens", "--json")
    assert json.loads(done.stdout)["resolved"]["written"], done.stderr
    assert "  - auth\n  - ours\n  - theirs\n" in (repo.root / NOTE).read_text()


def test_a_note_without_conflict_is_left_alone(repo: TempRepo) -> None:
    repo.commit("base", {NOTE: BASE})
    done = repo.agentctx("resolve", "tokens")
    assert done.returncode == 2 and "no merge conflict" in done.stderr
    assert (repo.root / NOTE).read_text() == BASE


SAMPLE = "```\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n```\n"


def test_a_sample_of_a_conflict_in_a_fence_is_no_conflict(repo: TempRepo) -> None:
    repo.commit("base", {NOTE: BASE + SAMPLE})
    assert repo.agentctx("resolve", "tokens", "--ours").returncode == 2
    assert (repo.root / NOTE).read_text() == BASE + SAMPLE
    assert "conflict" not in repo.agentctx("lint").stdout
    assert json.loads(repo.agentctx("status", "--json").stdout)["notes"][0]["state"] != "conflicted"


@pytest.mark.parametrize("mended", [False, True], ids=["as git left it", "begun by hand"])
@pytest.mark.parametrize("driver", [False, True], ids=["by line", "by the driver"])
def test_a_real_conflict_leaves_a_sample_alone(repo: TempRepo, driver: bool, mended: bool) -> None:
    base = BASE + SAMPLE
    ours, theirs = (base.replace("We sign", f"{who} sign") for who in ("You", "They"))
    conflicted(repo, ours, theirs, driver, base)
    path = repo.root / NOTE
    if mended:
        path.write_text(path.read_text().replace("short-lived", "my own words"))
    assert repo.agentctx("resolve", "tokens").returncode == 1
    done = repo.agentctx("resolve", "tokens", "--theirs")
    assert done.returncode == 0, done.stderr
    assert path.read_text() == (theirs.replace("short-lived", "my own words") if mended else theirs)
    assert not unmerged(repo)


@pytest.mark.parametrize("side", ["ours", "theirs"])
@pytest.mark.parametrize("driver", [False, True], ids=["by line", "by the driver"])
def test_an_underlined_heading_in_a_conflict_is_no_marker(repo: TempRepo, driver: bool, side: str) -> None:
    base = "---\ntitle: T\n---\nIntro\n=======\n\nText one.\n"
    versions = {
        who: base.replace("Intro", f"Intro {who}").replace("one", f"one {who}") for who in ("ours", "theirs")
    }
    conflicted(repo, versions["ours"], versions["theirs"], driver, base)
    done = repo.agentctx("resolve", "tokens", f"--{side}")
    assert done.returncode == 0, done.stderr
    assert (repo.root / NOTE).read_text() == versions[side]


def test_a_conflict_whose_middle_nobody_can_tell_is_left_to_a_person(repo: TempRepo) -> None:
    marked = BASE + "<<<<<<< a\nOne\n=======\n\n=======\nTwo\n=======\n>>>>>>> b\n"
    repo.commit("oops", {NOTE: marked})
    done = repo.agentctx("resolve", "tokens", "--ours")
    assert done.returncode == 2 and "look like its markers" in done.stderr
    assert (repo.root / NOTE).read_text() == marked


def test_half_a_conflict_left_by_hand_is_not_staged(repo: TempRepo) -> None:
    conflicted(repo, *(BASE.replace("We sign", f"{who} sign") for who in ("You", "They")))
    path = repo.root / NOTE
    path.write_text(path.read_text().replace("=======\n", ""))
    assert repo.agentctx("resolve", "tokens").returncode == 2
    assert unmerged(repo)


def test_a_note_added_on_both_sides_and_mended_by_hand_is_staged_as_it_is(repo: TempRepo) -> None:
    repo.commit("base", {"a.txt": "a"})
    repo.git("switch", "-q", "-c", "theirs")
    repo.commit("theirs", {NOTE: BASE.replace("We sign", "They sign")})
    repo.git("switch", "-q", "main")
    repo.commit("ours", {NOTE: BASE.replace("We sign", "You sign")})
    repo.git("merge", "theirs", check=False)
    (repo.root / NOTE).write_text(BASE.replace("We sign", "All sign"))
    assert repo.agentctx("resolve", "tokens").returncode == 0
    assert (repo.root / NOTE).read_text() == BASE.replace("We sign", "All sign") and not unmerged(repo)


@pytest.mark.parametrize("side", ["ours", "theirs"])
@pytest.mark.parametrize("driver", [False, True], ids=["by line", "by the driver"])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        pytest.param("owner: b\n", "owner: c\n", id="a field of the team's own"),
        pytest.param("status: archived\nfoo: {x: 1}\n", "status: superseded\nfoo: {x: 2}\n", id="two"),
    ],
)
def test_contradicting_fields_of_any_name_never_end_up_in_the_body(
    repo: TempRepo, driver: bool, side: str, ours: str, theirs: str
) -> None:
    versions = {"ours": ours, "theirs": theirs}
    versions = {who: BASE.replace("status: active\n", lines) for who, lines in versions.items()}
    conflicted(repo, versions["ours"], versions["theirs"], driver)
    assert repo.agentctx("resolve", "tokens", f"--{side}").returncode == 0
    found, wanted = ((repo.root / NOTE).read_text().split("---\n"), versions[side].split("---\n"))
    assert sorted(found[1].splitlines()) == sorted(wanted[1].splitlines())
    assert found[2] == wanted[2]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param(SAMPLE + "<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n", [8], id="behind a sample"),
        pytest.param("<<<<<<< a\n```\n=======\n```\nx\n>>>>>>> b\ny\n```\n" + SAMPLE, [1], id="fence begun"),
        pytest.param("```\n" + SAMPLE[4:-4], [2], id="a fence that is never closed"),
        pytest.param("<<<<<<< a\nx\n<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n", [3], id="after half a one"),
        pytest.param("<<<<<<<< a\nT\n=======\n========\n>>>>>>>> b\n", [1], id="longer markers"),
        pytest.param("x\u2028<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n", [], id="not at a line's start"),
    ],
)
def test_where_a_conflict_begins(text: str, lines: list[int]) -> None:
    found = regions(text)
    assert [region.line for region in found] == lines
    assert all(region.clear for region in found)


def test_half_a_conflict_is_none() -> None:
    assert regions("<<<<<<< a\nx\n=======\ny\n") == []
    assert regions("=======\n>>>>>>> b\n") == []
    assert chosen(b"Title\n=======\ntext\n", "ours") == b"Title\n=======\ntext\n"


def test_a_paragraph_that_looks_like_a_field_is_no_field() -> None:
    marked = "---\ntitle: T\n---\n<<<<<<< a\nNote: one\n=======\nNote: two\n>>>>>>> b\n"
    assert chosen(marked.encode(), "theirs") == b"---\ntitle: T\n---\nNote: two\n"
