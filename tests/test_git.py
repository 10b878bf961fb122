"""The door to git, on real repositories: ordinary, odd and hostile ones."""

from __future__ import annotations

import gc
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from agentctx.diff import parse_patch
from agentctx.errors import Conflict, GitFailed, NotARepository, NotFound
from agentctx.git import Git, RevTree, WorkTree
from agentctx.git import history as history_module
from agentctx.model import Edit
from tests.repository import TempRepo

AWKWARD = [
    "plain.txt", "with space", "line\nbreak", "tab\there", 'quo"te', "é", "latin-\udce9", "-dash", ":colon",
    "a/b/c d", "back\\slash", "*star", "abc blob 3",
]  # fmt: skip


@pytest.fixture
def awkward(repo: TempRepo) -> Git:
    for name in AWKWARD:
        repo.write(name, name.encode("utf-8", "surrogateescape") + b"\n")
    repo.commit("all names")
    return Git.open(repo.root)


# ------------------------------------------------------------------- names, trees, blobs


def test_every_file_name_survives_every_listing(awkward: Git) -> None:
    names = sorted(AWKWARD)
    assert sorted(awkward.tree("HEAD")) == sorted(awkward.index_tree()) == names
    work = WorkTree(awkward)
    assert list(work.paths()) == list(RevTree(awkward, "HEAD").paths()) == names
    for name in names:
        content = name.encode("utf-8", "surrogateescape") + b"\n"
        assert work.read(name) == content == awkward.read_blob(f"HEAD:{name}")
        assert awkward.commits([name])[0].subject == "all names"
    assert sorted(awkward.log_touching(names)[0][1]) == names


def test_blobs_are_read_in_the_order_asked_and_absent_ones_are_none(awkward: Git) -> None:
    oids = awkward.tree("HEAD")
    specs = [
        "HEAD:plain.txt",
        "0" * 40,
        "HEAD:line\nbreak",
        "HEAD:a",
        "HEAD:none",
        oids["é"],
        "HEAD",
        "",
        " ",
    ]
    answers = [b"plain.txt\n", None, b"line\nbreak\n", None, None, "é\n".encode(), None, None, None]
    assert list(awkward.read_blobs(specs)) == list(zip(specs, answers, strict=True))


def test_many_and_large_blobs_never_block(repo: TempRepo) -> None:
    files: dict[str, str | bytes] = {f"d{n % 7}/{n}": f"{n}\n" * 3000 for n in range(600)}
    repo.commit("many", {**files, "large": os.urandom(3_000_000), "empty": b""})
    git = Git.open(repo.root)
    read = dict(git.read_blobs(f"HEAD:{name}" for name in [*files, "large", "empty"]))
    assert sum(len(data or b"") for data in read.values()) > 8_000_000
    assert read["HEAD:empty"] == b"" and None not in read.values()


def test_many_threads_share_one_reading_process(awkward: Git) -> None:
    wrong: list[object] = []

    def read() -> None:
        for _ in range(60):
            for name in ("plain.txt", "é", "none"):
                expected = None if name == "none" else name.encode() + b"\n"
                if awkward.read_blob(f"HEAD:{name}") != expected:
                    wrong.append(name)

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_reading_process_that_was_killed_is_replaced(awkward: Git) -> None:
    assert awkward.read_blob("HEAD:plain.txt")
    child = awkward.objects._child
    assert child is not None
    child.kill()
    child.wait()
    assert awkward.read_blob("HEAD:plain.txt") == b"plain.txt\n"


def test_a_forgotten_repository_leaves_no_process(repo: TempRepo) -> None:
    repo.commit("one", {"a": "1"})
    git = Git.open(repo.root)
    git.read_blob("HEAD:a")
    child = git.objects._child
    assert child is not None
    del git
    gc.collect()
    assert child.poll() is not None


# ------------------------------------------------------------------- the work tree


