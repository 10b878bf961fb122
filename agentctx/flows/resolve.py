"""``agentctx resolve``: a note that two people changed, put together from what git kept of both.

The three versions come out of git's index, or out of the markers in the file where the index no longer has
them. What field and paragraph merging cannot settle is shown; nothing is written until nothing is open.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from agentctx.errors import InvalidInput, NotFound
from agentctx.git.runner import decode
from agentctx.notes.folder import RECORDS
from agentctx.notes.markers import Find, Region, Side, chosen, regions
from agentctx.notes.merge import merge, merge_record
from agentctx.notes.splice import open_note
from agentctx.project import Project

Choice = Literal["", "ours", "theirs", "edit"]
Editor = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of one note. ``open`` are the conflicts that remain; then nothing was written."""

    path: str
    open: tuple[Region, ...] = ()
    written: bool = False
    staged: bool = False
    words: str = ""
    """What a person should know besides: which side is which, or that the note was deleted."""


def resolve(project: Project, name: str, choice: Choice = "", editor: Editor | None = None) -> Resolved:
    """Merge a conflicted note by field and paragraph; write and stage it when nothing stays open.

    ``choice`` settles what stays open: one side of it, or a person's own text from ``editor``. Raises
    ``NotFound`` for a note without conflict, ``Conflict`` when somebody edits it at this moment.
    """
    unmerged = stages(project, project.context)
    path = _path(project, name, unmerged)
    before = _present(project, path)
    if path in unmerged and _as_git_left_it(project, unmerged[path], before):
        merged, find = _from_index(project, unmerged[path], choice)
    else:
        merged, find = _from_markers(before, path, _sides(project, unmerged.get(path, {})))
    words = _which(project) if path in unmerged else ""
    if merged is None or merged is _GONE:
        return _deleted(project, path, before, choice, merged is _GONE, words)
    data = _settled(merged, choice, editor, find)
    if left := find(data.decode("utf-8", "surrogateescape")):
        return Resolved(path, tuple(left), words=words)
    open_note(data)
    _save(project, path, before, data)
    return _staged(project, path, unmerged, words)


def stages(project: Project, folder: str) -> dict[str, dict[int, str]]:
    """Unmerged paths in git's index: path -> stage (1 base, 2 ours, 3 theirs) -> blob id."""
    found: dict[str, dict[int, str]] = {}
    for entry in decode(project.git.run("ls-files", "-u", "-z", "--", folder)).split("\0"):
        about, _, path = entry.partition("\t")
        if path:
            _, blob, stage = about.split(" ")
            found.setdefault(path, {})[int(stage)] = blob
    return found


def _path(project: Project, name: str, unmerged: Mapping[str, object]) -> str:
    wanted = name.removesuffix(".md")
    notes = [p for p in unmerged if p.endswith(".md")]
    fits = [p for p in notes if p == name or posixpath.basename(p).removesuffix(".md") == wanted]
    fits = fits or [p for p in notes if p.removesuffix(".md").endswith(wanted)]
    return fits[0] if len(fits) == 1 else project.note(name).path


def _present(project: Project, path: str) -> bytes | None:
    try:
        return project.folder.read_bytes(path)
    except NotFound:
        return None


_GONE = b"\0deleted"


def _from_index(project: Project, blobs: Mapping[int, str], choice: Choice) -> tuple[bytes | None, Find]:
    """The merged bytes, perhaps with markers, and how to find these; None when one side deleted the note,
    ``_GONE`` when the chosen side did."""
    base, ours, theirs = (project.git.read_blob(blobs[n]) if n in blobs else None for n in (1, 2, 3))
    if ours is None or theirs is None:
        if choice not in ("ours", "theirs"):
            return None, _none
        side = ours if choice == "ours" else theirs
        return _GONE if side is None else side, _none
    merged = merge(base or b"", ours, theirs)
    if merged.conflicts != ("file",):
        return merged.data, partial(regions, size=merged.marker)
    if choice in ("ours", "theirs"):
        return ours if choice == "ours" else theirs, _none
    raise InvalidInput(
        "one of the two versions cannot be read as a note, so they were not merged",
        "choose one whole: --ours or --theirs; or mend the file and `git add` it",
    )


def _as_git_left_it(project: Project, blobs: Mapping[int, str], present: bytes | None) -> bool:
    """False once a person has begun to mend the file: then their words are what is merged on."""
    if present is None or not {2, 3} <= blobs.keys():
        return True
    sides = [(project.git.read_blob(blobs[n]) or b"") if n in blobs else b"" for n in (2, 1, 3)]
    driven = merge(sides[1], sides[0], sides[2]).data
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / name for name in "oba"]
        for place, data in zip(places, sides, strict=True):
            place.write_bytes(data)
        by_line = project.git.run("merge-file", "-p", *map(str, places), check=False)
    return present in sides or _unlabelled(present) in (_unlabelled(driven), _unlabelled(by_line))


