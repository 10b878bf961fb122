"""Taking back what one source commit caused: its edits are known from trailers in git and from the journal.

Works in any clone, and keeps what people wrote. Trailers make nothing trusted: whoever may commit may write
them, so a rollback touches only files of the context folder that the commit itself changed.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from agentctx.errors import NotFound
from agentctx.flows.names import Names, id_of
from agentctx.flows.whose import Change, Known, Whose, messages
from agentctx.git.runner import decode
from agentctx.model import Edit
from agentctx.notes.folder import RECORDS
from agentctx.project import Project
from agentctx.proposals.publish import Trailers, read_trailers


@dataclass(frozen=True, slots=True)
class Rolled:
    """What was taken back. Nothing is committed; ``agentctx undo SYNC`` brings it back."""

    commit: str
    sync: str
    restored: tuple[str, ...] = ()
    changed: tuple[tuple[str, str], ...] = ()
    """(path, why) of what somebody changed since: it is for a person to look at."""


@dataclass(slots=True)
class _Caused:
    """What a commit caused, by the ids that the notes have now."""

    edits: dict[str, list[Edit]] = field(default_factory=dict)
    """The edits of each note's files, under the names that these have now, newest first."""
    mixed: dict[str, tuple[str, str]] = field(default_factory=dict)
    """(path now, commit) of the notes to which a commit brought words that cannot be told from a person's."""

    def add(self, edit: Edit) -> None:
        edits = self.edits.setdefault(id_of(edit.path), [])
        if edit not in edits and edit.before != edit.after:
            edits.append(edit)


def rollback(project: Project, name: str, dry_run: bool = False) -> Rolled:
    """Take back what one source commit made agentctx change, and nothing else.

    What people changed elsewhere in the note, since or in the same commit, stays. A note that was changed in
    the same places is listed and left alone, its verification record with it. Raises
    ``NotFound`` when nothing in this clone's history says that the commit caused anything.
    """
    source = project.git.rev_parse(name)
    caused = _caused(project, source)
    if not caused.edits and not caused.mixed:
        raise _nothing(project, source)
    sync = f"rollback-{source[:12]}"
    restored: list[str] = []
    changed = [(path, _mixed_words(path, commit)) for path, commit in caused.mixed.values()]
    for id, edits in caused.edits.items():
        steps, why = _backward(project, edits) if id not in caused.mixed else ([], "")
        if why:
            changed.append((max(e.path for e in edits), why))  # the note; its record sorts before it
        for step in steps if not dry_run else ():
            _write(project, sync, step)
        restored += [step.path for step in steps]
    return Rolled(source, sync, tuple(restored), tuple(changed))


def _mixed_words(path: str, commit: str) -> str:
    return (
        f"{commit[:12]} brought a person's words along, in the same places: git show {commit[:12]} -- {path}"
    )


def _nothing(project: Project, source: str) -> NotFound:
    own = messages(project, [source]).get(source)
    causes = ", ".join(dict.fromkeys(cause[:12] for cause, _ in own.sources)) if own else ""
    return NotFound(
        f"no trailer and no journal here says that {source[:12]} caused an edit of a note",
        f"it is a sync itself: name a commit that caused it ({causes}), or `git revert {source[:12]}`"
        if causes
        else "agentctx blame NOTE shows what did",
    )


# --------------------------------------------------------------------------- what it caused


def _caused(project: Project, source: str) -> _Caused:
    found, whose = _Caused(), Whose(project)
    for edit in _journaled(project, source):
        found.add(edit)
    wanted = whose.caused_by(source)
    for commit, before, trailers in _committed(project, f"--grep=Agentctx-Source: {source}"):
        wanted = wanted - _take(project, whose, (commit, before, trailers), source, found)
    for note in sorted({id for id, _ in wanted}):  # told by commits of which others have taken the place
        for commit, before, trailers in _committed(project, "--", f":(glob){project.context}/*/{note}.md"):
            _take(project, whose, (commit, before, trailers), source, found)
    _forget_old_names(project, found)
    return found


def _forget_old_names(project: Project, found: _Caused) -> None:
    """Leave out what the journal tells of a note that is gone, where a commit has it under a new name."""
    edits = {
        id: {(e.before, e.after) for e in told if f"/{RECORDS}/" not in e.path}
        for id, told in found.edits.items()
    }
    for id, told in list(found.edits.items()):
        gone = any(_bytes(project, e.path) is None for e in told if f"/{RECORDS}/" not in e.path)
        if gone and any(edits[id] & others for other, others in edits.items() if other != id):
            del found.edits[id], edits[id]


def _take(project: Project, whose: Whose, one: _Commit, source: str, found: _Caused) -> set[Known]:
    """Add what the source caused in one commit; the edits accounted for, as ``caused_by`` has them."""
    commit, before, trailers = one
    names = Names.since(project.git, project.context, commit)
    done, ours = set[Known](), set[str]()
    for old, path in _changed(project, before, commit):  # a note comes before its record
        blobs = project.git.read_blob(f"{before}:{old}"), project.git.read_blob(f"{commit}:{path}")
        if f"/{RECORDS}/" in path:
            if id_of(path) in ours:
                found.add(_as_checked_out(project, Edit(names.now(path), *blobs)))
            continue
        brought = whose.brought(Change(commit, path, *blobs), trailers)
        if brought is None or source not in brought.sources:
            continue
        done |= brought.edits
        now = names.now(path)
        if brought.text is None:
            found.mixed[id_of(now)] = (now, commit)
            continue
        ours.add(id_of(path))
        found.add(_as_checked_out(project, Edit(now, brought.before, brought.text)))
    return done


