"""Which notes no longer hold, in whatever words they say it."""

from __future__ import annotations

import pytest

from agentctx.model import Note
from agentctx.retrieval.succession import pairs, retired


def note(id: str, **fields: object) -> Note:
    return Note(id, f"agent-context/decisions/{id}.md", "decision", id, "x", "d", **fields)  # type: ignore[arg-type]


def record(name: str, **fields: object) -> Note:
    path = f"docs/adr/{name}"
    return Note(f"{path}#x", path, "document", name, "x", "d", read_only=True, **fields)  # type: ignore[arg-type]


OLD = ("superseded by docs/adr/0004-new.md#x",)


@pytest.mark.parametrize(
    "by",
    ["ADR-0004", "adr-4", "0004", "4. New", "docs/adr/0004-new.md", "0004-new.md", "0004-new", "ADR 0004"],
)
def test_a_record_names_its_successor_by_number_file_or_path(by: str) -> None:
    old = record("0001-old.md", status="superseded", superseded_by=by)
    new = record("0004-new.md")
    assert retired([old, new]) == {old.id: f"superseded by {new.id}"}
    assert pairs([old, new]) == [(new.id, old.id)]


def test_a_number_that_two_records_share_names_neither() -> None:
    old = record("0001-old.md", status="superseded", superseded_by="ADR-4")
    assert retired([old, record("0004-a.md"), record("0004-b.md")]) == {old.id: "superseded by ADR-4"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "active"}, ""),
        ({"status": "draft"}, ""),
        ({"status": "superseded"}, "superseded"),
        ({"status": "Superseded"}, "superseded"),
        ({"status": "archived"}, "archived"),
        ({"status": "deprecated"}, "deprecated"),
        ({"status": "superseded by b"}, "superseded by b"),
        ({"status": "superseded by nothing here"}, "superseded by nothing here"),
        ({"superseded_by": "b"}, "superseded by b"),
    ],
    ids=str,
)
def test_a_hand_written_status_counts(fields: dict[str, object], words: str) -> None:
    assert retired([note("a", **fields), note("b")]) == ({"a": words} if words else {})


def test_what_a_successor_names_is_retired_and_what_a_rejected_note_names_is_not() -> None:
    assert retired([note("a"), note("b", supersedes=("a",))]) == {"a": "superseded by b"}
    assert retired([note("a"), note("b", supersedes=("a",), status="rejected")]) == {"b": "rejected"}


def test_a_note_that_names_itself_stays() -> None:
    assert retired([note("a", supersedes=("a",))]) == {}
