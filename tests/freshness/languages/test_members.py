"""Several names in one statement, and members whose value is told by their place."""

from __future__ import annotations

import pytest

from agentctx.model import Symbol
from tests.freshness.languages.test_grammars import symbol

SAME = [
    ("a.go", "A", "package a\nconst A, B = 1, 2", "package a\nconst A, B = 1, 3"),
    ("a.go", "A", "package a\nconst A, B = 1, 2", "package a\nconst A, B, C = 1, 2, 3"),
    ("a.go", "A", "package a\nconst A, B = 1, 2", "package a\nconst A = 1\n\nconst B = 2"),
    ("a.go", "A", "package a\nvar A, B int", "package a\nvar A, B, C int"),
    (
        "a.go",
        "A",
        "package a\nconst (\n\tX = 1\n\tA, B = 7, iota\n)",
        "package a\nconst (\n\tX = 1\n\tY = 1\n\tA, B = 7, iota\n)",
    ),
    (
        "a.go",
        "C",
        "package a\nconst (\n\tA, B = iota, iota * 10\n\tC, D\n)",
        "package a\nconst (\n\tA, B = iota, iota * 20\n\tC, D\n)",
    ),
    (
        "a.go",
        "T.A",
        "package a\ntype T struct {\n\tA, B int\n}",
        "package a\ntype T struct {\n\tA, B, C int\n}",
    ),
    ("a.js", "a", "const a = 1, b = 2", "const a = 1, b = 3, c = 4"),
    ("a.ts", "b", "export const a = 1, b = 2", "export const b = 2"),
    ("a.ts", "E.B", "enum E { A, B, C }", "enum E { A, B, C, D }"),
    ("a.ts", "E.B", "enum E { A = 1, B = 2 }", "enum E { A = 1, X = 5, B = 2 }"),
    ("a.ts", "a", "export const { a, b } = make()", "export const { a, b, c: d } = make()"),
    ("a.ts", "b", "export const { q: { a, b } } = make()", "export const { q: { a, z, b } } = make()"),
    ("a.py", "A", "A, B = 1, 2", "A, B = 1, 3"),
    ("a.py", "A", "A, B = 1, 2", "A = 1\nB = 2"),
    ("a.py", "A", "(A, B), C = (1, 2), 3", "(A, B), C = (1, 5), 4"),
    (
        "K.java",
        "K.A",
        "class K { static final int A = 1, B = 2; }",
        "class K { static final int A = 1, B = 3; }",
    ),
    ("E.java", "E.A", "enum E { A(1), B(2); E(int x) {} }", "enum E { A(1), B(3); E(int x) {} }"),
    ("a.rs", "E::B", "enum E { A, B }", "enum E { A, B, C }"),
    ("a.rs", "E::B", "enum E { A, B }", "enum E { X, A, B }"),
    ("a.c", "b", "int a = 1, b = 2;", "int a = 1;\nint b = 2;"),
    ("a.c", "a", "int *a = 0, b = 2;", "int *a = 0, b = 3, *c = 0;"),
    ("a.c", "B", "enum E { A, B };", "enum E { A, B, C };"),
    ("a.cpp", "S::a", "class S { int a = 1, b = 2; };", "class S { int a = 1, b = 3; };"),
    ("a.cs", "E.B", "enum E { A, B }", "enum E { A, B, C }"),
    ("a.php", "K::A", "<?php\nclass K { const A = 1, B = 2; }", "<?php\nclass K { const A = 1, B = 3; }"),
    ("a.rb", "A", "A, B = 1, 2", "A, B = 1, 3"),
]
DIFFER = [
    ("a.go", "A", "body", "package a\nconst A, B = 1, 2", "package a\nconst A, B = 4, 2"),
    (
        "a.go",
        "C",
        "body",
        "package a\nconst (\n\tA = iota\n\tB\n\tC\n)",
        "package a\nconst (\n\tA = iota\n\tX\n\tB\n\tC\n)",
    ),
    (
        "a.go",
        "B",
        "body",
        "package a\nconst (\n\tA T = iota\n\tB\n)",
        "package a\nconst (\n\tA U = iota\n\tB\n)",
    ),
    (
        "a.go",
        "D",
        "body",
        "package a\nconst (\n\tA, B = iota, iota * 10\n\tC, D\n)",
        "package a\nconst (\n\tA, B = iota, iota * 20\n\tC, D\n)",
    ),
    ("a.go", "A", "body", "package a\nvar A, B = f()", "package a\nvar B, A = f()"),
    ("a.ts", "E.C", "body", "enum E { A, B, C }", "enum E { A, X, B, C }"),
    ("a.ts", "E.B", "body", "enum E { A = 1, B }", "enum E { A = 4, B }"),
    ("a.ts", "d", "body", "export const { b: d } = make()", "export const { e: d } = make()"),
    ("a.ts", "a", "body", "export const [a, b] = make()", "export const [b, a] = make()"),
    ("a.ts", "a", "body", "export const { a = 1 } = make()", "export const { a = 2 } = make()"),
    ("a.py", "A", "body", "A, B = f()", "B, A = f()"),
    ("a.py", "B", "body", "A, *B = 1, 2, 3", "A, *B = 1, 2, 4"),
    ("a.py", "B", "body", "A = B = 1", "A = B = 2"),
    ("E.java", "E.B", "body", "enum E { A(1), B(2); E(int x) {} }", "enum E { A(1), B(3); E(int x) {} }"),
    ("a.rs", "E::B", "body", "enum E { A = 1, B }", "enum E { A = 1, X, B }"),
    ("a.c", "B", "body", "enum E { A = 1, B };", "enum E { A = 7, B };"),
    ("a.cpp", "S::b", "body", "class S { int a = 1, b = 2; };", "class S { int a = 1, b = 3; };"),
    ("a.cs", "E.B", "body", "enum E { A, B }", "enum E { X, A, B }"),
    ("a.rb", "A", "body", "A, B = 1, 2", "A, B = 4, 2"),
]


def both(path: str, name: str, old: str, new: str) -> tuple[Symbol, Symbol]:
    return symbol(path, old + "\n", name), symbol(path, new + "\n", name)


@pytest.mark.parametrize(("path", "name", "old", "new"), SAME, ids=lambda v: v[:40])
def test_a_name_is_not_concerned_by_what_stands_beside_it(path: str, name: str, old: str, new: str) -> None:
    before, after = both(path, name, old, new)
    assert before.stamp == after.stamp


@pytest.mark.parametrize(("path", "name", "part", "old", "new"), DIFFER, ids=lambda v: v[:40])
def test_the_own_value_of_a_name_counts_written_out_or_not(
    path: str, name: str, part: str, old: str, new: str
) -> None:
    before, after = both(path, name, old, new)
    assert [p for p in ("sig", "body", "doc") if getattr(before.stamp, p) != getattr(after.stamp, p)] == [
        part
    ]


def test_a_name_reads_what_its_own_value_reads() -> None:
    assert symbol("a.go", "package a\nvar A, B = f(), g()\n", "A").references == ("f",)
    assert symbol("a.rb", "A, B = C, D\n", "B").references == ("D",)


def test_a_constant_of_a_c_enumeration_is_known_without_it() -> None:
    assert symbol("a.c", "enum E { A, B };\n", "B").name == "E.B"


def test_what_is_taken_out_of_a_module_is_no_definition_of_this_file() -> None:
    text = "const { a } = require('./b');\nfunction f() { return a; }\n"
    assert symbol("a.js", text, "f").references == ("a",)
