"""One element in, one element out, every other byte as it was."""

from __future__ import annotations

import json

import pytest

from agentctx.integrations.jsonfile import NotStrictJson, add_element, elements_at, remove_elements

OURS = {"mark": "ours", "deep": [1, {"a": "ü"}]}
PATH = ("hooks", "SessionStart")


def is_ours(element: object) -> bool:
    return isinstance(element, dict) and element.get("mark") == "ours"


SHAPES = {
    "two_space": '{\n  "model": "x",\n  "hooks": {\n    "Stop": [\n      {"a": 1}\n    ]\n  }\n}\n',
    "four_space": (
        '{\n    "hooks": {\n        "SessionStart": [\n            {"theirs": true}\n        ]\n    }\n}\n'
    ),
    "tabs": '{\n\t"a": {"b": [1, 2,   3]},\n\t"z": null\n}\n',
    "one_line": '{"permissions": {"allow": ["Bash(ls:*)"]}, "hooks": {"SessionStart": [{"x": 1}]}}',
    "crlf": '{\r\n  "a": 1\r\n}\r\n',
    "odd_spacing": '{ "a" : 1 ,\n"hooks":{"SessionStart":[ {"x":1} , {"y":2} ]} }',
    "escapes": '{"a\\"b": "\\u00e9 ]}", "list": ["]", "}"]}\n',
    "no_final_newline": '{\n  "a": 1\n}',
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_adding_keeps_every_value_and_removing_restores_every_byte(shape: str) -> None:
    added = add_element(shape, PATH, OURS)
    data = json.loads(added)
    assert data["hooks"]["SessionStart"][-1] == OURS
    data["hooks"]["SessionStart"].pop()
    assert remove_elements(added, PATH, is_ours) == shape
    assert elements_at(added, PATH)[-1] == OURS


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_every_line_of_the_original_is_still_there(shape: str) -> None:
    added = add_element(shape, PATH, OURS)
    for token in ('"Stop"', '{"theirs": true}', "[1, 2,   3]", '"Bash(ls:*)"', '"a" : 1 ,'):
        assert (token in added) == (token in shape)
    assert ("\r\n" in added) == ("\r\n" in shape)
    if "\r\n" in shape:
        assert "\n" not in added.replace("\r\n", "")


def test_an_empty_file_becomes_a_readable_object() -> None:
    assert add_element("", ("hooks", "S"), 1) == '{\n  "hooks": {\n    "S": [\n      1\n    ]\n  }\n}\n'


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1,}',
        "// words\n{}",
        "[1]",
        '{"hooks": 3}',
        '{"hooks": {"SessionStart": {}}}',
        '{"a": 1, "a": 2}',
        "{",
    ],
    ids=["trailing_comma", "comment", "list", "scalar", "object_for_list", "double_key", "cut"],
)
def test_what_is_not_strict_json_or_has_another_shape_is_refused(text: str) -> None:
    with pytest.raises(NotStrictJson):
        add_element(text, PATH, OURS)


def test_only_our_elements_are_removed() -> None:
    text = '{"hooks": {"SessionStart": [{"mark": "theirs"}, {"mark": "ours"}, {"mark": "third"}]}}'
    assert json.loads(remove_elements(text, PATH, is_ours)) == {
        "hooks": {"SessionStart": [{"mark": "theirs"}, {"mark": "third"}]}
    }
