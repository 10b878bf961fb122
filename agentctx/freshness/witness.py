"""The baseline of an anchor: what its code looked like when somebody last knew the note to be true.

Two witnesses: the record that ``verify`` writes, and history: a commit that changes the anchored code and the
note's text in one go counts as mended. The later of the two speaks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from agentctx.freshness.anchors import Sight, difference, look, same_code
from agentctx.freshness.answers import MENTIONS
from agentctx.freshness.code import Code, Memory
from agentctx.freshness.history import BlobTree, Event, History
from agentctx.freshness.logbook import Log
from agentctx.git.objects import object_id
from agentctx.model import Anchor, Commit, Note, Stamp
from agentctx.notes.records import parse_record

_DEEP_TREES = 48
"""Old commits whose whole tree is listed, to follow imports in it."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What an anchor is compared with."""

    stamp: Stamp | None = None
    witness: Literal["record", "history", ""] = ""
    commit: Commit | None = None
    """The commit that verified; None when that is not committed yet, or not known."""
    is_present: bool = False
    """Verified by uncommitted edits of both: what is there now is the baseline."""
    is_uncertain: bool = False
    """The clone is shallow: before what is left of its history somebody may have mended the note."""


class Witness:
    """Answers for all notes of one tree out of one log of the context folder."""

    def __init__(self, code: Code, history: History | None, log: Log, context: str) -> None:
        self.code = code
        self.history = history
        self.log = log
        self.events = log.events
        self.context = context
        self._by_path = log.places
        self._deep = 0
        self._lineages: dict[str, list[int]] = {}
        self._texts: dict[str, frozenset[str]] = {}

    def record_path(self, note: Note) -> str:
        """Where the note's verification record lies."""
        return f"{self.context}/.verified/{note.id}"

    def vouched(self, note: Note) -> Commit | None:
        """The newest commit in which somebody wrote or verified the note; None when that is not committed."""
        paths = (note.path, self.record_path(note))
        if any(self._is_dirty(path) for path in paths):
            return None
        places = [self._by_path[path][0] for path in paths if path in self._by_path]
        return self.events[min(places)].commit if places else None

    def answered(self, note: Note, sworn: Stamp) -> Commit | None:
        """The commit that brought what the record says of the note's mentions; older than ``vouched`` where a
        repair wrote the record anew and left that as it was. None when it is not committed."""
        return self._commit(self._sworn_place(note, MENTIONS, sworn))

    def is_reworded(self, note: Note) -> bool:
        """Has the note's file been changed since somebody last verified it?"""
        if self.history is None or self._is_dirty(self.record_path(note)):
            return False
        written = self._by_path.get(note.path)
        return self._is_dirty(note.path) or (written is not None and written[0] < self._record_place(note))

    def baseline(self, note: Note, anchor: Anchor, recorded: Stamp | None, sight: Sight) -> Baseline:
        """The later of record and history; an empty one when neither knows anything.

        A commit that wrote the record, and an uncommitted record, speak by the record alone: a repair changes
        note and record, and says nothing of the anchors that it left as they were.
        """
        place = self._verifying(note, anchor, recorded) if recorded is not None else len(self.events)
        if recorded is not None and (place < 0 or (sight.stamp == recorded and not self.is_reworded(note))):
            return Baseline(recorded, "record", self._commit(place))
        record = self.record_path(note)
        if not (recorded and self._is_dirty(record)) and self._mended_uncommitted(note, anchor, sight):
            return Baseline(sight.stamp, "history", None, is_present=True)
        for at in self._lineage(note.path):
            event = self.events[at]
            if at >= place:
                break
            by_record = recorded is not None and record in event.changes
            if not by_record and anchor.path in event.changes and self._mends(event, note, anchor):
                return Baseline(self._stamp_at(event, anchor), "history", event.commit)
            if not event.changes[note.path][0] and event.parents < 2:
                break  # the note was written here; what had its name before was another one
        if recorded is None:
            return Baseline()
        return Baseline(recorded, "record", self._commit(place), is_uncertain=place >= len(self.events))

    def is_cut_clean(self, note: Note, anchor: Anchor, recorded: Stamp) -> bool:
        """Is the code where a shallow history begins still what the record says? Then the rest is known.

        Of several beginnings one is enough, if the note says now what it said there.
        """
        assert self.history is not None
        pasts = [self.history.code(root, self.code.memory) for root in self.history.roots()]
        stamps = [look(anchor, past, deep=False).stamp for past in pasts]
        clean = [p for p, stamp in zip(pasts, stamps, strict=True) if stamp and same_code(stamp, recorded)]
        text = self.code.tree.read(note.path)
        return len(clean) == len(pasts) or any(not _differs(p.tree.read(note.path), text) for p in clean)

    def _commit(self, place: int) -> Commit | None:
        return self.events[place].commit if 0 <= place < len(self.events) else None

    def _record_place(self, note: Note) -> int:
        """Index of the event that last changed the record; -1 when it is newer than every commit, past the
        end when it is older than every commit of a shallow clone."""
        path = self.record_path(note)
        if self.history is None or self._is_dirty(path):
            return -1
        places = self._by_path.get(path, ())
        if not places and self.history.git.is_shallow and self.code.exists(path):
            return len(self.events)
        return places[0] if places else -1

    def _verifying(self, note: Note, anchor: Anchor, stamp: Stamp) -> int:
        """Index of the newest event whose record holds the stamp and whose code is so; -1 when that is not
        committed. A repair writes the record anew and leaves this stamp as somebody verified it before."""
        oldest = self._sworn_place(note, str(anchor), stamp)
        for at in self._by_path.get(self.record_path(note), ()):
            if at >= oldest:
                break
            then = self._stamp_at(self.events[at], anchor)
            if then is not None and difference(stamp, then) == "unchanged" and stamp.text == then.text:
                return at
        return oldest

    def _sworn_place(self, note: Note, name: str, stamp: Stamp) -> int:
        """Index of the event that brought a record's present entry; -1 when it is newer than every commit."""
        path = self.record_path(note)
        if self.history is None:
            return -1
        places = self._by_path.get(path, ())
        if self._is_dirty(path) and self._entry(f"{self.history.head}:{path}", name) != stamp:
            return -1
        brought = (at for at in places if self._entry(self.events[at].changes[path][0], name) != stamp)
        return next(brought, self._record_place(note) if not places else places[-1])

    def _entry(self, blob: str, name: str) -> Stamp | None:
        """What a committed record says under a name."""
        assert self.history is not None
        data = self.history.git.read_blob(blob) if blob else None
        return parse_record(data.decode("utf-8", "replace")).get(name) if data else None

    def _is_dirty(self, path: str) -> bool:
        return self.code.tree.key(path).startswith("w:")

    def _mended_uncommitted(self, note: Note, anchor: Anchor, sight: Sight) -> bool:
        if self.history is None or sight.stamp is None or not self._is_dirty(anchor.path):
            return False
        if not self._is_dirty(note.path):
            return False
        committed = self.history.code(self.history.head, self.code.memory)
        was, now = committed.tree.read(note.path), self.code.tree.read(note.path)
        if not _differs(was, now):
            return False
        written = object_id(now or b"", self.history.git.object_format)
        if was is None and self._stood_elsewhere(self.history.head, written):
            return False
        before = look(anchor, committed, deep=False)
        return _changed(before, sight)

    def _mends(self, event: Event, note: Note, anchor: Anchor) -> bool:
        assert self.history is not None
        (old_note, new_note), (old_code, new_code) = event.changes[note.path], event.changes[anchor.path]
        git = self.history.git
        if not new_note or not new_code:
            return False
        before, after = (git.read_blob(old_note) if old_note else None), git.read_blob(new_note)
        if not _differs(before, after):
            return False
        then = self._blob(anchor, new_code)
        if not _changed(self._blob(anchor, old_code), then) or self._is_taken_back(note, before, after):
            return False
        if before is None and event.parents and self._stood_elsewhere(f"{event.commit.id}^", new_note):
            return False
        return event.parents < 2 or self._merged_in_order(event, note, anchor, then)

    def _is_taken_back(self, note: Note, before: bytes | None, after: bytes | None) -> bool:
        """Says the note again what it said before an edit?"""
        lost, brought = (set(_lines(data)) for data in (before, after))
        lost, brought = lost - brought, brought - lost
        now = set(_lines(self.code.tree.read(note.path)))
        return bool(lost) and lost <= now and not brought & now

    def _lineage(self, path: str) -> Sequence[int]:
        """Places of the events whose version of a file the present one was made from, newest first. A merge
        that kept one side's text threw the other's away."""
        if path not in self._lineages:
            self._lineages[path] = list(self._forebears(path))
        return self._lineages[path]

    def _forebears(self, path: str) -> Iterator[int]:
        if self.history is None:
            return
        is_dirty = self._is_dirty(path)
        alive = {self.history.tree(self.history.head).key(path) if is_dirty else self.code.tree.key(path)}
        for at in self._by_path.get(path, ()):
            event = self.events[at]
            old, new = event.changes[path]
            if new not in alive:
                continue
            yield at
            alive.add(old)
            for parent in range(2, event.parents + 1):
                data = self.history.git.read_blob(f"{event.commit.id}^{parent}:{path}")
                alive |= {object_id(data, self.history.git.object_format)} if data is not None else set()

    def wrote(self, note: Note, line: str) -> Commit | None:
        """The newest commit in which somebody wrote a line of the note, or verified the note with it; None
        when that is not committed. Where the file only got another name, what was there before it."""
        record = self.record_path(note)
        if self.history is None or self._is_dirty(record):
            return None
        if self._is_dirty(note.path) and line not in _lines(self._committed(self.history.head, note.path)):
            return None
        verified = self._by_path.get(record, [len(self.events)])[0]
        oldest = verified if verified < len(self.events) else -1
        for at in self._lineage(note.path):
            if at > verified:
                break
            oldest = max(oldest, at)
            old = self.events[at].changes[note.path][0]
            if line not in self._lines_of(old):
                return (None if old else self._renamed(at, note.path, line)) or self.events[at].commit
        return self.events[oldest].commit if oldest >= 0 else None

    def _lines_of(self, blob: str) -> Collection[str]:
        if blob not in self._texts:
            assert self.history is not None
            self._texts[blob] = frozenset(_lines(self.history.git.read_blob(blob) if blob else None))
        return self._texts[blob]

    def _renamed(self, at: int, path: str, line: str) -> Commit | None:
        """The commit before one that gave a file its name, if the line stood there under the old one."""
        assert self.history is not None
        before = f"{self.events[at].commit.id}^"
        if not self.events[at].parents:
            return None
        old = next((was for was, now in self.history.renames(before).items() if now == path), "")
        if not old or line not in _lines(self._committed(before, old)):
            return None
        return next(iter(self.history.git.commits(range=before, limit=1)), None)

    def _committed(self, rev: str, path: str) -> bytes | None:
        assert self.history is not None
        return self.history.git.read_blob(f"{rev}:{path}")

    def _stood_elsewhere(self, before: str, blob: str) -> bool:
        """Had a commit the note's very text already, under another name? Then nobody wrote it later."""
        assert self.history is not None
        if not before:
            return False
        self.history.processes += 1
        return blob in self.history.git.tree(before).values()

    def _merged_in_order(self, merge: Event, note: Note, anchor: Anchor, then: Sight) -> bool:
        """A merge brings edits that were made apart: the note's must not be older than the code's."""
        assert self.history is not None
        text = merge.changes[note.path][1]
        for at in self._by_path[note.path]:
            event = self.events[at]
            if event.parents < 2 and event.changes[note.path][1] == text:
                past = self.history.code(event.commit.id, self.code.memory)
                written = look(anchor, past, deep=False)
                return not _changed(written, then)
        return True

    def _blob(self, anchor: Anchor, oid: str) -> Sight:
        assert self.history is not None
        return look(anchor, at_blob(self.history, self.code.memory, anchor.path, oid), deep=False)

    def _stamp_at(self, event: Event, anchor: Anchor) -> Stamp | None:
        assert self.history is not None
        tree = self.history.tree(event.commit.id)
        deep = tree.is_listed or self._deep < _DEEP_TREES
        self._deep += deep and not tree.is_listed
        return look(anchor, self.history.code(tree.rev, self.code.memory), deep=deep).stamp


