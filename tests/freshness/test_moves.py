"""Code that went elsewhere: what changed on the way is told, and a repair does not vouch for it."""

from __future__ import annotations

import json

import pytest

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
