"""Whose words stand in a change of a note: a model's and a person's told apart, proved by content.

A trailer tells an edit by the digests of the note before and after it. Whatever became of the commit
(squashed, amended, rebased, under another message), the same words give the same digests: the stretches of
the change that lead from the one to the other are the edit, and what is left over is somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import combinations, zip_longest

Edits = Mapping[str, Collection[str]]
"""Digest before -> the digests after, of all edits that were made to it."""
MOST = 12
"""Stretches of which every choice is tried: 4,096 texts at most."""
MOST_MERGED = 6
"""The same where each text is merged into another version of the note first."""
Lines = tuple[bytes, ...]
Cut = Callable[[Sequence[bytes], Sequence[bytes]], Iterator[tuple[Lines, Lines]]]


@dataclass(frozen=True, slots=True)
class Apart:
    """What a change holds of known edits."""

    text: bytes
    """The note as it would be with those edits alone."""
    ends: frozenset[str]
    """Digests of what the edits led to."""


def content_id(data: bytes | None) -> str:
    """A note's words as a digest; empty for none. Line endings are git's affair."""
    return sha256(_plain(data)).hexdigest()[:16] if data else ""


def told_apart(
    edits: Edits, before: bytes | None, after: bytes | None, others: Mapping[str, bytes] | None = None
) -> Apart | None:
    """What of the change from ``before`` to ``after`` is the edits'; None when nothing can be proved to be.

    ``others``: versions of the note, by digest, that an edit may have been made to in place of ``before``.
    """
    start, end = content_id(before), content_id(after)
    if not edits or start == end:
        return None
    if end in _reached(edits, start):
        return Apart(after or b"", frozenset((end,)))
    if not before or not after:
        return None
    found = [part for change in _changes(before, after) if (part := _explained(edits, change))]
    found = found or [part for x in (others or {}).values() if (part := _elsewhere(edits, before, after, x))]
    return max(found, key=lambda part: len(part.ends)) if found else None


def _explained(edits: Edits, change: _Change, other: bytes | None = None) -> Apart | None:
    """Those stretches of a change that lead from one digest that an edit began at to where one ended."""
    texts = change.texts if other is None else change.merged_into(other)
    proved = [(s, e) for s in texts for e in _reached(edits, s) if texts.get(e, texts[s]) - texts[s]]
    chosen = frozenset[int]().union(*(texts[e] - texts[s] for s, e in proved))
    return Apart(change.text(chosen), frozenset(e for _, e in proved)) if proved else None


def _elsewhere(edits: Edits, before: bytes, after: bytes, other: bytes) -> Apart | None:
    change = _Change(before, after, _whole)
    return _explained(edits, change, other) if len(change.stretches) <= MOST_MERGED else None


def _reached(edits: Edits, start: str) -> set[str]:
    """The digests that one edit after the other leads to."""
    found, new = set[str](), {start}
    while new:
        new = {after for before in new for after in edits.get(before, ())} - found
        found |= new
    return found


# --------------------------------------------------------------------------- a change in stretches


def _changes(before: bytes, after: bytes) -> Iterator[_Change]:
    """The change in ever smaller stretches, as long as they are few."""
    for cut in (_whole, _paragraphs, _lines):
        change = _Change(before, after, cut)
        if len(change.stretches) <= MOST:
            yield change


class _Change:
    """A change of a note in stretches that can be made or left out each by itself."""

    def __init__(self, before: bytes, after: bytes, cut: Cut) -> None:
        from difflib import SequenceMatcher

        self.before = before
        old, new = _split(before), _split(after)
        self.parts: list[tuple[int, Lines, Lines]] = []
        """Number of the stretch (-1: lines that stay), what stood there, and what stands there."""
        self.stretches: list[int] = []
        for tag, i, k, j, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if tag == "equal":
                self.parts.append((-1, tuple(old[i:k]), tuple(new[j:m])))
            for was, now in cut(old[i:k], new[j:m]) if tag != "equal" else ():
                self.parts.append((len(self.stretches), was, now))
                self.stretches.append(len(self.stretches))

    def text(self, chosen: Collection[int]) -> bytes:
        """The note with these stretches changed and no other."""
        sides = (now if number in chosen else was for number, was, now in self.parts)
        return b"".join(line for lines in sides for line in lines)

    @property
    def _choices(self) -> Iterator[frozenset[int]]:
        for count in range(len(self.stretches), -1, -1):
            yield from map(frozenset, combinations(self.stretches, count))

    @cached_property
    def texts(self) -> dict[str, frozenset[int]]:
        """Digest -> the stretches that give it."""
        return {content_id(self.text(chosen)): chosen for chosen in self._choices}

    def merged_into(self, other: bytes) -> dict[str, frozenset[int]]:
        """Digest -> the stretches that give it when they are made to another version of the note."""
        from agentctx.notes.merge import merge

        found = {}
        for chosen in self._choices:
            merged = merge(self.before, other, self.text(chosen))
            if not merged.conflicts:
                found[content_id(merged.data)] = chosen
        return found


def _whole(old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[tuple[Lines, Lines]]:
    yield tuple(old), tuple(new)


def _paragraphs(old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[tuple[Lines, Lines]]:
    return _interleaved(_runs(old), _runs(new))


def _lines(old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[tuple[Lines, Lines]]:
    return _interleaved([(line,) for line in old], [(line,) for line in new])


def _interleaved(old: Sequence[Lines], new: Sequence[Lines]) -> Iterator[tuple[Lines, Lines]]:
    """Each old piece taken out, and each new one put in, by itself and in its place."""
    for was, now in zip_longest(old, new, fillvalue=()):
        yield from (pair for pair in ((was, ()), ((), now)) if any(pair))


def _runs(lines: Sequence[bytes]) -> list[Lines]:
    """Stretches of lines with words, and of blank ones between them."""
    runs: list[Lines] = []
    for line in lines:
        same = runs and bool(runs[-1][0].strip()) == bool(line.strip())
        runs[-1:] = [(*runs[-1], line)] if same else [*runs[-1:], (line,)]
    return runs


def _split(data: bytes) -> list[bytes]:
    return _plain(data).splitlines(keepends=True)


def _plain(data: bytes | None) -> bytes:
    """With line feeds alone, and one at the end."""
    text = (data or b"").replace(b"\r\n", b"\n")
    return text.rstrip(b"\n") + b"\n" if text else b""
