"""``github``: workflow commands that GitHub shows as annotations beside the changed lines.

A workflow command is one line, so that a title or path can neither end it nor begin another.
"""

from __future__ import annotations

from agentctx.model import Checked, Finding
from agentctx.reports.base import advice, plain, sentence

_COMMAND = {"error": "error", "warning": "warning", "info": "notice"}


def render(checked: Checked) -> str:
    """One annotation a finding, on the code when it is there, else on the note; one for all that is older."""
    lines = [_annotation(finding) for finding in checked.findings if not finding.known]
    older = list(dict.fromkeys(finding.note for finding in checked.findings if finding.known))
    if older:
        names = ", ".join(older[:20]) + (" ..." if len(older) > 20 else "")
        lines.append(f"::notice title=notes::false before this branch already: {_data(names)}")
    return "".join(f"{line}\n" for line in lines)


def _annotation(finding: Finding) -> str:
    path, line = (finding.code_path, finding.code_line) if finding.code_path else (finding.path, finding.line)
    properties = {"file": path, "line": str(max(line, 1)), "title": f"note is {finding.state}"}
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    message = f"{sentence(finding)}\n{advice(finding)}"
    return f"::{_COMMAND[finding.severity]} {listed}::{_data(message)}"


def _data(text: str) -> str:
    lines = "\n".join(plain(line) for line in text.split("\n"))
    return lines.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(plain(text)).replace(":", "%3A").replace(",", "%2C")
