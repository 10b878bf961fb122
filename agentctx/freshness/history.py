"""What freshness asks of the past: which commits changed which content, and the trees of old commits."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agentctx.errors import GitFailed
from agentctx.git import Git
from agentctx.git.objects import object_id
from agentctx.model import Commit

if TYPE_CHECKING:
    from agentctx.freshness.code import Code, Memory

_FORMAT = "%x01%H%x00%P%x00%an%x00%cI%x00%s%x00"
_LOG = (
    "--literal-pathspecs", "log", "-z", "--raw", "--no-abbrev", "--no-renames", "--no-color",
    "--ignore-submodules=all", "--no-ext-diff", "--no-textconv", "--no-relative", "--encoding=UTF-8",
    f"--format={_FORMAT}",
)  # fmt: skip
_PROSE = ("**/*.md", "**/*.rst", "**/*.txt", "**/*.adoc", "**/CHANGELOG*", "**/NEWS*")
_BINARY = "png jpg jpeg gif webp ico pdf mp4 webm mov ttf otf woff woff2 zip gz tar jar wasm so dll bin"
_NO_TEXT = (":/", *(f":(exclude,icase)*.{ending}" for ending in _BINARY.split()))
_MOST_PATHS = 400
"""Paths of one question about history; the rest goes without evidence."""
_MOST_COMMITS = 2000


@dataclass(frozen=True, slots=True)
class Event:
    """One commit and the contents it replaced; a merge counts by what it brought to its first parent."""

    commit: Commit
    parents: int
    changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """path -> (content id before, after); empty where the file was added or deleted."""


class History:
    """The past of one HEAD. Every answer is read once."""

    def __init__(self, git: Git, head: str, has_work_tree: bool = True) -> None:
        self.git = git
        self.head = head
        self._now = [] if has_work_tree else [head]
        self._trees: dict[str, PastTree] = {}
        self._codes: dict[str, Code] = {}
        self._renames: dict[str, dict[str, str]] = {}
        self._roots: tuple[str, ...] | None = None
        self.processes = 0

    def touching(
        self, folders: Sequence[str], interesting: Collection[str], since: str = ""
    ) -> tuple[Event, ...]:
        """Commits that touch the folders (or files), newest first, with all their interesting changes."""
        if not self.head or not folders:
            return ()
        options = ("--diff-merges=first-parent", "--full-diff", "--show-pulls")
        return tuple(self._log(options, since, sorted(folders), frozenset(interesting)))

    def changes_of(self, paths: Collection[str], since: str) -> tuple[Event, ...]:
        """Commits after ``since`` that changed the paths, newest first; merges only where they decided."""
        if not self.head or not paths:
            return ()
        few = sorted(paths)[:_MOST_PATHS]
        options = ("--diff-merges=first-parent", f"--max-count={_MOST_COMMITS}")
        return tuple(self._log(options, since, few, frozenset(few)))

    def roots(self) -> tuple[str, ...]:
        """The commits without parents that this clone has: where a shallow history begins."""
        if self._roots is None:
            self.processes += 1
            out = self.git.run("rev-list", "--max-parents=0", self.head, check=False)
            self._roots = tuple(out.decode().split())
        return self._roots

    def is_ancestor(self, rev: str) -> bool:
        """Is a commit an ancestor of HEAD (and in this clone at all)?"""
        if not rev or not self.head:
            return False
        self.processes += 1
        found = self.git.run("merge-base", rev, self.head, check=False).decode().strip()
        return found == rev

    def tree(self, rev: str) -> PastTree:
        """The files of a commit; listed only when somebody asks for all of them."""
        if rev not in self._trees:
            self._trees[rev] = PastTree(self.git, rev)
        return self._trees[rev]

    def code(self, rev: str, memory: Memory) -> Code:
        """A commit's files as definitions."""
        from agentctx.freshness.code import Code

        if rev not in self._codes:
            self._codes[rev] = Code(self.tree(rev), memory)
        return self._codes[rev]

    def renames(self, base: str) -> Mapping[str, str]:
        """Old path -> new path of every file that git takes for renamed between ``base`` and now."""
        if base not in self._renames:
            parts = self._renamed(base).decode("utf-8", "surrogateescape").split("\0")
            starts = [at for at, part in enumerate(parts) if part.startswith(":")]
            self._renames[base] = {parts[at + 1]: parts[at + 2] for at in starts if at + 2 < len(parts)}
        return self._renames[base]

    def _renamed(self, base: str) -> bytes:
        """What git says of renames. In a partial clone the contents of large files may be missing, and git
        gives up on all of them: those that are no text are left out then."""
        for likeness, where in (("-M", ()), ("-M", _NO_TEXT), ("-M100%", ())):
            self.processes += 1
            try:
                return self.git.run(
                    "diff", "--raw", "-z", likeness, "-l2000", "--no-relative", "--no-ext-diff",
                    "--no-textconv", "--diff-filter=R", "--ignore-submodules=all",
                    base, *self._now, "--", *where,
                )  # fmt: skip
            except GitFailed:
                continue
        return b""

    def occurrences(self, words: Collection[str], context: str) -> dict[str, str]:
        """Word -> one file in which it occurs now as a word; prose and the context folder do not count."""
        found: dict[str, str] = {}
        for path, word in self._grep(words, context):
            found.setdefault(word, path)
        return found

    def _grep(self, words: Collection[str], context: str) -> Iterator[tuple[str, str]]:
        self.processes += 1
        patterns = [part for word in sorted(words) for part in ("-e", word)]
        where = ["--untracked"] if not self._now else []
        prose = [f":(exclude,glob){glob}" for glob in (f"{context}/**", *_PROSE)]
        out = self.git.run(
            "grep", "-z", "-o", "-w", "-F", "-I", "--full-name", "--no-color", *where, *patterns, *self._now,
            "--", ":/", *prose, check=False,
        )  # fmt: skip
        for line in out.decode("utf-8", "surrogateescape").splitlines():
            path, _, word = line.partition("\0")
            yield path.removeprefix(f"{self._now[0]}:" if self._now else ""), word

    def files_of(self, words: Collection[str], context: str) -> dict[str, tuple[str, ...]]:
        """Word -> every file in which it occurs now as a word; prose and the context folder do not count."""
        found: dict[str, dict[str, None]] = {}
        for path, word in self._grep(words, context):
            found.setdefault(word, {})[path] = None
        return {word: tuple(paths) for word, paths in found.items()}

    def files_naming(self, word: str, context: str) -> tuple[str, ...]:
        """Every file in which a word occurs now; prose and the context folder do not count."""
        return tuple(sorted(self._listed(word, context, "-w", "-F")))

    def files_with(self, words: str, context: str) -> int:
        """In how many files a phrase occurs now, whatever its case; prose and the context folder aside."""
        return len(self._listed(words, context, "-i", "-w", "-F"))

    def _listed(self, words: str, context: str, *how: str) -> list[str]:
        self.processes += 1
        where = ["--untracked"] if not self._now else []
        prose = [f":(exclude,glob){glob}" for glob in (f"{context}/**", *_PROSE)]
        out = self.git.run(
            "grep", "-z", "-l", *how, "-I", "--full-name", "--no-color", *where, "-e", words,
            *self._now, "--", ":/", *prose, check=False,
        )  # fmt: skip
        start = f"{self._now[0]}:" if self._now else ""
        return [
            path.removeprefix(start) for path in out.decode("utf-8", "surrogateescape").split("\0") if path
        ]

    def _log(
        self, options: Sequence[str], since: str, paths: Sequence[str], wanted: frozenset[str]
    ) -> Iterator[Event]:
        self.processes += 1
        revisions = [self.head, f"^{since}"] if since else [self.head]
        out = self.git.run(*_LOG, *options, *revisions, "--", *paths, check=False)
        for record in out.decode("utf-8", "surrogateescape").split("\x01")[1:]:
            event = _event(record, wanted)
            if event is None:
                continue
            if event.parents or not self.git.is_shallow:  # the first commit of a shallow clone adds all
                yield event


