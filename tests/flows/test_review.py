"""What waits for a person is held against note and code again; a dry run changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentctx.flows.sync import told
from agentctx.model import SyncReport
from bench.scripted_model import ScriptedModel
from tests.flows.test_sync import (  # noqa: F401  (fixtures)
    NOTE,
    configure,
    model,
    notes_on_disk,
    proposals,
    shop,
    states,
)
from tests.repository import TempRepo

KEEP = {"answers": [{"note": "2026-01-12-signed-tokens", "why": "still true", "operations": [
    {"op": "keep", "why": "still true"}]}]}  # fmt: skip


def everything(root: Path) -> dict[str, bytes]:
    """The work tree, and what this clone keeps about proposals."""
    kept = ("proposals", "journal", "rejections.json")
    files = [p for p in root.rglob("*") if p.is_file() and p.name != "index.json"]
    parts = {p: p.relative_to(root).parts for p in files}
    return {
        str(p): p.read_bytes()
        for p, names in parts.items()
        if names[0] != ".git" or (names[1] == "agentctx" and names[2] in kept)
    }


def change_the_code_again(shop: TempRepo) -> None:  # noqa: F811
    path = "src/shop/tokens.py"
    code = (shop.root / path).read_text().replace("MAX_AGE = 3600", "MAX_AGE = 7200")
    assert "7200" in code
    shop.git("config", "core.hooksPath", "/dev/null")
    shop.commit("Tokens live longer still", {path: code})


def test_words_that_a_note_is_still_true_fall_when_the_code_changes_again(shop: TempRepo) -> None:  # noqa: F811
    with ScriptedModel(lambda _: KEEP) as served:
        configure(shop, served)
        shop.agentctx("sync")
    assert [p["state"] for p in proposals(shop)] == ["needs_review"], "the note says 900, the code does not"
    change_the_code_again(shop)
    assert proposals(shop) == []
    closed = json.loads(shop.agentctx("review", "--all", "--json").stdout)["proposals"]
    (kept,) = [p for p in closed if p["origin"] == "model"]
    assert kept["state"] == "dropped"
    assert "has changed since this was proposed" in kept["refusals"][-1]["reason"]


def test_an_edit_whose_code_has_changed_again_waits_for_a_person(
    shop: TempRepo,  # noqa: F811
    model: ScriptedModel,  # noqa: F811
) -> None:
    shop.agentctx("sync")
    ids = [p["id"] for p in proposals(shop) if p["note_id"] == "2026-01-12-signed-tokens"]
    assert ids
    change_the_code_again(shop)
    before = (shop.root / NOTE).read_bytes()
    done = shop.agentctx("review", "accept", *ids)
    assert done.returncode == 1
    assert "needs_review" in done.stdout and "has changed since this was proposed" in done.stdout
    assert (shop.root / NOTE).read_bytes() == before
    assert shop.agentctx("review", "accept", *ids).returncode == 0
    assert (shop.root / NOTE).read_bytes() != before


def test_a_proposal_that_does_not_fit_its_note_any_more_is_not_listed(
    shop: TempRepo,  # noqa: F811
    model: ScriptedModel,  # noqa: F811
) -> None:
    shop.agentctx("sync")
    note = shop.root / NOTE
    note.write_text(note.read_text().replace("MAX_AGE = 900", "MAX_AGE = 1"))
    assert "2026-01-12-signed-tokens" not in {p["note_id"] for p in proposals(shop)}


def test_what_a_cap_left_out_is_told_with_the_command_that_goes_on() -> None:
    left = (("one", "over the cap of 1 note a sync"), ("two", "edited in the change itself"))
    lines = list(told(SyncReport("s", "a" * 40, "b" * 40, skipped=left)))
    assert lines[0] == "aaaaaaaa..bbbbbbbb: 0 notes affected"
    assert lines[-1] == "1 note over a cap: `agentctx sync aaaaaaaa..bbbbbbbb` again asks about the next"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("review", "accept", "--dry-run"), "would be accepted"),
        (("review", "reject", "--dry-run"), "would be rejected"),
        (("undo", "--dry-run"), "would restore"),
        (("provider", "set", "ollama", "--model", "m", "--dry-run"), "would be written"),
        (("provider", "set", "none", "--dry-run"), "would be left"),
    ],
    ids=["accept", "reject", "undo", "set", "set none"],
)
def test_a_dry_run_says_what_would_be_done_and_changes_nothing(
    shop: TempRepo,  # noqa: F811
    model: ScriptedModel,  # noqa: F811
    command: tuple[str, ...],
    said: str,
) -> None:
    shop.agentctx("sync")
    if command[0] == "undo":
        shop.agentctx("review", "accept")
        closed = json.loads(shop.agentctx("review", "--all", "--json").stdout)["proposals"]
        sync = next(p["sync"] for p in closed if p["origin"] == "model")
        command = ("undo", sync, "--dry-run")
    settings = shop.agentctx("provider", "show").stdout
    before, notes = everything(shop.root), notes_on_disk(shop)
    done = shop.agentctx(*command)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout + done.stderr
    assert everything(shop.root) == before
    assert notes_on_disk(shop) == notes
    assert shop.agentctx("provider", "show").stdout == settings


@pytest.mark.parametrize("command", [("sync", "--mode", "commit"), ("review", "accept")], ids=" ".join)
def test_code_that_no_proposal_saw_is_not_vouched_for(
    shop: TempRepo,  # noqa: F811
    model: ScriptedModel,  # noqa: F811
    command: tuple[str, ...],
) -> None:
    if command[0] == "review":
        shop.agentctx("sync")
    path = "src/shop/tokens.py"
    committed = (shop.root / path).read_text()
    changed = committed.replace("MAX_AGE = 3600", "MAX_AGE = 7200")
    shop.write(path, changed)
    assert changed != committed and shop.agentctx(*command).returncode == 0
    assert "`MAX_AGE = 3600`" in (shop.root / NOTE).read_text()
    shop.write(path, committed)
    assert states(shop)["2026-01-12-signed-tokens"] == "fresh"
    shop.commit("the mended notes")
    shop.commit("Tokens live longer still", {path: changed})
    assert states(shop)["2026-01-12-signed-tokens"] == "stale"
