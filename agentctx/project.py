"""One opened repository: the only place where the parts are put together.

Everything is made when first asked for and kept for the length of one command, so a command pays for
what it uses. Nothing here decides anything.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from agentctx.catchup import catch_up
from agentctx.config import Config, context_name, load
from agentctx.errors import InvalidInput, NotFound
from agentctx.freshness.index import Assessor
from agentctx.git import Git, WorkTree
from agentctx.model import Index, Note, NoteSet, Pending, Stamp
from agentctx.notes.folder import Folder
from agentctx.state import StateDir
from agentctx.text import did_you_mean

if TYPE_CHECKING:
    from agentctx.proposals.store import Store
    from agentctx.retrieval.concordance import Concordance
    from agentctx.trust import Origin


T = TypeVar("T")
REFUSED = "refused"
"""State document: (note id, reason) of what the model answered in the last sync and no check let through."""
DAY = re.compile(r"^\d{4}-\d\d-\d\d-")


class Project:
    """A repository with its notes. Opening never writes; a missing context folder is an empty one."""

    def __init__(self, git: Git) -> None:
        self.git = git
        self.root = git.root
        self.context = context_name(git.root)
        self._arrived: Pending | None = None

    @classmethod
    def open(cls, start: Path | None = None) -> Project:
        """The repository around ``start`` (the current folder). Raises ``NotARepository``."""
        return cls(Git.open(start or Path.cwd()))

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.git.close()

    @property
    def initialised(self) -> bool:
        """Whether there is a context folder."""
        return (self.root / self.context).is_dir()

    @cached_property
    def state(self) -> StateDir:
        """What this clone remembers: caches, queue, watermarks, proposals."""
        return StateDir.open(self.git.common_dir)

    @cached_property
    def config(self) -> Config:
        """The team's settings."""
        return load(self.root, self.context)

    @cached_property
    def folder(self) -> Folder:
        """The notes' door to the disk."""
        return Folder(self.root, self.context, include=self.config.notes.include)

    @cached_property
    def tree(self) -> WorkTree:
        """The files as they are now, uncommitted changes included."""
        return WorkTree(self.git)

    @cached_property
    def notes(self) -> NoteSet:
        """Every note and every section of included documents."""
        own, included = self.own_notes, NoteSet(())
        if self.folder.include:
            included = self._cached("documents", lambda cache: self.folder.read_included(own, cache))
        return NoteSet((*own.notes, *included.notes), (*own.problems, *included.problems))

    @cached_property
    def own_notes(self) -> NoteSet:
        """The notes of the context folder alone: all that is anchored, and quick where documents are many."""
        return self._cached("notes", self.folder.read_own)

    @cached_property
    def records(self) -> Mapping[str, Mapping[str, Stamp]]:
        """What each note's code looked like when somebody last verified it: id -> anchor -> stamp."""
        return self._cached("records", self.folder.records)

    def _cached(self, name: str, read: Callable[[dict[str, Any]], T]) -> T:
        """What ``read`` finds with the cache of that name, which is kept when it is another one afterwards.

        Files are remembered by their size and times.
        """
        cache = self.state.read(name) or {}
        before = dict(cache)
        found = read(cache)
        if cache != before:
            self.state.write(name, cache)
        return found

    @cached_property
    def assessor(self) -> Assessor:
        """Freshness over the work tree, with this clone's caches."""
        return Assessor(self.git, self.tree, self.state, self.config.half_life, self.context)

    @cached_property
    def index(self) -> Index:
        """What is still true of every note."""
        return self.assessor.assess(self.notes, self.records, self.today)

    @cached_property
    def branch(self) -> str:
        """Short name of the branch that is checked out; empty when HEAD is detached."""
        return self.tree.status.branch

    @cached_property
    def changed(self) -> tuple[str, ...]:
        """Paths of code that differ from HEAD, or on this branch from the upstream default branch; sorted."""
        found = set(self.tree.status.entries)
        upstream = self.git.default_upstream()
        base = self.git.merge_base(upstream, "HEAD") if upstream and self.tree.head else ""
        if base and base != self.tree.head:
            out = self.git.run("diff", "--name-only", "-z", base, "HEAD", check=False)
            found |= set(out.decode("utf-8", "surrogateescape").split("\0")) - {""}
        return tuple(sorted(path for path in found if not path.startswith(f"{self.context}/")))

    @cached_property
    def origins(self) -> Mapping[str, Origin]:
        """Where the bytes of each note come from, by path."""
        from agentctx.trust import origins

        return origins(self.git, self.tree, [n.path for n in self.notes.notes])

    def arrived(self) -> Pending:
        """What has arrived since somebody last looked; looked at again as long as something is pending."""
        if self._arrived is None or not self._arrived.empty:
            self._arrived = catch_up(self.git, self.state)
        return self._arrived

    @cached_property
    def words(self) -> Concordance:
        """Where every word of the notes stands, and of the titles of their earlier changes."""
        from agentctx.words import Words

        return Words(self.git, self.state, self.context).concordance(self.notes.notes, self.tree.head)

    @cached_property
    def proposals(self) -> Store:
        """Proposals, remembered rejections and the journal of this clone."""
        from agentctx.proposals.store import Store

        return Store(self.state.folder)

    @cached_property
    def notices(self) -> tuple[str, ...]:
        """What a person or agent should know besides the notes, one line each."""
        found = []
        broken = [p for p in self.notes.problems if p.severity == "error" or p.code == "too-deep"]
        if broken:
            names = ", ".join(sorted({p.path for p in broken})[:3])
            keep = _several(len(broken), "problem keeps", "problems keep")
            found.append(f"{keep} notes from being read ({names}): agentctx lint")
        waiting = self.proposals.open() if self.state.names("proposals") else ()
        if waiting:
            edits = _several(len(waiting), "proposed edit of notes waits", "proposed edits of notes wait")
            found.append(f"{edits} for a person: agentctx review")
        refused = self.state.read(REFUSED) or []
        if refused:
            id, reason = refused[0]
            more = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
            found.append(f"the model's answer for {id or 'the last change'} was refused: {reason}{more}")
        failure = self.state.failure()
        if failure:
            found.append(f"the last background run failed: {failure}; agentctx sync tries again")
        return tuple(found)

    @cached_property
    def today(self) -> date:
        """The day when this repository was opened."""
        return today()

    def note(self, name: str) -> Note:
        """The note a person means: its id (the day it begins with may be left out), or its path."""
        return named(name, self.notes)


