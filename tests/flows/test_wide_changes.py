"""Of a change too large to be read whole, what concerns the notes is read, and the rest is told of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentctx.cli.main import run
from agentctx.flows.targeting import change_between, change_of, find_affected, left_unread, notes_now
from agentctx.git import history
from agentctx.project import Project
from agentctx.proposals import sampling
from tests.repository import TempRepo

FILES = 60


@pytest.fixture
def project(repo: TempRepo, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setattr(history, "FULL_PATCH", 20)
    monkeypatch.setattr(sampling, "_SAMPLE", 5)
    monkeypatch.chdir(repo.root)
    old: dict[str, str | bytes] = {f"src/m{n:02}.py": f"def f{n}():\n    return {n}\n" for n in range(FILES)}
    anchored = "---\ntitle: Anchored\nanchors:\n  - src/m07.py#f7\n  - src/m30.py\n---\nText.\n"
    naming = '---\ntitle: Naming\nanchors:\n  - "src/m4*.py"\n---\nSee `m51.py`.\n'
    notes: dict[str, str | bytes] = {
        "agent-context/decisions/a.md": anchored,
        "agent-context/gotchas/b.md": naming,
    }
    repo.commit("Start", old | notes)
    repo.git("mv", "src/m30.py", "src/moved.py")
    repo.commit("All", {f"src/m{n:02}.py": f"def f{n}():\n    yield {n}\n" for n in range(FILES) if n != 30})
    with Project.open(repo.root) as opened:
        yield opened


def test_what_notes_anchor_or_name_is_read_and_the_rest_is_a_sample(project: Project) -> None:
    change = change_of(project, "HEAD~1..HEAD")
    read = {file.path: file for file in change.files}
    assert read["src/m07.py"].hunks[0].added == ("    yield 7",)
    assert (read["src/moved.py"].status, read["src/moved.py"].old_path) == ("R", "src/m30.py")
    assert read["src/m51.py"].hunks
    assert sum(path.startswith("src/m4") for path in read) >= 3
    assert len(read) <= 3 + 3 + 5
    assert change.unread == FILES - len(read)


def test_hunks_are_read_of_the_best_alone(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "FEW_PATCHES", 2)
    files = change_between(project, project.git.rev_parse("HEAD~1"), "HEAD").files
    assert sum(bool(file.hunks) for file in files) <= 2
    assert len(files) > 2


def test_an_anchored_file_of_a_large_change_ties_its_note(project: Project) -> None:
    best = find_affected(project, change_of(project, "HEAD~1..HEAD"), notes_now(project))[0]
    assert best.id == "a"
    assert any("src/m" in reason for reason in best.reasons), best.reasons


def test_a_person_is_told_how_much_was_not_read(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    told = left_unread(change_of(project, "HEAD~1..HEAD"))
    assert "changed files were not read" in told
    assert run(["affected", "HEAD~1..HEAD"]) == 0
    assert told in capsys.readouterr().err
    assert run(["sync", "--dry-run", "HEAD~1..HEAD"]) == 0
    assert told in "".join(capsys.readouterr())


def test_a_small_change_is_read_whole(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "FULL_PATCH", 100)
    change = change_of(project, "HEAD~1..HEAD")
    assert (len(change.files), change.unread, left_unread(change)) == (FILES, 0, "")


def test_a_document_is_no_evidence_about_its_own_sections(repo: TempRepo) -> None:
    words = (
        "The retry queue holds `retry_after` for every worker; it is drained in order, oldest first, always."
    )
    guide = f"# Guide\n\n{words}\n\n## Retry\n\n{words}\n\n## Quota\n\n{words}\n"
    settings = 'notes:\n  include: ["docs/**/*.md"]\n'
    repo.commit(
        "Start", {"agent-context/config.yaml": settings, "docs/guide.md": guide, "src/a.py": "A = 1\n"}
    )
    repo.commit(
        "Rewrite the retry queue", {"docs/guide.md": guide.replace("oldest", "newest"), "src/a.py": "A = 2\n"}
    )
    with Project.open(repo.root) as project:
        found = find_affected(project, change_of(project, "HEAD~1..HEAD"), notes_now(project))
    assert found
    assert not any(one.flag or "docs/guide.md" in " ".join(one.reasons) for one in found)
