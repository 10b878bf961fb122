"""Reading a note and writing exactly the bytes that must change."""

from __future__ import annotations

import difflib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentctx.errors import InvalidInput
from agentctx.model import Anchor, Note, Problem
from agentctx.notes.document import (
    append_section,
    new_note,
    parse,
    parse_anchor,
    replace_section,
    replace_text,
    set_field,
)
from tests.notes.shapes import BODY, BROKEN, SHAPES

PATH = "agent-context/decisions/note.md"


def read(data: bytes) -> Note:
    note, problems = parse(PATH, data, "decision")
    assert note is not None, problems
    return note


def changed_lines(before: bytes, after: bytes) -> tuple[list[str], list[str]]:
    """(removed, added) lines, endings included."""
    old, new = (data.decode().splitlines(keepends=True) for data in (before, after))
    diff = list(difflib.ndiff(old, new))
    return [d[2:] for d in diff if d[0] == "-"], [d[2:] for d in diff if d[0] == "+"]


def test_there_are_twenty_five_awkward_shapes() -> None:
    assert len(SHAPES) == 25


@pytest.mark.parametrize("name", SHAPES)
def test_an_awkward_note_is_read(name: str) -> None:
    note = read(SHAPES[name])
    assert note.id == "note"
    assert note.title
    assert "\r" not in note.body


@pytest.mark.parametrize("name", SHAPES)
def test_setting_a_field_to_what_it_is_changes_no_byte(name: str) -> None:
    data = SHAPES[name]
    assert set_field(data, "absent", None) == data
    for key in ("tags", "status", "title"):
        note = read(data)
        value = {"tags": note.tags, "status": note.status, "title": note.title}[key]
        changed = set_field(data, key, value)
        assert read(changed).body == note.body
        assert set_field(changed, key, value) == changed


@pytest.mark.parametrize("name", SHAPES)
def test_a_changed_status_changes_its_line_alone(name: str) -> None:
    data = SHAPES[name]
    after = set_field(data, "status", "superseded")
    removed, added = changed_lines(data, after)
    assert len(removed) <= 1
    assert all("status" in line or line == "{}\n" for line in removed)
    expected = 3 if name == "no front matter" else 1
    assert len(added) == expected
    assert sum("status" in line and "superseded" in line for line in added) == 1
    assert read(after).status == "superseded"


@pytest.mark.parametrize("name", SHAPES)
def test_a_new_tag_changes_the_lines_of_tags_alone(name: str) -> None:
    data = SHAPES[name]
    before = read(data)
    after = set_field(data, "tags", (*before.tags, "new: one"))
    note = read(after)
    assert note.tags == (*before.tags, "new: one")
    others = ("title:", "status:", "commit:", "owner:", "summary:", "time:")
    removed, added = changed_lines(data, after)
    assert not [line for line in removed + added if line.lstrip().startswith(others)]
    assert (note.title, note.status, note.body, note.extra) == (
        before.title,
        before.status,
        before.body,
        before.extra,
    )


@pytest.mark.parametrize("name", SHAPES)
def test_a_field_that_was_added_and_removed_leaves_the_same_note(name: str) -> None:
    data = SHAPES[name]
    there = set_field(data, "review_by", "2027-03-01")
    assert read(there).review_by == "2027-03-01"
    back = set_field(there, "review_by", None)
    if name not in ("no front matter", "braces for front matter"):
        assert back == data
    assert read(back).body == read(data).body


@pytest.mark.parametrize("name", SHAPES)
def test_a_changed_body_leaves_the_front_matter_alone(name: str) -> None:
    data = SHAPES[name]
    after = append_section(data, "Later", "More about `it`.")
    assert after.startswith(data.rstrip())
    note = read(after)
    assert note.sections[-1].heading == "Later"
    assert note.sections[-1].text == "More about `it`."
    if b"\r\n" in data:
        assert b"\n" not in after.replace(b"\r\n", b"")


def test_a_crlf_note_keeps_its_line_endings() -> None:
    data = SHAPES["crlf"]
    after = replace_text(data, "stateless.\n\n## Why", "small.\n\n## Why\n\nSo:")
    assert b"small.\r\n\r\n## Why\r\n\r\nSo:\r\n\r\nThe gateway" in after
    assert b"\n" not in after.replace(b"\r\n", b"")


def test_a_note_without_a_final_newline_stays_so() -> None:
    data = SHAPES["no final newline"]
    assert set_field(data, "status", "archived").endswith(b"Ends here")
    assert replace_text(data, "Ends", "Stops").endswith(b"Stops here")
    assert append_section(data, "", "More").endswith(b"Ends here\n\nMore")