def today() -> date:
    """The day it is, in UTC; ``SOURCE_DATE_EPOCH`` fixes it for reproducible output."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return (datetime.fromtimestamp(int(epoch), UTC) if epoch.isdigit() else datetime.now(UTC)).date()


def _several(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def named(name: str, found: NoteSet) -> Note:
    """The note a person means: its id, its id without the day it begins with, or its path.

    Raises ``NotFound`` with what was probably meant, or ``InvalidInput`` when the name is not clear or its
    file cannot be read. Nothing is guessed: a command that writes must not take another note for it.
    """
    wanted = name.removesuffix(".md")
    notes = found.notes
    exact = [n for n in notes if n.id in (name, wanted) or n.path == name]
    close = exact or [n for n in notes if DAY.sub("", n.id) == wanted]
    if len(close) == 1:
        return close[0]
    if close:
        raise InvalidInput(f"{name!r} could mean {', '.join(n.id for n in close[:5])}", "give the whole id")
    for problem in found.problems:
        stem = Path(problem.path).stem
        if name in (problem.path, stem, DAY.sub("", stem)) and problem.severity == "error":
            where = f"{problem.path}:{problem.line}" if problem.line else problem.path
            raise InvalidInput(f"{where} cannot be read: {problem.message}", problem.hint)
    holding = [n.id for n in notes if len(wanted) > 2 and wanted in n.id]
    near = holding[0] if len(holding) == 1 else did_you_mean(wanted, [n.id for n in notes])
    hint = f"did you mean `{near}`?" if near else "`agentctx list` shows the notes"
    raise NotFound(f"there is no note {name!r}", hint)
