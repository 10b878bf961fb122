"""What is wrong with notes that can be read, and what to type: one small function a rule, one table.

What cannot be read, and flaws of single fields, are told by reading itself (``NoteSet.problems``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from agentctx import globs
from agentctx.model import Anchor, Note, NoteSet, Problem, Severity
from agentctx.notes.conditions import GRAMMAR, parse_condition
from agentctx.notes.document import KNOWN_KEYS, lines_of
from agentctx.text import count_tokens, did_you_mean, hidden_characters

STATUSES = ("active", "superseded", "archived")
LONG = 2_000
"""Tokens above which a note would take too much of a briefing."""

SIBLINGS = 200
"""Files of one folder that are compared with the name of a missing one."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_LINE_ANCHOR = re.compile(r"(.+?\.\w+)(?::\d+(?:[-:]\d+)?|#L\d+(?:-L?\d+)?)")
_ADDRESSES_AGENTS = re.compile(
    r"(?i)\b(?:ignore|disregard|forget|override)\b[^.\n]{0,40}\b(?:previous|prior|above|earlier|all|other|system)\b"
    r"[^.\n]{0,40}\b(?:instruction|prompt|rule|message|guideline|direction)s?\b"
    r"|\byou are now (?:an?|the)\b|\bsystem prompt\b|\bas an ai\b|\bnew instructions?:"
    r"|\bdo not (?:tell|inform|ask|mention)\b[^.\n]{0,30}\b(?:user|human|developer|anyone)\b"
    r"|\bwithout (?:asking|telling|informing)\b[^.\n]{0,20}\b(?:user|human|developer)\b"
    r"|</?(?:system|system-reminder|assistant|instructions?)>|<\|im_(?:start|end)\|>|\[/?INST\]"
)


def lint(notes: NoteSet, paths: Collection[str], sources: Mapping[str, bytes] | None = None) -> list[Problem]:
    """Everything wrong with the notes, by path and line.

    ``paths``: the files of the repository (dead anchors). ``sources``: bytes of notes by path, to tell the
    line of a field; without them the line is 1. Read-only sections of documents are not judged.
    """
    desk = _Desk(notes, paths, sources or {})
    found = [problem for note in desk.own for rule in RULES for problem in rule(note, desk)]
    return sorted(found, key=lambda p: (p.path, p.line, p.code, p.message))


@dataclass
class _Desk:
    """What the rules look things up in."""

    notes: NoteSet
    paths: Collection[str]
    sources: Mapping[str, bytes]
    lines: dict[str, dict[tuple[str, str], int]] = field(default_factory=dict)
    globs: dict[str, bool] = field(default_factory=dict)

    @cached_property
    def own(self) -> list[Note]:
        return [n for n in self.notes.notes if not n.read_only and n.status != "conflicted"]

    @cached_property
    def by_id(self) -> dict[str, Note]:
        return {note.id: note for note in self.own}

    @cached_property
    def known(self) -> frozenset[str]:
        return frozenset(self.paths)

    @cached_property
    def by_name(self) -> dict[str, list[str]]:
        """Paths by their last name, to say where a file went."""
        names: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self.known):
            names[path.rpartition("/")[2]].append(path)
        return names

    @cached_property
    def by_folder(self) -> dict[str, list[str]]:
        inside: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self.known):
            inside[path.rpartition("/")[0]].append(path)
        return inside

    @cached_property
    def folders(self) -> frozenset[str]:
        found: set[str] = set()
        for path in self.known:
            while (path := path.rpartition("/")[0]) and path not in found:
                found.add(path)
        return frozenset(found)

    @cached_property
    def titles(self) -> dict[str, list[Note]]:
        same: dict[str, list[Note]] = defaultdict(list)
        for note in self.own:
            same[" ".join(note.title.lower().split())].append(note)
        return same

    @cached_property
    def superseders(self) -> dict[str, list[str]]:
        """By note, the active notes that say they supersede it."""
        found: dict[str, list[str]] = defaultdict(list)
        for note in self.own:
            for id in note.supersedes if note.status == "active" else ():
                found[id].append(note.id)
        return found

    def means_a_file(self, pattern: str) -> bool:
        """Does the glob match any file? Answered once per glob: many notes share theirs."""
        if pattern not in self.globs:
            fullmatch = globs.compiled(pattern).fullmatch
            self.globs[pattern] = any(fullmatch(path) for path in self.known)
        return self.globs[pattern]

    def line(self, note: Note, key: str, value: str = "") -> int:
        if note.path not in self.lines:
            self.lines[note.path] = lines_of(self.sources.get(note.path, b""))
        lines = self.lines[note.path]
        return lines.get((key, value)) or lines.get((key, ""), 1)

    def body_line(self, note: Note, offset: int) -> int:
        """The line in the file of an offset in the body."""
        data = self.sources.get(note.path)
        above = data.count(b"\n") - note.body.count("\n") if data is not None else 0
        return max(above, 0) + note.body.count("\n", 0, offset) + 1


