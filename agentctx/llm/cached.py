"""A provider that does not ask twice: the same prompt to the same model is answered from a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from agentctx.errors import AgentctxError, Busy, NotWritable
from agentctx.files import locked, read_regular, remove_file, write_atomic
from agentctx.llm.base import Answer, Prompt, Provider
from agentctx.llm.capped import Capped, Ledger

ENTRIES = 200
"""Answers kept; the oldest are deleted."""
PATIENCE = 300.0
"""Seconds that a process waits for the answer that another one has asked for already."""


class Cached:
    """Answers from ``folder`` where it can. Failures are not kept, so they are asked again.

    Whether an answer is of any use shows only later: ``forget`` takes one back that was not.
    """

    def __init__(self, provider: Capped, folder: Path | None, whose: str = "") -> None:
        """``whose``: what tells the model behind the provider from every other, beside its name."""
        self._provider = provider
        self._folder = folder / "answers" if folder else None
        self._whose = whose

    @property
    def ledger(self) -> Ledger:
        """What was spent; an answer out of the cache costs nothing."""
        return self._provider.ledger

    @property
    def model(self) -> str:
        return self._provider.model

    def complete(self, prompt: Prompt, schema: Mapping[str, Any]) -> Answer:
        """As the provider's own; an answer out of the cache has cost no tokens and took no time.

        What another process of this clone is asking at this moment is waited for, and not paid twice.
        """
        place = self._place(prompt, schema)
        if place is None:
            return self._provider.complete(prompt, schema)
        with nullcontext() if place.exists() else _asked_once(place):
            kept = _kept(place)
            if kept is not None:
                return replace(kept, tokens_in=0, tokens_out=0, seconds=0.0)
            answer = self._provider.complete(prompt, schema)
            self._keep(place, answer)
            return answer

    def forget(self, prompt: Prompt, schema: Mapping[str, Any]) -> None:
        """Have the same prompt asked anew the next time."""
        place = self._place(prompt, schema)
        if place is not None:
            with suppress(AgentctxError, OSError):
                remove_file(place)

    def _place(self, prompt: Prompt, schema: Mapping[str, Any]) -> Path | None:
        whole = [self._whose, self.model, prompt.version, prompt.system, prompt.user, schema]
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


@contextmanager
def _asked_once(place: Path) -> Iterator[None]:
    """One process at a time for one question; the kernel frees the lock of one that is killed.

    Other questions are not held up. Where nobody can lock, or one takes too long, it is asked all the same.
    """
    lock = place.with_suffix(".lock")
    with ExitStack() as stack:
        with suppress(Busy, NotWritable):
            stack.enter_context(locked(lock, PATIENCE))
            stack.callback(lock.unlink, missing_ok=True)
        yield


def _kept(place: Path) -> Answer | None:
    try:
        return Answer(**json.loads(read_regular(place, 4_000_000)))
    except (AgentctxError, ValueError, TypeError):
        return None
