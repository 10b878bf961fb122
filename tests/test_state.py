"""What one clone remembers: documents, watermarks, the queue, and the places they fall back to."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctx.state import LINE_LIMIT, SEEN_LIMIT, Arrival, StateDir, parse_queue, worktree_key


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir.open(tmp_path)


def test_opening_a_state_makes_no_folder(tmp_path: Path) -> None:
    StateDir.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_document_comes_back_as_it_was_written(state: StateDir, tmp_path: Path) -> None:
    assert state.write("caches/symbols", {"a": [1, "é"]})
    assert state.read("caches/symbols") == {"a": [1, "é"]}
    assert (tmp_path / "agentctx/caches/symbols.json").is_file()


@pytest.mark.parametrize("broken", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"\0" * 10])
def test_a_corrupt_document_counts_as_absent_and_is_replaced(state: StateDir, broken: bytes) -> None:
    assert state.write_bytes("index.json", broken)
    assert state.read("index") is None
    assert state.write("index", {"fine": True})
    assert state.read("index") == {"fine": True}


def test_a_document_over_the_limit_counts_as_absent(state: StateDir, monkeypatch: pytest.MonkeyPatch) -> None:
    state.write("big", "x" * 200)
    monkeypatch.setattr("agentctx.state.DOCUMENT_LIMIT", 100)
    assert state.read("big") is None


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../b", "", ".hidden", "a//b", "a b"])
def test_a_name_cannot_leave_the_folder(state: StateDir, name: str) -> None:
    with pytest.raises(ValueError):
        state.write(name, 1)


def test_a_deleted_document_is_gone_and_deleting_it_again_is_no_error(state: StateDir) -> None:
    state.write("proposals/p1", {})
    assert state.names("proposals") == ["p1"]
    assert state.delete("proposals/p1.json") and state.delete("proposals/p1.json")
    assert state.names("proposals") == [] and state.read("proposals/p1") is None


def test_a_state_that_cannot_lie_under_git_lies_with_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = tmp_path / "git"
    common.mkdir()
    (common / "agentctx").write_text("not a folder")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "user"))
    state = StateDir.open(common)
    assert state.write("index", 1) and state.read("index") == 1
    assert state.folder is not None and state.folder.parent == tmp_path / "user/agentctx"
    assert StateDir.open(common).read("index") == 1


def test_a_read_only_state_is_still_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StateDir.open(tmp_path).mark_seen("main", "a" * 40)
    own = tmp_path / "agentctx"
    really = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: really(path, mode) and not str(path).startswith(str(own))
    )
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "user"))
    state = StateDir.open(tmp_path)
    assert state.folder != own and state.seen("main") == ("a" * 40,)
    assert state.mark_seen("main", "b" * 40)
    assert StateDir.open(tmp_path).seen("main") == ("b" * 40, "a" * 40)


def test_where_nothing_can_be_written_reads_are_empty_and_writes_say_no(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "agentctx").write_text("")
    (tmp_path / "user").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "user"))
    state = StateDir.open(tmp_path)
    assert state.folder is None
    answers = [
        state.write("a", 1), state.enqueue(Arrival("post-merge", "/x")), state.mark_seen("main", "c"),
        state.delete("a"), state.set_failure("x"), state.read("a"), state.seen("main"), state.queued(),
        state.take_queue(), state.names("a"), state.failure(), state.path("a"),
    ]  # fmt: skip
    assert not any(answers)
    state.finish_queue()


def test_a_state_folder_that_is_a_link_is_neither_read_nor_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "index.json").write_text('"planted"')
    common = tmp_path / "git"
    common.mkdir()
    (common / "agentctx").symlink_to(victim)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "user"))
    state = StateDir.open(common)
    assert state.read("index") is None
    state.write("other", 1)
    assert [entry.name for entry in victim.iterdir()] == ["index.json"]


def test_the_newest_seen_commit_comes_first_and_old_ones_are_forgotten(state: StateDir) -> None:
    for number in range(SEEN_LIMIT + 10):
        state.mark_seen("main", f"{number:040x}")
    state.mark_seen("main", f"{20:040x}")
    seen = state.seen("main")
    assert len(seen) == SEEN_LIMIT == len(set(seen))
    assert seen[:2] == (f"{20:040x}", f"{SEEN_LIMIT + 9:040x}")


def test_each_work_tree_has_its_own_watermark(state: StateDir, tmp_path: Path) -> None:
    other = worktree_key(tmp_path / "worktrees/feature", tmp_path)
    assert worktree_key(tmp_path, tmp_path) == "main" != other
    state.mark_seen("main", "a")
    state.mark_seen(other, "b")
    assert (state.seen("main"), state.seen(other)) == (("a",), ("b",))
    assert (state.seen_elsewhere("main"), state.seen_elsewhere(other)) == (("b",), ("a",))


@pytest.mark.parametrize("value", [None, [], {"seen": "x"}, {"seen": [1, None]}, {"other": 1}, 7])
def test_a_watermark_of_a_wrong_shape_is_no_watermark(state: StateDir, value: object) -> None:
    state.write("watermarks/main", value)
    assert state.seen("main") == ()


@given(st.text("abc\t /é\udc80", max_size=30))
def test_any_path_survives_the_queue(path: str) -> None:
    arrival = Arrival("post-merge", "/" + path)
    assert parse_queue(arrival.line().encode("utf-8", "surrogateescape")) == (arrival,)


@given(st.binary(max_size=200))
def test_a_foreign_queue_is_read_without_complaint(data: bytes) -> None:
    assert len(parse_queue(data)) <= data.count(b"\n") + 1


def test_lines_of_many_writers_are_all_kept(state: StateDir) -> None:
    def write(writer: int) -> None:
        for number in range(100):
            assert state.enqueue(Arrival("post-commit", f"/{writer}-{number}-" + "x" * 300))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {a.worktree.rstrip("x") for a in state.queued()} == {
        f"/{w}-{n}-" for w in range(4) for n in range(100)
    }


def test_a_queue_that_was_taken_survives_until_it_is_finished(state: StateDir, tmp_path: Path) -> None:
    first, second = Arrival("post-merge", "/r"), Arrival("post-commit", "/r")
    state.enqueue(first)
    assert state.take_queue() == (first,)
    state.enqueue(second)
    assert StateDir.open(tmp_path).take_queue() == (first, second)
    state.finish_queue()
    assert state.queued() == () == state.take_queue()


def test_a_line_that_is_too_long_or_holds_a_line_break_is_refused(state: StateDir) -> None:
    assert not state.enqueue(Arrival("post-merge", "/" + "x" * LINE_LIMIT))
    assert not state.enqueue(Arrival("post-merge", "/a\nb"))
    assert state.queued() == ()


def test_a_queue_that_is_a_link_is_not_followed(state: StateDir, tmp_path: Path) -> None:
    (tmp_path / "agentctx").mkdir()
    (tmp_path / "agentctx/queue").symlink_to(tmp_path / "target")
    assert not state.enqueue(Arrival("post-merge", "/r"))
    assert not (tmp_path / "target").exists() and state.queued() == ()


def test_the_last_failure_is_one_line_and_can_be_forgotten(state: StateDir) -> None:
    assert state.failure() == ""
    state.set_failure("provider\nrefused:  " + "x" * 1000)
    assert state.failure().startswith("provider refused: xxx") and len(state.failure()) == 300
    state.set_failure("")
    assert state.failure() == ""
