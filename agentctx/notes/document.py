"""A note's bytes: reading them into a ``Note``, and writing exactly the bytes that must change.

Reading never raises: what cannot be read is a ``Problem`` with a line and what to type. The writers
of ``splice`` and ``passages`` are offered here too: this module is the one door to a note's format.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace

from agentctx.model import Anchor, Kind, Note, Problem, Severity
from agentctx.notes.fields import Cut, Field, Unreadable, Value, cut, read_fields
from agentctx.notes.markdown import code_spans, sections
from agentctx.notes.markers import regions
from agentctx.notes.passages import append_section, replace_section, replace_text
from agentctx.notes.splice import new_note, set_field
from agentctx.text import slugify, valid_id

__all__ = [
    "KNOWN_KEYS",
    "append_section",
    "conflict_line",
    "lines_of",
    "new_note",
    "parse",
    "parse_anchor",
    "replace_section",
    "replace_text",
    "set_field",
]

PARSE_LIMIT = 1_000_000
"""Bytes of the largest file that is read as a note."""

SERVED_LIMIT = 262_144
"""Bytes of body that are read; the rest of a longer note is never shown."""

KNOWN_KEYS = (
    "title",
    "tags",
    "status",
    "anchors",
    "supersedes",
    "superseded_by",
    "review_by",
    "review_when",
    "pinned",
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SWALLOWED = re.compile(r"[ \t]+(#[^\s#]\S*)[ \t]*\r?$", re.MULTILINE)


def parse(path: str, data: bytes, kind: Kind) -> tuple[Note | None, tuple[Problem, ...]]:
    """The note in these bytes, and everything wrong with it.

    The note is ``None`` when the file must be quarantined (its problem has severity ``error``); a note
    that can be used with a flaw comes with warnings.
    """
    id = path.rpartition("/")[2].removesuffix(".md")
    broken = _unusable(path, id, data)
    if broken:
        return None, (broken,)
    text = data.decode()
    try:
        parts = cut(text)
        fields = read_fields(text, parts)
    except Unreadable as error:
        line = text.count("\n", 0, error.at) + 1
        return None, (Problem(path, error.code, error.message, error.hint, line),)
    reading = _Reading(path, text, parts, fields)
    note = _note(reading, id, data, kind)
    return note, tuple(reading.problems)


def _unusable(path: str, id: str, data: bytes) -> Problem | None:
    """Why this file is no note at all, before its text is looked at."""
    if not valid_id(id):
        return Problem(
            path,
            "bad-id",
            f"`{id}` cannot be a note's id (lower-case letters, digits, `.`, `_`, `-`; at most 80)",
            f"rename the file, for example to `{slugify(id)}.md`",
        )
    if len(data) > PARSE_LIMIT:
        return Problem(
            path,
            "too-large",
            f"the note has {len(data):,} bytes, over the limit of {PARSE_LIMIT:,}",
            "split it into smaller notes",
        )
    if line := conflict_line(data):
        return Problem(
            path,
            "conflict-markers",
            "the note holds merge conflict markers",
            f"run `agentctx resolve {id}`, or edit the note and delete the marker lines",
            line,
        )
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return Problem(
            path,
            "not-utf8",
            f"the note is not UTF-8 text (byte {error.start})",
            f"type `iconv -t utf-8 {path}` with `-f` naming its present encoding",
            data.count(b"\n", 0, error.start) + 1,
        )
    return None


def conflict_line(data: bytes) -> int:
    """The line of the first merge conflict (all three markers in order, in no code fence), or 0."""
    if b"<<<<<<<" not in data or b">>>>>>>" not in data:
        return 0
    return next((region.line for region in regions(data.decode("utf-8", "surrogateescape"))), 0)


@dataclass(slots=True)
class _Reading:
    """One file while its fields are turned into terms; collects what is wrong with them."""

    path: str
    text: str
    parts: Cut
    fields: dict[str, Field]
    problems: list[Problem] = field(default_factory=list)

    def line(self, at: int) -> int:
        """The one-based line in the file of an offset in the front matter."""
        return self.text.count("\n", 0, self.parts.head_start + at) + 1

    def warn(self, code: str, message: str, hint: str, at: int, severity: Severity = "warning") -> None:
        self.problems.append(Problem(self.path, code, message, hint, self.line(at), severity))

    def word(self, key: str) -> str:
        """A field that is one text; anything else is named and read as absent."""
        found = self.fields.get(key)
        if found is None:
            return ""
        if isinstance(found.value, str):
            return "" if found.value == "~" else " ".join(found.value.split())
        self.warn("bad-value", f"`{key}` must be one text", f"type `{key}: ...`", found.key_start)
        return ""

    def words(self, key: str) -> list[tuple[str, int, int]]:
        """A list field as (text, offset, offset behind it); one text with commas is read as a list."""
        found = self.fields.get(key)
        if found is None or found.value in ("", "~"):
            return []
        if isinstance(found.value, str):
            parts = [part.strip() for part in found.value.split(",") if part.strip()]
            if len(parts) > 1:
                lines = " and ".join(f"`  - {part}`" for part in parts[:2])
                self.warn(
                    "not-a-list", f"`{key}` must be a list", f"type one item a line: {lines}", found.key_start
                )
            return [(part, found.start, found.end) for part in parts]
        if isinstance(found.value, tuple) and len(found.items) == len(found.value):
            return [(item.value, item.start, item.end) for item in found.items if item.value.strip()]
        self.warn(
            "bad-value", f"`{key}` must be a list of texts", "type one `  - item` a line", found.key_start
        )
        if not isinstance(found.value, tuple):
            return []
        return [(item, found.start, found.start) for item in found.value if isinstance(item, str) and item]


def _note(reading: _Reading, id: str, data: bytes, kind: Kind) -> Note:
    body = _body(reading, data)
    parts = sections(body)
    title = reading.word("title")
    if not title:
        title = next((s.heading for s in parts if s.level == 1 and s.heading), "")
        if not title:
            title = id.replace("-", " ").replace("_", " ")
            reading.problems.append(
                Problem(
                    reading.path,
                    "missing-title",
                    "the note has no title",
                    f"type `title: {title}`",
                    1,
                    "warning",
                )
            )
    return Note(
        id=id,
        path=reading.path,
        kind=kind,
        title=title,
        body=body,
        digest=hashlib.sha256(data).hexdigest(),
        tags=tuple(dict.fromkeys(" ".join(text.split()) for text, _, _ in reading.words("tags"))),
        status=reading.word("status") or "active",
        anchors=_anchors(reading),
        supersedes=tuple(dict.fromkeys(text.strip() for text, _, _ in reading.words("supersedes"))),
        superseded_by=reading.word("superseded_by"),
        review_by=reading.word("review_by"),
        pinned=reading.word("pinned").lower() in ("true", "yes", "on", "1"),
        sections=parts,
        mentions=tuple(dict.fromkeys(text for text, _ in code_spans(body))),
        review_when=tuple(
            dict.fromkeys(" ".join(text.split()) for text, _, _ in reading.words("review_when"))
        ),
        extra={key: _plain(f.value) for key, f in reading.fields.items() if key not in KNOWN_KEYS},
    )


def _body(reading: _Reading, data: bytes) -> str:
    body = reading.text[reading.parts.body_start :]
    if len(data) > SERVED_LIMIT and len(body.encode()) > SERVED_LIMIT:
        body = body.encode()[:SERVED_LIMIT].decode(errors="ignore")
        body = body[: body.rfind("\n") + 1] or body
        reading.problems.append(
            Problem(
                reading.path,
                "too-long",
                f"only the first {SERVED_LIMIT:,} bytes of the note are read",
                "split it into smaller notes",
                reading.text.count("\n", 0, reading.parts.body_start + len(body)) + 1,
                "warning",
            )
        )
    return body.replace("\r\n", "\n")


def _plain(value: Value) -> object:
    """A field's value as JSON has it."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _anchors(reading: _Reading) -> tuple[Anchor, ...]:
    found: dict[Anchor, None] = {}
    head = reading.text[reading.parts.head_start : reading.parts.head_end]
    for text, start, end in reading.words("anchors"):
        anchor = parse_anchor(text)
        if isinstance(anchor, Problem):
            reading.problems.append(replace(anchor, path=reading.path, line=reading.line(start)))
            continue
        found.setdefault(anchor)
        rest = head[end : head.find("\n", end) if "\n" in head[end:] else len(head)]
        if (comment := _SWALLOWED.fullmatch(rest)) and not anchor.symbol:
            reading.warn(
                "comment-in-anchor",
                f"`{comment[1]}` behind a blank is a comment to YAML, not part of the anchor",
                f"type `- {text}{comment[1]}`",
                start,
            )
    return tuple(found)


