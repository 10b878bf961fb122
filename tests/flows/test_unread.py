"""Words that a model wrote and nobody has read are marked wherever they are shown, in every clone."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agentctx.project import Project
from agentctx.server.operations import answer
from agentctx.server.writing import propose_note, verify
from bench.scripted_model import ScriptedModel
from tests.flows.test_sync import NOTE, model, notes_on_disk, shop
from tests.repository import TempRepo

__all__ = ["model", "shop"]

ID = "2026-01-12-signed-tokens"
MARK = "written by a model, read by nobody yet"
Shown = Callable[[TempRepo], bool]


def served(repo: TempRepo, name: str, **given: object) -> str:
    with Project.open(repo.root) as project:
        return answer(project, name, given)


def before_an_edit(repo: TempRepo, session: str) -> str:
    asked = {
        "session_id": session, "cwd": str(repo.root), "hook_event_name": "PreToolUse", "tool_name": "Edit",
        "tool_input": {"file_path": str(repo.root / "src/shop/tokens.py")},
    }  # fmt: skip
    return repo.agentctx("hook", "pre-tool-use", "--client", "claude-code", stdin=json.dumps(asked)).stdout


def in_json(repo: TempRepo, key: str, *args: str) -> bool:
    rows = json.loads(repo.agentctx(*args, "--json").stdout)[key]
    return {row["id"] for row in rows if row["unread"]} == {ID}


EVERYWHERE: dict[str, Shown] = {
    "prime": lambda repo: "READ BY NOBODY YET" in repo.agentctx("prime", "--task", "tokens").stdout.upper(),
    "show": lambda repo: MARK in repo.agentctx("show", ID).stdout,
    "status": lambda repo: f"{MARK}: {ID}" in repo.agentctx("status").stderr,
    "status --json": lambda repo: in_json(repo, "notes", "status"),
    "search": lambda repo: MARK in repo.agentctx("search", "signed tokens").stdout,
    "search --json": lambda repo: in_json(repo, "hits", "search", "signed tokens"),
    "a server's search": lambda repo: f", {MARK})" in served(repo, "search", query="signed tokens"),
    "a server's status": lambda repo: f"! {MARK}: {ID}" in served(repo, "status"),
    "before an edit": lambda repo: MARK.upper() in before_an_edit(repo, str(time.monotonic())),
}


@pytest.fixture
def elsewhere(shop: TempRepo, model: ScriptedModel, tmp_path: Path) -> TempRepo:
    """Another clone of a repository in which a sync committed what nobody has read."""
    done = shop.agentctx("sync", "HEAD~1..HEAD", "--mode", "commit")
    assert done.returncode == 0, done.stderr
    root = tmp_path / "elsewhere"
    subprocess.run(["git", "clone", "-q", str(shop.root), str(root)], check=True)
    return TempRepo(root)


def test_another_clone_says_so_everywhere_until_somebody_has_read_it(elsewhere: TempRepo) -> None:
    assert {where for where, shown in EVERYWHERE.items() if not shown(elsewhere)} == set()
    assert elsewhere.agentctx("verify", ID).returncode == 0
    assert {where for where, shown in EVERYWHERE.items() if shown(elsewhere)} == set()


def test_what_one_person_has_read_is_read_in_every_clone(elsewhere: TempRepo, shop: TempRepo) -> None:
    shop.agentctx("verify", ID)
    shop.commit("Read")
    elsewhere.git("pull", "-q")
    assert not EVERYWHERE["show"](elsewhere)


def test_a_squash_under_another_message_keeps_the_mark(elsewhere: TempRepo) -> None:
    elsewhere.git("reset", "-q", "--soft", "HEAD~1")
    elsewhere.git("commit", "-q", "-m", "Mend notes (#7)")
    elsewhere.git("mv", NOTE, NOTE.replace("signed-tokens", "keys"))
    elsewhere.git("commit", "-q", "-m", "Another name, without hooks")
    assert MARK in elsewhere.agentctx("show", "keys").stdout


def reword(repo: TempRepo, *pairs: tuple[str, str]) -> None:
    """A person's commit: every first of a pair, which the note has once, becomes the second."""
    note = repo.root / NOTE
    text = note.read_text()
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    note.write_text(text)
    repo.commit("Words of a person")


