"""Counted words between runs: nothing is counted twice, and nothing stale or broken is believed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agentctx.model import Note
from agentctx.proposals import kept_counts
from agentctx.proposals.kept_counts import DOCUMENT, counts_of
from agentctx.proposals.note_words import NoteCounts, count_note

NOTES = tuple(
    Note(f"n{n}", f"n{n}.md", "gotcha", f"Pool {n}", f"`max_size` is {n}.\n\n- one\n| a |\n", "")
    for n in range(3)
)
FRESH = [count_note(note.title, note.body) for note in NOTES]


class Kept(dict[str, bytes]):
    """A cache that keeps everything and counts how often."""

    written = 0

    def read_bytes(self, name: str) -> bytes | None:
        return self.get(name)

    def write_bytes(self, name: str, data: bytes) -> bool:
        self[name] = data
        self.written += 1
        return True


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Titles of what is counted from now on."""
    found: list[str] = []

    def spy(title: str, body: str) -> NoteCounts:
        found.append(title)
        return count_note(title, body)

    monkeypatch.setattr(kept_counts, "count_note", spy)
    return found


def test_a_note_is_counted_once_for_each_version_of_its_text(counted: list[str]) -> None:
    kept = Kept()
    assert counts_of(NOTES, kept) == FRESH
    counted.clear()
    assert counts_of(NOTES, kept) == FRESH
    assert counts_of(NOTES[::-1], kept) == FRESH[::-1]
    assert [title for title in counted if title.startswith("Pool")] == []
    assert kept.written == 1
    edited = replace(NOTES[1], body="Other words.")
    assert counts_of([NOTES[0], edited], kept)[1] == count_note(edited.title, edited.body)
    assert [title for title in counted if title.startswith("Pool")] == ["Pool 1"]


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'{"scheme": "other", "notes": {"a": [1]}}', b'{"notes": 7}'],
    ids=["empty", "cut", "a list", "another scheme", "nonsense"],
)
def test_a_document_that_is_not_ours_is_counted_anew(data: bytes) -> None:
    kept = Kept({DOCUMENT: data})
    assert counts_of(NOTES, kept) == FRESH
    assert kept.written == 1


def test_counts_of_another_way_of_counting_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept()
    counts_of(NOTES, kept)
    other = replace(FRESH[0], rows=99)
    monkeypatch.setattr(kept_counts, "count_note", lambda title, body: other)
    assert counts_of(NOTES, kept) == [other] * len(NOTES)
