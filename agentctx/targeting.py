"""Which notes does a change touch? git and the notes on one side, the pure answer on the other."""

from __future__ import annotations

from agentctx.errors import InvalidInput
from agentctx.model import Affected, Change
from agentctx.project import Project
from agentctx.proposals.affected import affected
from agentctx.proposals.merge_log import Progress, merge_history


def change_of(project: Project, span: str) -> Change:
    """The change between two commits, given as ``A..B``; ``A..`` and ``A`` alone end at HEAD."""
    base, _, head = span.partition("..")
    if not base or head.startswith("."):
        raise InvalidInput(f"{span!r} is not a range", "give one as A..B, for example HEAD~1..HEAD")
    git = project.git
    return git.show_change(git.rev_parse(base), git.rev_parse(head or "HEAD"))


def find_affected(project: Project, change: Change, progress: Progress | None = None) -> list[Affected]:
    """Every note that the change touches, best first: false ones always, the rest by probability."""
    notes = project.notes.notes
    if not notes:
        return []
    documents = sorted({n.path for n in notes if n.read_only})
    # The change itself must not speak for itself: history ends where the change begins.
    history = merge_history(project.git, change.base or change.head, project.state, documents, progress)
    return affected(change, notes, drifts=project.index.by_id(), history=history)