def test_comments_inside_a_list_outlive_its_items() -> None:
    after = set_field(SHAPES["comments everywhere"], "tags", ("jwt", "tokens"))
    assert b"tags: # our words\n  # first\n  # last\n  - jwt\n  - tokens\n# tail\n" in after
    after = set_field(SHAPES["flow list over lines"], "tags", ("auth", "x"))
    assert b"tags:\n  # why\n  - auth\n  - x\nstatus: active\n" in after


def test_a_flow_list_becomes_one_item_a_line_with_its_quotes_and_comment() -> None:
    after = set_field(SHAPES["flow list"], "tags", ("auth", "jwt", "no", "new"))
    assert b"tags: # words\n  - auth\n  - 'jwt'\n  - \"no\"\n  - new\nstatus" in after


def test_the_style_of_quotes_is_kept() -> None:
    assert b"status: 'superseded'\n" in set_field(SHAPES["single quotes"], "status", "superseded")
    assert b'status: "superseded"\n' in set_field(SHAPES["double quotes"], "status", "superseded")
    assert b"title: 'it''s no JWT'\n" in set_field(SHAPES["single quotes"], "title", "it's no JWT")


def test_a_literal_block_stays_one_when_it_gets_new_lines() -> None:
    after = set_field(SHAPES["literal block"], "summary", "One\n\ntwo\n")
    assert b"summary: |\n  One\n\n  two\ntags: [auth]\n" in after


def test_values_stay_the_text_that_was_written() -> None:
    note = read(SHAPES["values YAML would type"])
    assert (note.title, note.tags) == ("1.10", ("yes",))
    assert note.extra == {"commit": "0123456", "time": "12:30", "country": "NO", "date": "2026-01-01"}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_note_is_quarantined_with_its_line_and_what_to_type(name: str) -> None:
    data, code, line, hint = BROKEN[name]
    note, problems = parse(PATH, data, "decision")
    assert note is None
    assert [(p.code, p.line, p.severity) for p in problems] == [(code, line, "error")]
    assert problems[0].hint == hint if hint else problems[0].hint


@pytest.mark.parametrize("name", [n for n in BROKEN if not n.startswith("conflict in")])
def test_no_writer_touches_a_note_that_cannot_be_read(name: str) -> None:
    with pytest.raises(InvalidInput):
        set_field(BROKEN[name][0], "status", "archived")


@pytest.mark.parametrize(
    ("path", "code"),
    [("Über.md", "bad-id"), ("a b.md", "bad-id"), ("con.md", "bad-id"), (f"{'x' * 81}.md", "bad-id")],
)
def test_a_file_name_that_is_no_id_is_named(path: str, code: str) -> None:
    note, problems = parse(f"agent-context/decisions/{path}", b"text", "decision")
    assert note is None
    assert problems[0].code == code


def test_hostile_front_matter_is_refused_at_once() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"k{i}: &k{i} [*a, *a, *a]\n" for i in range(40))
    hostile = {
        "yaml-alias": f"---\n{bomb}---\n".encode(),
        "too-deep": b"---\na: " + b"[" * 100 + b"]" * 100 + b"\n---\n",
        "long-front-matter": b"---\n" + b"key: value\n" * 2000 + b"---\n",
        "too-large": b"x" * 5_000_000,
    }
    for code, data in hostile.items():
        start = time.process_time()
        note, problems = parse(PATH, data, "decision")
        assert note is None
        assert problems[0].code == code
        assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "body",
    [
        "`" * 200_000,
        "` `` " * 40_000,
        "# " * 100_000,
        "-\n" * 100_000,
        "<!--" * 60_000,
        "```\n" * 50_001,
        "a\n===\n" * 40_000,
        "x" * 250_000,
        "[" * 200_000,
        "> " * 100_000,
    ],
    ids=lambda body: repr(body[:6]),
)
def test_a_hostile_body_is_read_in_time(body: str) -> None:
    start = time.process_time()
    read(f"---\ntitle: x\n---\n{body}".encode())
    assert time.process_time() - start < 1


def test_a_note_over_the_served_size_is_cut_and_says_so() -> None:
    note, problems = parse(PATH, b"---\ntitle: x\n---\n" + b"A line of text.\n" * 30_000, "decision")
    assert note is not None
    assert len(note.body) <= 262_144
    assert note.body.endswith("text.\n")
    assert [p.code for p in problems] == ["too-long"]


def test_a_title_falls_back_to_the_first_heading_then_to_the_id() -> None:
    assert read(b"# From the heading\n\ntext\n").title == "From the heading"
    note, problems = parse(PATH, b"text\n", "decision")
    assert note is not None
    assert note.title == "note"
    assert [(p.code, p.severity) for p in problems] == [("missing-title", "warning")]


def test_tags_on_one_line_are_read_and_named() -> None:
    note, problems = parse(PATH, b"---\ntitle: x\ntags: auth, jwt\n---\nx\n", "decision")
    assert note is not None
    assert note.tags == ("auth", "jwt")
    assert [(p.code, p.line) for p in problems] == [("not-a-list", 3)]


