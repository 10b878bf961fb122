"""Where a note's words came from, and taking back what one source commit caused; read from trailers in git.

Works in any clone. Trailers say where words came from and make nothing trusted: whoever may commit may write
them, so a rollback touches only files of the context folder that the commit itself changed.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentctx.errors import GitFailed, NotFound
from agentctx.git.runner import decode
from agentctx.model import Commit, Edit
from agentctx.notes.folder import RECORDS
from agentctx.project import Project
from agentctx.proposals.publish import Trailers, edit_of, read_trailers

_FRONT = "front matter"
_HERE = ("", "not committed yet", "", "")


@dataclass(frozen=True, slots=True)
class Words:
    """One paragraph of a note and the newest commit among its lines."""

    line: int
    text: str
    """The paragraph's beginning."""
    commit: str
    """Empty for words that are not committed."""
    author: str
    date: str = ""
    sources: tuple[Commit, ...] = ()
    """The commits that made agentctx change the note there; empty for words that a person wrote."""
    model: str = ""


# --------------------------------------------------------------------------- blame


def blame(project: Project, name: str) -> tuple[Words, ...]:
    """Every paragraph of a note with its origin. Raises ``NotFound``."""
    note = project.note(name)
    text = project.folder.read_bytes(note.path).decode("utf-8", "replace")
    lines = _blamed(project, note.path)
    here = _accepted_here(project, note.path)
    messages = _messages(project, {line[0] for line in lines.values() if line[0]})
    found = []
    for start, end, words in _paragraphs(text):
        commit, author, date, path = max((lines.get(n, _HERE) for n in range(start, end + 1)), key=_newness)
        trailers = messages.get(commit) if commit else here
        model = trailers.model if trailers else ""
        id = posixpath.basename(path or note.path).removesuffix(".md")  # the note's name in that commit
        sources = _commits(project, trailers.sources_of(id)) if trailers else ()
        found.append(Words(start, words, commit, author, date, sources, model))
    return tuple(found)


def _newness(line: tuple[str, str, str, str]) -> tuple[bool, str]:
    commit, _, date, _ = line
    return (not commit, date)


def _paragraphs(text: str) -> Iterator[tuple[int, int, str]]:
    """(first line, last line, beginning) of the front matter and of each stretch without blank lines."""
    lines = text.replace("\r\n", "\n").split("\n")
    start = 0
    fences = [at for at, line in enumerate(lines) if line.rstrip() == "---"]
    if lines and lines[0].lstrip("\ufeff").rstrip() == "---" and len(fences) > 1:
        yield 1, fences[1] + 1, _FRONT
        start = fences[1] + 1
    began = -1
    for at in range(start, len(lines) + 1):
        blank = at == len(lines) or not lines[at].strip()
        if not blank and began < 0:
            began = at
        elif blank and began >= 0:
            yield began + 1, at, lines[began]
            began = -1


def _blamed(project: Project, path: str) -> dict[int, tuple[str, str, str, str]]:
    """Line number -> (commit, author, UTC second as text, the file's path there); no entry where nothing is
    committed."""
    try:
        out = project.git.run(
            "blame", "--porcelain", "--no-textconv", "--encoding=UTF-8", "--root", "--", path
        )
    except GitFailed:
        return {}
    about: dict[str, dict[str, str]] = {}
    found: dict[int, tuple[str, str, str, str]] = {}
    commit, number = "", 0
    for line in decode(out).split("\n"):
        words = line.split(" ")
        if line.startswith("\t"):
            told = about[commit]
            if commit.strip("0"):
                date = told.get("committer-time", "").rjust(12, "0")
                found[number] = (commit, told.get("author", ""), date, told.get("filename", ""))
        elif len(words) >= 3 and len(words[0]) in (40, 64) and words[1].isdigit():
            commit, number = words[0], int(words[2])
            about.setdefault(commit, {})
        elif commit:
            about[commit].setdefault(words[0], line.partition(" ")[2])
    return found


def _messages(project: Project, commits: Iterable[str]) -> dict[str, Trailers]:
    names = sorted(commits)
    if not names:
        return {}
    out = project.git.run(
        "log", "-z", "--no-walk", "--no-color", "--encoding=UTF-8", "--format=%H%x00%B", *names
    )
    parts = decode(out).split("\0")
    read = {parts[at]: read_trailers(parts[at + 1]) for at in range(0, len(parts) - 1, 2)}
    return {commit: trailers for commit, trailers in read.items() if trailers}


def _commits(project: Project, ids: Sequence[str]) -> tuple[Commit, ...]:
    known = [id for id in ids if project.git.objects.kind(id) == "commit"]
    found = {c.id: c for id in known for c in project.git.commits(range=id, limit=1)}
    return tuple(found.get(id) or Commit(id, "", "", "(not in this clone)") for id in ids)


def _accepted_here(project: Project, path: str) -> Trailers | None:
    """What this clone's journal knows of words that are not committed yet."""
    present = project.folder.read_bytes(path)
    for proposal in reversed(project.proposals.proposals(("accepted",))):
        if proposal.note_path != path or proposal.sync not in project.proposals.syncs():
            continue
        steps = project.proposals.journal(proposal.sync).steps
        if any(s.proposal == proposal.id and s.edit.path == path and s.edit.after == present for s in steps):
            source = ((proposal.commit, proposal.note_id),)
            return Trailers(proposal.sync, "", proposal.commit, source, proposal.author, proposal.model)
    return None


