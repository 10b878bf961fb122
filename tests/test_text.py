"""Slugs, hidden characters, token estimates, near misses."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentctx.text import count_tokens, did_you_mean, hidden_characters, slugify, strip_hidden, valid_id

SLUGS = {
    "JWT over server sessions": "jwt-over-server-sessions",
    "  Größe & Ärger!  ": "groe-arger",
    "2026-04-15: auth_strategy": "2026-04-15-auth-strategy",
    "con": "con-note",
    "a" * 100: "a" * 60,
}


@pytest.mark.parametrize("title", SLUGS)
def test_a_title_becomes_an_id(title: str) -> None:
    assert slugify(title) == SLUGS[title]


def test_titles_without_ascii_get_ids_that_differ() -> None:
    assert slugify("日本") != slugify("東京")
    assert slugify("日本").startswith("note-")


@settings(deadline=None)
@given(st.text())
def test_every_title_becomes_a_valid_id(title: str) -> None:
    assert valid_id(slugify(title))


@pytest.mark.parametrize(
    "id", ["", ".x", "-x", "A", "a b", "a/b", "../x", "nul", "com1.md", "x" * 81, "a\n", "x."]
)
def test_a_bad_id_is_refused(id: str) -> None:
    assert not valid_id(id)


HIDDEN = {
    "colour": ("a\x1b[31mb\x1b[0m", "ab"),
    "window title": ("a\x1b]0;own\x07b", "ab"),
    "hyperlink": ("\x1b]8;;https://x\x1b\\text\x1b]8;;\x1b\\", "text"),
    "one-byte control sequence": ("a\x9b31mb", "a31mb"),
    "bell and backspace": ("a\x07\x08b", "ab"),
    "right to left override": ("a\u202eb\u202c", "ab"),
    "isolates": ("\u2066a\u2069", "a"),
    "zero width": ("a\u200b\u200c\u200d\u2060\ufeffb", "ab"),
    "tag characters": ("a\U000e0041\U000e0042b", "ab"),
    "variation selectors": ("a\U000e0100b", "ab"),
    "hangul filler": ("a\u3164b", "ab"),
    "soft hyphen": ("co\u00adop", "coop"),
    "half a character": ("changed \ud83d", "changed \ufffd"),
    "carriage return": ("a\r\nb\rc", "a\nbc"),
    "line separator": ("a\u2028b", "a b"),
    "nested escape": ("\x1b\x1b[31m[31mx", "[31mx"),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_what_nobody_sees_is_stripped(name: str) -> None:
    text, clean = HIDDEN[name]
    assert strip_hidden(text) == clean


@settings(deadline=None)
@given(st.text())
def test_stripped_text_has_nothing_hidden_and_strips_to_itself(text: str) -> None:
    clean = strip_hidden(text)
    assert hidden_characters(clean) == []
    assert strip_hidden(clean) == clean
    assert not [c for c in clean if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160]


def test_ordinary_text_of_every_script_is_kept() -> None:
    text = "Größe, 日本語, Смысл, مرحبا, 🚀 \N{HEAVY BLACK HEART}\ufe0f\n\tx"
    assert strip_hidden(text) == text
    assert hidden_characters(text + "\r\n") == []


def test_hidden_characters_are_told_by_place_and_name() -> None:
    assert hidden_characters("ab\u202ec\x1b") == [(2, "U+202E"), (4, "U+001B")]


def test_unfinished_escapes_are_stripped_in_time() -> None:
    start = time.perf_counter()
    strip_hidden("\x1b]" * 100_000)
    strip_hidden("\x1b[" + ";" * 500_000)
    assert time.perf_counter() - start < 2


def test_tokens_are_estimated_on_the_high_side() -> None:
    prose = "We sign short-lived tokens because the gateway cannot reach the session store. " * 20
    words = len(prose.split())
    assert words * 1.1 < count_tokens(prose) < words * 1.9
    assert count_tokens("") == 0
    assert count_tokens("def issue_token(user_id: int) -> str:") >= 12
    assert count_tokens("日本語") == 3


@pytest.mark.parametrize(
    ("word", "near"),
    [("anchor", "anchors"), ("Tags", "tags"), ("superseeds", "supersedes"), ("xyz", ""), ("", "")],
)
def test_a_near_miss_is_named(word: str, near: str) -> None:
    assert did_you_mean(word, ["anchors", "tags", "supersedes"]) == near
