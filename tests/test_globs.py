"""Which paths a glob means."""

from __future__ import annotations

import time

import pytest

from agentctx.globs import fixed_prefix, matches, select

CASES = [
    ("src/**", "src/a/b.py", True),
    ("src/**", "src/a.py", True),
    ("src/**", "srcs/a.py", False),
    ("**/*.py", "a.py", True),
    ("**/*.py", "a/b/c.py", True),
    ("**/*.py", "a/b/c.pyi", False),
    ("*.py", "a/b.py", False),
    ("docs/**/*.md", "docs/a.md", True),
    ("docs/**/*.md", "docs/a/b/c.md", True),
    ("docs/*/x.md", "docs/a/b/x.md", False),
    ("a?c", "abc", True),
    ("a?c", "a/c", False),
    ("[ab].py", "a.py", True),
    ("[!ab].py", "a.py", False),
    ("[!ab].py", "c.py", True),
    ("x[!a]y", "x/y", False),
    ("[z-a].py", "[z-a].py", True),
    ("a[b", "a[b", True),
    ("a+(b).py", "a+(b).py", True),
    ("**", "a/b", True),
    ("**/**/x", "a/b/x", True),
    ("**/**/x", "x", True),
    ("**/a/**/b/*.py", "a/x/a/b/b/c.py", True),
    ("**/a/**/b/*.py", "x/b/a/c.py", False),
    ("x/**/y", "x/y", True),
    ("*_test*.py", "a_test_test_b.py", True),
    ("*a*b*c", "xaybbzc", True),
    ("*a*b*c", "xbac", False),
    ("AGENTS.md", "AGENTS.md", True),
    ("AGENTS.md", "agents.md", False),
]


@pytest.mark.parametrize(("pattern", "path", "expected"), CASES, ids=[f"{p} {x}" for p, x, _ in CASES])
def test_a_glob_means_these_paths(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


def test_paths_are_selected_in_their_order() -> None:
    assert select("*.py", ["b.py", "a.py", "c.txt"]) == ["b.py", "a.py"]


@pytest.mark.parametrize(
    ("pattern", "folder"),
    [("docs/**/*.md", "docs"), ("a/b/*.md", "a/b"), ("**/x", ""), ("AGENTS.md", ""), ("a/x", "a")],
)
def test_the_fixed_part_of_a_glob_is_a_folder(pattern: str, folder: str) -> None:
    assert fixed_prefix(pattern) == folder


@pytest.mark.parametrize("pattern", ["*" * 50 + "b", "**/" * 30 + "b", "*a" * 12 + "b", "[" * 5000])
def test_a_hostile_glob_is_answered_in_time(pattern: str) -> None:
    start = time.process_time()
    matches(pattern, "a" * 100)
    matches(pattern, "a/" * 50 + "c")
    assert time.process_time() - start < 2
