"""Included documents, decision records above all, as facts with the history that git knows."""

from __future__ import annotations

import pytest

from agentctx import note_versions
from agentctx.flows.export import facts_of_notes
from agentctx.git import Git
from agentctx.model import Fact
from agentctx.note_versions import history_of_notes
from agentctx.notes.include import included
from tests.memory.test_export_postgres import NOW, SPACE, commit_at
from tests.repository import TempRepo

RECORD = "docs/adr/0001-queue.md"
TEXT = """# Use a queue

## Status

{status}

## Context

Orders arrive faster than the warehouse takes them, on some days by a factor of ten.

## Decision

{decision}
"""
FIRST = "We put every order into a queue that a single worker empties in the order of arrival."
SECOND = "We put every order into a queue that four workers empty, each of them its own customers."


def record(status: str, decision: str = FIRST) -> dict[str, str]:
    return {RECORD: TEXT.format(status=status, decision=decision)}


def facts_of(repo: TempRepo, property: str, *include: str, path: str = RECORD) -> list[Fact]:
    with Git.open(repo.root) as git:
        history = history_of_notes(git, "agent-context", include or ("docs/**/*.md",))
        file = repo.root / path
        notes = included(path, file.read_bytes())[0] if file.exists() else ()
        facts = facts_of_notes(notes, history, SPACE, NOW)
    mine = (fact for fact in facts if fact.property == property and fact.git_path == path)
    return sorted(mine, key=lambda fact: fact.valid_at)


def days(facts: list[Fact]) -> list[tuple[object, str, str, str]]:
    return [(fact.value, fact.valid_at[:10], fact.invalid_at[:10], fact.status) for fact in facts]


@pytest.fixture
def decided(repo: TempRepo) -> TempRepo:
    commit_at(repo, "2026-01-01", "Propose", record("Proposed"))
    commit_at(repo, "2026-01-02", "Accept", record("Accepted"))
    commit_at(
        repo, "2026-01-03", "Elsewhere", {"docs/other.md": "# Other\n\n" + "word " * 20, "src/a.py": ""}
    )
    commit_at(repo, "2026-01-04", "Four workers", record("Accepted", SECOND))
    commit_at(repo, "2026-01-05", "Replace", record("Superseded by [0002](0002-stream.md)", SECOND))
    return repo


def test_the_status_of_a_decision_record_has_the_days_on_which_it_changed(decided: TempRepo) -> None:
    assert days(facts_of(decided, "status")) == [
        ("active", "2026-01-01", "2026-01-05", "superseded"),
        ("superseded", "2026-01-05", "", "active"),
    ]
    assert [day[:3] for day in days(facts_of(decided, "record_status"))] == [
        ("Proposed", "2026-01-01", "2026-01-02"),
        ("Accepted", "2026-01-02", "2026-01-05"),
        ("Superseded by [0002](0002-stream.md)", "2026-01-05", ""),
    ]


def test_each_version_of_a_decision_holds_from_its_own_commit(decided: TempRepo) -> None:
    first, second = facts_of(decided, "section:Decision")
    assert (FIRST in first.value, SECOND in second.value) == (True, True)
    assert (first.valid_at[:10], first.invalid_at[:10]) == ("2026-01-01", "2026-01-04")
    assert (second.valid_at[:10], second.invalid_at[:10]) == ("2026-01-04", "2026-01-05")
    assert (first.git_commit, second.git_commit) == (
        decided.git("rev-parse", "HEAD~4"),
        decided.git("rev-parse", "HEAD~1"),
    )
    assert first.git_path == RECORD


def test_an_edit_that_is_not_committed_holds_from_now_on(decided: TempRepo) -> None:
    (decided.root / RECORD).write_text(record("Deprecated", SECOND)[RECORD])
    assert days(facts_of(decided, "status"))[-1] == ("archived", NOW[:10], "", "active")


def test_a_removed_document_held_until_the_commit_that_removed_it(decided: TempRepo) -> None:
    decided.git("rm", "-q", RECORD)
    commit_at(decided, "2026-01-06", "Drop it", {})
    assert days(facts_of(decided, "status"))[-1] == ("superseded", "2026-01-05", "2026-01-06", "retracted")


def test_what_no_glob_includes_has_no_history(decided: TempRepo) -> None:
    assert [f.metadata for f in facts_of(decided, "status", "docs/nowhere/*.md")] == [{"committed": False}]


def test_a_busy_document_is_cut_before_a_record_loses_a_version(
    decided: TempRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = "docs/news.md"
    for day in range(10, 20):
        commit_at(decided, f"2026-01-{day}", f"News {day}", {busy: f"# News\n\n{day} " + "word " * 20})
    monkeypatch.setattr(note_versions, "MOST", 10)
    assert len(facts_of(decided, "record_status")) == 3
    news = facts_of(decided, "body", path=busy)
    assert [fact.valid_at[:10] for fact in news] == [f"2026-01-{day}" for day in range(15, 20)]
    assert [bool(fact.metadata.get("boundary")) for fact in news] == [True, False, False, False, False]
