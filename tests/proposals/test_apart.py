"""Edits are found again in a change by what the note said before and after them, and by nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentctx.proposals.apart import content_id, told_apart

NOTE = b"""---
title: Tokens
---
Tokens live `900` seconds.
They are signed.

## Why

Cookies were too large.
"""
MENDED = NOTE.replace(b"900", b"1800")
LATER = b"\n## Who\n\nA person wrote this.\n"


def edits(*pairs: tuple[bytes, bytes]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for before, after in pairs:
        found.setdefault(content_id(before), set()).add(content_id(after))
    return found


def text(known: dict[str, set[str]], before: bytes, after: bytes, *others: bytes) -> bytes | None:
    found = told_apart(known, before, after, {content_id(other): other for other in others})
    return found.text if found else None


KNOWN = edits((NOTE, MENDED))


def test_an_edit_alone_is_the_whole_change_whatever_the_line_endings() -> None:
    assert text(KNOWN, NOTE, MENDED) == MENDED
    windows = MENDED.replace(b"\n", b"\r\n")
    assert text(KNOWN, NOTE.replace(b"\n", b"\r\n"), windows) == windows


def test_words_that_were_added_elsewhere_in_the_same_change_are_somebody_elses() -> None:
    assert text(KNOWN, NOTE, MENDED + LATER) == MENDED
    assert text(KNOWN, NOTE, MENDED.replace(b"seconds.\n", b"seconds.\nA person's.\n")) == MENDED
    assert text(KNOWN, NOTE, MENDED.replace(b"---\nTokens", b"---\nA person's.\n\nTokens")) == MENDED
    assert text(KNOWN, NOTE, MENDED.replace(b"Cookies", b"Cookies, I think,")) == MENDED
    assert text(KNOWN, NOTE, MENDED.replace(b"They are signed.\n", b"")) == MENDED


def test_words_that_a_person_had_written_before_the_edit_are_the_persons() -> None:
    known = edits((NOTE + LATER, MENDED + LATER))
    assert text(known, NOTE, MENDED + LATER) == MENDED


def test_an_edit_of_an_edit_and_a_persons_words_between_them() -> None:
    again = MENDED.replace(b"signed", b"signed twice")
    assert text(edits((NOTE, MENDED), (MENDED, again)), NOTE, again + LATER) == again
    between = edits((NOTE, MENDED), (MENDED + LATER, again + LATER))
    assert text(between, NOTE, again + LATER) == again


def test_an_edit_that_was_made_to_another_version_of_the_note() -> None:
    onto = NOTE.replace(b"too large", b"far too large")
    assert text(KNOWN, onto, onto.replace(b"900", b"1800"), NOTE) == onto.replace(b"900", b"1800")
    assert text(KNOWN, onto, onto.replace(b"900", b"1800")) is None, "nothing proves it"


def test_what_was_written_over_is_nobodys_edit_and_neither_is_its_way_back() -> None:
    assert text(KNOWN, NOTE, MENDED.replace(b"1800", b"3600")) is None
    assert text(KNOWN, MENDED, NOTE) is None
    assert text(KNOWN, NOTE, NOTE + LATER) is None
    assert text(KNOWN, NOTE, NOTE) is None
    assert text({}, NOTE, MENDED) is None


def test_a_rewritten_note_is_not_searched_through_for_ever() -> None:
    rewritten = b"".join(b"Line %d.\n\n" % number for number in range(400))
    assert text(KNOWN, NOTE, rewritten) is None


LINES = st.lists(st.sampled_from([b"one", b"two", b"three", b"", b"- item", b"## Heading"]), max_size=3)


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=2, unique=True),
    st.lists(st.integers(10, 19), max_size=2, unique=True),
    LINES,
)
def test_two_pairs_of_hands_are_told_apart_wherever_they_were(
    model: list[int], person: list[int], added: list[bytes]
) -> None:
    before = [b"Paragraph %d says so." % number for number in range(20)]
    mended = [line.replace(b"says", b"denies") if n in model else line for n, line in enumerate(before)]
    both = [line.replace(b"so.", b"much.") if n in person else line for n, line in enumerate(mended)] + added
    old, middle, new = (b"\n\n".join(lines) + b"\n" for lines in (before, mended, both))
    found = text(edits((old, middle)), old, new)
    assert found and found.rstrip(b"\n") == middle.rstrip(b"\n"), "blank lines at the end are nobody's words"
