"""Why a note was found, in words that a person can check against the diff."""

from __future__ import annotations

import posixpath
import re

from agentctx.model import Freshness
from agentctx.proposals.anchored import Tie
from agentctx.proposals.change_words import chunks
from agentctx.proposals.signals import Signals
from agentctx.retrieval.tokens import tokenize

_SPAN = re.compile(r"``?([^`\n]{2,80})``?")


def reasons_of(place: int, signals: Signals, tie: Tie, state: Freshness | None) -> tuple[str, ...]:
    """The strongest evidence first; at most five sentences."""
    found: list[str] = []
    if state and state.state in ("stale", "suspect", "moved", "conflicted"):
        found += [drift.reason for drift in state.drifts if drift.reason][:2]
        found += [mention.reason for mention in state.mentions if mention.reason][:2]
    if tie.reason:
        found.append(tie.reason)
    found += _spans(place, signals)
    found += _past(place, signals)
    if words := _words(place, signals):
        found.append(f"shares with the diff: {', '.join(words)}")
    return tuple(dict.fromkeys(found))[:5]


def _spans(place: int, signals: Signals) -> list[str]:
    """Code spans of the note that the diff removed or added."""
    found: list[str] = []
    spans = dict.fromkeys([*signals.notes[place].mentions, *_SPAN.findall(signals.notes[place].body)])
    for span in spans:
        names = chunks(span)
        gone = next((signals.words.removed_chunks[c] for c in names if c in signals.words.removed_chunks), "")
        new = next((signals.words.added_chunks[c] for c in names if c in signals.words.added_chunks), "")
        if gone:
            found.insert(0, f"mentions `{span}`, removed in {posixpath.basename(gone)}")
        elif new:
            found.append(f"mentions `{span}`, added in {posixpath.basename(new)}")
    return found[:2]


def _past(place: int, signals: Signals) -> list[str]:
    """Earlier merges in which the note and one of the changed files changed together."""
    history = signals.history
    own = set(history.of_note(signals.notes[place]))
    best: tuple[int, int, str, int] = (0, 0, "", 0)
    for path in signals.words.paths:
        places = history.of_file(path)
        common = own.intersection(places)
        if common:
            best = max(best, (len(common), -len(places), path, max(common)))
    if not best[0]:
        return []
    times, total = best[0], -best[1]
    title = history.merges[best[3]].subject
    return [f"changed together with {best[2]} in {times} of {total} earlier merges, last '{title}'"]


def _words(place: int, signals: Signals) -> list[str]:
    """Shared words, as the note writes them."""
    note = signals.notes[place]
    written: dict[str, str] = {}
    for word in re.findall(r"\w+", f"{note.title} {note.body} {note.path}"):
        for token in tokenize(word):
            if len(word) < len(written.get(token, word + " ")):
                written[token] = word
    found = signals.whole.telling(signals.words.bags["all"], place, 5)
    return list(dict.fromkeys(written.get(token, token) for token in found))
