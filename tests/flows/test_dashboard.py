"""The page for people: all that is true of the notes, it loads nothing, and no note speaks as HTML."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.demo import scripted
from bench.scripted_model import ScriptedModel
from tests.flows.test_sync import configure
from tests.flows.test_sync import shop as teammate
from tests.repository import TempRepo

__all__ = ("teammate",)  # the shop after a teammate's merge
CODE = "RATE = 19\n\n\ndef add_tax(cents):\n    return cents * (100 + RATE) // 100\n"


class Reader(HTMLParser):
    """Text by its place, addresses, and what would run or load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def notes(self) -> dict[str, str]:
        """Note id -> state, in the order of the page."""
        return {str(a["id"]): str(a["data-state"]) for t, a in self.tags if t == "details" and "id" in a}


@pytest.fixture
def shop(repo: TempRepo) -> TempRepo:
    repo.commit("code", {"src/money.py": CODE})
    assert repo.agentctx("init", "--agents", "none").returncode == 0
    for title, body, *more in (
        ("Tax is rounded once", "On the sum.", "--anchor", "src/money.py#add_tax"),
        ("Angry <script>alert(1)</script>", 'a "quoted" & <b>bold</b> text \x1b[31m', "--tag", "<i>"),
        ("Never floats", "Money is cents."),
    ):
        done = repo.agentctx("new", "gotcha", title, "--body", "-", *more, stdin=body)
        assert done.returncode == 0, done.stderr
    repo.commit("notes")
    repo.commit("Let the caller choose", {"src/money.py": CODE.replace("(cents)", "(cents, rate)")})
    return repo


def made(shop: TempRepo, *arguments: str) -> tuple[Path, Reader]:
    done = shop.agentctx("dashboard", *arguments)
    assert done.returncode == 0, done.stderr
    place = Path(done.stdout.strip())
    return place, Reader((shop.root / place).read_text("utf-8"))


def test_every_note_is_on_the_page_the_untrue_ones_first_with_diff_and_command(shop: TempRepo) -> None:
    _, page = made(shop)
    assert next(iter(page.notes().items())) == ("tax-is-rounded-once", "stale")
    assert sorted(page.notes().values()) == ["no anchors", "no anchors", "stale"]
    assert "parameter `rate` added" in page.words
    assert "-def add_tax(cents):\n+def add_tax(cents, rate):\n" in page.words
    assert "agentctx verify tax-is-rounded-once" in page.words
    assert "Let the caller choose" in page.words


def test_what_a_note_says_is_text_and_never_html(shop: TempRepo) -> None:
    place, page = made(shop)
    assert [tag for tag, _ in page.tags if tag in ("script", "b", "i")] == ["script"]
    assert 'a "quoted" & <b>bold</b> text' in page.words
    assert "\x1b" not in place.read_text("utf-8")


def test_the_page_loads_nothing_and_runs_only_its_own_script(shop: TempRepo) -> None:
    place, page = made(shop)
    assert not [a for _, a in page.tags if {"src", "href", "action", "onclick"} & a.keys()]
    policy = next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)
    script = re.search(r"<script>(.*?)</script>", place.read_text("utf-8"), re.DOTALL)
    assert script and policy
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy and policy.startswith("default-src 'none'")


def test_the_page_lies_in_the_clones_state_and_the_same_state_gives_the_same_bytes(shop: TempRepo) -> None:
    place, _ = made(shop)
    first = place.read_bytes()
    assert place.parent == shop.root / ".git/agentctx"
    assert made(shop)[0].read_bytes() == first
    assert shop.git("status", "--porcelain") == ""


def test_a_file_that_is_no_page_of_ours_is_not_overwritten(shop: TempRepo) -> None:
    shop.write("index.html", "<h1>mine</h1>")
    done = shop.agentctx("dashboard", "--out", "index.html")
    assert done.returncode == 2
    assert "index.html is no page of agentctx" in done.stderr and "--out" in done.stderr
    assert (shop.root / "index.html").read_text() == "<h1>mine</h1>"
    made(shop, "--out", "notes.html")
    made(shop, "--out", "notes.html")


def test_a_dry_run_counts_and_writes_nothing(shop: TempRepo) -> None:
    assert shop.agentctx("dashboard", "--dry-run").stdout == "1 stale, 2 no anchors\n"
    assert not (shop.root / ".git/agentctx/dashboard.html").exists()
    answer = json.loads(shop.agentctx("dashboard", "--json", "--dry-run").stdout)
    assert answer == {"version": 1, "path": "", "counts": {"stale": 1, "no anchors": 2}, "proposals": 0}


def test_an_empty_repository_has_a_page_that_says_how_to_begin(repo: TempRepo) -> None:
    _, page = made(repo)
    assert "There are no notes yet" in page.words


def test_a_note_that_cannot_be_read_and_a_conflict_are_told(shop: TempRepo) -> None:
    shop.write("agent-context/gotchas/broken.md", "---\ntitle: [\n---\ntext\n")
    conflict = "---\ntitle: Two minds\n---\n<<<<<<< ours\none\n=======\ntwo\n>>>>>>> theirs\n"
    shop.write("agent-context/gotchas/two-minds.md", conflict)
    _, page = made(shop)
    assert "agent-context/gotchas/broken.md:" in page.words
    assert page.notes()["two-minds"] == "conflicted"
    assert "agentctx resolve two-minds" in page.words


def test_retired_notes_come_last_and_ask_for_nothing(shop: TempRepo) -> None:
    path = shop.root / "agent-context/gotchas/tax-is-rounded-once.md"
    path.write_text(path.read_text().replace("status: active", "status: archived"))
    _, page = made(shop)
    assert list(page.notes().items())[-1] == ("tax-is-rounded-once", "retired")
    assert "agentctx verify tax-is-rounded-once" not in page.words


def test_a_proposal_waits_on_the_page_with_its_diff_and_both_commands(
    teammate: TempRepo,
) -> None:
    with ScriptedModel(scripted) as served:
        configure(teammate, served)
        assert teammate.agentctx("sync").returncode == 0
    proposal = json.loads(teammate.agentctx("review", "--json").stdout)["proposals"][0]
    _, page = made(teammate)
    assert "proposed by scripted" in page.words
    assert "+" in page.words and "MAX_AGE = 3600" in page.words
    assert f"agentctx review accept {proposal['id']}" in page.words
    assert f"agentctx review reject {proposal['id']}" in page.words
