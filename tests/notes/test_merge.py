"""Merging two versions of a note: nothing lost, no markers in front matter, sides may be swapped."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentctx.model import Stamp
from agentctx.notes.blocks import FIELDS
from agentctx.notes.document import append_section, parse, replace_section, replace_text, set_field
from agentctx.notes.fields import cut, read_fields
from agentctx.notes.merge import merge, merge_record, merged_list
from agentctx.notes.records import parse_record, render_record

BASE = b"""---
title: Tokens
tags:
  - auth
  - jwt
status: active
anchors:
  - src/a.py#f
---
We sign tokens.

They are short-lived.

## Why

The gateway has no store.

- one
- two

## Consequences

None yet.
"""


def both(base: bytes, ours: bytes, theirs: bytes) -> bytes:
    """The merge, without conflict, and the same with sides swapped up to the order of fields."""
    one, two = merge(base, ours, theirs), merge(base, theirs, ours)
    assert one.conflicts == two.conflicts == ()
    assert content(one.data) == content(two.data)
    return one.data


def content(data: bytes) -> tuple[dict[str, object], str]:
    text = data.decode()
    parts = cut(text)
    return {k: f.value for k, f in read_fields(text, parts).items()}, text[parts.body_start :]


def test_fields_and_paragraphs_changed_on_two_sides_are_both_kept() -> None:
    ours = replace_text(set_field(BASE, "status", "superseded"), "We sign tokens.", "We sign all tokens.")
    theirs = append_section(set_field(BASE, "title", "JWT"), "Why", "It is slow.")
    merged = both(BASE, ours, theirs)
    fields, body = content(merged)
    assert (fields["status"], fields["title"]) == ("superseded", "JWT")
    assert "We sign all tokens.\n\nThey are short-lived.\n" in body
    assert "- two\n\nIt is slow.\n\n## Consequences\n" in body


def test_lists_are_merged_as_ordered_sets() -> None:
    assert merged_list(("a", "b", "c"), ("a", "c", "y"), ("a", "b", "c", "x")) == ("a", "c", "x", "y")
    merged = both(
        BASE, set_field(BASE, "tags", ("jwt", "new")), set_field(BASE, "tags", ("auth", "jwt", "old"))
    )
    assert content(merged)[0]["tags"] == ("jwt", "new", "old")


def test_items_appended_to_one_list_are_both_kept() -> None:
    merged = both(
        BASE, BASE.replace(b"- two\n", b"- two\n- three\n"), BASE.replace(b"- two\n", b"- two\n- four\n")
    )
    assert b"- one\n- two\n- four\n- three\n" in merged


def test_sections_added_at_one_place_are_both_kept_whole() -> None:
    ours = append_section(append_section(BASE, "Consequences", "Slow."), "Later", "Ours.")
    theirs = append_section(BASE, "After", "Theirs.")
    body = content(both(BASE, ours, theirs))[1]
    assert body.endswith("None yet.\n\nSlow.\n\n## After\n\nTheirs.\n\n## Later\n\nOurs.\n")


def test_a_new_section_of_one_name_is_one_section() -> None:
    body = content(both(BASE, append_section(BASE, "Later", "B."), append_section(BASE, "Later", "A.")))[1]
    assert body.endswith("## Later\n\nA.\n\nB.\n")


def test_one_change_made_on_both_sides_and_more_on_one_is_both() -> None:
    theirs = replace_text(BASE, "None yet.", "Ten.")
    ours = append_section(theirs, "Who", "Ask the login team.")
    assert content(both(BASE, ours, theirs)) == content(ours)


def test_one_paragraph_changed_in_two_ways_stands_between_markers_in_the_body() -> None:
    merged = merge(BASE, replace_text(BASE, "sign", "encrypt"), replace_text(BASE, "tokens.", "cookies."))
    assert merged.conflicts == ("body",)
    marked = b"<<<<<<< ours\nWe encrypt tokens.\n=======\nWe sign cookies.\n>>>>>>> theirs\n\nThey"
    assert marked in merged.data
    assert parse("agent-context/decisions/n.md", merged.data, "decision")[1][0].code == "conflict-markers"


def test_one_field_changed_in_two_ways_keeps_the_base_and_tells_both_in_the_body() -> None:
    merged = merge(BASE, set_field(BASE, "title", "One"), set_field(BASE, "title", "Two"))
    assert merged.conflicts == ("field title",)
    fields, body = content(merged.data)
    assert fields["title"] == "Tokens"
    assert body.startswith(f"<<<<<<< {FIELDS}\ntitle: One\n=======\ntitle: Two\n>>>>>>> theirs\n\nWe sign")


def test_a_paragraph_deleted_here_and_changed_there_is_a_conflict() -> None:
    merged = merge(
        BASE, replace_text(BASE, "They are short-lived.\n\n", ""), replace_text(BASE, "short", "long")
    )
    assert merged.conflicts == ("body",)
    assert b"<<<<<<< ours\n=======\nThey are long-lived.\n>>>>>>> theirs" in merged.data


def test_comments_of_both_sides_are_kept() -> None:
    ours = BASE.replace(b"title: Tokens\n", b"# ours\ntitle: Tokens\n").replace(b"active", b"archived")
    theirs = BASE.replace(b"tags:\n", b"# theirs\ntags:\n").replace(b"Tokens", b"JWT # inline")
    merged = merge(BASE, ours, theirs)
    assert merged.conflicts == ()
    for word in (b"# ours", b"# theirs", b"# inline", b"archived", b"JWT"):
        assert word in merged.data


def test_the_bytes_of_a_side_that_alone_changed_are_taken() -> None:
    odd = BASE.replace(b"\n", b"\r\n")
    assert merge(BASE, odd, BASE).data == odd
    assert merge(BASE, BASE, odd).data == odd
    assert merge(BASE, odd, odd).data == odd


def test_crlf_notes_merge_to_crlf() -> None:
    base = BASE.replace(b"\n", b"\r\n")
    merged = both(base, append_section(base, "Why", "Ours."), set_field(base, "title", "JWT"))
    assert b"\n" not in merged.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "broken", [b"---\na: [\n---\n", b"\xff", b"---\nnever closed"], ids=["yaml", "bytes", "fence"]
)
def test_a_side_that_cannot_be_read_leaves_the_file_to_git(broken: bytes) -> None:
    ours = set_field(BASE, "title", "One")
    assert merge(BASE, ours, broken) == merge(broken, ours, BASE)
    assert merge(BASE, ours, broken).conflicts == ("file",)
    assert merge(BASE, ours, broken).data == ours


def test_a_note_added_on_both_sides_merges_from_nothing() -> None:
    ours, theirs = set_field(BASE, "x", "1"), set_field(BASE, "y", "2")
    fields, body = content(both(b"", ours, theirs))
    assert (fields["x"], fields["y"], fields["tags"]) == ("1", "2", ("auth", "jwt"))
    assert body == content(BASE)[1]


# --------------------------------------------------------------------------- a thousand random merges


def edited(rng: random.Random, data: bytes, side: str) -> bytes:
    """One person's work on a note: one to three edits, each with words that nobody else uses."""
    for number in range(rng.randint(1, 3)):
        word = f"{side}word{number}x{rng.randrange(10**6)}"
        action = rng.randrange(8)
        note, _ = parse("agent-context/decisions/n.md", data, "decision")
        assert note is not None
        section = rng.choice(note.sections)
        if action == 0:
            data = set_field(data, "tags", (*note.tags, word))
        elif action == 1:
            data = set_field(data, "anchors", (*(str(a) for a in note.anchors), f"src/{word}.py"))
        elif action == 2:
            data = set_field(data, f"x-{word}", word)
        elif action in (3, 4):
            data = append_section(data, section.heading, f"A sentence about {word}.")
        elif action == 5:
            data = append_section(data, f"Part {word}", f"It says {word}.")
        elif action == 6:
            date = f"2027-01-{rng.randint(10, 28)}"
            key, value = rng.choice([("title", f"T {word}"), ("status", "archived"), ("review_by", date)])
            data = set_field(data, key, value)
        else:
            paragraph = rng.choice(re.findall(r"[^\n]+", section.text) or [""])
            if paragraph and note.body.count(paragraph) == 1:
                data = replace_text(data, paragraph, f"{paragraph} Also {word}.")
    return data


