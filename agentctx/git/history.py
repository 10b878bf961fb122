"""Questions about commits and what they changed, asked in ``-z`` formats that no name can break."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from agentctx.errors import NotFound
from agentctx.git.runner import Runner, decode
from agentctx.model import Commit

if TYPE_CHECKING:
    from agentctx.model import Change, FileChange

_FIELDS = "%H%x00%an%x00%cI%x00%s"
_MANY_PATHS = 60_000
"""Bytes of paths on a command line; beyond that history is read whole and filtered here."""
FULL_PATCH = 2_000
"""Files of a change up to which all are read; of a larger one some are, and hunks of fewer still."""
FEW_PATCHES = 500
"""Files of a larger change whose hunks are read."""

_PATCH = (
    "-p", "-M", "-l1000", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv",
    "--src-prefix=a/", "--dst-prefix=b/", "--ignore-submodules=all",
)  # fmt: skip

_NO_GIANTS = ("-c", "core.bigFileThreshold=4m")
"""A larger file is data or made by a machine: that it changed is told, not how."""

_UNCHANGED = re.compile(rb"^diff --git [^\n]*\n(?=diff --git |\Z)", re.MULTILINE)
"""What git prints for a file whose times changed but not its content."""

Status = Literal["A", "M", "D", "R", "C", "T"]
Choose = Callable[[Sequence[str]], Sequence[str]]
"""Out of all paths of a very large change those that are looked at, best first."""
_STATUS: dict[str, Status] = {"A": "A", "D": "D", "T": "T"}

EMPTY_TREE = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}


def plain(revision: str) -> str:
    """A revision or range as typed by a person, refused when git would take it for an option."""
    if revision.startswith("-") or "\0" in revision:
        raise NotFound(f"{revision!r} is not a revision")
    return revision


def commits(
    git: Runner, paths: Sequence[str] = (), revisions: str = "", limit: int = 0, first_parent: bool = False
) -> list[Commit]:
    """Commits of a range (HEAD without one) that touch the paths, newest first."""
    options = [f"--max-count={limit}"] * bool(limit) + ["--first-parent"] * first_parent
    out = git.run(
        "--literal-pathspecs", "log", "-z", "--no-color", "--encoding=UTF-8", f"--format={_FIELDS}",
        *options, *_revisions(revisions), "--", *paths,
    )  # fmt: skip
    parts = decode(out).split("\0")
    return [Commit(*parts[at : at + 4]) for at in range(0, len(parts) - 3, 4)]


def log_touching(
    git: Runner, paths: Sequence[str], revisions: str = ""
) -> list[tuple[Commit, tuple[str, ...]]]:
    """Each commit with those of the paths it changed, newest first; a merge counts by what it brought to
    its first parent."""
    wanted = frozenset(paths)
    few = sum(len(path) + 1 for path in wanted) < _MANY_PATHS
    out = git.run(
        "--literal-pathspecs", "log", "-z", "--raw", "--no-abbrev", "--no-renames", "--no-color",
        "--diff-merges=first-parent", "--show-pulls", "--ignore-submodules=all", "--no-relative",
        "--no-ext-diff", "--no-textconv", "--encoding=UTF-8", f"--format={_FIELDS}%x00",
        *_revisions(revisions), "--", *(sorted(wanted) if few else ()),
    )  # fmt: skip
    found = ((commit, tuple(p for p in touched if p in wanted)) for commit, touched in _raw_log(out))
    return [(commit, touched) for commit, touched in found if touched]


def renamed_since(git: Runner, base: str, folder: str, head: str = "") -> dict[str, str]:
    """Every name that a file of a folder had at ``base`` or later -> its name at ``head`` (without one: as it
    is staged); only of files that were renamed. Followed commit by commit: words may change on the way."""
    look = ("-z", "-M", "--diff-filter=R", "--name-status", "--no-ext-diff", "--no-relative")
    span = f"{plain(base)}..{plain(head or 'HEAD')}"
    out = git.run("log", *look, "--reverse", "--topo-order", "--no-color", "--format=", span, "--", folder)
    if not head:
        out += b"\0" + git.run("diff", "--cached", *look, "--", folder)
    parts = [part for part in decode(out).split("\0") if part.strip("\n")]
    found: dict[str, str] = {}
    for old, new in zip(parts[1::3], parts[2::3], strict=False):
        found |= {name: new for name, now in found.items() if now == old}
        found.setdefault(old, new)
    return found


def _revisions(revisions: str) -> list[str]:
    return [plain(revision) for revision in revisions.split()]


def _raw_log(out: bytes) -> Iterator[tuple[Commit, list[str]]]:
    parts = iter(decode(out).split("\0"))
    commit: Commit | None = None
    touched: list[str] = []
    for part in parts:
        if part.lstrip("\n").startswith(":"):
            touched.append(next(parts))
        elif part.strip("\n"):
            if commit is not None:
                yield commit, touched
            commit, touched = Commit(part.lstrip("\n"), next(parts), next(parts), next(parts)), []
    if commit is not None:
        yield commit, touched


def patch(git: Runner, base: str, head: str, context: int, paths: Sequence[str] = ()) -> bytes:
    """Unified diff between two commits or trees."""
    return git.run(
        *_NO_GIANTS, "--literal-pathspecs", "diff-tree", "-r", *_PATCH, f"-U{context}",
        plain(base), plain(head), "--", *paths,
    )  # fmt: skip


def patch_worktree(git: Runner, base: str, context: int, paths: Sequence[str] = ()) -> bytes:
    """Unified diff from a commit to the tracked files of the work tree. Leaves the index on disk alone."""
    out = git.run(
        "-c", "diff.autoRefreshIndex=false", *_NO_GIANTS,
        "--literal-pathspecs", "diff", *_PATCH, "--no-relative", "-O/dev/null", "--inter-hunk-context=0",
        f"-U{context}", plain(base), "--", *paths,
    )  # fmt: skip
    return _UNCHANGED.sub(b"", out)


def changed_files(git: Runner, base: str, head: str) -> dict[str, tuple[str, str]]:
    """path -> (status with similarity, old path) of the files of a change: cheap however large it is."""
    out = git.run(
        "diff-tree", "-r", "-z", "--name-status", "-M", "-l1000", "--ignore-submodules=all", base, head
    )
    parts = iter(decode(out).split("\0"))
    files: dict[str, tuple[str, str]] = {}
    for status in parts:
        if status:
            old = next(parts)
            files[next(parts) if status[0] in "RC" else old] = (status, old)
    return files


def _file(path: str, status: str, old: str) -> FileChange:
    """A file of a change without its hunks."""
    from agentctx.model import FileChange

    if status[0] not in "RC":
        return FileChange(path, _STATUS.get(status[0], "M"))
    return FileChange(path, "R" if status[0] == "R" else "C", old, similarity=int(status[1:] or 0))


def _chosen(listed: Mapping[str, tuple[str, str]], choose: Choose) -> list[str]:
    """The paths chosen, each once; a file that moved is offered under both names."""
    now = {old: path for path, (_, old) in listed.items()} | {path: path for path in listed}
    return list(dict.fromkeys(now[path] for path in choose(list(now))))


def show_change(git: Runner, base: str, head: str, empty_tree: str, choose: Choose | None = None) -> Change:
    """What lies between two commits, seen as one change; an empty ``base`` is the empty tree.

    Of more than ``FULL_PATCH`` files only those are listed that ``choose`` picks out of all paths, the
    first of them with hunks; without ``choose`` all are listed, and none has hunks.
    """
    from agentctx.diff import parse_patch
    from agentctx.model import Change

    start = base or empty_tree
    listed = changed_files(git, start, head)
    unread = 0
    if len(listed) <= FULL_PATCH:
        files = parse_patch(decode(patch(git, start, head, 6)))
    else:
        chosen = _chosen(listed, choose) if choose else list(listed)
        few = chosen[:FEW_PATCHES] if choose else []
        sides = {side for path in few for side in (path, listed[path][1])}
        read = parse_patch(decode(patch(git, start, head, 6, sorted(sides)))) if few else ()
        seen = {file.path for file in read}
        files = (*read, *(_file(path, *listed[path]) for path in chosen if path not in seen))
        unread = len(listed) - len(files)
    message = decode(git.run("log", "-1", "--no-color", "--encoding=UTF-8", "--format=%s%x00%b", plain(head)))
    subject, _, body = message.partition("\0")
    return Change(
        base=base,
        head=head,
        files=files,
        subject=subject,
        body=body.rstrip("\n"),
        commits=tuple(commits(git, revisions=f"{base}..{head}" if base else head, limit=500)),
        unread=unread,
    )
