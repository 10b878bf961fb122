"""Where accepted words came from, passed on by whoever commits them: trailers in a commit made by hand.

Every clone reads them, as those of a sync's own commit. A proposal counts when words that it wrote are in the
commit in the making and not in the one before; what a person undid, or threw away, is not told. A commit
that takes the place of others carries on what those told.
"""

from __future__ import annotations

import os
import posixpath
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from agentctx.flows.making import Making
from agentctx.git import Git
from agentctx.model import Edit, Proposal
from agentctx.notes.driver import RECORDS
from agentctx.proposals.publish import edit_of, edit_trailers, read_trailers, trailer_lines, trailers_of
from agentctx.proposals.store import Store
from agentctx.state import StateDir

FOLDER = "trailers"
"""Under the clone's state: for each commit in the making its trailers, named by the id of git's process."""
_DAY = 86_400


def trailers_here(making: Making, amends: bool = False) -> list[str]:
    """The trailers of the commit in the making, a line each; ``amends`` when it takes the place of HEAD."""
    git, parent = making.git, making.parent(amends)
    changes = making.staged(parent)
    staged = {old: now for _, old, now in changes}
    if not staged:
        return []
    added = [now for status, _, now in changes if status == "A"]
    found = []
    for proposal, edits in accepted_edits(Store(StateDir.open(git.common_dir).folder)):
        words = [edit for edit in edits if edit.path in staged]
        here = ((git.read_blob(f"{parent}:{e.path}"), making.tree.read(staged[e.path]), e) for e in words)
        # A short note that is renamed along with its edit is to git one that goes and another that comes.
        sides = ((was, now, e) for was, there, e in here for now in _now(making, there, added))
        if any(_brings(edit, before, now) for before, now, edit in sides):
            found.append((proposal, words))
    return list(dict.fromkeys([*_carried(git, amends, staged), *_lines_of(found)]))


def _now(making: Making, there: bytes | None, added: Sequence[str]) -> Iterator[bytes | None]:
    """What a note may say in the commit: what its file does, or where that goes one that comes."""
    yield from [there] if there is not None else map(making.tree.read, added)


def is_as_accepted(making: Making, context: str) -> bool:
    """Whether the commit in the making holds notes as somebody accepted them, with the records that this
    left, and nothing else: then there is nothing to stamp."""
    changes = making.staged(making.parent(amends=False))
    records = f"{context}/{RECORDS}/"
    notes = {now for _, _, now in changes if not now.startswith(records)}
    if not notes or not all(s in "AM" and now.startswith(f"{context}/") for s, _, now in changes):
        return False
    store, found = Store(StateDir.open(making.git.common_dir).folder), set[str]()
    for proposal, edits in _accepted(store):
        if all(making.tree.read(edit.path) == edit.after for edit in edits):
            found.add(proposal.note_path)
    return notes <= found


def _carried(git: Git, amends: bool, staged: Collection[str]) -> list[str]:
    """The trailers of the commits whose place the one in the making takes, where it changes their notes: the
    one that it amends, or those that ``git merge --squash`` melted into it."""
    squashed = git.git_dir / "SQUASH_MSG"
    text = ""
    if amends:
        text = _message(git, "HEAD")
    elif squashed.is_file():
        text = squashed.read_text("utf-8", "replace")
    found = read_trailers(text)
    notes = {posixpath.basename(path).removesuffix(".md") for path in staged}
    return trailer_lines(text) if found and any(note in notes for _, note in found.sources) else []


def _melted(git: Git) -> list[str]:
    """The trailers of the commits that a rebase is melting into one: the one there is, and the next one."""
    done = git.git_dir / "rebase-merge" / "done"
    words = done.read_text("utf-8", "replace").splitlines()[-1].split() if done.is_file() else []
    if not words or words[0] not in ("fixup", "squash", "f", "s"):
        return []
    commits = ["HEAD", next((word for word in words[1:] if not word.startswith("-")), "HEAD")]
    return list(dict.fromkeys(line for commit in commits for line in trailer_lines(_message(git, commit))))


