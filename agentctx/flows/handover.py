"""The session note: what one agent leaves for the next. It is written into the work tree like any note.

What changed comes out of git; why, what was decided against and what comes next come from the agent, or
stay away. A session has one note: telling more later rewrites it, unless somebody edited it meanwhile.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

from agentctx.errors import NotFound
from agentctx.flows import sessions
from agentctx.hygiene import redact
from agentctx.model import Commit
from agentctx.notes.splice import new_note
from agentctx.project import Project
from agentctx.text import slugify, strip_hidden

FILES_SHOWN = 25
COMMITS_SHOWN = 15
FOLDERS_ANCHORED = 5
PART_LIMIT = 6_000
"""Characters of one part that an agent tells."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the agent says of its session, each part Markdown; empty parts are left out."""

    title: str = ""
    summary: str = ""
    why: str = ""
    against: str = ""
    next: str = ""


HEADINGS = {"why": "Why", "against": "Decided against", "next": "Next"}


@dataclass(frozen=True, slots=True)
class Handed:
    """What became of a session note. ``outcome`` ``nothing``: nothing was changed and nothing was told."""

    outcome: Literal["created", "updated", "unchanged", "kept", "nothing"]
    path: str = ""
    reason: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """What a session did, as git sees it."""

    commits: tuple[Commit, ...]
    files: tuple[str, ...]
    """``path: +added -removed``, committed and uncommitted together."""
    paths: tuple[str, ...]

    @property
    def empty(self) -> bool:
        return not self.commits and not self.paths


def end(project: Project, id: str, told: Told, dry: bool = False) -> Handed:
    """Write or bring up to date the note of session ``id``.

    Without words of the agent and without a change there is no note. A note that somebody edited since is
    kept as it is.
    """
    with sessions.opened(project.state, id) as session:
        parts = {**session.told, **_cleaned(told)}
        work = done(project, session)
        if work.empty and not parts:
            return Handed("nothing", reason="nothing has changed since the session began")
        before = _present(project, session.note)
        if before is not None and hashlib.sha256(before).hexdigest() != session.digest:
            more = "; say the rest in the file itself" if _cleaned(told) else ""
            return Handed("kept", session.note, f"somebody has edited it since{more}")
        path = session.note if before is not None else _free_path(project, parts, work)
        data = _rendered(parts, work)
        handed = _handed(path, before, data)
        if dry or handed.outcome == "unchanged":
            return handed
        project.folder.save(path, data, session.digest if before is not None else None)
        session.note, session.digest = path, hashlib.sha256(data).hexdigest()
        session.told = parts
        return handed


def done(project: Project, session: sessions.Session) -> Work:
    """Commits since the session began that are in HEAD, and files that differ from then."""
    base = _base(project, session)
    commits: Sequence[Commit] = ()
    if base and base != project.tree.head:
        commits = project.git.commits(range=f"{base}..HEAD", limit=200)
    now = sessions.dirty_files(project)
    counted = _counted(project, base or project.tree.head)
    old = session.dirty
    own = f"{project.context}/"
    touched = {path for path in counted if not path.startswith(own) and now.get(path) != old.get(path, "?")}
    touched |= {path for path, key in now.items() if old.get(path) != key}
    paths = sorted(touched)
    return Work(tuple(commits), tuple(_line(p, counted) for p in paths), tuple(paths))


def _base(project: Project, session: sessions.Session) -> str:
    """The commit it began at; for a session that nobody began, where its branch left the upstream one."""
    if session.head and project.git.objects.kind(session.head) == "commit":
        return session.head
    upstream = project.git.default_upstream()
    if session.begun or not upstream or not project.tree.head:
        return ""
    return project.git.merge_base(upstream, "HEAD")


