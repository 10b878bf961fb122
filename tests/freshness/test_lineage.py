"""Which of a note's former texts the present one was made from: only what it still says vouches for it."""

from __future__ import annotations

import pytest

from tests.freshness.scene import Scene, invoice_scene
from tests.repository import TempRepo

NOTE = "agent-context/decisions/a.md"
TEXT = "The sum of the lines is rounded.\n\nLimits: `LIMIT = 900`, and no more.\n\nSee the tariff."


def mended(repo: TempRepo) -> Scene:
    """A verified note, then a commit that changes code and text together."""
    scene = invoice_scene(repo)
    scene.edit(NOTE, "Text.", TEXT)
    scene.verify()
    repo.commit("Write it down")
    scene.edit("src/invoice.py", "net += ", "net += 2 * ")
    scene.edit(NOTE, "is rounded", "counts twice, and is rounded")
    repo.commit("Charge twice and say so")
    assert scene.freshness().state == "fresh"
    return scene


def test_code_that_goes_back_without_its_text_is_stale_though_the_record_knows_it(repo: TempRepo) -> None:
    scene = mended(repo)
    scene.edit("src/invoice.py", "net += 2 * ", "net += ")
    last = repo.commit("Charge once again")
    drift = scene.drift()
    assert (drift.state, drift.witness, [c.id for c in drift.commits]) == ("body", "history", [last])


def test_code_and_text_that_go_back_together_are_fresh(repo: TempRepo) -> None:
    scene = mended(repo)
    repo.git("revert", "--no-edit", "HEAD")
    assert scene.freshness().state == "fresh"


@pytest.mark.parametrize("later", [False, True], ids=["at once", "after another edit"])
def test_a_text_that_goes_back_without_its_code_is_stale(repo: TempRepo, later: bool) -> None:
    scene = mended(repo)
    if later:
        scene.edit(NOTE, "See the tariff.", "See the tariff of the year.")
        repo.commit("Be exact")
    scene.edit(NOTE, "counts twice, and is rounded", "is rounded")
    repo.commit("Put the old words back")
    assert scene.freshness().state == "stale"


def test_a_text_that_a_merge_threw_away_vouches_for_nothing(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    repo.git("switch", "-q", "-c", "feature")
    scene.edit(NOTE, "Text.", "Text of a branch.")
    repo.commit("Word it")
    repo.git("switch", "-q", "main")
    scene.edit("src/invoice.py", "net += ", "net += 2 * ")
    scene.edit(NOTE, "Text.", "Text that says twice.")
    repo.commit("Charge twice and say so")
    repo.git("switch", "-q", "feature")
    repo.git("merge", "-q", "--no-ff", "-s", "ort", "-X", "ours", "-m", "Merge main", "main")
    assert "of a branch" in (repo.root / NOTE).read_text()
    assert scene.freshness().state == "stale"


def test_a_merge_that_keeps_both_edits_keeps_the_mend(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    scene.edit(NOTE, "Text.", TEXT)
    scene.verify()
    repo.commit("Write it down")
    repo.git("switch", "-q", "-c", "feature")
    scene.edit(NOTE, "See the tariff.", "See the tariff of the year.")
    repo.commit("Be exact")
    repo.git("switch", "-q", "main")
    scene.edit("src/invoice.py", "net += ", "net += 2 * ")
    scene.edit(NOTE, "is rounded", "counts twice, and is rounded")
    repo.commit("Charge twice and say so")
    repo.git("switch", "-q", "feature")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge main", "main")
    assert scene.freshness().state == "fresh"


def test_front_matter_mends_nothing(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    scene.edit("src/invoice.py", "net += ", "net += 2 * ")
    scene.edit(NOTE, "title: a\n", "title: a\ntags:\n  - money\n")
    repo.commit("Charge twice and add a tag")
    assert scene.freshness().state == "stale"


@pytest.mark.parametrize("by", ["another paragraph", "another name"])
def test_a_value_is_false_though_its_note_was_edited_since_the_value_changed(repo: TempRepo, by: str) -> None:
    scene = invoice_scene(repo)
    note = "agent-context/decisions/b.md"
    scene.note("b", (), TEXT)
    repo.commit("Write about limits")
    scene.edit("src/invoice.py", "LIMIT = 900", "LIMIT = 1800")
    if by == "another paragraph":
        scene.edit(note, "See the tariff.", "See the tariff of the year.")
    else:
        (repo.root / "agent-context/patterns").mkdir(exist_ok=True)
        repo.git("mv", note, "agent-context/patterns/b.md")
    repo.commit("Raise the limit")
    freshness = scene.freshness("b")
    assert freshness.state == "stale"
    assert "`LIMIT` is 1800 now" in freshness.mentions[0].reason


def test_a_line_that_was_written_after_the_value_changed_was_never_true(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    scene.edit("src/invoice.py", "LIMIT = 900", "LIMIT = 1800")
    repo.commit("Raise the limit")
    scene.note("b", (), TEXT)
    repo.commit("Write about limits")
    freshness = scene.freshness("b")
    assert freshness.state == "suspect"
    assert "and was when the note" in freshness.mentions[0].reason
