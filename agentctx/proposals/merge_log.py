"""Earlier merges out of git, for co-change: read once, then only what is new, kept as one document.

The main line is the first-parent history of HEAD: one entry for each merge or direct commit. Where a merge
has a title of its own in its message (below ``Merge pull request``), that is its title.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agentctx.errors import GitFailed
from agentctx.git import Git
from agentctx.notes.include import texts_by_id
from agentctx.proposals.note_history import Merge, NoteHistory

DOCUMENT = "merges"
VERSION = "2"
"""Goes up when merges are read in another way."""
LONGEST = 5_000
"""Merges of the main line that count; what is older says little about today."""
STEP = 100
"""Merges after which what was read is kept: where a run was ended early the next one goes on."""
_LOG = (
    "log", "-z", "--raw", "--no-abbrev", "--first-parent", "--diff-merges=first-parent", "-M", "-l1000",
    "--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all", "--encoding=UTF-8",
    "--format=%x01%H%x00%s%x00%b%x02",
)  # fmt: skip
_MERGED = re.compile(r"(?i)(?:auto )?merge (?:of|pull request|branch|remote-tracking branch|tag|commit)\b")
_NO_TITLE = re.compile(r"[*#]|[\w-]+: |Conflicts")
"""How a message goes on that has no title: lists of commits, trailers, conflicts."""
_REFERENCE = re.compile(r"\s*\((?:#|gh-|!)\d+\)\s*$", re.IGNORECASE)

Progress = Callable[[int], None]
Raw = tuple[str, str, list[tuple[str, str, str, str]]]
"""commit, subject, [(old path, new path, old blob, new blob)]."""


class Cache(Protocol):
    """Where the document is kept between runs."""

    def read(self, name: str) -> Any:
        """The document, or None."""

    def write(self, name: str, value: Any) -> bool:
        """Keep it; False where nothing can be kept."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which merges are read, and where they are kept."""

    document: str = DOCUMENT
    within: tuple[str, ...] = ()
    """Folders and files (repository-relative) that they touched; none: all merges."""
    told_apart: int = LONGEST
    """Newest merges in which changed sections are told apart; it takes reading every version."""


EVERYTHING = Scope()


def notes_only(context: str, documents: Sequence[str]) -> Scope:
    """The merges that touched notes or documents: what the titles of earlier changes are read from."""
    folders = {context, *(posixpath.dirname(path) or path for path in documents)}
    within = [f for f in sorted(folders) if not any(f.startswith(f"{other}/") for other in folders)]
    return Scope("titles", tuple(within), told_apart=500)


def merge_history(
    git: Git,
    head: str,
    cache: Cache,
    documents: Sequence[str] = (),
    progress: Progress | None = None,
    scope: Scope = EVERYTHING,
) -> NoteHistory:
    """The merges up to ``head``. ``documents`` are included files whose sections are told apart.

    ``progress`` is called with the number of merges read so far, where there are more than one step of them.
    """
    kept = cache.read(scope.document)
    names = [VERSION, *sorted(documents), *scope.within, *(["shallow"] if git.is_shallow else [])]
    usable = isinstance(kept, dict) and kept.get("documents") == names
    known = NoteHistory.from_plain(kept["history"]) if usable else NoteHistory()
    if known.newest == head or not head:
        return known
    fork = git.merge_base(head, known.newest) if known.newest else ""
    history = known if fork == known.newest else known.until(fork)
    if history.newest == head:
        return history  # an older point: the longer history is kept
    found = _read(git, history.newest, head, scope.within)
    told_apart = {entry[0] for entry in found[-scope.told_apart :]}
    for start in range(0, len(found), STEP):
        step = found[start : start + STEP]
        for merge in _merges(git, step, frozenset(documents), told_apart):
            history.add(merge)
        slow = any(entry[0] in told_apart for entry in step)
        if slow or start + STEP >= len(found):
            cache.write(scope.document, {"documents": names, "history": history.to_plain()})
        if progress and len(found) > STEP:
            progress(start + len(step))
    return history


def _read(git: Git, since: str, head: str, within: Sequence[str]) -> list[Raw]:
    """The log, oldest first. Where a shallow clone ends, a commit seems to add every file: it is left out."""
    span = f"{since}..{head}" if since else head
    only = ("--", *(f":(top,literal){path}" for path in within)) if within else ()
    options = (f"--max-count={LONGEST}", *(["--min-parents=1"] if git.is_shallow else []))
    try:
        out = git.run(*_LOG, *options, span, *only)
    except GitFailed:  # a partial clone has no contents to tell renames by
        out = git.run(*_LOG, "--no-renames", *options, span, *only, check=False)
    texts = out.decode("utf-8", "surrogateescape").split("\x01")
    return [_entry(text) for text in reversed(texts) if text.count("\0") > 1]


def title_of(subject: str, body: str) -> str:
    """What a change was called: of a merge its own title, where the message has one; without a number."""
    first = next((line.strip() for line in body.split("\n") if line.strip()), "")
    own = _MERGED.match(subject) and first and not _NO_TITLE.match(first)
    return _REFERENCE.sub("", first if own else subject)


def _entry(text: str) -> Raw:
    message, _, changes = text.rpartition("\x02")
    commit, subject, body = message.split("\0", 2)
    rest = changes.split("\0")
    files = []
    parts = iter(rest)
    for part in parts:
        fields = part.strip("\n").lstrip(":").split(" ")
        if len(fields) != 5:
            continue
        path = next(parts, "")
        new = next(parts, "") if fields[4][:1] in "RC" else path
        files.append((path, new, fields[2], fields[3]))
    return commit, title_of(subject, body), files


def _merges(git: Git, raw: Sequence[Raw], documents: frozenset[str], told_apart: set[str]) -> Iterator[Merge]:
    def versions(file: tuple[str, str, str, str]) -> list[tuple[str, str]]:
        sides = ((file[0], file[2]), (file[1], file[3]))
        return [side for side in sides if side[1].strip("0")] if documents & {file[0], file[1]} else []

    wanted = {v for commit, _, files in raw if commit in told_apart for f in files for v in versions(f)}
    data = dict(git.read_blobs(sorted({blob for _, blob in wanted})))
    sections = {(path, blob): texts_by_id(path, text) for path, blob in wanted if (text := data.get(blob))}
    for commit, title, files in raw:
        yield Merge(
            commit,
            title,
            tuple(new for _, new, _, _ in files),
            tuple(s for f in files if f[1] in documents for s in _changed(f, sections)),
            tuple((old, new) for old, new, _, _ in files if old != new),
        )


def _changed(
    file: tuple[str, str, str, str], sections: Mapping[tuple[str, str], Mapping[str, str]]
) -> list[str]:
    """Ids of the sections that are new or say something else; the sides of a rename differ by path alone."""
    old, new, before, after = file
    was = {id.replace(old, new, 1): text for id, text in sections.get((old, before), {}).items()}
    now = sections.get((new, after), {})
    return [id for id in {**was, **now} if was.get(id) != now.get(id)]
