"""Eighteen changes to a small project, and what a note about ``Invoice.total`` should become."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.freshness.scene import INVOICE, Scene, invoice_scene
from tests.repository import TempRepo

Change = Callable[[Scene], None]


def edit(old: str, new: str, path: str = "src/invoice.py") -> Change:
    return lambda scene: scene.edit(path, old, new)


def wrap_and_quotes(scene: Scene) -> None:
    scene.edit(
        "src/invoice.py",
        "return round_cents(net * (1 + TAX))",
        "return round_cents(\n            net * (1 + TAX),\n        )",
    )
    scene.edit(
        "src/invoice.py", "def total(self, discount=0):", "def total(\n        self, discount=0,\n    ):"
    )


def move_file(scene: Scene) -> None:
    scene.repo.git("mv", "src/invoice.py", "src/billing.py")


def move_class(scene: Scene) -> None:
    start, end = INVOICE.index("class Invoice:"), INVOICE.index("def unrelated")
    moved = INVOICE[start:end].rstrip() + "\n"
    scene.repo.write("src/invoice.py", INVOICE[:start] + INVOICE[end:])
    head = "from src.invoice import TAX\nfrom src.money import round_cents\n\n\n"
    scene.repo.write("src/accounts.py", head + moved)


def delete_function(scene: Scene) -> None:
    start, end = INVOICE.index("    def total(self, discount"), INVOICE.index("    def is_empty")
    scene.repo.write("src/invoice.py", INVOICE[:start] + INVOICE[end:])


def delete_file(scene: Scene) -> None:
    (scene.root / "src/invoice.py").unlink()


CASES: dict[str, tuple[Change, str, str]] = {
    "no change": (lambda scene: None, "fresh", "unchanged"),
    "edit of the function": (edit("net += line.total()", "net += 2 * line.total()"), "stale", "body"),
    "edit of another function": (edit("return a + b", "return a - b"), "fresh", "unchanged"),
    "lines inserted above": (edit("class Line", "import os\n\nX = 1\n\n\nclass Line"), "fresh", "unchanged"),
    "blank lines": (edit("        net = 0\n", "\n        net = 0\n\n"), "fresh", "unchanged"),
    "wraps and quotes": (wrap_and_quotes, "fresh", "unchanged"),
    "comment only": (edit("net = 0", "net = 0  # in cents"), "fresh", "unchanged"),
    "docstring only": (edit("Sum of all lines", "The sum of lines"), "suspect", "docstring"),
    "indentation that changes meaning": (
        edit("            net -= discount\n", "        net -= discount\n"),
        "stale",
        "body",
    ),
    "decorator added": (
        edit("    def total(self, d", "    @cached\n    def total(self, d"),
        "stale",
        "signature",
    ),
    "same name in another class": (edit("self.price * self.amount", "self.price"), "fresh", "unchanged"),
    "file moved": (move_file, "moved", "moved"),
    "class moved to another file": (move_class, "moved", "moved"),
    "function renamed": (edit("def total(self, d", "def grand_total(self, d"), "moved", "moved"),
    "function deleted": (delete_function, "stale", "gone"),
    "file deleted": (delete_file, "stale", "gone"),
    "helper in another file": (
        edit("round(value, 2)", "round(value, 3)", "src/money.py"),
        "suspect",
        "dependency",
    ),
    "module constant": (edit("TAX = 0.19", "TAX = 0.21"), "suspect", "dependency"),
}

PLACES = {
    "file moved": "src/billing.py#Invoice.total",
    "class moved to another file": "src/accounts.py#Invoice.total",
    "function renamed": "src/invoice.py#Invoice.grand_total",
}


@pytest.mark.parametrize("committed", [True, False], ids=["committed", "in the work tree"])
@pytest.mark.parametrize("name", CASES)
def test_each_change_gets_its_verdict(repo: TempRepo, name: str, committed: bool) -> None:
    change, state, drift_state = CASES[name]
    scene = invoice_scene(repo)
    change(scene)
    if committed:
        repo.commit(f"Change: {name}", author="Bob <bob@example.org>")
    freshness = scene.freshness()
    drift = freshness.drifts[0]
    assert (freshness.state, drift.state) == (state, drift_state), drift.reason
    assert drift.moved_to == PLACES.get(name, "")
    if drift.state != "unchanged":
        who = "by Bob on" if committed else "not committed yet"
        assert who in drift.reason


def test_evidence_names_the_parameter_and_the_commit(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    scene.edit("src/invoice.py", "def total(self, discount=0)", "def total(self, discount=0, rate=TAX)")
    commit = repo.commit("Add rates", author="Bob <bob@example.org>")
    drift = scene.drift()
    assert drift.reason.startswith(
        f"signature of `Invoice.total` changed: parameter `rate` added, in {commit[:7]} by Bob on "
    )
    assert drift.reason.endswith("'Add rates'")
    assert [c.id for c in drift.commits] == [commit]


def test_a_constant_is_shown_with_both_values(repo: TempRepo) -> None:
    scene = invoice_scene(repo, "src/invoice.py#LIMIT")
    scene.edit("src/invoice.py", "LIMIT = 900", "LIMIT = 60 * 60")
    repo.commit("Raise the limit")
    assert scene.drift().reason.startswith("`LIMIT` 900 -> 3600, in ")


def test_the_same_value_spelt_another_way_is_no_change(repo: TempRepo) -> None:
    scene = invoice_scene(repo, "src/invoice.py#LIMIT")
    scene.edit("src/invoice.py", "LIMIT = 900", "LIMIT = 15 * 60")
    assert scene.freshness().state == "fresh"


def test_a_dependency_is_named(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    scene.edit("src/money.py", "round(value, 2)", "round(value, 3)")
    repo.commit("Round finer")
    assert "`Invoice.total` uses `round_cents`, whose body changed in `src/money.py`" in scene.drift().reason


def test_the_diff_shows_the_symbol_alone(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    scene.edit("src/invoice.py", "net = 0", "net = 1")
    scene.edit("src/invoice.py", "return a + b", "return a - b")
    (drift,) = scene.explained("a").drifts
    assert "-        net = 0" in drift.diff and "+        net = 1" in drift.diff
    assert "a - b" not in drift.diff


def test_formatting_is_told_as_cosmetic_when_asked(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    scene.edit("src/invoice.py", "net = 0", "net = 0  # nothing yet")
    repo.commit("Comment")
    freshness = scene.explained("a")
    assert freshness.state == "fresh"
    assert freshness.drifts[0].state == "cosmetic"
