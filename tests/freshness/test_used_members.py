"""Of a type that code uses, the members that it names count, wherever they stand, and nothing else."""

# ruff: noqa: E501 - a table reads best with one case a line

from __future__ import annotations

import pytest

from tests.freshness.scene import Scene
from tests.repository import TempRepo

GO = {
    "go.mod": "module example.org/app\n",
    "app/server.go": """package app

type Handler interface {
	Handle(path string) error
}

type Options struct {
	Port    int
	Verbose bool
}

type Server struct {
	name string
}

func Serve(opts *Options, handler Handler) error {
	New("a").flush()
	return handler.Handle(opts.Port)
}

var base = 10

func Scale(n int) int {
	return n * base
}

func New(name string) *Server {
	return &Server{name: name}
}
""",
    "app/flush.go": "package app\n\nfunc (s *Server) flush() {\n\ts.reset(1)\n}\n",
    "app/reset.go": "package app\n\nfunc (s *Server) reset(n int) {\n\ts.name = n\n}\n",
}
RUST = {
    "src/lib.rs": """pub trait Area {
    fn area(&self) -> u32;
    fn twice(&self) -> u32 {
        self.area() * 2
    }
}

#[derive(Debug)]
pub struct Options {
    pub port: u16,
    pub verbose: bool,
}

pub struct Square {
    side: u32,
}

impl Area for Square {
    fn area(&self) -> u32 {
        self.side
    }
}

impl Square {
    pub fn price(&self, opts: &Options) -> u32 {
        if opts.verbose {
            return 0;
        }
        self.twice()
    }
}
""",
}
JAVA = {
    "src/shop/Base.java": "package shop;\n\nclass Base {\n    int rate() {\n        return 1;\n    }\n}\n",
    "src/shop/Rates.java": "package shop;\n\ninterface Rates {\n    int TAX = 19;\n    int OTHER = 3;\n}\n",
    "src/shop/Line.java": """package shop;

class Line {
    int price;
    int count;

    Line(int price) {
        this.price = price;
    }

    int sum() {
        return price * count;
    }
}
""",
    "src/shop/Invoice.java": """package shop;

import static shop.Rates.TAX;

class Invoice extends Base {
    int total(Line line) {
        return line.sum() * rate() + TAX;
    }

    Line made() {
        return new Line(1);
    }
}
""",
}
TYPESCRIPT = {
    "src/types.ts": "export interface Line {\n  price: number;\n  count: number;\n}\n",
    "src/a.ts": "import { Line } from './types';\n\nexport function sum(line: Line): number {\n  return line.price;\n}\n",
}
PYTHON = {
    "app/__init__.py": "",
    "app/lines.py": """class Line:
    unit = "EUR"

    def __init__(self, price: int) -> None:
        self.price = price

    def total(self) -> int:
        return self.price

    def other(self) -> int:
        return 1
""",
    "app/pay.py": """from app.lines import Line


def pay(line: Line) -> int:
    return line.total()


def make() -> object:
    return Line(1)
""",
}
CSHARP = {
    "a.cs": "class Base { int Hello() { return 1; } }\nclass Invoice : Base { int Total() { return Hello(); } }\n",
}
CPP = {
    "a.cpp": "class Base { int hello() { return 1; } };\nclass Invoice : public Base { int total() { return hello(); } };\n",
}
RUBY = {
    "a.rb": "class Base\n  def hello\n    1\n  end\nend\n\nclass Invoice < Base\n  def total\n    hello + 2\n  end\nend\n",
}
PHP = {
    "a.php": """<?php
trait Logs { function log($x) { echo $x; } }
class Base { function hello() { return 1; } }
class Invoice extends Base {
    use Logs;
    private $count = 0;
    function total() { $this->log(1); return $this->hello() + $this->count; }
}
""",
}
C = {
    "src/a.c": '#include "util.h"\n\nint total(int n)\n{\n\treturn helper(n);\n}\n',
    "src/util.h": "int helper(int n);\n",
    "src/util.c": '#include "util.h"\n\nint helper(int n)\n{\n\treturn n + 1;\n}\n',
}
RECKONED = {
    "a.py": "from b import BASE\n\nLIMIT = BASE * 9\n\n\ndef check(x):\n    return x > LIMIT\n",
    "b.py": "ROOT = 2\nOTHER = 1\nBASE = ROOT + 1\n",
}
DEFAULTS = {
    "a.ts": "import go from './b';\nimport stop from './c';\n\nexport const f = () => go();\nexport const g = () => stop();\n",
    "b.ts": "const made = () => 1;\nexport default made;\n",
    "c.ts": "export default function stop() {\n  return 1;\n}\n",
}
INLINE = {
    "a.ts": "import { make } from './b';\n\nexport const f = () => make({ x: 1 });\n",
    "b.ts": "export function make(given: { x: number }) {\n  return given.x;\n}\n",
}
CRATES = {
    "a/src/lib.rs": "use b::g;\n\npub fn f() -> u8 {\n    g() + 1\n}\n",
    "b/src/lib.rs": "pub fn g() -> u8 {\n    2\n}\n",
}
CASES = [
    # (what, files, anchor, path, old, new, state)
    ("a constant behind a constant behind a constant", RECKONED, "a.py#check", "b.py", "ROOT = 2", "ROOT = 3", "ROOT"),
    ("another constant beside those", RECKONED, "a.py#check", "b.py", "OTHER = 1", "OTHER = 2", ""),
    ("TypeScript: a field of an inline type", INLINE, "a.ts#f", "b.ts", "x: number", "x: string", "make"),
    ("TypeScript: a name exported as default", DEFAULTS, "a.ts#f", "b.ts", "=> 1", "=> 2", "go"),
    ("TypeScript: a default function", DEFAULTS, "a.ts#g", "c.ts", "return 1", "return 2", "stop"),
    ("Rust: another crate of the workspace", CRATES, "a/src/lib.rs#f", "b/src/lib.rs", "    2", "    3", "g"),
    ("Go: a new field", GO, "app/server.go#Serve", "app/server.go", "\tVerbose bool", "\tVerbose bool\n\tTLS bool", ""),
    ("Go: a field that is read", GO, "app/server.go#Serve", "app/server.go", "Port    int", "Port    int64", "Options.Port"),
    ("Go: a field that is set", GO, "app/server.go#New", "app/server.go", "\tname string", "\tname []byte", "Server.name"),
    ("Go: a new method of an interface", GO, "app/server.go#Serve", "app/server.go", ") error\n}\n\ntype Options", ") error\n\tClose()\n}\n\ntype Options", ""),
    ("Go: a method of an interface", GO, "app/server.go#Serve", "app/server.go", "Handle(path string)", "Handle(path []byte)", "Handler.Handle"),
    ("Go: a method in another file", GO, "app/flush.go#Server.flush", "app/reset.go", "s.name = n", "s.name = n + 1", "Server.reset"),
    ("Go: a variable that becomes a constant", GO, "app/server.go#Scale", "app/server.go", "var base", "const base", ""),
    ("Go: the value of a variable", GO, "app/server.go#Scale", "app/server.go", "base = 10", "base = 20", "base"),
    ("Rust: a new field", RUST, "src/lib.rs#Square::price", "src/lib.rs", "verbose: bool,", "verbose: bool,\n    pub tls: bool,", ""),
    ("Rust: a field that is read", RUST, "src/lib.rs#Square::price", "src/lib.rs", "verbose: bool,", "verbose: u8,", "Options::verbose"),
    ("Rust: an attribute", RUST, "src/lib.rs#Square::price", "src/lib.rs", "#[derive(Debug)]", "#[derive(Debug, Clone)]", ""),
    ("Rust: a default method of a trait", RUST, "src/lib.rs#Square::price", "src/lib.rs", "self.area() * 2", "self.area() * 3", "self.twice"),
    ("Java: a method of a parameter", JAVA, "src/shop/Invoice.java#Invoice.total", "src/shop/Line.java", "price * count", "price + count", "Line.sum"),
    ("Java: a new field", JAVA, "src/shop/Invoice.java#Invoice.total", "src/shop/Line.java", "int count;", "int count;\n    int tax;", ""),
    ("Java: a constructor", JAVA, "src/shop/Invoice.java#Invoice.made", "src/shop/Line.java", "this.price = price", "this.price = -price", "Line.Line"),
    ("Java: a method of the base", JAVA, "src/shop/Invoice.java#Invoice.total", "src/shop/Base.java", "return 1", "return 2", "rate"),
    ("Java: a static import", JAVA, "src/shop/Invoice.java#Invoice.total", "src/shop/Rates.java", "TAX = 19", "TAX = 20", "TAX"),
    ("Java: another constant there", JAVA, "src/shop/Invoice.java#Invoice.total", "src/shop/Rates.java", "OTHER = 3", "OTHER = 4", ""),
    ("TypeScript: a new field", TYPESCRIPT, "src/a.ts#sum", "src/types.ts", "count: number;", "count: number;\n  tax: number;", ""),
    ("TypeScript: a field that is read", TYPESCRIPT, "src/a.ts#sum", "src/types.ts", "price: number", "price: string", "Line.price"),
    ("Python: a method of a parameter", PYTHON, "app/pay.py#pay", "app/lines.py", "return self.price", "return -self.price", "Line.total"),
    ("Python: another method", PYTHON, "app/pay.py#pay", "app/lines.py", "return 1", "return 2", ""),
    ("Python: the constructor of a parameter", PYTHON, "app/pay.py#pay", "app/lines.py", "self.price = price", "self.price = -price", ""),
    ("Python: the constructor of what is made", PYTHON, "app/pay.py#make", "app/lines.py", "self.price = price", "self.price = -price", "Line.__init__"),
    ("C#: a method of the base", CSHARP, "a.cs#Invoice.Total", "a.cs", "return 1", "return 2", "Hello"),
    ("C++: a method of the base", CPP, "a.cpp#Invoice::total", "a.cpp", "return 1", "return 2", "hello"),
    ("Ruby: a method of the base", RUBY, "a.rb#Invoice.total", "a.rb", "    1", "    3", "hello"),
    ("PHP: a method of the base", PHP, "a.php#Invoice::total", "a.php", "return 1", "return 2", "$this.hello"),
    ("PHP: a method of a trait", PHP, "a.php#Invoice::total", "a.php", "echo $x", "print $x", "$this.log"),
    ("PHP: a property", PHP, "a.php#Invoice::total", "a.php", "$count = 0", "$count = 1", "$this.$count"),
    ("C: what a header declares", C, "src/a.c#total", "src/util.c", "n + 1", "n + 2", "helper"),
    ("Python: a field that is not used", PYTHON, "app/pay.py#make", "app/lines.py", '"EUR"', '"USD"', ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "anchor", "path", "old", "new", "culprit"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_what_code_names_of_a_type_is_what_it_depends_on(
    repo: TempRepo, files: dict[str, str], anchor: str, path: str, old: str, new: str, culprit: str
) -> None:
    scene = Scene(repo)
    for name, text in files.items():
        repo.write(name, text)
    scene.note("a", (anchor,))
    scene.verify()
    repo.commit("Start")
    scene.edit(path, old, new)
    repo.commit("Change a type", author="Bob <bob@example.org>")
    drift = scene.drift()
    assert drift.state == ("dependency" if culprit else "unchanged"), drift.reason
    assert not culprit or f"uses `{culprit}`, wh" in drift.reason
