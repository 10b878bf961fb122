"""The replay of a real history, on a small one."""

from __future__ import annotations

import json

import pytest

from bench.replay import main
from tests.repository import TempRepo


def test_a_replay_counts_what_each_merge_made_stale(
    repo: TempRepo, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.commit("Start", {"a.py": "def f():\n    return 1\n\n\ndef g():\n    return 2\n", "old.txt": "x\n"})
    repo.commit("Change f", {"a.py": "def f():\n    return 3\n\n\ndef g():\n    return 2\n"})
    repo.commit("Comment", {"a.py": "def f():\n    return 3  # three\n\n\ndef g():\n    return 2\n"})
    repo.git("mv", "a.py", "b.py")
    repo.commit("Move")
    head = repo.git("rev-parse", "HEAD")
    assert main([str(repo.root), "--merges", "3", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["notes"], report["merges"], report["unknown_share"]) == (2, 3, 0.0)
    assert report["states"] == {"stale": 1, "moved": 1}
    assert report["stale_per_merge"] == round(1 / 3, 3)
    assert report["median_processes"] > 0
    assert (repo.git("rev-parse", "HEAD"), repo.git("status", "--porcelain")) == (head, "")
