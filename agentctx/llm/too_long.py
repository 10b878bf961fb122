"""Whether a refusal means that the prompt is longer than the model reads, in the words of many servers."""

from __future__ import annotations

import re

HINT = "set a model that reads more, or raise the context size of its server"

_STATUS = (400, 422, 500)
_SAID = re.compile(
    r"context[ _-]?(?:length|size|window|limit)"
    r"|\b(?:prompt|input|request|messages?|conversation)\b[^.]{0,40}\btoo (?:long|large|big)\b"
    r"|\btoo many (?:input |prompt )?tokens\b|\breduce the (?:length|size)\b"
    r"|\bmaximum (?:prompt|input) length\b|\bmaximum number of (?:input )?tokens\b"
    r"|\bmax_new_tokens`? must be\b|\bmust have less than \d+ tokens\b"
)
_OVER_RATE = re.compile(r"\brequest too large\b")
"""Larger than what a minute allows: no wait makes it fit. A busy server's other words are about waiting."""


def says_too_long(words: str, status: int = 400) -> bool:
    """Whether ``words`` (a server's or a command's explanation) blame the length of what was sent.

    ``status``: of the HTTP response; 400 where there is none.
    """
    if status == 413:
        return True
    said = words.lower()
    if status == 429:
        return _OVER_RATE.search(said) is not None
    return status in _STATUS and _SAID.search(said) is not None
