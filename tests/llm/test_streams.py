"""Streams that nobody asked for, from a real HTTP server: no word is lost, no damage is an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentctx.errors import ModelFailed, TooLong
from agentctx.llm import open_provider
from agentctx.llm.base import Answer, Prompt
from tests.scripted_model import Raw, ScriptedModel, settings_of

PROMPT = Prompt("You answer in JSON.", "Say it.")


def piece(content: Any = None, **choice: Any) -> str:
    delta = {} if content is None else {"content": content}
    return json.dumps({"model": "m-1", "choices": [{"delta": delta, **choice}]}, ensure_ascii=False)


END = piece(finish_reason="stop")


def answered(text: str) -> Answer:
    raw = Raw(body=text.encode(), headers={"Content-Type": "text/event-stream"})
    with ScriptedModel(lambda asked: raw) as model:
        return open_provider(settings_of(model)).complete(PROMPT, {"type": "object"})


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x85"], ids=ascii)
def test_a_character_that_only_looks_like_the_end_of_a_line_ends_none(odd: str) -> None:
    said = json.dumps({"say": f"one{odd}two"}, ensure_ascii=False)
    assert answered(f"data: {piece(said)}\n\ndata: {END}\n\n").data == {"say": f"one{odd}two"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(": OPENROUTER PROCESSING\n\n: again\n\ndata: {0}\n\ndata: {1}\n\n", id="comments first"),
        pytest.param("event: message\nid: 7\ndata: {0}\n\nevent: message\ndata: {1}\n\n", id="events named"),
        pytest.param("\ufeff\r\ndata: {0}\r\n\r\ndata: {1}\r\n\r\n", id="a mark and carriage returns"),
        pytest.param("data:{0}\rdata:{1}\r", id="nothing between"),
        pytest.param('data: {{"choices": \ndata: null}}\n\ndata: {0}\n\ndata: {1}\n\n', id="over two lines"),
        pytest.param("data: {0}\n\ndata: {1}\n\ndata: [DONE]", id="no last newline"),
        pytest.param('data: {{"choices": []}}\n\ndata: {0}\n\ndata: {1}\n\n', id="a piece without a choice"),
    ],
)
def test_every_form_that_servers_give_a_stream_is_read(text: str) -> None:
    answer = answered(text.format(piece('{"ok": true}'), END))
    assert (answer.data, answer.model) == ({"ok": True}, "m-1")


def test_the_parts_of_a_piece_are_put_together_and_usage_is_counted() -> None:
    parts = [{"type": "text", "text": '{"ok"'}, {"type": "text", "text": ": 1}"}]
    usage = json.dumps({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}})
    answer = answered(f"data: {piece(parts)}\n\ndata: {END}\n\ndata: {usage}\n\n")
    assert (answer.data, answer.tokens_in, answer.tokens_out) == ({"ok": 1}, 7, 3)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ('{"choices": 5}', "not a chat completion"),
        ('{"choices": [null]}', "not a chat completion"),
        ('{"choices": [{"delta": "x"}]}', "not a chat completion"),
        ('{"choices": [{"delta": {"content": 5}}]}', "not a chat completion"),
        ("[1]", "not a chat completion"),
        ('{"choices": [{"delta": {"conte', "cut off"),
        ('{"error": {"message": "overloaded", "code": 529}}', "an error: overloaded"),
        ('{"object": "error", "message": "out of memory"}', "an error: out of memory"),
    ],
)
def test_a_piece_that_is_none_fails_with_the_server_s_own_words(told: str, words: str) -> None:
    with pytest.raises(ModelFailed, match=words):
        answered(f"data: {piece('{')}\n\ndata: {told}\n\ndata: {END}\n\n")


def test_an_event_named_error_is_told_and_not_taken_for_a_cut() -> None:
    with pytest.raises(ModelFailed, match="an error: no slot is free"):
        answered(f'data: {piece("{")}\n\nevent: error\ndata: {{"message": "no slot is free"}}\n\n')


def test_an_error_about_length_in_a_stream_is_about_length() -> None:
    error = {"error": {"message": "no", "code": "context_length_exceeded"}}
    with pytest.raises(TooLong):
        answered(f": wait\n\ndata: {json.dumps(error)}\n\n")


def test_a_refusal_in_pieces_is_a_refusal() -> None:
    piece = {"choices": [{"delta": {"refusal": "I will not"}, "finish_reason": "stop"}]}
    with pytest.raises(ModelFailed, match="refused to answer"):
        answered(f"data: {json.dumps(piece)}\n\n")
