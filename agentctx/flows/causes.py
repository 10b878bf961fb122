"""Which commits made an edit of a note necessary."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from agentctx.errors import NotFound
from agentctx.flows.targeting import change_between
from agentctx.git.runner import decode
from agentctx.model import Change, Commit, Freshness, Note
from agentctx.project import Project

SOURCES_LIMIT = 20
"""Commits named as the cause of one note's change."""


def evidence_against(freshness: Freshness) -> list[Commit]:
    """The commits that made a note false."""
    return [c for drift in freshness.drifts for c in drift.commits] if freshness.state == "stale" else []


def sources_of(project: Project, note: Note | None, base: str, head: str) -> tuple[str, ...]:
    """The commits of a range that touched what a note is anchored to; without any, those that made it false
    or moved its code before the range, else the range's end."""
    paths = sorted({a.path for a in note.anchors if not a.is_glob}) if note else []
    found = [commit.id for commit, _ in project.git.log_touching(paths, since=base)] if base else []
    if note and not found:
        drifts = project.index.by_id()[note.id].drifts
        found = list(dict.fromkeys(c.id for drift in drifts for c in drift.commits))
    return tuple(found[:SOURCES_LIMIT]) or (head,)


def arrived(project: Project, base: str, head: str) -> frozenset[str]:
    """The commits of a range; all there are where it has no beginning."""
    return frozenset(decode(project.git.run("rev-list", f"{base}..{head}" if base else head)).split())


def newest(project: Project, commits: Collection[str]) -> str:
    """The newest of some commits; empty for none."""
    return decode(project.git.run("rev-list", "--no-walk", *commits)).split()[0] if commits else ""


def part_about(project: Project, note: Note, change: Change) -> Change:
    """The merges of a range that touched a note's code, as one change: what the others brought says nothing
    for or against an edit of it. The range itself where it is one merge, or none of them did."""
    paths = sorted({a.path for a in note.anchors if not a.is_glob})
    if not change.base or not paths:
        return change
    line = ("rev-list", "--first-parent", "--reverse", f"{change.base}..{change.head}")
    merges = decode(project.git.run(*line, "--", *paths)).split()
    if not merges or len(decode(project.git.run(*line)).split()) == 1:
        return change
    try:
        part = change_between(project, project.git.rev_parse(f"{merges[0]}^"), merges[-1])
    except NotFound:  # the edge of a shallow clone
        return change
    if len(merges) == 1:
        return part
    listing = ("log", "--no-walk", "-m", "--first-parent", "-z", "--no-renames", "--stdin")
    told = project.git.run(*listing, "--format=", "--name-only", stdin="\n".join(merges).encode())
    touched = {*filter(None, decode(told).split("\0"))}
    words = decode(project.git.run(*listing, "--format=%B", stdin="\n".join(merges).encode()))
    files = tuple(f for f in part.files if touched & {f.path, f.old_path})
    return replace(part, files=files, body="\n".join(words.split("\0")))
