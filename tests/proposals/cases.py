"""One small repository's change and note, from which the tests of proposals start."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agentctx.model import Affected, Change, FileChange, Hunk, Kind, Note, Operation, SyncRequest
from agentctx.notes.document import parse
from agentctx.notes.folder import Folder
from agentctx.proposals.checks import Evidence, evidence_of
from agentctx.proposals.drafting import Drafted, Provenance, draft
from agentctx.proposals.operations import parse_answer

TEXT = """\
---
title: JWT over server sessions   # agreed in the spring
tags: [auth, jwt]
status: active
anchors:
  - src/auth/tokens.py#issue_token
owner: 'the auth team'
---
We sign short-lived tokens in `issue_token`, because sessions did not scale.

A token lives for 900 seconds (`MAX_AGE = 900`), and `src/auth/middleware.py` refuses older ones.

## Consequences

Clocks of all machines must agree within 30 seconds. A stolen token is good until it expires, so
rotate the signing key (`rotate_key`) after an incident.

## Alternatives

Server sessions in Redis; see the load test of 2024.
"""
NOTE_PATH = "agent-context/decisions/2026-04-15-auth-strategy.md"
NOTE_ID = "2026-04-15-auth-strategy"

CHANGE = Change(
    base="a" * 40,
    head="b" * 40,
    files=(
        FileChange(
            "src/auth/tokens.py",
            "M",
            hunks=(
                Hunk(
                    1,
                    1,
                    "def issue_token(user):",
                    removed=("MAX_AGE = 900", "    return sign_session(user, MAX_AGE)"),
                    added=("MAX_AGE = 1800", "    return sign_token(user, MAX_AGE, audience='api')"),
                    context=("import jwt", "", "def issue_token(user):"),
                ),
            ),
        ),
    ),
    subject="Let tokens live for half an hour",
)
CODE = "MAX_AGE = 1800\n\ndef issue_token(user):\n    return sign_token(user, MAX_AGE, audience='api')\n"
PATHS = ("src/auth/tokens.py", "src/auth/middleware.py", "src/auth/keys.py", "README.md")
CANDIDATES = ("src/auth/tokens.py#sign_token", "src/auth/keys.py#rotate_key")
PROVENANCE = Provenance(
    "sync-1", "b" * 40, "agent-context", "2026-05-01T10:00:00+00:00", "Ada", "scripted", "1"
)


def note_of(text: str | bytes = TEXT, path: str = NOTE_PATH, kind: Kind = "decision") -> Note:
    data = text if isinstance(text, bytes) else text.encode()
    note, problems = parse(path, data, kind)
    assert note is not None, problems
    return note


def request_of(note: Note | None = None, **changes: Any) -> SyncRequest:
    note = note or note_of()
    affected = Affected(note.id, note.path, 1.0, 0.9, True, ("`MAX_AGE` changed from 900 to 1800",))
    request = SyncRequest(
        note, affected, CHANGE, (("src/auth/tokens.py#issue_token", CODE),), ("Key rotation",), CANDIDATES
    )
    return replace(request, **changes)


def evidence(request: SyncRequest | None = None) -> Evidence:
    return evidence_of(request or request_of(), paths=PATHS, note_ids=(NOTE_ID, "2026-05-01-other"))


def drafted(
    operations: Sequence[Any] | Any, text: str | bytes = TEXT, request: SyncRequest | None = None
) -> Drafted:
    """The whole way from an answer's operations to proposals, for the one note."""
    data = text if isinstance(text, bytes) else text.encode()
    request = request or request_of(note_of(data))
    id = request.note.id
    answer = {"answers": [{"note": id, "why": "the constant changed", "operations": operations}]}
    parsed = parse_answer(answer, {id: request.candidates})
    return draft(parsed, [request], {id: data}, {id: evidence(request)}, PROVENANCE)


TRUE_EDIT = [
    {"op": "replace_text", "old": "900 seconds (`MAX_AGE = 900`)", "new": "1800 seconds (`MAX_AGE = 1800`)"}
]


@dataclass(frozen=True)
class Place:
    """A folder with the note on disk, and something beside it that must never change."""

    root: Path
    folder: Folder

    @property
    def note(self) -> Path:
        return self.root / NOTE_PATH

    def everything(self) -> dict[str, bytes]:
        """Every file by its path."""
        files = sorted(path for path in self.root.rglob("*") if path.is_file())
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in files}


def place(root: Path, text: str | bytes = TEXT) -> Place:
    data = text if isinstance(text, bytes) else text.encode()
    for path, content in ((NOTE_PATH, data), ("src/auth/tokens.py", CODE.encode()), ("README.md", b"# x\n")):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return Place(root, Folder(root, "agent-context"))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def operation(name: Any, **arguments: Any) -> Operation:
    return Operation(name, arguments)
