"""The watcher on a real folder: hand edits and git's moves are told, our own writes are not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from agentctx.flows.watch import Burst, watch
from tests.repository import TempRepo

CODE = "def add_tax(cents):\n    return cents\n"


@pytest.fixture
def shop(repo: TempRepo) -> TempRepo:
    repo.commit("code", {"src/money.py": CODE})
    repo.agentctx("init")
    repo.agentctx("new", "gotcha", "Tax", "--anchor", "src/money.py#add_tax", "--body", "Once.")
    repo.commit("notes")
    return repo


@contextmanager
def watching(shop: TempRepo, poll: bool) -> Iterator[list[str]]:
    said: list[str] = []
    stop = threading.Event()
    thread = threading.Thread(target=watch, args=(shop.root, said.append, stop, poll), daemon=True)
    thread.start()
    until(lambda: bool(said))
    time.sleep(0.3)
    yield said
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it was not told in time"
        time.sleep(0.1)


@pytest.mark.parametrize("poll", [False, True], ids=["told_by_the_system", "polling"])
def test_a_note_written_by_hand_and_a_commit_that_makes_one_stale_are_told(
    shop: TempRepo, poll: bool
) -> None:
    with watching(shop, poll) as said:
        shop.write("agent-context/gotchas/by-hand.md", "---\ntitle: By hand\n---\nCareful.\n")
        until(lambda: any("new" in line and "by-hand" in line for line in said))
        shop.commit("Change the tax", {"src/money.py": CODE.replace("(cents)", "(cents, rate)")})
        until(lambda: any(line.startswith("stale") and "tax" in line for line in said))
    assert any("parameter `rate` added" in line for line in said)


def test_a_broken_note_is_told_and_the_watch_goes_on(shop: TempRepo) -> None:
    with watching(shop, False) as said:
        shop.write("agent-context/gotchas/broken.md", "---\ntitle: [\n---\n")
        until(lambda: any("agentctx lint" in line for line in said))
        (shop.root / "agent-context/gotchas/broken.md").unlink()
        shop.write("agent-context/gotchas/fine.md", "---\ntitle: Fine\n---\nGood.\n")
        until(lambda: any("fine" in line for line in said))


def test_at_the_limit_of_watches_it_polls_instead(shop: TempRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    import watchdog.observers

    def full(*args: Any, **more: Any) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(watchdog.observers.Observer, "schedule", full)
    with watching(shop, False) as said:
        shop.write("agent-context/gotchas/later.md", "---\ntitle: Later\n---\nYes.\n")
        until(lambda: any("later" in line for line in said))
    assert any("looking every" in line for line in said)


class Event:
    is_directory = False
    dest_path = ""

    def __init__(self, path: str, kind: str = "modified") -> None:
        self.src_path, self.event_type = path, kind


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("/r/agent-context/gotchas/a.md", True),
        ("/r/agent-context/index.json", False),
        ("/r/agent-context/gotchas/.a.md.x1.agentctx-tmp", False),
        ("/r/agent-context/gotchas/a.md.swp", False),
        ("/r/.git/refs/heads/main", True),
        ("/r/.git/refs/heads/main.lock", False),
        ("/r/src/a.py", False),
    ],
)
def test_only_notes_and_refs_count(path: str, counts: bool) -> None:
    from pathlib import Path

    burst = Burst([Path("/r/agent-context"), Path("/r/.git/refs")])
    burst.dispatch(Event(path))
    assert bool(burst.wait(0)) == counts
