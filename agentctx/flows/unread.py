"""Words that a model wrote and no person has read: edits that were applied without anybody accepting them.

Known in the clone that applied them, by the note's very bytes: whoever edits the note, or verifies it by
name, has read it. What comes from the upstream branch has been read by whoever merged it there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from agentctx.project import Project
from agentctx.proposals.accept import Accepted

DOCUMENT = "unread"
"""State document: path of a note -> digest of its bytes as the model left them."""


def unread(project: Project) -> frozenset[str]:
    """Ids of the notes that are as a model left them, and that nobody has read."""
    known = _known(project)
    return frozenset(n.id for n in project.notes.notes if known and known.get(n.path) == n.digest)


def mark_unread(project: Project, done: Accepted) -> None:
    """Remember what accepting wrote though nobody looked at it."""
    proposal = done.proposal
    if proposal.origin != "model" or proposal.state != "accepted":
        return
    if any(edit.path == proposal.note_path and edit.after is not None for edit in done.edits):
        data = project.folder.read_bytes(proposal.note_path)
        _write(project, {**_known(project), proposal.note_path: hashlib.sha256(data).hexdigest()})


def mark_read(project: Project, paths: Iterable[str]) -> None:
    """Forget it of notes that somebody has read."""
    known, paths = _known(project), set(paths)
    if paths & known.keys():
        _write(project, {path: digest for path, digest in known.items() if path not in paths})


def _known(project: Project) -> Mapping[str, str]:
    found = project.state.read(DOCUMENT)
    return found if isinstance(found, dict) else {}


def _write(project: Project, digests: Mapping[str, str]) -> None:
    project.state.write(DOCUMENT, dict(digests))
