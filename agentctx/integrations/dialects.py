"""How each agent client wants to be answered by a hook, as its own documentation and behaviour say.

Claude Code, Codex and Gemini CLI read a nested key and some of them refuse unknown ones beside it;
GitHub Copilot reads only the top-level key; everything else gets the plain text.
"""

from __future__ import annotations

import json

NESTED = ("claude-code", "codex", "gemini")
TOP_LEVEL = ("copilot",)
CLIENTS = (*NESTED, *TOP_LEVEL, "plain")


def session_start(client: str, text: str) -> str:
    """Standard output of a session-start hook that gives ``text`` to the model."""
    if client in NESTED:
        answer = {"hookSpecificOutput": {"hookEventName": "SessionStart", "additionalContext": text}}
        return json.dumps(answer, ensure_ascii=False)
    if client in TOP_LEVEL:
        return json.dumps({"additionalContext": text}, ensure_ascii=False)
    return text
