"""A note that is renamed keeps its staleness, its record and the proposals that wait for it."""

from __future__ import annotations

import pytest

from bench.scripted_model import ScriptedModel
from tests.flows.test_sync import NOTE, model, proposals, shop, states
from tests.repository import TempRepo

__all__ = ["model", "shop"]

OLD = "2026-01-12-signed-tokens"
NEW = "agent-context/decisions/tokens.md"


@pytest.mark.parametrize("hooks", [True, False], ids=["with hooks", "without hooks"])
def test_a_renamed_note_is_as_false_as_it_was_before_and_after_the_commit(
    shop: TempRepo, hooks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCTX_NO_WORKER", "1")
    assert states(shop)[OLD] == "stale"
    shop.git("mv", NOTE, NEW)
    assert states(shop)["tokens"] == "stale"
    shop.git(*(() if hooks else ("-c", "core.hooksPath=/dev/null")), "commit", "-q", "-m", "Rename")
    assert states(shop)["tokens"] == "stale"
    records = shop.git("ls-files", "agent-context/.verified").split()
    assert (f"agent-context/.verified/{OLD}" in records) != hooks


def test_a_renamed_and_edited_note_is_the_same_note(shop: TempRepo) -> None:
    shop.git("mv", NOTE, NEW)
    note = shop.root / NEW
    note.write_text(note.read_text() + "\nOne more thing.\n")
    assert states(shop)["tokens"] == "stale"


def test_another_note_on_the_same_code_takes_no_record_over(shop: TempRepo) -> None:
    text = (shop.root / NOTE).read_text()
    head, body = text[: text.index("\n---\n", 4) + 5], "Quite another decision, by somebody else.\n"
    (shop.root / NOTE).unlink()
    shop.write(NEW, head + body)
    assert states(shop)["tokens"] != "stale"


def test_a_proposal_follows_its_note(shop: TempRepo, model: ScriptedModel) -> None:
    shop.agentctx("sync")
    before = [(p["id"], p["state"]) for p in proposals(shop)]
    assert before
    shop.git("mv", NOTE, NEW)
    assert [(p["id"], p["state"]) for p in proposals(shop)] == before
    assert {p["note_path"] for p in proposals(shop)} == {NEW}
    assert shop.agentctx("review", "accept", "--all").returncode == 0
    assert "`MAX_AGE = 3600`" in (shop.root / NEW).read_text()
