"""What a repair without a model vouches for: where its anchors went, and nothing else."""

from __future__ import annotations

import json

import pytest

from bench.scripted_model import Asked, ScriptedModel
from tests.repository import TempRepo

KEEP = "def keep(amount):\n    for n in range(amount):\n        print(n, 'kept')\n    return amount * 3\n"
WANDER = (
    "def wander_off(left, right):\n    total = left + right\n    print('sum', total)\n    return total * 7\n"
)
NOTE = "agent-context/gotchas/two.md"


@pytest.fixture
def two(repo: TempRepo) -> TempRepo:
    """A verified note about two functions, one moved and renamed, one changed."""
    repo.commit("Code", {"src/a.py": f"{KEEP}\n\n{WANDER}"})
    anchors = ("--anchor", "src/a.py#keep", "--anchor", "src/a.py#wander_off")
    body = "Never call `wander_off` after `keep`."
    assert repo.agentctx("new", "gotcha", "Two", *anchors, "--body", body).returncode == 0
    repo.commit("Note")
    moved = WANDER.replace("def wander_off", "def roam")
    repo.commit("Move", {"src/a.py": KEEP.replace("* 3", "* 4"), "src/b.py": moved})
    return repo


def said(repo: TempRepo) -> tuple[str, dict[str, str], list[str]]:
    """State of the only note, of each of its anchors, and the mentions that broke."""
    (note,) = json.loads(repo.agentctx("status", "--json").stdout)["notes"]
    drifts = {drift["anchor"]: drift["state"] for drift in note["drifts"]}
    return note["state"], drifts, [mention["text"] for mention in note["mentions"]]


AFTER = ("stale", {"src/a.py#keep": "body", "src/b.py#roam": "unchanged"}, ["wander_off"])


def test_what_is_stale_beside_a_moved_anchor_stays_stale(two: TempRepo) -> None:
    assert two.agentctx("sync", "--no-model", "--mode", "apply").returncode == 0
    assert "- src/b.py#roam" in (two.root / NOTE).read_text()
    assert said(two) == AFTER
    two.commit("Follow the code")
    assert said(two) == AFTER
    assert two.agentctx("verify", "two").returncode == 0
    assert said(two)[:2] == ("fresh", {"src/a.py#keep": "unchanged", "src/b.py#roam": "unchanged"})


def told(repo: TempRepo) -> tuple[list[str], str, list[str]]:
    """Commits and diff of the anchor that is stale in the only note, and the reasons of its mentions."""
    (note,) = json.loads(repo.agentctx("status", "--json").stdout)["notes"]
    (stale,) = [drift for drift in note["drifts"] if drift["state"] == "body"]
    explained = repo.agentctx("status", "--explain", "two").stdout
    (diff,) = [line for line in explained.splitlines() if "+    return" in line]
    return [c["subject"] for c in stale["commits"]], diff.strip(), [m["reason"] for m in note["mentions"]]


def test_after_a_repair_the_note_still_tells_which_commit_made_it_stale_and_how(repo: TempRepo) -> None:
    repo.commit("Code", {"src/a.py": f"{KEEP}\n\n{WANDER}"})
    anchors = ("--anchor", "src/a.py#keep", "--anchor", "src/a.py#wander_off")
    repo.agentctx("new", "gotcha", "Two", *anchors, "--body", "Never call `wander_off` after `keep`.")
    repo.commit("Note")
    repo.commit("Four times", {"src/a.py": f"{KEEP.replace('* 3', '* 4')}\n\n{WANDER}"})
    repo.commit(
        "Move", {"src/a.py": KEEP.replace("* 3", "* 4"), "src/b.py": WANDER.replace("wander_off", "roam")}
    )
    expected = (["Four times"], "+    return amount * 4", ["`wander_off` is now `src/b.py#roam`"])
    assert told(repo) == expected
    repo.agentctx("sync", "--no-model", "--mode", "apply")
    assert told(repo) == expected
    repo.commit("Follow the code")
    assert told(repo) == expected
    repo.commit("Four and a half", {"src/a.py": KEEP.replace("* 3", "* 4.5")})
    assert told(repo)[0] == ["Four and a half", "Four times"]