def test_whoever_edits_all_the_words_has_read_them(elsewhere: TempRepo) -> None:
    elsewhere.agentctx("hooks", "install")
    reword(elsewhere, ("lives 3600 seconds", "lives one hour"))
    assert EVERYWHERE["show"](elsewhere), "nobody has read what the model wrote of the role"
    reword(elsewhere, ("the role and the time of issue", "user's role and the time of issue"))
    assert not EVERYWHERE["show"](elsewhere)
    assert "~unread" not in (elsewhere.root / f"agent-context/.verified/{ID}").read_text()


@pytest.mark.parametrize("hooks", [True, False], ids=["with hooks", "without"])
def test_an_edit_of_other_words_is_no_reading(elsewhere: TempRepo, hooks: bool) -> None:
    if hooks:
        elsewhere.agentctx("hooks", "install")
    for pair in (
        ("busiest one of the shop", "busiest one of all"),
        ("title: Signed tokens instead of", "title: Signed tokens in place of"),
        ("so that number is", "so this number is"),
        ("would leak the signature by its timing.", "would leak it.\n\n## History\n\nMore."),
        ("(`MAX_AGE = 3600`). It cannot be revoked,", "(`MAX_AGE =\n3600`). It cannot be revoked,"),
    ):
        reword(elsewhere, pair)
        assert EVERYWHERE["show"](elsewhere), pair
    assert {where for where, shown in EVERYWHERE.items() if not shown(elsewhere)} == set()
    assert elsewhere.agentctx("verify", ID).returncode == 0
    assert not EVERYWHERE["show"](elsewhere)


@pytest.mark.parametrize("driver", [True, False], ids=["our driver", "lines alone"])
@pytest.mark.parametrize("how", ["merge", "rebase"])
def test_an_edit_of_other_words_on_another_branch_is_no_reading(
    shop: TempRepo, model: ScriptedModel, how: str, driver: bool
) -> None:
    if not driver:
        shop.agentctx("hooks", "uninstall")
        shop.git("config", "--remove-section", "merge.agentctx", check=False)
    assert bool(shop.git("config", "--default", "", "merge.agentctx.driver").strip()) is driver
    shop.git("switch", "-q", "-c", "human")
    reword(shop, ("busiest one of the shop", "busiest one of all"))
    shop.git("switch", "-q", "main")
    assert shop.agentctx("sync", "HEAD~1..HEAD", "--mode", "commit").returncode == 0
    if how == "rebase":
        shop.git("switch", "-q", "human")
        shop.git("rebase", "-q", "main")
    else:
        shop.git("merge", "-q", "--no-edit", "human")
    assert "busiest one of all" in (shop.root / NOTE).read_text()
    assert {where for where in ("prime", "show", "status") if not EVERYWHERE[where](shop)} == set()


def test_what_two_branches_have_not_read_is_unread_in_both(
    shop: TempRepo, model: ScriptedModel, tmp_path: Path
) -> None:
    record = f"agent-context/.verified/{ID}"
    done = shop.agentctx("sync", "HEAD~1..HEAD", "--mode", "commit")
    assert done.returncode == 0, done.stderr
    marks = [line for line in (shop.root / record).read_text().split("\n") if line.startswith("~unread:")]
    assert len(marks) >= 3, "the line and the sentence about the age, and the item about the role"
    for branch, pair in (
        ("one", ("lives 3600 seconds", "lives one hour")),
        ("two", ("the role and the time of issue", "user's role and the time of issue")),
    ):
        shop.git("switch", "-q", "-c", branch, "main")
        shop.agentctx("hooks", "install")
        reword(shop, pair)
        assert EVERYWHERE["show"](shop)
    shop.git("merge", "-q", "--no-edit", "one")
    assert not EVERYWHERE["show"](shop), "each has read the half that it reworded"


def test_a_mark_that_covers_a_whole_text_still_counts(elsewhere: TempRepo) -> None:
    record = elsewhere.root / f"agent-context/.verified/{ID}"
    with Project.open(elsewhere.root) as project:
        note = project.note(ID)
    said = " ".join((note.title, *note.body.split()))
    digest = hashlib.sha256(said.encode()).hexdigest()[:32]
    plain = re.sub(r"(?m)^~unread:.*\n.*\n", "", record.read_text())
    assert "unread" not in plain
    record.write_text(f"{plain}~unread\n  1 text:{digest}\n")
    assert EVERYWHERE["show"](elsewhere)
    elsewhere.agentctx("hooks", "install")
    elsewhere.commit(
        "An anchor more", {NOTE: (elsewhere.root / NOTE).read_text().replace("- auth", "- keys")}
    )
    assert "~unread:" in record.read_text(), "written anew, a name for each line"
    reword(elsewhere, ("busiest one of the shop", "busiest one of all"))
    assert EVERYWHERE["show"](elsewhere)


