"""The gate's measurement: it counts what happened, and its judge of what changed looks at texts alone."""

from __future__ import annotations

import json

import pytest

from bench.gate import functions_in, main
from tests.flows.test_gate import FREE_RATE, MONEY
from tests.repository import TempRepo


@pytest.mark.parametrize(
    ("path", "old", "new", "changed"),
    [
        ("a.py", "def f(a):\n    return a\n", "def f( a ):  # same\n    return (a)\n", False),
        ("a.py", 'def f(a):\n    "Doc."\n    return a\n', "def f(a):\n    return a\n", False),
        ("a.py", "def f(a):\n    return a\n", "def f(a):\n    return a + 1\n", True),
        ("a.go", "func F(a int) {\n\tg(a) // x\n}\n", "func F(a int) {\n\tg(a)\n}\n", False),
        ("a.go", "func F(a int) {\n\tg(a)\n}\n", "func F(a int) {\n\tg(a + 1)\n}\n", True),
        ("a.go", "func (a *A) F() {\n\tg(1)\n}\n", "func (a *A) F() {\n\tg(2)\n}\n", True),
        ("a.ts", "function f() {\n  g('http://x');\n}\n", "function f() {\n  g('http://y');\n}\n", True),
    ],
    ids=["layout", "docstring", "python body", "comment", "go body", "go method", "an address is no comment"],
)  # fmt: skip
def test_a_text_is_another_one_when_more_than_layout_differs(
    path: str, old: str, new: str, changed: bool
) -> None:
    before, after = functions_in(path, old), functions_in(path, new)
    assert list(before) == list(after)
    assert (before != after) == changed


def test_every_merge_is_replayed_as_its_pull_request_would_have_seen_it(
    repo: TempRepo, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.commit("Start", {"src/money.py": MONEY})
    repo.git("checkout", "-q", "-b", "feature")
    repo.commit("Let the caller choose", {"src/money.py": FREE_RATE})
    repo.git("checkout", "-q", "main")
    repo.commit("Docs do not count", {"README.md": "# Shop\n"})
    repo.git("merge", "-q", "--no-ff", "-m", "Merge the branch", "feature")
    repo.commit("Only a comment", {"src/money.py": "# Money.\n" + FREE_RATE})
    assert main([str(repo.root), "--merges", "9", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["repositories"]
    assert (row["merges"], row["notes_per_merge"]) == (2, 2.0)
    assert (row["caught"], row["changed"], row["missed"]) == (1, 1, 0)
    assert row["alerts_per_catch"] == 1.0
    assert row["merges_without_alert"] == 0.5


def test_a_function_on_one_line_ends_there() -> None:
    found = functions_in("a.go", "func F() {}\nfunc G() {\n\tg(1)\n}\n")
    assert found == {"F": "func F() {}", "G": "func G() { g(1) }"}