def at_blob(history: History, memory: Memory, path: str, oid: str) -> Code:
    """One old version of one file, as a tree of its own."""
    return Code(BlobTree(history.git, {path: oid} if oid else {}), memory)


def _changed(before: Sight, after: Sight) -> bool:
    """Did the anchored code change in what counts? Comments and formatting do not."""
    if before.stamp is None or after.stamp is None:
        return before.stamp is not after.stamp
    if before.stamp.scheme != after.stamp.scheme or before.stamp.text != after.stamp.text:
        return True
    return difference(before.stamp, after.stamp, uncertain=True) != "unchanged"


def _differs(before: bytes | None, after: bytes | None) -> bool:
    """Does it say something else, blanks and what its front matter holds beside the title aside?"""
    return after is not None and (before is None or _said(before) != _said(after))


def _said(data: bytes) -> list[str]:
    return [word for line in _lines(data) for word in line.split()]


def _lines(data: bytes | None) -> list[str]:
    """The lines of a note's title and text, without blanks around them."""
    lines = [line.strip() for line in (data or b"").decode("utf-8", "replace").splitlines()]
    if lines[:1] == ["---"] and "---" in lines[1:]:
        end = lines.index("---", 1)
        lines = [line for line in lines[:end] if line.startswith("title:")] + lines[end + 1 :]
    return [line for line in lines if line]
