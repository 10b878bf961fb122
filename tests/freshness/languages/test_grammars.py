"""Every language that is read with a grammar: what is formatting, what is a change, and what names mean."""

# ruff: noqa: E501 - a table reads best with one case a line

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from agentctx.freshness.languages import language_of
from agentctx.freshness.languages.base import Parsed
from agentctx.model import Stamp, Symbol
from tests.freshness.languages.samples import SAMPLES, Sample

GOLDEN = Path(__file__).parent / "golden"
SAME = [
    pytest.param(sample, old, new, id=f"{sample.path}: {what}")
    for sample in SAMPLES
    for what, old, new in sample.same
]
DIFFER = [
    pytest.param(sample, old, new, part, id=f"{sample.path}: {what}")
    for sample in SAMPLES
    for what, old, new, part in sample.differ
]


def parse(path: str, text: str | bytes) -> Parsed:
    language = language_of(path)
    assert language is not None
    return language.parse(path, text if isinstance(text, bytes) else text.encode())


def symbol(path: str, text: str | bytes, name: str) -> Symbol:
    parsed = parse(path, text)
    assert not parsed.error, parsed.error
    found = parsed.symbol(name)
    assert found is not None, (sorted(parsed.symbols), dict(parsed.damage))
    return found


def replaced(text: str, old: str, new: str) -> str:
    assert old in text, old
    return text.replace(old, new, 1)


@pytest.mark.parametrize(("sample", "old", "new"), SAME)
def test_formatting_changes_neither_the_symbol_nor_the_file(sample: Sample, old: str, new: str) -> None:
    before, after = sample.text, replaced(sample.text, old, new)
    for name in (sample.symbol, ""):
        assert symbol(sample.path, before, name).stamp == symbol(sample.path, after, name).stamp


@pytest.mark.parametrize(("sample", "old", "new", "part"), DIFFER)
def test_a_change_of_meaning_changes_its_part_and_no_other(
    sample: Sample, old: str, new: str, part: str
) -> None:
    before = symbol(sample.path, sample.text, sample.symbol).stamp
    after = symbol(sample.path, replaced(sample.text, old, new), sample.symbol).stamp
    parts = ("sig", "body", "doc")
    assert [p for p in parts if getattr(before, p) != getattr(after, p)] == [part]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.path)
@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(lambda t: t.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(lambda t: b"\xef\xbb\xbf" + t.encode(), id="byte order mark"),
        pytest.param(lambda t: t.encode("utf-16"), id="UTF-16"),
        pytest.param(lambda t: t.encode().rstrip(b"\n"), id="no last newline"),
    ],
)
def test_the_bytes_of_a_file_do_not_matter(sample: Sample, encode) -> None:  # type: ignore[no-untyped-def]
    before = symbol(sample.path, sample.text, sample.symbol).stamp
    assert symbol(sample.path, encode(sample.text), sample.symbol).stamp == before


def test_latin_1_is_read_as_latin_1() -> None:
    text = "const name = 'é';\nfunction f() { return name; }\n"
    assert symbol("a.js", text.encode("latin-1"), "name").value == '"é"'


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.path)
def test_the_stamps_of_a_language_are_the_committed_ones(sample: Sample) -> None:
    parsed = parse(sample.path, sample.text)
    stamps = {name: _parts(parsed.symbols[name].stamp) for name in parsed.symbols}
    known = json.loads((GOLDEN / f"{sample.path.replace('.', '_')}.json").read_text())
    assert stamps == known, "raise the scheme of the language when its normal form changes"


def _parts(stamp: Stamp) -> list[str]:
    return [stamp.sig, stamp.body, stamp.doc]


