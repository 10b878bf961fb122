"""Whose words a commit brought to a note: told by trailers, wherever they are, and proved by content.

The trailers of a commit may be gone (a host or a rebase that writes messages anew) or be about more than one
pair of hands (a squash). An edit is known again by what the note said before and after it, from every commit
in this clone that tells of it, on whatever branch, and from what was accepted here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from agentctx.flows.attribution import accepted_edits
from agentctx.flows.names import id_of
from agentctx.git.runner import decode
from agentctx.project import Project
from agentctx.proposals.apart import Apart, content_id, told_apart
from agentctx.proposals.publish import Trailers, edit_of, read_trailers

Known = tuple[str, str]
"""An edit: note id, and digest of what it led to."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit made of a note; ``path`` is the note's in that commit (empty commit: the files now)."""

    commit: str
    path: str
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True)
class Brought:
    """What of a change a sync caused."""

    text: bytes | None
    """The note with that alone; None when a person's words cannot be told from it."""
    sources: tuple[str, ...]
    """Ids of the commits that caused it."""
    model: str
    edits: frozenset[Known] = frozenset()
    """The edits that were found in it."""
    before: bytes | None = None
    """What the note said before, under whatever name."""


@dataclass(frozen=True, slots=True)
class _Told:
    note: str
    before: str
    after: str
    trailers: Trailers


class Whose:
    """The edits that this clone knows of."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def caused_by(self, source: str) -> set[Known]:
        """The edits that a commit caused, as far as is told."""
        return {(one.note, one.after) for one in self._known if source in one.trailers.sources_of(one.note)}

    def brought(self, change: Change, own: Trailers | None) -> Brought | None:
        """What of a change a sync caused; None when nothing says that one did. ``own``: its trailers."""
        found = self._brought(change, own) if change.after is not None else None
        if found or change.after is None or change.before is not None:
            return found and replace(found, before=change.before)
        for text in self._taken_away(change.commit):  # the note under the name it had, if edits prove it
            if apart := told_apart(self._edits, text, change.after):
                return replace(self._found(apart), before=text)
        return None

    def _brought(self, change: Change, own: Trailers | None) -> Brought | None:
        id = id_of(change.path)
        apart = told_apart(self._edits, change.before, change.after)
        if own is None or not own.sources_of(id):
            return self._found(apart) if apart else None
        told = own.edits_of(id)
        if not told and own.head:
            return Brought(change.after, own.sources_of(id), own.model)  # a sync's own commit holds no more
        left = {after for _, after in told} - {before for before, _ in told}
        if not apart or not left & apart.ends:
            apart = told_apart(self._edits, change.before, change.after, self._versions(change))
        whole = apart and (left <= apart.ends or content_id(apart.text) == content_id(change.after))
        text, ends = (apart.text, apart.ends) if apart and whole else (None, left)
        return Brought(text, own.sources_of(id), own.model, frozenset((id, end) for end in ends))

    def _taken_away(self, commit: str) -> Iterator[bytes]:
        """The texts of the notes that a commit (empty: what is staged and on disk) removes."""
        git, sides = self.project.git, (f"{commit}^", commit) if commit else ("HEAD",)
        paths = git.run(
            "diff-tree" if commit else "diff-index", "-r", "-z", "--no-renames", "--diff-filter=D",
            "--name-only", *sides, "--", f":(glob){self.project.context}/*/*.md", check=False,
        )  # fmt: skip
        texts = (git.read_blob(f"{sides[0]}:{path}") for path in decode(paths).split("\0") if path)
        return filter(None, texts)

    def _found(self, apart: Apart) -> Brought:
        found = [one for one in self._known if one.after in apart.ends]
        sources = dict.fromkeys(s for one in found for s in one.trailers.sources_of(one.note))
        models = dict.fromkeys(one.trailers.model for one in found if one.trailers.model)
        ends = frozenset((one.note, one.after) for one in found)
        return Brought(apart.text, tuple(sources), ", ".join(models), ends)

    @cached_property
    def _known(self) -> list[_Told]:
        return [
            _Told(note, before, after, trailers)
            for trailers in (*self._committed(), *self._accepted())
            for note in dict.fromkeys(note for note, _ in trailers.edits)
            for before, after in trailers.edits_of(note)
        ]

    @cached_property
    def _edits(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for one in self._known:
            found.setdefault(one.before, set()).add(one.after)
        return found

    def _committed(self) -> Iterator[Trailers]:
        out = self.project.git.run(
            "log", "-z", "--all", "HEAD", "--no-color", "--encoding=UTF-8", "--format=%B", "--fixed-strings",
            "--grep=Agentctx-Edit: ", check=False,
        )  # fmt: skip
        return filter(None, map(read_trailers, decode(out).split("\0")))

    def _accepted(self) -> Iterator[Trailers]:
        for proposal, edits in accepted_edits(self.project.proposals):
            sources = tuple((source, proposal.note_id) for source in proposal.sources or (proposal.commit,))
            told = tuple(edit_of(proposal.note_id, edit.before, edit.after) for edit in edits)
            yield Trailers(proposal.sync, "", "", sources, proposal.author, proposal.model, edits=told)

    def _versions(self, change: Change) -> Mapping[str, bytes]:
        """What the note said before, by digest, as far as an edit is known to have been made to it."""
        out = self.project.git.run(
            "log", "-z", "--raw", "--no-abbrev", "--no-renames", "--format=", change.commit or "HEAD", "--",
            change.path, check=False,
        )  # fmt: skip
        blobs = {word.split()[3] for word in decode(out).split("\0") if word.startswith(":")}
        texts = (data for _, data in self.project.git.read_blobs(sorted(blobs)) if data)
        return {id: data for data in texts if (id := content_id(data)) in self._edits}


def messages(project: Project, commits: Iterable[str]) -> dict[str, Trailers]:
    """What the messages of commits say, by commit; nothing of those that say nothing."""
    names = sorted(commits)
    if not names:
        return {}
    out = project.git.run(
        "log", "-z", "--no-walk", "--no-color", "--encoding=UTF-8", "--format=%H%x00%B", *names
    )
    parts = decode(out).split("\0")
    read = {parts[at]: read_trailers(parts[at + 1]) for at in range(0, len(parts) - 1, 2)}
    return {commit: trailers for commit, trailers in read.items() if trailers}
