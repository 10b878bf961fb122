"""Verdicts kept between runs, each with the contents it rests on: valid exactly as long as those stay."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from agentctx.freshness.tree import Tree
from agentctx.model import Anchor, Commit, Drift, Mention, Note, Stamp

VERSION = 2
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
    """The verdicts of earlier runs on this clone."""

    def __init__(self, cache: Cache | None, tree: Tree, head: str) -> None:
        self._cache = cache
        self._tree = tree
        self._head = head
        self._keys: dict[str, str] = {}
        self._whole = ""
        self._names = ""
        raw = cache.read("verdicts") if cache else None
        self._old: dict[str, Any] = {}
        if isinstance(raw, dict) and raw.get("version") == VERSION:
            notes = raw.get("notes")
            self._old = notes if isinstance(notes, dict) else {}
        self._new: dict[str, Any] = {}
        self.changed = False

    def get(self, note: Note, stamps: Mapping[str, Stamp]) -> Verdict | None:
        """The kept verdict when everything it rests on is as it was."""
        try:
            return self._valid(note, stamps)
        except (KeyError, TypeError, AttributeError, ValueError):  # a damaged document
            return None

    def _valid(self, note: Note, stamps: Mapping[str, Stamp]) -> Verdict | None:
        entry = self._old.get(note.id)
        if entry is None or entry["key"] != _key(note, stamps) or entry["names"] != self._names_digest():
            return None
        if entry["head"] not in ("", self._head) or entry["tree"] not in ("", self._whole_digest_of(entry)):
            return None
        if any(self._content(path) != key for path, key in entry["uses"].items()):
            return None
        verdict = _verdict(entry)
        self._new[note.id] = entry
        return verdict

    def put(self, note: Note, stamps: Mapping[str, Stamp], verdict: Verdict) -> None:
        """Keep a verdict for the next run."""
        self.changed = True
        self._new[note.id] = {
            "key": _key(note, stamps),
            "names": self._names_digest(),
            "head": self._head if verdict.needs_head else "",
            "tree": self._whole_digest() if verdict.needs_tree else "",
            "uses": {path: self._content(path) for path in sorted(verdict.uses)},
            "drifts": [asdict(d) for d in verdict.drifts],
            "mentions": [asdict(m) for m in verdict.mentions],
            "verified": asdict(verdict.verified) if verdict.verified else None,
        }

    def save(self) -> None:
        """Write what changed."""
        if self._cache and (self.changed or len(self._new) != len(self._old)):
            self._cache.write("verdicts", {"version": VERSION, "notes": self._new})

    def _content(self, path: str) -> str:
        if path not in self._keys:
            self._keys[path] = self._tree.key(path)
        return self._keys[path]

    def _names_digest(self) -> str:
        """Digest of all file names: imports are resolved by them."""
        if not self._names:
            names = [*self._tree.paths(), *sorted(self._tree.others())]
            self._names = _digest("\0".join(names))
        return self._names

    def _whole_digest_of(self, entry: Mapping[str, Any]) -> str:
        return self._whole_digest() if entry["tree"] else ""

    def _whole_digest(self) -> str:
        if not self._whole:
            self._whole = _digest("\0".join(f"{p}\0{self._content(p)}" for p in self._tree.paths()))
        return self._whole


def _key(note: Note, stamps: Mapping[str, Stamp]) -> str:
    parts = [(a, s.scheme, s.sig, s.body, s.doc, s.deps, s.text) for a, s in stamps.items()]
    return _digest(f"{note.path}\0{note.digest}\0{sorted(parts)}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _verdict(entry: Mapping[str, Any]) -> Verdict:
    return Verdict(
        drifts=tuple(drift_of(d) for d in entry["drifts"]),
        mentions=tuple(Mention(**m) for m in entry["mentions"]),
        verified=Commit(**entry["verified"]) if entry["verified"] else None,
        uses=set(entry["uses"]),
    )


def drift_of(raw: Mapping[str, Any]) -> Drift:
    """A drift out of its JSON form."""
    commits = tuple([Commit(**c) for c in raw["commits"]]) if raw["commits"] else ()
    return Drift(**{**raw, "anchor": Anchor(**raw["anchor"]), "commits": commits})
