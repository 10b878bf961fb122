"""The words of notes between runs: titles of earlier changes reach the reader, nothing stale is served."""

from __future__ import annotations

import pytest

from agentctx.flows.prime import search
from agentctx.project import Project
from agentctx.proposals.merge_log import title_of
from agentctx.retrieval import ranking
from tests.repository import TempRepo

NOTES = "agent-context/decisions"
FILLER = "These are enough other words to make a note of this section here, really and truly."


def note(title: str, body: str) -> str:
    return f"---\ntitle: {title}\nstatus: active\n---\n{body}\n"


def found(repo: TempRepo, query: str) -> list[str]:
    with Project.open(repo.root) as project:
        return [hit.id for hit in search(project, query)]


@pytest.fixture
def shop(repo: TempRepo) -> TempRepo:
    repo.commit(
        "Start",
        {
            f"{NOTES}/rounding.md": note("Rounding", "Half to even."),
            f"{NOTES}/cache.md": note("Cache keys", "By blob id."),
        },
    )
    return repo


def test_a_note_is_found_by_the_title_of_a_change_that_touched_it(shop: TempRepo) -> None:
    assert found(shop, "VAT") == []
    shop.commit("Use banker's rounding for VAT", {f"{NOTES}/rounding.md": note("Rounding", "Half to even!")})
    assert found(shop, "VAT") == ["rounding"]
    shop.commit("Something else", {"src/a.py": "A = 1\n"})
    assert found(shop, "VAT") == ["rounding"]


def test_a_merge_counts_by_its_own_title(shop: TempRepo) -> None:
    shop.git("checkout", "-q", "-b", "x7")
    shop.commit("wip", {f"{NOTES}/cache.md": note("Cache keys", "By blob id, always.")})
    shop.git("checkout", "-q", "-")
    message = "Merge pull request #7 from acme/x7\n\nEvict by fingerprint"
    shop.git("merge", "-q", "--no-ff", "x7", "-m", message)
    assert found(shop, "fingerprint") == ["cache"]
    assert found(shop, "acme") == []


def test_a_note_that_moved_keeps_its_past(shop: TempRepo) -> None:
    shop.commit("About zebras", {f"{NOTES}/cache.md": note("Cache keys", "By blob id, always.")})
    (shop.root / "agent-context/patterns").mkdir()
    shop.git("mv", f"{NOTES}/cache.md", "agent-context/patterns/cache.md")
    shop.commit("Move it")
    assert found(shop, "zebra") == ["cache"]


def test_a_title_belongs_to_the_section_that_changed_and_to_a_record_as_a_whole(shop: TempRepo) -> None:
    record = f"# 4. Queues\n\n## Status\n\nAccepted\n\n## Decision\n\n{FILLER}\n"
    guide = f"# Guide\n\n{FILLER}\n\n## Retry\n\n{FILLER}\n\n## Quota\n\n{FILLER}\n"
    settings = 'notes:\n  include: ["docs/**/*.md"]\n'
    shop.commit(
        "Document",
        {"agent-context/config.yaml": settings, "docs/guide.md": guide, "docs/adr/0004-queues.md": record},
    )
    shop.commit("Zebra", {"docs/guide.md": guide.replace("## Retry\n", "## Retry\n\nTwice.\n")})
    shop.commit("Giraffe", {"docs/adr/0004-queues.md": record.replace("really", "very really")})
    assert found(shop, "zebra") == ["docs/guide.md#retry"]
    assert found(shop, "giraffe") == ["docs/adr/0004-queues.md#4-queues"]


def test_without_news_no_words_are_put_together_again(
    shop: TempRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(shop, "blob") == ["cache"]
    shop.commit("No note", {"src/a.py": "A = 1\n"})
    made: list[int] = []
    real = ranking.concordance_of
    monkeypatch.setattr(ranking, "concordance_of", lambda *a, **k: made.append(1) or real(*a, **k))
    assert found(shop, "blob") == ["cache"]
    assert made == []
    shop.write(f"{NOTES}/cache.md", note("Cache keys", "By fingerprint."))
    assert found(shop, "blob") == []
    assert made == [1]


@pytest.mark.parametrize("name", ["words.json", "words.bin", "bags.json", "titles.json"])
@pytest.mark.parametrize("damage", [b"", b"[]", b'{"head": 1}', b"\xff"], ids=repr)
def test_a_damaged_cache_is_made_anew(shop: TempRepo, name: str, damage: bytes) -> None:
    assert found(shop, "blob") == ["cache"]
    (shop.root / ".git/agentctx" / name).write_bytes(damage)
    assert found(shop, "blob") == ["cache"]
    shop.write(f"{NOTES}/cache.md", note("Cache keys", "By blob id and name."))
    assert found(shop, "name") == ["cache"]


@pytest.mark.parametrize(
    ("subject", "body", "title"),
    [
        ("Add retries (#12)", "Because.", "Add retries"),
        ("Merge pull request #12 from a/b", "\nAdd retries\n\nMore.", "Add retries"),
        ("Auto merge of #12 - a:b, r=c", "Add retries (#12)\n", "Add retries"),
        ("Merge branch 'retries'", "", "Merge branch 'retries'"),
        ("Merge branch 'retries'", "* retries:\n  wip", "Merge branch 'retries'"),
        ("Merge branch 'retries'", "Signed-off-by: A <a@b.c>", "Merge branch 'retries'"),
        ("Merge two lists of hooks", "Second line", "Merge two lists of hooks"),
    ],
)
def test_the_title_of_a_change(subject: str, body: str, title: str) -> None:
    assert title_of(subject, body) == title
