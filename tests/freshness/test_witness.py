"""History as the second witness: code and text changed in one go count as mended."""

from __future__ import annotations

import pytest

from tests.freshness.scene import Scene, invoice_scene
from tests.repository import TempRepo

NOTE = "agent-context/decisions/a.md"


def unrecorded(repo: TempRepo) -> Scene:
    """The invoice code, committed before the note, which nobody has verified."""
    scene = invoice_scene(repo)
    (repo.root / "agent-context/.verified/a").unlink()
    (repo.root / NOTE).unlink()
    repo.commit("Take the note out")
    scene.note("a", ("src/invoice.py#Invoice.total",))
    repo.commit("Write the note")
    return scene


def change_code(scene: Scene, by: str = "2") -> None:
    scene.edit("src/invoice.py", "net += ", f"net += {by} * ")


def test_a_note_without_a_record_is_unverified(repo: TempRepo) -> None:
    drift = unrecorded(repo).drift()
    assert (drift.state, drift.witness) == ("unverified", "")


def test_a_note_committed_with_its_code_is_fresh(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    (repo.root / "agent-context/.verified/a").unlink()
    drift = scene.drift()
    assert (drift.state, drift.witness) == ("unchanged", "history")


def test_code_and_text_in_one_commit_count_as_mended(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    change_code(scene)
    assert scene.freshness().state == "stale"
    scene.edit(NOTE, "Text.", "Text that says twice.")
    repo.commit("Charge twice and say so")
    freshness = scene.freshness()
    assert freshness.state == "fresh"
    assert freshness.drifts[0].witness == "history"


def test_uncommitted_edits_of_both_count_as_mended(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    change_code(scene)
    scene.edit(NOTE, "Text.", "Text that says twice.")
    assert scene.freshness().state == "fresh"


def test_blank_changes_of_the_text_mend_nothing(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    change_code(scene)
    scene.edit(NOTE, "Text.", "Text.\n\n")
    repo.commit("Charge twice")
    assert scene.freshness().state == "stale"


def test_text_changed_in_a_later_commit_mends_nothing(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    change_code(scene)
    repo.commit("Charge twice")
    scene.edit(NOTE, "Text.", "Text with a typo mended.")
    repo.commit("Mend a typo")
    assert scene.freshness().state == "stale"


def test_text_changed_beside_other_code_of_the_file_mends_nothing(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    change_code(scene)
    repo.commit("Charge twice")
    scene.edit("src/invoice.py", "return a + b", "return a - b")
    scene.edit(NOTE, "Text.", "Another text.")
    repo.commit("Unrelated")
    assert scene.freshness().state == "stale"


def test_drift_after_a_mending_commit_is_reported_against_it(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    change_code(scene)
    scene.edit(NOTE, "Text.", "Text that says twice.")
    repo.commit("Charge twice and say so")
    change_code(scene, "3")
    last = repo.commit("Charge more")
    drift = scene.drift()
    assert (drift.state, drift.witness) == ("body", "history")
    assert [c.id for c in drift.commits] == [last]


def test_a_branch_that_changes_code_and_then_text_counts_when_merged(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    repo.git("switch", "-q", "-c", "feature")
    change_code(scene)
    repo.commit("Charge twice")
    scene.edit(NOTE, "Text.", "Text that says twice.")
    repo.commit("Say so")
    assert scene.freshness().state == "stale"
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge feature", "feature")
    assert scene.freshness().state == "fresh"


def test_a_merge_whose_text_is_older_than_the_code_mends_nothing(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    repo.git("switch", "-q", "-c", "feature")
    scene.edit(NOTE, "Text.", "Text with a typo mended.")
    repo.commit("Mend a typo")
    change_code(scene)
    repo.commit("Charge twice")
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge feature", "feature")
    assert scene.freshness().state == "stale"


def test_a_squash_merge_counts_as_one_commit(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    repo.git("switch", "-q", "-c", "feature")
    scene.edit(NOTE, "Text.", "Text that says twice.")
    repo.commit("Say so")
    change_code(scene)
    repo.commit("Charge twice")
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--squash", "feature")
    repo.commit("Charge twice (#1)")
    assert scene.freshness().state == "fresh"


def test_a_record_newer_than_the_mending_commit_speaks(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    change_code(scene)
    scene.edit(NOTE, "Text.", "Text that says twice.")
    repo.commit("Charge twice and say so")
    change_code(scene, "3")
    scene.verify()
    repo.commit("Charge more, verified")
    drift = scene.drift()
    assert (drift.state, drift.witness) == ("unchanged", "record")


def test_code_that_was_there_when_the_note_was_written_is_gone_without_a_record(repo: TempRepo) -> None:
    scene = unrecorded(repo)
    scene.repo.git("rm", "-q", "src/invoice.py")
    commit = repo.commit("Drop invoices", author="Bob <bob@example.org>")
    drift = scene.drift()
    assert drift.state == "gone"
    assert [c.id for c in drift.commits] == [commit]


def test_an_anchor_that_never_existed_is_unknown_with_a_hint(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    scene.note("b", ("src/invoice.py#totl",))
    repo.commit("Another note")
    freshness = scene.freshness("b")
    assert freshness.state == "unknown"
    assert "there is no `totl` in `src/invoice.py`" in freshness.drifts[0].reason


def test_a_shallow_clone_does_not_take_its_first_commit_for_a_mending_one(repo: TempRepo) -> None:
    unrecorded(repo)
    clone = repo.root.parent / "shallow"
    repo.git("clone", "-q", "--depth", "1", f"file://{repo.root}", str(clone))
    drift = Scene(TempRepo(clone)).drift()
    assert drift.state == "unknown"
    assert "shallow" in drift.reason


def test_a_record_is_believed_in_a_shallow_clone_that_still_has_the_code_as_recorded(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    repo.commit("Something else", {"README": "Read me.\n"})
    change_code(scene)
    repo.commit("Charge twice")
    clone = repo.root.parent / "shallow"
    repo.git("clone", "-q", "--depth", "2", f"file://{repo.root}", str(clone))
    assert Scene(TempRepo(clone)).drift().state == "body"


def test_odd_messages_and_names_do_not_disturb_the_log(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    repo.write(":odd name", "x\n")
    change_code(scene)
    repo.commit("\x01 strange \x01 subject")
    change_code(scene, "3")
    last = repo.commit("Plain", {":odd name": "y\n"})
    drift = scene.drift()
    assert drift.state == "body"
    assert last in [c.id for c in drift.commits]


@pytest.mark.parametrize("how", ["committed", "staged", "on disk"])
def test_a_note_that_only_moves_to_another_folder_with_a_change_of_its_code_is_not_mended(
    repo: TempRepo, how: str
) -> None:
    scene = invoice_scene(repo)
    change_code(scene)
    (repo.root / "agent-context/patterns").mkdir()
    (repo.root / NOTE).rename(repo.root / "agent-context/patterns/a.md")
    if how == "staged":
        repo.git("add", "-A")
    if how == "committed":
        repo.commit("Charge twice; sort the notes")
    assert scene.freshness().state == "stale"
