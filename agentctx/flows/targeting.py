"""Which notes does a change touch? git and the notes on one side, the pure answer on the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agentctx.errors import InvalidInput
from agentctx.flows.branch import branch_of
from agentctx.freshness.anchors import look, same_code
from agentctx.freshness.code import Code, Memory
from agentctx.freshness.history import PastTree
from agentctx.git import Git
from agentctx.model import Affected, Change, Freshness, Note, NoteSet
from agentctx.project import Project
from agentctx.proposals.affected import affected
from agentctx.proposals.kept_counts import counts_of
from agentctx.proposals.merge_log import Progress, merge_history
from agentctx.proposals.sampling import worth_reading
from agentctx.proposals.silent_files import lasting, telling
from agentctx.revision import Revision


@dataclass(frozen=True, slots=True)
class Span:
    """A range as two commit ids: where its end left the other side, and its end."""

    base: str
    head: str
    notice: str = ""
    """What a person should know when ``base`` is not what was typed."""


def span_of(git: Git, text: str) -> Span:
    """What ``B`` brings that ``A`` has not, of ``A..B`` or ``A...B``; ``A..`` and ``A`` alone end at HEAD.

    Both begin at the merge base: what ``A`` did since is no part of it. Raises ``NotFound`` when this clone
    does not reach that commit.
    """
    base, dots, head = text.partition("...")
    if not dots:
        base, _, head = text.partition("..")
    if not base or head.startswith("."):
        raise InvalidInput(f"{text!r} is not a range", "give one as A..B, for example HEAD~1..HEAD")
    tip = git.rev_parse(head or "HEAD")
    found = branch_of(git, git.rev_parse(base), tip)
    if found.merge_base == found.base or dots:
        return Span(found.merge_base, tip)
    if found.merge_base == tip:
        return Span(tip, tip, f"{base} has all of {head or 'HEAD'} already: nothing is left to look at")
    begins = f"{found.merge_base[:8]}, where {head or 'HEAD'} left it"
    return Span(found.merge_base, tip, f"{base} has moved on: the change is counted from {begins}")


def change_of(project: Project, text: str) -> Change:
    """The change that a range brings, see ``span_of``."""
    span = span_of(project.git, text)
    return change_between(project, span.base, span.head)


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


@dataclass(frozen=True, slots=True)
class Asked:
    """The notes of one version that a change is held against, and what was true of them there."""

    notes: NoteSet
    verdicts: Mapping[str, Freshness] = field(default_factory=dict)
    """By note id; empty where the notes are of another version than the change."""
    notice: str = ""
    """What a person should know of the choice."""


def notes_now(project: Project) -> Asked:
    """The notes as they lie on disk, for whoever is going to edit them."""
    return Asked(project.notes, project.index.by_id())


def notes_at(project: Project, head: str) -> Asked:
    """The notes of the commit where the change ends: neither a later commit nor an edit speaks for it.

    Where that commit has no notes, those of now are taken, and their words and anchors alone speak.
    """
    if head == project.tree.head and set(project.tree.status.entries.values()) <= {"??"}:
        return notes_now(project)  # a file in no commit makes nothing false
    then = Revision(project, head)
    if then.notes.notes:
        return Asked(then.notes, then.index.by_id(), " ".join(then.notices))
    told = f"{head[:8]} has no notes; those of now are shown, by their words and anchors alone"
    return Asked(project.notes, notice=told if project.notes.notes else "")


def find_affected(
    project: Project, change: Change, asked: Asked, progress: Progress | None = None
) -> list[Affected]:
    """Every note that a change can make false, best first: false ones always, the rest by probability."""
    notes = lasting(asked.notes.notes)
    if not notes:
        return []
    change = telling(change, asked.notes.notes, project.context)
    documents = sorted({n.path for n in notes if n.read_only})
    # The change itself must not speak for itself: history ends where the change begins.
    history = merge_history(project.git, change.base or change.head, project.state, documents, progress)
    same = unchanged_anchors(project.git, change, notes)
    counts = counts_of(notes, project.state)
    return affected(change, notes, drifts=asked.verdicts, history=history, same=same, counts=counts)


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
