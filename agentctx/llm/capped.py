"""A provider that stops before it costs too much: tokens for one sync, and for one day of this clone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agentctx.errors import AgentctxError, ModelFailed, Unusable
from agentctx.files import locked, read_regular, write_atomic
from agentctx.llm.base import Answer, Prompt, Provider, tokens_of
from agentctx.text import count_tokens

NEVER = " is below what one question may need, "
"""In the message of a cap under which nothing can be asked, however often one tries."""
_RAISE = "agentctx provider set"


class OverCap(ModelFailed):
    """The next call might pass a cap; nothing was sent. What is left over is skipped and told."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Most tokens, sent and received together."""

    per_sync: int
    per_day: int
    answer: int = 0
    """The longest answer that the model may give: it is set aside before each call."""


class Ledger:
    """What one sync has spent, and this clone today. ``folder`` keeps the day's count (None: nobody does)."""

    def __init__(self, caps: Caps, folder: Path | None, today: str) -> None:
        """``today``: the date as ``2026-05-01``."""
        self._caps = caps
        self._file = folder / "tokens.json" if folder else None
        self._today = today
        self._before = 0
        self.calls = 0
        """Calls of this sync so far that were answered; ``sent`` and ``received``: their tokens."""
        self.sent = 0
        self.received = 0

    def rehearsal(self) -> Ledger:
        """One that counts on from here, and keeps nothing."""
        other = Ledger(self._caps, None, self._today)
        other._before = self.spent_today()
        return other

    def insist(self, tokens: int) -> None:
        """Raise ``OverCap`` when a question of so many tokens, and the longest answer, would pass a cap."""
        needed = tokens + self._caps.answer
        for spent, cap, span, option in (
            (self.sent + self.received, self._caps.per_sync, "sync", "--tokens-per-sync"),
            (self.spent_today(), self._caps.per_day, "day", "--tokens-per-day"),
        ):
            if needed > cap:
                raise OverCap(f"the cap of {cap:,} tokens a {span}{NEVER}{needed:,}: {_RAISE} {option} N")
            if spent + needed > cap:
                room = f"{spent:,} spent, up to {needed:,} needed"
                raise OverCap(
                    f"the cap of {cap:,} tokens a {span} is reached ({room})", f"{_RAISE} {option} N"
                )

    def count(self, sent: int, received: int) -> None:
        """One call that was answered."""
        self.calls += 1
        self.sent += sent
        self.received += received
        if self._file is None:
            return
        try:
            with locked(self._file.with_suffix(".lock")):
                count = {"day": self._today, "tokens": self.spent_today() + sent + received}
                write_atomic(self._file, json.dumps(count).encode(), durable=False)
        except AgentctxError:
            # An answer that is paid for is not thrown away because it could not be counted.
            self._before = self.spent_today() + sent + received - self.sent - self.received
            self._file = None

    def spent_today(self) -> int:
        """Tokens of all syncs of this clone today, as far as they could be counted."""
        if self._file is None:
            return self._before + self.sent + self.received
        try:
            data = json.loads(read_regular(self._file))
            return int(data["tokens"]) if data["day"] == self._today else 0
        except (AgentctxError, ValueError, KeyError, TypeError):
            return 0


class Capped:
    """Passes calls on until a cap is reached."""

    def __init__(self, provider: Provider, ledger: Ledger) -> None:
        self._provider = provider
        self.ledger = ledger

    @property
    def model(self) -> str:
        return self._provider.model

    def complete(self, prompt: Prompt, schema: Mapping[str, Any]) -> Answer:
        """As the provider's own, its tokens estimated where it does not say. Raises ``OverCap`` too."""
        estimate = tokens_of(prompt, schema)
        self.ledger.insist(estimate)
        try:
            answer = self._provider.complete(prompt, schema)
        except Unusable:  # paid for all the same
            self.ledger.count(estimate, 0)
            raise
        sent = answer.tokens_in or estimate
        received = answer.tokens_out or count_tokens(answer.text)
        self.ledger.count(sent, received)
        return replace(answer, tokens_in=sent, tokens_out=received)
