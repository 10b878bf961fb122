"""What servers say when a prompt does not fit, word for word, over real HTTP: told apart from all else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentctx.errors import ModelFailed, TooLong
from agentctx.llm import open_provider
from agentctx.llm.base import Prompt
from tests.scripted_model import Asked, Raw, ScriptedModel, settings_of

PROMPT = Prompt("You answer in JSON.", "Say that it is ok.")
SCHEMA = {"type": "object"}


def refusal(status: int, **error: Any) -> Raw:
    return Raw(status, json.dumps({"error": error}).encode())


SAID = {
    "llama.cpp": refusal(
        400,
        message="the request exceeds the available context size (8192 tokens), try increasing it",
        type="exceed_context_size_error",
    ),
    "vLLM": Raw(
        400,
        b'{"object": "error", "message": "This model\'s maximum context length is 4096 tokens. However, you '
        b"requested 5000 tokens (904 in the messages, 4096 in the completion). Please reduce the length of "
        b'the messages or completion."}',
    ),
    "OpenAI": refusal(400, message="Your input is refused", code="context_length_exceeded"),
    "OpenAI, in words": refusal(400, message="Your input exceeds the context window of this model."),
    "Anthropic": refusal(
        400,
        type="invalid_request_error",
        message="input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input "
        "length or `max_tokens` and try again",
    ),
    "Anthropic, over all": refusal(400, message="prompt is too long: 210000 tokens > 200000 maximum"),
    "Anthropic, in bytes": refusal(413, type="request_too_large", message="Request exceeds the maximum size"),
    "Ollama": Raw(400, b'{"error": "prompt too long; exceeded max context length by 100 tokens"}'),
    "LM Studio": Raw(
        500,
        b'{"error": "Trying to keep the first 5000 tokens when context the overflows. However, the model is '
        b'loaded with context length of only 4096 tokens, which is not enough."}',
    ),
    "Mistral": refusal(
        400,
        message="Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum "
        "context length",
    ),
    "Google": refusal(
        400, message="The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
    ),
    "TGI": Raw(422, b'{"error": "Input validation error: `inputs` must have less than 1024 tokens."}'),
    "a minute's limit": refusal(
        429, message="Request too large for m on tokens per min (TPM): Limit 6000, Requested 7000"
    ),
    "a proxy": Raw(413, b"<html><h1>413 Request Entity Too Large</h1></html>"),
}


@pytest.mark.parametrize("kind", ["openai-compatible", "anthropic"])
@pytest.mark.parametrize("raw", SAID.values(), ids=SAID)
def test_a_prompt_that_does_not_fit_is_told_as_such_at_the_first_refusal(kind: str, raw: Raw) -> None:
    with ScriptedModel(lambda asked: raw) as model:
        provider = open_provider(settings_of(model, kind))
        with pytest.raises(TooLong) as caught:
            provider.complete(PROMPT, SCHEMA)
        assert len(model.requests) == 1, "no other form of the same words would fit"
        assert "context size" in caught.value.hint
        model.script = lambda asked: {"ok": True}
        assert provider.complete(PROMPT, SCHEMA).data == {"ok": True}
        first, again = ({**asked.body, "messages": 0} for asked in model.requests)
        assert first == again, "nothing was given up for it"


@pytest.mark.parametrize(
    "raw",
    [
        refusal(400, message="Unsupported parameter: 'max_tokens' is too large for this model"),
        refusal(400, message="response_format is not supported"),
        refusal(401, message="your key has no access to the context window of 1M tokens"),
        refusal(404, message="no such model"),
        refusal(429, message="Too many tokens, please wait before trying again."),
    ],
    ids=["the answer's limit", "a format", "a key", "a model", "a rate"],
)
def test_other_refusals_are_not_about_length(raw: Raw) -> None:
    with (
        ScriptedModel(lambda asked: raw) as model,
        pytest.raises(ModelFailed) as caught,
    ):
        open_provider(settings_of(model, timeout=1.0)).complete(PROMPT, SCHEMA)
    assert not isinstance(caught.value, TooLong)


def test_an_error_behind_a_status_of_success_is_about_length_too() -> None:
    said = {"error": {"message": "maximum context length is 8192 tokens", "code": 400}}
    raw = Raw(body=json.dumps(said).encode())
    for kind in ("openai-compatible", "anthropic"):
        with ScriptedModel(lambda asked: raw) as model, pytest.raises(TooLong, match="8192"):
            open_provider(settings_of(model, kind)).complete(PROMPT, SCHEMA)


def test_an_answer_that_met_the_end_of_the_context_was_cut_off() -> None:
    def script(asked: Asked) -> Raw:
        return Raw(body=b'{"content": [], "stop_reason": "model_context_window_exceeded"}')

    with ScriptedModel(script) as model, pytest.raises(ModelFailed, match="cut off"):
        open_provider(settings_of(model, "anthropic")).complete(PROMPT, SCHEMA)
