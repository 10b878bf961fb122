"""The scripted model of ``bench``, for tests, with settings that point at it."""

from __future__ import annotations

from typing import Any

from agentctx.llm.settings import ProviderSettings
from bench.scripted_model import Asked, Raw, Script, ScriptedModel

__all__ = ["Asked", "Raw", "Script", "ScriptedModel", "settings_of"]


def settings_of(model: ScriptedModel, kind: str = "openai-compatible", **changes: Any) -> ProviderSettings:
    """Settings for a scripted model, with a short time-out."""
    url = model.root if kind == "anthropic" else model.url
    return ProviderSettings(kind, **{"model": "scripted", "url": url, "timeout": 10.0, **changes})
