"""``sarif``: the Static Analysis Results Interchange Format, version 2.1.0."""

from __future__ import annotations

import hashlib
from typing import Any

from agentctx import __version__
from agentctx.model import Checked, Finding
from agentctx.reports.base import advice, document, identity, sentence, uri

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {"error": "error", "warning": "warning", "info": "note"}
_RULES = {
    "stale": "The code that a note is about has changed, and the note has not.",
    "suspect": "Something that a note rests on has changed.",
    "moved": "The code that a note is about stands somewhere else.",
    "conflicted": "A note holds merge conflict markers.",
    "unreadable": "A file that was a note cannot be read as one.",
    "unknown": "It cannot be told whether a note is still true.",
    "unverified": "Nobody has said yet that a note is true of the code.",
    "affected": "A change probably concerns a note, by its words and by what changed together before.",
}


def render(checked: Checked) -> str:
    """One log with one run."""
    names = sorted(_RULES)
    rules = [{"id": f"agentctx/{name}", "shortDescription": {"text": _RULES[name]}} for name in names]
    driver = {"name": "agentctx", "semanticVersion": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, names) for finding in checked.findings],
    }
    return document({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _result(finding: Finding, names: list[str]) -> dict[str, Any]:
    note = _location(finding.path, finding.line)
    result: dict[str, Any] = {
        "ruleId": f"agentctx/{finding.state}",
        "ruleIndex": names.index(finding.state),
        "level": _LEVEL[finding.severity],
        "message": {"text": f"{sentence(finding)}\n{advice(finding)}"},
        "locations": [note],
        "partialFingerprints": {"agentctxFinding/v1": _digest(identity(finding))},
    }
    if finding.code_path:
        result["locations"] = [_location(finding.code_path, finding.code_line)]
        result["relatedLocations"] = [{"id": 1, **note, "message": {"text": "the note"}}]
    return result


def _location(path: str, line: int) -> dict[str, Any]:
    place = {"uri": uri(path), "uriBaseId": "%SRCROOT%"}
    return {"physicalLocation": {"artifactLocation": place, "region": {"startLine": max(line, 1)}}}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
