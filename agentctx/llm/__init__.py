"""Language models: one protocol, one file per wire format, one table."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from agentctx.llm.base import Answer, Provider
    from agentctx.llm.cached import Cached
    from agentctx.llm.capped import Ledger
    from agentctx.llm.settings import ProviderSettings

_TABLE = {
    "openai-compatible": ("openai_compatible", "OpenAICompatible"),
    "anthropic": ("anthropic", "Anthropic"),
    "command": ("command", "Command"),
}


def open_provider(settings: ProviderSettings, environ: Mapping[str, str] | None = None) -> Provider:
    """The provider that the settings describe; contacts nothing.

    Raises ``ModelFailed`` when the named key variable is not set.
    """
    module, name = _TABLE[settings.kind]
    key = key_of(settings, environ)
    maker = getattr(import_module(f"agentctx.llm.{module}"), name)
    return cast("Callable[[ProviderSettings, str], Provider]", maker)(settings, key)


def key_of(settings: ProviderSettings, environ: Mapping[str, str] | None = None) -> str:
    """The key from the variable that the settings name; empty when none is needed.

    Raises ``ModelFailed`` when the variable is not set.
    """
    if not settings.key_variable:
        return ""
    key = (os.environ if environ is None else environ).get(settings.key_variable, "").strip()
    if not key:
        from agentctx.errors import ModelFailed

        raise ModelFailed(
            f"the environment variable {settings.key_variable} is not set",
            f"export {settings.key_variable}=..., or agentctx provider set",
        )
    return key


def thrifty(provider: Provider, settings: ProviderSettings, folder: Path | None, today: str) -> Cached:
    """The provider behind a cache of answers and the settings' caps; both are kept in ``folder``.

    ``today`` is the date as ``2026-05-01``. Its ``complete`` raises ``capped.OverCap`` at a cap.
    """
    from agentctx.llm.cached import Cached
    from agentctx.llm.capped import Capped

    whose = json.dumps([settings.kind, settings.url, settings.model, settings.command])
    return Cached(Capped(provider, ledger(settings, folder, today)), folder, whose)


def ledger(settings: ProviderSettings, folder: Path | None, today: str) -> Ledger:
    """The settings' caps, and what has been spent; as ``thrifty``."""
    from agentctx.llm.capped import Caps, Ledger

    caps = Caps(settings.tokens_per_sync, settings.tokens_per_day, settings.max_output_tokens)
    return Ledger(caps, folder, today)


def probe(provider: Provider) -> Answer:
    """One small call that proves address, key, model and JSON in one go. Raises ``ModelFailed``."""
    from agentctx.errors import ModelFailed
    from agentctx.llm.base import Prompt

    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    }
    prompt = Prompt("You answer in JSON.", 'Answer with exactly this JSON object: {"ok": true}')
    answer = provider.complete(prompt, schema)
    if not isinstance(answer.data, dict) or "ok" not in answer.data:
        raise ModelFailed(
            "the model answered, but not with the JSON object it was asked for",
            "set a model that follows a format: agentctx provider set --model NAME",
        )
    return answer
