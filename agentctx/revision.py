"""One commit of the repository, opened like the work tree: its notes, its records, its settings, its code.

Nothing is written, and nothing that was remembered of another version is believed but definitions, which
are kept by content id.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cached_property
from typing import Any

from agentctx.config import Config, parsed, sources
from agentctx.errors import InvalidInput
from agentctx.freshness.index import Assessor
from agentctx.freshness.verdicts import Cache
from agentctx.git import Git, RevTree
from agentctx.model import Index, Note, NoteSet, Stamp
from agentctx.notes.snapshot import notes_of, records_of
from agentctx.project import Project, named


class Revision:
    """The notes of one commit and what was true of them in it."""

    def __init__(self, project: Project, rev: str) -> None:
        """Raises ``NotFound`` when this clone has no such commit."""
        self.git, self.context = project.git, project.context
        self.commit = project.git.rev_parse(rev)
        self.tree = RevTree(project.git, self.commit)
        self._cache = KnownDefinitions(project.state)

    @cached_property
    def settings(self) -> tuple[Config, tuple[str, ...]]:
        """The settings of that commit, and a notice when they cannot be read."""
        return settings_at(self.git, self.commit, self.context)

    @cached_property
    def notes(self) -> NoteSet:
        """Every note of that commit."""
        return notes_of(self.tree, self.context, self.settings[0].notes.include)

    @cached_property
    def records(self) -> dict[str, dict[str, Stamp]]:
        """Its verification records."""
        return records_of(self.tree, self.context)

    @cached_property
    def assessor(self) -> Assessor:
        """Freshness over its files and the history behind it."""
        return Assessor(self.git, self.tree, self._cache, self.settings[0].half_life, self.context)

    @cached_property
    def index(self) -> Index:
        """What was true of every note; review dates and ages count as on the day of the commit."""
        return self.assessor.assess(self.notes, self.records, self._day())

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person should know besides the notes."""
        return self.settings[1]

    def note(self, name: str) -> Note:
        """The note a person means. Raises ``NotFound`` or ``InvalidInput``."""
        return named(name, self.notes)

    def _day(self) -> date:
        return date.fromisoformat(self.git.commits(range=self.commit, limit=1)[0].date[:10])


class KnownDefinitions:
    """Of a clone's caches the one that is right for every version; it is read and never written."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def read(self, name: str) -> Any:
        """The document, for definitions by content id."""
        return self._cache.read(name) if name.startswith("symbols/") else None

    def write(self, name: str, value: Any) -> bool:
        """Nothing is kept."""
        return False


def settings_at(git: Git, rev: str, context: str) -> tuple[Config, tuple[str, ...]]:
    """The settings as they are in a commit; the defaults, with a notice, when they cannot be read."""
    specs = {f"{rev}:{path}": path for path in sources(context)} if rev else {}
    found: Sequence[tuple[str, bytes | None]] = list(git.read_blobs(list(specs)))
    files = {specs[spec]: data for spec, data in found if data is not None}
    files = {path: data for path, data in files.items() if len(data) <= sources(context)[path]}
    try:
        return parsed(files, context), ()
    except InvalidInput as error:
        said = f"the settings of {rev[:10]} cannot be read, the defaults count: {error.message}"
        return parsed({}, context), (said,)
