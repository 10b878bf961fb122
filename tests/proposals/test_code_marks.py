"""Back quotes that enclose no code are told from those that do."""

from __future__ import annotations

import pytest

from agentctx.proposals.code_marks import broken_marks_in
from tests.proposals.cases import TEXT
from tests.proposals.test_checks import outcome


@pytest.mark.parametrize(
    "text",
    [
        "`cache` and ``cache`` and `` a`b ``.",
        "A span may `go on\nhere`.",
        "```sh\necho `date\n```\n",
        "- a list\n  ```\n  one ` only\n  ```\n",
        "An escaped \\` is text.",
        "`` `quoted` ``",
        "`--all`",
        "",
    ],
    ids=["spans", "two lines", "fence", "fence in a list", "escaped", "quoted", "flag", "nothing"],
)
def test_marks_around_code_are_whole(text: str) -> None:
    assert not broken_marks_in(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The `cache is open.\n\nAnd `closed`.", "`cache is open."),
        ("``args``1``Multi`` is `` a `` thing", " a "),
        ("see ``. See :ref:`` for it", ". See :ref:"),
    ],
    ids=["open", "a word between", "the end of a sentence"],
)
def test_marks_the_wrong_way_round_are_found(text: str, shown: str) -> None:
    assert broken_marks_in(text) == {shown: 1}


@pytest.mark.parametrize("text", ["`" * 60_000, "` " * 30_000, "``a` " * 12_000, "``` `` ` " * 8_000])
def test_a_text_of_nothing_but_marks_is_read_to_its_end(text: str) -> None:
    assert sum(broken_marks_in(text).values()) <= len(text)


def test_an_edit_that_breaks_marks_needs_a_person() -> None:
    def put(new: str) -> set[str]:
        return outcome([{"op": "replace_text", "old": "`issue_token`,", "new": new}], TEXT)[1]

    assert "marks" in put("`issue_token,")
    assert "marks" not in put("`issue_token` now,")
