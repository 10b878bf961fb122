"""Ten thousand damaged notes from thirty seeds: no crash, none slow, and what can be edited stays itself."""

from __future__ import annotations

import random
import time

import pytest

from agentctx.errors import InvalidInput
from agentctx.notes.document import append_section, parse, replace_section, set_field
from agentctx.notes.fields import Unreadable, cut, read_fields
from agentctx.notes.records import parse_record
from tests.notes.shapes import BROKEN, SHAPES

PATH = "agent-context/decisions/note.md"
SEEDS = 30
NOTES = 10_000

PIECES = [
    *[b"---\n", b"---\r\n", b"...\n", b"\xef\xbb\xbf", b"\r", b"\n", b"\t", b"\0", b"\xff", b"\xe2\x80\xa8"],
    *[
        b"- ",
        b": ",
        b" #",
        b"|\n",
        b">-\n",
        b"&a ",
        b"*a ",
        b"!!map ",
        b"? ",
        b"[",
        b"]",
        b"{",
        b"}",
        b'"',
        b"'",
    ],
    *[
        b"title: x\n",
        b"tags:\n",
        b"  - y\n",
        b"status: active\n",
        b"<<<<<<< a\n",
        b"=======\n",
        b">>>>>>> b\n",
    ],
    *[
        b"# h\n",
        b"```\n",
        b"~~~\n",
        b"`",
        b"``",
        b"<!--",
        b"-->",
        b"\xc2\x85",
        "\U0001f680".encode(),
        b"%YAML 1.2\n",
    ],
]


def damaged(rng: random.Random, bases: list[bytes]) -> bytes:
    data = bytearray(rng.choice(bases))
    for _ in range(rng.randint(1, 6)):
        at = rng.randint(0, len(data))
        action = rng.randrange(5)
        if action == 0:
            data[at:at] = rng.choice(PIECES) * rng.choice((1, 1, 1, 2, 50))
        elif action == 1:
            del data[at : at + rng.randint(1, 12)]
        elif action == 2:
            data[at : at + 1] = bytes([rng.randrange(256)])
        elif action == 3:
            end = min(len(data), at + rng.randint(1, 60))
            data[at:at] = data[at:end]
        else:
            other = rng.choice(bases)
            start = rng.randint(0, len(other))
            data[at:] = other[start:]
    return bytes(data)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_damaged_notes_are_read_edited_or_refused_never_mangled(seed: int) -> None:
    rng = random.Random(seed)
    bases = [*SHAPES.values(), *(data for data, *_ in BROKEN.values())]
    edited = 0
    for _ in range(NOTES // SEEDS + 1):
        data = damaged(rng, bases)
        start = time.process_time()
        note, problems = parse(PATH, data, "decision")
        assert note is not None or problems
        parse_record(data.decode(errors="replace"))
        edited += _edits_are_exact(data)
        assert time.process_time() - start < 1
    assert edited > NOTES // SEEDS // 6


def _edits_are_exact(data: bytes) -> bool:
    """Edit a note that can be read; every edit must keep the bytes around it, and undo itself."""
    try:
        assert set_field(data, "absent", None) == data
        there = set_field(data, "x-fuzz", "one")
    except InvalidInput:
        return False
    fields = _values(there)
    assert fields.pop("x-fuzz") == "one"
    assert fields == _values(data)
    if _values(data) or cut(data.decode()).has_head:
        added = [line for line in there.splitlines() if line.strip() == b"x-fuzz: one"]
        assert len(added) >= 1
        assert len(there) - len(data) <= 40
    changed = set_field(there, "x-fuzz", "two: 2")
    assert changed.replace(b'x-fuzz: "two: 2"', b"x-fuzz: one") == there
    assert set_field(changed, "x-fuzz", "one").replace(b'x-fuzz: "one"', b"x-fuzz: one") == there
    listed = set_field(there, "x-fuzz", ("a", "b"))
    assert _values(listed)["x-fuzz"] == ("a", "b")
    assert set_field(listed, "x-fuzz", None) == set_field(there, "x-fuzz", None)
    for edit in (append_section, replace_section):
        try:
            after = edit(data, "Why", "New text.")
        except InvalidInput:
            continue
        assert _values(after) == _values(data)
        assert b"New text." in after
    return True


def _values(data: bytes) -> dict[str, object]:
    text = data.decode()
    try:
        return {key: found.value for key, found in read_fields(text, cut(text)).items()}
    except Unreadable:
        raise AssertionError(f"a writer made front matter that cannot be read: {data!r}") from None
