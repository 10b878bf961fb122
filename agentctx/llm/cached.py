"""A provider that does not ask twice: the same prompt to the same model is answered from a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from agentctx.errors import AgentctxError
from agentctx.files import read_regular, remove_file, write_atomic
from agentctx.llm.base import Answer, Prompt, Provider

ENTRIES = 200
"""Answers kept; the oldest are deleted."""


class Cached:
    """Answers from ``folder`` where it can. Failures are not kept, so they are asked again.

    Whether an answer is of any use shows only later: ``forget`` takes one back that was not.
    """

    def __init__(self, provider: Provider, folder: Path | None) -> None:
        self._provider = provider
        self._folder = folder / "answers" if folder else None

    @property
    def model(self) -> str:
        return self._provider.model

    def complete(self, prompt: Prompt, schema: Mapping[str, Any]) -> Answer:
        """As the provider's own; an answer out of the cache has cost no tokens and took no time."""
        place = self._place(prompt, schema)
        kept = _kept(place) if place else None
        if kept is not None:
            return replace(kept, tokens_in=0, tokens_out=0, seconds=0.0)
        answer = self._provider.complete(prompt, schema)
        if place is not None:
            self._keep(place, answer)
        return answer

    def forget(self, prompt: Prompt, schema: Mapping[str, Any]) -> None:
        """Have the same prompt asked anew the next time."""
        place = self._place(prompt, schema)
        if place is not None:
            with suppress(AgentctxError, OSError):
                remove_file(place)

    def _place(self, prompt: Prompt, schema: Mapping[str, Any]) -> Path | None:
        whole = [self.model, prompt.version, prompt.system, prompt.user, schema]
        key = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
        return self._folder / f"{key}.json" if self._folder else None

    def _keep(self, place: Path, answer: Answer) -> None:
        try:
            write_atomic(place, json.dumps(asdict(answer)).encode(), durable=False)
            entries = sorted(place.parent.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
            for old in entries[:-ENTRIES]:
                remove_file(old)
        except (AgentctxError, OSError):
            return


def forget(provider: Provider, prompt: Prompt, schema: Mapping[str, Any]) -> None:
    """Have the same prompt asked anew the next time, where the provider remembers answers at all."""
    if isinstance(provider, Cached):
        provider.forget(prompt, schema)


def _kept(place: Path) -> Answer | None:
    try:
        return Answer(**json.loads(read_regular(place, 4_000_000)))
    except (AgentctxError, ValueError, TypeError):
        return None
