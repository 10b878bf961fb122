"""What branches do to records, anchors and folders lest anything speak against them: it still does."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from agentctx.flows.making import Making
from agentctx.flows.restamp import restamp
from agentctx.git import Git
from tests.flows.test_gate import check, false_now, verify
from tests.repository import TempRepo

TOKENS = """MAX_AGE = 900


def issue_token(user):
    return sign(user + str(MAX_AGE))


def sign(text):
    return text[::-1]


def other():
    return 1
"""
BROKEN = TOKENS.replace("user + str(MAX_AGE)", 'user + "x" + str(MAX_AGE)')
OLDER = TOKENS.replace("MAX_AGE = 900", "MAX_AGE = 1800")
NOTE = "agent-context/gotchas/tokens.md"
RECORD = "agent-context/.verified/tokens"
TEXT = "---\ntitle: Tokens age\ntags: [a]\nanchors:\n{}---\nTokens live `MAX_AGE = 900` seconds.\n"
ANCHOR = "  - src/tokens.py#issue_token\n"
STALE = [("tokens", "stale", "error")]


@pytest.fixture
def shop(repo: TempRepo) -> TempRepo:
    """A verified note about a function and a constant on main, and a branch that is checked out."""
    repo.write("src/tokens.py", TOKENS)
    repo.write("README.md", "# Shop\n")
    repo.write(NOTE, TEXT.format(ANCHOR))
    verify(repo)
    repo.commit("Start")
    repo.git("checkout", "-q", "-b", "feature")
    return repo


def anchored(*names: str) -> str:
    return TEXT.format("".join(f"  - src/tokens.py#{name}\n" for name in names))


# ----------------------------------------------------------------------------- no record


def by_hand(repo: TempRepo) -> None:
    """The note on main, written after the code, by somebody who never verified it."""
    repo.git("checkout", "-q", "main")
    repo.git("rm", "-q", NOTE, RECORD)
    repo.commit("No note")
    repo.commit("By hand", {NOTE: TEXT.format(ANCHOR)})


@pytest.mark.parametrize("head", ["", "HEAD"], ids=["on disk", "committed"])
def test_a_note_that_nobody_ever_verified_is_guarded(shop: TempRepo, head: str) -> None:
    by_hand(shop)
    shop.git("checkout", "-q", "-B", "feature")
    assert check(shop, head)["findings"] == []
    shop.commit("Break", {"src/tokens.py": BROKEN}, author="Bob <bob@example.org>")
    (finding,) = [f for f in check(shop, head, code=1)["findings"] if f["severity"] == "error"]
    assert (finding["note"], finding["state"], finding["known"]) == ("tokens", "stale", False)
    assert finding["settle"] == "agentctx verify tokens"
    assert "by Bob" in finding["reason"]
    assert '+    return sign(user + "x" + str(MAX_AGE))' in finding["diff"]
    verify(shop, "tokens")
    shop.commit("Verified")
    assert check(shop, head)["findings"] == []


def test_a_note_without_a_record_that_is_rewritten_is_no_finding(shop: TempRepo) -> None:
    by_hand(shop)
    shop.git("checkout", "-q", "-B", "feature")
    shop.commit("Break", {"src/tokens.py": BROKEN})
    shop.commit("Say so", {NOTE: TEXT.format(ANCHOR) + "They hold an x.\n"})
    assert false_now(check(shop, "HEAD")) == []


def test_a_note_that_was_false_without_a_record_is_not_held_against_the_branch(shop: TempRepo) -> None:
    by_hand(shop)
    shop.commit("Break", {"src/tokens.py": BROKEN})
    shop.git("checkout", "-q", "-B", "feature")
    shop.commit("Docs", {"README.md": "# The shop\n"})
    assert check(shop, "HEAD")["findings"] == []


# ----------------------------------------------------------------------------- records taken away


def delete(repo: TempRepo) -> None:
    (repo.root / RECORD).unlink()


def empty(repo: TempRepo) -> None:
    repo.write(RECORD, "")


def garble(repo: TempRepo) -> None:
    repo.write(RECORD, "nothing\n  to see\n")


def another_scheme(repo: TempRepo) -> None:
    repo.write(RECORD, "src/tokens.py#issue_token\n  99 sig:0 body:0\n")


def another_form(repo: TempRepo) -> None:
    repo.write(RECORD, "src/tokens.py#issue_token\n  1 text:abc\n")


def move(repo: TempRepo) -> None:
    (repo.root / "agent-context/patterns").mkdir(exist_ok=True)
    repo.git("mv", NOTE, "agent-context/patterns/tokens.md")
    delete(repo)


def tag(repo: TempRepo) -> None:
    repo.write(NOTE, TEXT.format(ANCHOR).replace("[a]", "[a, b]"))


DISARMING = [delete, empty, garble, another_scheme, another_form, move, tag]


@pytest.mark.parametrize("disarm", DISARMING)
@pytest.mark.parametrize("together", [True, False], ids=["in one commit", "in two commits"])
@pytest.mark.parametrize("code", [BROKEN, OLDER], ids=["a function", "a value"])
def test_a_branch_that_breaks_a_note_cannot_silence_it(
    shop: TempRepo, disarm: Callable[[TempRepo], None], together: bool, code: str
) -> None:
    disarm(shop)
    if not together:
        shop.commit("Tidy up")
    shop.commit("Break", {"src/tokens.py": code})
    for head in ("", "HEAD"):
        found = false_now(check(shop, head, code=1))
        assert [f for f in found if f[2] == "error"] == STALE


def test_the_commit_hook_vouches_for_no_code_beside_another_tag(shop: TempRepo) -> None:
    tag(shop)
    shop.write("src/tokens.py", BROKEN)
    shop.git("add", "-A")
    with Git.open(shop.root) as git:
        assert restamp(Making(git)) == []
    shop.commit("Break")
    assert false_now(check(shop, "HEAD", code=1)) == STALE


@pytest.mark.parametrize("disarm", DISARMING)
def test_a_record_that_is_lost_while_the_code_stays_fails_nothing(
    shop: TempRepo, disarm: Callable[[TempRepo], None]
) -> None:
    disarm(shop)
    shop.commit("Tidy up")
    assert [f for f in false_now(check(shop, "HEAD")) if f[2] == "error"] == []


def test_what_was_false_before_a_record_was_lost_fails_nothing(shop: TempRepo) -> None:
    shop.git("checkout", "-q", "main")
    shop.commit("Nobody looked", {"src/tokens.py": BROKEN})
    shop.git("checkout", "-q", "-B", "feature")
    delete(shop)
    shop.commit("Again", {"src/tokens.py": BROKEN.replace('"x"', '"y"')})
    assert [f for f in false_now(check(shop, "HEAD")) if f[2] == "error"] == []


# ----------------------------------------------------------------------------- anchors taken away


@pytest.mark.parametrize("names", [(), ("sign",), ("other", "sign")], ids=["none", "another", "two others"])
@pytest.mark.parametrize("together", [True, False], ids=["in one commit", "in two commits"])
def test_an_anchor_that_is_dropped_or_retargeted_settles_nothing(
    shop: TempRepo, names: tuple[str, ...], together: bool
) -> None:
    shop.write(NOTE, anchored(*names) if names else TEXT.format("").replace("anchors:\n", ""))
    if not together:
        shop.commit("Other anchors")
    shop.commit("Break", {"src/tokens.py": BROKEN})
    for head in ("", "HEAD"):
        (finding,) = [f for f in check(shop, head, code=1)["findings"] if f["severity"] == "error"]
        assert (finding["anchor"], finding["state"]) == ("src/tokens.py#issue_token", "stale")
        assert finding["reason"].startswith("the branch took this anchor off the note; ")
        assert finding["code_line"] == 4


def test_a_note_whose_text_changed_with_its_anchors_is_no_finding(shop: TempRepo) -> None:
    shop.commit("Break", {"src/tokens.py": BROKEN})
    shop.commit("Say so", {NOTE: anchored("sign").replace("Tokens live", "Whatever, tokens live")})
    assert [f for f in false_now(check(shop, "HEAD")) if f[2] == "error"] == []


def test_verifying_with_other_anchors_says_nothing_of_the_one_that_was_dropped(shop: TempRepo) -> None:
    shop.commit("Break", {"src/tokens.py": BROKEN})
    shop.write(NOTE, anchored("sign"))
    verify(shop, "tokens")
    shop.commit("Verified")
    (finding,) = [f for f in check(shop, "HEAD", code=1)["findings"] if f["severity"] == "error"]
    assert finding["settle"] == f'"${{EDITOR:-vi}}" {NOTE}'
    shop.write(NOTE, anchored("issue_token"))
    verify(shop, "tokens")
    assert check(shop)["findings"] == []


def test_an_anchor_on_code_that_is_gone_can_be_dropped_with_another_text(shop: TempRepo) -> None:
    gone = TOKENS[: TOKENS.index("def issue_token")] + TOKENS[TOKENS.index("def sign") :]
    shop.write(NOTE, anchored("sign"))
    shop.commit("Drop it", {"src/tokens.py": gone})
    assert [f for f in false_now(check(shop, "HEAD", code=1)) if f[2] == "error"] == STALE
    shop.commit("Say so", {NOTE: anchored("sign").replace("Tokens live", "Nobody issues tokens that live")})
    assert [f for f in false_now(check(shop, "HEAD")) if f[2] == "error"] == []


def test_an_anchor_that_follows_its_code_is_no_finding(shop: TempRepo) -> None:
    moved = TOKENS.replace("issue_token", "make_token")
    shop.commit("Rename", {"src/tokens.py": moved})
    assert shop.agentctx("sync", "--no-model").returncode == 0
    assert "make_token" in (shop.root / NOTE).read_text()
    assert [f for f in check(shop)["findings"] if f["state"] != "affected"] == []


# ------------------------------------------------------------------------- what a shallow clone cannot tell


def merged(shop: TempRepo, target: Path, files: dict[str, str]) -> TempRepo:
    """Main broke the note and nobody looked; the last two commits of main with ``feature`` merged into it."""
    shop.commit("Work", files)
    shop.git("checkout", "-q", "main")
    shop.commit("Nobody looked", {"src/tokens.py": BROKEN})
    shop.commit("Docs", {"README.md": "# The shop\n"})
    shop.git("merge", "-q", "--no-ff", "-X", "theirs", "-m", "What a forge would merge", "feature")
    small = target / "small"
    subprocess.run(["git", "clone", "-q", "--depth=2", f"file://{shop.root}", str(small)], check=True)
    return TempRepo(small)


def test_two_commits_tell_that_the_branch_left_the_code_as_it_was(shop: TempRepo, tmp_path: Path) -> None:
    small = merged(shop, tmp_path, {"src/z.py": "Z = 1\n"})
    for repo in (small, shop):
        (finding,) = check(repo, "HEAD", base="HEAD^1")["findings"]
        assert (finding["note"], finding["state"], finding["known"]) == ("tokens", "stale", True)


def test_two_commits_do_not_tell_whether_changed_code_was_false_already(
    shop: TempRepo, tmp_path: Path
) -> None:
    small = merged(
        shop, tmp_path, {"src/tokens.py": TOKENS.replace("def issue_token(user", "def issue_token(who")}
    )
    done = small.agentctx("check", "--base", "HEAD^1", "--head", "HEAD")
    assert (done.returncode, done.stdout) == (2, "")
    assert "whether `tokens` was still true at" in done.stderr
    assert "git fetch --unshallow (in CI: fetch-depth: 0 on GitHub, GIT_DEPTH: 0 on GitLab)" in done.stderr
    small.git("fetch", "-q", "--unshallow")
    assert [f["known"] for f in check(small, "HEAD", base="HEAD^1")["findings"]] == [True]


# ----------------------------------------------------------------------------- folders that become links


@pytest.mark.parametrize("folder", ["agent-context", "agent-context/gotchas"])
def test_a_branch_cannot_silence_notes_by_making_their_folder_a_link(shop: TempRepo, folder: str) -> None:
    shop.git("mv", folder, "elsewhere")
    (shop.root / folder).symlink_to("elsewhere" if "/" not in folder else "../elsewhere")
    shop.commit("Link it", {"src/tokens.py": BROKEN})
    (finding,) = check(shop, "HEAD", code=1)["findings"]
    assert (finding["note"], finding["state"], finding["path"]) == ("tokens", "unreadable", NOTE)
    assert f"`{folder}` is a link now, and links are not followed" in finding["reason"]
    main = shop.git("rev-parse", "main")[:12]
    assert finding["settle"] == f"rm {folder} && git checkout {main} -- {folder}"
    assert shop.agentctx("check", "--base", "main").returncode != 0
    (shop.root / folder).unlink()
    shop.git("checkout", "-q", main, "--", folder)
    assert false_now(check(shop, code=1)) == STALE
