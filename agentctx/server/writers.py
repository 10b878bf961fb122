"""The forms of the operations that write.

What they do lies in ``writing`` and is imported with the first call: a client that begins its first turn
with the tools that it knows by then must not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from agentctx.server.operation import Arguments, Operation

if TYPE_CHECKING:
    from agentctx.project import Project

KINDS = ("decision", "pattern", "gotcha")
"""What an agent may propose anew (``proposals.operations.NEW_KINDS``)."""


def _writer(name: str) -> Callable[[Project, Arguments], str]:
    def run(project: Project, given: Arguments) -> str:
        from agentctx.server import writing

        return str(getattr(writing, name)(project, given))

    return run


_TEXT = {"type": "string"}

WRITING = (
    Operation(
        "propose_note",
        "Write down a decision, pattern or gotcha that you learnt, or correct a note that is wrong. "
        "New: kind, title, text, anchors. Edit: note, with old and new, or heading and text. "
        "A person decides, unless they allowed direct writes.",
        _writer("propose_note"),
        {
            "kind": {"type": "string", "enum": list(KINDS)},
            "title": _TEXT,
            "text": {"type": "string", "description": "Markdown: what holds and why"},
            "anchors": {
                "type": "array",
                "items": _TEXT,
                "description": "the code it speaks of: PATH#SYMBOL or PATH",
            },
            "note": {"type": "string", "description": "id of the note to edit"},
            "old": {"type": "string", "description": "its exact words, once in the note"},
            "new": _TEXT,
            "heading": {"type": "string", "description": "section to replace or append"},
            "why": {"type": "string", "description": "one sentence for the person who decides"},
        },
        read_only=False,
    ),
    Operation(
        "verify",
        "Say, having read a note AND the code it is anchored to, that it is still true.",
        _writer("verify"),
        {"note": _TEXT, "why": {"type": "string", "description": "what you looked at"}},
        ("note", "why"),
        read_only=False,
    ),
    Operation(
        "session_note",
        "Before you finish: leave the next agent a note. What changed is taken from git; tell the rest. "
        "Calling it again rewrites it.",
        _writer("session_note"),
        {
            "summary": {"type": "string", "description": "what was done, first line as title"},
            "why": _TEXT,
            "decided_against": {"type": "string", "description": "what was tried or rejected, and why"},
            "next": {"type": "string", "description": "what comes next"},
            "title": _TEXT,
            "session": {"type": "string", "description": "session id, when you know it"},
        },
        ("summary",),
        read_only=False,
    ),
)
