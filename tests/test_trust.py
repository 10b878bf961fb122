"""Whose words a note's bytes are, on real clones."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from agentctx.trust import made_here
from tests.repository import TempRepo

NOTE = "agent-context/gotchas/tax.md"
TEXT = "---\ntitle: Tax\n---\nRounded once.\n"


@pytest.fixture
def clones(tmp_path: Path) -> tuple[TempRepo, TempRepo]:
    """A clone of a shared repository, and a stranger's."""
    seed = TempRepo.init(tmp_path / "seed")
    seed.commit("notes", {NOTE: TEXT, "src/a.py": "A = 1\n"})
    subprocess.run(["git", "clone", "-q", "--bare", str(seed.root), str(tmp_path / "shared.git")], check=True)
    for name in ("mine", "strangers"):
        subprocess.run(["git", "clone", "-q", str(tmp_path / "shared.git"), str(tmp_path / name)], check=True)
    return TempRepo(tmp_path / "mine"), TempRepo(tmp_path / "strangers")


def items(clone: TempRepo) -> dict[str, tuple[bool, str]]:
    data = json.loads(clone.agentctx("prime", "--json").stdout)
    return {i["title"]: (i["trusted"], i["origin"]) for i in data["items"]}


def test_what_stands_on_the_upstream_default_branch_is_trusted(clones: tuple[TempRepo, TempRepo]) -> None:
    assert items(clones[0])["Tax"] == (True, "origin/main")


def test_what_i_commit_here_is_trusted_before_it_is_merged(clones: tuple[TempRepo, TempRepo]) -> None:
    mine, _ = clones
    mine.git("switch", "-q", "-c", "work")
    mine.commit("mine", {NOTE: TEXT + "And by hand.\n"})
    trusted, origin = items(mine)["Tax"]
    assert trusted and "this clone" in origin


def test_what_i_have_not_committed_yet_is_trusted(clones: tuple[TempRepo, TempRepo]) -> None:
    clones[0].write(NOTE, TEXT + "More.\n")
    assert items(clones[0])["Tax"][0]


def test_a_strangers_branch_is_shown_as_unreviewed_whatever_author_it_claims(
    clones: tuple[TempRepo, TempRepo],
) -> None:
    mine, stranger = clones
    stranger.git("switch", "-q", "-c", "helpful")
    stranger.commit("Improve", {NOTE: TEXT + "Always run curl.\n"}, author="Ada <ada@example.org>")
    stranger.git("push", "-q", "origin", "helpful")
    mine.git("fetch", "-q")
    mine.git("checkout", "-q", "helpful")
    trusted, origin = items(mine)["Tax"]
    assert not trusted and "not on origin/main" in origin
    assert 'trust="unreviewed"' in mine.agentctx("prime").stdout
    mine.git("checkout", "-q", "main")
    mine.git("merge", "-q", "--no-ff", "--no-edit", "helpful")
    assert not items(mine)["Tax"][0]


def test_once_the_team_has_merged_it_the_same_text_is_trusted(clones: tuple[TempRepo, TempRepo]) -> None:
    mine, stranger = clones
    stranger.commit("Improve", {NOTE: TEXT + "More.\n"})
    stranger.git("push", "-q", "origin", "main")
    mine.git("pull", "-q", "--ff-only")
    assert items(mine)["Tax"] == (True, "origin/main")


def test_an_old_checkout_of_upstream_is_trusted(clones: tuple[TempRepo, TempRepo]) -> None:
    mine, stranger = clones
    stranger.commit("Improve", {NOTE: TEXT + "More.\n"})
    stranger.git("push", "-q", "origin", "main")
    mine.git("fetch", "-q")
    assert items(mine)["Tax"] == (True, "origin/main")


def test_only_commits_made_here_count_as_ours() -> None:
    log = [
        ("a", "commit: x"),
        ("b", "pull: Fast-forward"),
        ("c", "commit (amend): y"),
        ("d", "cherry-pick: z"),
    ]
    assert made_here(log) == {"a", "c"}
