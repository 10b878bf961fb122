"""Of a change too large to be read whole: the files that say most about the notes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from agentctx.globs import compiled
from agentctx.model import Note

_WORD = re.compile(r"[\w.@+~-]+(?:/[\w.@+~-]+)*")
_EACH_GLOB = 3
"""Files of one glob anchor: more of them tie the note no closer."""
_SAMPLE = 200
"""Files that no note is about, taken evenly over the change: its general words."""


def worth_reading(paths: Sequence[str], notes: Sequence[Note]) -> list[str]:
    """The notes themselves and what they anchor, what they name, some files of each glob, and a sample."""
    anchors = [anchor for note in notes for anchor in note.anchors]
    sure = {anchor.path for anchor in anchors if not anchor.is_glob} | {note.path for note in notes}
    picked = dict.fromkeys(path for path in paths if path in sure)
    picked |= dict.fromkeys(_named(paths, notes))
    for pattern in {anchor.path for anchor in anchors if anchor.is_glob}:
        means = compiled(pattern).fullmatch
        picked |= dict.fromkeys(islice((path for path in paths if means(path)), _EACH_GLOB))
    others = [path for path in paths if path not in picked]
    return [*picked, *others[:: max(1, len(others) // _SAMPLE)][:_SAMPLE]]


def _named(paths: Iterable[str], notes: Sequence[Note]) -> Iterator[str]:
    """Paths that stand in the notes' texts, whole or by the file's name alone."""
    words = {word.rstrip(".") for note in notes for word in _WORD.findall(note.body)}
    return (path for path in paths if path in words or path.rpartition("/")[2] in words)
