"""An overload that is not called does not count."""

from __future__ import annotations

import pytest

from agentctx.freshness.overloads import argument_counts
from tests.freshness.test_typed_fields import scene_of
from tests.repository import TempRepo

JAVA = {
    "A.java": """public class A {
    private Tax tax;

    int one() {
        return g(1);
    }

    int either(boolean is) {
        return is ? g(1) : g(1, 2);
    }

    int named(java.util.List<Integer> all) {
        all.forEach(this::g);
        return g(1);
    }

    int field() {
        return tax.plus(f(1, 2));
    }

    int many() {
        return v(1, 2, 3);
    }

    int g(int a) { return 1; }

    int g(int a, int b) { return 3; }

    int f(int a, int b) { return a; }

    int v(int a) { return 5; }

    int v(int... all) { return 6; }
}
""",
    "Tax.java": "class Tax {\n  int plus(int a) { return 1; }\n\n  int plus(int a, int b) { return 3; }\n}\n",
}
TWO, ONE = ("A.java", "return 3", "return 4"), ("A.java", "return 1", "return 2")
CASES = [
    ("the other overload", "one", TWO, False),
    ("the one that is called", "one", ONE, True),
    ("both are called", "either", TWO, True),
    ("named without a call", "named", TWO, True),
    ("another one is added", "one", ("A.java", "int f(", "int g(A a, A b, A c) { }\n\n    int f("), False),
    ("its number of parameters changes", "one", ("A.java", "int g(int a) {", "int g() {"), True),
    ("the other one of a field's type", "field", ("Tax.java", "return 3", "return 4"), False),
    ("the one of a field's type", "field", ("Tax.java", "return 1", "return 2"), True),
    ("any number of arguments", "many", ("A.java", "return 6", "return 7"), True),
    ("one argument, where three are given", "many", ("A.java", "return 5", "return 7"), False),
]  # fmt: skip


@pytest.mark.parametrize(("method", "edit", "counts"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_an_overload_counts_when_it_is_called(
    repo: TempRepo, method: str, edit: tuple[str, str, str], counts: bool
) -> None:
    scene = scene_of(repo, JAVA, f"A.java#A.{method}")
    repo.commit("Start")
    scene.edit(*edit)
    repo.commit("Change it", author="Bob <bob@example.org>")
    drift = scene.drift()
    assert drift.state == ("dependency" if counts else "unchanged"), drift.reason
    assert counts or "an overload that is not called" in drift.reason


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("g()", {0}),
        ("x.g(a, h(b, c)) + g(1)", {1, 2}),
        ("g(\"a, b\", ',') // g", {2}),
        ("g((a, b) -> a)", {1}),
        ("g(new Map<A, B>())", set()),
        ("g(1); this::g", set()),
        ("gg(1, 2)", set()),
        ("g(1,\n  2)", {2}),
    ],
)
def test_arguments_are_counted_or_not_told(text: str, counts: set[int]) -> None:
    assert argument_counts(text, "g") == counts
