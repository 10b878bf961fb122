"""Chat completions, as OpenAI and most servers beside it speak them (Ollama, vLLM, LM Studio, llama.cpp ...).

Servers differ in what they refuse. The request starts with everything wanted and gives up, one at a
time, what the server says it does not know; what was learnt is kept for the next call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agentctx.errors import ModelFailed, Unusable
from agentctx.llm.base import Answer, Prompt, answering, read_json, read_reply, spelled_out

if TYPE_CHECKING:
    from agentctx.llm.settings import ProviderSettings
    from agentctx.llm.transport import Refused

_FORMATS = ("json_schema", "json_object", "plain")
_ADJUSTABLE = (400, 404, 415, 422, 500, 501)


class OpenAICompatible:
    """One model behind a chat-completions endpoint."""

    def __init__(self, settings: ProviderSettings, key: str = "") -> None:
        self._settings = settings
        self._key = key
        self._format = 0
        self._given_up: set[str] = set()

    @property
    def model(self) -> str:
        return self._settings.model

    def complete(self, prompt: Prompt, schema: Mapping[str, Any]) -> Answer:
        from agentctx.llm.transport import persist

        data, seconds = persist(
            lambda left: self._send(self._body(prompt, schema), left), self._give_up, self._settings.timeout
        )
        return self._answer(data, seconds)

    def _send(self, body: Mapping[str, Any], left: float) -> bytes:
        from agentctx.llm.transport import Request, post

        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        return post(
            Request(
                _endpoint(self._settings.url),
                body,
                headers,
                timeout=left,
                allow_http=self._settings.allow_http,
                key=self._key,
            )
        )

    def _body(self, prompt: Prompt, schema: Mapping[str, Any]) -> dict[str, Any]:
        form = _FORMATS[self._format]
        user = prompt.user if form == "json_schema" else spelled_out(prompt.user, schema)
        messages = [{"role": "system", "content": prompt.system}, {"role": "user", "content": user}]
        if "system" in self._given_up:
            messages = [{"role": "user", "content": f"{prompt.system}\n\n{user}"}]
        limit = "max_completion_tokens" if "max_tokens" in self._given_up else "max_tokens"
        body: dict[str, Any] = {"model": self.model, "messages": messages, "stream": False}
        body[limit] = self._settings.max_output_tokens
        if "temperature" not in self._given_up:
            body["temperature"] = 0
        if form == "json_schema":
            named = {"name": "answer", "strict": True, "schema": dict(schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        elif form == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    def _give_up(self, refusal: Refused) -> bool:
        """Drop what the server's words complain about; False when there is nothing left to drop."""
        if refusal.status not in _ADJUSTABLE:
            return False
        said = refusal.words.lower()
        for part, sign in (
            ("max_tokens", "max_tokens"),
            ("temperature", "temperature"),
            ("system", "system role"),
        ):
            if sign in said and part not in self._given_up:
                self._given_up.add(part)
                return True
        about_format = any(
            word in said for word in ("response_format", "json", "schema", "grammar", "format")
        )
        if (about_format or refusal.status in (400, 422)) and self._format + 1 < len(_FORMATS):
            self._format += 1
            return True
        return False

    def _answer(self, data: bytes, seconds: float) -> Answer:
        reply = _reply(data, self._key)
        choice = _first(reply)
        text = _content(choice)
        usage = reply.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        return Answer(
            text,
            read_json(text),
            answering(reply.get("model"), self.model),
            _count(usage.get("prompt_tokens")),
            _count(usage.get("completion_tokens")),
            seconds,
        )


def _endpoint(url: str) -> str:
    base, mark, query = url.partition("?")
    base = base.rstrip("/")
    return (base if base.endswith("/chat/completions") else base + "/chat/completions") + mark + query


def _reply(data: bytes, key: str) -> dict[str, Any]:
    from agentctx.llm.stream import is_stream

    if is_stream(data):
        return _joined(data, key)
    return _completion(read_reply(data), key)


def _completion(reply: Any, key: str) -> dict[str, Any]:
    """A completion, or a piece of one. Raises ``ModelFailed`` for anything else, and for a told error."""
    from agentctx.llm.transport import failed

    if not isinstance(reply, dict):
        raise _no_completion()
    if reply.get("error") or reply.get("object") == "error":
        raise failed(json.dumps(reply).encode(), key)
    return reply


def _no_completion() -> ModelFailed:
    return ModelFailed("the server's answer is not a chat completion", "check the address of the provider")


def _joined(data: bytes, key: str) -> dict[str, Any]:
    """One reply from the pieces of a stream that nobody asked for."""
    from agentctx.llm.stream import events

    text, refusal, end, last = "", "", "", dict[str, Any]()
    for event in events(data):
        piece = _completion(event, key)
        last |= {k: v for k, v in piece.items() if k in ("model", "usage") and v}
        for choice in _listed(piece.get("choices")):
            delta = choice.get("delta") or {}
            if not isinstance(delta, dict):
                raise _no_completion()
            text += _text(delta.get("content"))
            refusal += _text(delta.get("refusal"))
            end = choice.get("finish_reason") or end
    if not end:
        raise ModelFailed("the server's answer was cut off", "try again")
    message = {"content": text, "refusal": refusal}
    return {**last, "choices": [{"message": message, "finish_reason": end}]}


def _listed(choices: Any) -> list[dict[str, Any]]:
    """The choices of a piece, of which there may be none."""
    found = [] if choices is None else choices
    if not isinstance(found, list) or not all(isinstance(choice, dict) for choice in found):
        raise _no_completion()
    return found


def _text(content: Any) -> str:
    """Words, whole or in parts; empty when there are none."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if not isinstance(content, str | None):
        raise _no_completion()
    return content or ""


def _first(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = reply.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    raise ModelFailed("the server's answer holds no choices", "check the address of the provider")


def _content(choice: Mapping[str, Any]) -> str:
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    if choice.get("finish_reason") == "length":
        raise Unusable(
            "the model's answer was cut off at its limit",
            "allow more: agentctx provider set --max-output-tokens N",
        )
    if message.get("refusal") or choice.get("finish_reason") == "content_filter":
        raise Unusable("the model refused to answer")
    return _text(message.get("content"))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