def _message(git: Git, commit: str) -> str:
    return git.run("log", "-1", "--format=%B", "--encoding=UTF-8", commit, "--", check=False).decode(
        "utf-8", "replace"
    )


def _lines_of(found: Sequence[tuple[Proposal, Sequence[Edit]]]) -> list[str]:
    """The trailers of proposals with the edits of notes that came of each."""
    told = (edit_of(p.note_id, edit.before, edit.after) for p, edits in found for edit in edits)
    return [*trailers_of(p for p, _ in found), *edit_trailers(told)]


def leave_trailers(making: Making, process: str, amends: bool = False) -> None:
    """Write them where the commit-msg hook of the same git process finds them."""
    state = StateDir.open(making.git.common_dir)
    if state.folder is None or not process.isdigit():
        return
    for old in (state.folder / FOLDER).glob("*"):
        if time.time() - old.stat().st_mtime > _DAY:
            old.unlink(missing_ok=True)
    lines = trailers_here(making, amends)
    if lines:
        state.write_bytes(f"{FOLDER}/{process}", "".join(f"{line}\n" for line in lines).encode())


def add_trailers(git: Git, message: Path, melting: bool = False) -> None:
    """What our hooks do with the file of a message; one without words stays as it is. ``melting``: while a
    rebase makes one commit of several, whose messages it throws away."""
    from agentctx.git.caller import is_amending

    text = message.read_text("utf-8", "replace")
    shown = text.partition("\n# ------------------------ >8 ------------------------\n")[0]
    there = trailer_lines(shown)
    found = _melted(git) if melting else trailers_here(Making(git), is_amending())
    lines = [line for line in found if line not in there]
    comments = () if os.environ.get("GIT_EDITOR") == ":" else ("--strip-comments",)  # no editor, no comments
    if not lines or not git.run("stripspace", *comments, stdin=shown.encode()).strip():
        return
    given = [part for line in lines for part in ("--trailer", line)]
    git.run(
        "-c", "trailer.separators=:", "interpret-trailers", "--in-place", "--no-divider",
        "--if-exists", "addIfDifferent", *given, os.fspath(message),
    )  # fmt: skip


def trailers_missing(git: Git, context: str, accepted: Sequence[Proposal]) -> list[str]:
    """The trailers that a person has to add, in a clone whose hooks do not do it."""
    from agentctx.integrations import githooks

    needed = ("pre-commit", "commit-msg")
    states = {hook.name: hook.outcome for hook in githooks.status(git, context)}
    if all(states.get(name) == "present" for name in needed):
        return []
    ids = {proposal.id for proposal in accepted}
    store = Store(StateDir.open(git.common_dir).folder)
    return _lines_of([(proposal, edits) for proposal, edits in accepted_edits(store) if proposal.id in ids])


def accepted_edits(store: Store) -> Iterator[tuple[Proposal, list[Edit]]]:
    """Accepted proposals with what each wrote into notes; records hold no words."""
    for proposal, edits in _accepted(store):
        yield proposal, [edit for edit in edits if f"/{RECORDS}/" not in edit.path]


def _accepted(store: Store) -> Iterator[tuple[Proposal, list[Edit]]]:
    """Accepted proposals with what each wrote."""
    known = {p.id: p for p in store.proposals(("accepted",))}
    for sync in sorted({p.sync for p in known.values()} & set(store.syncs())):
        entry = store.journal(sync)
        for id in dict.fromkeys(step.proposal for step in entry.steps if not entry.undone):
            if id in known:
                yield known[id], [step.edit for step in entry.steps if step.proposal == id]


def _brings(edit: Edit, before: bytes | None, staged: bytes | None) -> bool:
    """Whether a commit from ``before`` to ``staged`` has something that the edit wrote."""
    old, new, here, there = (_lines(data) for data in (edit.before, edit.after, before, staged))
    if new - old:
        return bool((new - old) & (there - here))
    return there == new and bool((old - new) & (here - there))


def _lines(data: bytes | None) -> set[bytes]:
    return {line.strip() for line in (data or b"").split(b"\n")} - {b""}
