"""Claude Code: the briefing at session start, registered as a guest in ``.claude/settings.json``.

The command is relative to nothing (it finds agentctx on PATH), so it works in a fresh clone, and it is
silent and successful where agentctx is missing: an agent's session must never fail because of us.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from agentctx.files import read_regular, write_atomic
from agentctx.integrations.jsonfile import NotStrictJson, add_element, elements_at, remove_elements

SETTINGS = ".claude/settings.json"
MARK = "agentctx hook session-start"
COMMAND = (
    "if command -v agentctx >/dev/null 2>&1; "
    "then agentctx hook session-start --client claude-code; fi; exit 0"
)
PATH = ("hooks", "SessionStart")
# The client drops everything a hook printed once it is over its time, so the bound is generous;
# priming itself takes well under a second.
ENTRY: dict[str, Any] = {
    "matcher": "startup|resume|clear|compact",
    "hooks": [{"type": "command", "command": COMMAND, "timeout": 10}],
}


@dataclass(frozen=True, slots=True)
class Installed:
    """What happened to one file. ``by_hand`` is the text a person must add when we may not."""

    path: str
    outcome: Literal["created", "added", "present", "removed", "absent", "refused"]
    reason: str = ""
    by_hand: str = ""


def _ours(element: Any) -> bool:
    hooks = element.get("hooks") if isinstance(element, dict) else None
    return isinstance(hooks, list) and any(
        isinstance(h, dict) and MARK in str(h.get("command", "")) for h in hooks
    )


def install(root: Path, dry_run: bool = False) -> Installed:
    """Register the session-start hook. Repeating it changes nothing."""
    path = root / SETTINGS
    text = _read(path, root)
    try:
        if any(_ours(e) for e in (elements_at(text, PATH) if text.strip() else [])):
            return Installed(SETTINGS, "present")
        new = add_element(text, PATH, ENTRY)
    except NotStrictJson as error:
        by_hand = json.dumps({"hooks": {"SessionStart": [ENTRY]}}, indent=2)
        return Installed(
            SETTINGS, "refused", f"it is not plain JSON ({error}), so it stays untouched", by_hand
        )
    if not dry_run:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, new.encode("utf-8"))
    return Installed(SETTINGS, "added" if text else "created")


def uninstall(root: Path, dry_run: bool = False) -> Installed:
    """Take our entry out again; a file that held nothing else is removed."""
    path = root / SETTINGS
    text = _read(path, root)
    if MARK not in text:
        return Installed(SETTINGS, "absent")
    try:
        new = remove_elements(text, PATH, _ours)
    except NotStrictJson as error:
        return Installed(SETTINGS, "refused", f"it is not plain JSON ({error}); remove the entry by hand")
    if not dry_run:
        if new.strip() in ("", "{}"):
            path.unlink()
        else:
            write_atomic(path, new.encode("utf-8"))
    return Installed(SETTINGS, "removed")


def status(root: Path) -> Installed:
    """Whether the entry is there."""
    return Installed(SETTINGS, "present" if MARK in _read(root / SETTINGS, root) else "absent")


def _read(path: Path, root: Path) -> str:
    if not path.exists():
        return ""
    return read_regular(path, limit=4 * 1024 * 1024, root=root).decode("utf-8", "surrogateescape")
