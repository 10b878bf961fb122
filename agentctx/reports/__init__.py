"""What the gate found, in the words of whoever reads it: a terminal, a program, a forge.

A format is one sibling with ``render`` and one row in the table.
"""

from __future__ import annotations

from importlib import import_module

from agentctx.reports.base import Report

FORMATS: dict[str, str] = {
    "text": "text",
    "json": "document",
    "github": "github",
    "gitlab": "gitlab",
    "sarif": "sarif",
    "comment": "comment",
}
"""Name of the format -> module in this folder."""


def report(name: str) -> Report:
    """The renderer of a format."""
    render: Report = import_module(f"agentctx.reports.{FORMATS[name]}").render
    return render
