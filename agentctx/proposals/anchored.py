"""How a note's own words tie it to a change: its anchors and the paths it names.

Unlike the signals these strengths are not trained: the sections of documentation that the models learn from
have no anchors. They are log-odds, added to what the models say.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from agentctx.globs import matches
from agentctx.model import Anchor, Change, FileChange, Note
from agentctx.proposals.change_words import ChangeWords, is_cosmetic

_SYMBOL_CHANGED = 4.5
_SYMBOL_CONTEXT = 1.5
_FILE_CHANGED = 2.0
_FILE_GONE = 4.5
_OTHER_SYMBOL = 0.3
_GLOB = 0.3
_NAMES_OLD_PATH = 6.0


@dataclass(frozen=True, slots=True)
class Tie:
    """The strongest tie of one note to a change; strength 0 when there is none."""

    strength: float = 0.0
    reason: str = ""


def tie_of(note: Note, change: Change, words: ChangeWords, same: Collection[str] = ()) -> Tie:
    """The strongest of the note's anchors, then of the old paths in its text.

    ``same``: anchors whose code is the same before and after the change, whatever the diff looks like.
    """
    best = Tie()
    for anchor in note.anchors:
        for file in change.files:
            tie = _anchor_tie(anchor, file)
            if str(anchor) in same and tie.strength > _OTHER_SYMBOL:
                tie = Tie(
                    _OTHER_SYMBOL, f"the change edits {anchor.path}, but `{anchor}` does the same as before"
                )
            if tie.strength > best.strength:
                best = tie
    for path in words.old_paths:
        if best.strength < _NAMES_OLD_PATH and path in note.body and _names(note.body, path):
            best = Tie(_NAMES_OLD_PATH, f"names `{path}`, which the change moves or deletes")
    return best


def _names(text: str, path: str) -> bool:
    """Whether the path stands in the text as a path of its own, not as the end of a longer one."""
    return re.search(rf"(?<![\w/.-]){re.escape(path)}(?![\w/-])", text) is not None


def _anchor_tie(anchor: Anchor, file: FileChange) -> Tie:
    if anchor.is_glob:
        if not is_cosmetic(file.hunks) and any(
            matches(anchor.path, p) for p in (file.path, file.old_path) if p
        ):
            return Tie(_GLOB, f"the change touches {file.path}, under the note's `{anchor.path}`")
        return Tie()
    if anchor.path not in (file.path, file.old_path):
        return Tie()
    if file.status in ("D", "R") and anchor.path == (file.old_path or file.path):
        verb = "deletes" if file.status == "D" else "moves"
        return Tie(_FILE_GONE, f"the change {verb} {anchor.path}, which the note anchors")
    if is_cosmetic(file.hunks) or not file.hunks:
        return Tie()
    if not anchor.symbol:
        return Tie(_FILE_CHANGED, f"the change edits {anchor.path}, which the note anchors")
    name = re.split(r"[.:#)]+", anchor.symbol)[-1] or anchor.symbol
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    for hunk in file.hunks:
        if is_cosmetic((hunk,)):
            continue
        if any(word.search(line) for line in (*hunk.removed, *hunk.added)) or word.search(hunk.header):
            return Tie(_SYMBOL_CHANGED, f"the diff changes `{anchor.symbol}`, which the note anchors")
    if any(word.search(line) for hunk in file.hunks for line in hunk.context):
        return Tie(
            _SYMBOL_CONTEXT, f"the diff changes lines next to `{anchor.symbol}`, which the note anchors"
        )
    return Tie(_OTHER_SYMBOL, f"the change edits {anchor.path}, where the note anchors `{anchor.symbol}`")
