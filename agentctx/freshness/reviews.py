"""Conditions under which a note asks to be read again, held against the files and manifests of one tree."""

from __future__ import annotations

from functools import cached_property

from agentctx.freshness.answers import answers_of, stamp_of
from agentctx.freshness.manifests import dependencies, folded, is_lock, is_manifest, version_key
from agentctx.freshness.tree import Paths, Tree
from agentctx.model import Note, Stamp
from agentctx.notes.conditions import Condition, conditions

_MOST_MANIFESTS = 60
_SKIPPED = ("node_modules/", "vendor/", "testdata/", "tests/", "test/", "fixtures/", "examples/")
"""Folders with manifests of others, and of tests."""

Versions = dict[str, list[tuple[str, str]]]
"""Folded name -> (file, version) of every place that names it; an empty version where none is said."""


class Reviews:
    """Checks the conditions of notes against one tree. Manifests are read when a condition needs them."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def reasons(self, note: Note, recorded: Stamp | None) -> tuple[str, ...]:
        """One sentence for each condition that is met and was not when the note was verified."""
        asked = conditions(note.review_by, note.review_when)
        if not asked:
            return ()
        settled = answers_of(recorded, [c.text for c in asked]) or (False,) * len(asked)
        found = (self.met(c) for c, before in zip(asked, settled, strict=True) if not before)
        return tuple(reason for reason in found if reason)

    def stamp(self, note: Note) -> Stamp | None:
        """What to record of the conditions of a note that somebody has just verified."""
        asked = conditions(note.review_by, note.review_when)
        return stamp_of([c.text for c in asked], [bool(self.met(c)) for c in asked])

    def met(self, condition: Condition) -> str:
        """Why a condition is met, in words; empty when it is not, or when that cannot be told."""
        if condition.subject == "path":
            return self._path(condition)
        places = self._places(condition.name)
        if condition.relation in ("exists", "gone"):
            if bool(places) != (condition.relation == "exists") or not self._versions:
                return ""
            where = f"`{places[0][0]}` names `{condition.name}`" if places else ""
            return self._asked(condition, where or f"no manifest names `{condition.name}`")
        for path, version in places:
            if version and _holds(version, condition):
                return self._asked(condition, f"`{path}` has {condition.name} {version}")
        return ""

    def _path(self, condition: Condition) -> str:
        name = condition.name.rstrip("/")
        tree = self._tree
        there = bool(tree.key(name)) or self._paths.is_folder(name) or name in tree.others()
        if there != (condition.relation == "exists"):
            return ""
        return self._asked(condition, f"`{condition.name}` {'is there' if there else 'is gone'}")

    def _asked(self, condition: Condition, because: str) -> str:
        return f"it asked to be read again when {condition.text}: {because}"

    def _places(self, name: str) -> list[tuple[str, str]]:
        """Where a dependency is named: exactly, or as the last part of a module's or artifact's name."""
        wanted = folded(name)
        exact = self._versions.get(wanted)
        if exact is None and "/" not in name and ":" not in name:
            ends = (f"/{wanted}", f":{wanted}")
            longer = [key for key in self._versions if key.endswith(ends)]
            exact = self._versions[longer[0]] if len(longer) == 1 else None
        locked = [place for place in exact or () if is_lock(place[0])]
        return locked or exact or []

    @cached_property
    def _paths(self) -> Paths:
        return Paths(self._tree.paths())

    @cached_property
    def _versions(self) -> Versions:
        own = [p for p in self._tree.paths() if is_manifest(p) and not any(s in p for s in _SKIPPED)]
        found: Versions = {}
        for path in sorted(own, key=lambda p: (p.count("/"), p))[:_MOST_MANIFESTS]:
            for name, version in dependencies(path, self._tree.read(path) or b"").items():
                found.setdefault(name, []).append((path, version))
        return found


def _holds(version: str, condition: Condition) -> bool:
    now, then = version_key(version), version_key(condition.version)
    return {
        ">=": now >= then,
        "<=": now <= then,
        ">": now > then,
        "<": now < then,
        "==": now == then,
        "!=": now != then,
    }[condition.relation]
