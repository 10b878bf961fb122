"""Verification records: deterministic, mergeable by line, patient with other versions."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentctx.model import Stamp
from agentctx.notes.records import HEADER, parse_record, record_problems, render_record

ONE = {"src/b.py#B.run": Stamp(sig="aa", body="bb", doc="cc", deps="dd"), "src/a.py": Stamp(text="ee")}
TEXT = f"{HEADER}\nsrc/a.py\n  1 text:ee\nsrc/b.py#B.run\n  1 sig:aa body:bb doc:cc deps:dd\n"

part = st.text("0123456789abcdef", max_size=12)
stamp = st.builds(Stamp, sig=part, body=part, doc=part, deps=part, text=part)
anchor = st.text("abc/.#*[] é-", min_size=1).map(str.strip).filter(lambda a: a and a[0] != "#")


def test_a_record_has_the_documented_form() -> None:
    assert render_record(ONE) == TEXT
    assert parse_record(TEXT) == ONE


@settings(deadline=None)
@given(st.dictionaries(anchor, stamp, min_size=1))
def test_every_record_reads_back_and_does_not_depend_on_order(stamps: dict[str, Stamp]) -> None:
    text = render_record(stamps)
    assert parse_record(text) == stamps
    assert render_record(dict(reversed(stamps.items())), text) == text
    assert record_problems(".verified/x", text) == ()


@settings(deadline=None)
@given(st.text())
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    assert isinstance(parse_record(text), dict)
    assert isinstance(record_problems("x", text), tuple)


def test_no_stamps_are_no_file() -> None:
    assert render_record({}) == ""
    assert parse_record("") == {}


def test_a_later_scheme_is_kept_while_the_stamp_beside_it_stands() -> None:
    both = TEXT.replace("  1 text:ee\n", "  1 text:ee\n  2 text:ff shape:gg\n")
    assert parse_record(both) == ONE
    assert render_record(ONE, both) == both
    assert "shape:gg" not in render_record({**ONE, "src/a.py": Stamp(text="00")}, both)
    assert record_problems("x", both) == ()


def test_a_scheme_that_stands_alone_is_told_by_its_number() -> None:
    assert parse_record("a.py\n  7 text:ff shape:gg\n") == {"a.py": Stamp(scheme=7, text="ff")}


REST = "b.py\n  1 text:cc\n"
CONFLICTS = {
    "stamp": "a.py\n<<<<<<< ours\n  1 text:aa\n=======\n  1 text:bb\n>>>>>>> theirs\n",
    "anchor and stamp": "<<<<<<< ours\na.py\n  1 text:aa\n=======\nx.py\n  1 text:bb\n>>>>>>> b\n",
    "with base": "a.py\n<<<<<<< o\n  1 text:aa\n||||||| b\n  1 text:00\n=======\n  1 text:bb\n>>>>>>> t\n",
    "anchor only": "<<<<<<< o\na.py\n=======\nx.py\n>>>>>>> t\n  1 text:aa\n",
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_an_anchor_in_a_conflict_has_no_stamp_and_the_others_keep_theirs(name: str) -> None:
    assert parse_record(CONFLICTS[name] + REST) == {"b.py": Stamp(text="cc")}
    problems = record_problems("agent-context/.verified/n", CONFLICTS[name] + REST)
    assert [(p.code, p.hint) for p in problems] == [("conflict-markers", "run `agentctx verify n`")]


def test_a_torn_line_is_named_and_the_rest_counts() -> None:
    text = TEXT.replace("  1 text:ee", "  1 text:e e\n") + "  nonsense\n"
    assert parse_record(text) == {"src/b.py#B.run": ONE["src/b.py#B.run"]}
    assert [(p.code, p.line) for p in record_problems("x", text)] == [
        ("bad-record-line", 3),
        ("bad-record-line", 7),
    ]


def test_two_people_who_stamp_neighbouring_anchors_merge_without_help(tmp_path: Path) -> None:
    base = {name: Stamp(text="00") for name in ("a.py", "b.py", "c.py")}
    sides = {
        "base": base,
        "ours": {**base, "a.py": Stamp(text="11"), "d.py": Stamp(text="44")},
        "theirs": {**base, "c.py": Stamp(text="33")},
    }
    for name, stamps in sides.items():
        (tmp_path / name).write_text(render_record(stamps))
    done = subprocess.run(
        ["git", "merge-file", "-p", "ours", "base", "theirs"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    merged = parse_record(done.stdout)
    assert merged.get("a.py") == Stamp(text="11")
    assert merged.get("b.py") == Stamp(text="00")
