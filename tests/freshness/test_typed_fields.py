"""What is called on a field, a variable or a result with a declared type is followed into that type."""

# ruff: noqa: E501 - a table reads best with one case a line

from __future__ import annotations

import re

import pytest

from agentctx.freshness.languages.fields import plain
from agentctx.freshness.targets import is_other
from tests.freshness.scene import Scene
from tests.repository import TempRepo

JAVA = {
    "src/shop/Tax.java": "package shop;\n\nclass Tax {\n    int plus(int a) {\n        return a + 5;\n    }\n\n    int minus(int a) {\n        return a - 7;\n    }\n}\n",
    "src/shop/Base.java": "package shop;\n\nclass Base {\n    protected Tax shared;\n}\n",
    "src/shop/Invoice.java": """package shop;

class Invoice extends Base {
    private final Tax tax;
    private Tax made = new Tax();

    Invoice(Tax tax) {
        this.tax = tax;
    }

    int bare(int a) {
        return tax.plus(a);
    }

    int own(int a) {
        return this.made.plus(a);
    }

    int inherited(int a) {
        return shared.plus(a);
    }
}
""",
}
TYPESCRIPT = {
    "src/svc.ts": "export class Svc {\n  go(a: number) {\n    return a + 1;\n  }\n  stop() {\n    return 7;\n  }\n}\n",
    "src/c.ts": """import { Svc } from './svc';
import * as all from './svc';

export class Given {
  constructor(private readonly svc: Svc) {}
  run() {
    return this.svc.go(1);
  }
}

export class Made {
  private svc = new Svc();
  run() {
    return this.svc.go(1);
  }
}

export class Declared {
  #svc: all.Svc | null;
  run() {
    return this.#svc?.go(1);
  }
}
""",
    "src/d.js": "import { Svc } from './svc';\n\nexport class Set {\n  constructor() {\n    this.svc = new Svc();\n  }\n  run() {\n    return this.svc.go(1);\n  }\n}\n",
}
GO = {
    "go.mod": "module example.org/app\n",
    "store/store.go": 'package store\n\ntype Store struct{}\n\nfunc (s *Store) Get(k string) string {\n\treturn k + "a"\n}\n\nfunc (s *Store) Put() int {\n\treturn 7\n}\n\nfunc New() *Store {\n\treturn &Store{}\n}\n',
    "app/app.go": """package app

import "example.org/app/store"

type Inner struct {
	st *store.Store
}

type H struct {
	s  *store.Store
	in Inner
}

func (h *H) Do() string {
	return h.s.Get("x")
}

func (h *H) Deep() string {
	return h.in.st.Get("x")
}

func Local() string {
	s := store.New()
	return s.Get("z")
}
""",
}
RUST = {
    "src/lib.rs": "pub mod c;\npub mod s;\n",
    "src/s.rs": "pub struct Svc;\n\nimpl Svc {\n    pub fn new() -> Self {\n        Svc\n    }\n    pub fn go(&self) -> i32 {\n        1\n    }\n    pub fn stop(&self) -> i32 {\n        7\n    }\n}\n",
    "src/c.rs": """use crate::s::Svc;
use std::sync::Arc;

pub struct C {
    svc: Svc,
    shared: Arc<Svc>,
}

impl C {
    pub fn run(&self) -> i32 {
        self.svc.go()
    }
    pub fn run_shared(&self) -> i32 {
        self.shared.go()
    }
}

pub fn local() -> i32 {
    let svc = Svc::new();
    svc.go()
}
""",
}
PYTHON = {
    "app/__init__.py": "",
    "app/b.py": "class B:\n    def up(self):\n        return 1\n\n    def down(self):\n        return 7\n",
    "app/a.py": """from app.b import B


class A:
    kept: "B | None"

    def __init__(self, given: B):
        self.made = B()
        self.given = given

    def by_made(self):
        return self.made.up()

    def by_given(self):
        return self.given.up()

    def by_kept(self):
        return self.kept.up()


def maker() -> B:
    return B()


def by_result():
    b = maker()
    return b.up()
""",
}
SHOP, TAX = "src/shop/Invoice.java#Invoice", ("src/shop/Tax.java", "a + 5", "a + 6")
SVC, STORE = ("src/svc.ts", "a + 1", "a + 2"), ("store/store.go", 'k + "a"', 'k + "b"')
UP, RS = ("app/b.py", "return 1", "return 2"), ("src/s.rs", "        1", "        2")
CASES = [
    # (what, files, anchor, (path, old, new), culprit)
    ("Java: a field by its name", JAVA, f"{SHOP}.bare", TAX, "Tax.plus"),
    ("Java: a field of this", JAVA, f"{SHOP}.own", TAX, "Tax.plus"),
    ("Java: a field of the base", JAVA, f"{SHOP}.inherited", TAX, "Tax.plus"),
    ("Java: another method", JAVA, f"{SHOP}.bare", ("src/shop/Tax.java", "a - 7", "a - 8"), ""),
    ("TypeScript: a parameter that is a field", TYPESCRIPT, "src/c.ts#Given.run", SVC, "Svc.go"),
    ("TypeScript: a field with a new object", TYPESCRIPT, "src/c.ts#Made.run", SVC, "Svc.go"),
    ("TypeScript: a private field that may be null", TYPESCRIPT, "src/c.ts#Declared.run", SVC, "Svc.go"),
    ("TypeScript: another method", TYPESCRIPT, "src/c.ts#Made.run", ("src/svc.ts", "return 7", "return 8"), ""),
    ("JavaScript: set in the constructor", TYPESCRIPT, "src/d.js#Set.run", SVC, "Svc.go"),
    ("Go: a field of the receiver", GO, "app/app.go#H.Do", STORE, "Store.Get"),
    ("Go: a field of a field", GO, "app/app.go#H.Deep", STORE, "Store.Get"),
    ("Go: the result of a function", GO, "app/app.go#Local", STORE, "Store.Get"),
    ("Go: another method", GO, "app/app.go#Local", ("store/store.go", "return 7", "return 8"), ""),
    ("Rust: a field of self", RUST, "src/c.rs#C::run", RS, "Svc::go"),
    ("Rust: a shared field", RUST, "src/c.rs#C::run_shared", RS, "Svc::go"),
    ("Rust: the result of a constructor", RUST, "src/c.rs#local", RS, "Svc::go"),
    ("Rust: another method", RUST, "src/c.rs#C::run", ("src/s.rs", "        7", "        8"), ""),
    ("Python: made in __init__", PYTHON, "app/a.py#A.by_made", UP, "B.up"),
    ("Python: given to __init__", PYTHON, "app/a.py#A.by_given", UP, "B.up"),
    ("Python: annotated in the class", PYTHON, "app/a.py#A.by_kept", UP, "B.up"),
    ("Python: the result of a function", PYTHON, "app/a.py#by_result", UP, "B.up"),
    ("Python: another method", PYTHON, "app/a.py#A.by_made", ("app/b.py", "return 7", "return 8"), ""),
]  # fmt: skip


