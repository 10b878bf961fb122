"""Notes as resources of the protocol: ``agentctx://note/ID``, listed in pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from agentctx.errors import AgentctxError
from agentctx.fence import attribute
from agentctx.server.rejection import INVALID_PARAMS, Rejected

if TYPE_CHECKING:
    from agentctx.model import Note
    from agentctx.server.warm import Warm

PREFIX = "agentctx://note/"
PAGE = 200
"""Notes listed at once."""


def listed(warm: Warm, params: Mapping[str, Any]) -> dict[str, Any]:
    """One page of notes, by id, from the ``cursor`` on."""
    notes = sorted(warm.project().notes.notes, key=lambda n: n.id)
    cursor = params.get("cursor", "0")
    if not isinstance(cursor, str) or not cursor.isdecimal() or len(cursor) > 9:
        raise Rejected(INVALID_PARAMS, "this cursor is not one of ours")
    start = int(cursor)
    found = [
        {
            "uri": PREFIX + quote(note.id, safe=""),
            "name": attribute(note.id),
            "title": attribute(note.title),
            "description": f"{_standing(note)}{note.kind} in {attribute(note.path)}",
            "mimeType": "text/markdown",
        }
        for note in notes[start : start + PAGE]
    ]
    more = {"nextCursor": str(start + PAGE)} if start + PAGE < len(notes) else {}
    return {"resources": found, **more}


def _standing(note: Note) -> str:
    return "" if note.status == "active" else f"{attribute(note.status)} "


def templates(warm: Warm, params: Mapping[str, Any]) -> dict[str, Any]:
    """The one form of our addresses."""
    form = {
        "uriTemplate": PREFIX + "{id}",
        "name": "note",
        "title": "A note of this repository",
        "description": "One note whole, with its freshness",
        "mimeType": "text/markdown",
    }
    return {"resourceTemplates": [form]}


def read(warm: Warm, params: Mapping[str, Any]) -> dict[str, Any]:
    """One note, quoted as everywhere."""
    from agentctx.flows.prime import quoted

    uri = params.get("uri")
    if not isinstance(uri, str):
        raise Rejected(INVALID_PARAMS, "resources/read needs a uri")
    project = warm.project()
    try:
        if not uri.startswith(PREFIX):
            raise Rejected(INVALID_PARAMS, f"Unknown resource: {uri[:200]}", {"uri": uri})
        note = project.note(unquote(uri.removeprefix(PREFIX)))
    except AgentctxError:
        raise Rejected(INVALID_PARAMS, f"Unknown resource: {uri[:200]}", {"uri": uri}) from None
    text = quoted(project, [note])
    return {"contents": [{"uri": uri, "mimeType": "text/markdown", "text": text}]}
