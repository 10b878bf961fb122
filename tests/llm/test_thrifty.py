"""Caps and the cache of answers: nothing is asked twice, and nothing is sent over a cap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentctx.errors import ModelFailed
from agentctx.llm import thrifty
from agentctx.llm.base import Answer, Prompt, Provider
from agentctx.llm.cached import forget
from agentctx.llm.capped import OverCap
from agentctx.llm.settings import ProviderSettings

SCHEMA: dict[str, Any] = {"type": "object"}
TODAY = "2026-05-01"


@dataclass
class Counting:
    """A provider that counts its calls and fails when told to."""

    tokens: int = 50
    model: str = "counting"
    calls: list[str] = field(default_factory=list)
    fail: bool = False

    def complete(self, prompt: Prompt, schema: Mapping[str, Any]) -> Answer:
        self.calls.append(prompt.user)
        if self.fail:
            raise ModelFailed("no")
        return Answer("{}", {"n": len(self.calls)}, self.model, self.tokens, self.tokens, 1.0)


def made(inner: Counting, folder: Path | None, today: str = TODAY, **caps: int) -> Provider:
    return thrifty(inner, ProviderSettings("command", command=("x",), **caps), folder, today)  # type: ignore[arg-type]


def test_the_same_prompt_is_asked_once(tmp_path: Path) -> None:
    inner = Counting()
    first = made(inner, tmp_path).complete(Prompt("s", "u", "1"), SCHEMA)
    again = made(inner, tmp_path).complete(Prompt("s", "u", "1"), SCHEMA)
    assert again.data == first.data
    assert (again.tokens_in, again.tokens_out) == (0, 0)
    assert len(inner.calls) == 1


@pytest.mark.parametrize(
    ("prompt", "schema", "model"),
    [
        (Prompt("s", "u", "2"), SCHEMA, "counting"),
        (Prompt("s", "other", "1"), SCHEMA, "counting"),
        (Prompt("s", "u", "1"), {"type": "array"}, "counting"),
        (Prompt("s", "u", "1"), SCHEMA, "another"),
    ],
    ids=["prompt version", "text", "schema", "model"],
)
def test_anything_else_is_asked_anew(prompt: Prompt, schema: Any, model: str, tmp_path: Path) -> None:
    inner = Counting()
    made(inner, tmp_path).complete(Prompt("s", "u", "1"), SCHEMA)
    inner.model = model
    made(inner, tmp_path).complete(prompt, schema)
    assert len(inner.calls) == 2


def test_failures_and_damaged_answers_are_asked_again(tmp_path: Path) -> None:
    inner = Counting(fail=True)
    for _ in range(2):
        with pytest.raises(ModelFailed):
            made(inner, tmp_path).complete(Prompt("s", "u"), SCHEMA)
    inner.fail = False
    made(inner, tmp_path).complete(Prompt("s", "u"), SCHEMA)
    for file in (tmp_path / "answers").iterdir():
        file.write_bytes(b"{")
    made(inner, tmp_path).complete(Prompt("s", "u"), SCHEMA)
    assert len(inner.calls) == 4


def test_an_answer_of_no_use_is_forgotten(tmp_path: Path) -> None:
    inner, prompt = Counting(), Prompt("s", "u")
    for _ in range(2):
        provider = made(inner, tmp_path)
        provider.complete(prompt, SCHEMA)
        forget(provider, prompt, SCHEMA)
    forget(inner, prompt, SCHEMA)
    assert len(inner.calls) == 2


def test_a_sync_stops_before_its_cap(tmp_path: Path) -> None:
    inner = Counting(tokens=400)
    provider = made(inner, tmp_path, tokens_per_sync=1_000)
    provider.complete(Prompt("s", "one"), SCHEMA)
    with pytest.raises(OverCap, match=r"1,000.*800 spent"):
        provider.complete(Prompt("s", "two " * 300), SCHEMA)
    provider.complete(Prompt("s", "small"), SCHEMA)
    assert len(inner.calls) == 2


def test_a_day_s_cap_counts_over_syncs_and_ends_with_the_day(tmp_path: Path) -> None:
    inner = Counting(tokens=400)
    made(inner, tmp_path, tokens_per_day=1_000).complete(Prompt("s", "one"), SCHEMA)
    with pytest.raises(OverCap):
        made(inner, tmp_path, tokens_per_day=1_000).complete(Prompt("s", "two " * 300), SCHEMA)
    made(inner, tmp_path, "2026-05-02", tokens_per_day=1_000).complete(Prompt("s", "two " * 300), SCHEMA)
    assert len(inner.calls) == 2


def test_tokens_are_estimated_when_the_provider_does_not_say(tmp_path: Path) -> None:
    provider = made(Counting(tokens=0), tmp_path, tokens_per_sync=500)
    provider.complete(Prompt("s", "word " * 300), SCHEMA)
    with pytest.raises(OverCap):
        provider.complete(Prompt("s", "other " * 300), SCHEMA)


def test_without_a_folder_it_still_works() -> None:
    inner = Counting()
    provider = made(inner, None)
    provider.complete(Prompt("s", "u"), SCHEMA)
    provider.complete(Prompt("s", "u"), SCHEMA)
    assert len(inner.calls) == 2
