"""Verdicts kept between runs, each with the contents it rests on: valid exactly as long as those stay."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any, Protocol

from agentctx.freshness.tree import Tree
from agentctx.model import Anchor, Commit, Drift, Mention, Note, Stamp
from agentctx.notes.records import Record

VERSION = 9
"""Raise it when verdicts change for the same content."""


class Cache(Protocol):
    """Where documents are kept: ``state.StateDir``, or nothing."""

    def read(self, name: str) -> Any:
        """The document, or None."""

    def write(self, name: str, value: Any) -> bool:
        """Keep a JSON document; False when it could not be kept."""


@dataclass(slots=True)
class Verdict:
    """What was found out about one note."""

    drifts: tuple[Drift, ...] = ()
    mentions: tuple[Mention, ...] = ()
    verified: Commit | None = None
    """The commit by which history or a record vouches for it, when one was looked up."""
    uses: set[str] = field(default_factory=set)
    """Files whose content it rests on."""
    needs_head: bool = False
    """It rests on the commit that is checked out."""
    needs_tree: bool = False
    """It rests on every file (something was searched for)."""


class Verdicts:
    """The verdicts of earlier runs on this clone.

    One document: what they all rest on (names of the files, HEAD, every content) stands in it once, and each
    note says which of it counts.
    """

    def __init__(self, cache: Cache | None, tree: Tree, head: str) -> None:
        self._cache = cache
        self._tree = tree
        self._head = head
        raw = cache.read("verdicts") if cache else None
        self._raw: dict[str, Any] = raw if isinstance(raw, dict) and raw.get("version") == VERSION else {}
        notes = self._raw.get("notes")
        self._old: dict[str, Any] = notes if isinstance(notes, dict) else {}
        self._new: dict[str, Any] = {}
        self._contents: dict[str, str] = {}
        self.changed = False

    def get(self, note: Note, stamps: Mapping[str, Stamp]) -> Verdict | None:
        """The kept verdict when everything it rests on is as it was."""
        try:
            return self._valid(note, stamps)
        except (KeyError, TypeError, AttributeError, ValueError, IndexError):  # a damaged document
            return None

    def _valid(self, note: Note, stamps: Mapping[str, Stamp]) -> Verdict | None:
        entry = self._old.get(note.id)
        if entry is None or self._raw["names"] != self._names or entry["key"] != _key(note, stamps):
            return None
        if entry["head"] and self._raw["head"] != self._head:
            return None
        if entry["tree"] and self._raw["tree"] != self._whole:
            return None
        if not self._same.issuperset(entry["uses"]):
            return None
        verdict = _verdict(entry, note)
        self._new[note.id] = entry
        return verdict

    def put(self, note: Note, stamps: Mapping[str, Stamp], verdict: Verdict) -> None:
        """Keep a verdict for the next run."""
        self.changed = True
        self._new[note.id] = {
            "key": _key(note, stamps),
            "head": verdict.needs_head,
            "tree": verdict.needs_tree,
            "uses": sorted(verdict.uses),
            "drifts": _drifts(verdict, note),
            "mentions": [asdict(m) for m in verdict.mentions],
            "verified": asdict(verdict.verified) if verdict.verified else None,
        }

    def save(self) -> None:
        """Write what changed."""
        if not self._cache or not (self.changed or len(self._new) != len(self._old)):
            return
        paths = {path for entry in self._new.values() for path in entry["uses"]}
        document = {
            "version": VERSION,
            "names": self._names,
            "head": self._head,
            "tree": self._whole if any(entry["tree"] for entry in self._new.values()) else "",
            "files": {path: self._content(path) for path in sorted(paths)},
            "notes": self._new,
        }
        self._cache.write("verdicts", document)

    def _content(self, path: str) -> str:
        if path not in self._contents:
            self._contents[path] = self._tree.key(path)
        return self._contents[path]

    @cached_property
    def _same(self) -> frozenset[str]:
        """The files that are what they were."""
        files = self._raw["files"]
        return frozenset(path for path, content in files.items() if self._content(path) == content)

    @cached_property
    def _names(self) -> str:
        """Digest of all file names: imports are resolved by them."""
        return _digest("\0".join([*self._tree.paths(), *sorted(self._tree.others())]))

    @cached_property
    def _whole(self) -> str:
        """Digest of the whole tree."""
        return _digest("\0".join(f"{p}\0{self._content(p)}" for p in self._tree.paths()))


def _key(note: Note, stamps: Mapping[str, Stamp]) -> str:
    recorded = stamps.text if isinstance(stamps, Record) else repr(sorted(stamps.items(), key=itemgetter(0)))
    return _digest(f"{note.path}\0{note.digest}\0{recorded}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _drifts(verdict: Verdict, note: Note) -> list[Any]:
    """An anchor that is what its record says is written as its place among the note's anchors."""
    plain = {Drift(anchor, "unchanged", witness="record"): at for at, anchor in enumerate(note.anchors)}
    return [plain[drift] if drift in plain else asdict(drift) for drift in verdict.drifts]


def _verdict(entry: Mapping[str, Any], note: Note) -> Verdict:
    drifts = [
        Drift(note.anchors[raw], "unchanged", witness="record") if type(raw) is int else drift_of(raw)
        for raw in entry["drifts"]
    ]
    return Verdict(
        drifts=tuple(drifts),
        mentions=tuple(Mention(**m) for m in entry["mentions"]),
        verified=Commit(**entry["verified"]) if entry["verified"] else None,
        uses=set(entry["uses"]),
    )


def drift_of(raw: Mapping[str, Any]) -> Drift:
    """A drift out of its JSON form."""
    commits = tuple([Commit(**c) for c in raw["commits"]]) if raw["commits"] else ()
    return Drift(**{**raw, "anchor": Anchor(**raw["anchor"]), "commits": commits})
