"""The gate on real branches: squashed, rebased, queued, forked, shallow, moved on, mended and broken."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agentctx.flows import authoring, gate
from agentctx.project import Project
from agentctx.reports import report
from tests.repository import TempRepo

MONEY = '''RATE = 19


def add_tax(cents):
    """Gross out of net."""
    return cents * (100 + RATE) // 100


def split(cents, parts):
    """Parts that differ by one cent at the most."""
    share, rest = divmod(cents, parts)
    return [share + 1] * rest + [share] * (parts - rest)
'''
FREE_RATE = MONEY.replace("add_tax(cents)", "add_tax(cents, rate)").replace("+ RATE", "+ rate")
TAX = "agent-context/gotchas/tax.md"


@pytest.fixture
def shop(repo: TempRepo) -> TempRepo:
    """Code with two verified notes on main, and a branch ``feature`` that is checked out."""
    repo.write("src/money.py", MONEY)
    note(repo, "tax", "src/money.py#add_tax", "Tax is added once, on the sum, with `add_tax`.")
    note(repo, "shares", "src/money.py#split", "No cent is lost.")
    repo.write("README.md", "# Shop\n")
    verify(repo)
    repo.commit("Start")
    repo.git("checkout", "-q", "-b", "feature")
    return repo


def note(repo: TempRepo, id: str, anchor: str, body: str = "Text.") -> None:
    repo.write(
        f"agent-context/gotchas/{id}.md", f"---\ntitle: About {id}\nanchors:\n  - {anchor}\n---\n{body}\n"
    )


def verify(repo: TempRepo, *ids: str) -> None:
    with Project.open(repo.root) as project:
        authoring.verify(project, ids, dry=False)


def check(repo: TempRepo, head: str = "", *, base: str = "main", code: int = 0) -> dict[str, Any]:
    """The JSON report, and whether the branch fails (``code`` 1)."""
    with Project.open(repo.root) as project:
        checked = gate.check(project, base, head)
    assert checked.failed == bool(code)
    found: dict[str, Any] = json.loads(report("json")(checked))
    return found


def false_now(checked: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(f["note"], f["state"], f["severity"]) for f in checked["findings"] if not f["known"]]


# ----------------------------------------------------------------------------- what is found


def test_a_branch_that_changes_anchored_code_fails_with_everything_a_person_needs(shop: TempRepo) -> None:
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE}, author="Bob <bob@example.org>")
    checked = check(shop, code=1)
    (finding,) = checked["findings"]
    assert (finding["note"], finding["anchor"]) == ("tax", "src/money.py#add_tax")
    assert (finding["state"], finding["severity"]) == ("stale", "error")
    assert "parameter `rate` added" in finding["reason"]
    assert "by Bob" in finding["reason"]
    assert finding["settle"] == "agentctx verify tax"
    assert (finding["path"], finding["line"]) == (TAX, 4)
    assert (finding["code_path"], finding["code_line"]) == ("src/money.py", 4)
    assert "+def add_tax(cents, rate):" in finding["diff"]
    assert checked["base"] == checked["merge_base"] == shop.git("rev-parse", "main")


def test_the_command_in_the_finding_settles_it(shop: TempRepo) -> None:
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    (finding,) = check(shop, code=1)["findings"]
    done = shop.agentctx(*finding["settle"].split()[1:])
    assert done.returncode == 0, done.stderr
    assert check(shop, code=0)["findings"] == []
    shop.commit("Verified")
    assert check(shop, "feature", code=0)["findings"] == []


def test_a_branch_that_changes_nothing_that_counts_is_let_through(shop: TempRepo) -> None:
    spaced = MONEY.replace("cents * (100 + RATE) // 100", "(\n        cents * (100 + RATE) // 100\n    )")
    shop.commit("Reformat", {"src/money.py": "# Money.\n" + spaced})
    assert check(shop, code=0)["findings"] == []


def test_uncommitted_changes_count_unless_a_head_is_named(shop: TempRepo) -> None:
    shop.write("src/money.py", FREE_RATE)
    checked = check(shop, code=1)
    assert checked["worktree"] is True
    assert false_now(checked) == [("tax", "stale", "error")]
    assert check(shop, "HEAD", code=0)["findings"] == []


def test_staged_changes_are_held_against_head_as_a_pre_commit_hook_wants(shop: TempRepo) -> None:
    shop.write("src/money.py", FREE_RATE)
    shop.git("add", "-A")
    assert false_now(check(shop, base="HEAD", code=1)) == [("tax", "stale", "error")]


def test_what_was_false_before_the_branch_is_told_and_fails_nothing(shop: TempRepo) -> None:
    shop.git("checkout", "-q", "main")
    shop.commit("Nobody looked", {"src/money.py": FREE_RATE})
    shop.git("checkout", "-q", "-B", "feature")
    shop.commit("Something else", {"README.md": "# The shop\n"})
    (finding,) = check(shop, code=0)["findings"]
    assert (finding["note"], finding["severity"], finding["known"]) == ("tax", "info", True)


def test_a_second_anchor_of_a_note_that_was_false_already_is_news(shop: TempRepo) -> None:
    shop.git("checkout", "-q", "main")
    two = "---\ntitle: Two\nanchors:\n  - src/money.py#add_tax\n  - src/money.py#split\n---\nText.\n"
    shop.write("agent-context/gotchas/two.md", two)
    verify(shop, "two")
    shop.commit("A note on both")
    shop.commit("Nobody looked", {"src/money.py": FREE_RATE})
    shop.git("checkout", "-q", "-B", "feature")
    changed = FREE_RATE.replace("divmod(cents, parts)", "divmod(int(cents), parts)")
    shop.commit("Whole cents", {"src/money.py": changed})
    findings = check(shop, code=1)["findings"]
    mine = [(f["note"], f["anchor"]) for f in findings if f["severity"] == "error"]
    assert sorted(mine) == [("shares", "src/money.py#split"), ("two", "src/money.py#split")]
    assert {(f["note"], f["anchor"]) for f in findings if f["known"]} == {
        ("tax", "src/money.py#add_tax"),
        ("two", "src/money.py#add_tax"),
    }


def test_code_that_moved_is_a_warning_with_the_new_place(shop: TempRepo) -> None:
    start = MONEY.index("def split")
    shop.commit("Move it", {"src/money.py": MONEY[:start].rstrip() + "\n", "src/shares.py": MONEY[start:]})
    checked = check(shop, code=0)
    (finding,) = [f for f in checked["findings"] if f["state"] != "affected"]
    assert (finding["state"], finding["severity"]) == ("moved", "warning")
    assert "src/shares.py#split" in finding["reason"]
    assert finding["code_path"] == "src/shares.py"
    assert finding["settle"] == "agentctx sync --no-model"
    assert shop.agentctx("sync", "--no-model").returncode == 0
    assert [f for f in check(shop)["findings"] if f["state"] == "moved"] == []


def test_code_that_is_gone_fails_and_asks_for_another_text(shop: TempRepo) -> None:
    shop.commit("Drop it", {"src/money.py": MONEY[: MONEY.index("def split")].rstrip() + "\n"})
    (finding,) = [f for f in check(shop, code=1)["findings"] if f["severity"] == "error"]
    assert finding["note"] == "shares"
    assert finding["settle"] == '"${EDITOR:-vi}" agent-context/gotchas/shares.md'
    assert "-def split(cents, parts):" in finding["diff"]


def test_a_constant_that_the_code_uses_makes_its_note_suspect_which_is_a_warning(shop: TempRepo) -> None:
    shop.commit("Raise the rate", {"src/money.py": MONEY.replace("RATE = 19", "RATE = 21")})
    assert ("tax", "suspect", "warning") in false_now(check(shop, code=0))


# ----------------------------------------------------------------------------- what the branch did itself


def test_a_note_mended_in_the_same_commit_is_no_finding(shop: TempRepo) -> None:
    note(shop, "tax", "src/money.py#add_tax", "The caller names the rate.")
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    assert check(shop, code=0)["findings"] == []


def test_a_note_mended_in_a_later_commit_is_no_finding(shop: TempRepo) -> None:
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    note(shop, "tax", "src/money.py#add_tax", "The caller names the rate.")
    shop.commit("Say so")
    assert check(shop, code=0)["findings"] == []
    assert check(shop, "HEAD", code=0)["findings"] == []


def test_a_note_mended_in_the_work_tree_is_no_finding(shop: TempRepo) -> None:
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    note(shop, "tax", "src/money.py#add_tax", "The caller names the rate.")
    assert check(shop, code=0)["findings"] == []


def test_a_note_written_before_its_code_changed_again_is_a_finding(shop: TempRepo) -> None:
    note(shop, "tax", "src/money.py#add_tax", "The caller names the rate.")
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    shop.commit("Round up", {"src/money.py": FREE_RATE.replace("// 100", "/ 100 + 1")})
    assert false_now(check(shop, code=1)) == [("tax", "stale", "error")]


def test_a_note_that_the_branch_deletes_or_archives_is_no_finding(shop: TempRepo) -> None:
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    text = (shop.root / TAX).read_text()
    shop.commit("Archive it", {TAX: text.replace("title:", "status: archived\ntitle:")})
    assert check(shop, code=0)["findings"] == []
    (shop.root / TAX).unlink()
    shop.commit("Delete it")
    assert check(shop, code=0)["findings"] == []


def test_a_note_that_the_branch_adds_about_code_that_is_not_there_is_told(shop: TempRepo) -> None:
    note(shop, "new", "src/money.py#ad_tax", "Wrong from the start.")
    shop.commit("Add a note")
    (finding,) = check(shop, code=0)["findings"]
    assert (finding["note"], finding["state"], finding["severity"]) == ("new", "unknown", "warning")
    assert "did you mean `src/money.py#add_tax`?" in finding["reason"]


def test_a_note_that_the_branch_adds_and_makes_false_again_fails(shop: TempRepo) -> None:
    shop.write("src/money.py", MONEY)
    note(shop, "new", "src/money.py#add_tax", "Tax is a constant.")
    verify(shop, "new")
    shop.commit("Add a note")
    note(shop, "tax", "src/money.py#add_tax", "The caller names the rate.")
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    assert false_now(check(shop, code=1)) == [("new", "stale", "error")]


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("---\ntitle: [\n---\nText.\n", "unreadable"),
        ("---\ntitle: T\n---\n<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n", "conflicted"),
        ("<<<<<<< ours\n---\ntitle: a\n=======\n---\ntitle: b\n>>>>>>> theirs\n---\n", "conflicted"),
    ],
    ids=["front matter that does not parse", "markers in the text", "markers in the front matter"],
)
def test_a_branch_cannot_silence_a_note_by_breaking_it(shop: TempRepo, text: str, state: str) -> None:
    shop.commit("Break it", {TAX: text, "src/money.py": FREE_RATE})
    assert (state, "error") in [s[1:] for s in false_now(check(shop, code=1))]


def test_a_branch_cannot_silence_a_note_by_making_it_a_link(shop: TempRepo) -> None:
    (shop.root / TAX).unlink()
    (shop.root / TAX).symlink_to("../../README.md")
    shop.commit("Link it", {"src/money.py": FREE_RATE})
    for head in ("", "HEAD"):
        (finding,) = check(shop, head, code=1)["findings"]
        assert (finding["note"], finding["state"], finding["path"]) == ("tax", "unreadable", TAX)
        assert "a link now" in finding["reason"]


@pytest.mark.parametrize("target", ["gotchas/sums.md", "patterns/tax.md", "patterns/sums.md"])
@pytest.mark.parametrize("together", [True, False], ids=["in one commit", "in two commits"])
def test_a_note_that_is_renamed_and_made_false_fails(shop: TempRepo, target: str, together: bool) -> None:
    (shop.root / "agent-context/patterns").mkdir()
    shop.git("mv", TAX, f"agent-context/{target}")
    if not together:
        shop.commit("Rename the note")
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    for head in ("", "HEAD"):
        (finding,) = check(shop, head, code=1)["findings"]
        assert (finding["state"], finding["path"]) == ("stale", f"agent-context/{target}")


def test_a_note_that_is_only_renamed_is_no_ones_fault(shop: TempRepo) -> None:
    shop.git("checkout", "-q", "main")
    shop.commit("Nobody looked", {"src/money.py": FREE_RATE})
    shop.git("checkout", "-q", "-B", "feature")
    shop.git("mv", TAX, TAX.replace("tax.", "sums."))
    shop.git("mv", "agent-context/.verified/tax", "agent-context/.verified/sums")
    shop.commit("Rename the note")
    (finding,) = check(shop, "HEAD", code=0)["findings"]
    assert (finding["note"], finding["state"], finding["known"]) == ("sums", "stale", True)


def test_a_note_that_is_renamed_and_mended_is_no_finding(shop: TempRepo) -> None:
    shop.git("rm", "-q", TAX)
    note(shop, "sums", "src/money.py#add_tax", "Tax is added once, on the sum, at the caller's rate.")
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    assert check(shop, "HEAD", code=0)["findings"] == []


# ----------------------------------------------------------------------------- settings


def test_the_branch_cannot_weaken_its_own_gate(shop: TempRepo) -> None:
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    shop.commit("No gate", {"agent-context/config.yaml": "check:\n  fail_on:\n    - conflicted\n"})
    assert false_now(check(shop, code=1)) == [("tax", "stale", "error")]
    shop.commit("Broken", {"agent-context/config.yaml": "check: [\n"})
    assert false_now(check(shop, code=1)) == [("tax", "stale", "error")]


def test_the_settings_of_the_base_decide_what_fails(shop: TempRepo) -> None:
    shop.git("checkout", "-q", "main")
    shop.commit("Strict", {"agent-context/config.yaml": "check:\n  fail_on:\n    - stale\n    - moved\n"})
    shop.git("checkout", "-q", "-B", "feature")
    start = MONEY.index("def split")
    shop.commit("Move it", {"src/money.py": MONEY[:start].rstrip() + "\n", "src/shares.py": MONEY[start:]})
    assert ("shares", "moved", "error") in false_now(check(shop, code=1))


def test_settings_on_the_base_that_cannot_be_read_leave_the_defaults_and_a_word(shop: TempRepo) -> None:
    shop.git("checkout", "-q", "main")
    shop.commit("Broken", {"agent-context/config.yaml": "chek: {}\n"})
    shop.git("checkout", "-q", "-B", "feature")
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    checked = check(shop, code=1)
    assert "the defaults count" in checked["notices"][0]


def test_targeting_warns_fails_or_keeps_quiet_as_the_base_says(repo: TempRepo) -> None:
    repo.write("src/refunds.py", "def refund_window(days):\n    return days < 30\n")
    note(repo, "refunds", "src/other.py", "The refund window: `refund_window` in `src/refunds.py`, 30 days.")
    for n in range(30):
        note(repo, f"part-{n}", f"src/part{n}.py", f"The part number {n} of the machine is kept in stock.")
    repo.write("src/other.py", "X = 1\n")
    verify(repo)
    for n in range(12):
        repo.commit(f"Work {n}", {f"src/part{n}.py": f"PART = {n}\n"})
    for setting, code in (("warning", 0), ("error", 1), ("off", 0)):
        repo.git("checkout", "-q", "main")
        repo.commit("Set", {"agent-context/config.yaml": f"check:\n  targeting: {setting}\n"})
        repo.git("checkout", "-q", "-B", "feature")
        changed = "def refund_window(days, country):\n    return days < (14 if country else 60)\n"
        repo.commit("Another refund window in src/refunds.py", {"src/refunds.py": changed})
        found = [f for f in check(repo, code=code)["findings"] if f["state"] == "affected"]
        assert [f["severity"] for f in found] == ([] if setting == "off" else [setting])


def test_what_a_branch_writes_into_notes_is_no_evidence_about_other_notes(repo: TempRepo) -> None:
    repo.write("agent-context/config.yaml", "check:\n  targeting: error\n")
    for n in range(12):
        note(repo, f"part-{n}", "src/other.py", f"The part number {n} of the machine is kept in stock.")
        repo.commit(f"Work {n}", {f"src/part{n}.py": f"PART = {n}\n"})
    refunds = "The refund window: `refund_window` in `src/refunds.py`, {} days."
    note(repo, "refunds", "src/other.py", refunds.format(30))
    note(repo, "window", "src/other.py", refunds.format(30))
    repo.write("src/other.py", "X = 1\n")
    verify(repo)
    repo.commit("Start")
    repo.git("checkout", "-q", "-b", "feature")
    note(repo, "window", "src/other.py", refunds.format(60))
    verify(repo, "window")
    repo.commit("The refund window of src/refunds.py is longer")
    assert check(repo)["findings"] == []


def test_the_branch_runs_nothing_and_reaches_nobody(shop: TempRepo, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    program = shop.write(".git/trap", f"#!/bin/sh\ntouch '{trap}'\ncat\n")
    program.chmod(0o755)
    for name in ("diff.evil.textconv", "diff.evil.command", "filter.evil.clean", "core.fsmonitor"):
        shop.git("config", name, str(program))
    shop.git("config", "remote.origin.url", f"ext::{program}")
    shop.git("config", "extensions.partialClone", "origin")
    trap.unlink(missing_ok=True)
    shop.write(".gitattributes", "*.py diff=evil filter=evil\n")
    shop.write("src/money.py", FREE_RATE)
    shop.write("agent-context/config.yaml", f"sync:\n  owner: local\nllm:\n  command: {program}\n")
    assert false_now(check(shop, code=1)) == [("tax", "stale", "error")]
    assert not trap.exists()


# ----------------------------------------------------------------------------- ways to merge


def test_a_base_that_moved_on_is_not_the_branchs_fault(shop: TempRepo) -> None:
    shop.commit("Docs", {"README.md": "# The shop\n"})
    shop.git("checkout", "-q", "main")
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    shop.git("checkout", "-q", "feature")
    checked = check(shop, code=0)
    assert checked["findings"] == []
    assert checked["merge_base"] != checked["base"]


def test_a_merge_queue_checks_the_merge_commit_and_blames_only_its_entry(shop: TempRepo) -> None:
    shop.commit("Whole cents", {"README.md": "# The shop\n", "src/more.py": "MORE = 1\n"})
    shop.git("checkout", "-q", "-b", "queued", "main")
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    entry = shop.git("rev-parse", "HEAD")
    shop.git("merge", "-q", "--no-ff", "-m", "Queue feature", "feature")
    assert false_now(check(shop, "queued", base=entry, code=0)) == []
    assert false_now(check(shop, "queued", base="main", code=1)) == [("tax", "stale", "error")]


def test_a_note_that_the_base_got_meanwhile_is_seen_in_the_merge_commit(shop: TempRepo) -> None:
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    shop.git("checkout", "-q", "main")
    note(shop, "late", "src/money.py#add_tax", "Written while the branch was open.")
    verify(shop, "late")
    shop.commit("A late note")
    shop.git("merge", "-q", "--no-ff", "-m", "What a forge would merge", "feature")
    found = false_now(check(shop, "HEAD", base="HEAD^1", code=1))
    assert sorted(found) == [("late", "stale", "error"), ("tax", "stale", "error")]


def test_a_branch_that_goes_on_after_a_squash_is_not_blamed_for_what_was_merged(shop: TempRepo) -> None:
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    shop.git("checkout", "-q", "main")
    shop.git("merge", "-q", "--squash", "feature")
    note(shop, "tax", "src/money.py#add_tax", "The caller names the rate.")
    shop.commit("Let the caller choose (#1)")
    shop.git("checkout", "-q", "feature")
    shop.commit("More docs", {"README.md": "# The shop\n"})
    assert check(shop, code=0)["findings"] == []
    changed = FREE_RATE.replace("divmod(cents, parts)", "divmod(int(cents), parts)")
    shop.commit("Whole cents", {"src/money.py": changed})
    assert false_now(check(shop, code=1)) == [("shares", "stale", "error")]


def test_a_rebased_branch_is_judged_as_before(shop: TempRepo) -> None:
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    before = false_now(check(shop, code=1))
    shop.git("checkout", "-q", "main")
    shop.commit("Docs", {"README.md": "# The shop\n"})
    shop.git("checkout", "-q", "feature")
    shop.git("rebase", "-q", "main")
    assert false_now(check(shop, code=1)) == before == [("tax", "stale", "error")]


def test_a_fork_is_checked_from_its_fetched_commit_alone(shop: TempRepo, tmp_path: Path) -> None:
    fork = tmp_path / "fork"
    subprocess.run(["git", "clone", "-q", "-b", "main", str(shop.root), str(fork)], check=True)
    TempRepo(fork).commit("Let the caller choose", {"src/money.py": FREE_RATE})
    shop.git("checkout", "-q", "main")
    shop.git("fetch", "-q", str(fork), "HEAD:refs/pull/1/head")
    assert false_now(check(shop, "refs/pull/1/head", code=1)) == [("tax", "stale", "error")]


# ----------------------------------------------------------------------------- what git does not have


def clone(shop: TempRepo, target: Path, *options: str) -> TempRepo:
    url = f"file://{shop.root}"
    subprocess.run(["git", "clone", "-q", *options, url, str(target)], check=True)
    return TempRepo(target)


def test_a_shallow_clone_without_the_merge_base_says_what_to_fetch(shop: TempRepo, tmp_path: Path) -> None:
    for n in range(3):
        shop.commit(f"Branch {n}", {"src/money.py": FREE_RATE + f"# {n}\n"})
    shop.git("checkout", "-q", "main")
    for n in range(3):
        shop.commit(f"Main {n}", {"README.md": f"# {n}\n"})
    small = clone(shop, tmp_path / "small", "--depth=2", "--no-single-branch")
    done = small.agentctx("check", "--base", "origin/main", "--head", "origin/feature")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the clone is shallow" in done.stderr
    assert "git fetch --unshallow" in done.stderr
    assert "fetch-depth: 0" in done.stderr
    small.git("fetch", "-q", "--unshallow")
    done = small.agentctx("check", "--base", "origin/main", "--head", "origin/feature")
    assert done.returncode == 1, done.stderr


def test_two_commits_are_enough_for_the_merge_commit_of_a_forge(shop: TempRepo, tmp_path: Path) -> None:
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    shop.git("checkout", "-q", "main")
    shop.commit("Docs", {"README.md": "# The shop\n"})
    shop.git("merge", "-q", "--no-ff", "-m", "What a forge would merge", "feature")
    small = clone(shop, tmp_path / "small", "--depth=2")
    assert false_now(check(small, base="HEAD^1", code=1)) == [("tax", "stale", "error")]


def test_the_hint_at_a_missing_base_brings_it(shop: TempRepo, tmp_path: Path) -> None:
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    small = clone(shop, tmp_path / "small", "--depth=1", "-b", "feature", "--single-branch")
    done = small.agentctx("check", "--base", "origin/main")
    assert done.returncode == 2
    hint = done.stderr.splitlines()[1].removeprefix("  -> git ")
    assert hint == "fetch --unshallow origin main:refs/remotes/origin/main"
    small.git(*hint.split())
    assert false_now(check(small, base="origin/main", code=1)) == [("tax", "stale", "error")]


@pytest.mark.parametrize(
    ("base", "hint"),
    [
        ("main", "agentctx check --base origin/main"),
        ("release", "git fetch origin release:release"),
        ("origin/release", "git fetch origin release:refs/remotes/origin/release"),
        ("a" * 40, f"git fetch origin {'a' * 40}"),
        ("main..feature", "agentctx check --base A --head B"),
        ("HEAD:README.md", "git log"),
    ],
    ids=["a remote branch", "a branch", "a branch of the remote", "a commit", "a range", "a file"],
)
def test_what_cannot_be_a_base_is_told_with_what_to_type(
    shop: TempRepo, tmp_path: Path, base: str, hint: str
) -> None:
    own = clone(shop, tmp_path / "own", "-b", "feature")
    done = own.agentctx("check", "--base", base)
    assert (done.returncode, done.stdout) == (2, "")
    assert hint in done.stderr.splitlines()[1]


@pytest.mark.parametrize(("base", "depth"), [("HEAD^1", 2), ("HEAD^", 2), ("HEAD~3", 4), ("HEAD~1^", 3)])
def test_parents_that_a_shallow_clone_lacks_are_told_with_their_depth(
    shop: TempRepo, tmp_path: Path, base: str, depth: int
) -> None:
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    small = clone(shop, tmp_path / "small", "--depth=1")
    done = small.agentctx("check", "--base", base, "--head", "HEAD")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"fetch-depth: {depth} on GitHub, GIT_DEPTH: {depth} on GitLab" in done.stderr


def test_unrelated_histories_are_refused(shop: TempRepo) -> None:
    shop.git("checkout", "-q", "--orphan", "other")
    shop.commit("Another start")
    done = shop.agentctx("check", "--base", "main")
    assert done.returncode == 2
    assert "have no commit in common" in done.stderr


def test_without_a_base_the_upstream_default_branch_is_meant(shop: TempRepo, tmp_path: Path) -> None:
    shop.git("checkout", "-q", "main")
    own = clone(shop, tmp_path / "own")
    own.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    done = own.agentctx("check")
    assert (done.returncode, "add_tax" in done.stdout) == (1, True)
    done = shop.agentctx("check")
    assert done.returncode == 2
    assert "agentctx check --base REV" in done.stderr


@pytest.mark.parametrize("base", ["0" * 40, "0" * 64], ids=["sha1", "sha256"])
def test_the_null_commit_of_a_first_push_is_an_empty_base(shop: TempRepo, base: str) -> None:
    assert check(shop, base=base, code=0)["findings"] == []
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    assert false_now(check(shop, base=base, code=1)) == [("tax", "stale", "error")]


def test_before_the_first_commit_head_is_an_empty_base(repo: TempRepo) -> None:
    repo.write("src/money.py", MONEY)
    note(repo, "tax", "src/money.py#add_tax")
    checked = check(repo, base="HEAD", code=0)
    assert checked["head"] == checked["base"] == ""


def test_a_revision_that_looks_like_an_option_is_no_revision(shop: TempRepo) -> None:
    done = shop.agentctx("check", "--base", "--upload-pack=touch /tmp/pwned")
    assert done.returncode == 2


# ----------------------------------------------------------------------------- the command


def test_reports_go_to_files_and_words_to_standard_error(shop: TempRepo, tmp_path: Path) -> None:
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    out, sarif = tmp_path / "comment.md", tmp_path / "check.sarif"
    done = shop.agentctx(
        "check", "--base", "main", "--format", "comment", "--out", str(out), "--also", f"sarif={sarif}"
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "1 false now" in done.stderr
    assert out.read_text().startswith("<!-- agentctx check -->\n")
    assert json.loads(sarif.read_text())["version"] == "2.1.0"


def test_the_text_for_a_person_names_note_reason_diff_and_command(shop: TempRepo) -> None:
    shop.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    done = shop.agentctx("check", "--base", "main")
    assert done.stdout.startswith("error    stale      agent-context/gotchas/tax.md:4  About tax\n")
    assert "+def add_tax(cents, rate):" in done.stdout
    assert "-> change the note, or if it is still true: agentctx verify tax\n" in done.stdout
    assert "\x1b[" not in done.stdout


def test_an_unknown_extra_report_is_refused_before_any_work(shop: TempRepo) -> None:
    done = shop.agentctx("check", "--base", "main", "--also", "sarif")
    assert done.returncode == 2
    assert "FORMAT=FILE" in done.stderr
