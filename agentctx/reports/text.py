"""``text``: for a person at a terminal. A finding begins with its severity, which ``cli`` colours."""

from __future__ import annotations

from collections.abc import Iterator

from agentctx.model import Checked, Finding
from agentctx.reports.base import advice, block, plain

LONGEST_DIFF = 40
"""Lines of a symbol's diff that are shown."""


def render(checked: Checked, top: str = "") -> str:
    """Findings, worst first, each with its reason, its diff and the command that settles it.

    ``top`` is where the repository's root is from here, for a reader who is not there.
    """
    return "".join(f"{line}\n" for finding in checked.findings for line in _lines(finding, top))


def _lines(finding: Finding, top: str) -> Iterator[str]:
    title = f"  {plain(finding.title)}" if finding.title else ""
    word = "before" if finding.known else finding.severity
    yield f"{word:<8} {finding.state:<10} {plain(finding.path)}:{finding.line}{title}"
    about = f"{plain(finding.anchor)}: " if finding.anchor else ""
    yield f"         {about}{plain(finding.reason)}"
    if finding.code_path:
        yield f"         {plain(finding.code_path)}:{finding.code_line}"
    if finding.known:
        return
    diff = block(finding.diff).splitlines()[2:]
    yield from (f"           {line}" for line in diff[:LONGEST_DIFF])
    if len(diff) > LONGEST_DIFF:
        yield f"           ({len(diff) - LONGEST_DIFF} more lines)"
    yield f"         -> {advice(finding, top)}"


def summary(checked: Checked) -> str:
    """One line about all of them."""
    counts = {
        "false now": sum(f.severity == "error" for f in checked.findings),
        "to look at": sum(f.severity == "warning" for f in checked.findings),
        "told": sum(f.severity == "info" and not f.known for f in checked.findings),
        "false before": sum(f.known for f in checked.findings),
    }
    found = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    where = "the files on disk" if checked.worktree else checked.head[:8]
    return f"{where} against {checked.merge_base[:8] or 'nothing'}: {found or 'no note is made false'}"
