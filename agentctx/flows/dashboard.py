"""The page for people: every note with its verdict, what changed under it, and what waits for a decision.

One HTML file that needs nothing else: no server, no network, no script to read it (a small one filters).
The same HEAD, work tree and proposals give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from agentctx.errors import InvalidInput, NotFound
from agentctx.files import read_regular, write_atomic
from agentctx.model import Drift, Freshness, Note, Problem
from agentctx.project import Project
from agentctx.proposals.findings import edit_command, settle_command
from agentctx.retrieval.succession import retired
from agentctx.text import strip_hidden

ORDER = ("conflicted", "stale", "moved", "suspect", "unverified", "unknown", "fresh", "no anchors", "retired")
"""Worst first; retired notes are history and come last."""
EXPLAINED = 100
"""Notes of which the page shows the code's diff; reading more of git history would make people wait."""
LARGEST = 1_000_000_000
"""Bytes of a page that is looked at before it is written anew."""
MARK = b'<meta name="generator" content="agentctx">'
"""By this a page of ours is known again: nobody else's file is overwritten."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a diff; ``kind`` is ``add``, ``del``, ``hunk`` or empty."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """One reason why a note is not (or not surely) true, with the commits and the diff behind it."""

    where: str
    reason: str
    commits: tuple[str, ...] = ()
    diff: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One note of the page."""

    id: str
    title: str
    kind: str
    path: str
    state: str
    """One of ``ORDER``."""
    tags: tuple[str, ...]
    anchors: tuple[str, ...]
    body: str
    past: str
    """``superseded by X``, ``archived`` ...; empty while the note holds."""
    changed: str
    """Day, author and subject of the last change of its text, where git knows it."""
    troubles: tuple[Trouble, ...]
    settle: tuple[tuple[str, str], ...]
    """(what it is for, command) pairs that settle it; empty when there is nothing to do."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One proposal for a person: what it would change, and the commands that decide."""

    id: str
    note: str
    why: str
    origin: str
    obstacle: str
    diff: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Everything the template shows."""

    name: str
    branch: str
    head: str
    rows: tuple[Row, ...]
    counts: tuple[tuple[str, int], ...]
    """(state, how many), in the order of ``ORDER``, none that is zero."""
    waiting: tuple[Waiting, ...]
    problems: tuple[Problem, ...]
    notices: tuple[str, ...]
    unexplained: int
    """Notes that are not fresh and whose diff the page leaves out."""


def render(page: Page) -> bytes:
    """The page as HTML, UTF-8."""
    from agentctx.rendering import environment

    html = environment().get_template("dashboard.html.j2").render(page=page)
    return html.encode("utf-8", "replace")


def write(project: Project, page: Page, out: Path | None = None) -> Path:
    """Write the page to ``out``, or beside this clone's other state, and say where it is.

    Raises ``InvalidInput`` rather than overwrite a file that is no page of ours.
    """
    folder = project.state.folder
    if out is None and folder is None:
        raise InvalidInput("this clone's state cannot be written", "agentctx dashboard --out FILE")
    place = out or (folder or Path()) / "dashboard.html"
    try:
        if MARK not in read_regular(place, limit=LARGEST)[:2000]:
            raise InvalidInput(f"{place} is no page of agentctx", "name another file with --out")
    except NotFound:
        pass
    write_atomic(place, render(page), durable=False)
    return place


def page(project: Project) -> Page:
    """Gather what the page shows; history is asked only for notes that are not fresh."""
    past = retired(project.notes.notes)
    notes = {n.id: n for n in project.notes.notes}
    verdicts = sorted(project.index.notes, key=lambda f: (ORDER.index(_state(notes[f.id], f, past)), f.id))
    troubled = [f.id for f in verdicts if f.state != "fresh" and f.id not in past]
    explained = frozenset(troubled[:EXPLAINED])
    rows = tuple(
        _row(notes[f.id], project.assessor.explain(notes[f.id], f) if f.id in explained else f, past)
        for f in verdicts
    )
    counts = [(state, sum(r.state == state for r in rows)) for state in ORDER]
    return Page(
        name=project.root.name,
        branch=project.git.branch(),
        head=project.index.head,
        rows=rows,
        counts=tuple((state, n) for state, n in counts if n),
        waiting=tuple(_waiting(project)),
        problems=tuple(p for p in project.index.problems if p.severity == "error"),
        notices=project.notices,
        unexplained=len(troubled) - len(explained),
    )


def _state(note: Note, freshness: Freshness, past: Mapping[str, str]) -> str:
    return "retired" if note.id in past else note.shown(freshness.state)


def _row(note: Note, freshness: Freshness, past: Mapping[str, str]) -> Row:
    state = _state(note, freshness, past)
    changed = freshness.changed
    return Row(
        id=note.id,
        title=strip_hidden(note.title),
        kind=note.kind,
        path=note.path,
        state=state,
        tags=note.tags,
        anchors=tuple(str(a) for a in note.anchors),
        body=strip_hidden(note.body).strip("\n"),
        past=past.get(note.id, ""),
        changed=f"{changed.date[:10]} {changed.author}: {changed.subject}" if changed else "",
        troubles=tuple(_troubles(freshness)),
        settle=_settle(note, freshness, state),
    )


def _troubles(freshness: Freshness) -> Iterator[Trouble]:
    for drift in freshness.drifts:
        if drift.state not in ("unchanged", "cosmetic"):
            yield Trouble(str(drift.anchor), drift.reason or drift.state, _commits(drift), lines(drift.diff))
    for mention in freshness.mentions:
        yield Trouble(f"line {mention.line}", mention.reason)
    for reason in freshness.reasons:
        yield Trouble("", reason)


def _commits(drift: Drift) -> tuple[str, ...]:
    return tuple(f"{c.id[:8]} {c.date[:10]} {c.author}: {c.subject}" for c in drift.commits)


def lines(diff: str) -> tuple[Line, ...]:
    """A unified diff, line by line, without the two lines that name its files."""
    kinds = {"+": "add", "-": "del", "@": "hunk"}
    shown = (strip_hidden(one) for one in diff.splitlines())
    return tuple(Line(kinds.get(one[:1], ""), one) for one in shown if one[:4] not in ("--- ", "+++ "))


def _settle(note: Note, freshness: Freshness, state: str) -> tuple[tuple[str, str], ...]:
    if state in ("fresh", "no anchors", "retired"):
        return ()
    if state == "conflicted":
        return (("put both sides together", f"agentctx resolve {quote(note.id)}"),)
    drifted = [d for d in freshness.drifts if d.state not in ("unchanged", "cosmetic")]
    line = freshness.mentions[0].line if freshness.mentions else 1
    commands = [settle_command(note, d) for d in drifted] + [edit_command(note.path, line)]
    if state == "unverified":
        commands = [f"agentctx verify {quote(note.id)}", *commands]
    return tuple((_purpose(one), one) for one in sorted(dict.fromkeys(commands), key=_purpose, reverse=True))


def _purpose(command: str) -> str:
    if command.startswith("agentctx verify"):
        return "if it still holds"
    return "let it follow the code" if command.startswith("agentctx sync") else "to mend it"


def _waiting(project: Project) -> Iterator[Waiting]:
    from agentctx.flows import review

    for proposal in review.pending(project):
        shown = review.show(project, proposal.id)
        why = proposal.why or "; ".join(proposal.reasons)
        yield Waiting(
            proposal.id, proposal.note_id, strip_hidden(why), _origin(proposal.model), shown.obstacle,
            lines(shown.diff),
        )  # fmt: skip


def _origin(model: str) -> str:
    return f"proposed by {model}" if model else "follows moved code, without a model"


def summary(page: Page) -> str:
    """The page in one line, for the terminal."""
    return ", ".join(f"{count} {state}" for state, count in page.counts) or "no notes yet"
