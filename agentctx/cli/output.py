"""How results look: a table with a little colour for people, one JSON document for programs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

import click

from agentctx.text import strip_hidden

if TYPE_CHECKING:
    from agentctx.model import Note

COLOURS = {
    "fresh": "green",
    "moved": "cyan",
    "suspect": "yellow",
    "stale": "red",
    "conflicted": "red",
    "unverified": "white",
    "unknown": "magenta",
    "error": "red",
    "warning": "yellow",
}


_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Half characters, which no text of a person holds; the others stand for bytes of file names."""
_ANY_HALF = re.compile("[\ud800-\udfff]")


def emit_json(data: dict[str, Any]) -> None:
    """One JSON document on standard output, versioned, readable, UTF-8."""
    whole = {"version": 1, **data}
    text = json.dumps(whole, ensure_ascii=False, indent=2, default=_plain)
    if _ANY_HALF.search(text):  # no UTF-8 can hold it; escapes can
        text = json.dumps(whole, indent=2, default=_plain)
    click.echo(text)


Part = str | tuple[str, str]
"""A piece of a line: text, or (text, colour name). Text is always cleaned; only colours we add survive."""


def say(*parts: Part) -> None:
    """A line of data for a person, cleaned of everything that could drive a terminal."""
    click.echo(_line(parts), color=_colour())


def tell(*parts: Part) -> None:
    """A line of words on standard error."""
    click.echo(_line(parts), err=True, color=_colour())


def painted(word: str, pad: int = 0) -> Part:
    """A state or severity in its colour, padded to ``pad`` columns."""
    return word.ljust(pad), COLOURS.get(word, "")


def titled(note: Note, retired: Mapping[str, str]) -> str:
    """The note's title, and behind it that the note no longer holds."""
    past = retired.get(note.id, "") or ("" if note.status in ("active", "conflicted") else note.status)
    return f"{note.title}  [{past}]" if past else note.title


def table(rows: Sequence[Sequence[str]], headings: Sequence[str], state_column: int = -1) -> None:
    """Left-aligned columns; the last one is as long as it likes."""
    cleaned = [[strip_hidden(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(len(r[i]) for r in [list(headings), *cleaned]) for i in range(len(headings))]
    widths[-1] = 0
    say(("  ".join(h.ljust(w) for h, w in zip(headings, widths, strict=True)), "bright_black"))
    for row in cleaned:
        parts: list[Part] = []
        for i, (cell, width) in enumerate(zip(row, widths, strict=True)):
            parts.append(painted(cell, width) if i == state_column else cell.ljust(width))
            parts.append("  " if i < len(row) - 1 else "")
        say(*parts)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)


def _colour() -> bool | None:
    return False if os.environ.get("NO_COLOR") else None


def _line(parts: Sequence[Part]) -> str:
    shown = []
    for part in parts:
        text, colour = (part, "") if isinstance(part, str) else part
        clean = _HALVES.sub("\ufffd", strip_hidden(text))
        shown.append(click.style(clean, fg=colour) if colour else clean)
    return "".join(shown).rstrip()
