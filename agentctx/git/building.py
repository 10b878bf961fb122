"""Builds a commit from edits with GitPython's object model: no index, no work tree, no other process.

Only the trees along the edited paths are read and written again. GitPython is loaded here and nowhere
else, when a proposal is published. The branch itself is moved by git, compare-and-swap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from agentctx.errors import Conflict, GitFailed
from agentctx.git.runner import decode
from agentctx.model import Edit

if TYPE_CHECKING:
    from agentctx.git.objects import Objects
    from agentctx.git.repository import Git

_FILE, _FOLDER = 0o100644, 0o040000


def commit_edits(git: Git, parent: str, edits: Sequence[Edit], message: str, branch: str) -> str:
    """See ``Git.commit_tree``."""
    if git.object_format != "sha1":
        raise GitFailed(
            f"commits can be built in SHA-1 repositories only; this one uses {git.object_format}",
            "accept the proposals into the work tree and commit them yourself",
        )
    ref, old = _movable(git, branch)
    parent = git.rev_parse(parent)
    for edit in edits:
        if git.read_blob(f"{parent}:{edit.path}") != edit.before:
            raise Conflict(f"{edit.path} is not in {parent[:12]} as the edit expects", "agentctx sync again")
    commit = _write(git, parent, {edit.path: edit.after for edit in edits}, message)
    git.run("update-ref", "--create-reflog", "-m", "agentctx: proposal", ref, commit, old or "0" * 40)
    return commit


def _movable(git: Git, branch: str) -> tuple[str, str]:
    """The branch's ref and present commit (empty: new), if it is nobody's current branch."""
    if not branch or decode(git.run("check-ref-format", "--branch", branch, check=False)).strip() != branch:
        raise GitFailed(f"{branch!r} is not a name for a branch")
    ref = f"refs/heads/{branch}"
    listed = decode(git.run("for-each-ref", "--format=%(objectname) %(worktreepath)", ref)).rstrip("\n")
    old, _, place = listed.partition(" ")
    if place or git.branch() == branch:
        raise GitFailed(
            f"branch {branch} is checked out in {place or git.root}; it was not moved",
            "choose another branch name",
        )
    return ref, old


def _write(git: Git, parent: str, contents: Mapping[str, bytes | None], message: str) -> str:
    from git import Actor, Commit, Repo

    people = [
        Actor._from_string(decode(git.run("var", variable)).rpartition(" ")[0].rpartition(" ")[0])
        for variable in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT")
    ]
    with Repo(git.root) as repo:
        top = _Trees(git.objects, repo.odb).edited(f"{parent}^{{tree}}", contents)
        commit = Commit.create_from_tree(
            repo,
            top.hex(),
            message,
            [Commit(repo, bytes.fromhex(parent))],
            head=False,
            author=people[0],
            committer=people[1],
        )
        return str(commit.hexsha)


class _Trees:
    """Reads trees through our own process, and writes trees and blobs with GitPython."""

    def __init__(self, objects: Objects, odb: Any) -> None:
        self._objects = objects
        self._odb = odb

    def edited(self, tree: str, contents: Mapping[str, bytes | None]) -> bytes:
        """Id of ``tree`` (empty: one without entries) with files put (bytes) or taken away (None)."""
        entries = self._entries(tree)
        below: dict[str, dict[str, bytes | None]] = {}
        for path, data in contents.items():
            name, _, rest = path.partition("/")
            if rest:
                below.setdefault(name, {})[rest] = data
            elif data is None:
                entries.pop(name, None)
            else:
                mode = entries.get(name, (b"", _FILE))[1]
                entries[name] = (self._store("blob", data), mode)
        for name, inner in below.items():
            sha, mode = entries.get(name, (b"", _FOLDER))
            folder = self.edited(sha.hex() if mode == _FOLDER else "", inner)
            if self._entries(folder.hex()):
                entries[name] = (folder, _FOLDER)
            else:
                entries.pop(name, None)
        return self._store_tree(entries)

    def _entries(self, tree: str) -> dict[str, tuple[bytes, int]]:
        from git.objects.fun import tree_entries_from_data

        if not tree:
            return {}
        kind, data = self._objects.get(tree)
        if kind != "tree":
            raise GitFailed(f"the folder {tree[:12]} is not in this clone", "git fetch --refetch --no-filter")
        return {name: (sha, mode) for sha, mode, name in tree_entries_from_data(data)}

    def _store_tree(self, entries: Mapping[str, tuple[bytes, int]]) -> bytes:
        from git.objects.fun import tree_to_stream

        def order(name: str) -> bytes:
            return _raw(name) + (b"/" if entries[name][1] == _FOLDER else b"")

        out = BytesIO()
        write: Callable[[Any], int] = out.write
        rows: Any = [(*entries[name], _raw(name)) for name in sorted(entries, key=order)]
        tree_to_stream(rows, write)
        return self._store("tree", out.getvalue())

    def _store(self, kind: str, data: bytes) -> bytes:
        from gitdb import IStream

        stored: bytes = self._odb.store(IStream(kind, len(data), BytesIO(data))).binsha
        return stored


def _raw(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
