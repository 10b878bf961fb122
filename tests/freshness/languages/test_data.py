"""Keys of TOML, YAML and JSON, headings of Markdown, targets of make."""

# ruff: noqa: E501 - a table reads best with one case a line

from __future__ import annotations

import pytest

from agentctx.freshness.languages import language_of
from agentctx.freshness.languages.base import Parsed


def parse(path: str, text: str) -> Parsed:
    language = language_of(path)
    assert language is not None
    return language.parse(path, text.encode())


KEYS = [
    ("pyproject.toml", "[tool.ruff]\nline-length = 110\n", "tool.ruff.line-length", "110", 2),
    ("package.json", '{\n "scripts": {\n  "build": "tsc",\n  "build.all": "x"\n }\n}', "scripts.build", '"tsc"', 3),
    ("package.json", '{"scripts": {"build.all": "x"}}', 'scripts."build.all"', '"x"', 1),
    ("ci.yml", "on:\n  push:\n    branches: [main, 1.10]\n", "on.push.branches.1", '"1.10"', 3),
    ("a.yaml", "a: yes\n---\nb: no\n", "1.b", '"no"', 3),
    ("a.yaml", 'b: "no"\n', "b", '"no"', 1),
    ("tsconfig.jsonc", '{\n // why\n "strict": true,\n "url": "http://x", /* y */\n}', "url", '"http://x"', 4),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "name", "value", "line"), KEYS)
def test_a_key_is_found_with_its_value_and_its_line(
    path: str, text: str, name: str, value: str, line: int
) -> None:
    found = parse(path, text).symbol(name)
    assert found is not None, list(parse(path, text).symbols)
    assert (found.value, found.start_line) == (value, line)


SAME = [
    ("a.toml", "[a]\nx = 1\ny = 'b'\n", '# why\n[a]\ny = "b"\nx    = 1\n'),
    ("a.json", '{"a": {"x": 1, "y": "b"}}', '{\n  "a": {\n    "y": "b",\n    "x": 1\n  }\n}\n'),
    ("a.yaml", "a: {x: 1, y: b}\n", "# why\na:\n  y: 'b'\n  x: 1\n"),
    ("a.yaml", "a: {x: 'no', y: \"b c\"}\n", 'a: {x: "no", y: b c}\n'),
    ("a.md", "# a\n\n* one _two_\n", "a\n=\n\n- one\n  *two*\n"),
    ("Makefile", "a: b  c\n\t@run   x\n", "# why\na: b c\n\n\t@run x\n"),
]


@pytest.mark.parametrize(("path", "old", "new"), SAME, ids=[p for p, _, _ in SAME])
def test_layout_order_and_comments_say_nothing(path: str, old: str, new: str) -> None:
    for name in ("a", ""):
        before, after = parse(path, old).symbol(name), parse(path, new).symbol(name)
        assert before is not None and after is not None
        if name or path != "a.md":
            assert before.stamp == after.stamp


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("a.toml", "a = 1\n", "a = 2\n"),
        ("a.json", '{"a": [1, 2]}', '{"a": [2, 1]}'),
        ("a.yaml", "a: [1]\n", "a: [2]\n"),
        ("a.yaml", "a: no\n", 'a: "no"\n'),
        ("a.yaml", "a: [{b: 3.10}]\n", "a: [{b: '3.10'}]\n"),
        ("a.yaml", "a:\n", 'a: ""\n'),
        ("a.md", "# a\ntext\n", "# a\nother\n"),
        ("Makefile", "a: b\n\trun\n", "a: b\n\twalk\n"),
    ],
)
def test_another_value_is_another_body(path: str, old: str, new: str) -> None:
    before, after = parse(path, old).symbol("a"), parse(path, new).symbol("a")
    assert before is not None and after is not None
    assert before.stamp.body != after.stamp.body


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("a.json", '{"a": 1, "a": 2}', "twice"),
        ("a.yaml", "a: 1\na: 2\n", "twice"),
        ("a.toml", "a = 1\na = 2\n", "overwrite"),
        ("a.yaml", "a: [1\n", "line"),
        ("a.json", '{"a": }', "line"),
        ("a.json", "[" * 5_000 + "]" * 5_000, "deeply"),
    ],
)
def test_data_that_cannot_be_read_is_an_error_in_words(path: str, text: str, words: str) -> None:
    assert words in parse(path, text).error


def test_a_heading_is_found_by_its_text_and_by_its_slug() -> None:
    text = "# Set up\n\n## Why `this`\ntext\n```\n# no heading\n```\n## Why `this`\nmore\n"
    parsed = parse("a.md", text)
    assert list(parsed.symbols) == ["set-up", "why-this", "why-this-1"]
    assert parsed.symbol("Set up") == parsed.symbol("set-up")
    first = parsed.symbol("why-this")
    assert first is not None and (first.start_line, first.end_line) == (3, 7)


def test_a_make_variable_has_a_value_and_a_target_needs_something() -> None:
    parsed = parse("Makefile", "PYTHON ?= python3\ntest: build\n\t$(PYTHON) -m pytest\n.PHONY: test\n")
    python, target = parsed.symbol("PYTHON"), parsed.symbol("test")
    assert python is not None and python.value == "python3"
    assert target is not None and target.stamp.sig
    assert list(parsed.symbols) == ["PYTHON", "test"]
