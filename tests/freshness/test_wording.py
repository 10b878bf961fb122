"""What changed, in words."""

from __future__ import annotations

import json

import pytest

from agentctx.freshness.wording import signature_words
from tests.repository import TempRepo

FUNCTION = "export function f(a) {\n  return a;\n}"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (FUNCTION, "export const f = (a) => {\n  return a;\n}", ""),
        (FUNCTION, "export const f = async (a, b) => a;", "parameter `b` added"),
        (FUNCTION, "export const f = a => a;", ""),
        (FUNCTION, "const f = function named(a, b) {\n}", "parameter `b` added"),
        (FUNCTION, "export function f() {\n  return a;\n}", "parameter `a` removed"),
    ],
)
def test_a_function_has_the_parameters_it_is_written_with(old: str, new: str, words: str) -> None:
    assert signature_words(old, new, "f") == words


USING = "use crate::config;\npub fn total() -> i32 {\n    config::RATE\n}\n"
IOTA = "package p\n\nconst (\n\tA = iota\n\tB\n\tC\n)\n"
BITS = IOTA.replace("iota", "1 << iota")


@pytest.mark.parametrize(
    ("anchor", "files", "after", "words"),
    [
        (
            "src/a.rs#total",
            {
                "src/lib.rs": "pub mod a;\npub mod config;\n",
                "src/a.rs": USING,
                "src/config.rs": "pub const RATE: i32 = 20;\n",
            },
            {"src/config.rs": "pub const RATE: i32 = 21;\n"},
            "`total` uses `config::RATE`, which went 20 -> 21",
        ),
        (
            "a.go#C",
            {"a.go": IOTA},
            {"a.go": IOTA.replace("B\n", "B\n\tZ\n")},
            "`C` 2 -> 3: others came before it",
        ),
        (
            "a.go#C",
            {"a.go": BITS},
            {"a.go": BITS.replace("B\n", "B\n\tZ\n")},
            "number of `C` changed: others",
        ),
        (
            "a.rs#S",
            {"a.rs": 'pub const S: &str = r#"a\n  b"#;\n'},
            {"a.rs": 'pub const S: &str = r#"a\n    b"#;\n'},
            "value of `S` changed inside",
        ),
    ],
    ids=["a path in Rust", "a shifted number", "a shifted bit", "blanks in a text"],
)
def test_the_reason_names_what_changed(
    repo: TempRepo, anchor: str, files: dict[str, str], after: dict[str, str], words: str
) -> None:
    repo.commit("Code", files)
    repo.agentctx("new", "gotcha", "One", "--anchor", anchor, "--body", "Mind.")
    repo.commit("Note")
    repo.commit("Change", after)
    (note,) = json.loads(repo.agentctx("status", "--json").stdout)["notes"]
    assert note["drifts"][0]["reason"].startswith(words)
