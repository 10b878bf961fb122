"""The benches about drift judge by their own reading: here it is held against known changes."""

from __future__ import annotations

import json

import pytest

from bench import broken, noise, rot
from bench.claims import Claim, claims_in, holds
from bench.sameness import is_cosmetic
from tests.repository import TempRepo

OLD = (
    "LIMIT = 900\nNAME = 'shop'\n\n\ndef keep():\n    return 1\n\n\ndef drop():\n    return 2\n\n\n"
    "def change():\n    return 3\n"
)
NEW = "LIMIT = 950\nNAME = 'shop'\n\n\ndef keep():\n    return 1\n\n\ndef change():\n    return 4\n"


def two_commits(repo: TempRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-01-01T12:00:00Z")
    repo.commit("Old", {"src/shop.py": OLD, "src/gone.py": "A = 1\n"})
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-08-01T12:00:00Z")
    repo.git("rm", "-q", "src/gone.py")
    repo.commit("New", {"src/shop.py": NEW})
    monkeypatch.delenv("GIT_COMMITTER_DATE")


def test_rot_counts_each_claim_that_became_false(
    repo: TempRepo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    two_commits(repo, monkeypatch)
    assert rot.main([str(repo.root), "--pairs", "1", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)["repositories"]["all"]["agentctx"]
    assert (figures["claims"], figures["false"], figures["caught"], figures["false_alarms"]) == (8, 4, 4, 0)
    assert (figures["youden_j"], figures["alerts_per_catch"]) == (1.0, 1.0)


def test_noise_tells_formatting_from_changes(repo: TempRepo, capsys: pytest.CaptureFixture[str]) -> None:
    repo.commit("Old", {"src/shop.py": OLD})
    repo.commit("Say why", {"src/shop.py": OLD.replace("return 1", "return (1)  # why")})
    repo.commit("Change", {"src/shop.py": OLD.replace("return 3", "return 4")})
    repo.commit("Words", {"README.md": "Read me.\n"})
    assert noise.main([str(repo.root), "--commits", "3", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["notes"], report["commits"], report["commits_that_touch_code"]) == (3, 3, 2)
    assert (report["formatting_only_commits"], report["flags_by_formatting_only_commits"]) == (1, 0)
    assert report["stale_per_commit"] == round(1 / 3, 3)
    assert report["unknown_share"] == 0


def test_noise_finds_formatting_commits_anywhere_in_the_history(
    repo: TempRepo, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.commit("Old", {"src/shop.py": OLD})
    repo.commit("Run a formatter", {"src/shop.py": OLD.replace("'shop'", '"shop"')})
    repo.commit("Comment and change", {"src/shop.py": OLD.replace("return 3", "return 4  # why")})
    repo.commit("Change", {"src/shop.py": NEW})
    assert noise.main([str(repo.root), "--formatting", "5", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["commits"], report["notes"], report["flags_by_formatting_only_commits"]) == (1, 3, 0)


SOURCES = {
    "a.py": ('"""def no(): pass"""\nLIMIT = 3\ndef f(): ...\nclass C: ...\n', {"LIMIT", "f", "C"}),
    "a.go": ("const (\n\tLimit = 3\n)\nfunc F() {\n\tx = 1\n}\ntype T struct {}\n", {"Limit", "F", "T"}),
    "a.ts": (
        'export const limit = "x";\nexport class C {}\nexport async function f() {}\n',
        {"limit", "C", "f"},
    ),
    "a.rs": ("pub const LIMIT: u32 = 3;\npub fn f() {}\nstruct S;\n", {"LIMIT", "f", "S"}),
    "A.java": ("public class A {\n  static final int LIMIT = 3;\n}\n", {"LIMIT", "A"}),
}


@pytest.mark.parametrize("path", SOURCES)
def test_claims_are_read_and_hold_where_they_were_read(path: str) -> None:
    source, names = SOURCES[path]
    found = claims_in(path, source)
    assert {claim.name for claim in found if claim.name} == names
    assert all(holds(claim, source) for claim in found)
    assert not any(holds(claim, None) for claim in found)
    assert not any(holds(claim, "") for claim in found if claim.kind != "path")


def test_a_literal_is_compared_as_it_stands() -> None:
    claim = Claim("value", "a.py", "LIMIT", "1_000")
    assert holds(claim, "LIMIT = 1000  # calls\n")
    assert not holds(claim, "LIMIT = 1001\n")
    assert not holds(Claim("value", "a.py", "NAME", '"a_b"'), 'NAME = "ab"\n')


@pytest.mark.parametrize(
    ("path", "before", "after", "same"),
    [
        ("a.py", "x = f(1, 2)  # why\n", "x = f(\n    1,\n    2,\n)\n", True),
        (
            "a.py",
            'def f():\n    """Old."""\n    return 1\n',
            'def f():\n    """New."""\n    return 1\n',
            True,
        ),
        ("a.py", "if a:\n    b()\nc()\n", "if a:\n    b()\n    c()\n", False),
        ("a.ts", "f('a', b)\n", 'f(\n  "a", // why\n  b,\n);\n', True),
        ("a.ts", "f('a')\n", "f('b')\n", False),
        ("a.go", "x := 1 /* one */\n", "x := 1\n", True),
        ("a.go", 'x := "//a"\n', 'x := "//b"\n', False),
        ("a.rs", "fn f<'a>(x: &'a u8) {} // a\n", "fn f<'a>(x: &'a u8) {}\n", True),
        ("a.rs", "fn f() -> u8 { x }\n", "fn f() -> u8 { x; }\n", False),
        ("a.py", "x = u'a'\n", 'x = "a"\n', True),
        ("a.py", "x = 1\n", "x = 2\n", False),
    ],
)
def test_what_only_touches_formatting_and_comments(path: str, before: str, after: str, same: bool) -> None:
    assert is_cosmetic(path, before, after) is same


def test_broken_counts_symbols_that_outlive_a_syntax_error(
    repo: TempRepo, capsys: pytest.CaptureFixture[str]
) -> None:
    functions = [f"def f{n}(a):\n    b = g(a, {n})\n    return b\n" for n in range(9)]
    repo.commit("Code", {"shop.py": "\n\n".join(functions)})
    assert broken.main([str(repo.root), "--breaks", "40", "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert (counts["files"], counts["files_read_otherwise_by_the_grammar"]) == (1, 0)
    assert counts["same"] > counts["broken_copies"] > 10
