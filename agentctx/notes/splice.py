"""Writing a note's fields: replace exactly the bytes that must change, and prove it before returning them.

Comments, order, quoting, line endings, a byte order mark and a missing final newline are the author's.
Every writer reads its own result back and raises ``InvalidInput`` rather than return bytes that do not
say what was meant, or that say anything else differently.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from agentctx.errors import InvalidInput
from agentctx.notes.fields import Cut, Field, Unreadable, Value, cut, read_fields

_PLAIN = re.compile(
    r"[^\s\-?:,\[\]{}#&*!|>'\"%@`=<~\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff][^\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff]*"
)
_TYPED = re.compile(r"(?i)(?:true|false|yes|no|on|off|y|n|null|[+.]?\d[\d_.,:+xoe]*)")
_ODD = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class NoteFile:
    """A note's text taken apart."""

    text: str
    parts: Cut
    fields: dict[str, Field]

    @property
    def head(self) -> str:
        return self.text[self.parts.head_start : self.parts.head_end]

    @property
    def raw_body(self) -> str:
        return self.text[self.parts.body_start :]

    @property
    def body(self) -> str:
        return self.raw_body.replace("\r\n", "\n")

    @property
    def newline(self) -> str:
        first = self.text.find("\n")
        return "\r\n" if first > 0 and self.text[first - 1] == "\r" else "\n"

    def values(self) -> dict[str, Value]:
        return {key: found.value for key, found in self.fields.items()}

    def with_head(self, start: int, end: int, new: str) -> str:
        """The whole text with a stretch of the front matter replaced."""
        base = self.parts.head_start
        return self.text[: base + start] + new + self.text[base + end :]

    def with_body(self, raw: str) -> str:
        """The whole text with another body; a closing fence at the file's end gets its newline first."""
        head = self.text[: self.parts.body_start]
        return head + (self.newline if self.parts.has_head and raw and head[-1] != "\n" else "") + raw


def open_note(data: bytes) -> NoteFile:
    """A note's bytes taken apart. Raises ``InvalidInput`` for a note that cannot be read."""
    try:
        text = data.decode()
        parts = cut(text)
        return NoteFile(text, parts, read_fields(text, parts))
    except UnicodeDecodeError:
        raise InvalidInput("the note is not UTF-8 text, so it was not changed") from None
    except Unreadable as error:
        line = text.count("\n", 0, error.at) + 1
        raise InvalidInput(f"line {line}: {error.message}, so the note was not changed", error.hint) from None


def proved(text: str, values: dict[str, Value], body: str) -> bytes:
    """The new bytes, if they read back as these fields and this body."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            "the new text holds half a character (a lone surrogate)", "type it again"
        ) from None
    after = open_note(data)
    if after.values() != values or after.body != body:
        raise InvalidInput(
            "the edit would change more than it says, so the note was not changed",
            "edit the note by hand, then run `agentctx lint`",
        )
    return data


# --------------------------------------------------------------------------- fields


def set_field(data: bytes, key: str, value: str | tuple[str, ...] | None) -> bytes:
    """Set one front matter field to a text or a list, or remove it (``None``); all other bytes stay.

    A list gets one item a line; lines of items that stay are kept, with their comments. A file without
    front matter gains one. Raises ``InvalidInput``.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", key):
        raise InvalidInput(f"`{key}` cannot be a field's name")
    before = open_note(data)
    values = before.values()
    if value is None:
        if key not in values:
            return data
        text = _removed(before, key)
        del values[key]
    else:
        if values.get(key) == value:
            return data
        text = _changed(before, key, value) if key in values else _added(before, key, value)
        values[key] = value
    return proved(text, values, before.body)


def field_text(file: NoteFile, key: str) -> str:
    """The whole lines of a field as they stand, or ``""``."""
    if key not in file.fields:
        return ""
    field = _block_field(file, key)
    start, end = _lines_around(file.head, field.key_start, field.end)
    return file.head[start:end]


