"""A note under a new name keeps its verification record, though that still has the old one.

The same text was not verified anew by moving it. A record whose note is gone belongs to the only note without
one that has just its anchors and at least half of the lines that its note had, as git remembers them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agentctx.freshness.answers import is_entry
from agentctx.git import Git
from agentctx.model import Note, Stamp
from agentctx.notes.scan import KINDS

Records = Mapping[str, Mapping[str, Stamp]]


def with_renamed(
    notes: Sequence[Note], records: Records, git: Git | None, head: str, context: str
) -> Records:
    """The records by the ids that their notes have now."""
    ids = {note.id for note in notes}
    lost = {id: record for id, record in records.items() if id not in ids}
    bare = [n for n in notes if not n.read_only and n.anchors and n.id not in records]
    if not lost or not bare or git is None or not head:
        return records
    found = {}
    for note in bare:
        anchors = {str(anchor) for anchor in note.anchors if not anchor.is_glob}
        same = [id for id, r in lost.items() if anchors and {a for a in r if not is_entry(a)} == anchors]
        same = [id for id in same if _is_same_text(_last_text(git, head, context, id), note)]
        if len(same) == 1:
            found[note.id] = same[0]
    taken = list(found.values())
    return {**records, **{id: records[old] for id, old in found.items() if taken.count(old) == 1}}


def _last_text(git: Git, head: str, context: str, id: str) -> str:
    """What a note that is gone said last; empty when git does not know it."""
    places = [f"{context}/{folder}/{id}.md" for folder in KINDS]
    out = git.run("log", "-1", "--format=%H", "--no-renames", "--diff-filter=D", head, "--", *places)
    gone = out.decode().strip()
    for rev in (head, f"{gone}^") if gone else (head,):
        for place in places:
            data = git.read_blob(f"{rev}:{place}")
            if data is not None:
                return data.decode("utf-8", "replace")
    return ""


def _is_same_text(text: str, note: Note) -> bool:
    before = {line.strip() for line in text.splitlines()} - {"", "---"}
    now = {line.strip() for line in note.body.splitlines()} - {""}
    return 2 * len(before & now) >= len(now) > 0
