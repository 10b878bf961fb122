"""What the gate finds on a branch."""

from __future__ import annotations

from dataclasses import dataclass

from agentctx.model.notes import Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a note says that a branch makes false, or that was false before it."""

    note: str
    anchor: str
    """The anchor or the code span that is false; empty when the note as a whole is meant."""
    state: str
    """A state of a note, or ``unreadable`` (no longer a note), or ``affected`` (found by targeting alone)."""
    severity: Severity
    reason: str
    settle: str
    """The one shell command that settles it, after reading."""
    title: str = ""
    path: str = ""
    """The note's file."""
    line: int = 1
    code_path: str = ""
    """The file with the code in question; empty when it is not known or no longer there."""
    code_line: int = 0
    diff: str = ""
    """Unified diff of the symbol alone."""
    known: bool = False
    """False before the branch already: told, but nobody's fault here."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the gate found on one branch."""

    base: str
    """Commit id that the branch is to be merged into; empty for nothing at all."""
    merge_base: str
    """Commit id where the branch began."""
    head: str
    """Commit id of the branch; empty in an unborn repository."""
    worktree: bool = False
    """The files on disk were looked at, uncommitted changes included."""
    findings: tuple[Finding, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Must the branch not be merged as it is?"""
        return any(f.severity == "error" for f in self.findings)