def with_field_text(data: bytes, key: str, lines: str) -> bytes:
    """Put a field's lines, as ``field_text`` gave them, in place of the present ones (``""`` removes it).

    Raises ``InvalidInput`` when the result would not read back with every other field unchanged.
    """
    before = open_note(data)
    values = before.values()
    values.pop(key, None)
    text = _removed(before, key) if key in before.fields and not lines else before.text
    if lines:
        new = lines.replace("\r\n", "\n").replace("\n", before.newline)
        if key in before.fields:
            field = _block_field(before, key)
            text = before.with_head(*_lines_around(before.head, field.key_start, field.end), new)
        elif before.parts.has_head:
            text = before.with_head(len(before.head), len(before.head), new)
        else:
            nl, at = before.newline, before.parts.body_start
            text = f"{before.text[:at]}---{nl}{new}---{nl}{before.text[at:]}"
        values[key] = open_note(f"---\n{lines}---\n".encode()).values()[key]
    return proved(text, values, before.body)


def _removed(file: NoteFile, key: str) -> str:
    field = _block_field(file, key)
    return file.with_head(*_lines_around(file.head, field.key_start, field.end), "")


def _added(file: NoteFile, key: str, value: str | tuple[str, ...]) -> str:
    nl = file.newline
    lines = _field_lines(key, value, nl)
    if not file.parts.has_head:
        at = file.parts.body_start
        return f"{file.text[:at]}---{nl}{lines}---{nl}{file.text[at:]}"
    head = file.head
    if not file.fields:
        if head.strip() == "{}":
            return file.with_head(0, len(head), lines)
        return file.with_head(len(head), len(head), lines)
    first = next(iter(file.fields))
    start = _block_field(file, first).key_start
    indent = head[_lines_around(head, start, start)[0] : start]
    return file.with_head(len(head), len(head), _indented(lines, "" if indent.strip() else indent))


def _changed(file: NoteFile, key: str, value: str | tuple[str, ...]) -> str:
    field = _block_field(file, key)
    if isinstance(value, str):
        return _changed_text(file, field, value)
    if field.style == "block" and field.items and value:
        return _changed_items(file, field, value)
    return _new_items(file, field, value)


def _changed_text(file: NoteFile, field: Field, value: str) -> str:
    """The value alone is replaced; a comment behind it stays."""
    head, nl = file.head, file.newline
    if field.style == "|" and _literal_safe(value):
        indent = " " * (len(_indent(head, field.key_start)) + 2)
        return file.with_head(field.start, field.end, _literal(value, indent, nl))
    colon = head.index(":", field.key_end) + 1
    new = render_scalar(value, field.style)
    if field.style in ("block", "flow"):
        return file.with_head(colon, field.end, f" {new}")
    gap = "" if field.start > colon else " "
    return file.with_head(field.start, field.end, gap + new)


def _literal_safe(value: str) -> bool:
    """Would a block scalar give this text back? Not with odd characters, or odd blanks at its ends."""
    lines = value.removesuffix("\n").split("\n")
    return (
        len(lines) > 1
        and all(line.isprintable() for line in lines)
        and not (value[0] in " \n" or not lines[-1].strip())
    )


def _literal(value: str, indent: str, nl: str) -> str:
    """A block scalar; its last newline is the one that already stands behind the field."""
    chomp = "" if value.endswith("\n") else "-"
    lines = value.removesuffix("\n").split("\n")
    return nl.join([f"|{chomp}", *(indent + line if line else "" for line in lines)])


def _changed_items(file: NoteFile, field: Field, value: tuple[str, ...]) -> str:
    """Lines of items that stay are kept; comment lines stay where they are."""
    from difflib import SequenceMatcher

    head, nl = file.head, file.newline
    chunks: list[tuple[str, str]] = []
    at = _lines_around(head, field.key_start, field.key_end)[1]
    first = at
    indent = _indent(head, field.items[0].start)
    for item in field.items:
        start, end = _lines_around(head, item.start, item.end)
        chunks.append((head[at:start], head[start:end]))
        at = end
    out: list[str] = []
    old = [item.value for item in field.items]
    for tag, i, j, k, m in SequenceMatcher(None, old, value, autojunk=False).get_opcodes():
        for comment, line in chunks[i:j]:
            out.append(comment + line if tag == "equal" else comment)
        if tag != "equal":
            out.extend(f"{indent}- {_scalar_item(text)}{nl}" for text in value[k:m])
    return file.with_head(first, at, "".join(out))