def scene_of(repo: TempRepo, files: dict[str, str], anchor: str) -> Scene:
    scene = Scene(repo)
    for name, text in files.items():
        repo.write(name, text)
    scene.note("a", (anchor,))
    scene.verify()
    return scene


def assert_raised_by(
    repo: TempRepo, files: dict[str, str], anchor: str, edit: tuple[str, str, str], culprit: str
) -> None:
    """The edit raises the note and names the culprit; where there is none, it raises nobody."""
    scene = scene_of(repo, files, anchor)
    repo.commit("Start")
    assert scene.drift().state == "unchanged"
    scene.edit(*edit)
    repo.commit("Change it", author="Bob <bob@example.org>")
    drift = scene.drift()
    assert drift.state == ("dependency" if culprit else "unchanged"), drift.reason
    assert not culprit or f"uses `{culprit}`, wh" in drift.reason


@pytest.mark.parametrize(
    ("files", "anchor", "edit", "culprit"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_what_is_called_on_a_typed_name_is_a_dependency(
    repo: TempRepo, files: dict[str, str], anchor: str, edit: tuple[str, str, str], culprit: str
) -> None:
    assert_raised_by(repo, files, anchor, edit, culprit)


def test_a_record_without_what_is_behind_types_stays_quiet_about_it(repo: TempRepo) -> None:
    scene = scene_of(repo, JAVA, f"{SHOP}.bare")
    record = repo.root / "agent-context/.verified/a"
    kept = re.sub(r"(deps:[0-9a-f]{16})[0-9a-f]{16}", r"\1", record.read_text())
    assert kept != record.read_text()
    record.write_text(kept)
    repo.commit("Start")
    assert scene.drift().state == "unchanged"
    scene.edit(*TAX)
    assert scene.drift().state == "unchanged"
    scene.edit("src/shop/Invoice.java", "private final Tax tax;", "private final Tax tax = null;")
    assert scene.drift().state == "dependency"


@pytest.mark.parametrize(
    ("recorded", "now", "differ"),
    [
        ("", "a" * 16, False),
        ("a" * 16, "a" * 16 + "b" * 16, False),
        ("a" * 16, "c" * 16 + "b" * 16, True),
        ("a" * 16, "", True),
        ("0" * 16 + "b" * 16, "", True),
        ("0" * 16 + "b" * 16, "0" * 16 + "c" * 16, True),
        ("a" * 16 + "b" * 16, "a" * 16, True),
    ],
    ids=[
        "no dependencies before", "far ones not recorded", "a near one changed", "all gone",
        "far ones gone", "a far one changed", "far ones gone, near ones not",
    ],
)  # fmt: skip
def test_digests_differ_as_far_as_the_recorded_one_goes(recorded: str, now: str, differ: bool) -> None:
    assert is_other(recorded, now) == differ


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (": Svc | null", "Svc"),
        ("*st.Store", "st.Store"),
        ("&'a mut s::Svc", "s.Svc"),
        ("Arc<Box<dyn Svc>>", "Svc"),
        ("Repo<User>", "Repo"),
        ("A | B", ""),
        ("[]Store", ""),
        ("Svc[]", ""),
        ("string", ""),
        ("(a: number) => Svc", ""),
    ],
)
def test_a_type_is_one_plain_name_or_none(written: str, name: str) -> None:
    assert plain(written) == name
