"""The pre-commit step: notes that are part of a commit are stamped with the code of that same commit.

Only what the person has just dealt with: an anchor whose code is staged too, or that has no stamp yet. A
typing mistake mended in a note does not make its other claims true again.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from agentctx.config import context_name
from agentctx.flows.making import Making
from agentctx.flows.unread import still_unread
from agentctx.freshness.answers import COMMITS, CONDITIONS, MENTIONS, WORDS, either
from agentctx.freshness.verify import stamps_for
from agentctx.git import Git, IndexTree
from agentctx.model import Anchor, Note, Stamp
from agentctx.notes.document import parse
from agentctx.notes.folder import Folder
from agentctx.notes.scan import KINDS


def restamp(making: Making) -> list[str]:
    """Write and stage the records of the notes that are staged; ids of those that changed."""
    if making.partial:
        return []  # history will say that note and code were changed together
    git = making.git
    context = context_name(git.root)
    changes = making.staged(making.parent(amends=False))
    staged = frozenset(now for status, _, now in changes if status in "AMR")
    mine = sorted(p for p in staged if p.startswith(f"{context}/") and p.endswith(".md"))
    if not mine:
        return []
    tree, folder = making.tree, Folder(git.root, context)
    was = {now: old for status, old, now in changes if status == "R"}
    notes = [n for n in (_note(tree, path, context) for path in mine) if n is not None]
    moved = {n.id: was[n.path] for n in notes if _take_record_along(n, was.get(n.path, ""), git, folder)}
    dealt = {n.id: frozenset() if _says_the_same(n, git, moved) else staged for n in notes}
    changed = [n for n in notes if _restamp(n, tree, folder, dealt[n.id]) or n.id in moved]
    if changed:
        git.run("add", "--", *(f"{context}/.verified/{n.id}" for n in changed))
    return [n.id for n in changed]


def _note(tree: IndexTree, path: str, context: str) -> Note | None:
    kind = KINDS.get(path.removeprefix(f"{context}/").split("/")[0])
    data = tree.read(path)
    return parse(path, data, kind)[0] if kind and data is not None else None


def _take_record_along(note: Note, was: str, git: Git, folder: Folder) -> bool:
    """Put the record of a note that the commit renames under its new name, where it has none; ``was`` is the
    path that it had."""
    before = posixpath.basename(was).removesuffix(".md")
    if not was or before == note.id or folder.read_record(note.id):
        return False
    record = folder.record(before)
    if record:
        folder.write_record(note.id, record)
        git.run("rm", "-q", "-f", "--ignore-unmatch", "--", f"{folder.context}/.verified/{before}")
    return bool(record)


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
