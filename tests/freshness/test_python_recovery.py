"""Python that this interpreter refuses: code of a newer one, and what is whole in a broken file."""

from __future__ import annotations

import ast
import json
import subprocess
from pathlib import Path

import pytest

from agentctx.freshness.languages.base import Parsed
from agentctx.freshness.languages.python import Python, _read
from agentctx.freshness.languages.python_recovery import recover
from agentctx.model import Symbol
from tests.freshness.scene import Scene, invoice_scene
from tests.freshness.test_python import GOLDEN, interpreters, stamps
from tests.repository import TempRepo

PYTHON = Python()
NEWER = GOLDEN / "python_newer.txt"
OWN = sorted((Path(__file__).parents[2] / "agentctx").glob("[a-i]*/**/*.py"))


def everything(parsed: Parsed) -> dict[str, Symbol | None]:
    return {name: parsed.symbol(name) for name in ["", *parsed.symbols]}


@pytest.mark.parametrize(
    "path", [GOLDEN / "python_golden.txt", GOLDEN / "python_forms.txt", *OWN[::6]], ids=lambda path: path.name
)
def test_the_grammar_and_the_interpreter_read_the_same(path: Path) -> None:
    source = path.read_bytes()
    assert recover(source).line == 0
    by_grammar, by_interpreter = _read(recover(source).tree, source), _read(ast.parse(source), source)
    assert everything(by_grammar) == everything(by_interpreter)
    assert (by_grammar.imports, by_grammar.bases) == (by_interpreter.imports, by_interpreter.bases)


@pytest.mark.parametrize(
    "said",
    [
        "(n := a if b else c)", "(n := a) if b else c", "(a if b else (n := c))",
        "with a if b else c as n: pass", "with (a if b else c as n, d): pass",
        "with (a if b else c as n): pass", "with (a if b else c) as n: pass",
    ],
)  # fmt: skip
def test_a_name_is_given_to_the_whole_condition(said: str) -> None:
    source = f"def f(a, b, c, d):\n    {said}\n".encode()
    assert everything(_read(recover(source).tree, source)) == everything(_read(ast.parse(source), source))


def test_newer_syntax_has_the_stamps_that_a_newer_interpreter_gives() -> None:
    assert stamps(NEWER.read_bytes()) == json.loads((GOLDEN / "python_newer.json").read_text())


def test_every_newer_interpreter_here_gives_these_stamps() -> None:
    script = (
        "import json, sys; sys.path.insert(0, sys.argv[1])\n"
        "if sys.version_info < (3, 12): sys.exit(9)\n"
        "from agentctx.freshness.languages.python import Python\n"
        "p = Python().parse('x.py', open(sys.argv[2], 'rb').read())\n"
        "s = {n: p.symbol(n) for n in ['', *p.symbols]}\n"
        "print(json.dumps({n: [x.kind, x.stamp.sig, x.stamp.body, x.stamp.doc] for n, x in s.items()}))\n"
    )
    golden = json.loads((GOLDEN / "python_newer.json").read_text())
    for python in interpreters():
        command = [python, "-I", "-c", script, str(Path(__file__).parents[2]), str(NEWER)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 9 or json.loads(done.stdout) == golden, f"{python}: {done.stderr}"


def test_two_exceptions_without_parentheses_are_the_same_as_with_them() -> None:
    code = "def f():\n    try:\n        return g()\n    except {}:\n        return 2\n"
    newer, older = (stamps(code.format(kinds).encode()) for kinds in ("A, B", "(A, B)"))
    assert newer == older


def test_a_template_is_no_formatted_string_and_its_formatting_says_nothing() -> None:
    template, spaced, formatted = (stamps(f'X = {text}"a {{{x}}} b"\n'.encode())["X"] for text, x in VARIANTS)
    assert template == spaced != formatted


VARIANTS = (("t", "y+1"), ("t", "y + 1"), ("f", "y+1"))

CLASSES = """import os


class A:
    def first(self):
        return 1

    @cached
    def second(self, a):
        call(a, [1,
                 2])
        return a

    def third(self):
        return 3


@decorated
def last():
    return A().third()


LIMIT = 900
"""
BROKEN = {
    "a missing colon": ("def second(self, a):", "def second(self, a)", {"A", "A.second"}),
    "an open parenthesis": ("call(a, [1,", "call(a, ([1,", {"A", "A.second"}),
    "two words": ("return a\n", "return a b\n", {"A", "A.second"}),
    "half a definition": ("def second(self, a):", "def ", {"A", "A.second"}),
    "half a statement": ("return a\n", "return a +\n", {"A", "A.second"}),
    "an open text": ("return a\n", "return 'a\n", {"A", "A.second"}),
    "markers of a conflict": (
        "        return a\n",
        "<<<<<<< a\n        return a\n=======\n>>>>>>> b\n",
        {"A", "A.second"},
    ),
    "a broken decorator": ("@decorated\n", "@decorated(\n", {"last"}),
    "a broken value": ("LIMIT = 900", "LIMIT = = 900", {"LIMIT"}),
    "Python of before": ("        return 3", '        print "a"\n        return 3', {"A", "A.third"}),
}


@pytest.mark.parametrize(("old", "new", "lost"), BROKEN.values(), ids=BROKEN)
def test_what_is_whole_in_a_broken_file_keeps_its_stamps(old: str, new: str, lost: set[str]) -> None:
    before, after = (
        PYTHON.parse("a.py", CLASSES.encode()),
        PYTHON.parse("a.py", CLASSES.replace(old, new).encode()),
    )
    assert not after.error
    assert after.damage[""]
    assert "" not in after.symbols
    assert set(before.symbols) - set(after.symbols) == lost
    assert all(after.symbols[name].stamp == before.symbols[name].stamp for name in after.symbols)


def test_a_syntax_error_elsewhere_leaves_a_note_fresh_and_one_in_the_function_makes_it_unknown(
    repo: TempRepo,
) -> None:
    scene = invoice_scene(repo)
    scene.edit("src/invoice.py", "return self.price * self.amount", "return self.price *")
    assert scene.drift().state == "unchanged"
    scene.edit("src/invoice.py", "net = 0\n", "net = = 0\n")
    assert scene.drift().state == "unknown"
    assert "syntax error" in scene.drift().reason


def test_a_broken_import_is_no_changed_dependency(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    scene.edit("src/invoice.py", "from src.money import round_cents", "from src.money import round_cents as")
    assert scene.drift().state == "unchanged"


def test_a_broken_callee_is_no_changed_dependency(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    scene.edit("src/money.py", "return round(value, 2)", "return round(value, 2")
    assert scene.drift().state == "unchanged"


def test_a_change_in_newer_syntax_is_told(repo: TempRepo) -> None:
    scene = Scene(repo)
    repo.write("box.py", 'class Box[T]:\n    def label(self):\n        return f"{self.of["a"]}"\n')
    scene.note("a", ("box.py#Box.label",))
    scene.verify()
    repo.commit("Start")
    assert scene.drift().state == "unchanged"
    scene.edit("box.py", 'of["a"]', 'of["b"]')
    assert scene.drift().state == "body"
