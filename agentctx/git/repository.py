"""One repository and its work tree: where it is, and the short questions asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from agentctx.errors import NotARepository, NotFound
from agentctx.git import history, listings
from agentctx.git.objects import Objects
from agentctx.git.runner import Runner, decode

if TYPE_CHECKING:
    from agentctx.model import Change, Commit, Edit

_UNDER_WAY = (
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("sequencer", "cherry-pick"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("BISECT_LOG", "bisect"),
)


def _belongs(root: Path, git_dir: Path) -> bool:
    """True when the work tree's ``.git`` leads back to this git directory, so it claims no others' files."""
    link = root / ".git"
    try:
        if link.is_file():
            words = decode(link.read_bytes()[:8192])
            link = root / words.removeprefix("gitdir:").strip()
        return link.samefile(git_dir)
    except OSError:
        return False


class Git:
    """An opened repository. Close it, or use it as a context manager, when it is kept for long."""

    def __init__(self, runner: Runner, git_dir: Path, common_dir: Path, facts: tuple[bool, str]) -> None:
        self.runner = runner
        self.root = runner.folder
        """Top of the work tree (absolute)."""
        self.git_dir = git_dir
        """This work tree's git directory; a linked work tree has its own."""
        self.common_dir = common_dir
        """The clone's git directory, shared by all its work listings."""
        self.is_shallow, self.object_format = facts
        self.objects = Objects(runner)

    @classmethod
    def open(cls, start: Path, index_file: str = "") -> Git:
        """The repository around ``start``.

        ``index_file`` names another index (pre-commit hooks get one from git). Raises ``NotARepository``
        outside a work tree, ``GitFailed`` when git refuses (a foreign owner, a broken repository).
        """
        folder = start if start.is_dir() else start.parent
        ask = ("rev-parse", "--path-format=absolute")
        questions = (
            "--is-shallow-repository", "--show-object-format", "--git-dir", "--git-common-dir",
            "--show-toplevel",
        )  # fmt: skip
        probe = Runner(folder)
        answers = decode(probe.run(*ask, *questions)).removesuffix("\n").split("\n")
        if len(answers) != len(questions):  # a folder with a line break in its name
            answers = [decode(probe.run(*ask, question)).removesuffix("\n") for question in questions]
        shallow, object_format, git_dir, common_dir, root = answers
        if not root:
            raise NotARepository("there is no work tree here", "run agentctx in a clone with a work tree")
        if not _belongs(Path(root), Path(git_dir)):
            raise NotARepository(
                f"the configuration in {git_dir} puts the work tree at {root}, which is not its own folder",
                "git config --unset core.worktree",
            )
        runner = Runner(Path(root), index_file)
        runner.disarm_filters(Path(common_dir))
        return cls(runner, Path(git_dir), Path(common_dir), (shallow == "true", object_format))

    def __enter__(self) -> Git:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process that reads objects."""
        self.objects.close()

    def run(self, *args: str, stdin: bytes | None = None, check: bool = True) -> bytes:
        """Standard output of a git command at the top of the work tree. Raises ``GitFailed``."""
        return self.runner.run(*args, stdin=stdin, check=check)

    # ------------------------------------------------------------------ hooks and state

    def hooks_path(self) -> Path:
        """The folder where git looks for this repository's hooks (``core.hooksPath`` respected)."""
        out = self.runner.run("rev-parse", "--path-format=absolute", "--git-path", "hooks", hooks=True)
        return Path(decode(out).removesuffix("\n"))

    def run_hook(self, name: str, env: Mapping[str, str]) -> None:
        """Let git itself run a hook as it would after a merge; how the hook ends does not matter.

        Needs git 2.36; an older git runs nothing.
        """
        self.runner.run("hook", "run", "--ignore-missing", name, check=False, hooks=True, env=env)

    def in_progress(self) -> str:
        """What is under way (``rebase``, ``merge``, ``cherry-pick``, ``revert``, ``bisect``), or empty."""
        return next((word for name, word in _UNDER_WAY if (self.git_dir / name).exists()), "")

    # ------------------------------------------------------------------ revisions

    def head(self) -> str:
        """The commit that is checked out; empty in an unborn repository."""
        return self._verify("HEAD")

    def rev_parse(self, rev: str) -> str:
        """The commit id a revision names. Raises ``NotFound``."""
        found = self._verify(history.plain(rev))
        if found and "\n" not in found:  # a range names several
            return found
        hint = (
            "the clone is shallow: git fetch --unshallow" if self.is_shallow else "look at git log --oneline"
        )
        raise NotFound(f"there is no commit {rev!r} here", hint)

    def _verify(self, rev: str) -> str:
        return decode(self.run("rev-parse", "--verify", "-q", f"{rev}^{{commit}}", check=False)).strip()

    def branch(self) -> str:
        """Short name of the branch that is checked out; empty when HEAD is detached."""
        return decode(self.run("symbolic-ref", "-q", "--short", "HEAD", check=False)).strip()

    def default_upstream(self) -> str:
        """The remote branch that everybody's work ends on, as a full ref name; empty without one."""
        listed = self.run(
            "for-each-ref", "--format=%(refname) %(symref)",
            *(f"refs/remotes/*/{name}" for name in ("HEAD", "main", "master", "trunk")),
        )  # fmt: skip
        refs = dict(line.split(" ", 1) for line in decode(listed).splitlines())
        remotes = sorted({ref.split("/")[2] for ref in refs}, key=lambda name: (name != "origin", name))
        for remote in remotes:
            for name in ("HEAD", "main", "master", "trunk"):
                ref = f"refs/remotes/{remote}/{name}"
                if ref in refs:
                    return refs[ref] or ref
        return ""

    def merge_base(self, a: str, *others: str) -> str:
        """The best common ancestor of ``a`` and the others seen as one; empty when there is none here."""
        names = [history.plain(name) for name in (a, *others)]
        return decode(self.run("merge-base", *names, check=False)).strip()

    # ------------------------------------------------------------------ content

    def read_blob(self, spec: str) -> bytes | None:
        """Bytes of a blob given as object id or ``REV:path``; None when it is absent or no file."""
        return self.objects.read(spec)

    def read_blobs(self, specs: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """(spec, bytes) pairs in the order asked, through the same process."""
        return self.objects.read_all(specs)

    def tree(self, rev: str) -> dict[str, str]:
        """path -> blob id of a commit's regular files (no symbolic links, no submodules)."""
        return self.entries(rev)[0]

    def entries(self, rev: str) -> tuple[dict[str, str], frozenset[str]]:
        """``tree`` and, beside it, the symbolic links and submodules of the commit."""
        out = self.run(*listings.list_tree(history.plain(rev)))
        return listings.parse_tree(out), listings.parse_others(out)

    def index_tree(self) -> dict[str, str]:
        """path -> blob id of the regular files staged in the index; conflicted paths are left out."""
        return self.index_entries()[0]

    def index_entries(self) -> tuple[dict[str, str], frozenset[str]]:
        """``index_tree`` and, beside it, the symbolic links and submodules that are staged."""
        out = self.run(*listings.LIST_INDEX)
        return listings.parse_index(out), listings.parse_others(out)

    def dirty(self) -> dict[str, str]:
        """path -> two-letter status (git's XY, ``??`` for untracked) of what differs from HEAD."""
        return dict(listings.parse_status(self.run(*listings.STATUS)).entries)

    # ------------------------------------------------------------------ history

    def commits(
        self, paths: Sequence[str] = (), range: str = "", limit: int = 0, first_parent: bool = False
    ) -> list[Commit]:
        """Commits of ``range`` (HEAD without one) that touch ``paths``, newest first."""
        return history.commits(self.runner, paths, range, limit, first_parent) if self._has(range) else []

    def log_touching(self, paths: Sequence[str], since: str = "") -> list[tuple[Commit, tuple[str, ...]]]:
        """(commit, changed paths) pairs after commit ``since``, newest first; merges by first-parent diff."""
        if not paths or not self._has(since):
            return []
        return history.log_touching(self.runner, paths, f"{since}..HEAD" if since else "")

    def renamed_since(self, base: str, folder: str, head: str = "") -> dict[str, str]:
        """Names of a folder's renamed files at ``base`` or later -> at ``head``, or as staged."""
        return history.renamed_since(self.runner, base, folder, head)

    def _has(self, range_: str) -> bool:
        """False when the range would be taken from a HEAD that has no commit yet."""
        return bool(range_) or bool(self.head())

    def patch(self, base: str, head: str, context: int = 6, paths: Sequence[str] = ()) -> bytes:
        """Unified diff from ``base`` (empty: nothing) to ``head``; no program of the repository runs."""
        return history.patch(self.runner, base or self.empty_tree, head, context, paths)

    def patch_worktree(self, base: str = "HEAD", context: int = 6, paths: Sequence[str] = ()) -> bytes:
        """Unified diff from ``base`` to the tracked files as they lie on disk."""
        return history.patch_worktree(self.runner, base or self.empty_tree, context, paths)

    def show_change(self, base: str, head: str, choose: history.Choose | None = None) -> Change:
        """``base..head`` as one change with hunks, message of ``head``, and its commits (at most 500).

        ``choose`` picks, out of all paths of a very large change, those that are looked at.
        """
        return history.show_change(self.runner, base, head, self.empty_tree, choose)

    @property
    def empty_tree(self) -> str:
        """Object id of the tree without files."""
        return history.EMPTY_TREE[self.object_format]

    # ------------------------------------------------------------------ building

    def commit_tree(self, parent: str, edits: Sequence[Edit], message: str, branch: str) -> str:
        """A commit with ``edits`` on top of ``parent``, put on ``branch``; its id.

        Work tree and index stay untouched. Raises ``Conflict`` when ``before`` of an edit is not what
        ``parent`` has, ``GitFailed`` when the branch is checked out somewhere or cannot be moved.
        """
        from agentctx.git.building import commit_edits

        return commit_edits(self, parent, edits, message, branch)
