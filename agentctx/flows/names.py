"""Notes under the names that they have now: what was written under another one is still theirs."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from agentctx.git import Git
from agentctx.notes.folder import RECORDS


@dataclass(frozen=True, slots=True)
class Names:
    """The renames of notes since a commit; their verification records go with them."""

    context: str
    notes: Mapping[str, str]

    @classmethod
    def since(cls, git: Git, context: str, commit: str, head: str = "") -> Names:
        """Those up to ``head``; without one, up to what is staged."""
        found = git.renamed_since(commit, f"{context}/", head)
        return cls(context, {old: new for old, new in found.items() if f"/{RECORDS}/" not in new})

    def now(self, path: str) -> str:
        """The path that a note or a record has at the end."""
        records = f"{self.context}/{RECORDS}/"
        if path.startswith(records):
            return records + self.id(path.removeprefix(records))
        return self.notes.get(path, path)

    def id(self, id: str) -> str:
        """The id that a note has at the end."""
        return {id_of(old): id_of(new) for old, new in self.notes.items()}.get(id, id)

    def then(self, path: str) -> str:
        """The path that a note had at the beginning: of all its earlier names the first."""
        return next((old for old, new in self.notes.items() if new == path), path)


def id_of(path: str) -> str:
    """The id of the note that a file is, or whose record it is."""
    return posixpath.basename(path).removesuffix(".md")
