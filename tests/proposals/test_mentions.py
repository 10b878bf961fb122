"""A line of text is read as names and words, each where it stands."""

from __future__ import annotations

import pytest

from agentctx.proposals.mentions import items_of, marks_of, mentions_in, names_of, plain, shape_of


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("`cache` and `max_age`, but no `two words here`", ["cache", "max_age", "two words here"]),
        ("``cache`` and ``max_age`` in another markup", ["cache", "max_age"]),
        ("`run --strict now` holds a flag", ["--strict"]),
        ("Plain issue_token, maxAge and 30 count; Plain words do not.", ["issue_token", "maxAge", "30"]),
        ("An open ` is no span", []),
    ],
    ids=["spans", "double marks", "inside a span", "prose", "open"],
)
def test_names_are_code_spans_and_what_is_spelled_like_code(line: str, names: list[str]) -> None:
    assert [name for name, _, _ in names_of(line)] == names
    assert all(line[start:end].strip("`") == name for name, start, end in names_of(line))


def test_a_path_is_one_word_however_many_folders_it_has() -> None:
    line = "[Custom password](../../modules/neo/src/test/java/org/Some.java) in `with_password`"
    (mention,) = [m for m in mentions_in(line, 7) if m.name == "with_password"]
    near = {item.tokens: nearness for item, nearness in mention.around}
    assert mention.place == (7, line.index("`with_password`"))
    assert near[("custom",)] > 0.5


def test_items_and_marks_come_in_the_order_of_the_line() -> None:
    line = "Set `retry_count` to 3."
    assert [item.name for item in items_of(line)] == ["", "retry_count", "3"]
    assert [(word, name) for _, word, name in marks_of(line)] == [
        ("Set", ""), ("", "retry_count"), ("to", ""), ("", "3"), (".", ""),
    ]  # fmt: skip


def test_grouped_digits_are_one_number() -> None:
    assert plain("1_800 and 10_000_000, not max_age") == "1800 and 10000000, not max_age"


@pytest.mark.parametrize(
    ("name", "shape"),
    [("30", "whole"), ("v1", "word"), ("1.5", "number"), ("--all", "flag"), ("run()", "call"),
     ("a/b", "path"), ("MAX_AGE", "constant"), ("max_age", "snake"), ("Cache", "type"), ("maxAge", "camel")],
)  # fmt: skip
def test_a_name_has_the_shape_that_it_is_spelled_in(name: str, shape: str) -> None:
    assert shape_of(name) == shape