# --------------------------------------------------------------------------- rollback


@dataclass(frozen=True, slots=True)
class Rolled:
    """What was taken back. Nothing is committed; ``agentctx undo SYNC`` brings it back."""

    commit: str
    sync: str
    restored: tuple[str, ...] = ()
    changed: tuple[tuple[str, str], ...] = ()
    """(path, why) of what somebody changed since: it is for a person to look at."""


def rollback(project: Project, name: str, dry_run: bool = False) -> Rolled:
    """Restore the bytes of every note that one source commit made agentctx change.

    What people changed elsewhere in the note since stays. A note that was changed since in the same places is
    listed and left alone, its verification record with it. Raises
    ``NotFound`` when nothing in this clone's history says that the commit caused anything.
    """
    source = project.git.rev_parse(name)
    mixed: dict[str, str] = {}
    by_note = _caused(project, source, mixed)
    if not by_note and not mixed:
        own = _messages(project, [source]).get(source)
        causes = ", ".join(dict.fromkeys(cause[:12] for cause, _ in own.sources)) if own else ""
        raise NotFound(
            f"no trailer and no journal here says that {source[:12]} caused an edit of a note",
            f"it is a sync itself: name a commit that caused it ({causes}), or `git revert {source[:12]}`"
            if causes
            else "agentctx blame NOTE shows what did",
        )
    sync = f"rollback-{source[:12]}"
    restored: list[str] = []
    changed: list[tuple[str, str]] = []
    for edits in by_note.values():
        steps, why = _backward(project, edits)
        if why:
            changed.append((max(e.path for e in edits), why))  # the note; its record sorts before it
            continue
        for step in steps if not dry_run else ():
            _write(project, sync, step)
        restored += [step.path for step in steps]
    for path, commit in mixed.items():
        if path not in {edit.path for edits in by_note.values() for edit in edits}:
            why = f"{commit[:12]} brought a person's words along: git show {commit[:12]} -- {path}"
            changed.append((path, why))
    return Rolled(source, sync, tuple(restored), tuple(changed))


def _caused(project: Project, source: str, mixed: dict[str, str]) -> dict[str, list[Edit]]:
    """Note id -> the edits of its files that the commit caused, newest first. ``mixed`` takes the notes, by
    path, with the commits whose own words cannot be told from those."""
    found: dict[str, list[Edit]] = {}
    for note_id, edit in (*_journaled(project, source), *_committed(project, source, mixed)):
        edits = found.setdefault(note_id, [])
        if edit not in edits:
            edits.append(edit)
    return found


def _committed(project: Project, source: str, mixed: dict[str, str]) -> Iterator[tuple[str, Edit]]:
    out = project.git.run(
        "log", "-z", "--no-color", "--encoding=UTF-8", "--format=%H%x00%P%x00%B", "--fixed-strings",
        f"--grep=Agentctx-Source: {source}",
    )  # fmt: skip
    parts = decode(out).split("\0")
    for at in range(0, len(parts) - 2, 3):
        commit, parents, trailers = parts[at], parts[at + 1].split(), read_trailers(parts[at + 2])
        before = parents[0] if parents else project.git.empty_tree
        blurred = set[str]()
        for path in _changed(project, before, commit):  # a note comes before its record
            note_id = posixpath.basename(path).removesuffix(".md")
            if trailers is None or note_id not in trailers.notes_of(source) or note_id in blurred:
                continue
            blobs = [project.git.read_blob(f"{rev}:{path}") for rev in (before, commit)]
            by_hand = not trailers.head and f"/{RECORDS}/" not in path
            if by_hand and edit_of(note_id, *blobs) not in trailers.edits:
                blurred.add(note_id)
                mixed[path] = commit
                continue
            present = _bytes(project, path)
            yield note_id, Edit(path, *(_as_checked_out(blob, present) for blob in blobs))


def _as_checked_out(blob: bytes | None, present: bytes | None) -> bytes | None:
    """A blob with the line endings of the file: git may keep LF and put CRLF into the work tree."""
    if not blob or not present or b"\r\n" in blob or b"\r\n" not in present:
        return blob
    return blob.replace(b"\n", b"\r\n")


def _changed(project: Project, before: str, after: str) -> list[str]:
    """The context folder's files that a commit changed, notes before records."""
    out = project.git.run(
        "diff-tree", "-r", "-z", "--name-only", "--no-renames", before, after, "--", f"{project.context}/"
    )
    paths = [path for path in decode(out).split("\0") if path]
    return sorted(paths, key=lambda path: (f"/{RECORDS}/" in path, path))


def _journaled(project: Project, source: str) -> Iterator[tuple[str, Edit]]:
    """What this clone accepted for the commit, or for the merge that brought it."""
    store = project.proposals
    for proposal in reversed(store.proposals(("accepted",))):
        if proposal.sync not in store.syncs() or not _brought(project, source, proposal.commit):
            continue
        for step in reversed(store.journal(proposal.sync).steps):
            if step.proposal == proposal.id:
                yield proposal.note_id, step.edit


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


def summary(words: Words) -> Mapping[str, str]:
    """The origin of one paragraph in words, for a table."""
    told = f"{words.commit[:8]} {words.author}" if words.commit else words.author
    if words.sources:
        told += f", by {words.model or 'repair'} because of "
        told += ", ".join(f"{c.id[:8]} {c.author}: {c.subject}" for c in words.sources[:3])
    return {"line": str(words.line), "text": words.text[:60], "from": told}
