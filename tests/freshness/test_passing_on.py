"""Files that pass all their names on to each other, in circles, are followed to an end."""

from __future__ import annotations

import pytest

from tests.freshness.scene import Scene
from tests.repository import TempRepo

PYTHON = {
    "p/__init__.py": "from .a import *\nfrom .b import *\n",
    "p/a.py": "from p import *\nfrom .b import *\n\n\ndef f():\n    return g() + a.b.a.b.a.b.a.b.no()\n",
    "p/b.py": "from . import *\nfrom .a import *\n\n\ndef g():\n    return nothing()\n",
}
RUST = {
    "src/lib.rs": "mod a;\nmod b;\npub use a::*;\npub use b::*;\n",
    "src/a.rs": "use crate::*;\npub use super::b::*;\npub fn f() { g(); a::b::a::b::a::b::a::b::no(); }\n",
    "src/b.rs": "pub use crate::*;\npub use super::a::*;\npub fn g() { nothing(); }\n",
}
TYPESCRIPT = {
    "src/index.ts": 'export * from "./a";\nexport * from "./b";\n',
    "src/a.ts": 'export * from "./b";\nimport { g, no } from "./index";\n'
    "export function f() { return g() + no(); }\n",
    "src/b.ts": 'export * from "./a";\nexport * from "./index";\nexport function g() { return nothing(); }\n',
}


@pytest.mark.parametrize(
    ("files", "user", "used"),
    [
        (PYTHON, "p/a.py#f", "p/b.py"),
        (RUST, "src/a.rs#f", "src/b.rs"),
        (TYPESCRIPT, "src/a.ts#f", "src/b.ts"),
    ],
    ids=["Python", "Rust", "TypeScript"],
)
def test_circles_of_re_exports_end(repo: TempRepo, files: dict[str, str], user: str, used: str) -> None:
    scene = Scene(repo)
    scene.note("a", (user,))
    for path, text in files.items():
        repo.write(path, text)
    scene.verify()
    repo.commit("Start")
    assert scene.drift().state == "unchanged"
    scene.edit(used, "nothing", "something")
    repo.commit("Change what it calls")
    assert scene.drift().state == "dependency"