SIMPLIFIED = [
    ("elements of a list", "var V = []P{P{1}, P{2}}", "var V = []P{{1}, {2}}"),
    ("pointers", "var V = []*P{&P{1}}", "var V = []*P{{1}}"),
    ("keys and values of a map", "var V = map[a.K]P{a.K{1}: P{2}}", "var V = map[a.K]P{{1}: {2}}"),
    ("lists of lists", "var V = [][]P{[]P{P{1}}}", "var V = [][]P{{{1}}}"),
    ("arrays", "var V = [...]P{0: P{1}}", "var V = [...]P{0: {1}}"),
    ("an index alone", "func V() { for i, _ := range a { use(i) } }", "func V() { for i := range a { use(i) } }"),
    ("no index", "func V() { for _ = range a { b() } }", "func V() { for range a { b() } }"),
    ("nothing of both", "func V() { for _, _ = range a { b() } }", "func V() { for range a { b() } }"),
    ("an end", "func V() []int { return a[i : len(a)] }", "func V() []int { return a[i:] }"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"), [case[1:] for case in SIMPLIFIED], ids=[case[0] for case in SIMPLIFIED]
)
def test_what_gofmt_simplifies_is_formatting(old: str, new: str) -> None:
    before, after = (symbol("a.go", f"package a\n\n{text}\n", "V") for text in (old, new))
    assert (before.stamp, before.references) == (after.stamp, after.references)


NOT_SIMPLE = [
    ("another type", "var V = []I{P{1}}", "var V = []I{{1}}"),
    ("a value for a pointer", "var V = []*P{P{1}}", "var V = []*P{{1}}"),
    ("another list", "func V() []int { return a[i:len(b)] }", "func V() []int { return a[i:] }"),
    ("an element", "func V() { for _, x := range a { use(x) } }", "func V() { for x := range a { use(x) } }"),
    ("a second result", "func V() { x, _ := f(); use(x) }", "func V() { x := f(); use(x) }"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"), [case[1:] for case in NOT_SIMPLE], ids=[case[0] for case in NOT_SIMPLE]
)
def test_what_gofmt_does_not_simplify_is_a_change(old: str, new: str) -> None:
    before, after = (symbol("a.go", f"package a\n\n{text}\n", "V") for text in (old, new))
    assert before.stamp.body != after.stamp.body


@pytest.mark.parametrize(("old", "new"), [("5.", "5"), ("5.0", "5"), ("1.0e10", "1e10"), ("5.50", "5.5")])
def test_a_whole_number_of_javascript_is_one_with_its_point(old: str, new: str) -> None:
    assert symbol("a.js", f"const f = {old};", "f").stamp == symbol("a.js", f"const f = {new};", "f").stamp


COUNTED = [
    ("a.go", "package a\nconst (\n\tA = iota\n\tB\n\tC\n)", "C", "2"),
    ("a.go", "package a\nconst (\n\tA = iota + 1\n\tB\n)", "B", "2"),
    ("a.go", "package a\nconst (\n\tA = 1 << iota\n\tB\n)", "B", ""),
    ("a.ts", "enum E { A, B }", "E.B", "1"),
    ("a.ts", "enum E { A = 3, B, C }", "E.C", "5"),
    ("a.ts", "enum E { A = f(), B }", "E.B", ""),
    ("a.rs", "enum E { A = 3, B }", "E::B", "4"),
    ("a.rs", "enum E { A, B }", "E::B", ""),
]


@pytest.mark.parametrize(("path", "text", "name", "value"), COUNTED)
def test_a_constant_that_is_counted_has_its_value(path: str, text: str, name: str, value: str) -> None:
    assert symbol(path, text, name).value == value


NAMES = [
    ("a.js", "export const f = () => 1, g = function () {};", ["f", "g"]),
    ("a.js", "export default { name: 'x', methods: { go() {} } };", ["default", "default.methods.go"]),
    ("a.js", "module.exports = { a() {} };\nexports.b = 1;\nA.prototype.c = function () {};", ["module.exports.a", "b", "A.c", "exports.b", "A.prototype.c"]),
    ("a.js", "class A { #p = 1; static m() {} get x() { return 1 } }", ["A.#p", "A.m", "A.x"]),
    ("a.ts", "interface I { m(): void; p: string }\nenum E { A = 1, B }\ntype T = { a: 1 };\nnamespace N { export function q() {} }", ["I.m", "I.p", "E.A", "E.B", "T.a", "N.q"]),
    ("a.ts", "function f() { function inner() {} const g = () => 1; }", ["f.inner", "f.g"]),
    ("a.go", "package a\nfunc (s *Server) Serve() {}\nfunc (l List[T]) Len() {}\ntype I interface { M() }\ntype S struct { A, B int }\nconst (\n\tX = iota\n\tY\n)", ["Server.Serve", "(*Server).Serve", "List.Len", "I.M", "S.A", "S.B", "X", "Y"]),
    ("a.rs", "impl<T> Foo<T> { fn new() {} }\nimpl fmt::Display for Foo<u8> { fn fmt(&self) {} }\nmod m { pub fn f() {} }\nenum E { A }\ntrait T { fn d(&self); }", ["Foo::new", "<Foo as fmt::Display>::fmt", "Foo::fmt", "impl fmt::Display for Foo", "fmt::Display for Foo", "m::f", "E::A", "T::d"]),
    ("A.java", "class A { void f(int a) {} void f(String... b) {} enum K { X; } record R(int x) {} interface I { int C = 1; } }", ["A.f", "A.f(int)", "A.f(String...)", "A.K.X", "A.R", "A.I.C"]),
    ("a.cpp", "namespace n { struct S { void m(); int x; }; }\nvoid n::S::m() {}", ["n::S", "S", "n::S::m", "S::m", "n::S::x"]),
    ("a.rb", "module M\n  class C\n    def m; end\n    def self.s; end\n  end\nend", ["M.C.m", "M::C#m", "C.m", "M::C::s"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "text", "name"), [pytest.param(p, t, n, id=f"{p}: {n}") for p, t, names in NAMES for n in names]
)
def test_a_symbol_is_found_by_the_names_of_its_language(path: str, text: str, name: str) -> None:
    assert symbol(path, text, name).start_line > 0


def test_two_traits_of_one_type_make_the_short_name_ambiguous() -> None:
    text = "impl A for Foo { fn f() {} }\nimpl B for Foo { fn f() {} }"
    parsed = parse("a.rs", text)
    assert parsed.symbol("Foo::f") is None
    assert {"<Foo as A>::f", "<Foo as B>::f"} <= set(parsed.symbols)
    assert "Foo::f" not in parsed.aliases


def test_overloads_are_one_symbol_whose_parts_can_be_named() -> None:
    text = "class A { int f(int a) { return 1; } int f(long a) { return 2; } }"
    changed = text.replace("return 2", "return 3")
    assert symbol("A.java", text, "A.f").stamp != symbol("A.java", changed, "A.f").stamp
    assert symbol("A.java", text, "A.f(int)").stamp == symbol("A.java", changed, "A.f(int)").stamp
    assert symbol("A.java", text, "A.f(long)").stamp != symbol("A.java", changed, "A.f(long)").stamp


@pytest.mark.parametrize(
    ("path", "text", "old", "new"),
    [
        ("a.js", "function f(n) { return n ? f(n - 1) : 0; }", "f", "g"),
        ("a.go", "package a\nfunc f(n int) int { return f(n - 1) }", "f", "g"),
        ("a.rs", "fn f(n: u8) -> u8 { f(n - 1) }", "f", "g"),
        ("A.java", "class F { F() {} F copy() { return new F(); } }", "F", "G"),
    ],
    ids=["JavaScript", "Go", "Rust", "Java"],
)
def test_a_renamed_symbol_keeps_its_stamp(path: str, text: str, old: str, new: str) -> None:
    import re

    renamed = re.sub(rf"\b{old}\b", new, text)
    assert symbol(path, text, old).stamp == symbol(path, renamed, new).stamp


VALUES = [
    ("a.ts", "export const MAX_AGE: number = 900;", "MAX_AGE", "900"),
    ("a.js", "const NAME = 'x';", "NAME", '"x"'),
    ("a.go", "package a\nconst Rate = 0.20", "Rate", "0.2"),
    ("a.rs", "pub const LIMIT: u32 = 1_000;", "LIMIT", "1000"),
    ("A.java", "class A { static final int RATE = -20; }", "A.RATE", "-20"),
    ("a.c", "#define LIMIT 32", "LIMIT", "32"),
    ("a.js", "const A = f(1);", "A", ""),
]


@pytest.mark.parametrize(("path", "text", "name", "value"), VALUES)
def test_a_constant_shows_its_value(path: str, text: str, name: str, value: str) -> None:
    assert symbol(path, text, name).value == value


def test_an_iota_constant_changes_when_one_is_put_before_it() -> None:
    text = "package a\nconst (\n\tA = iota\n\tB\n)"
    before, after = symbol("a.go", text, "B"), symbol("a.go", text.replace("\tB", "\tX\n\tB"), "B")
    assert before.stamp.body != after.stamp.body


REFERENCES = [
    ("a.ts", "class A { m(p: number) { const q = p; return this.rate + helper(q) + ns.f(RATE); } }", "A.m", {"this.rate", "helper", "ns.f", "RATE"}),
    ("a.go", "package a\nfunc (s *S) M(p int) int { q := p; return s.rate + pkg.F(q) + Rate }", "S.M", {"this.rate", "pkg.F", "Rate", "S", "int"}),
    ("a.rs", "impl S { fn m(&self, p: u8) { let q = p; self.rate.go(helper(q), m::f(RATE)) } }", "S::m", {"self.rate.go", "helper", "m.f", "RATE"}),
    ("A.java", "class A { int m(int p) { int q = p; return this.rate + helper(q) + Util.f(RATE); } }", "A.m", {"this.rate", "helper", "Util.f", "RATE"}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "name", "expected"), REFERENCES)
def test_references_are_what_comes_from_outside(path: str, text: str, name: str, expected: set[str]) -> None:
    assert set(symbol(path, text, name).references) == expected


IMPORTS = [
    ("a.ts", "import d, { a as b } from './x';\nimport * as n from './y';\nexport { q } from './z';", {"d": ("./x", "default"), "b": ("./x", "a"), "n": ("./y", ""), "q": ("./z", "q")}),
    ("a.js", "const { a } = require('./x');\nconst b = require('./y');", {"a": ("./x", "a"), "b": ("./y", "")}),
    ("a.go", 'package a\nimport (\n\tm "math"\n\t"example.org/x/pkg/v2"\n)', {"m": ("math", ""), "pkg": ("example.org/x/pkg/v2", "")}),
    ("a.rs", "use crate::a::{self, b as c};\nuse std::io::*;", {"a": ("crate", "a"), "c": ("crate::a", "b"), "*std::io": ("std::io", "*")}),
    ("A.java", "import a.b.C;\nimport static a.b.D.e;\nimport a.x.*;\nclass A {}", {"C": ("a.b.C", "C"), "e": ("a.b.D", "D.e"), "*a.x": ("a.x", "*")}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "expected"), IMPORTS)
def test_imports_say_where_a_name_comes_from(
    path: str, text: str, expected: dict[str, tuple[str, str]]
) -> None:
    assert dict(parse(path, text).imports) == expected


BROKEN = [
    ("a.js", "function good() { return 1; }\nfunction bad() { return (1 + ; }\n", "good", "bad"),
    ("a.go", "package a\nfunc good() int { return 1 }\nfunc bad() int { return 1 + * }\n", "good", "bad"),
    ("a.rs", "fn good() -> u8 { 1 }\nfn bad() -> u8 { 1 + ; }\n", "good", "bad"),
    ("A.java", "class A { int good() { return 1; } int bad() { return 1 + ; } }\n", "A.good", "A.bad"),
]


@pytest.mark.parametrize(("path", "text", "good", "bad"), BROKEN)
def test_a_syntax_error_makes_only_its_own_symbol_unknown(path: str, text: str, good: str, bad: str) -> None:
    parsed = parse(path, text)
    assert parsed.symbol(good) is not None
    assert parsed.symbol(bad) is None
    assert parsed.symbol("") is None
    assert "line" in parsed.damage[bad]
    assert "" in parsed.damage


def test_a_missing_grammar_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from agentctx.freshness.languages import treesitter

    def missing(wheel: str, entry: str) -> object:
        raise ImportError(wheel)

    monkeypatch.setattr(treesitter, "parser_of", missing)
    assert parse("a.go", "package a").error == "a.go: no grammar for Go; pip install tree-sitter-go"


DEEP = [
    ("a.js", "x = " + "[" * 20_000 + "]" * 20_000),
    ("a.js", "f(" * 5_000 + ")" * 5_000),
    ("a.js", "function a(){" * 1_000 + "}" * 1_000),
    ("a.go", "package a\nvar x = " + "(" * 20_000 + "1" + ")" * 20_000),
    ("a.rs", "fn f() " + "{" * 5_000 + "}" * 5_000),
    ("A.java", "class A { void f() " + "{" * 5_000 + "}" * 5_000 + "}"),
    ("a.ts", "type A = " + "A | " * 5_000 + "B;"),
]


@pytest.mark.parametrize(("path", "text"), DEEP, ids=range(len(DEEP)))
def test_deep_nesting_is_read(path: str, text: str) -> None:
    parsed = parse(path, text)
    assert not parsed.error
    assert parsed.symbol("") is not None


def test_a_minified_megabyte_is_read_in_two_seconds_of_work() -> None:
    text = "function f(a,b){if(a){return b.c(1,'x')}else{for(var i=0;i<3;i++){g(i,[a,b])}}}" * 12_600
    parse("a.js", "x")
    start = time.process_time()
    parsed = parse("a.js", text)
    assert time.process_time() - start < 4.0  # twice the aim: other work shares the machine
    assert parsed.symbol("f") is not None


@pytest.mark.parametrize("path", ["a.js", "a.ts", "a.go", "a.rs", "A.java", "a.c", "a.rb", "a.php"])
def test_rubbish_is_no_error_of_ours(path: str) -> None:
    parsed = parse(path, bytes(range(256)) * 40)
    assert parsed.error or parsed.damage or parsed.symbols is not None
    empty = parse(path, b"")
    assert not empty.error
    assert not list(empty.symbols)


EMBED, INLINE = (
    "package a\n\n//go:embed a.txt\nvar V string\n",
    "package a\n\nfunc V() int {\n\treturn 1\n}\n",
)
GROUP = "package a\n\nvar (\n\tW = 1\n\t//go:embed a.txt\n\tV string\n)\n"


@pytest.mark.parametrize(
    ("text", "old", "new", "is_other"),
    [
        (EMBED, "a.txt", "b.txt", True),
        (EMBED, "//go:embed a.txt\n", "", True),
        (GROUP, "a.txt", "b.txt", True),
        (INLINE, "func V", "//go:noinline\nfunc V", True),
        (INLINE, "func V", "//go:generate stringer\nfunc V", False),
        (EMBED, "//go:embed a.txt", "//nolint:all\n//go:embed  a.txt", False),
        (EMBED, "string\n", "string\n\nvar W = 1\n", False),
    ],
)
def test_what_a_comment_tells_the_go_compiler_is_part_of_the_body(
    text: str, old: str, new: str, is_other: bool
) -> None:
    after = replaced(text, old, new)
    then, now = symbol("a.go", text, "V").stamp, symbol("a.go", after, "V").stamp
    assert (then.sig, then.body != now.body) == (now.sig, is_other)
    whole = [symbol("a.go", version, "").stamp.body for version in (text, after)]
    assert (whole[0] != whole[1]) == (is_other or "var W" in new)


def test_a_directive_is_of_the_declaration_below_it_alone() -> None:
    after = replaced(GROUP, "a.txt", "b.txt")
    assert symbol("a.go", GROUP, "W").stamp == symbol("a.go", after, "W").stamp
