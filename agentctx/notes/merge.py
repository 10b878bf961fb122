"""Three-way merge of notes and verification records, from their bytes alone.

Front matter is merged by field (lists as ordered sets, the earlier review date wins), the body by
paragraph, list item and table row. Two people who say different things in one place get both, between
ordinary conflict markers, in the body and never in the front matter. Swapping the sides swaps nothing
but the two sides of a conflict.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from agentctx.errors import InvalidInput
from agentctx.notes.blocks import FIELDS, between_markers, blocks, free_size, joined, merge_blocks
from agentctx.notes.fields import Value
from agentctx.notes.splice import NoteFile, field_text, open_note, set_field, with_field_text


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged bytes, what could not be settled (in words; empty when all was), and how long the markers
    around it are."""

    data: bytes
    conflicts: tuple[str, ...] = ()
    marker: int = 7


def merge(base: bytes, ours: bytes, theirs: bytes, marker: int = 7) -> Merged:
    """Merge two versions of a note that grew out of ``base`` (``b""`` when both added it).

    ``marker``: how many characters a conflict marker has (git asks for more inside its own ancestors); they
    are longer where a line of the notes could be taken for one.
    When one of them cannot be read, the result is ``ours`` with the conflict ``file``: whoever calls
    should then leave the file to git's own line merge.
    """
    if ours == theirs or theirs == base:
        return Merged(ours)
    if ours == base:
        return Merged(theirs)
    try:
        sides = open_note(base), open_note(ours), open_note(theirs)
        marker = free_size(marker, *(side.text for side in sides))
        head, open_fields = _merged_head(ours, *sides)
        body, conflicts = _merged_body(*sides, open_fields, marker)
        file = open_note(head)
        data = file.with_body(body.replace("\n", file.newline)).encode()
        if open_note(data).values() != file.values():
            raise InvalidInput("the merged note does not read back")
    except InvalidInput:
        return Merged(ours, ("file",))
    return Merged(data, (*(f"field {key}" for key in open_fields), *conflicts), marker)


# --------------------------------------------------------------------------- front matter


def _merged_head(
    canvas: bytes, base: NoteFile, ours: NoteFile, theirs: NoteFile
) -> tuple[bytes, dict[str, tuple[str, str]]]:
    """Our file with their changes of fields; and by field the two texts that contradict each other."""
    before, mine, others = base.values(), ours.values(), theirs.values()
    contradictions: dict[str, tuple[str, str]] = {}
    for key in dict.fromkeys([*mine, *others]):
        b, o, t = before.get(key), mine.get(key), others.get(key)
        if t in (o, b):
            continue
        if o == b:
            canvas = with_field_text(canvas, key, field_text(theirs, key))
        elif key == "review_by" and isinstance(o, str) and isinstance(t, str) and _dates(o, t):
            canvas = set_field(canvas, key, min(o, t))  # whoever wants it looked at sooner
        elif _lists(b, o, t):
            canvas = set_field(canvas, key, merged_list(_items(b), _items(o), _items(t)))
        else:
            contradictions[key] = (field_text(ours, key), field_text(theirs, key))
            canvas = with_field_text(canvas, key, field_text(base, key))
    return _with_comments(canvas, base, theirs), contradictions


def _lists(*values: Value | None) -> bool:
    """Are these lists of texts, or absent or empty?"""
    return all(
        v is None or v == "" or (isinstance(v, tuple) and all(isinstance(item, str) for item in v))
        for v in values
    )


def _dates(*texts: str) -> bool:
    return all(re.fullmatch(r"\d{4}-\d\d-\d\d", text) for text in texts)


def _items(value: Value | None) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, tuple) else ()


def merged_list(base: tuple[str, ...], ours: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
    """What of ``base`` nobody removed, in its order, then what either added, sorted."""
    kept = [item for item in base if item in ours and item in theirs]
    added = {item for item in (*ours, *theirs) if item not in base}
    return tuple(dict.fromkeys([*kept, *sorted(added)]))


def _with_comments(canvas: bytes, base: NoteFile, theirs: NoteFile) -> bytes:
    """Their new comment lines, which belong to no field, at the end of the front matter."""
    file = open_note(canvas)
    known = {line.strip() for line in (file.head + base.head).splitlines()}
    new = [line.strip() for line in theirs.head.splitlines() if line.lstrip().startswith("#")]
    lines = "".join(f"{line}{file.newline}" for line in new if line not in known)
    if not lines or not file.parts.has_head:
        return canvas
    data = file.with_head(len(file.head), len(file.head), lines).encode()
    return data if open_note(data).values() == file.values() else canvas


# --------------------------------------------------------------------------- body


def _merged_body(
    base: NoteFile, ours: NoteFile, theirs: NoteFile, fields: Mapping[str, tuple[str, str]], marker: int
) -> tuple[str, tuple[str, ...]]:
    if theirs.body in (ours.body, base.body):
        body, conflicts = ours.body, 0
    elif ours.body == base.body:
        body, conflicts = theirs.body, 0
    else:
        merged, conflicts = merge_blocks(blocks(base.body), blocks(ours.body), blocks(theirs.body), marker)
        body = joined(merged, ours.body, theirs.body)
    if fields:
        one, two = ("\n".join(pair[side].strip("\r\n") for pair in fields.values()) for side in (0, 1))
        told = between_markers(one.replace("\r\n", "\n"), two.replace("\r\n", "\n"), marker, FIELDS)
        body = f"{told}\n\n{body}"
    return body, tuple("body" for _ in range(conflicts))


# --------------------------------------------------------------------------- verification records


def merge_record(base: str, ours: str, theirs: str) -> str:
    """Merge two versions of a verification record; there is never a conflict.

    An anchor whose stamps both sides changed, each in another way, keeps those of ``base``: the merged code
    is a third thing that nobody has verified.
    """
    from agentctx.notes.records import joined_lines, record_lines  # git's driver merges notes sooner without

    before, mine, others = record_lines(base), record_lines(ours), record_lines(theirs)
    merged: dict[str, dict[int, str]] = {}
    for anchor in {*before, *mine, *others}:
        b, o, t = before.get(anchor), mine.get(anchor), others.get(anchor)
        kept = t if o == b else o if t in (o, b) else b
        if kept:
            merged[anchor] = kept
    return joined_lines(merged)
