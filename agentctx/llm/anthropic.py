"""The Anthropic messages API; the answer is constrained by one forced tool that does nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agentctx.errors import ModelFailed, Unusable
from agentctx.llm.base import Answer, Prompt, answering, read_json, read_reply, spelled_out

if TYPE_CHECKING:
    from agentctx.llm.settings import ProviderSettings
    from agentctx.llm.transport import Refused

_VERSION = "2023-06-01"


class Anthropic:
    """One model behind a messages endpoint."""

    def __init__(self, settings: ProviderSettings, key: str = "") -> None:
        self._settings = settings
        self._key = key
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

        headers = {"anthropic-version": _VERSION, **({"x-api-key": self._key} if self._key else {})}
        base = self._settings.url.rstrip("/").removesuffix("/v1/messages").removesuffix("/v1")
        return post(
            Request(
                f"{base}/v1/messages",
                body,
                headers,
                timeout=left,
                allow_http=self._settings.allow_http,
                key=self._key,
            )
        )

    def _body(self, prompt: Prompt, schema: Mapping[str, Any]) -> dict[str, Any]:
        forced = "tool_choice" not in self._given_up
        user = prompt.user if forced else spelled_out(prompt.user, schema)
        body: dict[str, Any] = {
            "model": self.model,
            "max_tokens": self._settings.max_output_tokens,
            "system": prompt.system,
            "messages": [{"role": "user", "content": user}],
        }
        if "temperature" not in self._given_up:
            body["temperature"] = 0
        if forced:
            tool = {"name": "answer", "description": "Give the answer.", "input_schema": dict(schema)}
            body["tools"] = [tool]
            body["tool_choice"] = {"type": "tool", "name": "answer"}
        return body

    def _give_up(self, refusal: Refused) -> bool:
        """Drop what the server's words complain about; False when there is nothing left to drop."""
        if refusal.status != 400:
            return False
        said = refusal.words.lower()
        for part, signs in (
            ("temperature", ("temperature",)),
            ("tool_choice", ("tool_choice", "tools", "schema")),
        ):
            if part not in self._given_up and any(sign in said for sign in signs):
                self._given_up.add(part)
                return True
        return False

    def _answer(self, data: bytes, seconds: float) -> Answer:
        from agentctx.llm.transport import failed

        reply = read_reply(data)
        if isinstance(reply, dict) and reply.get("error"):
            raise failed(data, self._key)
        if not isinstance(reply, dict) or not isinstance(reply.get("content"), list):
            raise ModelFailed("the server's answer is not a message", "check the address of the provider")
        if reply.get("stop_reason") in ("max_tokens", "model_context_window_exceeded"):
            raise Unusable(
                "the model's answer was cut off at its limit",
                "allow more: agentctx provider set --max-output-tokens N",
            )
        if reply.get("stop_reason") == "refusal":
            raise Unusable("the model refused to answer")
        blocks = [block for block in reply["content"] if isinstance(block, dict)]
        given = next((block.get("input") for block in blocks if block.get("type") == "tool_use"), None)
        text = "".join(str(block.get("text", "")) for block in blocks if block.get("type") == "text")
        usage = reply.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        read = [usage.get(name) for name in _SENT]
        return Answer(
            json.dumps(given) if given is not None else text,
            given if given is not None else read_json(text),
            answering(reply.get("model"), self.model),
            sum(n for n in read if isinstance(n, int)),
            usage["output_tokens"] if isinstance(usage.get("output_tokens"), int) else 0,
            seconds,
        )


_SENT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
