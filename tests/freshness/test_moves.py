"""Code that went elsewhere: what changed on the way is told, and a repair does not vouch for it."""

from __future__ import annotations

import json

import pytest

from tests.freshness.scene import Scene
from tests.repository import TempRepo

BODY = "def total(net):\n    tax = net * RATE\n    return net + tax\n"
DOCUMENTED = BODY.replace("    tax", '    """Adds the tax."""\n    tax', 1)
SIDE = "    def side(self):\n        return 2\n"
CLASS = f"class Box:\n    def size(self):\n        return self.side() * 3\n\n{SIDE}"


def said(repo: TempRepo) -> tuple[str, str, str, str]:
    """State of the only note; state, new place and reason of its only anchor."""
    (note,) = json.loads(repo.agentctx("status", "--json").stdout)["notes"]
    (drift,) = note["drifts"]
    return note["state"], drift["state"], drift["moved_to"], drift["reason"]


def noted(repo: TempRepo, files: dict[str, str], anchor: str) -> None:
    """The files, and a verified note on one anchor, committed."""
    repo.commit("Code", files)
    assert repo.agentctx("new", "gotcha", "One", "--anchor", anchor, "--body", "Mind.").returncode == 0
    repo.commit("Note")


@pytest.mark.parametrize(
    ("anchor", "before", "after", "state", "reason"),
    [
        (
            "a.py#total",
            f"RATE = 20\n\n\n{BODY}",
            f"RATE = 99\n\n\n{BODY}",
            "dependency",
            "`total` uses `RATE`, which went 20 -> 99, and it is now `b.py#total`",
        ),
        (
            "a.py#Box.size",
            CLASS,
            CLASS.replace("return 2", "return 4"),
            "dependency",
            "`Box.size` uses `self.side`, whose body changed in `b.py`, and it is now `b.py#Box.size`",
        ),
        (
            "a.py#total",
            f"RATE = 20\n\n\n{DOCUMENTED}",
            f"RATE = 20\n\n\n{DOCUMENTED.replace('Adds', 'Never adds')}",
            "docstring",
            "docstring of `total` changed, and it is now `b.py#total`",
        ),
    ],
    ids=["a constant", "a method of its class", "its docstring"],
)
@pytest.mark.parametrize("together", [True, False], ids=["in one commit", "in two"])
def test_what_changed_beside_code_that_moved_is_told_before_and_after_a_repair(
    repo: TempRepo, anchor: str, before: str, after: str, state: str, reason: str, together: bool
) -> None:
    noted(repo, {"a.py": before}, anchor)
    if not together:
        repo.commit("Change", {"a.py": after})
    repo.git("mv", "a.py", "b.py")
    repo.commit("Move", {"b.py": after})
    moved = anchor.replace("a.py", "b.py")
    found = said(repo)
    assert found[:3] == ("suspect", state, moved)
    assert found[3].startswith(reason)
    assert repo.agentctx("sync", "--no-model", "--mode", "apply").returncode == 0
    assert said(repo)[:3] == ("suspect", state, "")
    repo.commit("Follow")
    assert said(repo)[:3] == ("suspect", state, "")
    assert repo.agentctx("verify", "one").returncode == 0
    assert said(repo)[0] == "fresh"


def test_code_that_left_what_it_uses_behind_moved_and_nothing_else(repo: TempRepo) -> None:
    noted(repo, {"a.py": f"RATE = 20\n\n\n{BODY}"}, "a.py#total")
    repo.commit("Move", {"a.py": "RATE = 20\n", "b.py": f"from a import RATE\n\n\n{BODY}"})
    assert said(repo)[:3] == ("moved", "moved", "b.py#total")
    repo.agentctx("sync", "--no-model", "--mode", "apply")
    assert said(repo)[0] == "fresh"


SUM = """export function total(lines, rate) {
  let sum = 0;
  for (const line of lines) {
    sum += line.price * line.count;
  }
  const tax = sum * rate;
  return sum + tax;
}
"""
EDITED = SUM.replace("* rate", "* rate / 100")
METHOD = (
    "export class Till {\n" + SUM.replace("export function ", "  ").replace("\n", "\n  ").rstrip() + "\n}\n"
)
OTHER = "export const q = 1;\n"


@pytest.mark.parametrize(
    ("after", "place"),
    [
        ({"a.js": "export const z = 2;\n", "b.js": OTHER + EDITED}, "b.js#total"),
        ({"a.js": EDITED.replace("total", "sumUp"), "b.js": OTHER}, "a.js#sumUp"),
        ({"a.js": METHOD, "b.js": OTHER}, "a.js#Till.total"),
        ({"a.js": METHOD.replace("* rate", "* rate / 100"), "b.js": OTHER}, "a.js#Till.total"),
        ({"a.js": "\n", "b.js": OTHER + "export function total(x) {\n  return x.length;\n}\n"}, ""),
        ({"a.js": EDITED.replace("total", "one") + EDITED.replace("total", "two"), "b.js": OTHER}, ""),
    ],
    ids=["to another file", "renamed", "made a method", "made a method, edited", "a namesake", "two of them"],
)
def test_code_that_was_edited_where_it_went_is_changed_and_not_gone(
    repo: TempRepo, after: dict[str, str], place: str
) -> None:
    noted(repo, {"a.js": SUM, "b.js": OTHER}, "a.js#total")
    repo.commit("Change", after)
    state, drift, moved, reason = said(repo)
    assert (state, moved) == ("stale", place)
    assert (drift == "gone") == (not place)
    assert not place or f", and it is now `{place}`" in reason


