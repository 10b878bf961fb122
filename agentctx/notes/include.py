"""Existing documentation as read-only notes: a section is a note; a decision record is one note as a whole.

Given a path and bytes; nothing here touches a file.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from agentctx.model import Note, Problem, Section
from agentctx.notes import restructured
from agentctx.notes.fields import Field, Unreadable, cut, read_fields
from agentctx.notes.markdown import code_spans, sections
from agentctx.text import slugify

MINIMUM_WORDS = 12
"""A section with fewer words says too little to be shown."""

_RECORD_FOLDERS = frozenset(
    ("adr", "adrs", "decisions", "decision-records", "architecture-decisions", "rfc", "rfcs")
)
_RECORD_SECTIONS = frozenset({"decision", "decision outcome", "considered options"})
_TEMPLATE = re.compile(
    r"(?:(?:\d+|adr|rfc|madr|nygard|architecture|decision|record)[-_.]?)*templates?"
    r"(?:[-_.](?:bare|minimal|short|simple|long|full|madr|nygard|v?\d+))*"
)
"""The stem of a form's name; `0007-use-templates-of-jinja` is a record about templates."""
_INSTRUCTIONS = ("AGENTS.md", "CLAUDE.md")
_DOC_FOLDERS = ("docs", "doc", "documentation")
_FOREIGN = frozenset({"node_modules", "vendor", "third_party", "fixtures", "testdata", "site-packages"})

_STATUS_LINE = re.compile(r"(?im)^[ \t>*|:_-]{0,12}status[*_]{0,2}[ \t]*[:|][*_ \t]{0,8}([^\n|]{1,300})")
_REPLACED = re.compile(
    r"(?i)\b(?:super[sc]eded|replaced|obsoleted)\b(?:[ \t:]+(?:by|with)\b[ \t:]*)?([^\n]{0,300})"
)
_DROPPED = re.compile(r"(?i)\b(?:deprecated|rejected|withdrawn|abandoned|obsolete|cancell?ed)\b")
_LINK = re.compile(r"\[([^\]\n]{0,200})\]\(([^)\s]{1,300})\)")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_MANAGED = re.compile(
    r"(?s)<!-- ?agentctx[: ](?:begin|start)\b.*?<!-- ?agentctx[: ](?:end|stop)\b[^>]*-->\n?"
)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _Document:
    path: str
    title: str
    body: str
    digest: str
    fields: Mapping[str, Field]
    sections: tuple[Section, ...]
    styles: tuple[str, ...] = ()
    """How the headings of a document in reStructuredText are marked, highest first."""


def included(path: str, data: bytes) -> tuple[tuple[Note, ...], tuple[Problem, ...]]:
    """The read-only notes in one file of documentation, in the file's order."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        problem = Problem(
            path, "not-utf8", "the document is not UTF-8 text", "take it out of `notes.include`", 0, "warning"
        )
        return (), (problem,)
    document = _document(path, text, hashlib.sha256(data).hexdigest())
    if _is_record(document):
        return (_record_note(document),), ()
    if _is_record_template(path):
        return (), ()
    return tuple(_section_notes(document)), ()


def texts_by_id(path: str, data: bytes) -> dict[str, str]:
    """What ``included`` would find, without the rest: note id -> its text."""
    document = _document(path, data.decode(errors="replace"), "")
    if _is_record(document):
        return {f"{path}#{slugify(document.title)}": document.body}
    return {piece.id: piece.body for piece in _pieces(document)}


def _document(path: str, text: str, digest: str) -> _Document:
    """A file whose front matter cannot be read is read without it: it is somebody else's file."""
    if path.lower().endswith(restructured.ENDING):
        return _restructured(path, text.removeprefix("\ufeff").replace("\r\n", "\n"), digest)
    try:
        parts = cut(text)
        body = text[parts.body_start :]
    except Unreadable:
        return _document_of(path, text.removeprefix("\ufeff"), digest, {})
    try:
        fields = read_fields(text, parts)
    except Unreadable:
        fields = {}
    return _document_of(path, body, digest, fields)


def _document_of(path: str, body: str, digest: str, fields: Mapping[str, Field]) -> _Document:
    body = _MANAGED.sub("", body.replace("\r\n", "\n")) if "agentctx" in body else body.replace("\r\n", "\n")
    found = sections(body)
    title = _field(fields, "title") or next((s.heading for s in found if s.level == 1 and s.heading), "")
    return _Document(path, title or posixpath.basename(path), body, digest, fields, found)


def _restructured(path: str, body: str, digest: str) -> _Document:
    found = restructured.sections(body)
    title = next((s.heading for s in found if s.level == 1), "")
    styles = tuple(restructured.styles_of(body))
    return _Document(path, title or posixpath.basename(path), body, digest, {}, found, styles)


def _field(fields: Mapping[str, Field], key: str) -> str:
    found = fields.get(key)
    return found.value.strip() if found and isinstance(found.value, str) else ""


# --------------------------------------------------------------------------- decision records


def _is_record(document: _Document) -> bool:
    """By folder and number, by a status in a record's folder, or by the sections that only records have."""
    folder, name = posixpath.split(document.path)
    stem = name.lower().rpartition(".")[0]
    if stem in ("readme", "index") or _TEMPLATE.fullmatch(stem):
        return False
    headings = {s.heading.strip().lower() for s in document.sections if s.level}
    in_folder = any(part.lower() in _RECORD_FOLDERS for part in folder.split("/"))
    if in_folder and (re.match(r"(?:adr|rfc)?[-_]?\d{1,8}\b|\d", stem) or _status_text(document)):
        return True
    return bool(headings & _RECORD_SECTIONS) and (
        bool(_status_text(document)) or ("context" in headings and "consequences" in headings)
    )


