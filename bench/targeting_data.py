"""Reads the merges of the evaluation data as the values that the product works on."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentctx.diff import parse_patch
from agentctx.model import Change, FileChange, Note, Section
from agentctx.proposals.note_history import Merge, NoteHistory

SHORTEST = 12
"""Words of the shortest section that counts as a note."""
_HEADING = re.compile(r"^(#{1,6}) |^([=\-~^+\"'`#*.:])\2{3,}\s*$", re.MULTILINE)
_UNDERLINES = "=-~^+\"'`#*.:"


@dataclass(frozen=True)
class Case:
    """One merge: what changed, the notes before it, the history before it, the notes it should find."""

    id: str
    kind: str
    change: Change
    notes: list[Note]
    history: NoteHistory
    """Grows while the cases are read: use it before the next case."""
    relevant: frozenset[str]


def repositories(folder: Path) -> list[str]:
    """Names of the repositories in a folder, sorted."""
    return sorted(path.name.removesuffix(".cases.jsonl.gz") for path in folder.glob("*.cases.jsonl.gz"))


def cases(folder: Path, repository: str) -> Iterator[Case]:
    """The merges of one repository, oldest first."""

    def rows(kind: str) -> list[Any]:
        with gzip.open(folder / f"{repository}.{kind}.jsonl.gz", "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    texts = {row["h"]: row["text"] for row in rows("sections")}
    documents = {(row["v"], row["path"]): row["sections"] for row in rows("docs")}
    earlier = rows("history")
    history = NoteHistory()
    manifest: dict[str, str] = {}
    known: dict[tuple[str, str], Note | None] = {}
    for row in rows("cases"):
        for path in row["docs_del"]:
            manifest.pop(path, None)
        manifest.update(row["docs_set"])
        while len(history.merges) < len(earlier) and earlier[len(history.merges)]["i"] < row["i"]:
            history.add(_merge(earlier[len(history.merges)]))
        notes = []
        for path, version in sorted(manifest.items()):
            for slug, heading, text_id in documents[version, path]:
                key = (f"{path}#{slug}", text_id)
                if key not in known:
                    known[key] = _note(path, slug, heading, texts[text_id])
                if (note := known[key]) is not None:
                    notes.append(note)
        relevant = frozenset(section["id"] for section in row["relevant_sections"])
        yield Case(row["id"], row["kind"], _change(row), notes, history, relevant)


def _merge(row: Any) -> Merge:
    renames = tuple((old, new) for old, new in row.get("ren", ()))
    return Merge(row["c"], row["s"], (*row["code"], *row["docs"]), tuple(row["secs"]), renames)


def _note(path: str, slug: str, heading: str, text: str) -> Note | None:
    if len(text.split()) < SHORTEST:
        return None
    section = Section(heading, _level(text), text, 0, len(text))
    return Note(f"{path}#{slug}", path, "document", heading, text, "", sections=(section,), read_only=True)


def _level(text: str) -> int:
    """Depth of the heading at the top of a section, markdown or reStructuredText."""
    found = _HEADING.search(text[:600])
    if not found:
        return 1
    return len(found[1]) if found[1] else _UNDERLINES.index(found[2]) + 1


def _change(row: Any) -> Change:
    """The diff, and the changed files that it does not show."""
    files = list(parse_patch(row["diff"]))
    shown = {file.path for file in files}
    files += [
        FileChange(f["path"], f["status"], f.get("old", "")) for f in row["files"] if f["path"] not in shown
    ]
    return Change(row["parent"], row["commit"], tuple(files), row["subject"], row["body"])