def test_a_work_tree_shows_what_lies_on_disk(repo: TempRepo) -> None:
    repo.commit(
        "one", {n: f"{n}\n" for n in ("clean", "edited", "staged", "both", "deleted", "removed", "moved")}
    )
    git = Git.open(repo.root)
    repo.write(".gitignore", "ignored\n")
    for name in ("edited", "staged", "both", "new", "ignored", "added"):
        repo.write(name, f"{name} 2\n")
    repo.git("add", "staged", "both", "added")
    repo.git("add", "-N", "new")
    repo.write("both", "both 3\n")
    (repo.root / "deleted").unlink()
    repo.git("rm", "-q", "--cached", "removed")
    repo.git("mv", "moved", "there")
    tree = WorkTree(git)
    assert {path: (tree.read(path) or b"").decode() for path in tree.paths()} == {
        ".gitignore": "ignored\n", "clean": "clean\n", "edited": "edited 2\n", "staged": "staged 2\n",
        "both": "both 3\n", "removed": "removed\n", "there": "moved\n", "new": "new 2\n",
        "added": "added 2\n",
    }  # fmt: skip
    committed = git.tree("HEAD")
    assert tree.key("clean") == committed["clean"] and tree.key("there") == committed["moved"]
    assert tree.key("edited").startswith("w:") and tree.key("deleted") == tree.key("nothing") == ""
    assert tree.read("deleted") is None and tree.read("ignored") is None
    assert git.dirty()["edited"] == ".M" and git.dirty()["new"] == ".A" and git.dirty()["removed"] == "??"
    assert (tree.head, tree.status.branch) == (git.head(), "main")


def test_a_file_in_conflict_is_read_from_disk(repo: TempRepo) -> None:
    repo.commit("base", {"a": "1\n"})
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("side", {"a": "2\n"})
    repo.git("checkout", "-q", "main")
    repo.commit("main", {"a": "3\n"})
    repo.git("merge", "side", check=False)
    git = Git.open(repo.root)
    tree = WorkTree(git)
    assert b"<<<<<<<" in (tree.read("a") or b"") and git.dirty()["a"] == "UU"
    assert git.index_tree() == {} and git.in_progress() == "merge"


