"""Words that a model wrote and nobody has read are marked wherever they are shown, in every clone."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agentctx.project import Project
from agentctx.server.operations import answer
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


def test_whoever_edits_the_text_has_read_it(elsewhere: TempRepo) -> None:
    elsewhere.agentctx("hooks", "install")
    note = elsewhere.root / NOTE
    note.write_text(note.read_text().replace("short-lived", "short-living") + "\nMore.\n")
    elsewhere.commit("Say more")
    assert not EVERYWHERE["show"](elsewhere)
    assert "~unread" not in (elsewhere.root / f"agent-context/.verified/{ID}").read_text()


def test_what_somebody_has_read_can_still_be_undone(shop: TempRepo, model: ScriptedModel) -> None:
    start = notes_on_disk(shop)
    shop.agentctx("sync", "HEAD~1..HEAD", "--mode", "apply")
    assert shop.agentctx("verify", ID).returncode == 0
    done = shop.agentctx("undo")
    assert done.returncode == 0, done.stderr
    assert notes_on_disk(shop) == start


def test_what_a_person_accepts_has_no_mark(shop: TempRepo, model: ScriptedModel) -> None:
    shop.agentctx("sync", "HEAD~1..HEAD")
    shop.agentctx("review", "accept")
    assert "`MAX_AGE = 3600`" in (shop.root / NOTE).read_text()
    assert not EVERYWHERE["show"](shop)
