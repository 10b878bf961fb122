"""Which commits made an edit of a note necessary."""

from __future__ import annotations

from agentctx.model import Commit, Freshness, Note
from agentctx.project import Project

SOURCES_LIMIT = 20
"""Commits named as the cause of one note's change."""


def evidence_against(freshness: Freshness) -> list[Commit]:
    """The commits that made a note false."""
    return [c for drift in freshness.drifts for c in drift.commits] if freshness.state == "stale" else []


def sources_of(project: Project, note: Note | None, base: str, head: str) -> tuple[str, ...]:
    """The commits of a range that touched what a note is anchored to; without any, those that made it false
    before the range, else the range's end."""
    paths = sorted({a.path for a in note.anchors if not a.is_glob}) if note else []
    found = [commit.id for commit, _ in project.git.log_touching(paths, since=base)] if base else []
    if note and not found:
        found = list(dict.fromkeys(c.id for c in evidence_against(project.index.by_id()[note.id])))
    return tuple(found[:SOURCES_LIMIT]) or (head,)
