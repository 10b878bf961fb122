"""Why a note was found, in words that a person can check against the diff."""

from __future__ import annotations

import re

from agentctx.model import Freshness
from agentctx.proposals.anchored import Tie
from agentctx.proposals.change_words import written_chunks
from agentctx.proposals.signals import Signals
from agentctx.retrieval.tokens import tokenize

_SPAN = re.compile(r"``?([^`\n]{2,80})``?")
_DOUBT = 5
"""Merges of a file without the note that are always reckoned with: few common ones may be chance."""
_NEAREST = 20
"""Earlier merges most like a change that are worth naming."""


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
    """Code-like words in the note's code spans that the diff no longer has, or has anew; longest first."""
    spans = dict.fromkeys([*signals.notes[place].mentions, *_SPAN.findall(signals.notes[place].body)])
    found: dict[str, tuple[int, int]] = {}
    for span in spans:
        written = {chunk: word for chunk, word in written_chunks(span).items() if not chunk.isdigit()}
        for is_new, side in enumerate((signals.words.removed_chunks, signals.words.added_chunks)):
            both = [c for c in written if c in side and not signals.is_common(c)]
            if both:
                best = max(both, key=len)
                shown = span if len(both) == len(written) else written[best]
                where = f"{('removed from', 'added to')[is_new]} {side[best]}"
                found.setdefault(f"mentions `{shown}`, which is in lines {where}", (is_new, -len(best)))
    return sorted(found, key=lambda reason: found[reason])[:2]


def _past(place: int, signals: Signals) -> list[str]:
    """The changed file that most often changed together with the note; the earlier merge most like this."""
    history = signals.history
    own = set(history.of_note(signals.notes[place]))
    found, told = [], -1
    files = [(path, history.of_file(path)) for path in signals.words.paths]
    together = [(own.intersection(places), len(places), path) for path, places in files]
    likely = [(len(both) / (total + _DOUBT), path, both, total) for both, total, path in together if both]
    if likely:
        _, path, both, total = max(likely, key=lambda one: one[:2])
        told = max(both)
        times = f"{len(both)} of the {total} earlier merges" if total > 1 else "the one earlier merge"
        if len(both) > 1 or total <= 2:
            found.append(f"changed in {times} of {path}, last in '{history.merges[told].subject}'")
    alike = next((at for at, _ in signals.alike[:_NEAREST] if at in own), told)
    if alike != told:
        found.append(f"changed in an earlier merge like this one, '{history.merges[alike].subject}'")
    return found


def _words(place: int, signals: Signals) -> list[str]:
    """Shared words, as the note writes them."""
    note = signals.notes[place]
    written: dict[str, str] = {}
    for word in re.findall(r"\w+", f"{note.title} {note.body} {note.path}"):
        for token in tokenize(word):
            if len(word) < len(written.get(token, word + " ")):
                written[token] = word
    found = [w for w in signals.whole.telling(signals.words.bags["all"], place, 9) if not w.isdigit()]
    return list(dict.fromkeys(written.get(token, token) for token in found[:5]))
