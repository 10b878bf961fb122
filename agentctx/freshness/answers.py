"""Yes or no, as a verification record keeps it: what was true of a note's claims when somebody verified it.

Beside the anchors a record may hold entries whose names begin with ``~``. ``sig`` digests the questions,
``body`` the answers as bits. The same note on the same code gives the same bytes, whoever asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agentctx.freshness.languages.base import fingerprint
from agentctx.model import Stamp

MENTIONS = "~mentions"
"""Which code spans of the text were true."""
CONDITIONS = "~conditions"
"""Which conditions for a review were met, and are settled by the verification."""
COMMITS = "~commits"
"""Commits whose messages contradict the note, and that were known when it was verified."""
WORDS = "~words"
"""Words of the text that had gone from the code when it was verified all the same."""
UNREAD = "~unread"
"""Words that a model wrote and nobody has read; ``~unread:`` and a digest name a line or sentence of them."""

SCHEME = 1
"""Number of the questions' and answers' form; it rises when the same code would be answered otherwise."""
MOST = 400
"""Questions recorded for one note."""


def is_entry(name: str) -> bool:
    """Is this name in a record one of ours, and not an anchor?"""
    return name in (MENTIONS, CONDITIONS, COMMITS, WORDS) or name.startswith(UNREAD)


def stamp_of(questions: Sequence[str], answers: Sequence[bool]) -> Stamp | None:
    """The stamp to record; None without questions. Questions beyond ``MOST`` are not recorded."""
    if not questions:
        return None
    bits = sum(1 << at for at, answer in enumerate(answers[:MOST]) if answer)
    return Stamp(scheme=SCHEME, sig=_digest(questions), body=f"{bits:x}")


def answers_of(stamp: Stamp | None, questions: Sequence[str]) -> tuple[bool, ...] | None:
    """The recorded answers to exactly these questions; None when others were asked, or none."""
    if stamp is None or stamp.scheme != SCHEME or stamp.sig != _digest(questions):
        return None
    try:
        bits = int(stamp.body, 16)
    except ValueError:
        return None
    return tuple(bool(bits >> at & 1) for at in range(len(questions)))


def either(one: Stamp | None, other: Stamp) -> Stamp:
    """What was answered yes in one of two entries about the same questions; the other when they differ."""
    if one is None or (one.scheme, one.sig) != (other.scheme, other.sig):
        return other
    try:
        return replace(other, body=f"{int(one.body, 16) | int(other.body, 16):x}")
    except ValueError:
        return other


def _digest(questions: Sequence[str]) -> str:
    return fingerprint("answers\x00" + "\x00".join(questions))
