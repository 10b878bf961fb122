"""A note as JSON has it, for the cache of parsed notes: to a list and back without loss.

Texts of sections are stored as places in the body, so that a note's text is stored once.
"""

from __future__ import annotations

from typing import Any

from agentctx.model import Anchor, Note, Problem, Section

VERSION = 5
"""Rises when the shape below or the meaning of parsing changes; entries of another version are not used."""


def note_to_plain(note: Note) -> list[Any]:
    """The note's fields in order, anchors as pairs.

    Sections are (heading, level, start, end, text from, text to).
    """
    return [
        note.id,
        note.path,
        note.kind,
        note.title,
        note.body,
        note.digest,
        list(note.tags),
        note.status,
        [[anchor.path, anchor.symbol] for anchor in note.anchors],
        list(note.supersedes),
        note.superseded_by,
        note.review_by,
        note.pinned,
        [_section_to_plain(note.body, section) for section in note.sections],
        list(note.mentions),
        note.read_only,
        dict(note.extra),
        list(note.review_when),
    ]


def note_from_plain(plain: list[Any]) -> Note:
    """The note that ``note_to_plain`` was given."""
    body = plain[4]
    return Note(
        plain[0],
        plain[1],
        plain[2],
        plain[3],
        body,
        plain[5],
        tuple(plain[6]),
        plain[7],
        tuple([Anchor(path, symbol) for path, symbol in plain[8]]),
        tuple(plain[9]),
        plain[10],
        plain[11],
        plain[12],
        tuple([Section(h, level, body[a:b], start, end) for h, level, start, end, a, b in plain[13]]),
        tuple(plain[14]),
        plain[15],
        plain[16],
        tuple(plain[17]),
    )


def _section_to_plain(body: str, section: Section) -> list[Any]:
    behind = section.start + len(body[section.start : section.end].rstrip("\n"))
    return [section.heading, section.level, section.start, section.end, behind - len(section.text), behind]


def problem_to_plain(problem: Problem) -> list[Any]:
    """The problem's fields in order."""
    return [problem.path, problem.code, problem.message, problem.hint, problem.line, problem.severity]


def problem_from_plain(plain: list[Any]) -> Problem:
    """The problem that ``problem_to_plain`` was given."""
    return Problem(*plain)
