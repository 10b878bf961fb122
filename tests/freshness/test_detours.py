"""Names that lead out of their file by other ways than an import of just that name."""

# ruff: noqa: E501 - a table reads best with one case a line

from __future__ import annotations

import pytest

from tests.freshness.test_typed_fields import assert_raised_by
from tests.repository import TempRepo

JAVA = {
    "src/shop/Base.java": "package shop;\n\nclass Base {\n    int t() {\n        return 1;\n    }\n}\n",
    "src/tax/Tax.java": "package tax;\n\npublic class Tax {\n    public static int add(int a) {\n        return a * 2;\n    }\n\n    public static int less(int a) {\n        return a - 7;\n    }\n}\n",
    "src/shop/A.java": """package shop;

import static tax.Tax.*;

class A extends Base {
    int t() {
        return super.t() + 1;
    }

    int sum(int a) {
        return add(a);
    }
}
""",
}
COMMON = {
    "src/a.js": 'const t = require("./tax");\nconst u = require("./other");\n\nfunction f(a) {\n  return t.addTax(a);\n}\n\nexports.g = function (a) {\n  return u.less(a);\n};\n\nmodule.exports.f = f;\n',
    "src/tax.js": "function addTax(a) {\n  return a * 2;\n}\n\nfunction not(a) {\n  return a - 7;\n}\n\nmodule.exports = { addTax, not };\n",
    "src/other.js": "exports.less = function (a) {\n  return a * 2;\n};\n",
}
RUST = {
    "src/lib.rs": "pub mod a;\npub mod tax;\n",
    "src/tax.rs": "pub struct Tax;\n\nimpl Tax {\n    pub fn of(a: i32) -> i32 {\n        a * 5\n    }\n}\n\npub fn add(a: i32) -> i32 {\n    a * 2\n}\n",
    "src/a.rs": """const RATE: i32 = 20;

pub fn total(a: i32) -> i32 {
    super::tax::add(a)
}

pub fn typed(a: i32) -> i32 {
    crate::tax::Tax::of(a)
}

pub fn said() -> String {
    format!("{RATE:>5}")
}

pub fn braces() -> String {
    format!("{{RATE}}")
}
""",
}
NPM = {
    "package.json": '{"workspaces": ["packages/*"]}',
    "packages/app/src/a.ts": 'import { add } from "@acme/tax";\nimport { cut } from "@acme/tax/cut";\n\nexport const f = (a) => add(a);\nexport const g = (a) => cut(a);\n',
    "packages/levy/package.json": '{"name": "@acme/tax", "main": "dist/index.js"}',
    "packages/levy/src/index.ts": "export function add(a) {\n  return a * 2;\n}\n\nexport function less(a) {\n  return a - 7;\n}\n",
    "packages/levy/src/cut.ts": "export function cut(a) {\n  return a * 2;\n}\n",
    "packages/torn/package.json": "{",
}
CARGO = {
    "app/Cargo.toml": '[package]\nname = "app"\n\n[dependencies]\nmy-tax = { path = "../tax" }\n',
    "app/src/lib.rs": "use my_tax::add;\nuse my_tax::cut::cut;\n\npub fn f(a: i32) -> i32 {\n    add(a)\n}\n\npub fn g(a: i32) -> i32 {\n    cut(a)\n}\n",
    "tax/Cargo.toml": '[package]\nname = "my-tax"\n',
    "tax/src/lib.rs": "pub mod cut;\n\npub fn add(a: i32) -> i32 {\n    a * 2\n}\n",
    "tax/src/cut.rs": "pub fn cut(a: i32) -> i32 {\n    a * 2\n}\n",
}
CASES = [
    # (what, files, anchor, (path, old, new), culprit)
    ("Java: a method of the base by super", JAVA, "src/shop/A.java#A.t", ("src/shop/Base.java", "return 1", "return 2"), "Base.t"),
    ("Java: everything of a class", JAVA, "src/shop/A.java#A.sum", ("src/tax/Tax.java", "a * 2", "a * 3"), "Tax.add"),
    ("Java: another member of it", JAVA, "src/shop/A.java#A.sum", ("src/tax/Tax.java", "a - 7", "a - 8"), ""),
    ("CommonJS: a module by a name", COMMON, "src/a.js#f", ("src/tax.js", "a * 2", "a * 3"), "addTax"),
    ("CommonJS: another function of it", COMMON, "src/a.js#f", ("src/tax.js", "a - 7", "a - 8"), ""),
    ("CommonJS: what is set on exports", COMMON, "src/a.js#g", ("src/other.js", "a * 2", "a * 3"), "less"),
    ("Rust: a path through the module around", RUST, "src/a.rs#total", ("src/tax.rs", "a * 2", "a * 3"), "add"),
    ("Rust: another function there", RUST, "src/a.rs#total", ("src/tax.rs", "a * 5", "a * 6"), ""),
    ("Rust: a path from the crate to a member", RUST, "src/a.rs#typed", ("src/tax.rs", "a * 5", "a * 6"), "Tax::of"),
    ("Rust: a constant in a format string", RUST, "src/a.rs#said", ("src/a.rs", "= 20", "= 21"), "RATE"),
    ("Rust: braces that are text", RUST, "src/a.rs#braces", ("src/a.rs", "= 20", "= 21"), ""),
    ("npm: another package", NPM, "packages/app/src/a.ts#f", ("packages/levy/src/index.ts", "a * 2", "a * 3"), "add"),
    ("npm: a file of another package", NPM, "packages/app/src/a.ts#g", ("packages/levy/src/cut.ts", "a * 2", "a * 3"), "cut"),
    ("npm: another function there", NPM, "packages/app/src/a.ts#f", ("packages/levy/src/index.ts", "a - 7", "a - 8"), ""),
    ("Cargo: another crate by path", CARGO, "app/src/lib.rs#f", ("tax/src/lib.rs", "a * 2", "a * 3"), "add"),
    ("Cargo: a module of another crate", CARGO, "app/src/lib.rs#g", ("tax/src/cut.rs", "a * 2", "a * 3"), "cut"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "anchor", "edit", "culprit"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_a_name_is_followed_to_its_definition(
    repo: TempRepo, files: dict[str, str], anchor: str, edit: tuple[str, str, str], culprit: str
) -> None:
    assert_raised_by(repo, files, anchor, edit, culprit)
