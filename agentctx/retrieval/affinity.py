"""How near a note stands to the files in question: its anchors, its mentions, its own place."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agentctx.globs import compiled
from agentctx.model import Note, Query
from agentctx.retrieval.weights import Weights

_PATH = re.compile(r"(?<![\w./-])(?:[\w@.-]+/)+[\w@.-]*\w|(?<![\w./-])[\w-]+\.[a-z][a-z0-9]{0,4}\b(?!\()")
_FEW = 8
"""Changed files that count in full; of more, each says less about the task."""
_FILE_LIMIT = 500
"""Files that are looked at."""


@dataclass(frozen=True, slots=True)
class Nearness:
    """0..1, and why in words."""

    score: float = 0.0
    reason: str = ""


@dataclass(slots=True)
class Targets:
    """The files in question, and the folders around them with what nearness to them is worth."""

    files: dict[str, float] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    folders: dict[str, tuple[float, str]] = field(default_factory=dict)
    """Folder -> (worth, the file it was derived from)."""
    known: dict[tuple[str, bool], Nearness] = field(default_factory=dict)
    """Places looked up before: many notes name the same glob."""


def targets_of(query: Query, weights: Weights) -> Targets:
    """Files named by the person, paths in the task's text, changed files."""
    targets = Targets()
    named = [(path, 1.0, "named") for path in (*query.files, *paths_in(query.text))]
    each = weights.changed * min(1.0, math.sqrt(_FEW / max(1, len(query.changed))))
    for path, worth, why in [*named, *((path, each, "changed") for path in query.changed)][:_FILE_LIMIT]:
        clean = path.removeprefix("./").strip("/")
        if clean and worth > targets.files.get(clean, 0.0):
            targets.files[clean], targets.why[clean] = worth, why
            _add_folders(targets, clean, worth * weights.folder)
    return targets


def paths_in(text: str) -> list[str]:
    """What looks like a path in a text: ``src/auth/tokens.py``, ``Makefile.am``; links are no paths."""
    return [found for found in _PATH.findall(text[:20_000]) if not found.startswith(("http", "www."))]


def _add_folders(targets: Targets, path: str, worth: float) -> None:
    folder = path.rpartition("/")[0]
    while folder:
        if worth > targets.folders.get(folder, (0.0, ""))[0]:
            targets.folders[folder] = (worth, path)
        folder, worth = folder.rpartition("/")[0], worth / 2


def nearness(note: Note, targets: Targets, weights: Weights) -> Nearness:
    """The best of the note's anchors, its mentions of paths, and its own place in the tree."""
    if not targets.files:
        return Nearness()
    best = Nearness()
    for place in _places(note):
        key = (place.path, place.pattern)
        found = targets.known.get(key)
        if found is None:
            found = _covered(place.path, targets, weights.glob) if place.pattern else _at(place.path, targets)
            targets.known[key] = found
        if found.score * place.worth > best.score:
            best = Nearness(found.score * place.worth, found.reason)
    return best


@dataclass(frozen=True, slots=True)
class _Place:
    path: str
    worth: float = 1.0
    pattern: bool = False


def _places(note: Note) -> Iterable[_Place]:
    for anchor in note.anchors:
        yield _Place(anchor.path, pattern=anchor.is_glob)
    for mention in note.mentions:
        if "/" in mention and " " not in mention:
            yield _Place(mention.partition("#")[0], 0.8)
    if note.kind == "document":
        yield _Place(note.path, 0.8)


def _covered(pattern: str, targets: Targets, worth: float) -> Nearness:
    fullmatch = compiled(pattern).fullmatch
    matched: Mapping[str, float] = {path: w for path, w in targets.files.items() if fullmatch(path)}
    if not matched:
        return Nearness()
    path = max(matched, key=lambda p: (matched[p], p))
    return Nearness(matched[path] * worth, f"{pattern} covers {path} ({targets.why[path]})")


def _at(path: str, targets: Targets) -> Nearness:
    """The file itself, a folder that was named as a whole, or the distance through the folders above."""
    path = path.strip("/")
    if path in targets.files:
        return Nearness(targets.files[path], f"about {path} ({targets.why[path]})")
    best, share, folder = Nearness(), 1.0, path
    while folder:
        if folder in targets.files:
            return Nearness(0.8 * targets.files[folder] * share, f"inside {folder} ({targets.why[folder]})")
        worth, source = targets.folders.get(folder, (0.0, ""))
        if worth * share > best.score:
            best = Nearness(worth * share, f"near {source} ({targets.why[source]})")
        folder = folder.rpartition("/")[0]
        if folder != path.rpartition("/")[0]:
            share /= 2
    return best
