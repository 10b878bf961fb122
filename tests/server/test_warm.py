"""A repository kept open answers as one that is opened anew, whatever happened on disk between two calls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agentctx.errors import NotFound
from agentctx.project import Project
from agentctx.server.operations import answer, call
from agentctx.server.warm import Warm
from tests.repository import TempRepo

NOTE = "agent-context/decisions/cache.md"
TEXT = (
    "---\ntitle: Cache keys\nstatus: active\nanchors:\n  - src/cache.py#keep\n---\nBy blob id, see `LIMIT`.\n"
)
CODE = "LIMIT = 3\n\n\ndef keep(key):\n    return key\n"


@pytest.fixture
def shop(repo: TempRepo) -> TempRepo:
    repo.commit("Start", {NOTE: TEXT, "src/cache.py": CODE, ".gitignore": "agent-context/sessions/\n"})
    assert repo.agentctx("verify").returncode == 0
    repo.commit("Verify")
    repo.git("branch", "other")
    return repo


def edit_note(repo: TempRepo) -> None:
    repo.write(NOTE, TEXT.replace("blob id", "fingerprint"))


def edit_note_twice(repo: TempRepo) -> None:
    edit_note(repo)
    repo.write(NOTE, TEXT.replace("blob id", "name and day"))


def edit_code(repo: TempRepo) -> None:
    repo.write("src/cache.py", CODE.replace("return key", "return key * 2"))


def commit_code(repo: TempRepo) -> None:
    repo.commit("Keep twice", {"src/cache.py": CODE.replace("return key", "return key * 2")})


def new_note(repo: TempRepo) -> None:
    repo.write("agent-context/gotchas/blobs.md", TEXT.replace("Cache keys", "Blobs"))


def ignored_note(repo: TempRepo) -> None:
    repo.write("agent-context/sessions/2026-01-02-blob.md", TEXT.replace("Cache keys", "A day with blobs"))


def remove_note(repo: TempRepo) -> None:
    (repo.root / NOTE).unlink()


def settings(repo: TempRepo) -> None:
    repo.write("agent-context/config.yaml", "prime:\n  budget_bytes: 3000\n")


def unstage(repo: TempRepo) -> None:
    repo.git("rm", "-q", "--cached", NOTE)


CHANGES = [edit_note, edit_code, commit_code, new_note, ignored_note, remove_note, settings, unstage]


def everything(ask: Callable[[str, dict[str, str]], str]) -> list[str]:
    return [ask("prime", {"task": "blob cache"}), ask("search", {"query": "blob"}), ask("status", {})]


def anew(repo: TempRepo) -> list[str]:
    with Project.open(repo.root) as project:
        return everything(lambda name, given: answer(project, name, given))


@pytest.mark.parametrize("change", [*CHANGES, edit_note_twice], ids=lambda change: change.__name__)
def test_a_change_between_two_calls_is_seen(shop: TempRepo, change: Callable[[TempRepo], None]) -> None:
    warm = Warm(shop.root)
    before = everything(lambda name, given: call(warm, name, given))
    change(shop)
    after = everything(lambda name, given: call(warm, name, given))
    assert after == anew(shop)
    assert after != before or change is unstage


def test_a_second_edit_of_a_file_that_was_edited_before_is_seen(shop: TempRepo) -> None:
    warm = Warm(shop.root)
    for word in ("fingerprint", "checksums!!", "fingerprint"):
        shop.write(NOTE, TEXT.replace("blob id", word))
        assert word in call(warm, "prime", {})


def test_another_branch_and_another_upstream_are_seen(shop: TempRepo) -> None:
    shop.commit("Later", {NOTE: TEXT.replace("blob id", "fingerprint")})
    warm = Warm(shop.root)
    assert "fingerprint" in call(warm, "prime", {})
    shop.git("checkout", "-q", "other")
    assert "blob id" in call(warm, "prime", {})
    held = warm.project()
    shop.git("update-ref", "refs/remotes/origin/main", "HEAD~1")
    assert warm.project() is not held


def test_nothing_is_opened_twice_while_nothing_changes(shop: TempRepo) -> None:
    warm = Warm(shop.root)
    for _ in range(2):  # the first briefing may leave marks of its own
        call(warm, "prime", {})
    held = warm.project()
    call(warm, "prime", {"task": "cache"})
    call(warm, "search", {"query": "blob"})
    assert warm.project() is held


def test_what_is_not_there_is_said_only_after_looking_anew(shop: TempRepo) -> None:
    warm = Warm(shop.root)
    with pytest.raises(NotFound):
        call(warm, "read_note", {"note": "blobs"})
    new_note(shop)
    assert "Blobs" in call(warm, "read_note", {"note": "blobs"})


def test_a_folder_that_becomes_a_repository_is_found(tmp_path: Path) -> None:
    warm = Warm(tmp_path)
    with pytest.raises(Exception, match="not inside a git repository"):
        call(warm, "status", {})
    TempRepo.init(tmp_path).commit("Start", {NOTE: TEXT})
    assert "Cache keys" in call(warm, "prime", {})
