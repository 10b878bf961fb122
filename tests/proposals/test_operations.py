"""The gate of a model's answer, and the way from an operation to bytes."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctx.model import Operation, Refusal
from agentctx.proposals.operations import (
    OPERATIONS_LIMIT,
    TEXT_LIMIT,
    answer_schema,
    apply_operations,
    new_note_bytes,
    parse_answer,
)
from tests.proposals.cases import CANDIDATES, NOTE_ID, TEXT, operation

GOOD: list[dict[str, Any]] = [
    {"op": "keep", "why": "still true"},
    {"op": "replace_text", "old": "900", "new": "1800"},
    {"op": "replace_section", "heading": "Consequences", "text": "None."},
    {"op": "append_section", "heading": "", "text": "More."},
    {"op": "retitle", "title": "A new title"},
    {"op": "retag", "tags": ["auth"]},
    {"op": "set_status", "status": "archived", "by": "", "why": "gone"},
    {"op": "anchor", "candidate": 1},
    {"op": "new_note", "kind": "gotcha", "title": "T", "text": "Text.", "candidates": [2, 2]},
]


def answer(*operations: Any) -> dict[str, Any]:
    return {"answers": [{"note": NOTE_ID, "why": "w", "operations": list(operations)}]}


def parsed(data: Any) -> Any:
    return parse_answer(data, {NOTE_ID: CANDIDATES})


@pytest.mark.parametrize("item", GOOD, ids=lambda item: item["op"])
def test_every_operation_passes_the_schema_and_the_gate(item: dict[str, Any]) -> None:
    data = answer(item)
    jsonschema.validate(data, answer_schema([NOTE_ID]))
    result = parsed(data)
    assert result.refusals == ()
    assert result.notes[0].refusals == ()
    assert result.notes[0].operations[0].name == item["op"]


def test_the_schema_is_strict_everywhere() -> None:
    schema = answer_schema([NOTE_ID])
    jsonschema.Draft202012Validator.check_schema(schema)

    def objects(part: Any) -> Any:
        if isinstance(part, dict):
            if part.get("type") == "object":
                yield part
            for value in part.values():
                yield from objects(value)
        elif isinstance(part, list):
            for value in part:
                yield from objects(value)

    found = list(objects(schema))
    assert len(found) == 2 + len(GOOD)
    assert all(o["additionalProperties"] is False and o["required"] == list(o["properties"]) for o in found)


def test_candidates_become_the_anchors_that_were_offered() -> None:
    result = parsed(answer({"op": "anchor", "candidate": 2}))
    assert result.notes[0].operations == (Operation("anchor", {"anchor": CANDIDATES[1]}),)
    new = parsed(answer(GOOD[-1])).notes[0].operations[0]
    assert new.arguments["anchors"] == (CANDIDATES[1],)


@pytest.mark.parametrize(
    "item",
    [
        pytest.param({"op": "delete"}, id="delete"),
        pytest.param({"op": "delete_note", "note": NOTE_ID}, id="delete note"),
        pytest.param({"op": "set_field", "key": "trust", "value": "yes"}, id="set a field"),
        pytest.param({"op": "keep", "why": "x", "verified": True}, id="stamp beside keep"),
        pytest.param({"op": "replace_text", "old": "900", "new": "1", "path": "../x"}, id="path beside"),
        pytest.param({"op": "replace_text", "old": "", "new": "1"}, id="empty old"),
        pytest.param({"op": "replace_text", "old": "900"}, id="missing new"),
        pytest.param({"op": "replace_text", "old": 900, "new": "1"}, id="number for text"),
        pytest.param({"op": "replace_text", "old": "9", "new": "x" * (TEXT_LIMIT + 1)}, id="too long"),
        pytest.param({"op": "set_status", "status": "trusted", "by": "", "why": ""}, id="other status"),
        pytest.param({"op": "set_status", "status": "active", "by": "", "why": ""}, id="back to active"),
        pytest.param({"op": "anchor", "candidate": 0}, id="candidate 0"),
        pytest.param({"op": "anchor", "candidate": 3}, id="candidate not offered"),
        pytest.param({"op": "anchor", "candidate": True}, id="candidate true"),
        pytest.param({"op": "anchor", "candidate": "src/x.py"}, id="candidate by name"),
        pytest.param({"op": "anchor", "candidate": 1, "replaces": "src/auth/tokens.py"}, id="replaces"),
        pytest.param({"op": "retitle", "title": "a\nstatus: archived"}, id="title of two lines"),
        pytest.param({"op": "retag", "tags": ["a\u2028b"]}, id="tag with a separator"),
        pytest.param({"op": "retag", "tags": "auth"}, id="tags as text"),
        pytest.param({"op": "replace_text", "old": "900", "new": "\ud83d"}, id="half a character"),
        pytest.param({"op": "keep", "why": "", "\ud83d": 1}, id="half a character as a name"),
        pytest.param(
            {"op": "new_note", "kind": "session", "title": "T", "text": "x", "candidates": []}, id="kind"
        ),
        pytest.param({"op": ["keep"]}, id="op is a list"),
        pytest.param("keep", id="text"),
        pytest.param(None, id="null"),
    ],
)
def test_anything_outside_the_form_is_refused_with_its_whole_note(item: Any) -> None:
    result = parsed(answer({"op": "retitle", "title": "fine"}, item))
    assert result.notes[0].operations == ()
    assert result.notes[0].refusals[0].check == "format"
    assert result.notes[0].refusals[0].reason.encode()


@pytest.mark.parametrize(
    "data",
    [
        None, [], "x", 3, {}, {"answers": {}}, {"answers": None}, {"operations": 3, "x": 1},
        {"answers": [{"note": "another", "why": "", "operations": []}]},
        {"answers": [{"note": ["x"], "why": "", "operations": []}]},
        {"answers": [3]},
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_is_refused_as_a_whole(data: Any) -> None:
    result = parsed(data)
    assert result.refusals
    assert not any(note.operations for note in result.notes)


def test_keeping_and_changing_at_once_is_refused() -> None:
    assert parsed(answer(GOOD[0], GOOD[1])).notes[0].operations == ()


def test_a_note_answered_twice_is_refused() -> None:
    once = answer(GOOD[1])["answers"][0]
    result = parsed({"answers": [once, once]})
    assert result.notes[0].operations == ()


def test_too_many_operations_are_refused() -> None:
    assert parsed(answer(*[GOOD[4]] * (OPERATIONS_LIMIT + 1))).notes[0].refusals


def test_an_unwrapped_answer_about_a_single_note_is_understood() -> None:
    assert parsed({"operations": [GOOD[1]]}).notes[0].operations[0].name == "replace_text"


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from([NOTE_ID, "keep", "anchor"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["answers", "note", "why", "operations", "op", "old", "new", "text", "candidate"]
            ),
            inner,
        )
    ),
    max_leaves=25,
)


@given(_JSON)
def test_no_json_makes_the_gate_fail(data: Any) -> None:
    result = parsed(data)
    for note in result.notes:
        assert not (note.operations and note.refusals)


def test_an_edit_changes_only_the_bytes_it_names() -> None:
    for newline in ("\n", "\r\n"):
        data = TEXT.replace("\n", newline).encode()
        after = apply_operations(data, [operation("replace_text", old="30 seconds", new="5 seconds")])
        assert after == data.replace(b"30 seconds", b"5 seconds")


def test_operations_apply_in_order_or_not_at_all() -> None:
    data = TEXT.encode()
    good = operation("retitle", title="Tokens")
    after = apply_operations(data, [good, operation("append_section", heading="New", text="x")])
    assert isinstance(after, bytes)
    assert b"title: Tokens   # agreed in the spring\n" in after
    assert after.endswith(b"## New\n\nx\n")
    for bad in (
        operation("replace_text", old="seconds", new="s"),
        operation("replace_text", old="not there", new="s"),
        operation("replace_section", heading="Nowhere", text="s"),
    ):
        assert isinstance(apply_operations(data, [good, bad]), Refusal)


def test_status_and_anchors_are_spliced_into_the_front_matter() -> None:
    data = TEXT.encode()
    after = apply_operations(
        data,
        [
            operation("set_status", status="superseded", by="2026-05-01-other", why="w"),
            operation("anchor", anchor="src/auth/keys.py#rotate_key"),
        ],
    )
    assert isinstance(after, bytes)
    assert b"status: superseded\n" in after
    assert b"superseded_by: 2026-05-01-other\n" in after
    assert b"  - src/auth/tokens.py#issue_token\n  - src/auth/keys.py#rotate_key\n" in after
    assert b"owner: 'the auth team'\n" in after


def test_a_repair_puts_the_new_anchor_in_the_place_of_the_old() -> None:
    moved = operation(
        "anchor", anchor="src/jwt/issue.py#issue_token", replaces="src/auth/tokens.py#issue_token"
    )
    after = apply_operations(TEXT.encode(), [moved])
    assert after == TEXT.encode().replace(b"src/auth/tokens.py#issue_token", b"src/jwt/issue.py#issue_token")
    gone = operation("anchor", anchor="x.py", replaces="y.py")
    assert isinstance(apply_operations(TEXT.encode(), [gone]), Refusal)


def test_keep_changes_no_byte() -> None:
    assert apply_operations(TEXT.encode(), [operation("keep", why="w")]) == TEXT.encode()


def test_a_new_note_has_the_usual_form() -> None:
    new = operation("new_note", kind="gotcha", title="T: #1", text="Text.", anchors=("a.py#f",))
    data = new_note_bytes(new)
    assert isinstance(data, bytes)
    assert data.decode() == '---\ntitle: "T: #1"\nstatus: active\nanchors:\n  - a.py#f\n---\nText.\n'
    assert json.loads(json.dumps(dict(new.arguments)))