def test_code_that_went_to_two_places_at_once_waits_for_a_person(repo: TempRepo) -> None:
    noted(repo, {"a.js": SUM}, "a.js#total")
    repo.git("rm", "-q", "a.js")
    repo.commit("Split", {"b.js": SUM, "c.js": SUM})
    state, drift, moved, reason = said(repo)
    assert (state, drift, moved) == ("stale", "gone", "")
    assert "the same code is in `b.js#total` and `c.js#total` now" in reason
    repo.agentctx("sync", "--no-model", "--mode", "apply")
    assert said(repo)[1] == "gone"


def test_of_two_places_the_one_that_kept_the_name_is_where_code_went(repo: TempRepo) -> None:
    noted(repo, {"a.js": SUM}, "a.js#total")
    repo.git("rm", "-q", "a.js")
    repo.commit("Split", {"lib/a.js": SUM, "lib/c.js": SUM})
    assert said(repo)[:3] == ("moved", "moved", "lib/a.js#total")


def test_files_of_one_content_that_moved_together_are_no_copies_of_each_other(repo: TempRepo) -> None:
    noted(repo, {"one/a.js": SUM, "two/b.js": SUM}, "one/a.js#total")
    repo.git("rm", "-q", "-r", "one", "two")
    repo.commit("Move", {"uno/x.js": SUM, "due/y.js": SUM})
    assert said(repo)[1] == "moved"


RECEIVER = """package p

type Invoice struct{ rate int }

func (i *Invoice) Total(a int) int {
	return a * i.rate + Invoice{rate: 2}.rate
}
"""


def test_a_type_renamed_with_its_method_is_a_move_and_no_changed_dependency(repo: TempRepo) -> None:
    repo.write("p/a.go", RECEIVER)
    scene = Scene(repo)
    scene.note("a", ("p/a.go#Invoice.Total",))
    scene.verify()
    repo.commit("Start")
    repo.commit("Rename", {"p/a.go": RECEIVER.replace("Invoice", "Bill")})
    assert (scene.drift().state, scene.drift().moved_to) == ("moved", "p/a.go#Bill.Total")
    repo.commit("Change", {"p/a.go": RECEIVER.replace("Invoice", "Bill").replace("rate int", "rate int64")})
    assert scene.drift().state == "dependency"


def test_an_impl_moved_to_another_file_than_its_type_still_reads_the_same_field(repo: TempRepo) -> None:
    kind = "pub struct Invoice {\n    n: i32,\n}\n"
    code = "\nimpl Invoice {\n    pub fn total(&self, a: i32) -> i32 {\n        a * 3 + self.n\n    }\n}\n"
    repo.commit("Code", {"src/lib.rs": "mod a;\nmod b;\n", "src/a.rs": kind + code, "src/b.rs": "\n"})
    scene = Scene(repo)
    scene.note("a", ("src/a.rs#Invoice::total",))
    scene.verify()
    repo.commit("Note")
    repo.commit("Move", {"src/a.rs": kind, "src/b.rs": "use crate::a::Invoice;\n" + code})
    assert (scene.drift().state, scene.drift().moved_to) == ("moved", "src/b.rs#Invoice::total")


def test_a_rename_is_followed_where_the_contents_of_a_picture_are_missing(repo: TempRepo) -> None:
    """As in a partial clone: git gives up on a comparison that needs them."""
    repo.write("src/kinds.ts", "export type A = 1;\nexport type B = 2;\nexport type C = A | B;\n")
    repo.write("old.png", "old picture\n" * 9)
    scene = Scene(repo)
    scene.note("a", ("src/kinds.ts#A",))
    scene.verify()
    repo.commit("Start")
    repo.git("mv", "src/kinds.ts", "src/types.ts")
    repo.write("src/types.ts", "export type A = 1 | 3;\nexport type B = 2;\nexport type C = A | B;\n")
    (repo.root / "old.png").unlink()
    repo.commit("Move", {"new.png": "old picture\n" * 8})
    blob = repo.git("rev-parse", "HEAD:new.png")
    (repo.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    (repo.root / "new.png").write_text("another picture\n")
    repo.git("update-index", "--skip-worktree", "new.png")
    (repo.root / "new.png").unlink()
    assert scene.drift().moved_to == "src/types.ts#A"


HOOK = "export function useN(a: number) {\n  const n = a + 1;\n  return { n, inc: () => set(n) };\n}\n"


@pytest.mark.parametrize(("before", "after"), [("c.tsx", "useN.ts"), ("a.ts", "b.tsx"), ("a.js", "b.mjs")])
def test_code_is_found_in_a_file_of_a_sister_language(repo: TempRepo, before: str, after: str) -> None:
    hook = HOOK if "js" not in before else HOOK.replace(": number", "")
    rest = "export const label = (x) => [x, useN(x)];\n"
    repo.commit("Code", {f"src/{before}": hook + rest})
    scene = Scene(repo)
    scene.note("a", (f"src/{before}#useN",))
    scene.verify()
    repo.commit("Note")
    repo.commit("Split", {f"src/{before}": "import { useN } from './it';\n" + rest, f"src/{after}": hook})
    assert (scene.drift().state, scene.drift().moved_to) == ("moved", f"src/{after}#useN")
