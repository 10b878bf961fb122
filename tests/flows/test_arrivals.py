"""Commits arrive in seventeen ways; whatever hooks fire, the pending range is right at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agentctx.catchup import catch_up, mark_seen, missing_hooks_notice, note_arrival, pending_range
from agentctx.errors import ModelFailed
from agentctx.files import locked
from agentctx.flows import worker
from agentctx.git import Git
from agentctx.integrations import githooks
from agentctx.state import Arrival, StateDir
from tests.repository import TempRepo


def open_state(repo: TempRepo) -> tuple[Git, StateDir]:
    git = Git.open(repo.root)
    return git, StateDir.open(git.common_dir)


class Team:
    """A shared repository, a teammate who pushes to it, and our clone of it, all up to date."""

    def __init__(self, place: Path, hooks: bool) -> None:
        self.place = place
        subprocess.run(["git", "init", "-q", "--bare", str(place / "shared.git")], check=True)
        self.mate = self._clone("mate")
        self.mate.commit("base", {"code.py": "a = 1\n", "mine.py": "b = 1\n"})
        self.mate.git("push", "-q", "origin", "main")
        self.ours = self._clone("ours")
        if hooks:
            githooks.install(Git.open(self.ours.root))
        assert pending_range(*open_state(self.ours)).empty

    def _clone(self, name: str) -> TempRepo:
        subprocess.run(
            ["git", "clone", "-q", str(self.place / "shared.git"), str(self.place / name)], check=True
        )
        return TempRepo(self.place / name)

    def news(self) -> str:
        """The teammate pushes a change of code.py and a new note; its commit."""
        self.mate.write("code.py", "a = 2\n")
        commit = self.mate.commit("theirs", {"agent-context/decisions/new.md": "# New\n"})
        self.mate.git("push", "-q", "origin", "main")
        return commit

    def own_commit(self) -> str:
        """We commit something of our own, and have looked at it."""
        commit = self.ours.commit("ours", {"mine.py": "b = 2\n"})
        git, state = open_state(self.ours)
        mark_seen(git, state, commit)
        return commit


def pull(team: Team) -> TempRepo:
    team.news()
    team.ours.git("pull", "-q", "--ff-only")
    return team.ours


def pull_true_merge(team: Team) -> TempRepo:
    team.own_commit()
    team.news()
    team.ours.git("pull", "-q", "--no-rebase", "--no-edit")
    return team.ours


def pull_rebase_nothing_local(team: Team) -> TempRepo:
    team.news()
    team.ours.git("pull", "-q", "--rebase")
    return team.ours


def pull_rebase_with_local(team: Team) -> TempRepo:
    team.own_commit()
    team.news()
    team.ours.git("pull", "-q", "--rebase")
    return team.ours


def conflicted_merge(team: Team) -> TempRepo:
    team.ours.commit("ours", {"code.py": "a = 3\n"})
    mark_seen(*open_state(team.ours), team.ours.git("rev-parse", "HEAD"))
    team.news()
    team.ours.git("pull", "-q", "--no-rebase", check=False)
    team.ours.commit("settled", {"code.py": "a = 2\n"})
    return team.ours


def squash_and_commit(team: Team) -> TempRepo:
    team.news()
    team.ours.git("fetch", "-q")
    team.ours.git("merge", "-q", "--squash", "origin/main")
    team.ours.git("commit", "-q", "-m", "squashed")
    return team.ours


def fetch_and_reset(team: Team) -> TempRepo:
    team.news()
    team.ours.git("fetch", "-q")
    team.ours.git("reset", "-q", "--hard", "origin/main")
    return team.ours


def checkout_of_remote(team: Team) -> TempRepo:
    team.news()
    team.ours.git("fetch", "-q")
    team.ours.git("checkout", "-q", "origin/main")
    return team.ours


def switch_and_merge(team: Team) -> TempRepo:
    team.ours.git("checkout", "-q", "-b", "topic")
    team.own_commit()
    team.news()
    team.ours.git("fetch", "-q")
    team.ours.git("switch", "-q", "main")
    team.ours.git("merge", "-q", "origin/main")
    return team.ours


def cherry_pick(team: Team) -> TempRepo:
    commit = team.news()
    team.own_commit()
    team.ours.git("fetch", "-q")
    team.ours.git("cherry-pick", commit)
    return team.ours


def rebase_feature(team: Team) -> TempRepo:
    team.ours.git("checkout", "-q", "-b", "topic")
    team.own_commit()
    team.news()
    team.ours.git("fetch", "-q")
    team.ours.git("rebase", "-q", "origin/main")
    return team.ours


def worktree_add(team: Team) -> TempRepo:
    team.news()
    team.ours.git("fetch", "-q")
    team.ours.git("worktree", "add", "-q", str(team.place / "linked"), "origin/main")
    return TempRepo(team.place / "linked")


def pull_in_worktree(team: Team) -> TempRepo:
    team.ours.git("worktree", "add", "-q", "-b", "linked", str(team.place / "linked"), "origin/main")
    linked = TempRepo(team.place / "linked")
    assert pending_range(*open_state(linked)).empty
    team.news()
    linked.git("pull", "-q", "--ff-only", "origin", "main")
    return linked


def fresh_clone(team: Team) -> TempRepo:
    team.news()
    subprocess.run(
        ["git", "clone", "-q", str(team.place / "shared.git"), str(team.place / "fresh")], check=True
    )
    return TempRepo(team.place / "fresh")


def update_ref(team: Team) -> TempRepo:
    team.news()
    team.ours.git("fetch", "-q")
    team.ours.git("update-ref", "refs/heads/main", "origin/main")
    team.ours.git("read-tree", "-u", "--reset", "HEAD")
    return team.ours


def foreign_hooks_path(team: Team) -> TempRepo:
    team.ours.git("config", "core.hooksPath", ".husky/_")
    return pull(team)


def pull_autostash(team: Team) -> TempRepo:
    team.ours.write("mine.py", "b = 3\n")
    team.news()
    team.ours.git("pull", "-q", "--rebase", "--autostash")
    return team.ours


Way = Callable[[Team], TempRepo]
WAYS: dict[Way, tuple[str, ...]] = {
    pull: ("post-merge",),
    pull_true_merge: ("post-commit", "post-merge"),
    pull_rebase_nothing_local: ("post-merge",),
    pull_rebase_with_local: ("post-commit", "post-checkout", "post-commit", "post-rewrite"),
    conflicted_merge: ("post-commit", "post-commit"),
    squash_and_commit: ("post-merge", "post-commit"),
    fetch_and_reset: (),
    checkout_of_remote: ("post-checkout",),
    switch_and_merge: ("post-checkout", "post-commit", "post-checkout", "post-merge"),
    cherry_pick: ("post-commit", "post-commit"),
    rebase_feature: ("post-checkout", "post-commit", "post-checkout", "post-commit", "post-rewrite"),
    worktree_add: ("post-checkout",),
    pull_in_worktree: ("post-checkout", "post-merge"),
    fresh_clone: (),
    update_ref: (),
    foreign_hooks_path: (),
    pull_autostash: ("post-merge",),
}
"""Each way, and the hooks of ours that git fires in it."""


@pytest.mark.parametrize("hooks", [True, False], ids=["with-hooks", "without-hooks"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_arrived_is_pending_right_after(tmp_path: Path, way: Way, hooks: bool) -> None:
    team = Team(tmp_path, hooks)
    repo = way(team)
    git, state = open_state(repo)
    pending = pending_range(git, state)
    assert (repo.root / "agent-context/decisions/new.md").exists() and pending.head == git.head()
    if way is fresh_clone:
        assert pending.empty
    else:
        changed = {f.path for f in git.show_change(pending.base, pending.head).files}
        assert {"code.py", "agent-context/decisions/new.md"} <= changed
    assert tuple(a.hook for a in state.queued()) == (WAYS[way] if hooks else ())
    mark_seen(git, state, pending.head)
    assert pending_range(git, state).empty


def test_the_table_has_all_seventeen_ways() -> None:
    assert len(WAYS) == 17


# ------------------------------------------------------------------- the watermark


def test_a_first_look_takes_history_for_known(repo: TempRepo) -> None:
    repo.commit("one", {"a": "1"})
    git, state = open_state(repo)
    assert pending_range(git, state).empty
    second = repo.commit("two", {"a": "2"})
    pending = pending_range(git, state)
    assert (git.commits(range=f"{pending.base}..{pending.head}")[0].id, pending.head) == (second, second)


def test_an_unborn_repository_has_nothing_pending(repo: TempRepo) -> None:
    git, state = open_state(repo)
    assert pending_range(git, state).empty and state.seen("main") == ()
    repo.commit("one", {"a": "1"})
    assert pending_range(git, state).empty


def test_going_back_and_forth_between_branches_is_no_news(repo: TempRepo) -> None:
    repo.commit("base", {"a": "1"})
    git, state = open_state(repo)
    pending_range(git, state)
    for branch in ("one", "two"):
        repo.git("checkout", "-q", "-b", branch, "main")
        mark_seen(git, state, repo.commit(branch, {branch: "1"}))
    for branch in ("main", "one", "two", "main", "two", "one", "main~0"):
        repo.git("checkout", "-q", branch)
        assert pending_range(git, state).empty
    repo.git("checkout", "-q", "two")
    repo.git("merge", "-q", "--no-edit", "one")
    assert not pending_range(git, state).empty


def test_an_amended_commit_is_pending_from_its_parent(repo: TempRepo) -> None:
    parent = repo.commit("base", {"a": "1"})
    git, state = open_state(repo)
    mark_seen(git, state, repo.commit("two", {"a": "2"}))
    repo.write("a", "3")
    repo.git("commit", "-q", "-a", "--amend", "-m", "two again")
    assert pending_range(git, state).base == parent


def test_a_watermark_that_is_gone_leaves_freshness_and_a_sentence(repo: TempRepo) -> None:
    repo.commit("one", {"a": "1"})
    git, state = open_state(repo)
    mark_seen(git, state, "f" * 40)
    pending = pending_range(git, state)
    assert (pending.base, pending.head) == ("", git.head())
    assert "ffffffffffff" in pending.notice and not pending.empty


def test_an_unrelated_history_leaves_freshness_and_a_sentence(repo: TempRepo) -> None:
    repo.commit("one", {"a": "1"})
    git, state = open_state(repo)
    pending_range(git, state)
    repo.git("checkout", "-q", "--orphan", "new")
    repo.commit("other", {"a": "2"})
    assert pending_range(git, state).base == "" and pending_range(git, state).notice


def test_a_clone_without_hooks_is_told_so_once(repo: TempRepo) -> None:
    git, state = open_state(repo)
    assert "hooks install" in missing_hooks_notice(git, state)
    assert missing_hooks_notice(git, state) == ""


def test_a_clone_with_hooks_is_told_nothing(repo: TempRepo) -> None:
    git, state = open_state(repo)
    githooks.install(git)
    assert missing_hooks_notice(git, state) == ""


# ------------------------------------------------------------------- the worker


class Recorder:
    """A sync that writes down what it was asked."""

    def __init__(self, action: Callable[[], None] = lambda: None) -> None:
        self.calls: list[tuple[Path, str, str]] = []
        self.action = action

    def __call__(self, root: Path, base: str, head: str) -> None:
        self.calls.append((root, base, head))
        self.action()


@pytest.fixture
def hooked(repo: TempRepo) -> TempRepo:
    repo.commit("base", {"a": "0\n"})
    git, state = open_state(repo)
    githooks.install(git)
    pending_range(git, state)
    return repo


def test_many_lines_are_one_job_and_a_second_run_does_nothing(hooked: TempRepo) -> None:
    base = hooked.git("rev-parse", "HEAD")
    for number in range(5):
        hooked.commit(f"{number}", {"a": f"{number}\n"})
    git, state = open_state(hooked)
    sync = Recorder()
    assert worker.work(git, sync, debounce=0) == 1
    assert sync.calls == [(hooked.root, base, git.head())]
    state.enqueue(Arrival("post-merge", str(hooked.root)))
    assert worker.work(git, sync, debounce=0) == 0 and len(sync.calls) == 1
    assert state.queued() == ()


def test_a_rebase_of_many_commits_is_one_job(hooked: TempRepo) -> None:
    hooked.git("checkout", "-q", "-b", "topic")
    stream = "".join(
        f"commit refs/heads/topic\ncommitter A <a@b> {1000000000 + n} +0000\ndata 1\nx\n"
        + ("from refs/heads/main^0\n" if n == 0 else "")
        + f"M 644 inline f{n}\ndata 1\n{n % 10}\n"
        for n in range(60)
    )
    hooked.git("fast-import", "--quiet", "--force", stdin=stream)
    hooked.git("reset", "-q", "--hard", "topic")
    git, state = open_state(hooked)
    mark_seen(git, state, git.head())
    hooked.git("checkout", "-q", "main")
    mark_seen(git, state, hooked.commit("theirs", {"a": "theirs\n"}))
    state.take_queue()
    state.finish_queue()
    hooked.git("checkout", "-q", "topic")
    hooked.git("rebase", "-q", "main")
    assert [a.hook for a in state.queued()].count("post-commit") == 60
    sync = Recorder()
    assert worker.work(git, sync, debounce=0) == 1
    assert sync.calls[0][1:] == (hooked.git("rev-parse", "main"), git.head())


def test_every_work_tree_is_brought_to_its_own_head(hooked: TempRepo, tmp_path: Path) -> None:
    hooked.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    linked = TempRepo(tmp_path / "linked")
    pending_range(*open_state(linked))
    heads = {hooked.root: hooked.commit("main", {"a": "1"}), linked.root: linked.commit("side", {"b": "1"})}
    sync = Recorder()
    assert worker.work(Git.open(hooked.root), sync, debounce=0) == 2
    assert {root: head for root, _, head in sync.calls} == heads


@pytest.mark.parametrize(
    "failure", [ModelFailed("the provider\nrefused"), RuntimeError("the provider refused")]
)
def test_a_failed_sync_keeps_the_watermark_and_says_why(hooked: TempRepo, failure: Exception) -> None:
    def refuse() -> None:
        raise failure

    hooked.commit("one", {"a": "1"})
    git, state = open_state(hooked)
    before = pending_range(git, state)
    assert worker.work(git, Recorder(refuse), debounce=0) == 0
    assert pending_range(git, state) == before and "the provider refused" in state.failure()
    assert state.failed_head() == before.head
    state.enqueue(Arrival("post-merge", str(hooked.root)))
    assert worker.work(git, Recorder(), debounce=0) == 1
    assert pending_range(git, state).empty and state.failure() == ""


def test_a_killed_worker_loses_nothing(hooked: TempRepo) -> None:
    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    hooked.commit("one", {"a": "1"})
    git = Git.open(hooked.root)
    with pytest.raises(Killed):
        worker.work(git, Recorder(die), debounce=0)
    sync = Recorder()
    assert worker.work(git, sync, debounce=0) == 1 and sync.calls[0][2] == git.head()


def test_what_arrives_while_the_worker_works_is_worked_too(hooked: TempRepo) -> None:
    def another() -> None:
        if len(sync.calls) == 1:
            hooked.commit("meanwhile", {"a": "2"})

    sync = Recorder(another)
    hooked.commit("one", {"a": "1"})
    assert worker.work(Git.open(hooked.root), sync, debounce=0) == 2
    assert sync.calls[0][2] == sync.calls[1][1] and sync.calls[1][2] == hooked.git("rev-parse", "HEAD")


def test_a_merge_under_way_is_left_for_the_hook_at_its_end(hooked: TempRepo) -> None:
    hooked.git("checkout", "-q", "-b", "side")
    hooked.commit("side", {"a": "2\n"})
    hooked.git("checkout", "-q", "main")
    hooked.commit("main", {"a": "3\n"})
    hooked.git("merge", "side", check=False)
    git, state = open_state(hooked)
    sync = Recorder()
    assert worker.work(git, sync, debounce=0) == 0 and state.queued() == ()
    hooked.commit("settled", {"a": "4\n"})
    assert worker.work(git, sync, debounce=0) == 1 and len(sync.calls) == 1


def test_only_one_worker_works(hooked: TempRepo) -> None:
    hooked.commit("one", {"a": "1"})
    git, state = open_state(hooked)
    lock = state.path("worker.lock")
    assert lock is not None
    with locked(lock):
        assert worker.work(git, Recorder(), debounce=0) == 0
    assert len(state.queued()) == 1


def test_lines_about_other_or_vanished_places_are_dropped(hooked: TempRepo, tmp_path: Path) -> None:
    other = TempRepo.init(tmp_path / "other")
    other.commit("one", {"a": "1"})
    git, state = open_state(hooked)
    for place in (other.root, tmp_path / "gone"):
        state.enqueue(Arrival("post-merge", str(place)))
    sync = Recorder()
    assert worker.work(git, sync, debounce=0) == 0
    assert not sync.calls and state.queued() == () and not (other.root / ".git/agentctx").exists()


def test_a_reader_asks_for_the_worker_unless_that_range_has_failed(hooked: TempRepo) -> None:
    hooked.git("-c", "core.hooksPath=/dev/null", "commit", "-q", "--allow-empty", "-m", "unseen")
    git, state = open_state(hooked)
    assert catch_up(git, state).head == git.head()
    assert [a.hook for a in state.queued()] == ["catch-up"]
    state.set_failure("no", git.head())
    catch_up(git, state)
    assert len(state.queued()) == 1


def test_a_hook_manager_can_call_us_instead(repo: TempRepo) -> None:
    git, state = open_state(repo)
    note_arrival(git, state, "post-merge")
    assert state.queued() == (Arrival("post-merge", str(repo.root)),)


# ------------------------------------------------------------------- the real process


def test_a_hook_starts_a_worker_in_a_session_of_its_own(
    hooked: TempRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = tmp_path / "python"
    wrapper.write_text(f"#!/bin/sh\necho $$ > '{tmp_path}/pid'\nexec '{sys.executable}' \"$@\"\n")
    wrapper.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(wrapper))
    githooks.install(Git.open(hooked.root))
    monkeypatch.delenv("AGENTCTX_NO_WORKER")
    monkeypatch.setenv("AGENTCTX_DEBOUNCE", "1.5")
    (hooked.root / "json.py").write_text(f"open('{tmp_path}/loaded', 'w')\n")
    (hooked.root / "agentctx/flows").mkdir(parents=True)
    (hooked.root / "agentctx/flows/worker.py").write_text(f"open('{tmp_path}/loaded', 'w')\n")
    hooked.git("commit", "-q", "--allow-empty", "-m", "one")
    state = StateDir.open(hooked.root / ".git")
    until(lambda: state.path("worker.lock").exists())  # type: ignore[union-attr]
    worker_id = int((tmp_path / "pid").read_text())
    assert os.getsid(worker_id) == worker_id != os.getsid(0)
    until(lambda: not state.queued())
    assert not (tmp_path / "loaded").exists(), "code of the repository was run"


def test_at_its_end_a_worker_reads_what_the_next_briefing_needs(repo: TempRepo) -> None:
    repo.commit("one", {"agent-context/decisions/one.md": "# One\n\nWords.\n"})
    git, state = open_state(repo)
    lock = state.path("reading.lock")
    assert lock is not None
    with locked(lock):
        worker.read_ahead(repo.root)
        assert state.read("words") is None, "two read the same at once"
    worker.read_ahead(repo.root)
    assert state.read("words")["head"] == git.head()
    assert state.read("hooks-told") is None, "a person has not been told yet"


def test_a_worker_outside_a_repository_ends_quietly(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "agentctx.flows.worker"], cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_commit_with_hooks_takes_little_longer(hooked: TempRepo) -> None:
    def fastest(settings: list[str]) -> float:
        times = []
        for _ in range(8):
            begun = time.perf_counter()
            hooked.git(*settings, "commit", "-q", "--allow-empty", "-m", "x")
            times.append(time.perf_counter() - begun)
        return min(times)

    assert fastest([]) - fastest(["-c", "core.hooksPath=/dev/null"]) < 0.1


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
