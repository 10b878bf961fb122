"""Where a note's words came from: git's blame, and what made a sync write them. In any clone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from agentctx.errors import GitFailed
from agentctx.flows.whose import Brought, Change, Whose, messages
from agentctx.git.runner import decode
from agentctx.model import Commit
from agentctx.project import Project

_FRONT = "front matter"


@dataclass(frozen=True, slots=True)
class Words:
    """One paragraph of a note and the newest commit among its lines."""

    line: int
    text: str
    """The paragraph's beginning."""
    commit: str
    """Empty for words that are not committed."""
    author: str
    date: str = ""
    sources: tuple[Commit, ...] = ()
    """The commits that made agentctx change the note there; empty for words that a person wrote."""
    model: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a note as git's blame has it; empty where it is not committed."""

    commit: str = ""
    author: str = "not committed yet"
    date: str = ""
    """UTC second as text."""
    path: str = ""
    """The note's path in that commit."""
    before: str = ""
    """REV:path of the note before that commit; empty where it began there."""


_HERE = _Line()


def blame(project: Project, name: str) -> tuple[Words, ...]:
    """Every paragraph of a note with its origin. Raises ``NotFound``."""
    note = project.note(name)
    data = project.folder.read_bytes(note.path)
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    lines, shown = _blamed(project, note.path), text.split("\n")
    told = messages(project, {line.commit for line in lines.values()} - {""})
    whose = Whose(project)

    @cache
    def brought(line: _Line) -> tuple[Brought | None, frozenset[str]]:
        """What a sync caused of the change that a line is from, and the lines of that."""
        before = project.git.read_blob(line.before or f"HEAD:{note.path}" * (not line.commit))
        after = project.git.read_blob(f"{line.commit}:{line.path}") if line.commit else data
        change = Change(line.commit, line.path or note.path, before, after)
        found = whose.brought(change, told.get(line.commit))
        return found, _lines(found.text or after) - _lines(found.before) if found else frozenset()

    found = []
    for start, end, words in _paragraphs(text):
        newest = max((lines.get(n, _HERE) for n in range(start, end + 1)), key=_newness)
        caused, wrote = brought(newest)
        mine = [shown[n - 1] for n in range(start, end + 1) if lines.get(n, _HERE).commit == newest.commit]
        by = caused if caused and any(line.strip() in wrote for line in mine) else None
        sources = _commits(project, by.sources) if by else ()
        model = by.model if by else ""
        found.append(Words(start, words, newest.commit, newest.author, newest.date, sources, model))
    return tuple(found)


def _lines(data: bytes | None) -> frozenset[str]:
    return frozenset(line.strip() for line in (data or b"").decode("utf-8", "replace").split("\n"))


def _newness(line: _Line) -> tuple[bool, str]:
    return (not line.commit, line.date)


def _paragraphs(text: str) -> Iterator[tuple[int, int, str]]:
    """(first line, last line, beginning) of the front matter and of each stretch without blank lines."""
    lines = text.replace("\r\n", "\n").split("\n")
    start = 0
    fences = [at for at, line in enumerate(lines) if line.rstrip() == "---"]
    if lines and lines[0].lstrip("\ufeff").rstrip() == "---" and len(fences) > 1:
        yield 1, fences[1] + 1, _FRONT
        start = fences[1] + 1
    began = -1
    for at in range(start, len(lines) + 1):
        blank = at == len(lines) or not lines[at].strip()
        if not blank and began < 0:
            began = at
        elif blank and began >= 0:
            yield began + 1, at, lines[began]
            began = -1


def _blamed(project: Project, path: str) -> dict[int, _Line]:
    """The note's lines by number, under whatever name it had; no entry where nothing is committed."""
    try:
        out = project.git.run(
            "blame", "--porcelain", "--no-textconv", "--encoding=UTF-8", "--root", "--", path
        )
    except GitFailed:
        return {}
    about: dict[str, dict[str, str]] = {}
    found: dict[int, _Line] = {}
    commit, number = "", 0
    for line in decode(out).split("\n"):
        words = line.split(" ")
        if line.startswith("\t"):
            told = about[commit]
            if commit.strip("0"):
                date = told.get("committer-time", "").rjust(12, "0")
                before = told.get("previous", "").replace(" ", ":", 1)
                found[number] = _Line(commit, told.get("author", ""), date, told.get("filename", ""), before)
        elif len(words) >= 3 and len(words[0]) in (40, 64) and words[1].isdigit():
            commit, number = words[0], int(words[2])
            about.setdefault(commit, {})
        elif commit:
            about[commit].setdefault(words[0], line.partition(" ")[2])
    return found


def _commits(project: Project, ids: Sequence[str]) -> tuple[Commit, ...]:
    known = [id for id in ids if project.git.objects.kind(id) == "commit"]
    found = {c.id: c for id in known for c in project.git.commits(range=id, limit=1)}
    return tuple(found.get(id) or Commit(id, "", "", "(not in this clone)") for id in ids)


def summary(words: Words) -> Mapping[str, str]:
    """The origin of one paragraph in words, for a table."""
    told = f"{words.commit[:8]} {words.author}" if words.commit else words.author
    if words.sources:
        told += f", by {words.model or 'repair'} because of "
        told += ", ".join(f"{c.id[:8]} {c.author}: {c.subject}" for c in words.sources[:3])
    return {"line": str(words.line), "text": words.text[:60], "from": told}
