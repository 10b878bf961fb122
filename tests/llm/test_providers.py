"""Every wire format against a real HTTP server: answers, faults, refusals, and what leaves the machine."""

from __future__ import annotations

import functools
import json
import time
from typing import Any

import pytest

from agentctx.errors import InvalidInput, ModelFailed, Unscanned
from agentctx.llm import open_provider, probe, transport
from agentctx.llm.base import Prompt, read_json
from tests.scripted_model import Asked, Raw, ScriptedModel, settings_of

SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}
PROMPT = Prompt("You answer in JSON.", "Say that it is ok.")
BOTH = pytest.mark.parametrize("kind", ["openai-compatible", "anthropic"])
KEY = "made-up-key-for-tests"


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits between tries are recorded and cut to a hundredth."""
    recorded: list[float] = []
    sleep = time.sleep

    def short(seconds: float) -> None:
        recorded.append(seconds)
        sleep(seconds / 100)

    monkeypatch.setattr(transport, "Pause", functools.partial(transport.Pause, sleep=short))
    return recorded


def ask(model: ScriptedModel, kind: str, **changes: Any) -> Any:
    return open_provider(settings_of(model, kind, **changes)).complete(PROMPT, SCHEMA)


@BOTH
def test_a_good_answer_comes_back_with_its_cost(kind: str) -> None:
    with ScriptedModel(lambda asked: {"ok": True}) as model:
        answer = ask(model, kind)
    assert answer.data == {"ok": True}
    assert answer.model == "scripted"
    assert answer.tokens_in > 0
    assert answer.tokens_out > 0
    assert model.requests[0].system == PROMPT.system
    assert PROMPT.user in model.requests[0].user


@BOTH
def test_the_schema_travels_in_the_way_the_provider_enforces(kind: str) -> None:
    with ScriptedModel(lambda asked: {"ok": True}) as model:
        ask(model, kind)
    body = model.requests[0].body
    if kind == "anthropic":
        assert body["tools"][0]["input_schema"] == SCHEMA
        assert body["tool_choice"] == {"type": "tool", "name": "answer"}
    else:
        assert body["response_format"]["json_schema"]["schema"] == SCHEMA
        assert body["stream"] is False


@BOTH
@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_a_busy_server_is_asked_again(kind: str, status: int, waits: list[float]) -> None:
    def script(asked: Asked) -> Raw | dict[str, bool]:
        return Raw(status, b'{"error": {"message": "busy"}}') if asked.number < 2 else {"ok": True}

    with ScriptedModel(script) as model:
        assert ask(model, kind).data == {"ok": True}
    assert len(model.requests) == 3
    assert len(waits) == 2
    assert 0 < waits[0] <= 0.5 < waits[1] + 0.01 <= 1.01


@BOTH
def test_retry_after_is_honoured(kind: str, waits: list[float]) -> None:
    def script(asked: Asked) -> Raw | dict[str, bool]:
        return Raw(429, headers={"Retry-After": "7"}) if asked.number == 0 else {"ok": True}

    with ScriptedModel(script) as model:
        assert ask(model, kind).data == {"ok": True}
    assert 7.0 <= waits[0] <= 7.2


def test_a_wait_longer_than_the_time_left_ends_at_once() -> None:
    with ScriptedModel(lambda asked: Raw(429, headers={"Retry-After": "3600"})) as model:
        start = time.monotonic()
        with pytest.raises(ModelFailed, match="429"):
            ask(model, "openai-compatible")
    assert time.monotonic() - start < 2
    assert len(model.requests) == 1


@BOTH
def test_a_server_that_stays_broken_is_told_with_its_own_words(kind: str) -> None:
    with (
        ScriptedModel(lambda asked: Raw(500, b'{"error": {"message": "out of memory"}}')) as model,
        pytest.raises(ModelFailed, match="500: out of memory") as caught,
    ):
        ask(model, kind)
    assert caught.value.hint
    assert len(model.requests) <= 7


@BOTH
def test_a_cut_body_is_asked_for_again_and_then_refused(kind: str) -> None:
    with (
        ScriptedModel(lambda asked: Raw(body=b'{"choices": [', missing=500)) as model,
        pytest.raises(ModelFailed, match="broke"),
    ):
        ask(model, kind)
    assert len(model.requests) == 5


@BOTH
@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(Raw(body=b"{}", delay=30), id="hangs before the first byte"),
        pytest.param(Raw(body=b" " * 4000 + b"{}", drip=0.02), id="drips byte by byte"),
        pytest.param(Raw(500, b" " * 4000 + b"{}", drip=0.02), id="drips an error"),
    ],
)
def test_a_slow_server_ends_at_the_time_limit(kind: str, raw: Raw) -> None:
    with ScriptedModel(lambda asked: raw) as model:
        start = time.monotonic()
        with pytest.raises(ModelFailed, match=r"within|500"):
            ask(model, kind, timeout=0.6)
        assert time.monotonic() - start < 2.0


@BOTH
def test_a_huge_body_is_not_read(kind: str) -> None:
    with (
        ScriptedModel(lambda asked: Raw(body=b" " * (transport.RESPONSE_LIMIT + 10))) as model,
        pytest.raises(ModelFailed, match="more than"),
    ):
        ask(model, kind)


@BOTH
def test_an_answer_that_is_not_json_is_a_failure_of_the_model(kind: str) -> None:
    with (
        ScriptedModel(lambda asked: "I would rather talk about it.") as model,
        pytest.raises(ModelFailed, match="not JSON"),
    ):
        ask(model, kind)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"choices": []}', b"\xff\xfe", b"[" * 100_000])
@BOTH
def test_a_body_that_is_no_completion_is_a_failure_of_the_model(kind: str, body: bytes) -> None:
    with ScriptedModel(lambda asked: Raw(body=body)) as model, pytest.raises(ModelFailed):
        ask(model, kind)


def _choice(**choice: Any) -> Raw:
    return Raw(body=json.dumps({"choices": [choice]}).encode())


def _message(**reply: Any) -> Raw:
    return Raw(body=json.dumps({"content": [], **reply}).encode())


@pytest.mark.parametrize(
    ("kind", "raw", "words"),
    [
        ("openai-compatible", _choice(message={"content": None, "refusal": "no"}), "refused"),
        ("openai-compatible", _choice(message={"content": ""}, finish_reason="content_filter"), "refused"),
        ("openai-compatible", _choice(message={"content": '{"ok"'}, finish_reason="length"), "cut off"),
        ("openai-compatible", Raw(body=b'{"error": {"message": "no credit"}}'), "no credit"),
        ("anthropic", _message(stop_reason="refusal"), "refused"),
        ("anthropic", _message(stop_reason="max_tokens"), "cut off"),
    ],
)
def test_a_refusal_is_told_as_such(kind: str, raw: Raw, words: str) -> None:
    with ScriptedModel(lambda asked: raw) as model, pytest.raises(ModelFailed, match=words):
        ask(model, kind)


@BOTH
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_key_stays_home(
    kind: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    with ScriptedModel(lambda asked: {"ok": True}) as other:
        target = other.url + "/chat/completions"
        script = Raw(status, headers={"Location": target})
        with ScriptedModel(lambda asked: script) as model, pytest.raises(ModelFailed, match="not followed"):
            ask(model, kind, key_variable="TEST_KEY")
        assert other.requests == []


@BOTH
def test_the_key_is_sent_and_never_shown(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    refusal = Raw(401, json.dumps({"error": {"message": f"bad key {KEY}"}}).encode())
    with ScriptedModel(lambda asked: refusal) as model, pytest.raises(ModelFailed, match="401") as caught:
        ask(model, kind, key_variable="TEST_KEY")
    assert model.requests[0].has_key
    assert KEY.encode() not in model.raw_bodies[0]
    assert KEY not in f"{caught.value.message}{caught.value.hint}{caught.value!r}"


def test_a_key_with_a_line_break_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", f"{KEY}\r\nX-Evil: 1")
    with (
        ScriptedModel(lambda asked: {"ok": True}) as model,
        pytest.raises(ModelFailed, match="line break") as caught,
    ):
        ask(model, "openai-compatible", key_variable="TEST_KEY")
    assert model.requests == []
    assert KEY not in str(caught.value)


def test_a_missing_key_is_named_by_its_variable() -> None:
    with (
        ScriptedModel(lambda asked: {"ok": True}) as model,
        pytest.raises(ModelFailed, match="NO_SUCH_KEY is not set"),
    ):
        ask(model, "openai-compatible", key_variable="NO_SUCH_KEY")


def test_nothing_listening_is_said_at_once() -> None:
    with ScriptedModel(lambda asked: {"ok": True}) as model:
        settings = settings_of(model)
    with pytest.raises(ModelFailed, match="nothing listens"):
        open_provider(settings).complete(PROMPT, SCHEMA)


# --------------------------------------------------------------------------- what servers refuse


def _refusing(*refusals: tuple[str, str]) -> Any:
    """A server that answers 400 with WORDS as long as PART occurs in the body."""

    def script(asked: Asked) -> Raw | dict[str, bool]:
        for part, words in refusals:
            if part in json.dumps(asked.body):
                return Raw(400, json.dumps({"error": words}).encode())
        return {"ok": True}

    return script


@pytest.mark.parametrize(
    "refusals",
    [
        pytest.param([('"json_schema"', "unknown field json_schema")], id="an old server"),
        pytest.param(
            [('"type": "json_object"', "'response_format.type' must be 'json_schema' or 'text'")],
            id="schema or text only",
        ),
        pytest.param([('"response_format"', "Unrecognized request argument")], id="plain only"),
        pytest.param([('"max_tokens"', "Unsupported parameter: 'max_tokens'")], id="newer token limit"),
        pytest.param([('"temperature"', "'temperature' does not support 0")], id="no temperature"),
        pytest.param([('"role": "system"', "System role not supported")], id="no system role"),
        pytest.param(
            [
                ('"max_tokens"', "use max_completion_tokens, not max_tokens"),
                ('"temperature"', "temperature is not supported"),
                ('"response_format"', "response_format is not supported"),
            ],
            id="all together",
        ),
    ],
)
def test_what_a_server_refuses_is_left_out_and_remembered(refusals: list[tuple[str, str]]) -> None:
    with ScriptedModel(_refusing(*refusals)) as model:
        provider = open_provider(settings_of(model))
        assert provider.complete(PROMPT, SCHEMA).data == {"ok": True}
        tries = len(model.requests)
        provider.complete(PROMPT, SCHEMA)
        assert len(model.requests) == tries + 1
    last = model.requests[-1]
    assert PROMPT.system in last.system + last.user
    assert "response_format" in last.body or "JSON Schema" in last.user


def test_a_messages_server_without_tools_gets_the_schema_in_words() -> None:
    with ScriptedModel(_refusing(('"tool_choice"', "tool_choice is not supported"))) as model:
        assert ask(model, "anthropic").data == {"ok": True}
    assert "JSON Schema" in model.requests[-1].user


def test_a_stream_that_nobody_asked_for_is_put_together() -> None:
    pieces = [{"choices": [{"delta": {"content": c}}]} for c in ('{"ok"', ": true}")]
    pieces.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    text = "".join(f"data: {json.dumps(piece)}\n\n" for piece in pieces) + "data: [DONE]\n\n"
    with ScriptedModel(lambda asked: Raw(body=text.encode())) as model:
        assert ask(model, "openai-compatible").data == {"ok": True}
    cut = "".join(f"data: {json.dumps(piece)}\n\n" for piece in pieces[:2])
    with (
        ScriptedModel(lambda asked: Raw(body=cut.encode())) as model,
        pytest.raises(ModelFailed, match="cut off"),
    ):
        ask(model, "openai-compatible")


@pytest.mark.parametrize(
    "text",
    [
        '{"ok": true}',
        '```json\n{"ok": true}\n```',
        'Here you are:\n```\n{"ok": true}\n```\nAnything else?',
        '<think>{"ok": false} or not?</think>\n{"ok": true}',
        'Sure! {"ok": true}',
    ],
)
def test_json_is_found_in_what_models_write_around_it(text: str) -> None:
    assert read_json(text) == {"ok": True}


@pytest.mark.parametrize("text", ["", "{", "no", '{"ok": tr', "[" * 50_000, "x" * 1_000_001])
def test_text_without_whole_json_is_a_failure(text: str) -> None:
    with pytest.raises(ModelFailed):
        read_json(text)


# --------------------------------------------------------------------------- what leaves


@BOTH
def test_no_secret_is_in_the_captured_request(kind: str) -> None:
    secret = "ghp_" + "a1B2" * 9
    prompt = Prompt(f"system {secret}", f"+ token = '{secret}'\n+ password = 'Xk29-sd91-Qw7'")
    with ScriptedModel(lambda asked: {"ok": True}) as model:
        open_provider(settings_of(model, kind)).complete(prompt, SCHEMA)
    sent = model.raw_bodies[0].decode()
    assert secret not in sent
    assert "Xk29-sd91-Qw7" not in sent
    assert "[redacted:github-token]" in sent
    assert len(prompt.findings) == 3


def test_without_a_working_scanner_there_is_no_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    from agentctx import hygiene

    monkeypatch.setattr(hygiene, "_RULES", None)
    with pytest.raises(Unscanned):
        Prompt("a", "b")


def test_a_probe_proves_the_provider_by_one_call() -> None:
    with ScriptedModel(lambda asked: {"ok": True}) as model:
        assert probe(open_provider(settings_of(model))).data == {"ok": True}
        assert len(model.requests) == 1
    with (
        ScriptedModel(lambda asked: {"fine": 1}) as model,
        pytest.raises(ModelFailed, match="not with the JSON"),
    ):
        probe(open_provider(settings_of(model)))


def test_proxies_of_the_environment_do_not_see_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with ScriptedModel(lambda asked: {"ok": True}) as model:
        assert ask(model, "openai-compatible").data == {"ok": True}


def test_a_proxy_is_used_for_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedModel(lambda asked: {"ok": True}) as proxy:
        monkeypatch.setenv("http_proxy", proxy.root)
        settings = settings_of(proxy, url="http://models.example.com/v1", allow_http=True)
        assert open_provider(settings).complete(PROMPT, SCHEMA).data == {"ok": True}
    assert proxy.requests[0].path == "http://models.example.com/v1/chat/completions"


def test_an_unsafe_url_is_refused_before_anything_is_contacted() -> None:
    with ScriptedModel(lambda asked: {"ok": True}) as model:
        settings = settings_of(model, url="http://169.254.169.254/v1", allow_http=True)
        with pytest.raises(InvalidInput):
            open_provider(settings).complete(PROMPT, SCHEMA)