def big_note() -> bytes:
    parts = "".join(
        f"\n## Section {s}\n" + "".join(f"\nParagraph {s}.{p} says a thing of its own.\n" for p in range(3))
        for s in range(5)
    )
    head, _, body = BASE.partition(b"\nWe sign")
    return head + b"\nWe sign" + body + parts.encode()


def test_a_thousand_random_merges_lose_no_word_and_rarely_conflict() -> None:
    rng = random.Random(7)
    base = big_note()
    known = set(re.findall(rb"\w+word\w+", base))
    conflicts = 0
    for _ in range(1000):
        ours, theirs = edited(rng, base, "o"), edited(rng, base, "t")
        one, two = merge(base, ours, theirs), merge(base, theirs, ours)
        conflicts += bool(one.conflicts)
        assert len(one.conflicts) == len(two.conflicts)
        said = set(re.findall(rb"[ot]word\w+", ours + theirs)) - known
        assert said <= set(re.findall(rb"[ot]word\w+", one.data))
        fields, body = content(one.data)
        assert "file" not in one.conflicts
        assert not re.search(r"<<<<<<<|>>>>>>>", str(fields))
        if not one.conflicts:
            assert (fields, body) == content(two.data)
            assert parse("agent-context/decisions/n.md", one.data, "decision")[0] is not None
        assert merge(base, ours, base).data == ours
    assert conflicts <= 50