def test_nothing_outside_the_repository_is_read_through_links(repo: TempRepo, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/key").write_text("secret")
    repo.commit("one", {"folder/key": "fine\n", "file": "fine\n"})
    (repo.root / "committed").symlink_to(tmp_path / "secrets/key")
    repo.commit("a link")
    (repo.root / "folder/key").unlink()
    (repo.root / "folder").rmdir()
    (repo.root / "folder").symlink_to(tmp_path / "secrets")
    (repo.root / "file").unlink()
    (repo.root / "file").symlink_to(tmp_path / "secrets/key")
    os.mkfifo(repo.root / "pipe")
    tree = WorkTree(Git.open(repo.root))
    for path in ("folder/key", "file", "committed", "pipe", "folder"):
        assert tree.read(path) is None and tree.key(path) == "" and path not in tree.paths()


def test_a_work_tree_costs_two_processes(
    repo: TempRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("one", {f"{n}": "1" for n in range(50)})
    for n in range(30):
        repo.write(f"{n}", "changed")
    git = Git.open(repo.root)
    started: list[tuple[str, ...]] = []
    start = git.runner.start
    monkeypatch.setattr(
        git.runner, "start", lambda *args, **more: (started.append(args), start(*args, **more))[1]
    )
    tree = WorkTree(git)
    assert len([tree.key(path) for path in tree.paths()]) == 50
    assert [args[0] for args in started] == ["status", "ls-files"]


def test_an_uncommitted_file_that_is_too_large_is_there_but_unread(
    repo: TempRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("one", {"a": "1"})
    repo.write("a", "x" * 100)
    monkeypatch.setattr("agentctx.git.trees.SOURCE_LIMIT", 50)
    tree = WorkTree(Git.open(repo.root))
    assert tree.read("a") is None and tree.key("a").startswith("w:") and "a" in tree.paths()


# ------------------------------------------------------------------- history and patches


def merged(repo: TempRepo) -> Git:
    repo.commit("base", {"code.py": "a = 1\n", "note.md": "one\n", "other": "x\n"})
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("code only", {"code.py": "a = 2\n"})
    repo.commit("note only", {"note.md": "two\n"})
    repo.git("checkout", "-q", "main")
    repo.commit("other", {"other": "y\n"})
    repo.git("merge", "-q", "--no-ff", "-m", "merge side\n\nWhy: because\n", "side")
    return Git.open(repo.root)


def test_a_merge_counts_by_what_it_brought_to_its_first_parent(repo: TempRepo) -> None:
    git = merged(repo)
    found = {commit.subject: paths for commit, paths in git.log_touching(["note.md", "code.py"])}
    assert set(found.pop("merge side")) == {"code.py", "note.md"}
    assert found == {"note only": ("note.md",), "code only": ("code.py",), "base": ("code.py", "note.md")}
    base = git.commits()[-1].id
    assert {c.subject for c, _ in git.log_touching(["note.md"], since=base)} == {"merge side", "note only"}


def test_more_paths_than_a_command_line_holds_give_the_same_answer(
    repo: TempRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = merged(repo)
    few = git.log_touching(["note.md", "code.py"])
    monkeypatch.setattr(history_module, "_MANY_PATHS", 1)
    assert git.log_touching(["note.md", "code.py"]) == few


def test_commits_come_newest_first_with_their_facts(repo: TempRepo) -> None:
    repo.commit("première", {"a": "1"}, author="Zoë Ä <z@example.org>")
    repo.commit("second\n\nbody", {"b": "1"})
    git = Git.open(repo.root)
    newest, oldest = git.commits()
    assert (oldest.author, oldest.subject, newest.subject) == ("Zoë Ä", "première", "second")
    assert newest.date[10] == "T" and newest.id == git.head()
    assert git.commits(limit=1) == [newest] == git.commits(range=f"{oldest.id}..HEAD") == git.commits(["b"])


def test_a_change_has_its_files_its_words_and_its_commits(repo: TempRepo) -> None:
    git = merged(repo)
    base = git.rev_parse("HEAD^1")
    change = git.show_change(base, git.head())
    assert [(f.path, f.status, f.hunks[0].added) for f in change.files] == [
        ("code.py", "M", ("a = 2",)), ("note.md", "M", ("two",)),
    ]  # fmt: skip
    assert (change.subject, change.body) == ("merge side", "Why: because")
    assert [c.subject for c in change.commits] == ["merge side", "note only", "code only"]
    everything = git.show_change("", git.head())
    assert {f.path: f.status for f in everything.files} == {"code.py": "A", "note.md": "A", "other": "A"}


def test_a_change_too_large_for_hunks_is_listed_by_file(
    repo: TempRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("one", {"old name": "same\n" * 20, "b": "1\n", "c": "1\n"})
    base = repo.git("rev-parse", "HEAD")
    repo.git("mv", "old name", "new name")
    (repo.root / "c").unlink()
    repo.commit("two", {"b": "2\n"})
    git = Git.open(repo.root)
    full = {(f.path, f.status, f.old_path, f.similarity) for f in git.show_change(base, "HEAD").files}
    monkeypatch.setattr(history_module, "FULL_PATCH", 1)
    short = git.show_change(base, "HEAD").files
    assert {(f.path, f.status, f.old_path, f.similarity) for f in short} == full
    assert not any(f.hunks for f in short)


def test_of_a_giant_file_it_is_told_that_it_changed_and_not_how(repo: TempRepo) -> None:
    giant = "x = 1\n" * 800_000
    repo.commit("Start", {"a.py": "A = 1\n", "giant.py": giant})
    repo.write("a.py", "A = 2\n")
    repo.write("giant.py", f"{giant}y = 1\n")
    with Git.open(repo.root) as git:
        shown = [git.patch_worktree().decode()]
        repo.commit("Change both")
        shown.append(git.patch("HEAD~1", "HEAD").decode())
    for text in shown:
        assert [(f.path, len(f.hunks)) for f in parse_patch(text)] == [("a.py", 1), ("giant.py", 0)]


def test_a_patch_does_not_depend_on_the_persons_settings(repo: TempRepo) -> None:
    repo.commit("one", {"a": "1\n", "é": "1\n"})
    repo.commit("two", {"a": "2\n", "é": "2\n"})
    repo.write("a", "3\n")
    git = Git.open(repo.root)
    before = git.patch("HEAD~1", "HEAD"), git.patch_worktree(), git.commits()
    for setting in (
        "diff.noprefix=true", "diff.mnemonicPrefix=true", "color.ui=always", "diff.renames=copies",
        "diff.context=0", "diff.external=false", "core.quotePath=true", "diff.relative=true",
        "core.pager=false", "log.date=relative", "format.pretty=oneline", "log.showRoot=false",
        "diff.algorithm=patience", "diff.orderFile=/nonexistent", "diff.interHunkContext=9",
        "log.decorate=full", "diff.submodule=log",
    ):  # fmt: skip
        repo.git("config", *setting.split("=", 1))
    git = Git.open(repo.root)
    assert (git.patch("HEAD~1", "HEAD"), git.patch_worktree(), git.commits()) == before


def test_a_file_with_a_new_time_and_old_content_is_no_change(repo: TempRepo) -> None:
    repo.commit("one", {"a": "1\n", "b": "1\n", "c": "1\n"})
    repo.write("b", "diff --git a/x b/x\n")
    for name in "ac":
        os.utime(repo.root / name, (1, 1))
    patch = Git.open(repo.root).patch_worktree().decode()
    assert patch.count("diff --git") == 2 and "+diff --git a/x b/x" in patch and "a/a" not in patch


def test_what_is_no_revision_is_said_to_be_none(repo: TempRepo) -> None:
    repo.commit("one", {"a": "1"})
    git = Git.open(repo.root)
    for name in ("nothing", "--all", "-n1", "HEAD:a", "", "a\0b", "HEAD..HEAD~3"):
        with pytest.raises(NotFound):
            git.rev_parse(name)
    for name in ("--output=/tmp/x", "-p"):
        with pytest.raises(NotFound):
            git.commits(range=name)
        with pytest.raises(NotFound):
            git.tree(name)
        with pytest.raises(NotFound):
            git.patch(name, "HEAD")


def test_the_upstream_is_where_everybodys_work_ends(repo: TempRepo, tmp_path: Path) -> None:
    repo.commit("one", {"a": "1"})
    git = Git.open(repo.root)
    assert git.default_upstream() == ""
    subprocess.run(["git", "clone", "-q", str(repo.root), str(tmp_path / "clone")], check=True)
    clone = TempRepo(tmp_path / "clone")
    assert Git.open(clone.root).default_upstream() == "refs/remotes/origin/main"
    clone.git("remote", "set-head", "origin", "--delete")
    clone.git("update-ref", "refs/remotes/fork/main", "HEAD")
    assert Git.open(clone.root).default_upstream() == "refs/remotes/origin/main"
    clone.git("checkout", "-q", "-b", "topic")
    assert (Git.open(clone.root).branch(), git.merge_base("HEAD", "HEAD")) == ("topic", git.head())
    clone.git("checkout", "-q", "--detach")
    assert Git.open(clone.root).branch() == ""


# ------------------------------------------------------------------- odd repositories


def test_an_unborn_repository_has_files_but_no_history(repo: TempRepo) -> None:
    git = Git.open(repo.root)
    repo.write("a", "1")
    repo.git("add", "a")
    repo.write("b", "2")
    tree = WorkTree(git)
    assert (git.head(), tree.head, git.branch(), list(tree.paths())) == ("", "", "main", ["a", "b"])
    assert git.commits() == [] == git.log_touching(["a"]) and git.dirty() == {"a": "A.", "b": "??"}
    assert git.read_blob("HEAD:a") is None and git.merge_base("HEAD", "HEAD") == ""
    with pytest.raises(NotFound):
        git.rev_parse("HEAD")


def test_a_sha256_repository_works(tmp_path: Path) -> None:
    repo = TempRepo.init(tmp_path / "r", "--object-format=sha256")
    repo.commit("one", {"a": "1\n"})
    git = Git.open(repo.root)
    assert git.object_format == "sha256" and len(git.head()) == 64
    assert git.read_blob("HEAD:a") == git.read_blob(git.tree("HEAD")["a"]) == b"1\n"
    assert git.show_change("", "HEAD").files[0].path == "a"
    with pytest.raises(GitFailed, match="SHA-1"):
        git.commit_tree("HEAD", [], "m", "b")


def test_a_shallow_clone_says_what_to_type(repo: TempRepo, tmp_path: Path) -> None:
    first = repo.commit("one", {"a": "1"})
    repo.commit("two", {"a": "2"})
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", f"file://{repo.root}", str(tmp_path / "s")], check=True
    )
    git = Git.open(tmp_path / "s")
    assert git.is_shallow and git.objects.kind(first) == "" and git.merge_base(git.head(), first) == ""
    with pytest.raises(NotFound) as missing:
        git.rev_parse(first)
    assert "--unshallow" in missing.value.hint
    with pytest.raises(GitFailed) as refused:
        git.commits(range=f"{first}..HEAD")
    assert "--unshallow" in refused.value.hint


def partial_clone(repo: TempRepo, place: Path) -> TempRepo:
    repo.git("config", "uploadpack.allowFilter", "true")
    subprocess.run(
        ["git", "clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{repo.root}", str(place)],
        check=True,
    )
    return TempRepo(place)


def test_a_partial_clone_is_read_offline_and_never_fetches(repo: TempRepo, tmp_path: Path) -> None:
    repo.commit("one", {f"{n}.py": f"{n}\n" for n in range(300)})
    clone = partial_clone(repo, tmp_path / "p")
    clone.git("sparse-checkout", "set", "--no-cone", "7.py")
    clone.git("checkout", "-q", "main")
    git = Git.open(clone.root)
    begun = time.monotonic()
    read = dict(git.read_blobs(f"HEAD:{n}.py" for n in range(300)))
    assert time.monotonic() - begun < 10
    assert {name for name, data in read.items() if data is not None} == {"HEAD:7.py"}
    tree = WorkTree(git)
    assert len(tree.paths()) == 300 and tree.read("7.py") == b"7\n" and tree.read("8.py") is None
    assert git.objects.kind(git.tree("HEAD")["8.py"]) == ""


def test_bare_and_inside_and_outside_are_told_apart(repo: TempRepo, tmp_path: Path) -> None:
    TempRepo.init(tmp_path / "bare.git", "--bare")
    (tmp_path / "plain").mkdir()
    places = {tmp_path / "bare.git": "bare", repo.root / ".git": "inside", tmp_path / "plain": "not inside"}
    for place, words in places.items():
        with pytest.raises(NotARepository, match=words) as refused:
            Git.open(place)
        assert refused.value.hint
    with pytest.raises(NotARepository):
        Git.open(tmp_path / "nowhere/at/all")


def test_a_linked_work_tree_shares_the_clones_state_folder(repo: TempRepo, tmp_path: Path) -> None:
    repo.commit("one", {"a/b": "1"})
    repo.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    main, linked = Git.open(repo.root), Git.open(tmp_path / "linked/a")
    assert linked.root == tmp_path / "linked" and linked.common_dir == main.common_dir == main.git_dir
    assert linked.git_dir != main.git_dir and linked.hooks_path() == main.hooks_path()
    (repo.root / "a/b").write_text("2")
    assert (main.dirty(), linked.dirty()) == ({"a/b": ".M"}, {})


def test_variables_that_git_gives_its_hooks_do_not_mislead(
    repo: TempRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("one", {"a": "1"})
    other = TempRepo.init(tmp_path / "other")
    other.commit("other", {"b": "1"})
    monkeypatch.setenv("GIT_DIR", str(repo.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(repo.root))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repo.root / ".git/index"))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'core.bare'='true'")
    assert list(Git.open(other.root).index_tree()) == ["b"]


def test_another_index_can_be_named(repo: TempRepo) -> None:
    repo.commit("one", {"a": "1"})
    (repo.root / "spare").write_bytes((repo.root / ".git/index").read_bytes())
    repo.git("rm", "-q", "--cached", "a")
    assert list(Git.open(repo.root, index_file=str(repo.root / "spare")).index_tree()) == ["a"]
    assert Git.open(repo.root).index_tree() == {}


def test_a_foreign_owner_is_named_with_the_way_out(repo: TempRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setattr("agentctx.git.runner._KEPT", frozenset({"GIT_TEST_ASSUME_DIFFERENT_OWNER"}))
    with pytest.raises(GitFailed, match="dubious ownership") as refused:
        Git.open(repo.root)
    assert refused.value.hint.endswith(f"safe.directory '{repo.root}'")


def test_a_locked_index_stops_writers_only(repo: TempRepo) -> None:
    repo.commit("one", {"a": "1"})
    repo.write("a", "2")
    (repo.root / ".git/index.lock").write_text("")
    git = Git.open(repo.root)
    assert git.dirty() == {"a": ".M"} and WorkTree(git).read("a") == b"2"
    with pytest.raises(GitFailed) as refused:
        git.run("add", "a")
    assert "another git process" in refused.value.hint


def test_a_missing_git_is_said_in_words(repo: TempRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repo.root))
    with pytest.raises(GitFailed, match="not installed"):
        Git.open(repo.root)


def test_a_folder_with_a_line_break_in_its_name_is_opened(tmp_path: Path) -> None:
    repo = TempRepo.init(tmp_path / "two\nlines")
    repo.commit("one", {"a": "1"})
    assert Git.open(repo.root).root == repo.root


def test_reading_writes_nothing_into_the_repository(repo: TempRepo) -> None:
    repo.commit("one", {"a": "1", "b": "1"})
    os.utime(repo.root / "a", (1, 1))

    def stamps() -> dict[str, int]:
        return {str(p): p.stat().st_mtime_ns for p in (repo.root / ".git").rglob("*")}

    before = stamps()
    with Git.open(repo.root) as git:
        WorkTree(git).paths()
        git.show_change("", "HEAD")
        git.patch_worktree()
        git.log_touching(["a"])
    assert stamps() == before


# ------------------------------------------------------------------- hostile repositories

TRAPS = {
    "fsmonitor": ("core.fsmonitor", "TRAP"),
    "external-diff": ("diff.external", "TRAP"),
    "diff-driver": ("diff.evil.command", "TRAP"),
    "text-conversion": ("diff.evil.textconv", "TRAP"),
    "clean-filter": ("filter.evil.clean", "TRAP"),
    "process-filter": ("filter.evil.process", "TRAP"),
    "pager": ("core.pager", "TRAP"),
    "signature-checker": ("gpg.program", "TRAP"),
    "hooks-path": ("core.hooksPath", "HOOKS"),
    "alias": ("alias.status", "!TRAP"),
    "ssh": ("core.sshCommand", "TRAP"),
    "lazy-fetch": ("remote.origin.url", "ext::TRAP"),
    "upload-pack": ("remote.origin.uploadpack", "TRAP"),
    "editor": ("core.editor", "TRAP"),
    "askpass": ("core.askPass", "TRAP"),
}


REMOTE_TRAPS = ("lazy-fetch", "upload-pack")
ARMED = ("fsmonitor", "external-diff", "diff-driver", "text-conversion", "clean-filter", "signature-checker",
         "hooks-path", *REMOTE_TRAPS)  # fmt: skip
"""Those that plain git walks into while somebody merely looks around."""


def trapped(repo: TempRepo, tmp_path: Path, name: str) -> TempRepo:
    """A repository whose own configuration names a program that leaves a mark."""
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch '{tmp_path}/fired'\n")
    trap.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for hook in ("post-index-change", "reference-transaction", "post-checkout", "pre-auto-gc"):
        (hooks / hook).write_bytes(trap.read_bytes())
        (hooks / hook).chmod(0o755)
    repo.commit("one", {f"{n}.py": f"{n}\n" for n in range(3)})
    repo.commit("two", {"0.py": "changed\n"})
    head, _, message = repo.git("cat-file", "commit", "HEAD").partition("\n\n")
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
    signed = repo.git(
        "hash-object", "-t", "commit", "-w", "--stdin", stdin=f"{head}\n{signature}\n\n{message}\n"
    )
    repo.git("update-ref", "HEAD", signed)
    if name in REMOTE_TRAPS:
        repo = partial_clone(repo, tmp_path / "partial")
    repo.write(".gitattributes", "*.py diff=evil filter=evil\n")
    repo.write("1.py", "edited\n")
    key, value = TRAPS[name]
    repo.git("config", "log.showSignature", "true")
    repo.git("config", "protocol.ext.allow", "always")
    repo.git("config", key, value.replace("TRAP", str(trap)).replace("HOOKS", str(hooks)))
    return repo


@pytest.mark.parametrize("name", ARMED)
def test_the_traps_catch_plain_git(repo: TempRepo, tmp_path: Path, name: str) -> None:
    repo = trapped(repo, tmp_path, name)
    for command in (
        ["status"],
        ["diff"],
        ["log", "-p"],
        ["cat-file", "-p", "HEAD:0.py"],
        ["update-ref", "x", "HEAD"],
    ):
        repo.git(*command, check=False)
    assert (tmp_path / "fired").exists()


@pytest.mark.parametrize("name", TRAPS)
def test_no_program_that_a_repository_names_is_run(repo: TempRepo, tmp_path: Path, name: str) -> None:
    repo = trapped(repo, tmp_path, name)
    with Git.open(repo.root) as git:
        tree = WorkTree(git)
        for path in tree.paths():
            tree.read(path)
        git.commits()
        git.log_touching(["0.py", "1.py"])
        list(git.read_blobs(f"HEAD:{n}.py" for n in range(3)))
        for question in (lambda: git.patch("HEAD~1", "HEAD"), git.patch_worktree):
            try:
                question()
            except GitFailed:
                assert name in REMOTE_TRAPS
        if name not in REMOTE_TRAPS:
            git.commit_tree("HEAD", [Edit("0.py", b"changed\n", b"x\n")], "m", "proposal")
    assert not (tmp_path / "fired").exists()


def test_a_bare_repository_inside_a_repository_is_not_entered(repo: TempRepo, tmp_path: Path) -> None:
    inner = TempRepo.init(repo.root / "docs/inner", "--bare")
    inner.git("config", "core.fsmonitor", f"touch {tmp_path}/fired")
    inner.git("config", "core.worktree", "/")
    with pytest.raises(NotARepository):
        Git.open(inner.root)
    assert not (tmp_path / "fired").exists()


@pytest.mark.parametrize("claimed", ["/", "../other", ".."])
def test_a_repository_cannot_claim_other_peoples_files(repo: TempRepo, tmp_path: Path, claimed: str) -> None:
    TempRepo.init(tmp_path / "other").commit("one", {"a": "1"})
    repo.commit("one", {"a": "1"})
    repo.git("config", "core.worktree", str((repo.root / claimed).resolve()))
    with pytest.raises(NotARepository, match="not its own folder"):
        Git.open(repo.root)


def test_a_submodule_and_a_repository_with_its_git_folder_elsewhere_are_opened(
    repo: TempRepo, tmp_path: Path
) -> None:
    inner = TempRepo.init(tmp_path / "inner")
    inner.commit("one", {"a": "1"})
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner.root), "sub dir")
    repo.commit("with a submodule")
    sub = Git.open(repo.root / "sub dir")
    assert sub.root == repo.root / "sub dir" and list(WorkTree(sub).paths()) == ["a"]
    (repo.root / "sub dir/a").write_text("changed")
    assert list(WorkTree(Git.open(repo.root)).paths()) == [".gitmodules"] and sub.dirty() == {"a": ".M"}
    separate = TempRepo.init(tmp_path / "separate", f"--separate-git-dir={tmp_path / 'elsewhere.git'}")
    assert Git.open(separate.root).git_dir == tmp_path / "elsewhere.git"


def test_converted_line_endings_are_not_a_change(repo: TempRepo) -> None:
    repo.git("config", "core.autocrlf", "true")
    repo.commit("one", {"a.py": "x = 1\r\ny = 2\r\n"})
    os.utime(repo.root / "a.py", (1, 1))
    git = Git.open(repo.root)
    tree = WorkTree(git)
    assert tree.key("a.py") == git.tree("HEAD")["a.py"] and tree.read("a.py") == b"x = 1\ny = 2\n"


def test_git_is_not_asked_for_what_lies_on_disk_as_it_is_committed(repo: TempRepo) -> None:
    repo.commit("one", {"a.py": "x = 1\n", "b.py": "y = 1\n"})
    git = Git.open(repo.root)
    tree = WorkTree(git)
    (repo.root / "b.py").write_text("y = 2\n")  # written after the snapshot
    git.objects.read = lambda spec: b"from git"  # type: ignore[method-assign]
    assert (tree.read("a.py"), tree.read("b.py")) == (b"x = 1\n", b"from git")


def test_a_sparse_checkout_still_shows_every_file(repo: TempRepo) -> None:
    repo.commit("one", {"in/a": "1\n", "out/b": "2\n"})
    repo.git("sparse-checkout", "set", "in")
    tree = WorkTree(Git.open(repo.root))
    assert not (repo.root / "out").exists() and tree.read("out/b") == b"2\n"
    assert list(tree.paths()) == ["in/a", "out/b"]


def test_names_that_differ_in_case_only_are_two_files(repo: TempRepo) -> None:
    repo.commit("one", {"Read.md": "1\n", "read.md": "2\n"})
    tree = RevTree(Git.open(repo.root), "HEAD")
    assert [tree.read(path) for path in tree.paths()] == [b"1\n", b"2\n"]


# ------------------------------------------------------------------- building commits


def test_a_commit_is_built_beside_the_work_tree(repo: TempRepo, awkward: Git) -> None:
    repo.write("agent-context/decisions/a.md", "old\n")
    repo.write("script.sh", "x\n").chmod(0o755)
    head = repo.commit("notes", {"deep/only/file": "1\n"})
    repo.write("plain.txt", "being edited\n")
    index, files = (repo.root / ".git/index").read_bytes(), repo.git("status", "--porcelain")
    edits = [
        Edit("agent-context/decisions/a.md", b"old\n", b"new\n"),
        Edit("agent-context/gotchas/b.md", None, b"b\n"),
        Edit("deep/only/file", b"1\n", None),
        Edit("script.sh", b"x\n", b"y\n"),
    ]
    made = awkward.commit_tree(head, edits, "Mend two notes\n\nAgentctx-Sync: 1\n", "agentctx/mend")
    assert repo.git("rev-parse", "agentctx/mend", "agentctx/mend^").split() == [made, head]
    assert repo.git(
        "log", "-1", "--format=%an <%ae> %(trailers:key=Agentctx-Sync,valueonly)", made
    ).startswith("Ada <ada@example.org> 1")
    changed = repo.git("diff-tree", "-r", "--raw", "--abbrev=4", head, made).splitlines()
    assert [line.split()[4] + " " + line.split()[5] + " " + line.split()[1] for line in changed] == [
        "M agent-context/decisions/a.md 100644", "A agent-context/gotchas/b.md 100644",
        "D deep/only/file 000000", "M script.sh 100755",
    ]  # fmt: skip
    assert "deep" not in repo.git("ls-tree", made).split()
    repo.git("fsck", "--strict")
    assert ((repo.root / ".git/index").read_bytes(), repo.git("status", "--porcelain")) == (index, files)


def test_a_branch_that_is_checked_out_is_not_moved(repo: TempRepo, tmp_path: Path) -> None:
    head = repo.commit("one", {"a": "1"})
    repo.git("worktree", "add", "-q", "-b", "linked", str(tmp_path / "linked"))
    git = Git.open(repo.root)
    for branch in ("main", "linked"):
        with pytest.raises(GitFailed, match="checked out"):
            git.commit_tree("HEAD", [Edit("b", None, b"2")], "m", branch)
    for branch in ("", "-x", "a..b", "a b", "@{-1}"):
        with pytest.raises(GitFailed, match="not a name"):
            git.commit_tree("HEAD", [], "m", branch)
    assert repo.git("rev-parse", "main", "linked").split() == [head, head]


def test_a_proposal_for_other_bytes_is_a_conflict(repo: TempRepo) -> None:
    repo.commit("one", {"a": "1"})
    git = Git.open(repo.root)
    for edit in (Edit("a", b"2", b"3"), Edit("a", None, b"3"), Edit("b", b"1", None)):
        with pytest.raises(Conflict):
            git.commit_tree("HEAD", [edit], "m", "proposal")
    assert repo.git("branch", "--list", "proposal") == ""


def test_a_second_proposal_moves_the_branch_on(repo: TempRepo) -> None:
    repo.commit("one", {"a": "1"})
    git = Git.open(repo.root)
    first = git.commit_tree("HEAD", [Edit("b", None, b"1")], "m", "proposal")
    second = git.commit_tree(first, [Edit("c", None, b"1")], "m", "proposal")
    assert repo.git("rev-parse", "proposal", "proposal~1").split() == [second, first]