def test_a_repair_leaves_true_what_was_mended_together_with_its_code(repo: TempRepo) -> None:
    repo.commit("Code", {"src/a.py": f"{KEEP}\n\n{WANDER}"})
    anchors = ("--anchor", "src/a.py#keep", "--anchor", "src/a.py#wander_off")
    repo.agentctx("new", "gotcha", "Two", *anchors, "--body", "Thrice.")
    repo.commit("Note")
    text, four = (repo.root / NOTE).read_text(), KEEP.replace("* 3", "* 4")
    repo.commit("Both", {"src/a.py": f"{four}\n\n{WANDER}", NOTE: text.replace("Thrice", "Four times")})
    repo.commit("Move", {"src/a.py": four, "src/b.py": WANDER})
    assert said(repo)[0] == "moved"
    repo.agentctx("sync", "--no-model", "--mode", "apply")
    assert said(repo)[0] == "fresh"
    repo.commit("Follow the code")
    assert said(repo)[0] == "fresh"
    repo.commit("Five", {"src/a.py": KEEP.replace("* 3", "* 5")})
    assert said(repo)[0] == "stale" and told(repo)[0] == ["Five"]


def test_a_repair_that_a_person_accepts_proves_no_more(two: TempRepo) -> None:
    two.agentctx("sync", "--no-model")
    assert two.agentctx("review", "accept").returncode == 0
    assert said(two) == AFTER


def test_the_hook_before_a_commit_leaves_the_record_that_a_sync_wrote(two: TempRepo) -> None:
    two.git("reset", "--soft", "HEAD~1")
    two.agentctx("sync", "--no-model", "--mode", "apply")
    two.git("add", "-A")
    record = (two.root / "agent-context/.verified/two").read_bytes()
    assert two.agentctx("hook", "pre-commit").returncode == 0
    assert (two.root / "agent-context/.verified/two").read_bytes() == record
    two.commit("Code and its note in one")
    assert said(two) == AFTER


def test_one_more_anchor_does_not_make_an_untrue_mention_true(two: TempRepo) -> None:
    assert said(two)[2] == ["wander_off"]
    assert two.agentctx("anchor", "two", "src/b.py#roam").returncode == 0
    assert said(two)[2] == ["wander_off"]


def test_one_more_anchor_makes_words_of_its_file_claims(repo: TempRepo) -> None:
    repo.commit("Code", {"src/a.py": WANDER})
    repo.agentctx("new", "gotcha", "Two", "--body", "Mind `wander_off`.")
    repo.agentctx("anchor", "two", "src/a.py#wander_off")
    repo.commit("Note")
    repo.commit("Rename", {"src/a.py": WANDER.replace("def wander_off", "def roam")})
    assert said(repo)[2] == ["wander_off"]


def test_the_gate_does_not_take_a_moved_anchor_for_a_mended_text(two: TempRepo) -> None:
    two.agentctx("sync", "--no-model", "--mode", "apply")
    two.commit("Follow the code")
    done = two.agentctx("check", "--base", "HEAD~2", "--json")
    found = {
        (f["anchor"], f["state"]) for f in json.loads(done.stdout)["findings"] if f["severity"] == "error"
    }
    assert (done.returncode, found) == (1, {("src/a.py#keep", "stale")})
    text = (two.root / NOTE).read_text()
    two.commit("Say it", {NOTE: text.replace("Never call", "Four times. Never call")})
    assert two.agentctx("check", "--base", "HEAD~3", "--json").returncode == 0


def test_a_model_is_asked_about_the_words_of_a_note_whose_moved_anchor_was_mended_without_one(
    repo: TempRepo,
) -> None:
    repo.commit("Code", {"src/a.py": f"{KEEP}\n\n{WANDER}"})
    repo.agentctx("init", "--no-hooks")
    anchors = ("--anchor", "src/a.py#keep", "--anchor", "src/a.py#wander_off")
    repo.agentctx("new", "gotcha", "Two", *anchors, "--body", "Never call `wander_off` after `keep`.")
    repo.commit("Note")
    repo.agentctx("status")
    repo.commit("Move", {"src/a.py": KEEP, "src/b.py": WANDER.replace("wander_off", "roam")})
    assert said(repo)[0] == "suspect"

    def renamed(asked: Asked) -> dict[str, object]:
        edit = {"op": "replace_text", "old": "`wander_off`", "new": "`roam`"}
        return {"answers": [{"note": "two", "why": "it was renamed", "operations": [edit]}]}

    with ScriptedModel(renamed) as served:
        repo.agentctx("provider", "set", "openai-compatible", "--model", "scripted", "--url", served.url)
        asked = len(served.requests)
        done = repo.agentctx("sync", "--mode", "apply")
        assert "repaired  two" in done.stdout and len(served.requests) == asked + 1, done.stdout + done.stderr
    assert "- src/b.py#roam" in (repo.root / NOTE).read_text()
    assert "Never call `roam` after" in (repo.root / NOTE).read_text()
    assert said(repo)[0] == "fresh"
