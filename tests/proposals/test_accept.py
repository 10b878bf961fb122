"""Acceptance and undo: nobody's words are lost, whatever happens in between."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentctx.errors import Conflict, InvalidInput, NotWritable
from agentctx.model import Edit, Note, Proposal, Refusal, Stamp
from agentctx.notes import folder as folder_module
from agentctx.notes.folder import Folder
from agentctx.proposals.accept import accept, current, preview, undo
from agentctx.proposals.drafting import draft_repair
from agentctx.proposals.repair import Repair
from agentctx.proposals.store import Store
from tests.proposals.cases import (
    NOTE_ID,
    NOTE_PATH,
    PROVENANCE,
    TEXT,
    TRUE_EDIT,
    Place,
    drafted,
    note_of,
    operation,
    place,
)

RECORD = f"agent-context/.verified/{NOTE_ID}"
AFTER = TEXT.replace("900 seconds (`MAX_AGE = 900`)", "1800 seconds (`MAX_AGE = 1800`)").encode()


@pytest.fixture
def here(tmp_path: Path) -> Place:
    return place(tmp_path / "repo")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "state")


def stamps(note: Note) -> Mapping[str, Stamp]:
    return {str(anchor): Stamp(sig="a1", body="b2") for anchor in note.anchors}


def offered(store: Store, operations: Any = TRUE_EDIT, text: str | bytes = TEXT) -> Proposal:
    proposal = drafted(operations, text).proposals[0]
    store.add(proposal)
    return proposal


def test_acceptance_writes_the_note_and_its_record(here: Place, store: Store) -> None:
    done = accept(offered(store), here.folder, store, stamps)
    assert here.note.read_bytes() == AFTER
    assert "sig:a1 body:b2" in (here.root / RECORD).read_text()
    assert [edit.path for edit in done.edits] == [NOTE_PATH, RECORD]
    assert store.get(done.proposal.id).state == "accepted"


def test_accepting_twice_changes_nothing_more(here: Place, store: Store) -> None:
    proposal = offered(store, [{"op": "append_section", "heading": "", "text": "It is `sign_token` now."}])
    accept(proposal, here.folder, store, stamps)
    before = here.everything()
    again = accept(store.get(proposal.id), here.folder, store, stamps)
    assert again.edits == ()
    # The caller may still hold the proposal as it was before.
    accept(proposal, here.folder, store, stamps)
    assert here.everything() == before


def test_a_keep_only_writes_the_record(here: Place, store: Store) -> None:
    done = accept(offered(store, [{"op": "keep", "why": "true"}]), here.folder, store, stamps)
    assert here.note.read_bytes() == TEXT.encode()
    assert [edit.path for edit in done.edits] == [RECORD]


def test_a_new_note_never_overwrites_another(here: Place, store: Store) -> None:
    new = {"op": "new_note", "kind": "gotcha", "title": "Audience", "text": "`audience`", "candidates": [1]}
    proposal = offered(store, [new])
    other = here.root / "agent-context/gotchas/audience.md"
    assert proposal.note_path == "agent-context/gotchas/audience.md"
    other.parent.mkdir()
    other.write_bytes(b"---\ntitle: Mine\n---\n")
    dropped = accept(proposal, here.folder, store, stamps)
    assert dropped.proposal.state == "dropped"
    assert other.read_bytes() == b"---\ntitle: Mine\n---\n"
    other.unlink()
    accept(replace(proposal, state="pending"), here.folder, store, stamps)
    assert b"title: Audience" in other.read_bytes()
    undo("sync-1", here.folder, store)
    assert not other.exists()


def test_words_that_a_person_wrote_meanwhile_stand(here: Place, store: Store) -> None:
    proposal = offered(store)
    mine = TEXT.replace("did not scale.", "did not scale, as Bo found out.").encode()
    here.note.write_bytes(mine)
    done = accept(proposal, here.folder, store, stamps)
    assert done.proposal.state == "accepted"
    assert here.note.read_bytes() == mine.replace(
        b"900 seconds (`MAX_AGE = 900`)", b"1800 seconds (`MAX_AGE = 1800`)"
    )


@pytest.mark.parametrize(
    ("operations", "mine"),
    [
        pytest.param(TRUE_EDIT, TEXT.replace("900 seconds", "1800 seconds"), id="the same place"),
        pytest.param(TRUE_EDIT, TEXT + "\n900 seconds (`MAX_AGE = 900`)\n", id="not unique any more"),
        pytest.param(
            [{"op": "replace_section", "heading": "Alternatives", "text": "`sign_token` alone."}],
            TEXT.replace("load test of 2024", "load test of 2025"),
            id="a whole section",
        ),
        pytest.param([{"op": "keep", "why": "w"}], TEXT + "\nmore\n", id="a verification of other words"),
        pytest.param([{"op": "retag", "tags": ["x"]}], TEXT.replace("[auth, jwt]", "[mine]"), id="tags"),
    ],
)
def test_a_proposal_that_no_longer_fits_is_dropped_with_its_reason(
    operations: Any, mine: str, here: Place, store: Store
) -> None:
    proposal = offered(store, operations)
    here.note.write_bytes(mine.encode())
    assert isinstance(current(proposal, here.folder), Refusal)
    done = accept(proposal, here.folder, store, stamps)
    assert done.proposal.state == "dropped"
    assert "changed since" in done.proposal.refusals[-1].reason
    assert here.note.read_bytes() == mine.encode()
    assert store.syncs() == ()
    with pytest.raises(InvalidInput, match="dropped"):
        accept(done.proposal, here.folder, store, stamps)


def test_a_deleted_note_stays_deleted(here: Place, store: Store) -> None:
    proposal = offered(store)
    here.note.unlink()
    assert accept(proposal, here.folder, store, stamps).proposal.state == "dropped"
    assert not here.note.exists()


def test_a_preview_writes_nothing(here: Place, store: Store) -> None:
    proposal = offered(store)
    before = here.everything()
    assert preview(proposal, here.folder) == Edit(NOTE_PATH, TEXT.encode(), AFTER)
    assert here.everything() == before
    assert store.syncs() == ()


def test_a_person_who_saves_during_the_acceptance_is_not_overwritten(
    here: Place, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our read and our write somebody saves; the write is refused and done again from their bytes."""
    proposal = offered(store)
    save = Folder.save
    edits = iter([b"first", b"second"])

    def late(self: Folder, path: str, data: bytes, expected: str | None) -> None:
        word = next(edits, b"")
        if word:
            here.note.write_bytes(here.note.read_bytes() + b"\n" + word + b"\n")
        save(self, path, data, expected)

    monkeypatch.setattr(Folder, "save", late)
    done = accept(proposal, here.folder, store)
    assert done.proposal.state == "accepted"
    assert here.note.read_bytes() == AFTER + b"\nfirst\n\nsecond\n"
    assert len(store.journal("sync-1").steps) == 1


