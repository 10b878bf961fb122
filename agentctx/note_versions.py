"""Every version of every note that the mainline has had, out of git: two logs and one batch of blobs.

Included documents have as many versions as ``MOST`` allows, the newest of each first: a decision record,
which changes a few times in its life, has all of them even where other documents change every day.

Only the first-parent line counts: a merge is one event that made its notes true (or ended them), whatever
happened on its branch before. A note keeps its id when its file moves to another folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from agentctx.git import Git
from agentctx.globs import fixed_prefix
from agentctx.model import Commit, Kind, Landing, Note, NoteHistory, NoteVersion, Problem
from agentctx.notes import document
from agentctx.notes.include import included
from agentctx.notes.snapshot import LARGEST, document_paths

MOST = 1_000
"""Versions of documents that are read, beside the newest of each."""
_FIELDS = "%H%x00%P%x00%aN%x00%cI%x00%B%x00"
_LOG = ("--literal-pathspecs", "log", "-z", "--first-parent", "--encoding=UTF-8", "--no-color")
_RAW = (
    "--raw", "--no-abbrev", "--no-renames", "-m", "--ignore-submodules=all", "--no-ext-diff",
    "--no-textconv", "--no-relative", "--reverse",
)  # fmt: skip
_RECORDS = ".verified"
_KINDS: dict[str, Kind] = {
    "decisions": "decision",
    "patterns": "pattern",
    "gotchas": "gotcha",
    "sessions": "session",
}


@dataclass(frozen=True, slots=True)
class _Touch:
    """One path in one commit; ``blob`` is empty when the commit removed it."""

    path: str
    blob: str


@dataclass(frozen=True, slots=True)
class _Step:
    commit: Commit
    parents: tuple[str, ...]
    body: str
    touches: tuple[_Touch, ...]


def history_of_notes(git: Git, context: str, include: Sequence[str] = ()) -> NoteHistory:
    """The notes under ``context`` (repository-relative folder) at every commit of HEAD's first-parent line.

    ``include`` are globs of documents, whose sections are notes as well. An unborn HEAD gives an empty
    history. Raises ``GitFailed``.
    """
    head = git.head()
    if not head:
        return NoteHistory(head="")
    places = [fixed_prefix(glob) or "." if any(c in glob for c in "*?[") else glob for glob in include]
    told = _steps(git.run(*_LOG, f"--format={_FIELDS}", *_RAW, head, "--", context, *places))
    steps = list(_relevant(told, context, include))
    merges = _steps(git.run(*_LOG, f"--format={_FIELDS}", "--merges", "-s", head))
    versions, problems = _versions(git, context, steps)
    versions += _document_versions(git, context, steps)
    landings = {step.commit.id: _landing(context, step) for step in [*merges, *steps]}
    return NoteHistory(
        head=head,
        versions=tuple(versions),
        landings=tuple(sorted(landings.values(), key=lambda landing: landing.commit.date)),
        verified=tuple(
            (_record(context, touch.path), step.commit)
            for step in steps
            for touch in step.touches
            if touch.blob and _record(context, touch.path)
        ),
        problems=tuple(problems),
    )


def _relevant(steps: Iterable[_Step], context: str, include: Sequence[str]) -> Iterator[_Step]:
    """The steps that touch notes, their records or documents, without their other touches."""
    for step in steps:
        paths = [touch.path for touch in step.touches]
        wanted = {path for path in paths if path.startswith(f"{context}/")}
        wanted.update(document_paths(paths, context, include))
        if wanted:
            yield replace(step, touches=tuple(touch for touch in step.touches if touch.path in wanted))


def _steps(out: bytes) -> Iterator[_Step]:
    tokens = iter(out.decode("utf-8", "surrogateescape").split("\0"))
    token = next(tokens, "").lstrip("\n")
    while token:
        ident, parents = token, next(tokens)
        author, date, body = next(tokens), next(tokens), next(tokens)
        touches: list[_Touch] = []
        token = ""
        for part in tokens:
            part = part.lstrip("\n")
            if part.startswith(":"):
                _, mode, _, blob, status = part.split(" ")
                path = next(tokens)
                kept = status[0] != "D" and mode.startswith("100")
                touches.append(_Touch(path, blob if kept else ""))
            elif part:
                token = part
                break
        subject = body.split("\n", 1)[0]
        yield _Step(Commit(ident, author, date, subject), tuple(parents.split()), body, tuple(touches))


def _versions(git: Git, context: str, steps: Sequence[_Step]) -> tuple[list[NoteVersion], list[Problem]]:
    wanted = {t.blob: None for step in steps for t in step.touches if t.blob and _kind(context, t.path)}
    contents = dict(git.read_blobs(list(wanted)))
    versions: list[NoteVersion] = []
    problems: list[Problem] = []
    for step in steps:
        boundary = git.is_shallow and not step.parents
        for ident, touch in _by_note(context, step).items():
            note = None
            if touch.blob:
                note, found = _parse(context, touch, contents.get(touch.blob))
                if note is None:
                    problems.extend(found)
                    continue
            versions.append(NoteVersion(ident, step.commit, touch.path, touch.blob, note, boundary))
    return versions, problems


def _parse(context: str, touch: _Touch, data: bytes | None) -> tuple[Note | None, tuple[Problem, ...]]:
    kind = _kind(context, touch.path)
    if data is None or kind is None:
        return None, (Problem(touch.path, "missing-object", "git does not have this version of the note"),)
    return document.parse(touch.path, data, kind)


def _by_note(context: str, step: _Step) -> dict[str, _Touch]:
    """The last word of a commit on each note: a note that moved was not removed."""
    found: dict[str, _Touch] = {}
    for touch in step.touches:
        if _kind(context, touch.path):
            ident = PurePosixPath(touch.path).stem
            if touch.blob or not found.get(ident, touch).blob:
                found[ident] = touch
    return found


def _kind(context: str, path: str) -> Kind | None:
    parts = PurePosixPath(path).relative_to(context).parts if path.startswith(f"{context}/") else ()
    return _KINDS.get(parts[0]) if len(parts) > 1 and path.endswith(".md") else None


def _landing(context: str, step: _Step) -> Landing:
    verified = [_record(context, touch.path) for touch in step.touches if touch.blob]
    notes = dict.fromkeys([*_by_note(context, step), *(ident for ident in verified if ident)])
    return Landing(step.commit, step.body.strip(), step.parents, tuple(notes))


def _record(context: str, path: str) -> str:
    """The note whose verification record ``path`` is; empty for another file."""
    return PurePosixPath(path).name if path.startswith(f"{context}/{_RECORDS}/") else ""


def _document_versions(git: Git, context: str, steps: Sequence[_Step]) -> list[NoteVersion]:
    """What each section of each document said from when on."""
    lines: dict[str, list[tuple[_Step, _Touch]]] = {}
    for step in steps:
        for touch in step.touches:
            if not touch.path.startswith(f"{context}/"):
                lines.setdefault(touch.path, []).append((step, touch))
    versions: list[NoteVersion] = []
    for path, length in _lengths({path: len(line) for path, line in lines.items()}).items():
        line = lines[path]
        versions += _sections(git, line[-length:], cut=length < len(line))
    return versions


def _lengths(wanted: dict[str, int]) -> dict[str, int]:
    """How many versions of each document are read: an equal share, and what others leave of theirs."""
    left, found = MOST, {}
    for done, (path, length) in enumerate(sorted(wanted.items(), key=lambda pair: (pair[1], pair[0]))):
        found[path] = max(1, min(length, left // (len(wanted) - done)))
        left = max(0, left - found[path])
    return found


def _sections(git: Git, line: Sequence[tuple[_Step, _Touch]], cut: bool) -> Iterator[NoteVersion]:
    """One document, oldest version first, as versions of its sections; ``cut``: older ones are left out."""
    contents = dict(git.read_blobs(list(dict.fromkeys(touch.blob for _, touch in line if touch.blob))))
    before: dict[str, Note] = {}
    for number, (step, touch) in enumerate(line):
        data = contents.get(touch.blob) if touch.blob else b""
        if data is None or len(data) > LARGEST:
            continue
        after = {note.id: note for note in included(touch.path, data)[0]} if touch.blob else {}
        boundary = (cut and number == 0) or (git.is_shallow and not step.parents)
        for ident in [*after, *(before.keys() - after.keys())]:
            note, old = after.get(ident), before.get(ident)
            if note is None or old is None or replace(note, digest=old.digest) != old:
                yield NoteVersion(ident, step.commit, touch.path, touch.blob, note, boundary)
        before = after
