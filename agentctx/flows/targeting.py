"""Which notes does a change touch? git and the notes on one side, the pure answer on the other."""

from __future__ import annotations

from collections.abc import Sequence

from agentctx.errors import InvalidInput
from agentctx.freshness.anchors import look, same_code
from agentctx.freshness.code import Code, Memory
from agentctx.freshness.history import PastTree
from agentctx.git import Git
from agentctx.model import Affected, Change, Note
from agentctx.project import Project
from agentctx.proposals.affected import affected
from agentctx.proposals.kept_counts import counts_of
from agentctx.proposals.merge_log import Progress, merge_history
from agentctx.proposals.sampling import worth_reading
from agentctx.proposals.silent_files import lasting, telling


def change_of(project: Project, span: str) -> Change:
    """The change between two commits, given as ``A..B``; ``A..`` and ``A`` alone end at HEAD."""
    base, _, head = span.partition("..")
    if not base or head.startswith("."):
        raise InvalidInput(f"{span!r} is not a range", "give one as A..B, for example HEAD~1..HEAD")
    git = project.git
    return change_between(project, git.rev_parse(base), git.rev_parse(head or "HEAD"))


def change_between(project: Project, base: str, head: str) -> Change:
    """The change from one commit to another; of a very large one what concerns the notes, and a sample."""
    return project.git.show_change(base, head, lambda paths: worth_reading(paths, project.notes.notes))


def left_unread(change: Change) -> str:
    """What a person should know of a change too large to be read whole; empty for others."""
    if not change.unread:
        return ""
    return (
        f"{change.unread:,} changed files were not read: the change is large, "
        "and no note anchors or names them"
    )


def find_affected(project: Project, change: Change, progress: Progress | None = None) -> list[Affected]:
    """Every note that a change can make false, best first: false ones always, the rest by probability."""
    notes = lasting(project.notes.notes)
    if not notes:
        return []
    change = telling(change, project.notes.notes, project.context)
    documents = sorted({n.path for n in notes if n.read_only})
    # The change itself must not speak for itself: history ends where the change begins.
    history = merge_history(project.git, change.base or change.head, project.state, documents, progress)
    same = unchanged_anchors(project.git, change, notes)
    counts = counts_of(notes, project.state)
    return affected(change, notes, drifts=project.index.by_id(), history=history, same=same, counts=counts)


def unchanged_anchors(git: Git, change: Change, notes: Sequence[Note]) -> dict[str, set[str]]:
    """By note id, anchored symbols in changed files that look and do the same on both sides of the change."""
    changed = {file.path for file in change.files if file.status == "M"}
    near = [(note.id, a) for note in notes for a in note.anchors if a.symbol and a.path in changed]
    if not near or not change.base:
        return {}
    before, after = (Code(PastTree(git, rev), Memory()) for rev in (change.base, change.head))
    found: dict[str, set[str]] = {}
    for id, anchor in near:
        old, new = (look(anchor, code, deep=False).stamp for code in (before, after))
        if old and new and same_code(old, new):
            found.setdefault(id, set()).add(str(anchor))
    return found
