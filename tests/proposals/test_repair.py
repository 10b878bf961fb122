"""Mending without a model: moved anchors, and notes that people mended together with the code."""

from __future__ import annotations

from dataclasses import replace

from agentctx.model import Anchor, Drift, Freshness
from agentctx.proposals.operations import apply_operations
from agentctx.proposals.repair import mended_by_hand, moved_anchors
from tests.proposals.cases import NOTE_ID, TEXT, note_of

OLD = Anchor("src/auth/tokens.py", "issue_token")
MOVED = Drift(OLD, "moved", "moved in 3fa9 by Bo", moved_to="src/jwt/issue.py#issue_token")


def fresh(*drifts: Drift, state: str = "moved") -> Freshness:
    return Freshness(NOTE_ID, state, drifts)  # type: ignore[arg-type]


def test_a_moved_symbol_is_anchored_where_it_went() -> None:
    repair = moved_anchors(note_of(), fresh(MOVED))
    assert repair is not None
    assert repair.why == "moved in 3fa9 by Bo"
    after = apply_operations(TEXT.encode(), repair.operations)
    assert after == TEXT.encode().replace(b"src/auth/tokens.py#", b"src/jwt/issue.py#")


def test_nothing_moved_is_no_repair() -> None:
    body = Drift(OLD, "body", "changed")
    elsewhere = replace(MOVED, anchor=Anchor("src/other.py"))
    nowhere = replace(MOVED, moved_to="")
    for drifts in ((), (body,), (elsewhere,), (nowhere,)):
        assert moved_anchors(note_of(), fresh(*drifts)) is None


def test_documents_and_conflicted_notes_are_left_alone() -> None:
    assert moved_anchors(replace(note_of(), read_only=True), fresh(MOVED)) is None
    assert moved_anchors(note_of(), fresh(MOVED, state="conflicted")) is None


def test_a_repair_changes_only_what_moved() -> None:
    text = TEXT.replace("owner:", "  - src/auth/middleware.py\nowner:")
    drifts = (MOVED, Drift(Anchor("src/auth/middleware.py"), "body", "changed"))
    repair = moved_anchors(note_of(text), fresh(*drifts, state="stale"))
    assert repair is not None
    assert len(repair.operations) == 1


def test_a_note_mended_with_its_code_is_restamped() -> None:
    history = Drift(OLD, "unchanged", witness="history")
    record = Drift(OLD, "unchanged", witness="record")
    found = mended_by_hand(
        [
            Freshness("by-history", "fresh", (history, record)),
            Freshness("by-record", "fresh", (record,)),
            Freshness("still-stale", "stale", (history, Drift(OLD, "body"))),
            Freshness("suspect", "suspect", (history,)),
            Freshness("no-anchor", "fresh"),
        ]
    )
    assert found == ("by-history",)
