"""The history index out of real git: built once, then only what is new, and never made up."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from agentctx.git import Git
from agentctx.proposals.merge_log import merge_history
from tests.repository import TempRepo


class Kept(dict[str, Any]):
    """A cache that keeps everything."""

    def read(self, name: str) -> Any:
        return self.get(name)

    def write(self, name: str, value: Any) -> bool:
        self[name] = value
        return True


def history(repo: TempRepo, rev: str, kept: Kept | None = None) -> list[tuple[str, tuple[str, ...]]]:
    """Titles and paths of the merges up to a revision."""
    with Git.open(repo.root) as git:
        found = merge_history(git, git.rev_parse(rev), kept if kept is not None else Kept())
    return [(merge.subject, merge.paths) for merge in found.merges]


def logs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ranges that git is asked for from now on."""
    asked: list[str] = []
    run = Git.run

    def spy(self: Git, *args: str, **more: Any) -> bytes:
        if args[0] == "log":
            asked.append(next(a for a in args[1:] if not a.startswith("-")))
        return run(self, *args, **more)

    monkeypatch.setattr(Git, "run", spy)
    return asked


@pytest.fixture
def forked(repo: TempRepo) -> TempRepo:
    """Six commits on main, and two on a branch that left it after the fourth."""
    for n in range(6):
        repo.commit(f"Main {n}", {"src/a.py": f"A = {n}\n", f"src/m{n}.py": f"M = {n}\n"})
    repo.git("checkout", "-q", "-b", "side", "HEAD~2")
    for n in range(2):
        repo.commit(f"Side {n}", {"src/a.py": f"A = '{n}'\n"})
    return repo


def test_one_index_serves_older_points_and_other_branches(
    forked: TempRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = {rev: history(forked, rev) for rev in ("main", "main~3", "side")}
    kept = Kept()
    asked = logs(monkeypatch)
    start = forked.git("rev-parse", "side~2")
    assert history(forked, "main", kept) == alone["main"]
    assert history(forked, "main~3", kept) == alone["main~3"]
    assert history(forked, "main", kept) == alone["main"]
    assert history(forked, "side", kept) == alone["side"]
    assert history(forked, "main", kept) == alone["main"]
    main, side = forked.git("rev-parse", "main"), forked.git("rev-parse", "side")
    assert asked == [main, f"{start}..{side}", f"{start}..{main}"]


def test_a_build_that_is_interrupted_goes_on_where_it_was(
    repo: TempRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "".join(
        f"commit refs/heads/main\ncommitter A <a@example.org> {n} +0000\ndata 2\nc\n"
        f"M 644 inline a\ndata 4\n{n:04}\n"
        for n in range(250)
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=repo.root, input=script.encode(), check=True)
    kept, said = Kept(), []

    def interrupted(read: int) -> None:
        said.append(read)
        if read == 200:
            raise KeyboardInterrupt

    whole = history(repo, "main")
    with Git.open(repo.root) as git:
        head = git.rev_parse("main")
        with pytest.raises(KeyboardInterrupt):
            merge_history(git, head, kept, progress=interrupted)
        assert said == [100, 200]
        asked = logs(monkeypatch)
        merge_history(git, head, kept, progress=said.append)
        assert asked == [f"{git.rev_parse('main~50')}..{head}"] and said == [100, 200]
    assert history(repo, "main", kept) == whole and len(whole) == 250


def clone(repo: TempRepo, target: Path, *options: str) -> TempRepo:
    subprocess.run(["git", "clone", "-q", *options, f"file://{repo.root}", str(target)], check=True)
    return TempRepo(target)


def test_the_end_of_a_shallow_clone_is_no_change(forked: TempRepo, tmp_path: Path) -> None:
    small = clone(forked, tmp_path / "small", "--depth=2", "-b", "main")
    kept = Kept()
    assert history(small, "main", kept) == [("Main 5", ("src/a.py", "src/m5.py"))]
    small.git("fetch", "-q", "--unshallow")
    assert history(small, "main", kept) == history(forked, "main")


def test_a_clone_without_contents_is_read_without_renames(forked: TempRepo, tmp_path: Path) -> None:
    forked.git("checkout", "-q", "main")
    long = "".join(f"LINE_{n} = {n}\n" for n in range(40))
    forked.commit("Long", {"src/long.py": long})
    (forked.root / "src/long.py").unlink()
    forked.commit("Move and edit", {"src/longer.py": f"{long}MORE = 1\n"})
    forked.git("config", "uploadpack.allowFilter", "true")
    bare = clone(forked, tmp_path / "bare", "--filter=blob:none", "--no-checkout")
    found = history(bare, "main")
    assert [title for title, _ in found] == [*(f"Main {n}" for n in range(6)), "Long", "Move and edit"]
    assert "src/longer.py" in found[-1][1]