def test_endless_saving_by_others_ends_in_a_conflict(
    here: Place, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(self: Folder, path: str, data: bytes, expected: str | None) -> None:
        raise Conflict("changed")

    monkeypatch.setattr(Folder, "save", busy)
    with pytest.raises(Conflict, match="again and again"):
        accept(offered(store), here.folder, store)
    assert here.note.read_bytes() == TEXT.encode()
    assert store.journal("sync-1").steps == ()


def test_the_journal_is_written_before_the_note(
    here: Place, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    save = Folder.save

    def watched(self: Folder, path: str, data: bytes, expected: str | None) -> None:
        steps = store.journal("sync-1").steps
        seen.append(any(s.edit.path == path and s.edit.after == data for s in steps))
        save(self, path, data, expected)

    monkeypatch.setattr(Folder, "save", watched)
    accept(offered(store), here.folder, store, stamps)
    assert seen == [True, True]


class Killed(BaseException):
    """Stands for the end of the process: nothing may catch it."""


def _killing(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """End the process before the ``step``-th write of any file."""
    from agentctx import files

    count = 0
    write = files.write_atomic

    def dying(path: Path, data: bytes, durable: bool = True) -> None:
        nonlocal count
        count += 1
        if count == step:
            raise Killed
        write(path, data, durable)

    from agentctx.proposals import store as store_module

    monkeypatch.setattr(folder_module, "write_atomic", dying)
    monkeypatch.setattr(store_module, "write_atomic", dying)


@pytest.mark.parametrize("append", [False, True], ids=["replace", "append"])
def test_killed_anywhere_and_run_again_the_bytes_are_the_same(append: bool, tmp_path: Path) -> None:
    operations = (
        [{"op": "append_section", "heading": "", "text": "It is `sign_token` now."}] if append else TRUE_EDIT
    )
    straight = place(tmp_path / "straight")
    accept(offered(Store(tmp_path / "s0"), operations), straight.folder, Store(tmp_path / "s0"), stamps)
    for step in range(1, 14):
        store = Store(tmp_path / f"s{step}")
        proposal = offered(store, operations)
        here = place(tmp_path / f"r{step}")
        with pytest.MonkeyPatch.context() as patch:
            _killing(step, patch)
            try:
                accept(proposal, here.folder, store, stamps)
                finished = True
            except Killed:
                finished = False
        assert here.note.read_bytes() in (TEXT.encode(), straight.note.read_bytes())
        accept(store.get(proposal.id), here.folder, store, stamps)
        assert here.everything() == straight.everything()
        undo("sync-1", here.folder, store)
        assert here.note.read_bytes() == TEXT.encode()
        assert not (here.root / RECORD).exists()
        if finished:
            return
    raise AssertionError("the acceptance never came to its end")


def test_undo_restores_the_bytes_two_hundred_times(tmp_path: Path) -> None:
    dice = random.Random(1815)
    for number in range(200):
        newline = dice.choice(["\n", "\r\n"])
        text = TEXT.replace("\n", newline)
        data = (text if dice.random() < 0.5 else text.rstrip()).encode()
        data = b"\xef\xbb\xbf" + data if dice.random() < 0.3 else data
        here, store = place(tmp_path / f"r{number}", data), Store(tmp_path / f"s{number}")
        before = here.everything()
        extra = dice.sample(
            [
                {"op": "retitle", "title": f"Tokens: #{number}"},
                {"op": "retag", "tags": ["auth", f"tag-{number}"]},
                {"op": "append_section", "heading": "Consequences", "text": "The `audience` is `api`."},
                {"op": "anchor", "candidate": dice.choice([1, 2])},
            ],
            dice.randint(0, 4),
        )
        proposals = drafted([*TRUE_EDIT, *extra], data).proposals
        assert proposals
        accept(proposals[0], here.folder, store, stamps if dice.random() < 0.7 else None)
        assert here.everything() != before
        assert undo("sync-1", here.folder, store)
        assert here.everything() == before
        assert undo("sync-1", here.folder, store) == ()


def test_two_proposals_of_one_sync_on_one_note_are_undone_in_turn(here: Place, store: Store) -> None:
    accept(offered(store), here.folder, store, stamps)
    accept(offered(store, [{"op": "anchor", "candidate": 2}]), here.folder, store, stamps)
    assert here.note.read_bytes() != AFTER
    edits = undo("sync-1", here.folder, store)
    assert here.note.read_bytes() == TEXT.encode()
    assert [e.path for e in edits] == [RECORD, NOTE_PATH, RECORD, NOTE_PATH]


def test_undo_takes_nobody_s_later_words_away(here: Place, store: Store) -> None:
    accept(offered(store), here.folder, store, stamps)
    here.note.write_bytes(AFTER + b"\nMy words.\n")
    before = here.everything()
    with pytest.raises(Conflict, match=NOTE_ID):
        undo("sync-1", here.folder, store)
    assert here.everything() == before
    here.note.write_bytes(AFTER)
    assert len(undo("sync-1", here.folder, store)) == 2
    assert here.note.read_bytes() == TEXT.encode()


def test_where_nothing_can_be_journaled_nothing_is_written(here: Place) -> None:
    before = here.everything()
    with pytest.raises(NotWritable):
        accept(drafted(TRUE_EDIT).proposals[0], here.folder, Store(None), stamps)
    assert here.everything() == before


def test_a_repair_is_accepted_like_any_proposal(here: Place, store: Store) -> None:
    moved = operation(
        "anchor", anchor="src/jwt/issue.py#issue_token", replaces="src/auth/tokens.py#issue_token"
    )
    repair = Repair(NOTE_ID, (moved,), "the same body is in src/jwt/issue.py now")
    proposal = draft_repair(repair, note_of(), TEXT.encode(), PROVENANCE)
    assert isinstance(proposal, Proposal)
    assert (proposal.origin, proposal.model) == ("repair", "")
    store.add(proposal)
    accept(proposal, here.folder, store, stamps)
    assert b"  - src/jwt/issue.py#issue_token\n" in here.note.read_bytes()
    assert "src/jwt/issue.py#issue_token" in (here.root / RECORD).read_text()
