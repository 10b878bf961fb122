"""A range of commits, and the notes it is held against: those of its end, whatever lies on disk."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.repository import TempRepo

TOKENS = (
    "MAX_AGE = 900\n\n\ndef issue_token(user):\n    return sign(user, MAX_AGE)\n\n\n"
    "def sign(user, age):\n    return f'{user}:{age}'\n\n\ndef other():\n    return 1\n"
)
BROKEN = TOKENS.replace("return sign(user, MAX_AGE)", "return sign(user.lower(), MAX_AGE + 60)")


@pytest.fixture
def shop(repo: TempRepo) -> TempRepo:
    repo.commit("Start", {"src/tokens.py": TOKENS})
    written = repo.agentctx(
        "new", "gotcha", "Tokens are short", "--anchor", "src/tokens.py#issue_token", "--body", "Issued once."
    )
    assert written.returncode == 0, written.stderr
    repo.commit("Write it down")
    return repo


def ask(repo: TempRepo, span: str) -> tuple[dict[str, Any], str]:
    done = repo.agentctx("affected", span, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def first(repo: TempRepo, span: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(repo, span)[0]["notes"][0]
    return found


@pytest.mark.parametrize("committed", [True, False], ids=["a later commit", "an edit on disk"])
def test_what_came_after_the_range_is_no_part_of_it(shop: TempRepo, committed: bool) -> None:
    end = shop.commit("Unrelated", {"README.md": "# Shop\n"})
    before = first(shop, f"{end}~1..{end}")
    shop.write("src/tokens.py", BROKEN)
    if committed:
        shop.commit("Break it")
    assert first(shop, f"{end}~1..{end}") == before
    assert not before["flag"]


def test_a_branch_is_held_against_its_own_code_wherever_one_stands(shop: TempRepo) -> None:
    shop.git("checkout", "-q", "-b", "feat")
    shop.commit("Break it", {"src/tokens.py": BROKEN})
    there = first(shop, "main..feat")
    shop.git("checkout", "-q", "main")
    assert first(shop, "main..feat") == there
    assert there["flag"]
    assert any("issue_token" in reason for reason in there["reasons"]), there["reasons"]


def test_a_note_that_the_branch_brings_is_among_the_notes(shop: TempRepo) -> None:
    shop.git("checkout", "-q", "-b", "feat")
    shop.agentctx("new", "gotcha", "One is one", "--anchor", "src/tokens.py#other", "--body", "Always.")
    shop.commit("Another note")
    shop.git("checkout", "-q", "main")
    assert {n["id"] for n in ask(shop, "main..feat")[0]["notes"]} == {"tokens-are-short", "one-is-one"}


def test_before_the_first_note_those_of_now_are_shown_and_said_to_be(shop: TempRepo) -> None:
    old = shop.git("rev-parse", "HEAD~1")
    shop.commit("Break it", {"src/tokens.py": BROKEN})
    shop.commit("Go on", {"README.md": "# Shop\n"})
    other = shop.git("commit-tree", f"{old}^{{tree}}", "-p", old, "-m", "nothing")
    answer, said = ask(shop, f"{old}..{other}")
    assert [(n["id"], n["flag"]) for n in answer["notes"]] == [("tokens-are-short", False)]
    assert f"{other[:8]} has no notes" in said


# ----------------------------------------------------------------------------- where a range begins


@pytest.mark.parametrize("dots", ["..", "..."])
def test_what_the_base_did_meanwhile_is_no_part_of_a_branch(shop: TempRepo, dots: str) -> None:
    fork = shop.git("rev-parse", "HEAD")
    shop.git("checkout", "-q", "-b", "feat")
    end = shop.commit("Unrelated", {"README.md": "# Shop\n"})
    shop.git("checkout", "-q", "main")
    shop.commit("Break it", {"src/tokens.py": BROKEN})
    answer, said = ask(shop, f"main{dots}feat")
    assert answer["range"] == f"{fork}..{end}"
    assert not answer["notes"][0]["flag"]
    assert ("main has moved on" in said and fork[:8] in said) == (dots == "..")


def test_a_branch_that_is_merged_brings_nothing_more(shop: TempRepo) -> None:
    shop.git("branch", "feat")
    shop.commit("Break it", {"src/tokens.py": BROKEN})
    answer, said = ask(shop, "main..feat")
    assert not any(n["flag"] for n in answer["notes"])
    assert "main has all of feat already" in said


@pytest.mark.parametrize("command", ["affected", "sync"])
def test_a_clone_that_does_not_reach_the_merge_base_says_so(
    shop: TempRepo, tmp_path: Path, command: str
) -> None:
    shop.git("checkout", "-q", "-b", "feat")
    shop.commit("One", {"a.txt": "1\n"})
    shop.commit("Two", {"a.txt": "2\n"})
    shop.git("checkout", "-q", "main")
    shop.commit("Main goes on", {"README.md": "# Shop\n"})
    clone = TempRepo(tmp_path / "clone")
    url = f"file://{shop.root}"
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", "--no-single-branch", url, str(clone.root)], check=True
    )
    done = clone.agentctx(command, "origin/main...origin/feat")
    assert done.returncode == 2
    assert "shallow" in done.stderr
    assert "git fetch --unshallow" in done.stderr


@pytest.mark.parametrize("span", ["", "..", "...", "..HEAD", "...HEAD", "HEAD....HEAD"])
def test_what_is_no_range_is_refused_with_an_example(shop: TempRepo, span: str) -> None:
    done = shop.agentctx("affected", span)
    assert done.returncode == 2
    assert "HEAD~1..HEAD" in done.stderr
