"""The normal form of Python: golden stamps, what it is blind to, what it sees."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentctx.freshness.languages.python import Python
from agentctx.model import Symbol

GOLDEN = Path(__file__).parent / "golden"
PYTHON = Python()


def symbol(source: str, name: str = "f") -> Symbol:
    parsed = PYTHON.parse("x.py", source.encode())
    assert not parsed.error, parsed.error
    found = parsed.symbol(name)
    assert found is not None, sorted(parsed.symbols)
    return found


def stamps(source: bytes) -> dict[str, list[str]]:
    parsed = PYTHON.parse("x.py", source)
    names = ["", *parsed.symbols]
    found = {name: parsed.symbol(name) for name in names}
    return {n: [s.kind, s.stamp.sig, s.stamp.body, s.stamp.doc] for n, s in found.items() if s}


def test_golden_stamps_hold_on_this_interpreter() -> None:
    golden = json.loads((GOLDEN / "python.json").read_text())
    assert stamps((GOLDEN / "python_golden.txt").read_bytes()) == golden


def interpreters() -> list[str]:
    """This interpreter and the others here that are new enough: on PATH, or installed beside this one."""
    names = [shutil.which(f"python3.{minor}") for minor in range(11, 16)]
    names += [str(path) for path in sorted(Path(sys.base_prefix).parent.glob("*3.1*/bin/python3"))]
    probe = "import sys; print(sys.version_info >= (3, 11))"
    found = {sys.executable}
    for name in {name for name in names if name}:
        done = subprocess.run([name, "-I", "-c", probe], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == "True":
            found.add(name)
    return sorted(found)


def test_golden_stamps_hold_on_every_interpreter_that_is_here() -> None:
    script = (
        "import json, sys; sys.path.insert(0, sys.argv[1])\n"
        "from agentctx.freshness.languages.python import Python\n"
        "p = Python().parse('x.py', open(sys.argv[2], 'rb').read())\n"
        "s = {n: p.symbol(n) for n in ['', *p.symbols]}\n"
        "print(json.dumps({n: [x.kind, x.stamp.sig, x.stamp.body, x.stamp.doc] for n, x in s.items()}))\n"
    )
    golden = json.loads((GOLDEN / "python.json").read_text())
    root = str(Path(__file__).parents[2])
    for python in interpreters():
        done = subprocess.run(
            [python, "-I", "-c", script, root, str(GOLDEN / "python_golden.txt")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{python}: {done.stderr}"
        assert json.loads(done.stdout) == golden, python


SAME: dict[str, tuple[str, str]] = {
    "line wraps": (
        "def f(a, b):\n    return g(a, b)",
        "def f(\n    a,\n    b,\n):\n    return g(\n        a, b\n    )",
    ),
    "quotes": ("def f():\n    return 'a'", 'def f():\n    return "a"'),
    "quotes inside a formatted string": ("def f(x):\n    return f'{x}'", 'def f(x):\n    return f"{x}"'),
    "joined strings": ("def f():\n    return 'a' 'b'", "def f():\n    return 'ab'"),
    "joined formatted strings": ("def f(x):\n    return f'a{x}' 'b'", "def f(x):\n    return f'a{x}b'"),
    "a formatted string without fields": ("def f():\n    return f'a'", "def f():\n    return 'a'"),
    "comments": ("def f():\n    return 1", "def f():\n    # one\n    return 1  # really"),
    "spelling of numbers": ("def f():\n    return 1000, 16", "def f():\n    return 1_000, 0x10"),
    "unicode prefix": ("def f():\n    return u'a'", "def f():\n    return 'a'"),
    "redundant parentheses": ("def f():\n    return (1 + 2)", "def f():\n    return 1 + 2"),
    "parenthesised with": (
        "def f():\n    with (a() as x, b()):\n        x()",
        "def f():\n    with a() as x, b():\n        x()",
    ),
    "parenthesised del": ("def f(a, b):\n    del (a, b)", "def f(a, b):\n    del a, b"),
    "pass beside a statement": ("def f():\n    pass\n    g()", "def f():\n    g()"),
    "order of imports inside": (
        "def f():\n    import b\n    import a\n    a.b()",
        "def f():\n    import a, b\n    a.b()",
    ),
    "line endings": ("def f():\n    return 1\n", "def f():\r\n    return 1\r\n"),
    "its own name": ("def f(n):\n    return f(n - 1)", "def g(n):\n    return g(n - 1)"),
    "its own name as a variable": ("def f():\n    f = 0\n    return f", "def g():\n    f = 0\n    return f"),
}

DIFFERENT: dict[str, tuple[str, str, str]] = {
    "indentation": (
        "def f(a):\n    for x in a:\n        g(x)\n        h()",
        "def f(a):\n    for x in a:\n        g(x)\n    h()",
        "body",
    ),
    "a default": ("def f(a=1):\n    return a", "def f(a=2):\n    return a", "sig"),
    "an annotation": ("def f(a: int):\n    return a", "def f(a: str):\n    return a", "sig"),
    "a result": ("def f() -> int:\n    return 1", "def f() -> str:\n    return 1", "sig"),
    "keyword only": ("def f(a, b):\n    pass", "def f(a, *, b):\n    pass", "sig"),
    "async": ("def f():\n    return 1", "async def f():\n    return 1", "sig"),
    "a decorator": ("def f():\n    return 1", "@cache\ndef f():\n    return 1", "sig"),
    "bases": ("class f(A):\n    x = 1", "class f(B):\n    x = 1", "sig"),
    "a number's type": ("def f():\n    return 1", "def f():\n    return 1.0", "body"),
    "text and bytes": ("def f():\n    return 'a'", "def f():\n    return b'a'", "body"),
    "a comma that makes a tuple": ("def f():\n    return (1)", "def f():\n    return (1,)", "body"),
    "a docstring": ('def f():\n    """A."""\n    return 1', 'def f():\n    """B."""\n    return 1', "doc"),
    "a nested docstring": (
        'class f:\n    def g(self):\n        """A."""',
        'class f:\n    def g(self):\n        """B."""',
        "doc",
    ),
    "the condition around it": ("if A:\n    def f(): return 1", "if B:\n    def f(): return 1", "body"),
    "the other branch": (
        "try:\n    f = 1\nexcept E:\n    f = 2",
        "try:\n    f = 1\nexcept E:\n    f = 3",
        "body",
    ),
    "conversion in a formatted string": (
        "def f(x):\n    return f'{x!r}'",
        "def f(x):\n    return f'{x}'",
        "body",
    ),
    "format in a formatted string": (
        "def f(x):\n    return f'{x:>3}'",
        "def f(x):\n    return f'{x:>4}'",
        "body",
    ),
    "where a text ends": ("def f(x):\n    return g('a', 'bc')", "def f(x):\n    return g('ab', 'c')", "body"),
}


@pytest.mark.parametrize("name", SAME)
def test_the_normal_form_is_blind_to(name: str) -> None:
    old, new = SAME[name]
    first = symbol(old, "f")
    second = symbol(new, "g" if "def g" in new else "f")
    assert (first.stamp.sig, first.stamp.body) == (second.stamp.sig, second.stamp.body)


@pytest.mark.parametrize("name", DIFFERENT)
def test_the_normal_form_sees(name: str) -> None:
    old, new, part = DIFFERENT[name]
    first, second = symbol(old).stamp, symbol(new).stamp
    assert getattr(first, part) != getattr(second, part)
    if part == "doc":
        assert (first.sig, first.body) == (second.sig, second.body)


def test_a_renamed_class_keeps_its_stamp_and_those_of_its_methods() -> None:
    old = "class A(Base):\n    def make(self) -> 'A':\n        return A(self.make())"
    new = old.replace("A(self", "B(self").replace("class A", "class B").replace("'A'", "'B'")
    assert symbol(old, "A").stamp == symbol(new, "B").stamp
    assert symbol(old, "A.make").stamp == symbol(new, "B.make").stamp


def test_symbols_are_named_by_their_scopes() -> None:
    source = (
        "X: int = 1\nA, B = 1, 'b'\nclass C:\n    y = 2\n    def m(self):\n        def inner(): pass\n"
        "    class D:\n        def n(self): pass\nif T:\n    def h(): pass\nelse:\n    def h(): return 1\n"
    )
    parsed = PYTHON.parse("x.py", source.encode())
    kinds = {name: parsed.symbols[name].kind for name in parsed.symbols}
    assert kinds == {
        "X": "constant", "A": "constant", "B": "constant", "C": "class", "C.y": "constant", "C.m": "method",
        "C.m.inner": "function", "C.D": "class", "C.D.n": "method", "h": "function",
    }  # fmt: skip
    assert parsed.symbols["B"].value == '"b"'
    assert (parsed.symbols["h"].start_line, parsed.symbols["h"].end_line) == (10, 12)


def test_a_property_and_its_setter_are_one_symbol() -> None:
    base = (
        "class C:\n    @property\n    def x(self): return 1\n    @x.setter\n    def x(self, v): self.v = v\n"
    )
    assert symbol(base, "C.x").stamp != symbol(base.replace("= v\n", "= v + 1\n"), "C.x").stamp


def test_the_order_of_methods_and_definitions_means_nothing() -> None:
    a, b = "    def a(self): return 1\n", "    def b(self): return 2\n"
    assert symbol(f"class f:\n{a}{b}").stamp == symbol(f"class f:\n{b}{a}").stamp
    one, two = "def one(): pass\n", "def two(): pass\n"
    assert (
        symbol("import a\nimport b\n" + one + two, "").stamp == symbol("import b, a\n" + two + one, "").stamp
    )


@pytest.mark.parametrize(
    "source",
    [
        b"def f(:\n", b"\x00", b"x = '\xff'\n", b"# coding: nonsense\nx = 1\n", b"(" * 5000,
        b"x = " + b"-" * 100000 + b"1",
    ],
    ids=["syntax", "zero byte", "not utf-8", "unknown coding", "parentheses", "deep"],
)  # fmt: skip
def test_what_cannot_be_parsed_is_an_error_in_words(source: bytes) -> None:
    parsed = PYTHON.parse("x.py", source)
    assert parsed.error and not parsed.symbols


def test_encodings_are_read_as_python_reads_them() -> None:
    plain = "X = 'é'\n"
    latin = ("# coding: latin-1\n" + plain).encode("latin-1")
    marked = b"\xef\xbb\xbf" + plain.encode()
    values = {PYTHON.parse("x.py", s).symbols["X"].value for s in (plain.encode(), latin, marked)}
    assert values == {'"é"'}


def test_a_long_chain_of_operators_is_no_limit() -> None:
    assert symbol("def f():\n    return " + " + ".join(["x"] * 900)).stamp.body


def normal_forms(source: str) -> dict[str, list[str]]:
    return {name: values[1:3] for name, values in stamps(source.encode()).items()}


SOURCES = sorted((Path(__file__).parents[2] / "agentctx").rglob("*.py"))


@settings(max_examples=12, deadline=None)
@given(path=st.sampled_from(SOURCES), length=st.integers(40, 200), quotes=st.booleans())
def test_a_formatter_changes_no_stamp(path: Path, length: int, quotes: bool) -> None:
    source = path.read_text()
    style = f'format.quote-style="{"single" if quotes else "double"}"'
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--no-cache", f"--line-length={length}",
         "--config", style, "-"],
        input=source, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert normal_forms(done.stdout) == normal_forms(source)


@settings(max_examples=15, deadline=None)
@given(path=st.sampled_from(SOURCES))
def test_printing_the_syntax_tree_anew_changes_no_stamp(path: Path) -> None:
    source = path.read_text()
    assert normal_forms(ast.unparse(ast.parse(source))) == normal_forms(source)