def test_a_symbol_that_yaml_takes_for_a_comment_is_named() -> None:
    lines = b"  - src/a.py #issue # the token\n  - src/b.py # a comment\n  - src/c.py #go\n"
    data = b"---\ntitle: x\nanchors:\n" + lines + b"---\nx\n"
    note, problems = parse(PATH, data, "decision")
    assert note is not None
    assert [(p.code, p.line, p.hint) for p in problems] == [("comment-in-anchor", 6, "type `- src/c.py#go`")]


ANCHORS = {
    "src/a.py": Anchor("src/a.py"),
    "./src//a.py#f": Anchor("src/a.py", "f"),
    "src/**": Anchor("src/**"),
    "app/x.rb#Foo#bar": Anchor("app/x.rb", "Foo#bar"),
    "s.go#(*Server).Serve": Anchor("s.go", "(*Server).Serve"),
    "pages/[id].tsx#Page": Anchor("pages/[id].tsx", "Page"),
    "a b.py": Anchor("a b.py"),
}
BAD_ANCHORS = {
    "/etc/passwd": "as `git ls-files` prints it",
    "~/x.py": "as `git ls-files` prints it",
    "C:/x.py": "as `git ls-files` prints it",
    "src/../../x": "as `git ls-files` prints it",
    "src\\a.py": "type `- src/a.py`",
    "src/": 'type `- "src/**"`',
    "#x": "type `- path/to/file.py#symbol`",
    "": "type `- path/to/file.py#symbol`",
    "a\x1b.py": "type the path by hand",
}


@pytest.mark.parametrize("text", ANCHORS)
def test_an_anchor_is_read(text: str) -> None:
    assert parse_anchor(text) == ANCHORS[text]


@pytest.mark.parametrize("text", BAD_ANCHORS)
def test_a_bad_anchor_says_what_to_type(text: str) -> None:
    found = parse_anchor(text)
    assert isinstance(found, Problem)
    assert BAD_ANCHORS[text] in found.hint


def test_a_bad_anchor_in_a_note_is_dropped_with_its_line() -> None:
    note, problems = parse(PATH, b"---\ntitle: x\nanchors:\n  - a.py\n  - ../b.py\n---\nx\n", "decision")
    assert note is not None
    assert note.anchors == (Anchor("a.py"),)
    assert [(p.code, p.line, p.path) for p in problems] == [("bad-anchor", 5, PATH)]


# --------------------------------------------------------------------------- body


NOTE = (
    b"---\ntitle: t\n---\nBefore.\n\n# One\n\nfirst\n\n"
    b"## Two\n\n```\n## Not a heading\n```\n\nThree\n-----\nlast\n"
)


def test_sections_are_found_outside_fences() -> None:
    note = read(NOTE)
    assert [(s.heading, s.level, s.text) for s in note.sections] == [
        ("", 0, "Before."),
        ("One", 1, "first"),
        ("Two", 2, "```\n## Not a heading\n```"),
        ("Three", 2, "last"),
    ]
    assert "".join(note.body[s.start : s.end] for s in note.sections) == note.body


@pytest.mark.parametrize(
    ("body", "headings"),
    [
        ("## A ##\n", ["A"]),
        ("##B\n\n#\n", [""]),
        ("####### C\n", []),
        ("    # code\n", []),
        ("- item\n---\n", []),
        ("- item\n\n  more\n---\n", []),
        ("two\nlines\n===\n", ["two lines"]),
        ("> quote\n---\n", []),
        ("text\n\n---\n", []),
        ("~~~\n# a\n```\n# b\n~~~\n# c\n", ["c"]),
        ("```\n# never closed\n", []),
        ("```inline` text\n# d\n", ["d"]),
        ("<!-- # a\n# b\n-->\n# e\n", ["e"]),
        ("1. item\n   ```\n   # a\n   ```\n# f\n", ["f"]),
        ("- a\n    - b\n\n      ```\n      # g\n      ```\n", []),
        ("# C#\n", ["C#"]),
    ],
)
def test_headings_are_those_that_a_reader_sees(body: str, headings: list[str]) -> None:
    assert [s.heading for s in read(b"---\ntitle: x\n---\n" + body.encode()).sections if s.level] == headings


def test_mentions_are_code_spans_outside_fences_once_each() -> None:
    body = b"`a` and `` b`c `` and `a`\n\n```\n`no`\n```\n\n# `In heading`\nx `d\ne` `open\n\n`y`\n"
    note = read(b"---\ntitle: t\n---\n" + body)
    assert note.mentions == ("a", "b`c", "In heading", "d e", "y")


