"""``json``: the shape that scripts rely on, documented in docs/cli.md."""

from __future__ import annotations

from dataclasses import asdict

from agentctx.model import Checked
from agentctx.reports.base import document


def render(checked: Checked) -> str:
    """One document, versioned. Texts are as they are: what reads JSON can take them."""
    return document({"version": 1, **asdict(checked), "failed": checked.failed})
