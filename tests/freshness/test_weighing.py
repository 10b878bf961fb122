"""Differences that say nothing about a note: another import path, and what everybody uses."""

from __future__ import annotations

import pytest

from tests.freshness.scene import Scene
from tests.repository import TempRepo

ROUND = "def round_cents(value):\n    return round(value, 2)\n"


def noted(repo: TempRepo, anchor: str, files: dict[str, str]) -> Scene:
    """The files and a verified note on ``anchor``, committed."""
    for path, text in files.items():
        repo.write(path, text)
    scene = Scene(repo)
    scene.note("a", (anchor,))
    scene.verify()
    repo.commit("Start")
    return scene


LAZY = "def total(net):\n    from {} import round_cents\n\n    return round_cents(net)\n"
CALLER = "from shop.invoice import total\n\n\ndef send(net):\n    return total(net)\n"
REQUIRE = 'export function total(net) {{\n  const {{ round }} = require("{}");\n  return round(net);\n}}\n'
JS_ROUND = "export function round(value) {\n  return Math.round(value);\n}\n"


@pytest.mark.parametrize(
    ("anchor", "before", "after", "state"),
    [
        ("shop/invoice.py#total", LAZY.format("shop.money"), LAZY.format("shop.cash.money"), "cosmetic"),
        ("shop/mail.py#send", LAZY.format("shop.money"), LAZY.format("shop.cash.money"), "unchanged"),
        ("shop/invoice.py#total", LAZY.format("shop.money"), LAZY.format("elsewhere"), "body"),
        ("shop/mail.py#send", LAZY.format("shop.money"), LAZY.format("elsewhere"), "dependency"),
        (
            "shop/invoice.py#total",
            LAZY.format("shop.money"),
            LAZY.format("shop.cash.money").replace("cents(net)", "cents(-net)"),
            "body",
        ),
    ],
    ids=["itself", "what it calls", "from outside", "what it calls, from outside", "and the code too"],
)
def test_a_module_that_moved_is_no_change_of_code_that_imports_it_inside(
    repo: TempRepo, anchor: str, before: str, after: str, state: str
) -> None:
    files = {"shop/__init__.py": "", "shop/invoice.py": before, "shop/mail.py": CALLER}
    scene = noted(repo, anchor, {**files, "shop/money.py": ROUND})
    repo.git("rm", "-q", "shop/money.py")
    repo.write("shop/cash/__init__.py", "")
    repo.commit("Move", {"shop/cash/money.py": ROUND, "shop/invoice.py": after})
    assert scene.drift().state == state


def test_a_module_that_moved_and_changed_is_a_changed_dependency(repo: TempRepo) -> None:
    scene = noted(repo, "invoice.py#total", {"invoice.py": LAZY.format("money"), "money.py": ROUND})
    repo.git("mv", "money.py", "cash.py")
    repo.write("cash.py", ROUND.replace("2", "3"))
    repo.commit("Move", {"invoice.py": LAZY.format("cash")})
    assert scene.drift().state == "dependency"


def test_a_required_file_that_moved_is_no_change(repo: TempRepo) -> None:
    scene = noted(repo, "src/a.js#total", {"src/a.js": REQUIRE.format("./money"), "src/money.js": JS_ROUND})
    repo.write("src/lib/.keep", "")
    repo.git("mv", "src/money.js", "src/lib/money.js")
    repo.commit("Move", {"src/a.js": REQUIRE.format("./lib/money")})
    assert scene.drift().state == "cosmetic"


def test_a_rust_module_that_moved_is_no_change_of_a_function_with_its_own_use(repo: TempRepo) -> None:
    total = "pub fn total(net: i32) -> i32 {{\n    use crate::{}::round;\n    round(net)\n}}\n"
    files = {"src/lib.rs": "mod money;\n" + total.format("money")}
    scene = noted(
        repo, "src/lib.rs#total", {**files, "src/money.rs": "pub fn round(x: i32) -> i32 {\n    x\n}\n"}
    )
    repo.git("mv", "src/money.rs", "src/cash.rs")
    repo.commit("Move", {"src/lib.rs": "mod cash;\n" + total.format("cash")})
    assert scene.drift().state == "cosmetic"


def users(count: int) -> dict[str, str]:
    text = "from shop.app import App\n\n\ndef use_{0}():\n    return App({0})\n"
    return {f"shop/user_{n}.py": text.format(n) for n in range(count)}


APP = "class App:\n    def __init__(self, size):\n        self.size = size\n"


@pytest.mark.parametrize(("count", "state"), [(9, "dependency"), (12, "unchanged")])
def test_what_everybody_uses_raises_none_of_them(repo: TempRepo, count: int, state: str) -> None:
    files = {"shop/__init__.py": "", "shop/app.py": APP, **users(count)}
    scene = noted(repo, "shop/user_1.py#use_1", files)
    scene.edit("shop/app.py", "= size", "= size + 1")
    repo.commit("Grow")
    assert scene.drift().state == state


def test_what_everybody_uses_raises_them_when_it_goes(repo: TempRepo) -> None:
    scene = noted(repo, "shop/user_1.py#use_1", {"shop/__init__.py": "", "shop/app.py": APP, **users(12)})
    repo.commit("Drop", {"shop/app.py": "X = 1\n"})
    assert scene.drift().state == "dependency"


def test_the_value_of_a_constant_counts_however_many_use_it(repo: TempRepo) -> None:
    text = "from shop.app import LIMIT\n\n\ndef use_{0}():\n    return LIMIT + {0}\n"
    files = {f"shop/user_{n}.py": text.format(n) for n in range(12)}
    scene = noted(
        repo, "shop/user_1.py#use_1", {"shop/__init__.py": "", "shop/app.py": "LIMIT = 3\n", **files}
    )
    repo.commit("Raise it", {"shop/app.py": "LIMIT = 4\n"})
    assert scene.drift().state == "dependency"


def test_a_common_name_of_another_definition_counts_for_nothing(repo: TempRepo) -> None:
    """Twelve files with a helper ``clean`` of their own do not make this one everybody's."""
    text = "def clean(x):\n    return x + {0}\n\n\ndef use_{0}(x):\n    return clean(x)\n"
    scene = noted(repo, "m1.py#use_1", {f"m{n}.py": text.format(n) for n in range(12)})
    repo.commit("Change", {"m1.py": text.format(1).replace("x + 1", "x - 1")})
    assert scene.drift().state == "dependency"


def test_a_file_that_only_got_another_suffix_is_the_same_code(repo: TempRepo) -> None:
    scene = noted(repo, "src/a.js#round", {"src/a.js": JS_ROUND})
    repo.git("mv", "src/a.js", "src/a.ts")
    repo.commit("Call it TypeScript")
    assert (scene.drift().state, scene.drift().moved_to) == ("moved", "src/a.ts#round")
