"""Earlier merges: grown one by one, kept as JSON, followed through renames."""

from __future__ import annotations

import json

import pytest

from agentctx.model import Note
from agentctx.proposals.note_history import FILES_COUNTED, Merge, NoteHistory

MERGES = (
    Merge("1", "Add tokens", ("src/a.py", "docs/x.md"), ("docs/x.md#setup",)),
    Merge("2", "Rotate tokens", ("src/a.py",)),
    Merge("3", "Move the docs", ("docs/y.md",), ("docs/y.md#setup",), (("docs/x.md", "docs/y.md"),)),
)


def test_a_path_knows_its_merges_oldest_first() -> None:
    history = NoteHistory(MERGES)
    assert list(history.of_file("src/a.py")) == [0, 1]
    assert list(history.of_file("src/unknown.py")) == []


def test_a_section_and_a_note_with_its_own_file_are_found() -> None:
    history = NoteHistory([*MERGES, Merge("4", "Decide", ("agent-context/decisions/d.md",))])
    own = Note("d", "agent-context/decisions/d.md", "decision", "D", "", "")
    section = Note("docs/y.md#setup", "docs/y.md", "document", "Setup", "", "")
    assert list(history.of_note(own)) == [3]
    assert list(history.of_note(section)) == [0, 2]


def test_a_renamed_document_keeps_the_past_of_both_names() -> None:
    assert list(NoteHistory(MERGES).of_file("docs/y.md")) == [0, 2]


def test_titles_are_found_by_their_stemmed_words() -> None:
    assert list(NoteHistory(MERGES).with_word("token")) == [0, 1]


def test_merges_of_very_many_files_count_only_with_their_title() -> None:
    history = NoteHistory([Merge("1", "Reformat", tuple(f"f{i}" for i in range(FILES_COUNTED + 1)))])
    assert list(history.of_file("f1")) == []
    assert list(history.with_word("reformat")) == [0]


def test_history_comes_back_from_json_and_goes_on_growing() -> None:
    kept = json.loads(json.dumps(NoteHistory(MERGES[:2]).to_plain()))
    history = NoteHistory.from_plain(kept)
    assert history.newest == "2"
    history.add(MERGES[2])
    assert history.to_plain() == NoteHistory(MERGES).to_plain()


@pytest.mark.parametrize(
    "plain", [{}, {"version": 2, "merges": [1]}, {"version": 1, "merges": [[1]]}, {"version": 1, "merges": 7}]
)
def test_what_is_no_history_is_an_empty_one(plain: dict[str, object]) -> None:
    assert NoteHistory.from_plain(plain).newest == ""
