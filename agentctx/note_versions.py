"""Every version of every note that the mainline has had, out of git: two logs and one batch of blobs.

Only the first-parent line counts: a merge is one event that made its notes true (or ended them), whatever
happened on its branch before. A note keeps its id when its file moves to another folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from agentctx.git import Git
from agentctx.model import Commit, Kind, Landing, Note, NoteHistory, NoteVersion, Problem
from agentctx.notes import document

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


def history_of_notes(git: Git, context: str, documents: Sequence[str] = ()) -> NoteHistory:
    """The notes under ``context`` (repository-relative folder) at every commit of HEAD's first-parent line.

    ``documents`` are paths of included documents, of which the newest version is told. An unborn HEAD
    gives an empty history. Raises ``GitFailed``.
    """
    head = git.head()
    if not head:
        return NoteHistory(head="")
    steps = list(_steps(git.run(*_LOG, f"--format={_FIELDS}", *_RAW, head, "--", context, *documents)))
    merges = _steps(git.run(*_LOG, f"--format={_FIELDS}", "--merges", "-s", head))
    versions, problems = _versions(git, context, steps)
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
        documents=tuple(_documents(documents, steps)),
        problems=tuple(problems),
    )


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


def _documents(paths: Sequence[str], steps: Sequence[_Step]) -> Iterator[NoteVersion]:
    newest = {touch.path: (step, touch) for step in steps for touch in step.touches}
    for path in paths:
        if path in newest:
            step, touch = newest[path]
            yield NoteVersion(path, step.commit, path, touch.blob)
