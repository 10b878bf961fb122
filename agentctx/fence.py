"""Quoting what a note says, so that it stays data: nothing hidden in it, and no way to end its own fence."""

from __future__ import annotations

import re

from agentctx.text import strip_hidden

_FENCE = re.compile(r"<(/?)(note)\b", re.IGNORECASE)


def fenced(text: str) -> str:
    """Clean text that cannot end its own fence (``<note ...>`` and ``</note>``)."""
    return _FENCE.sub(r"<\1\\\2", strip_hidden(text))


def attribute(text: str) -> str:
    """Clean text for an attribute of the fence: one line, without quotes and angle brackets."""
    return strip_hidden(text).replace('"', "'").replace("\n", " ").replace("<", "(").replace(">", ")")