def _new_items(file: NoteFile, field: Field, value: tuple[str, ...]) -> str:
    """A flow list, an empty field or a text becomes a list with one item a line."""
    head, nl = file.head, file.newline
    colon = head.index(":", field.key_end) + 1
    line_end = _lines_around(head, field.start, field.end)[1]
    if field.style == "block":
        line_end = _lines_around(head, field.key_start, field.key_end)[1]
        behind, rest = head[colon:line_end].rstrip("\r\n"), _lines_around(head, field.start, field.end)[1]
    else:
        behind, rest = head[max(field.end, colon) : line_end].rstrip("\r\n"), line_end
    comments = [
        line + "\n" for line in head[field.start : field.end].split("\n")[1:] if line.lstrip().startswith("#")
    ]
    keep = comments if field.style in ("flow", "block") else []
    source = {item.value: head[item.start : item.end] for item in field.items}
    indent = _indent(head, field.key_start) + "  "
    lines = [f"{indent}- {_reused(source.get(text, ''), text)}{nl}" for text in value]
    empty = "" if value else " []"
    return file.with_head(colon, rest, empty + behind + nl + "".join(keep) + "".join(lines))


def _reused(source: str, value: str) -> str:
    """An item as the author wrote it, where that is safe outside a flow list too."""
    quoted = len(source) > 1 and source[0] == source[-1] and source[0] in "'\"" and "\n" not in source
    return source if quoted or (source == value and render_scalar(value) == value) else _scalar_item(value)


def _block_field(file: NoteFile, key: str) -> Field:
    field = file.fields[key]
    if field.style == "flow-root":
        raise InvalidInput(
            "the front matter is written in braces, so it was not changed",
            "write it with one `key: value` a line",
        )
    return field


def _lines_around(head: str, start: int, end: int) -> tuple[int, int]:
    """Offsets of the whole lines that hold this stretch, the last newline included."""
    behind = head.find("\n", end)
    return head.rfind("\n", 0, start) + 1, behind + 1 if behind >= 0 else len(head)


def _indent(head: str, at: int) -> str:
    line = head[_lines_around(head, at, at)[0] : at]
    return line[: len(line) - len(line.lstrip(" "))]


def _indented(lines: str, indent: str) -> str:
    return "".join(indent + line for line in lines.splitlines(keepends=True)) if indent else lines


def _field_lines(key: str, value: str | Sequence[str], nl: str) -> str:
    if isinstance(value, str):
        return f"{key}: {render_scalar(value)}{nl}"
    if not value:
        return f"{key}: []{nl}"
    return f"{key}:{nl}" + "".join(f"  - {_scalar_item(text)}{nl}" for text in value)


def render_scalar(value: str, style: str = "plain") -> str:
    """A text as YAML: plain where every YAML reader would take it for this text, else in quotes."""
    if style == "'" and "\n" not in value and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    plain = _PLAIN.fullmatch(value) and not (
        ": " in value
        or " #" in value
        or value[-1] in ": "
        or (_TYPED.fullmatch(value) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value))
    )
    if plain and style != '"':
        return value
    return _ODD.sub(lambda odd: f"\\u{ord(odd[0]):04x}", json.dumps(value, ensure_ascii=False))


def _scalar_item(value: str) -> str:
    """Globs are quoted even where YAML would not mind, so that every list of anchors looks alike."""
    return render_scalar(value, '"' if any(c in value for c in "*?[") else "plain")


# --------------------------------------------------------------------------- new notes


def new_note(title: str, tags: Sequence[str], anchors: Sequence[str], body: str) -> bytes:
    """The bytes of a new note with status ``active``. Raises ``InvalidInput`` when the title is empty."""
    if not title.strip():
        raise InvalidInput("a note needs a title", 'type `agentctx new decision "Why we ..."`')
    values: dict[str, Value] = {"title": " ".join(title.split())}
    if tags:
        values["tags"] = tuple(tags)
    values["status"] = "active"
    if anchors:
        values["anchors"] = tuple(anchors)
    head = "".join(
        _field_lines(key, value if isinstance(value, (str, tuple)) else "", "\n")  # type: ignore[arg-type]
        for key, value in values.items()
    )
    text = body.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    text = f"{text}\n" if text else ""
    return proved(f"---\n{head}---\n{text}", values, text)
