"""What the model is shown of one note: why it was found, its code as it is now, anchors to choose from."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import replace

from agentctx.freshness.anchors import look
from agentctx.freshness.code import Code
from agentctx.hygiene import secret_file
from agentctx.model import Affected, Change, Index, Note, SyncRequest

EXCERPT_LINES = 80
"""Lines of anchored code shown at most; the beginning says the most."""
CANDIDATES = 12
NEIGHBOURS = 8
_CLIENTS = (".claude", ".codex", ".cursor", ".gemini", ".opencode", ".agents", ".vscode")
"""Folders at the top in which coding agents keep their settings."""
_CLIENT_FILES = (".mcp.json", "opencode.json", "opencode.jsonc")
_DOCUMENTS = (".md", ".mdx", ".rst", ".txt", ".adoc")


def without_own_files(change: Change, context: str) -> Change:
    """The change without the notes themselves and the settings of coding agents: no note is about those."""
    files = tuple(f for f in change.files if not _own(f.path, context))
    return replace(change, files=files)


def _own(path: str, context: str) -> bool:
    return path.startswith(f"{context}/") or path.split("/")[0] in _CLIENTS or path in _CLIENT_FILES


def requests_for(
    notes: Sequence[Note], code: Code, index: Index, change: Change, chosen: Sequence[Affected]
) -> list[SyncRequest]:
    """One request for each chosen note, in their order."""
    by_id = {n.id: n for n in notes}
    return [
        SyncRequest(
            note=by_id[a.id],
            affected=a,
            change=change,
            excerpts=tuple(_excerpts(by_id[a.id], code)),
            neighbours=tuple(_neighbours(by_id[a.id], notes)),
            candidates=tuple(_candidates(by_id[a.id], code, index, change)),
        )
        for a in chosen
    ]


def _excerpts(note: Note, code: Code) -> Iterable[tuple[str, str]]:
    for anchor in note.anchors:
        if anchor.is_glob or secret_file(anchor.path):
            continue
        sight = look(anchor, code, deep=False)
        data = code.tree.read(anchor.path)
        if data is None:
            continue
        lines = data.decode("utf-8", "replace").splitlines()
        if sight.symbol and anchor.symbol:
            lines = lines[sight.symbol.start_line - 1 : sight.symbol.end_line]
        shown = lines[:EXCERPT_LINES]
        cut = ["(cut)"] if len(lines) > len(shown) else []
        yield str(anchor), "\n".join([*shown, *cut])


def _neighbours(note: Note, notes: Sequence[Note]) -> list[str]:
    """Titles of notes about the same files or with the same tags: what must not be said twice."""
    files = {a.path for a in note.anchors}
    near = [
        n
        for n in notes
        if n.id != note.id and (files & {a.path for a in n.anchors} or set(n.tags) & set(note.tags))
    ]
    return [f"{n.id}: {n.title}" for n in near[:NEIGHBOURS]]


def _candidates(note: Note, code: Code, index: Index, change: Change) -> list[str]:
    """Anchors that the answer may choose by number: where code moved to, and what the change touches."""
    drifts = index.by_id()[note.id].drifts
    found = [d.moved_to for d in drifts if d.moved_to]
    for file in change.files:
        if file.status == "D" or secret_file(file.path) or not code.exists(file.path):
            continue
        if posixpath.splitext(file.path)[1].lower() in _DOCUMENTS:
            continue
        headers = " ".join(h.header for h in file.hunks)
        known = code.file(file.path)
        names = known.names if known else ()
        found += [f"{file.path}#{n}" for n in names if n.rpartition(".")[2] in headers]
        found.append(file.path)
    own = {str(a) for a in note.anchors}
    return [c for c in dict.fromkeys(found) if c not in own][:CANDIDATES]
