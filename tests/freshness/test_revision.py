"""``status --at REV``: any commit is judged by its own notes, records, settings and code."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.freshness.scene import invoice_scene
from tests.repository import TempRepo


def status(repo: TempRepo, *args: str) -> dict[str, Any]:
    done = repo.agentctx("status", "--json", *args)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def states(document: dict[str, Any]) -> dict[str, str]:
    return {note["id"]: note["state"] for note in document["notes"]}


def shallow(repo: TempRepo, to: Path, depth: int) -> TempRepo:
    subprocess.run(["git", "clone", "-q", f"--depth={depth}", f"file://{repo.root}", str(to)], check=True)
    return TempRepo(to)


def test_each_commit_is_judged_by_what_it_holds(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    scene.edit("src/invoice.py", "net += ", "net += 2 * ")
    changed = repo.commit("Charge twice")
    scene.verify()
    repo.commit("Say that it still holds")
    assert states(status(repo, "--at", "HEAD~2")) == {"a": "fresh"}
    assert states(status(repo, "--at", changed)) == {"a": "stale"}
    assert states(status(repo, "--at", "main")) == {"a": "fresh"}


def test_uncommitted_changes_do_not_count_at_a_revision(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    scene.edit("src/invoice.py", "net += ", "net += 2 * ")
    assert states(status(repo)) == {"a": "stale"}
    document = status(repo, "--at", "HEAD")
    assert states(document) == {"a": "fresh"}
    assert document["head"] == repo.git("rev-parse", "HEAD")


def test_judging_a_revision_writes_nothing(repo: TempRepo) -> None:
    invoice_scene(repo)
    before = sorted(str(path) for path in repo.root.rglob("*"))
    status(repo, "--at", "HEAD")
    assert sorted(str(path) for path in repo.root.rglob("*")) == before


def test_a_note_of_another_commit_can_be_explained(repo: TempRepo) -> None:
    scene = invoice_scene(repo)
    scene.edit("src/invoice.py", "net += ", "net += 2 * ")
    repo.commit("Charge twice")
    repo.git("rm", "-q", "-r", "agent-context")
    repo.commit("Take the notes out")
    done = repo.agentctx("status", "--at", "HEAD~1", "--explain", "a")
    assert done.returncode == 0
    assert "net += 2 * line.total()" in done.stdout


def test_a_revision_that_is_not_there_is_named_with_what_to_type(repo: TempRepo, tmp_path: Path) -> None:
    invoice_scene(repo)
    repo.commit("Second")
    done = shallow(repo, tmp_path / "shallow", 1).agentctx("status", "--at", "HEAD~1")
    assert done.returncode == 2
    assert "HEAD~1" in done.stderr
    assert "git fetch --unshallow" in done.stderr


def test_the_settings_of_the_commit_count(repo: TempRepo) -> None:
    invoice_scene(repo)
    repo.write(
        "docs/guide.md", "# Guide\n\n" + "Twelve words and more stand here so that this is a section. " * 2
    )
    repo.commit("Write a guide")
    repo.write("agent-context/config.yaml", "notes:\n  include:\n    - docs/**/*.md\n")
    repo.commit("Include it")
    assert set(states(status(repo, "--at", "HEAD~1"))) == {"a"}
    assert set(states(status(repo, "--at", "HEAD"))) == {"a", "docs/guide.md#guide"}


def test_a_shallow_clone_says_unknown_where_the_note_may_have_been_mended(
    repo: TempRepo, tmp_path: Path
) -> None:
    scene = invoice_scene(repo)
    scene.edit("src/invoice.py", "net += ", "net += 2 * ")
    scene.edit("agent-context/decisions/a.md", "Text.", "Text that says twice.")
    repo.commit("Charge twice and say so")
    assert states(status(repo)) == {"a": "fresh"}
    clone = shallow(repo, tmp_path / "shallow", 1)
    assert states(status(clone)) == {"a": "unknown"}
    assert "git fetch --unshallow" in status(clone)["notes"][0]["drifts"][0]["reason"]
    checked = clone.agentctx("status", "--check")
    assert checked.returncode == 1
    assert "a: not to be judged in a shallow clone; type: git fetch --unshallow" in checked.stderr
    assert clone.agentctx("status").returncode == 0


def test_a_shallow_clone_knows_what_changed_within_its_depth(repo: TempRepo, tmp_path: Path) -> None:
    scene = invoice_scene(repo)
    repo.commit("Something else", {"README": "Read me.\n"})
    scene.edit("src/invoice.py", "net += ", "net += 2 * ")
    repo.commit("Charge twice")
    assert states(status(shallow(repo, tmp_path / "two", 2))) == {"a": "stale"}
    scene.edit("agent-context/decisions/a.md", "Text.", "Text that says thrice.")
    scene.edit("src/invoice.py", "net += 2 * ", "net += 3 * ")
    repo.commit("Charge thrice and say so")
    assert states(status(shallow(repo, tmp_path / "mended", 2))) == {"a": "fresh"}


def test_what_the_record_still_says_is_fresh_in_a_shallow_clone(repo: TempRepo, tmp_path: Path) -> None:
    invoice_scene(repo)
    repo.commit("Something else", {"README": "Read me.\n"})
    assert states(status(shallow(repo, tmp_path / "shallow", 1))) == {"a": "fresh"}