Rule = Callable[[Note, _Desk], Iterator[Problem]]


def _problem(
    note: Note, code: str, message: str, hint: str, line: int, severity: Severity = "warning"
) -> Problem:
    return Problem(note.path, code, message, hint, line, severity)


def _unknown_status(note: Note, desk: _Desk) -> Iterator[Problem]:
    if note.status not in STATUSES:
        near = did_you_mean(note.status, STATUSES) or "active"
        message = f"`{note.status}` is no status ({', '.join(STATUSES)})"
        yield _problem(note, "unknown-status", message, f"type `status: {near}`", desk.line(note, "status"))


def _near_miss_key(note: Note, desk: _Desk) -> Iterator[Problem]:
    for key in note.extra:
        near = did_you_mean(key, KNOWN_KEYS)
        if near:
            message = f"`{key}` is not a field that agentctx knows; did you mean `{near}`?"
            yield _problem(note, "unknown-key", message, f"type `{near}:`", desk.line(note, key))


def _misplaced_kind(note: Note, desk: _Desk) -> Iterator[Problem]:
    said = note.extra.get("kind", note.extra.get("type"))
    if isinstance(said, str) and said and said.lower() != note.kind:
        key = "kind" if "kind" in note.extra else "type"
        message = f"the note says it is a `{said}`, but its folder makes it a {note.kind}"
        hint = f"move the file, or delete the line `{key}: {said}`"
        yield _problem(note, "unknown-kind", message, hint, desk.line(note, key))


def _dead_anchor(note: Note, desk: _Desk) -> Iterator[Problem]:
    for anchor in note.anchors:
        if anchor.path in desk.known:
            continue
        line = desk.line(note, "anchors", str(anchor))
        if lines := _LINE_ANCHOR.fullmatch(str(anchor)):
            message = f"anchor `{anchor}` names a line, which moves with every edit"
            yield _problem(note, "line-anchor", message, f"type `- {lines[1]}#SYMBOL`", line)
        elif anchor.is_glob:
            if not desk.means_a_file(anchor.path):
                message = f'anchor `"{anchor}"` matches no file'
                yield _problem(note, "dead-anchor", message, _elsewhere(anchor, desk), line)
        elif anchor.path in desk.folders:
            message = f"anchor `{anchor}` is a folder"
            yield _problem(note, "folder-anchor", message, f'type `- "{anchor.path}/**"`', line)
        else:
            message = f"anchor `{anchor}` names no file of the repository"
            yield _problem(note, "dead-anchor", message, _elsewhere(anchor, desk), line, "error")


def _elsewhere(anchor: Anchor, desk: _Desk) -> str:
    """What to type for an anchor whose file is not there."""
    symbol = f"#{anchor.symbol}" if anchor.symbol else ""
    same = desk.by_name.get(anchor.path.rpartition("/")[2], [])
    if len(same) == 1:
        return f"type `- {same[0]}{symbol}`"
    if same:
        near = did_you_mean(anchor.path, same) or same[0]
        return f"did you mean `- {near}{symbol}` ({len(same)} files have this name)?"
    folder = anchor.path.rpartition("/")[0]
    near = did_you_mean(anchor.path, desk.by_folder.get(folder, [])[:SIBLINGS])
    return (
        f"did you mean `- {near}{symbol}`?"
        if near
        else "delete the anchor, or name the file that took its place"
    )


def _spaced_symbol(note: Note, desk: _Desk) -> Iterator[Problem]:
    for anchor in note.anchors:
        if " " in anchor.symbol and not anchor.path.endswith((".md", ".rst", ".txt", ".adoc")):
            message = f"the symbol in anchor `{anchor}` holds a space"
            hint = f"type `- {anchor.path}#{anchor.symbol.split('(')[0].split()[-1]}`"
            yield _problem(note, "bad-anchor", message, hint, desk.line(note, "anchors", str(anchor)))


def _unquoted_glob(note: Note, desk: _Desk) -> Iterator[Problem]:
    data = desk.sources.get(note.path, b"")
    for anchor in note.anchors if data else ():
        line = desk.line(note, "anchors", str(anchor)) if anchor.is_glob else 0
        if line and f"- {anchor}".encode() == data.split(b"\n")[line - 1].strip():
            message = f"the glob `{anchor}` stands without quotes, which some YAML readers misread"
            yield _problem(note, "unquoted-glob", message, f'type `- "{anchor}"`', line, "info")


def _unknown_supersedes(note: Note, desk: _Desk) -> Iterator[Problem]:
    named = [("supersedes", id) for id in note.supersedes]
    if note.superseded_by:
        named.append(("superseded_by", note.superseded_by))
    for key, id in named:
        if id not in desk.by_id:
            near = did_you_mean(id, desk.by_id)
            typed = f"- {near}" if key == "supersedes" else f"{key}: {near}"
            hint = f"type `{typed}`" if near else "`agentctx list` shows every note"
            yield _problem(
                note,
                "unknown-note",
                f"`{key}` names `{id}`, which is no note",
                hint,
                desk.line(note, key, id),
            )