paragraphs = st.lists(
    st.sampled_from(["a.", "b.", "c.", "d.", "# h", "## i", "- x", "- y", "```\nz\n\nz\n```"]), max_size=7
)


@settings(deadline=None, max_examples=300)
@given(paragraphs, paragraphs, paragraphs)
def test_any_three_bodies_merge_without_losing_what_either_added(
    b: list[str], o: list[str], t: list[str]
) -> None:
    base, ours, theirs = ("\n\n".join(side).encode() + b"\n" for side in (b, o, t))
    merged = merge(base, ours, theirs)
    assert "file" not in merged.conflicts
    for text in set(o + t) - set(b):
        assert text in merged.data.decode()
    assert merge(base, theirs, ours).conflicts == merged.conflicts
    assert merge(ours, ours, theirs).data == theirs


# --------------------------------------------------------------------------- records


def test_stamps_changed_on_both_sides_stay_at_the_base() -> None:
    base = {a: Stamp(text="00") for a in ("a", "b", "c", "d", "e")}
    ours = {
        **base,
        "a": Stamp(text="11"),
        "b": Stamp(text="11"),
        "c": Stamp(text="22"),
        "n": Stamp(text="55"),
    }
    theirs = {
        **base,
        "b": Stamp(text="33"),
        "c": Stamp(text="22"),
        "n": Stamp(text="66"),
        "m": Stamp(text="77"),
    }
    del ours["d"], theirs["e"]
    texts = [render_record(stamps) for stamps in (base, ours, theirs)]
    merged = merge_record(*texts)
    assert {a: s.text for a, s in parse_record(merged).items()} == {
        "a": "11",
        "b": "00",
        "c": "22",
        "m": "77",
    }
    assert merge_record(texts[0], texts[2], texts[1]) == merged
    assert render_record(parse_record(merged)) == merged
    assert merge_record(texts[0], texts[1], texts[0]) == texts[1]
    assert merge_record("", "", "") == ""


def test_a_section_replaced_on_one_side_and_extended_elsewhere_on_the_other_merges() -> None:
    merged = both(BASE, replace_section(BASE, "Consequences", "Many."), append_section(BASE, "", "Always."))
    assert b"Many." in merged
    assert b"short-lived.\n\nAlways.\n\n## Why" in merged


def test_a_conflict_keeps_the_items_of_a_list_together() -> None:
    base = b"# T\n\n## Why\n\nBecause.\n\n- item a\n- item b\n\n## More\n\nx\n"
    ours, theirs = b"# T\n\n## More\n\nx\n", base.replace(b"Because.", b"Because of it.")
    merged = merge(base, ours, theirs)
    assert merged.conflicts
    _, _, side = merged.data.partition(b"=======\n")
    assert side.startswith(b"## Why\n\nBecause of it.\n\n- item a\n- item b\n>>>>>>> theirs\n")
