"""Writing a note's body: one exact stretch, or one section, and nothing else."""

from __future__ import annotations

from agentctx.errors import InvalidInput
from agentctx.model import Section
from agentctx.notes.markdown import section_text_start, sections
from agentctx.notes.splice import NoteFile, open_note, proved


def replace_text(data: bytes, old: str, new: str) -> bytes:
    """Replace a stretch of the body that occurs exactly once, line endings aside. Raises ``InvalidInput``."""
    file = open_note(data)
    body, old, new = file.body, old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
    count = body.count(old) if old else 0
    if count == 1 and body.find(old, body.find(old) + 1) >= 0:
        count = 2
    if count != 1:
        shown = old.strip().split("\n")[0][:60]
        raise InvalidInput(
            f"the text to replace (`{shown}`) occurs {count} times in the note, not once",
            "give more of the text around it",
        )
    start = body.index(old)
    return _spliced(file, start, start + len(old), new)


def replace_section(data: bytes, heading: str, text: str) -> bytes:
    """Replace the text under a heading up to the next heading of any level; ``""`` is the text before all.

    The heading must occur exactly once. Raises ``InvalidInput``.
    """
    file = open_note(data)
    found = sections(file.body)
    place = _section_place(found, heading)
    start, end = _content(file.body, found[place]) if place >= 0 else (0, 0)
    new = text.replace("\r\n", "\n").strip("\n")
    if place < 0 and not heading:
        return append_section(data, "", text)
    if not new:
        end = found[place].end
    elif start == end:
        new = "\n" + new + "\n" if file.body[:start].endswith("\n") else "\n\n" + new
    result = _spliced(file, start, end, new)
    _only_section(found, open_note(result).body, place)
    return result


def append_section(data: bytes, heading: str, text: str) -> bytes:
    """Add text at the end of a section; a heading that is not there yet becomes a new last section.

    The empty heading is the text before the first heading. Raises ``InvalidInput``.
    """
    file = open_note(data)
    body = file.body
    found = sections(body)
    new = text.replace("\r\n", "\n").strip("\n")
    if not new.strip():
        raise InvalidInput("there is no text to add")
    if "\n" in heading:
        raise InvalidInput("a heading is one line")
    if heading and not any(s.heading == heading.strip() and s.level for s in found):
        at = len(body.rstrip())
        result = _spliced(file, at, at, f"{chr(10) * 2 if at else ''}## {heading.strip()}\n\n{new}")
        _only_section(found, open_note(result).body, len(found))
        return result
    place = _section_place(found, heading)
    if place < 0:
        at, tail = len(body) - len(body.lstrip("\n")), "\n\n" if found else "\n"
        result = _spliced(file, at, at, new + tail)
    elif not found[place].text.strip():
        return replace_section(data, heading, text)
    else:
        _, at = _content(body, found[place])
        result = _spliced(file, at, at, "\n\n" + new)
    _only_section(found, open_note(result).body, max(place, 0), inserted=place < 0)
    return result


def _section_place(found: tuple[Section, ...], heading: str) -> int:
    """Which section has this heading; -1 for a text before all headings that is not there yet."""
    wanted = heading.strip()
    places = [n for n, s in enumerate(found) if s.heading == wanted and (s.level > 0) == bool(wanted)]
    if len(places) == 1 or (not places and not wanted):
        return places[0] if places else -1
    raise InvalidInput(
        f"the heading `{wanted}` occurs {len(places)} times in the note, not once",
        "name a heading that the note has once",
    )


def _content(body: str, section: Section) -> tuple[int, int]:
    """Offsets of a section's text without the blank lines around it (an empty stretch when there is none)."""
    start = section_text_start(body, section)
    region = body[start : section.end]
    if not region.strip():
        at = start - 1 if not section.level and start else start
        return at, at
    lead = len(region) - len(region.lstrip("\n"))
    return start + lead, start + len(region.rstrip())


def _spliced(file: NoteFile, start: int, end: int, new: str) -> bytes:
    """Replace a stretch of the LF body in the raw one, with the file's own line endings."""
    raw, body = file.raw_body, file.body
    changed = raw[: _raw(raw, start)] + new.replace("\n", file.newline) + raw[_raw(raw, end) :]
    return proved(file.with_body(changed), file.values(), body[:start] + new + body[end:])


def _raw(raw: str, at: int) -> int:
    """The offset in a body with CRLF of an offset in the same body with LF."""
    if "\r\n" not in raw:
        return at
    lines = raw.split("\r\n")
    seen = 0
    for number, line in enumerate(lines):
        if at <= seen + len(line):
            return at + number
        seen += len(line) + 1
    return len(raw)


def _only_section(before: tuple[Section, ...], body: str, place: int, inserted: bool = False) -> None:
    """Refuse an edit that moved, cut or swallowed any other section (an unclosed code fence does)."""
    after = sections(body)
    behind = before[place if inserted else place + 1 :]
    left = after[:place]
    right = after[len(after) - len(behind) :] if behind else ()
    if _told(left + right) != _told(before[:place] + behind) or len(after) < len(before) - 1:
        raise InvalidInput(
            "the new text would change other sections of the note, so it was not changed",
            "close its code fences and start no heading that swallows what follows",
        )


def _told(found: tuple[Section, ...]) -> list[tuple[str, int, str]]:
    return [(section.heading, section.level, section.text.rstrip()) for section in found]