def _is_record_template(path: str) -> bool:
    """The form that new records are copied from: it decides nothing."""
    *folders, name = path.lower().split("/")
    stem = name.rpartition(".")[0]
    return bool(_TEMPLATE.fullmatch(stem)) and not _RECORD_FOLDERS.isdisjoint(folders)


def _status_text(document: _Document) -> str:
    """A record's own words on its status: front matter, ``## Status``, or a ``Status:`` line near the top."""
    if word := _field(document.fields, "status"):
        return word
    for section in document.sections:
        if section.heading.strip().lower() == "status":
            return _COMMENT.sub("", section.text).strip()
    found = _STATUS_LINE.search(document.body[:2000])
    return found[1].strip() if found else ""


def _record_note(document: _Document) -> Note:
    said = _status_text(document)
    status, by = _status(said, document.path)
    by = _field(document.fields, "superseded-by") or _field(document.fields, "superseded_by") or by
    first_line = said.split("\n")[0].strip()
    return _note(
        document,
        f"{document.path}#{slugify(document.title)}",
        document.title,
        document.body,
        tags=("adr",),
        status="superseded" if by else status,
        superseded_by=by,
        extra={"record_status": first_line} if first_line else {},
    )


def _status(said: str, path: str) -> tuple[str, str]:
    """(``active`` | ``superseded`` | ``archived``, what replaced it) from a record's own words."""
    replaced = _REPLACED.search(said)
    if replaced:
        link = _LINK.search(replaced[1])
        if link and not re.match(r"[a-z]+:|#", link[2]):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link[2].partition("#")[0]))
            return "superseded", target
        return "superseded", replaced[1].strip(" .*_") if not link else link[1]
    return ("archived" if _DROPPED.search(said) else "active"), ""


# --------------------------------------------------------------------------- sections


@dataclass(frozen=True, slots=True)
class _Piece:
    id: str
    title: str
    body: str


def _section_notes(document: _Document) -> Iterable[Note]:
    return (_note(document, piece.id, piece.title, piece.body) for piece in _pieces(document))


def _pieces(document: _Document) -> Iterable[_Piece]:
    """A note for every section that says enough. An instruction file says nothing in vain: its short
    sections are one note together, before the others."""
    short: list[Section] = []
    long: list[Section] = []
    for section in document.sections:
        (long if _has_words(section.text) else short).append(section)
    seen: dict[str, int] = {}
    if posixpath.basename(document.path) in _INSTRUCTIONS and any(_has_words(s.text, 1) for s in short):
        name = posixpath.basename(document.path)
        slug = slugify(name)
        seen[slug] = 1
        body = "\n\n".join(document.body[s.start : s.end].strip() for s in short)
        title = name if document.title == name else f"{name}: {document.title}"
        yield _Piece(f"{document.path}#{slug}", title, f"{body}\n")
    for section in long:
        heading = section.heading or document.title
        slug = slugify(heading)
        seen[slug] = seen.get(slug, 0) + 1
        if seen[slug] > 1:
            slug = f"{slug}-{seen[slug]}"
        own = not section.heading or heading == document.title
        title = heading if own else f"{document.title}: {heading}"
        yield _Piece(f"{document.path}#{slug}", title, document.body[section.start : section.end])


def _has_words(text: str, least: int = MINIMUM_WORDS) -> bool:
    """Whether a text has so many words, comments left out. Not all are counted: documents are long."""
    said = _COMMENT.sub("", text) if "<!--" in text else text
    return sum(1 for _ in islice(_WORD.finditer(said), least)) == least


def _note(
    document: _Document,
    id: str,
    title: str,
    body: str,
    *,
    tags: tuple[str, ...] = (),
    status: str = "active",
    superseded_by: str = "",
    extra: Mapping[str, str] | None = None,
) -> Note:
    if document.path.lower().endswith(restructured.ENDING):
        found, spans = restructured.sections(body, document.styles), restructured.code_spans(body)
    else:
        found, spans = sections(body), [text for text, _ in code_spans(body)]
    return Note(
        id=id,
        path=document.path,
        kind="document",
        title=title,
        body=body,
        digest=document.digest,
        tags=tags,
        status=status,
        superseded_by=superseded_by,
        sections=found,
        mentions=tuple(dict.fromkeys(spans)),
        read_only=True,
        extra=dict(extra or {}),
    )


# --------------------------------------------------------------------------- what init offers


def suggest_includes(paths: Iterable[str], context: str = "agent-context") -> tuple[str, ...]:
    """Globs for the documentation that a repository already has, out of its file paths; most telling first.

    Agents' instruction files at the top, decision record folders, then documentation folders. Vendored
    code, fixtures and the context folder itself are left out; a glob inside another one is not repeated.
    """
    instructions: list[str] = []
    records: set[str] = set()
    documents: set[str] = set()
    for path in paths:
        names = path.split("/")
        ending = path[path.rfind(".") :].lower()
        if ending not in (".md", restructured.ENDING) or f"{path}/".startswith(f"{context}/"):
            continue
        if _FOREIGN & set(names[:-1]) or any(name.startswith(".") for name in names[:-1]):
            continue
        if names[0] in _DOC_FOLDERS and len(names) > 1:
            documents.add(f"{names[0]}/**/*{ending}")
        elif len(names) == 1 and names[0] in _INSTRUCTIONS:
            instructions.append(path)
        elif record := _record_folder(names[:-1]):
            records.add(f"{record}/**/*{ending}")
    return (*sorted(instructions), *sorted(records), *sorted(documents))


def _record_folder(folders: list[str]) -> str:
    for place, name in enumerate(folders):
        if name.lower() in _RECORD_FOLDERS:
            return "/".join(folders[: place + 1])
    return ""