def _supersedes_cycle(note: Note, desk: _Desk) -> Iterator[Problem]:
    seen: set[str] = set()
    waiting = list(note.supersedes)
    while waiting:
        id = waiting.pop()
        if id == note.id:
            message = "the note supersedes itself, directly or through others"
            hint = "delete one of the `supersedes` lines"
            yield _problem(note, "supersedes-cycle", message, hint, desk.line(note, "supersedes"), "error")
            return
        if id in desk.by_id and id not in seen:
            seen.add(id)
            waiting.extend(desk.by_id[id].supersedes)


def _superseded_but_active(note: Note, desk: _Desk) -> Iterator[Problem]:
    line = desk.line(note, "status") if note.status == "active" else 0
    if note.superseded_by and note.status == "active":
        message = f"the note is superseded by `{note.superseded_by}` and still active"
        yield _problem(note, "superseded-active", message, "type `status: superseded`", line)
    for id in desk.superseders.get(note.id, []) if note.status == "active" else []:
        message = f"`{id}` supersedes this note, which is still active"
        yield _problem(note, "superseded-active", message, "type `status: superseded`", line)


def _bad_review_date(note: Note, desk: _Desk) -> Iterator[Problem]:
    text = note.review_by
    if not text:
        return
    try:
        if _DATE.fullmatch(text):
            date.fromisoformat(text)
            return
    except ValueError:
        pass
    if parse_condition(text):
        return
    message = f"`review_by: {text}` is neither a date nor a condition"
    is_tried = text.startswith(("dependency ", "path "))
    hint = f"type one of {GRAMMAR}" if is_tried else "type it as `review_by: 2030-12-31`"
    yield _problem(note, "bad-date", message, hint, desk.line(note, "review_by"))


def _bad_condition(note: Note, desk: _Desk) -> Iterator[Problem]:
    for text in note.review_when:
        if parse_condition(text) is None:
            message = f"`{text[:60]}` is not a condition that can be checked"
            line = desk.line(note, "review_when", text) or desk.line(note, "review_when")
            yield _problem(note, "bad-condition", message, f"type one of {GRAMMAR}", line)


def _duplicate_title(note: Note, desk: _Desk) -> Iterator[Problem]:
    twins = [twin.id for twin in desk.titles[" ".join(note.title.lower().split())] if twin is not note]
    if twins and note.status == "active":
        message = f"the title is also that of {', '.join(f'`{id}`' for id in twins[:3])}"
        yield _problem(
            note, "duplicate-title", message, "make the titles tell them apart", desk.line(note, "title")
        )


def _empty_body(note: Note, desk: _Desk) -> Iterator[Problem]:
    if not any(section.text.strip() for section in note.sections):
        message = "the note says nothing under its title"
        line = desk.body_line(note, len(note.body.rstrip()))
        yield _problem(note, "empty-body", message, "write why, in a sentence or two", line)


def _too_long(note: Note, desk: _Desk) -> Iterator[Problem]:
    if len(note.body) > LONG * 2 and (tokens := count_tokens(note.body)) > LONG:
        message = f"the note has about {tokens:,} tokens; over {LONG:,} it takes too much of a briefing"
        yield _problem(note, "too-long", message, "split it by subject", 1, "info")


def _hidden_characters(note: Note, desk: _Desk) -> Iterator[Problem]:
    found = hidden_characters(note.body)
    if found:
        names = ", ".join(sorted({name for _, name in found})[:4])
        message = f"the text holds {len(found)} characters that nobody can see ({names})"
        hint = "delete them; agentctx never shows them to an agent"
        yield _problem(note, "hidden-characters", message, hint, desk.body_line(note, found[0][0]))
    for key, text in (("title", note.title), ("tags", " ".join(note.tags))):
        if hidden_characters(text):
            message = f"`{key}` holds characters that nobody can see"
            yield _problem(note, "hidden-characters", message, "type it again", desk.line(note, key))


def _addresses_agents(note: Note, desk: _Desk) -> Iterator[Problem]:
    found = _ADDRESSES_AGENTS.search(note.body)
    if found:
        message = f"`{found[0][:60]}` gives orders to an agent; a note says what is true of the code"
        hint = "say what the code does and why, or take the sentence out"
        yield _problem(note, "agent-instructions", message, hint, desk.body_line(note, found.start()))


RULES: tuple[Rule, ...] = (
    _unknown_status,
    _near_miss_key,
    _misplaced_kind,
    _dead_anchor,
    _spaced_symbol,
    _unquoted_glob,
    _unknown_supersedes,
    _supersedes_cycle,
    _superseded_but_active,
    _bad_review_date,
    _bad_condition,
    _duplicate_title,
    _empty_body,
    _too_long,
    _hidden_characters,
    _addresses_agents,
)
