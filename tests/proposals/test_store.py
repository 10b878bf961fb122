"""What a clone keeps: proposals, rejections that are remembered, and the journal."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from agentctx.errors import InvalidInput, NotFound, NotWritable
from agentctx.model import Edit, Proposal, Refusal
from agentctx.proposals.store import Step, Store, content_key
from tests.proposals.cases import TRUE_EDIT, drafted


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "state")


def proposal(id: str = "", text: str = "") -> Proposal:
    edit = [{**TRUE_EDIT[0], "new": TRUE_EDIT[0]["new"] + text}]
    made = drafted(edit).proposals[0]
    return replace(made, id=id or made.id)


def test_a_proposal_is_read_back_as_it_was(store: Store) -> None:
    full = replace(
        proposal(),
        state="needs_review",
        refusals=(Refusal("names", "a reason", "needs_review"),),
        code_diff="-a\n+b\udc80",
    )
    new = drafted([{"op": "new_note", "kind": "gotcha", "title": "T", "text": "x", "candidates": [1]}])
    for one in (full, new.proposals[0]):
        assert store.add(one)
        assert store.get(one.id) == one


def test_the_same_proposal_is_kept_once(store: Store) -> None:
    assert store.add(proposal())
    assert not store.add(replace(proposal(), id="another-id", sync="sync-2", model="other"))
    assert len(store.proposals()) == 1


def test_a_rejected_proposal_does_not_come_back(store: Store) -> None:
    store.add(proposal())
    assert store.reject(proposal()).state == "rejected"
    assert store.open() == ()
    assert store.was_rejected(replace(proposal(), sync="sync-2"))
    assert not store.add(replace(proposal(), id="again", sync="sync-2"))
    assert store.add(proposal(text=" now"))


def test_another_version_of_the_note_is_another_proposal() -> None:
    assert content_key(proposal()) != content_key(replace(proposal(), note_digest="0" * 64))


def test_a_proposal_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    store.add(proposal("abc123"))
    store.add(proposal("abd456", " x"))
    assert store.get("abc").id == "abc123"
    with pytest.raises(NotFound, match="2 proposals begin"):
        store.get("ab")
    with pytest.raises(NotFound):
        store.get("zzz")
    with pytest.raises(NotFound):
        store.get("")


def test_proposals_come_oldest_first_and_by_state(store: Store) -> None:
    store.add(replace(proposal("b"), created="2026-01-02"))
    store.add(replace(proposal("a", " x"), created="2026-01-03"))
    store.add(replace(proposal("c", " y"), created="2026-01-01", state="needs_review"))
    assert [p.id for p in store.open()] == ["c", "b", "a"]
    assert [p.id for p in store.proposals(["pending"])] == ["b", "a"]


def test_a_damaged_file_is_as_if_it_were_not_there(store: Store, tmp_path: Path) -> None:
    store.add(proposal())
    folder = tmp_path / "state" / "proposals"
    (folder / "x.json").write_bytes(b"{")
    (folder / "y.json").write_bytes(b"[]")
    (folder / "z.json").write_bytes(b'{"id": "z", "operations": 3}')
    (tmp_path / "state" / "rejections.json").write_bytes(b"\xff")
    assert [p.id for p in store.proposals()] == [proposal().id]
    assert not store.was_rejected(proposal())


def test_without_a_folder_reading_is_empty_and_writing_says_so() -> None:
    store = Store(None)
    assert store.open() == ()
    assert store.syncs() == ()
    with pytest.raises(NotWritable):
        store.add(proposal())
    with pytest.raises(NotWritable):
        store.record("s", Edit("a.md", b"x", b"y"))


@pytest.mark.parametrize("id", ["../x", "a/b", "", ".hidden", "a\0b", "x" * 81])
def test_an_id_is_never_a_path(store: Store, id: str) -> None:
    with pytest.raises(InvalidInput):
        store.add(replace(proposal(), id=id))
    with pytest.raises(InvalidInput):
        store.journal(id)


def test_the_journal_keeps_bytes_in_order_and_once(store: Store, tmp_path: Path) -> None:
    first, second = Edit("a.md", None, b"\xff one"), Edit("a.md", b"\xff one", b"two")
    store.record("s1", first, "p1")
    store.record("s1", second, "p2")
    store.record("s1", second, "p2")
    assert store.journal("s1").steps == (Step(first, "p1"), Step(second, "p2"))
    assert len(list((tmp_path / "state/journal/bytes").iterdir())) == 2
    store.withdraw("s1", second, "p2")
    assert store.journal("s1").steps == (Step(first, "p1"),)
    store.close("s1")
    assert store.journal("s1").undone
    assert store.syncs() == ("s1",)


def test_a_damaged_journal_undoes_nothing(store: Store, tmp_path: Path) -> None:
    store.record("s1", Edit("a.md", b"one", b"two"))
    for kept in (tmp_path / "state/journal/bytes").iterdir():
        kept.write_bytes(b"other")
    with pytest.raises(InvalidInput, match="damaged"):
        store.journal("s1")


def test_an_unknown_sync_is_told(store: Store) -> None:
    store.record("2026-05-01-abcdef", Edit("a.md", b"one", b"two"))
    with pytest.raises(NotFound) as caught:
        store.journal("2026-05-01-abcdee")
    assert "2026-05-01-abcdef" in caught.value.hint


def test_writers_at_the_same_time_lose_no_step(store: Store) -> None:
    def write(number: int) -> None:
        for i in range(10):
            store.record("s", Edit(f"{number}-{i}.md", None, b"x"))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.journal("s").steps) == 40


def test_old_closed_proposals_are_forgotten_and_open_ones_are_not(store: Store) -> None:
    for n in range(5):
        store.add(replace(proposal(f"p{n}", f" {n}"), created=f"2026-01-0{n + 1}"))
    for n in range(3):
        store.reject(store.get(f"p{n}"))
    assert store.forget(keep=1) == 2
    assert [p.id for p in store.proposals()] == ["p2", "p3", "p4"]
