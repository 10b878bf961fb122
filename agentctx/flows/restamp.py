"""The pre-commit step: notes that are part of a commit are stamped with the code of that same commit.

Only what the person has just dealt with: an anchor whose code is staged too, or that has no stamp yet. A
typing mistake mended in a note does not make its other claims true again.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path

from agentctx.config import context_name
from agentctx.flows.unread import still_unread
from agentctx.freshness.answers import COMMITS, CONDITIONS, MENTIONS, WORDS, either
from agentctx.freshness.verify import stamps_for
from agentctx.git import Git, IndexTree
from agentctx.model import Anchor, Note, Stamp
from agentctx.notes.document import parse
from agentctx.notes.folder import Folder
from agentctx.notes.scan import KINDS

PARTIAL = "next-index-"
"""``git commit PATH`` builds the commit in an index of its own that the next one does not see."""


def restamp_staged(start: Path, index_file: str = "") -> list[str]:
    """Write and stage the records of the notes that are staged; ids of those that changed."""
    if Path(index_file).name.startswith(PARTIAL):
        return []  # history will say that note and code were changed together
    with Git.open(start, index_file) as git:
        context = context_name(git.root)
        out = git.run("diff", "--cached", "--name-only", "-z", "--diff-filter=AMR", "--no-ext-diff")
        staged = frozenset(out.decode("utf-8", "surrogateescape").split("\0")) - {""}
        mine = sorted(p for p in staged if p.startswith(f"{context}/") and p.endswith(".md"))
        if not mine:
            return []
        tree, folder = IndexTree(git), Folder(git.root, context)
        notes = [n for n in (_note(tree, path, context) for path in mine) if n is not None]
        moved = {n.id: old for n in notes if (old := _take_record_along(n, git, folder, context))}
        dealt = {n.id: frozenset() if _says_the_same(n, git, moved) else staged for n in notes}
        changed = [n for n in notes if _restamp(n, tree, folder, dealt[n.id]) or n.id in moved]
        if changed:
            git.run("add", "--", *(f"{context}/.verified/{n.id}" for n in changed))
        return [n.id for n in changed]


def _note(tree: IndexTree, path: str, context: str) -> Note | None:
    kind = KINDS.get(path.removeprefix(f"{context}/").split("/")[0])
    data = tree.read(path)
    return parse(path, data, kind)[0] if kind and data is not None else None


def _take_record_along(note: Note, git: Git, folder: Folder, context: str) -> str:
    """The path that a note without a record had in the last commit, its record now under the new name; empty
    when the commit in the making renames it not."""
    if folder.read_record(note.id):
        return ""
    out = git.run(
        "diff", "--cached", "--name-status", "-z", "--find-renames", "--diff-filter=R", "--no-ext-diff"
    )
    parts = out.decode("utf-8", "surrogateescape").split("\0")
    for old, new in zip(parts[1::3], parts[2::3], strict=False):
        before = posixpath.basename(old).removesuffix(".md")
        if new == note.path and before != note.id and (record := folder.record(before)):
            folder.write_record(note.id, record)
            git.run("rm", "-q", "-f", "--ignore-unmatch", "--", f"{context}/.verified/{before}")
            return old
    return ""


def _says_the_same(note: Note, git: Git, moved: Mapping[str, str]) -> bool:
    """Is the text the one of the last commit? Then nobody has dealt with its claims: other tags or anchors
    say nothing about code, and what a sync that followed moved code has proved stands in its record."""
    data = git.read_blob(f"HEAD:{moved.get(note.id, note.path)}")
    before = parse(note.path, data, note.kind)[0] if data is not None else None
    return before is not None and (before.title, before.body) == (note.title, note.body)


def _restamp(note: Note, tree: IndexTree, folder: Folder, staged: frozenset[str]) -> bool:
    old = folder.record(note.id)
    now = stamps_for(note, tree)
    new = {str(a): stamp for a in note.anchors if (stamp := _choose(a, old, now, staged)) is not None}
    if MENTIONS in now:  # the text is part of the commit, and that is what it was written about
        new[MENTIONS] = now[MENTIONS] if staged else either(old.get(MENTIONS), now[MENTIONS])
    new |= {name: old[name] for name in (CONDITIONS, COMMITS, WORDS) if name in old}
    new |= still_unread(note, old)
    return new != old and folder.write_record(note.id, new)


def _choose(
    anchor: Anchor, old: Mapping[str, Stamp], now: Mapping[str, Stamp], staged: frozenset[str]
) -> Stamp | None:
    name = str(anchor)
    if name in old and anchor.path not in staged:
        return old[name]
    return now.get(name, old.get(name))