_Commit = tuple[str, str, Trailers | None]
"""Id, first parent (or the empty tree), and what the message says."""


def _committed(project: Project, *which: str) -> list[_Commit]:
    """Commits that are in what is checked out, newest first."""
    out = project.git.run(
        "log", "-z", "--no-color", "--encoding=UTF-8", "--format=%H%x00%P%x00%B", "--fixed-strings", *which
    )
    parts = decode(out).split("\0")
    return [
        (parts[at], (parts[at + 1].split() or [project.git.empty_tree])[0], read_trailers(parts[at + 2]))
        for at in range(0, len(parts) - 2, 3)
    ]


def _as_checked_out(project: Project, edit: Edit) -> Edit:
    """With the line endings of the file: git may keep LF and put CRLF into the work tree."""
    present = _bytes(project, edit.path)
    if not present or b"\r\n" not in present:
        return edit
    sides = (s if not s or b"\r\n" in s else s.replace(b"\n", b"\r\n") for s in (edit.before, edit.after))
    return Edit(edit.path, *sides)


def _changed(project: Project, before: str, after: str) -> list[tuple[str, str]]:
    """(path before, path after) of the context folder's files that a commit changed, notes before records."""
    out = project.git.run(
        "diff-tree", "-r", "-z", "--name-status", "-M", before, after, "--", f"{project.context}/"
    )
    parts, found = iter(decode(out).split("\0")), []
    for status in parts:
        if status:
            old = next(parts)
            found.append((old, next(parts) if status.startswith("R") else old))
    return sorted(found, key=lambda pair: (f"/{RECORDS}/" in pair[1], pair))


def _journaled(project: Project, source: str) -> Iterator[Edit]:
    """What this clone accepted for the commit, or for the merge that brought it."""
    store = project.proposals
    for proposal in reversed(store.proposals(("accepted",))):
        if proposal.sync not in store.syncs() or not _brought(project, source, proposal.commit):
            continue
        names = Names.since(project.git, project.context, proposal.commit)
        for step in reversed(store.journal(proposal.sync).steps):
            if step.proposal == proposal.id:
                yield replace(step.edit, path=names.now(step.edit.path))


def _brought(project: Project, source: str, commit: str) -> bool:
    """Whether one of the two is the other, or a merge that brought the other into its line."""
    if project.git.objects.kind(commit) != "commit":
        return False
    return source == commit or _came_with(project, source, commit) or _came_with(project, commit, source)


def _came_with(project: Project, commit: str, merge: str) -> bool:
    parents = decode(project.git.run("rev-list", "--parents", "-n", "1", merge)).split()[1:]
    if not parents or project.git.merge_base(commit, merge) != commit:
        return False
    return project.git.merge_base(commit, parents[0]) != commit


def _backward(project: Project, edits: Sequence[Edit]) -> tuple[list[Edit], str]:
    """One step back for each file of a note, and why not (empty: it may be done)."""
    present: dict[str, bytes | None] = {e.path: _bytes(project, e.path) for e in edits}
    now: dict[str, bytes | None] = dict(present)
    for edit in edits:
        if now[edit.path] in (edit.before, edit.after):
            now[edit.path] = edit.before
        elif f"/{RECORDS}/" in edit.path:
            now[edit.path] = _record_without(edit, now[edit.path])
        elif present[edit.path] is None:
            return (
                [],
                f"{posixpath.basename(edit.path)} is not there any more (or renamed: git add it)",
            )
        else:
            merged = _note_without(edit, now[edit.path])
            if merged is None:
                return [], f"{posixpath.basename(edit.path)} has been changed since, in the same places"
            now[edit.path] = merged
    return [Edit(path, present[path], now[path]) for path in now if now[path] != present[path]], ""


def _note_without(edit: Edit, present: bytes | None) -> bytes | None:
    """A note as it would be without an edit that others built on; None when that cannot be told."""
    from agentctx.notes.merge import merge

    if edit.before is None or edit.after is None or present is None:
        return None
    merged = merge(edit.after, present, edit.before)
    return None if merged.conflicts else merged.data


def _record_without(edit: Edit, present: bytes | None) -> bytes | None:
    """A record without the stamps of an edit: whatever was stamped since, was read with the edit's words."""
    from agentctx.notes.records import joined_lines, record_lines

    texts = ((data or b"").decode("utf-8", "replace") for data in (edit.before, edit.after, present))
    before, after, now = map(record_lines, texts)
    touched = {anchor for anchor in before.keys() | after.keys() if before.get(anchor) != after.get(anchor)}
    kept = {anchor: lines for anchor, lines in now.items() if anchor not in touched}
    kept |= {anchor: lines for anchor, lines in before.items() if anchor in touched}
    return joined_lines(kept).encode() or None


def _bytes(project: Project, path: str) -> bytes | None:
    try:
        return project.folder.read_bytes(path)
    except NotFound:
        return None


def _write(project: Project, sync: str, step: Edit) -> None:
    project.proposals.record(sync, step)
    digest = None if step.before is None else hashlib.sha256(step.before).hexdigest()
    if step.after is not None:
        project.folder.save(step.path, step.after, digest)
    elif digest is not None:
        project.folder.remove(step.path, digest)
