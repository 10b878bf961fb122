"""Finding the files that should be notes, and those that ``notes.include`` means.

Links to folders are never followed. Every name that lies where notes lie and is no note is told.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from agentctx import globs
from agentctx.model import Kind, Problem
from agentctx.notes import restructured
from agentctx.text import did_you_mean

KINDS: Mapping[str, Kind] = {
    "decisions": "decision",
    "patterns": "pattern",
    "gotchas": "gotcha",
    "sessions": "session",
}
"""The kind of the notes in each folder."""
DOCUMENTS = (".md", ".markdown", ".mdx", restructured.ENDING)
"""Endings of the files that a glob with wildcards means."""

FOLDERS: Mapping[str, str] = {kind: folder for folder, kind in KINDS.items()}
"""The folder of each kind of note."""

DEPTH_LIMIT = 8

File: TypeAlias = "tuple[str, os.stat_result]"
"""A repository path, and the numbers of the file itself (a link is not followed)."""

_NOT_NOTES = frozenset({"readme.md", "index.md"})
_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages"})


def entries(folder: str | Path) -> list[tuple[str, os.stat_result]]:
    """Names and their own numbers (links not followed), sorted; a missing folder is empty."""
    try:
        with os.scandir(folder) as found:
            return sorted(
                ((entry.name, entry.stat(follow_symlinks=False)) for entry in found), key=lambda e: e[0]
            )
    except OSError:
        return []


def note_files(root: Path, context: str, wrong: list[Problem]) -> Iterator[File]:
    """Every file that should be a note, in order of kind and path; what is out of place goes to ``wrong``."""
    top = root / context
    if top.is_symlink() and not inside(top, root):
        wrong.append(_link_problem(context))
        return
    for name, about in entries(top):
        if name.startswith(".") or name in KINDS:
            continue
        if stat.S_ISDIR(about.st_mode):
            near = did_you_mean(name, KINDS)
            hint = f"rename it to `{near or 'decisions'}`" + ("" if near else ", or move it elsewhere")
            message = f"`{name}/` is no kind of note (decisions, patterns, gotchas, sessions)"
            wrong.append(Problem(f"{context}/{name}", "unknown-kind", message, hint, 0, "warning"))
        elif name.lower().endswith(".md") and name.lower() not in _NOT_NOTES:
            message = "a note must lie in decisions/, patterns/, gotchas/ or sessions/"
            hint = f"type `git mv {context}/{name} {context}/decisions/`"
            wrong.append(Problem(f"{context}/{name}", "misplaced-note", message, hint, 0, "warning"))
    for name in KINDS:
        yield from _walk(root, f"{context}/{name}", DEPTH_LIMIT, wrong)


def _walk(root: Path, path: str, depth: int, wrong: list[Problem]) -> Iterator[File]:
    here = root / path
    if here.is_symlink():
        wrong.append(_link_problem(path))
        return
    for name, about in entries(here):
        inner = f"{path}/{name}"
        if name.startswith("."):
            continue
        if stat.S_ISDIR(about.st_mode):
            if depth > 0:
                yield from _walk(root, inner, depth - 1, wrong)
            else:
                message = f"folders are read {DEPTH_LIMIT} deep; this one was not"
                wrong.append(Problem(inner, "too-deep", message, "move its notes up", 0, "warning"))
        elif name.endswith(".md"):
            if name.lower() not in _NOT_NOTES:
                yield inner, about
        elif stat.S_ISLNK(about.st_mode) and here.joinpath(name).is_dir():
            wrong.append(_link_problem(inner))
        else:
            message = "this file is not read: notes end in `.md`"
            hint = "rename it, or move it out of the context folder"
            wrong.append(Problem(inner, "not-a-note", message, hint, 0, "warning"))


def _link_problem(path: str) -> Problem:
    message = f"{path} is a symbolic link to a folder; it was not followed"
    return Problem(path, "unsafe-file", message, "replace the link by the folder itself")


def inside(path: Path, root: Path) -> bool:
    """Does this path, links followed, lie in the repository?"""
    real, top = os.path.realpath(path), os.path.realpath(root)
    return real == top or real.startswith(top.rstrip("/") + "/")


def included_files(root: Path, context: str, include: Sequence[str]) -> list[File]:
    """Files that the globs mean, sorted; a link to another one of them (CLAUDE.md) is not read twice."""
    found: dict[str, os.stat_result] = {}
    for pattern in include:
        for path, about in _candidates(root, context, pattern):
            if path not in found and globs.matches(pattern, path):
                found[path] = about
    links = {path: os.path.realpath(root / path) for path in found if stat.S_ISLNK(found[path].st_mode)}
    taken = {f"{os.path.realpath(root)}/{path}" for path in found.keys() - links.keys()}
    for path, real in sorted(links.items()):
        if real in taken:
            del found[path]
        taken.add(real)
    return sorted(found.items())


def _candidates(root: Path, context: str, pattern: str) -> Iterator[File]:
    """Files under the part of a glob that has no wildcard; only that part of the tree is walked."""
    if pattern.startswith("/") or ".." in pattern.split("/"):
        return
    if not any(c in pattern for c in "*?["):
        try:
            about = os.lstat(root / pattern)
        except OSError:
            return
        if not stat.S_ISDIR(about.st_mode):
            yield pattern, about
        return
    start = globs.fixed_prefix(pattern)
    if start and not inside(root / start, root):
        return
    deepest = None if "**" in pattern else pattern.count("/")
    for path, about in _tree(root, start, deepest):
        if not path.startswith(f"{context}/"):
            yield path, about


def _tree(root: Path, start: str, deepest: int | None) -> Iterator[File]:
    """Documents under a folder, hidden and installed ones left out, links to folders not followed."""
    waiting = [start]
    while waiting:
        path = waiting.pop()
        for name, about in entries(root / path):
            inner = f"{path}/{name}" if path else name
            if stat.S_ISDIR(about.st_mode):
                skipped = name in _SKIPPED or name.startswith(".")
                if not skipped and (deepest is None or inner.count("/") < deepest):
                    waiting.append(inner)
            elif name.lower().endswith(DOCUMENTS):
                yield inner, about
