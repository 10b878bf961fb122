"""Documents in reStructuredText: their headings, their code, and the notes they become."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctx.notes.include import included, suggest_includes
from agentctx.notes.restructured import code_spans, sections

MANUAL = """\
.. _config:

======
Manual
======

How the service is set up, in more than a dozen words, so that this is said at all.

Limits
------

.. envvar:: MAX_ROWS

At most ``max_rows`` rows are returned by :py:func:`~app.query.execute` whatever the question
was, see :class:`the limiter <app.limits.Limiter>`. The setting is read once at start.

In detail
~~~~~~~~~

A page of results ends with a token, and the next request gives that token back to the server.

Hosts
-----

The service listens on the loopback address unless the setting :envvar:`!HOST` says something else.
"""


def headings(text: str) -> list[tuple[str, int]]:
    return [(section.heading, section.level) for section in sections(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Title\n=====\n\nText.\n", [("Title", 1)]),
        ("=====\nTitle\n=====\n\nPart\n====\n\nText.\n", [("Title", 1), ("Part", 2)]),
        ("=======\n Title\n=======\nText.\n", [("Title", 1)]),
        ("One\n***\n\nTwo\n+++\n\nThree\n*****\n", [("One", 1), ("Two", 2), ("Three", 1)]),
        ("Long title\n=========\n", [("Long title", 1)]),
        ("Long title\n====\n", [("", 0)]),
        ("Above\n\n-----\n\nBelow\n", [("", 0)]),
        ("A paragraph\nof two lines\n------------\n", [("", 0)]),
        ("::\n\n    Title\n    =====\n", [("", 0)]),
        ("====  ====\nA     B\n====  ====\n1     2\n====  ====\n", [("", 0)]),
        ("", []),
        ("===\n===\n===\n", [("", 0)]),
    ],
    ids=[
        "underlined", "overlined is a style of its own", "indented below its overline", "levels by first use",
        "one mark short", "far too short", "transition", "paragraph", "literal block", "table", "empty",
        "marks alone",
    ],
)  # fmt: skip
def test_headings_are_found_with_their_levels(text: str, expected: list[tuple[str, int]]) -> None:
    assert headings(text) == expected


def test_labels_belong_to_the_heading_below_them() -> None:
    text = "One\n===\n\nText of one.\n\n.. _two:\n.. _zwei:\n\nTwo\n===\n\nText of two.\n"
    one, two = sections(text)
    assert text[one.start : one.end] == "One\n===\n\nText of one.\n\n"
    assert text[two.start : two.end].startswith(".. _two:") and two.text == "Text of two."


@given(st.text(alphabet="ab =-~:.`_\n", max_size=80))
def test_sections_cover_the_text_in_order_and_lose_nothing(text: str) -> None:
    found = sections(text)
    assert [s.end for s in found[:-1]] == [s.start for s in found[1:]]
    if found:
        assert not text[: found[0].start].strip() and found[-1].end == len(text)
    else:
        assert not text.strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("``a_b`` and ``--flag value``", ["a_b", "--flag value"]),
        (":func:`~pkg.run` then ``x``", ["pkg.run", "x"]),
        (":py:meth:`run <pkg.App.run>`", ["pkg.App.run"]),
        (":file:`src/app.py`", ["src/app.py"]),
        (":ref:`a-label` and `plain` and *word*", []),
        (".. autoclass:: pkg.App\n   :members:\n", ["pkg.App"]),
        (".. py:function:: run(a, b=1)\n", ["run"]),
        (".. note:: ``inside``\n", ["inside"]),
    ],
)
def test_code_is_what_is_marked_as_code(text: str, expected: list[str]) -> None:
    assert code_spans(text) == expected


def test_a_document_becomes_a_note_for_each_section() -> None:
    notes, problems = included("docs/manual.rst", MANUAL.encode())
    assert not problems
    assert [(n.id, n.title) for n in notes] == [
        ("docs/manual.rst#manual", "Manual"),
        ("docs/manual.rst#limits", "Manual: Limits"),
        ("docs/manual.rst#in-detail", "Manual: In detail"),
        ("docs/manual.rst#hosts", "Manual: Hosts"),
    ]
    assert [n.sections[0].level for n in notes] == [1, 2, 3, 2]
    assert notes[1].mentions == ("MAX_ROWS", "max_rows", "app.query.execute", "app.limits.Limiter")
    assert notes[3].mentions == ("HOST",)
    assert all(n.read_only and n.kind == "document" for n in notes)


def test_line_ends_and_a_byte_order_mark_make_no_difference() -> None:
    other = ("\ufeff" + MANUAL.replace("\n", "\r\n")).encode()
    mine, theirs = (included("docs/manual.rst", data)[0] for data in (MANUAL.encode(), other))
    assert [(n.id, n.body, n.mentions) for n in mine] == [(n.id, n.body, n.mentions) for n in theirs]


def test_a_status_in_a_field_list_makes_a_record() -> None:
    text = "Use a queue\n===========\n\n:Status: superseded by 0009\n\nBecause of the load that we had.\n"
    ((record,), _) = included("docs/adr/0007-queue.rst", text.encode())
    assert (record.status, record.superseded_by, record.tags) == ("superseded", "0009", ("adr",))


def test_what_init_offers_names_the_endings_that_are_there() -> None:
    paths = ["docs/a.rst", "docs/b.md", "doc/c.RST", "rfcs/0001-x.rst", "README.rst", "vendor/docs/d.rst"]
    assert suggest_includes(paths) == ("rfcs/**/*.rst", "doc/**/*.rst", "docs/**/*.md", "docs/**/*.rst")
