"""Texts become vectors over a real HTTP server, under the guards of every other model."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from agentctx.errors import InvalidInput, ModelFailed
from agentctx.llm.embeddings import LENGTHS, embed
from agentctx.llm.settings import EMBEDDINGS, ProviderSettings, read, write
from bench.scripted_model import Raw, ScriptedModel
from tests.scripted_embeddings import answer, scripted, sent, vector

SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


def settings_of(model: ScriptedModel, **changes: Any) -> ProviderSettings:
    return ProviderSettings("openai-compatible", "scripted", model.url, timeout=5.0, **changes)


def test_vectors_come_back_in_the_order_of_the_texts_with_their_cost() -> None:
    with scripted() as model:
        found = embed(settings_of(model), ["one bill", "two"])
    assert found.vectors == (tuple(vector("one bill")), tuple(vector("two")))
    assert found.tokens == 3
    assert found.seconds > 0


def test_a_secret_does_not_leave() -> None:
    with scripted() as model:
        embed(settings_of(model), [f"the token is {SECRET}"])
    assert SECRET not in json.dumps(sent(model))
    assert "[redacted:" in sent(model)[0]


def test_a_secret_that_a_cut_would_halve_does_not_leave_in_part() -> None:
    with scripted() as model:
        embed(settings_of(model), ["x " * (LENGTHS[0] // 2 - 10) + SECRET])
    assert SECRET[:12] not in sent(model)[0]


def test_what_is_too_long_for_a_server_is_sent_shorter() -> None:
    def script(asked: Any) -> Raw:
        texts = asked.body["input"]
        too_long = any(len(text) > 2_000 for text in texts)
        return Raw(400, b'{"error": {"message": "input is too long"}}') if too_long else answer(texts)

    with ScriptedModel(script) as model:
        embed(settings_of(model), ["word " * 4_000])
    assert [len(text) for text in sent(model)] == list(LENGTHS)


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        b"[]",
        b'{"data": []}',
        b'{"data": [{"index": 0, "embedding": [0, 0]}]}',
        b'{"data": [{"index": 0, "embedding": [NaN, 1]}]}',
        b'{"data": [{"index": 0, "embedding": "text"}]}',
        b'{"data": [{"index": 1, "embedding": [1, 0]}]}',
        b'{"data": [{"index": 0, "embedding": []}]}',
    ],
)
def test_an_answer_of_another_form_is_told(body: bytes) -> None:
    with (
        ScriptedModel(lambda asked: Raw(body=body)) as model,
        pytest.raises(ModelFailed, match="embeddings"),
    ):
        embed(settings_of(model), ["text"])


def test_redirects_are_not_followed() -> None:
    elsewhere = Raw(307, headers={"Location": "http://127.0.0.1:9/v1/embeddings"})
    with ScriptedModel(lambda asked: elsewhere) as model, pytest.raises(ModelFailed, match="redirects"):
        embed(settings_of(model), ["text"])


def test_a_slow_server_is_left_at_the_time_out() -> None:
    with ScriptedModel(lambda asked: Raw(delay=5.0)) as model:
        start = time.monotonic()
        with pytest.raises(ModelFailed):
            embed(settings_of(model), ["text"], timeout=0.3)
        assert time.monotonic() - start < 3


def test_plain_http_to_another_machine_and_metadata_addresses_are_refused() -> None:
    for url in ("http://models.example.org/v1", "http://169.254.169.254/v1"):
        with pytest.raises(InvalidInput):
            embed(ProviderSettings("openai-compatible", "m", url), ["text"])


def test_the_two_sections_of_the_file_do_not_touch_each_other() -> None:
    chat = ProviderSettings("openai-compatible", "chat", "http://127.0.0.1:1/v1")
    meaning = ProviderSettings("openai-compatible", "small", "http://127.0.0.1:2/v1")
    write(chat)
    write(meaning, section=EMBEDDINGS)
    assert (read(), read(section=EMBEDDINGS)) == (chat, meaning)
    write(None, section=EMBEDDINGS)
    assert (read(), read(section=EMBEDDINGS)) == (chat, None)
