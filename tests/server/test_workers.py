"""Several processes behind one address: they share the load, and one that dies takes nothing with it."""

from __future__ import annotations

import http.client
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentctx.server import rates
from agentctx.server.rates import SharedRates
from tests.repository import TempRepo
from tests.server.web import Served, serving


def workers_of(pid: int) -> list[int]:
    """The processes that answer; beside them Python keeps one that only watches."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in _command(child)]


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended since it was listed
        return b""


def until(holds: Callable[[], bool]) -> None:
    """Wait for it, half a minute at most."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


_PART = 500  # episodes of one session: half of what one answer lists, since a fast machine writes thousands


def found(served: Served, written: int) -> set[str]:
    """The ids of all episodes that are there, when this many were acknowledged."""
    parts = [f"part {number}" for number in range(written // _PART + 1)]
    answers = [served.call("recent_episodes", session_id=part, limit=1000) for part in parts]
    return {episode["id"] for answer in answers for episode in answer["episodes"]}


def write(served: Served, kept: list[str], stop: threading.Event) -> None:
    """Append episodes; a connection that a dying worker had is opened anew."""
    while not stop.is_set():
        try:
            step = len(kept)
            kept.append(
                served.call("remember", text=f"step {step}", session_id=f"part {step // _PART}")["id"]
            )
        except (OSError, http.client.HTTPException):
            continue


@contextmanager
def writing(served: Served) -> Iterator[list[str]]:
    """Three clients that write all the while; the ids that were acknowledged to them."""
    kept: list[str] = []
    stop = threading.Event()
    writers = [threading.Thread(target=write, args=(served, kept, stop), daemon=True) for _ in range(3)]
    for writer in writers:
        writer.start()
    try:
        yield kept
    finally:
        stop.set()
        for writer in writers:
            writer.join(30)


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_killing_worker_after_worker_loses_nothing_that_was_acknowledged(
    repo: TempRepo, engine: str, request: pytest.FixtureRequest
) -> None:
    dsn = request.getfixturevalue("empty_database") if engine == "postgres" else ""
    repo.commit("begin", {"a.txt": "a\n"})
    with serving(repo.root, "serve", "--workers", "2", AGENTCTX_DSN=dsn) as served:
        server = served.process.pid
        with writing(served) as kept:
            for number in range(3):
                goal = len(kept) + 20
                until(lambda goal=goal: len(kept) >= goal and len(workers_of(server)) == 2)  # type: ignore[misc]
                victim = workers_of(server)[number % 2]
                os.kill(victim, signal.SIGKILL)
                until(lambda victim=victim: victim not in workers_of(server))  # type: ignore[misc]
            until(lambda: len(workers_of(server)) == 2)
        assert len(kept) >= 60 and set(kept) <= found(served, len(kept))
        assert served.log.read_text().count("was killed by signal 9 and is started again") == 3


def test_the_counts_of_all_workers_are_told_together(repo: TempRepo) -> None:
    repo.commit("begin", {"a.txt": "a\n"})
    with serving(repo.root, "serve", "--workers", "3") as served:
        for _ in range(30):
            assert served.ask("GET", "/healthz")[0] == 200
        wanted = 'agentctx_requests_total{route="healthz",status="200"} 30\n'
        until(lambda: wanted in served.ask("GET", "/metrics")[1])


def test_workers_end_with_the_process_that_started_them(repo: TempRepo) -> None:
    repo.commit("begin", {"a.txt": "a\n"})
    with serving(repo.root, "serve", "--workers", "2") as served:
        served.call("remember", text="up")
        running = workers_of(served.process.pid)
        assert len(running) == 2
        served.process.kill()
        until(lambda: not any(_lives(pid) for pid in running))


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_is_wrong_is_told_once_and_before_any_worker_starts(repo: TempRepo) -> None:
    repo.commit("begin", {"a.txt": "a\n"})
    done = subprocess.run(
        [sys.executable, "-m", "agentctx", "serve", "--workers", "4", "--port", "0"],
        cwd=repo.root, env={**os.environ, "AGENTCTX_DSN": "postgresql://nobody@127.0.0.1:1/x"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert done.stderr.count("PostgreSQL cannot be reached") == 1
    assert "serves" not in done.stderr


@contextmanager
def held_up(pids: list[int]) -> Iterator[None]:
    """Processes that do nothing meanwhile."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_a_rate_holds_for_all_workers_together(repo: TempRepo) -> None:
    repo.commit("begin", {"a.txt": "a\n"})
    with serving(repo.root, "serve", "--workers", "2", "--rate", "60") as served:
        until(lambda: len(workers_of(served.process.pid)) == 2)
        first, second = workers_of(served.process.pid)
        began, admitted = time.monotonic(), []
        for other in (second, first):
            with held_up([other]):
                statuses = [served.ask("GET", "/openapi.json")[0] for _ in range(25)]
            admitted.append(statuses.count(200))
        back = time.monotonic() - began  # one a second
        assert admitted[0] >= 10
        assert sum(admitted) <= 10 + back + 1


def _taken(path: Path, name: str) -> int:
    rates = SharedRates(path)
    return sum(rates.take(name, 60, 50, now=1.0) == 0 for _ in range(40))


def test_processes_take_from_one_bucket_and_names_do_not_share(tmp_path: Path) -> None:
    path = tmp_path / "rates"
    with ProcessPoolExecutor(4, multiprocessing.get_context("spawn")) as several:
        taken = several.map(_taken, [path] * 4, ["one"] * 4)
        assert sum(taken) == 50
    again, other = SharedRates(path), SharedRates(path)
    assert again.take("one", 60, 50, now=1.0) == pytest.approx(1.0)
    assert again.take("one", 60, 50, now=2.0) == 0.0
    assert other.take("another", 60, 50, now=1.0) == 0.0


def test_the_longest_unseen_name_of_a_full_set_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "_SETS", 1)
    shared = SharedRates(tmp_path / "rates")
    for number in range(9):
        assert shared.take(f"name {number}", 60, 1, now=float(number)) == 0.0
    assert shared.take("name 8", 60, 1, now=8.0) > 0
    assert shared.take("name 0", 60, 1, now=8.0) == 0.0