def test_text_is_replaced_only_where_it_occurs_once() -> None:
    assert b"\nonly\n" in replace_text(NOTE, "first", "only")
    for old in ("absent", "a", ""):
        with pytest.raises(InvalidInput, match="times in the note, not once"):
            replace_text(NOTE, old, "x")
    with pytest.raises(InvalidInput):
        replace_text(b"aaa", "aa", "b")


def test_front_matter_is_not_body() -> None:
    with pytest.raises(InvalidInput):
        replace_text(NOTE, "title: t", "title: u")
    with pytest.raises(InvalidInput):
        replace_text(b"Text\n", "Text\n", "---\ntitle: x\n---\n")


def test_a_section_is_replaced_up_to_the_next_heading() -> None:
    assert b"# One\n\nnew\n\n## Two\n" in replace_section(NOTE, "One", "new\n")
    assert replace_section(NOTE, "Three", "end").endswith(b"-----\nend\n")
    assert replace_section(NOTE, "", "Start.").startswith(b"---\ntitle: t\n---\nStart.\n\n# One")
    assert b"# One\n\n## Two" in replace_section(NOTE, "One", "").replace(b"\n\n\n", b"\n\n")


def test_text_is_added_to_a_section_to_a_new_one_and_before_all() -> None:
    assert b"first\n\nsecond\n\n## Two" in append_section(NOTE, "One", "second")
    assert append_section(NOTE, "Four", "text").endswith(b"last\n\n## Four\n\ntext\n")
    assert b"Before.\n\nMore.\n\n# One" in append_section(NOTE, "", "More.")
    assert append_section(b"# One\n\nx\n", "", "Start.") == b"Start.\n\n# One\n\nx\n"
    assert append_section(b"# One\n## Two\nx\n", "One", "y") == b"# One\n\ny\n## Two\nx\n"
    assert append_section(b"", "", "y") == b"y\n"


def test_an_edit_that_would_swallow_another_section_is_refused() -> None:
    for text in ("```\nnever closed", "<!-- never closed"):
        with pytest.raises(InvalidInput, match="other sections"):
            replace_section(NOTE, "One", text)
    with pytest.raises(InvalidInput, match="2 times"):
        append_section(b"# A\nx\n# A\ny\n", "A", "z")
    with pytest.raises(InvalidInput):
        replace_section(NOTE, "Absent", "x")


def test_a_new_note_has_the_documented_form() -> None:
    made = new_note("JWT: why", ["auth", "no"], ["src/a.py#f", "src/**", "@scope/x.ts"], "Because.")
    assert made.decode() == (
        '---\ntitle: "JWT: why"\ntags:\n  - auth\n  - "no"\nstatus: active\nanchors:\n'
        '  - src/a.py#f\n  - "src/**"\n  - "@scope/x.ts"\n---\nBecause.\n'
    )
    with pytest.raises(InvalidInput):
        new_note("  ", [], [], "x")


# --------------------------------------------------------------------------- properties


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(deadline=None)
@given(st.sampled_from(sorted(SHAPES)), st.sampled_from(["title", "status", "x-new", "summary"]), words)
def test_any_text_set_reads_back_and_changes_nothing_else(name: str, key: str, value: str) -> None:
    before = read(SHAPES[name])
    after = set_field(SHAPES[name], key, value)
    note = read(after)
    raw = note.extra.get(key, "") if key in ("x-new", "summary") else value
    assert raw == value
    assert note.body == before.body
    assert note.tags == before.tags


@settings(deadline=None)
@given(st.sampled_from(sorted(SHAPES)), st.lists(words, max_size=5))
def test_any_list_set_reads_back_and_changes_nothing_else(name: str, values: list[str]) -> None:
    before = read(SHAPES[name])
    once = set_field(SHAPES[name], "x-list", tuple(values))
    assert read(once).extra["x-list"] == values
    twice = set_field(once, "x-list", (*values[1:], "end"))
    assert read(twice).extra["x-list"] == [*values[1:], "end"]
    assert (read(twice).body, read(twice).title) == (before.body, before.title)


@settings(deadline=None)
@given(words, st.lists(words, max_size=3), words)
def test_a_new_note_reads_back(title: str, tags: list[str], body: str) -> None:
    if not title.strip():
        return
    note = read(new_note(title, tags, [], body))
    assert note.title == " ".join(title.split())
    assert note.body.strip("\n") == body.replace("\r\n", "\n").replace("\r", "\n").strip("\n")


@settings(deadline=None)
@given(st.sampled_from([n for n in SHAPES if BODY.encode() in SHAPES[n]]), words.filter(str.strip))
def test_any_text_added_reads_back_or_is_refused(name: str, text: str) -> None:
    try:
        after = append_section(SHAPES[name], "Why", text)
    except InvalidInput:
        return
    assert text.replace("\r\n", "\n").strip("\n") in read(after).body
    assert set_field(after, "absent", None) == after