class PastTree:
    """The files of one commit, read one by one; ``paths`` lists the whole tree when it is first asked."""

    def __init__(self, git: Git, rev: str) -> None:
        self._git = git
        self.rev = rev
        self._read: dict[str, tuple[str, bytes | None]] = {}
        self._listed: dict[str, str] | None = None
        self._others: frozenset[str] = frozenset()

    @property
    def is_listed(self) -> bool:
        """Has the whole tree been read already?"""
        return self._listed is not None

    def paths(self) -> Sequence[str]:
        """Every file, sorted."""
        return sorted(self._all())

    def key(self, path: str) -> str:
        """The blob's object id; empty when the commit has no such file."""
        if self._listed is not None:
            return self._listed.get(path, "")
        return self._one(path)[0]

    def read(self, path: str) -> bytes | None:
        """The bytes, None when absent."""
        return self._one(path)[1]

    def others(self) -> frozenset[str]:
        """Symbolic links and submodules."""
        self._all()
        return self._others

    def _one(self, path: str) -> tuple[str, bytes | None]:
        if path not in self._read:
            data = self._git.read_blob(f"{self.rev}:{path}") if self.rev else None
            self._read[path] = (object_id(data, self._git.object_format) if data is not None else "", data)
        return self._read[path]

    def _all(self) -> dict[str, str]:
        if self._listed is None:
            self._listed, self._others = self._git.entries(self.rev) if self.rev else ({}, frozenset())
        return self._listed


class BlobTree:
    """A few files by content id: old versions of single files, out of a log."""

    def __init__(self, git: Git, blobs: Mapping[str, str]) -> None:
        self._git = git
        self._blobs = blobs

    def paths(self) -> Sequence[str]:
        """The files given."""
        return sorted(self._blobs)

    def key(self, path: str) -> str:
        """The content id given for a path."""
        return self._blobs.get(path, "")

    def read(self, path: str) -> bytes | None:
        """The bytes of that content."""
        oid = self._blobs.get(path)
        return self._git.read_blob(oid) if oid else None

    def others(self) -> frozenset[str]:
        """None: these are files."""
        return frozenset()


def _event(record: str, wanted: frozenset[str]) -> Event | None:
    """One record of the log; None for a piece of a message that holds our separator."""
    if record.count("\0") < 5:
        return None
    identity, parents, author, date, subject, *rest = record.split("\0")
    changes: dict[str, tuple[str, str]] = {}
    about = ""
    for part in rest:
        if about:  # first what happened, then to which path
            if part in wanted:
                old_mode, new_mode, old, new, _ = about[1:].split(" ")
                changes[part] = (_file(old_mode, old), _file(new_mode, new))
            about = ""
        elif part.lstrip("\n").startswith(":"):
            about = part.lstrip("\n")
    return Event(Commit(identity, author, date, subject), len(parents.split()), changes)


def _file(mode: str, oid: str) -> str:
    """The content id of a regular file; empty for what is absent, a symbolic link or a submodule."""
    return oid if mode.startswith("100") else ""
