"""A provider that stops before it costs too much: tokens for one sync, and for one day of this clone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentctx.errors import AgentctxError, ModelFailed, Unusable
from agentctx.files import locked, read_regular, write_atomic
from agentctx.llm.base import Answer, Prompt, Provider
from agentctx.text import count_tokens


class OverCap(ModelFailed):
    """The next call would pass a cap; nothing was sent. What is left over is skipped and told."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Most tokens, sent and received together."""

    per_sync: int
    per_day: int


class Capped:
    """Passes calls on until a cap is reached. ``folder`` keeps the day's count (None: only the sync's)."""

    def __init__(self, provider: Provider, caps: Caps, folder: Path | None, today: str) -> None:
        """``today``: the date as ``2026-05-01``."""
        self._provider = provider
        self._caps = caps
        self._file = folder / "tokens.json" if folder else None
        self._today = today
        self.spent = 0
        """Tokens of this sync so far."""

    @property
    def model(self) -> str:
        return self._provider.model

    def complete(self, prompt: Prompt, schema: Mapping[str, Any]) -> Answer:
        """As the provider's own; raises ``OverCap`` when the prompt alone would pass a cap."""
        estimate = count_tokens(prompt.system) + count_tokens(prompt.user)
        for spent, cap, key in (
            (self.spent, self._caps.per_sync, "tokens_per_sync"),
            (self.spent_today(), self._caps.per_day, "tokens_per_day"),
        ):
            if spent + estimate > cap:
                raise OverCap(
                    f"the cap of {cap:,} tokens is reached ({spent:,} spent, {estimate:,} needed)",
                    f"raise provider.{key} in your config, or run `agentctx sync` again later",
                )
        try:
            answer = self._provider.complete(prompt, schema)
        except Unusable:  # paid for all the same
            self._spend(estimate)
            raise
        known = answer.tokens_in + answer.tokens_out
        self._spend(known or estimate + count_tokens(answer.text))
        return answer

    def spent_today(self) -> int:
        """Tokens of all syncs of this clone today, as far as they could be counted."""
        if self._file is None:
            return self.spent
        try:
            data = json.loads(read_regular(self._file))
            return int(data["tokens"]) if data["day"] == self._today else 0
        except (AgentctxError, ValueError, KeyError, TypeError):
            return 0

    def _spend(self, tokens: int) -> None:
        self.spent += tokens
        if self._file is None:
            return
        try:
            with locked(self._file.with_suffix(".lock")):
                count = {"day": self._today, "tokens": self.spent_today() + tokens}
                write_atomic(self._file, json.dumps(count).encode(), durable=False)
        except AgentctxError:
            # An answer that is paid for is not thrown away because it could not be counted.
            self._file = None
