"""``gitlab``: a code quality report, whose fingerprints stay the same from run to run."""

from __future__ import annotations

import hashlib
from typing import Any

from agentctx.model import Checked, Finding
from agentctx.reports.base import advice, document, identity, sentence, unicode

_SEVERITY = {"error": "major", "warning": "minor", "info": "info"}


def render(checked: Checked) -> str:
    """A JSON array with one entry a finding."""
    taken: dict[str, int] = {}
    return document([_entry(finding, taken) for finding in checked.findings])


def _entry(finding: Finding, taken: dict[str, int]) -> dict[str, Any]:
    path, line = (finding.code_path, finding.code_line) if finding.code_path else (finding.path, finding.line)
    name = identity(finding)
    taken[name] = taken.get(name, 0) + 1
    if taken[name] > 1:
        name = f"{name}\0{taken[name]}"
    return {
        "description": f"{sentence(finding)} ({advice(finding)})",
        "check_name": f"agentctx/{finding.state}",
        "fingerprint": hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest(),
        "severity": _SEVERITY[finding.severity],
        "location": {"path": unicode(path), "lines": {"begin": max(line, 1)}},
    }