def test_what_somebody_has_read_can_still_be_undone(shop: TempRepo, model: ScriptedModel) -> None:
    start = notes_on_disk(shop)
    shop.agentctx("sync", "HEAD~1..HEAD", "--mode", "apply")
    assert shop.agentctx("verify", ID).returncode == 0
    done = shop.agentctx("undo")
    assert done.returncode == 0, done.stderr
    assert notes_on_disk(shop) == start


def verified_by_an_agent(repo: TempRepo, why: str = "looked") -> str:
    """An agent says that the note holds: the id of its proposal."""
    with Project.open(repo.root) as project:
        said = verify(project, {"note": ID, "why": why})
    assert "waits for a person" in said
    return said.split()[2].rstrip(":")


def test_whoever_accepts_an_agents_word_that_a_note_holds_is_shown_what_nobody_has_read(
    elsewhere: TempRepo,
) -> None:
    id = verified_by_an_agent(elsewhere)
    shown = elsewhere.agentctx("review", "show", id).stdout
    assert "does not fit" not in shown
    assert "no word is changed: accepting says that this is true at " in shown
    assert f"accepting says that you have read the lines marked `!`: {MARK}" in shown
    body = (elsewhere.root / NOTE).read_text().split("---\n", 2)[2].strip().split("\n")
    lines = [line[2:] for line in shown.split("\n") if line.startswith("! ")]
    assert len(lines) == 2 and "3600 seconds" in lines[0] and "the role and the time" in lines[1]
    assert {line for line in body if line} <= {line[2:] for line in shown.split("\n")}
    accepted = elsewhere.agentctx("review", "accept", id)
    assert accepted.returncode == 0, accepted.stderr
    assert not EVERYWHERE["show"](elsewhere)


def test_an_edit_of_a_note_that_is_unread_shows_the_rest_that_accepting_vouches_for(
    elsewhere: TempRepo,
) -> None:
    given = {"note": ID, "old": "busiest one of the shop", "new": "busiest one of all"}
    with Project.open(elsewhere.root) as project:
        id = propose_note(project, given).split()[2].rstrip(":")
    (shown,) = json.loads(elsewhere.agentctx("review", "show", id, "--json").stdout)["proposals"]
    assert "+busiest one of all" in shown["diff"] and "no word is changed" not in shown["vouches"]
    assert sum(line.startswith("! ") for line in shown["text"].split("\n")) == 2
    elsewhere.agentctx("verify", ID)
    (shown,) = json.loads(elsewhere.agentctx("review", "show", id, "--json").stdout)["proposals"]
    assert (shown["text"], shown["vouches"]) == ("", "")


def test_an_agents_word_that_a_note_holds_brought_no_words_to_tell_the_source_of(
    elsewhere: TempRepo,
) -> None:
    id = verified_by_an_agent(elsewhere)
    accepted = elsewhere.agentctx("review", "accept", id)
    assert accepted.returncode == 0 and "Agentctx-" not in accepted.stderr
    assert f"-{id}" in accepted.stderr, "the way back names this one, not all of the day"
    elsewhere.commit("Read")
    again = verified_by_an_agent(elsewhere, "looked once more")
    elsewhere.agentctx("review", "accept", again)
    (first,) = [word for word in accepted.stderr.split() if word.endswith(f"-{id}")]
    assert elsewhere.agentctx("undo", first).returncode == 0
    states = json.loads(elsewhere.agentctx("review", "--all", "--json").stdout)["proposals"]
    assert {p["id"]: p["state"] for p in states} == {id: "needs_review", again: "accepted"}


def test_what_a_person_accepts_has_no_mark(shop: TempRepo, model: ScriptedModel) -> None:
    shop.agentctx("sync", "HEAD~1..HEAD")
    shop.agentctx("review", "accept")
    assert "`MAX_AGE = 3600`" in (shop.root / NOTE).read_text()
    assert not EVERYWHERE["show"](shop)
