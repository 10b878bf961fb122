"""Earlier merges out of git, for co-change: read once, then only what is new, kept as one document.

The main line is the first-parent history of HEAD: one entry for each merge or direct commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from agentctx.git import Git
from agentctx.notes.include import included
from agentctx.proposals.note_history import Merge, NoteHistory

DOCUMENT = "merges"
LONGEST = 5_000
"""Merges of the main line that count; what is older says little about today."""
_LOG = (
    "log", "-z", "--raw", "--no-abbrev", "--first-parent", "--diff-merges=first-parent", "-M", "-l1000",
    "--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all", "--encoding=UTF-8",
    "--format=%x01%H%x00%s",
)  # fmt: skip

Progress = Callable[[int], None]
Raw = tuple[str, str, list[tuple[str, str, str, str]]]
"""commit, subject, [(old path, new path, old blob, new blob)]."""


class Cache(Protocol):
    """Where the document is kept between runs."""

    def read(self, name: str) -> Any:
        """The document, or None."""

    def write(self, name: str, value: Any) -> bool:
        """Keep it; False where nothing can be kept."""


def merge_history(
    git: Git, head: str, cache: Cache, documents: Sequence[str] = (), progress: Progress | None = None
) -> NoteHistory:
    """The merges up to ``head``. ``documents`` are included files whose sections are told apart.

    ``progress`` is called with the number of merges read so far.
    """
    kept = cache.read(DOCUMENT)
    names = sorted(documents)
    usable = isinstance(kept, dict) and kept.get("documents") == names
    history = NoteHistory.from_plain(kept["history"]) if usable else NoteHistory()
    if history.newest == head or not head:
        return history
    ahead = bool(history.newest) and _is_ancestor(git, head, history.newest)
    if ahead or (history.newest and not _is_ancestor(git, history.newest, head)):
        history = NoteHistory()  # an older point, or a rewritten line: read it anew
    found = _read(git, history.newest, head)
    for number, merge in enumerate(_merges(git, found, frozenset(names)), 1):
        history.add(merge)
        if progress and number % 100 == 0:
            progress(number)
    if found and not ahead:
        cache.write(DOCUMENT, {"documents": names, "history": history.to_plain()})
    return history


def _is_ancestor(git: Git, old: str, new: str) -> bool:
    return git.merge_base(old, new) == old


def _read(git: Git, since: str, head: str) -> list[Raw]:
    """The log, oldest first."""
    span = f"{since}..{head}" if since else head
    out = git.run(*_LOG, f"--max-count={LONGEST}", span, check=False).decode("utf-8", "surrogateescape")
    return [_entry(text) for text in reversed(out.split("\x01")) if text]


def _entry(text: str) -> Raw:
    commit, subject, *rest = text.split("\0")
    files = []
    parts = iter(rest)
    for part in parts:
        fields = part.strip("\n").lstrip(":").split(" ")
        if len(fields) != 5:
            continue
        path = next(parts, "")
        new = next(parts, "") if fields[4][:1] in "RC" else path
        files.append((path, new, fields[2], fields[3]))
    return commit, subject, files


def _merges(git: Git, raw: Sequence[Raw], documents: frozenset[str]) -> Iterator[Merge]:
    wanted = {
        blob
        for _, _, files in raw
        for old, new, *blobs in files
        if old in documents or new in documents
        for blob in blobs
        if blob.strip("0")
    }
    sections = {blob: _sections(data) for blob, data in git.read_blobs(sorted(wanted)) if data is not None}
    for commit, subject, files in raw:
        yield Merge(
            commit,
            subject,
            tuple(new for _, new, _, _ in files),
            tuple(s for f in files if f[1] in documents for s in _changed(f, sections)),
            tuple((old, new) for old, new, _, _ in files if old != new),
        )


def _sections(data: bytes) -> Mapping[str, str]:
    """Section slug -> its text, in one version of a document (its path does not matter here)."""
    notes, _ = included("x.md", data)
    return {note.id.partition("#")[2]: note.body for note in notes}


def _changed(file: tuple[str, str, str, str], sections: Mapping[str, Mapping[str, str]]) -> list[str]:
    _, path, old, new = file
    before, after = sections.get(old, {}), sections.get(new, {})
    slugs = [slug for slug in {**before, **after} if before.get(slug) != after.get(slug)]
    return [f"{path}#{slug}" if slug else path for slug in slugs]
