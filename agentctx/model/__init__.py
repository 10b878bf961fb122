"""The values that travel between modules: frozen, slotted, with the field's own terms.

Paths are repository-relative POSIX strings. Times are ISO 8601 strings with an offset, as git prints
them (``%cI``); nothing here reads a clock. Tuples, never lists, so a value can be shared and hashed.

Each family has a module of its own, which is loaded when the first of its names is asked for here: a command
that only reads notes never builds the values of the gate.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentctx.model.arrivals import HookState, Pending, Probed
    from agentctx.model.changes import Affected, Change, FileChange, Hunk
    from agentctx.model.freshness import (
        Commit,
        Drift,
        DriftState,
        Freshness,
        FreshnessState,
        Index,
        Mention,
        Stamp,
        Symbol,
    )
    from agentctx.model.gate import Checked, Finding
    from agentctx.model.history import Landing, NoteHistory, NoteVersion
    from agentctx.model.memory import Episode, Fact, WorkingContext
    from agentctx.model.notes import Anchor, Kind, Note, NoteSet, Problem, Section, Severity
    from agentctx.model.proposals import (
        Edit,
        Operation,
        OperationName,
        Proposal,
        Refusal,
        SyncReport,
        SyncRequest,
    )
    from agentctx.model.retrieval import Briefing, BriefingItem, Hit, Query, Shape

_FAMILIES = {
    "arrivals": "HookState Pending Probed",
    "changes": "Affected Change FileChange Hunk",
    "freshness": "Commit Drift DriftState Freshness FreshnessState Index Mention Stamp Symbol",
    "gate": "Checked Finding",
    "history": "Landing NoteHistory NoteVersion",
    "memory": "Episode Fact WorkingContext",
    "notes": "Anchor Kind Note NoteSet Problem Section Severity",
    "proposals": "Edit Operation OperationName Proposal Refusal SyncReport SyncRequest",
    "retrieval": "Briefing BriefingItem Hit Query Shape",
}
_HOME = {name: family for family, names in _FAMILIES.items() for name in names.split()}

__all__ = [
    "Affected",
    "Anchor",
    "Briefing",
    "BriefingItem",
    "Change",
    "Checked",
    "Commit",
    "Drift",
    "DriftState",
    "Edit",
    "Episode",
    "Fact",
    "FileChange",
    "Finding",
    "Freshness",
    "FreshnessState",
    "Hit",
    "HookState",
    "Hunk",
    "Index",
    "Kind",
    "Landing",
    "Mention",
    "Note",
    "NoteHistory",
    "NoteSet",
    "NoteVersion",
    "Operation",
    "OperationName",
    "Pending",
    "Probed",
    "Problem",
    "Proposal",
    "Query",
    "Refusal",
    "Section",
    "Severity",
    "Shape",
    "Stamp",
    "Symbol",
    "SyncReport",
    "SyncRequest",
    "WorkingContext",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = found
    return found
