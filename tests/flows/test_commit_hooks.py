"""The gate as git's hooks ask it: of a commit that finishes a merge, and of what is being pushed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.flows.test_gate import FREE_RATE, MONEY, note, verify
from tests.repository import TempRepo

WRONG_SPLIT = MONEY.replace("return [share + 1] * rest", "return [share + 2] * rest")
AGE = "MAX_AGE = 900\n"


@pytest.fixture
def shop(repo: TempRepo) -> TempRepo:
    """Three notes that are true on main."""
    repo.write("src/money.py", MONEY)
    repo.write("src/age.py", AGE)
    note(repo, "tax", "src/money.py#add_tax", "Tax is added once.")
    note(repo, "shares", "src/money.py#split", "No cent is lost.")
    note(repo, "age", "src/age.py", "It is `MAX_AGE = 900`.")
    verify(repo)
    repo.commit("Start", {"word.txt": "start\n"})
    return repo


def merging(repo: TempRepo, on_main: dict[str, str], on_branch: dict[str, str]) -> None:
    """Stands on a branch in the middle of a merge of main that conflicted in a word and is resolved."""
    repo.git("checkout", "-q", "-b", "feat")
    repo.commit("On the branch", {"word.txt": "branch\n", **on_branch})
    repo.git("checkout", "-q", "main")
    repo.commit("On main", {"word.txt": "main\n", **on_main})
    repo.git("checkout", "-q", "feat")
    repo.git("merge", "main", check=False)
    repo.write("word.txt", "both\n")
    repo.git("add", "-A")


def blamed(repo: TempRepo, *options: str) -> tuple[int, set[tuple[str, bool]]]:
    """The exit code, and of what is told: (note, was it so before)."""
    done = repo.agentctx("check", *options, "--json")
    return done.returncode, {(f["note"], f["known"]) for f in json.loads(done.stdout)["findings"]}


@pytest.mark.parametrize("base", ["HEAD", "main", "MERGE_HEAD"])
def test_a_commit_that_finishes_a_merge_is_not_blamed_for_what_the_other_side_did(
    shop: TempRepo, base: str
) -> None:
    merging(shop, {"src/money.py": FREE_RATE, "src/age.py": "MAX_AGE = 1800\n"}, {"src/z.py": "Z = 1\n"})
    assert blamed(shop, "--base", base) == (0, {("tax", True), ("age", True)})


def test_what_the_branch_did_in_an_earlier_commit_is_not_told_of_its_merge(shop: TempRepo) -> None:
    merging(shop, {"src/z.py": "Z = 1\n"}, {"src/money.py": FREE_RATE})
    assert blamed(shop, "--base", "HEAD") == (0, {("tax", True)})
    assert blamed(shop, "--base", "main") == (1, {("tax", False)})


def test_what_only_the_merge_itself_makes_false_is_its_own(shop: TempRepo) -> None:
    merging(shop, {"src/age.py": "MAX_AGE = 1800\n"}, {"src/z.py": "Z = 1\n"})
    shop.write("src/money.py", WRONG_SPLIT)
    shop.git("add", "-A")
    assert blamed(shop, "--base", "HEAD") == (1, {("shares", False), ("age", True)})


# ----------------------------------------------------------------------------- before a push


def pushing(repo: TempRepo, **told: str) -> int:
    env = {f"PRE_COMMIT_{name}": value for name, value in told.items()}
    return repo.agentctx("check", "--push", env=env).returncode


def test_the_first_push_of_all_is_checked_against_nothing(shop: TempRepo) -> None:
    assert pushing(shop, LOCAL_BRANCH="refs/heads/main") == 0
    shop.commit("Break it", {"src/money.py": FREE_RATE})
    assert pushing(shop, LOCAL_BRANCH="refs/heads/main") == 1
    assert pushing(shop, LOCAL_BRANCH="refs/heads/main~1") == 0


def test_without_a_default_branch_what_the_remote_has_is_the_base(shop: TempRepo) -> None:
    old = shop.commit("Break it", {"src/money.py": FREE_RATE})
    new = shop.commit("Go on", {"src/z.py": "Z = 1\n"})
    assert pushing(shop, FROM_REF=old, TO_REF=new) == 0
    assert pushing(shop, FROM_REF=f"{old}~1", TO_REF=new) == 1


@pytest.mark.parametrize(("guilty", "code"), [("feat", 1), ("other", 0)])
def test_the_branch_that_is_pushed_is_checked_and_not_the_one_checked_out(
    shop: TempRepo, tmp_path: Path, guilty: str, code: int
) -> None:
    own = TempRepo(tmp_path / "own")
    subprocess.run(["git", "clone", "-q", str(shop.root), str(own.root)], check=True)
    for branch in ("feat", "other"):
        own.git("checkout", "-q", "-b", branch, "origin/main")
        own.commit("Go on", {"src/money.py": FREE_RATE} if branch == guilty else {"src/z.py": "Z = 1\n"})
    shas = {"FROM_REF": own.git("rev-parse", "origin/main"), "TO_REF": own.git("rev-parse", "feat")}
    assert pushing(own, **shas) == code


def test_what_is_pushed_is_not_typed_as_well(shop: TempRepo) -> None:
    done = shop.agentctx("check", "--push", "--head", "HEAD")
    assert done.returncode == 2
    assert "--head" in done.stderr


# ----------------------------------------------------------------------------- its reports


@pytest.mark.parametrize(
    "options",
    [
        ("--out", "a.json", "--also", "sarif=a.json"),
        ("--out", "a.json", "--also", "sarif=./x/../a.json"),
        ("--also", "gitlab=a.json", "--also", "sarif=a.json"),
    ],
)
def test_two_reports_are_not_written_to_one_file(shop: TempRepo, options: tuple[str, ...]) -> None:
    (shop.root / "x").mkdir()
    done = shop.agentctx("check", "--base", "HEAD", *options)
    assert done.returncode == 2
    assert "one file" in done.stderr
    assert not (shop.root / "a.json").exists()