def parse_anchor(text: str) -> Anchor | Problem:
    """``PATH``, ``PATH#SYMBOL`` or a glob; the problem (with empty ``path``) says what to type instead."""

    def bad(message: str, hint: str) -> Problem:
        return Problem("", "bad-anchor", f"anchor `{text.strip()[:120]}` {message}", hint, severity="warning")

    path, _, symbol = text.strip().partition("#")
    path, symbol = path.strip(), symbol.strip()
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    if not path:
        return bad("names no file", "type `- path/to/file.py#symbol`")
    if _CONTROL.search(text.strip()) or len(text) > 1024:
        return bad("holds control characters or is too long", "type the path by hand")
    if "\\" in path:
        return bad("has backslashes", f"type `- {path.replace(chr(92), '/')}`")
    if path.startswith(("/", "~")) or re.match(r"[A-Za-z]:/", path):
        return bad("is not relative to the repository", "type the path as `git ls-files` prints it")
    if ".." in path.split("/"):
        return bad("leaves the repository with `..`", "type the path as `git ls-files` prints it")
    if path.endswith("/"):
        return bad("is a folder", f'type `- "{path}**"`')
    return Anchor("/".join(name for name in path.split("/") if name not in ("", ".")), symbol)


def lines_of(data: bytes) -> dict[tuple[str, str], int]:
    """The lines of a note's fields, by (key, ``""``) and, for items of lists, by (key, item)."""
    try:
        text = data.decode()
        parts = cut(text)
        fields = read_fields(text, parts)
    except (UnicodeDecodeError, Unreadable):
        return {}
    lines: dict[tuple[str, str], int] = {}
    for key, found in fields.items():
        places = [("", found.key_start), *((item.value.strip(), item.start) for item in found.items)]
        for value, at in places:
            lines.setdefault((key, value), text.count("\n", 0, parts.head_start + at) + 1)
    return lines