def _unlabelled(data: bytes) -> bytes:
    return re.sub(rb"(?m)^([<>|]{7,}) .*$", rb"\1", data)


def _none(_: str) -> list[Region]:
    """No conflict: whatever looks like one, both sides have or one side has."""
    return []


def _sides(project: Project, blobs: Mapping[int, str]) -> list[str]:
    """What git waits to have merged, ours and theirs; empty when it waits for nothing."""
    found = (project.git.read_blob(blobs[stage]) or b"" for stage in (2, 3) if stage in blobs)
    return [data.decode("utf-8", "surrogateescape") for data in found]


def _from_markers(data: bytes | None, path: str, sides: Sequence[str]) -> tuple[bytes, Find]:
    """What is merged from the text as it stands, and how to find what stays open.

    ``sides``: what git still waits for. Then a text without markers is a person's answer; and what stands in
    one side already is no conflict, though it may look like one."""

    def unsettled(text: str) -> list[Region]:
        found = regions(text, everywhere=True)
        return [r for r in found if not any(text[r.start : r.end].rstrip() in side for side in sides)]

    find = unsettled if sides else regions
    text = (data or b"").decode("utf-8", "surrogateescape")
    found = find(text)
    if data is not None and sides and not found:
        _insist_settled(text, path, sides)
        return data, find
    if data is None or not found:
        raise NotFound(f"{path} holds no merge conflict", "`agentctx status` lists the conflicted notes")
    if any(region.base is None or not region.clear for region in found):
        return data, find  # nobody knows what both started from: every conflict stays open
    versions = {"ours": text, "theirs": text, "base": text}
    for region in reversed(found):
        for side, whole in versions.items():
            versions[side] = whole[: region.start] + (getattr(region, side) or "") + whole[region.end :]
    base, ours, theirs = (versions[s].encode("utf-8", "surrogateescape") for s in ("base", "ours", "theirs"))
    merged = merge(base, ours, theirs)
    if merged.conflicts == ("file",):
        return data, find
    return merged.data, partial(regions, size=merged.marker)


def _insist_settled(text: str, path: str, sides: Sequence[str]) -> None:
    """Half a conflict is none, and is nobody's answer either."""
    known = {line for side in sides for line in side.splitlines()}
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"<{7,}|>{7,}", line) and line not in known:
            raise InvalidInput(
                f"{path}: line {number} is left of a conflict", "mend the note by hand, then `git add` it"
            )


def _settled(merged: bytes, choice: Choice, editor: Editor | None, find: Find) -> bytes:
    if not find(merged.decode("utf-8", "surrogateescape")):
        return merged
    if choice == "edit" and editor is not None:
        text = editor(merged.decode("utf-8", "surrogateescape"))
        return merged if text is None else text.encode("utf-8", "surrogateescape")
    side: dict[str, Side] = {"ours": "ours", "theirs": "theirs"}
    return chosen(merged, side[choice], find) if choice in side else merged


def _which(project: Project) -> str:
    if project.git.in_progress() == "rebase":
        return "in a rebase `ours` is the branch you are moving onto, `theirs` your own commit"
    return ""


def _deleted(
    project: Project, path: str, before: bytes | None, choice: Choice, gone: bool, words: str
) -> Resolved:
    """One side deleted the note and the other changed it: only a person can say which is meant."""
    if not gone:
        told = "one side deleted the note, the other changed it: say which with --ours or --theirs"
        return Resolved(path, words="; ".join(filter(None, (told, words))))
    if before is not None:
        project.folder.remove(path, hashlib.sha256(before).hexdigest())
    project.git.run("add", "-A", "--", path)
    return Resolved(path, written=True, staged=True, words=f"{choice} deleted the note")


def _save(project: Project, path: str, before: bytes | None, data: bytes) -> None:
    if data != before:
        project.folder.save(path, data, None if before is None else hashlib.sha256(before).hexdigest())


def _staged(project: Project, path: str, unmerged: Mapping[str, Mapping[int, str]], words: str) -> Resolved:
    """Stage the note, and its verification record with it (records always merge)."""
    paths = [path] if path in unmerged else []
    record = f"{project.context}/{RECORDS}/{posixpath.basename(path).removesuffix('.md')}"
    if record in unmerged:
        blobs = unmerged[record]
        texts = [
            (project.git.read_blob(blobs[n]) or b"").decode("utf-8", "replace") if n in blobs else ""
            for n in (1, 2, 3)
        ]
        _save(project, record, _present(project, record), merge_record(*texts).encode())
        paths.append(record)
    if paths:
        project.git.run("add", "--", *paths)
    return Resolved(path, written=True, staged=bool(paths), words=words)