def _counted(project: Project, base: str) -> dict[str, str]:
    """path -> ``+added -removed`` of everything that differs from ``base``, uncommitted changes included."""
    if not base:
        return {}
    out = project.git.run("diff", "--numstat", "-z", "--no-renames", base, check=False)
    found = {}
    for record in out.decode("utf-8", "surrogateescape").split("\0"):
        added, _, rest = record.partition("\t")
        removed, _, path = rest.partition("\t")
        if path:
            found[path] = "binary" if added == "-" else f"+{added} -{removed}"
    return found


def _line(path: str, counted: dict[str, str]) -> str:
    return f"{path}: {counted.get(path, 'new, not committed')}"


def _cleaned(told: Told) -> dict[str, str]:
    """The parts that were told, without secrets and without anything hidden."""
    given = {f.name: str(getattr(told, f.name)) for f in fields(told)}
    clean = {name: strip_hidden(redact(text).text).strip()[:PART_LIMIT] for name, text in given.items()}
    return {name: text for name, text in clean.items() if text}


def _present(project: Project, path: str) -> bytes | None:
    try:
        return project.folder.read_bytes(path) if path else None
    except NotFound:
        return None


def _free_path(project: Project, parts: dict[str, str], work: Work) -> str:
    folder = f"{project.context}/sessions"
    stem = f"{project.today}-{slugify(_title(parts, work))}"
    taken = {n.id for n in project.own_notes.notes} | {
        posixpath.basename(p.path).removesuffix(".md") for p in project.own_notes.problems
    }
    names = (stem, *(f"{stem}-{n}" for n in range(2, 10_000)))
    return next(
        f"{folder}/{name}.md"
        for name in names
        if name not in taken and not (project.root / folder / f"{name}.md").exists()
    )


def _title(parts: dict[str, str], work: Work) -> str:
    first = parts.get("summary", "").partition("\n")[0].strip(" #*-")
    fallback = work.commits[0].subject if work.commits else _worked_on(work.paths)
    title = parts.get("title") or first or strip_hidden(redact(fallback).text)
    return " ".join(title.split())[:100].strip() or "Session"


def _worked_on(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"Work on {paths[0]}{more}" if paths else ""


def _summary(parts: dict[str, str], title: str) -> str:
    """What was done, without a first line that is the title already."""
    first, _, rest = parts.get("summary", "").partition("\n")
    return rest.strip() if " ".join(first.strip(" #*-").split()) == title else parts.get("summary", "")


def _rendered(parts: dict[str, str], work: Work) -> bytes:
    title = _title(parts, work)
    summary = _summary(parts, title)
    lines = [summary, ""] if summary else []
    if not work.empty:
        lines += ["## What changed", ""]
        lines += [
            f"- {c.id[:10]} {redact(strip_hidden(c.subject)).text}" for c in work.commits[:COMMITS_SHOWN]
        ]
        lines += _more(len(work.commits), COMMITS_SHOWN, "commits")
        lines += [f"- {strip_hidden(line)}" for line in work.files[:FILES_SHOWN]]
        lines += [*_more(len(work.files), FILES_SHOWN, "files"), ""]
    for name, heading in HEADINGS.items():
        if parts.get(name):
            lines += [f"## {heading}", "", parts[name], ""]
    return new_note(title, ("session",), _folders(work), "\n".join(lines))


def _more(total: int, shown: int, what: str) -> list[str]:
    return [f"- and {total - shown} more {what}"] if total > shown else []


def _folders(work: Work) -> list[str]:
    """Globs of the folders worked in: they make the note findable there and can never turn it stale."""
    counts: dict[str, int] = {}
    for path in work.paths:
        folder = posixpath.dirname(path)
        if folder and not any(c in folder for c in "*?[]#"):
            counts[f"{folder}/**"] = counts.get(f"{folder}/**", 0) + 1
    return sorted(counts, key=lambda glob: (-counts[glob], glob))[:FOLDERS_ANCHORED]


def _handed(path: str, before: bytes | None, data: bytes) -> Handed:
    text = data.decode("utf-8", "replace")
    if before is None:
        return Handed("created", path, text=text)
    return Handed("unchanged" if before == data else "updated", path, text=text)
