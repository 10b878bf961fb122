"""How each agent client speaks to a hook and wants to be answered, as its documentation and behaviour say.

Claude Code, Codex and Gemini CLI read a nested key and some of them refuse unknown ones beside it;
GitHub Copilot reads the top-level key, Cursor one of its own; everything else gets the plain text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NESTED = ("claude-code", "codex", "gemini")
TOP_LEVEL = ("copilot",)
CURSOR = "cursor"
CLIENTS = (*NESTED, *TOP_LEVEL, CURSOR, "plain")
LIMIT = 10_000
"""Characters above which Claude Code and Codex cut what a hook says."""
_CUT = "\n(cut here: `agentctx prime` prints the whole briefing)\n"
_PATCHED = re.compile(r"^\*\*\* (?:Add|Update|Delete) File: (.+)$|^\*\*\* Move to: (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Event:
    """What a client says to a hook, in our own words."""

    client: str
    """The client that truly speaks: Cursor also runs the hooks of others."""
    session: str = ""
    """The client's session id; empty when it gives none."""
    folder: str = ""
    """Where it works; empty: where the hook was started."""
    source: str = ""
    """``startup``, ``resume``, ``clear``, ``compact`` ...; why a session begins."""
    paths: tuple[str, ...] = ()
    """The files that a tool is about to edit or has edited, as the client names them."""


def heard(client: str, data: Mapping[str, Any]) -> Event:
    """A client's event. What is missing or of another type is as if it were not there."""
    roots = data.get("workspace_roots")
    root = roots[0] if isinstance(roots, list) and roots and isinstance(roots[0], str) else ""
    if "cursor_version" in data or (root and "conversation_id" in data):
        client = CURSOR
    return Event(
        client=client,
        session=_text(data, "session_id", "sessionId", "conversation_id"),
        folder=_text(data, "cwd") or root,
        source=_text(data, "source"),
        paths=_paths(data),
    )


def session_start(client: str, text: str) -> str:
    """Standard output of a session-start hook that gives ``text`` to the model."""
    return _said(client, "SessionStart", text)


def hears_before(client: str) -> bool:
    """Does the client take context before an edit? Gemini CLI does so only with the edit's result."""
    return client in ("claude-code", "codex", *TOP_LEVEL)


def before_edit(client: str, text: str) -> str:
    """Standard output of a hook before an edit; empty where the client takes no context there."""
    return _said(client, "PreToolUse", text) if hears_before(client) else ""


def after_edit(client: str, text: str) -> str:
    """Standard output of a hook after an edit; empty where the client takes no context there."""
    if client == "gemini":
        return _said(client, "AfterTool", text)
    return _said(client, "PostToolUse", text) if hears_before(client) else ""


def family(client: str) -> str:
    """Clients that read each other's answers: one of a family's hooks is enough."""
    return "nested" if client in NESTED else client


def _said(client: str, event: str, text: str) -> str:
    text = text if len(text) <= LIMIT else text[: LIMIT - len(_CUT)] + _CUT
    if client in NESTED:
        return _json({"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}})
    if client in TOP_LEVEL:
        return _json({"additionalContext": text})
    if client == CURSOR:
        return _json({"continue": True, "additional_context": text})
    return text


def _json(answer: Mapping[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False)


def _parsed(text: str) -> Any:
    """A tool's input that came as a text: JSON, or the patch itself."""
    try:
        return json.loads(text)
    except ValueError:
        return {"patch": text}


def _text(data: Mapping[str, Any], *names: str) -> str:
    found = (data.get(name) for name in names)
    return next((value for value in found if isinstance(value, str) and value), "")


def _paths(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Paths in a tool's input: a key of its own, or the headers of a patch."""
    given = data.get("tool_input", data.get("toolArgs"))
    if isinstance(given, str):
        given = _parsed(given)
    if not isinstance(given, dict):
        return ()
    named = _text(given, "file_path", "notebook_path", "path")
    if named:
        return (named,)
    patch = _text(given, "command", "input", "patch")
    return tuple(dict.fromkeys(a or b for a, b in _PATCHED.findall(patch)))
