"""Caps and the cache of answers: nothing is asked twice, and nothing is sent over a cap."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentctx.errors import ModelFailed, TooLong, Unusable
from agentctx.llm import cached, thrifty
from agentctx.llm.base import Answer, Prompt, Provider
from agentctx.llm.cached import Cached, forget
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


def made(inner: Provider, folder: Path | None, today: str = TODAY, **changes: Any) -> Cached:
    settings = ProviderSettings(**{"kind": "command", "command": ("x",), "max_output_tokens": 50, **changes})
    return thrifty(inner, settings, folder, today)


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


@pytest.mark.parametrize(
    "other",
    [
        {"command": ("python3", "another.py")},
        {"model": "another"},
        {"kind": "openai-compatible", "url": "http://127.0.0.1:8081/v1"},
    ],
    ids=["command", "model", "address"],
)
def test_another_model_of_the_same_name_answers_for_itself(other: dict[str, Any], tmp_path: Path) -> None:
    first, second = Counting(), Counting()
    made(first, tmp_path, command=("python3", "one.py")).complete(Prompt("s", "u"), SCHEMA)
    for _ in range(2):
        made(second, tmp_path, **other).complete(Prompt("s", "u"), SCHEMA)
    assert (len(first.calls), len(second.calls)) == (1, 1)


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
    with pytest.raises(OverCap, match=r"1,000 tokens a sync.*800 spent"):
        provider.complete(Prompt("s", "two " * 300), SCHEMA)
    provider.complete(Prompt("s", "small"), SCHEMA)
    assert len(inner.calls) == 2


LONG_FORM = {"type": "object", "properties": {f"field{n}": {"type": "string"} for n in range(40)}}


@pytest.mark.parametrize(
    ("answer", "form"), [(100, SCHEMA), (80, LONG_FORM)], ids=["the longest answer", "the form of the answer"]
)
@pytest.mark.parametrize("cap", ["tokens_per_sync", "tokens_per_day"])
def test_everything_that_a_call_may_cost_is_set_aside_before_it(
    cap: str, answer: int, form: dict[str, Any], tmp_path: Path
) -> None:
    inner, prompt = Counting(tokens=20), Prompt("s", "u")
    caps: dict[str, Any] = {cap: 100}
    with pytest.raises(OverCap, match=r"100 tokens a \w+ is below what one question may need, [17]\d\d: "):
        made(inner, tmp_path, max_output_tokens=answer, **caps).complete(prompt, form)
    assert inner.calls == []
    made(inner, tmp_path, max_output_tokens=80, **caps).complete(prompt, SCHEMA)
    assert len(inner.calls) == 1


def test_a_day_s_cap_counts_over_syncs_and_ends_with_the_day(tmp_path: Path) -> None:
    inner = Counting(tokens=400)
    made(inner, tmp_path, tokens_per_day=1_000).complete(Prompt("s", "one"), SCHEMA)
    with pytest.raises(OverCap, match="a day"):
        made(inner, tmp_path, tokens_per_day=1_000).complete(Prompt("s", "two " * 300), SCHEMA)
    made(inner, tmp_path, "2026-05-02", tokens_per_day=1_000).complete(Prompt("s", "two " * 300), SCHEMA)
    assert len(inner.calls) == 2


def test_a_rehearsal_counts_on_from_the_day_and_keeps_nothing(tmp_path: Path) -> None:
    made(Counting(tokens=400), tmp_path).complete(Prompt("s", "one"), SCHEMA)
    kept = (tmp_path / "tokens.json").read_bytes()
    rehearsed = made(Counting(), tmp_path, tokens_per_day=2_000).ledger.rehearsal()
    rehearsed.count(500, 500)
    assert rehearsed.spent_today() == 1_800
    with pytest.raises(OverCap, match="1,800 spent"):
        rehearsed.insist(200)
    assert (tmp_path / "tokens.json").read_bytes() == kept


def test_tokens_are_estimated_when_the_provider_does_not_say(tmp_path: Path) -> None:
    provider = made(Counting(tokens=0), tmp_path, tokens_per_sync=500)
    answer = provider.complete(Prompt("s", "word " * 300), SCHEMA)
    assert answer.tokens_in > 300 and answer.tokens_out == 2
    assert (provider.ledger.sent, provider.ledger.received) == (answer.tokens_in, answer.tokens_out)
    with pytest.raises(OverCap):
        provider.complete(Prompt("s", "other " * 300), SCHEMA)


def test_an_answer_of_no_use_is_paid_for_and_a_failure_is_not(tmp_path: Path) -> None:
    inner = Counting()
    provider = made(inner, tmp_path)
    inner.complete = _raising(Unusable("prose"))  # type: ignore[method-assign]
    with pytest.raises(Unusable):
        provider.complete(Prompt("s", "u"), SCHEMA)
    paid = provider.ledger.sent
    inner.complete = _raising(TooLong("no"))  # type: ignore[method-assign]
    with pytest.raises(TooLong):
        provider.complete(Prompt("s", "u"), SCHEMA)
    assert (provider.ledger.calls, provider.ledger.sent) == (1, paid) and paid > 0


def _raising(error: Exception) -> Any:
    def complete(prompt: Prompt, schema: Mapping[str, Any]) -> Answer:
        raise error

    return complete


def test_without_a_folder_it_still_works() -> None:
    inner = Counting()
    provider = made(inner, None)
    provider.complete(Prompt("s", "u"), SCHEMA)
    provider.complete(Prompt("s", "u"), SCHEMA)
    assert len(inner.calls) == 2


@dataclass
class Slow(Counting):
    """Answers when told to, and says when it was asked."""

    asked: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def complete(self, prompt: Prompt, schema: Mapping[str, Any]) -> Answer:
        self.calls.append(prompt.user)
        self.asked.set()
        assert self.go.wait(20)
        if self.fail:
            raise ModelFailed("no")
        return Answer("{}", {"n": 1}, self.model, 50, 50, 1.0)


def test_a_question_that_is_being_asked_is_waited_for_and_no_other_question_is_held_up(
    tmp_path: Path,
) -> None:
    slow, second, other = Slow(), Counting(), Counting()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(made(slow, tmp_path).complete, Prompt("s", "u"), SCHEMA)
        assert slow.asked.wait(20)
        waiting = pool.submit(made(second, tmp_path).complete, Prompt("s", "u"), SCHEMA)
        made(other, tmp_path).complete(Prompt("s", "another"), SCHEMA)
        assert not waiting.done()
        slow.go.set()
        assert waiting.result(20).data == first.result(20).data
    assert (len(slow.calls), second.calls, len(other.calls)) == (1, [], 1)
    assert not list((tmp_path / "answers").glob("*.lock"))


def test_a_question_that_failed_is_asked_by_whoever_waited_for_it(tmp_path: Path) -> None:
    slow, second = Slow(fail=True), Counting()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(made(slow, tmp_path).complete, Prompt("s", "u"), SCHEMA)
        assert slow.asked.wait(20)
        waiting = pool.submit(made(second, tmp_path).complete, Prompt("s", "u"), SCHEMA)
        slow.go.set()
        assert waiting.result(20).data == {"n": 1}
        with pytest.raises(ModelFailed):
            first.result(20)


HELD = """
import fcntl, sys, time
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def test_a_process_that_was_killed_while_it_asked_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached, "PATIENCE", 20.0)
    inner = Counting()
    made(inner, tmp_path).complete(Prompt("s", "u"), SCHEMA)
    (answer,) = (tmp_path / "answers").glob("*.json")
    answer.unlink()
    lock = answer.with_suffix(".lock")
    with subprocess.Popen([sys.executable, "-c", HELD, str(lock)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout and holder.stdout.readline() == b"held\n"
        holder.kill()
    start = time.monotonic()
    made(inner, tmp_path).complete(Prompt("s", "u"), SCHEMA)
    assert len(inner.calls) == 2 and time.monotonic() - start < 10


def test_one_that_takes_too_long_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached, "PATIENCE", 0.05)
    slow, second = Slow(), Counting()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(made(slow, tmp_path).complete, Prompt("s", "u"), SCHEMA)
        assert slow.asked.wait(20)
        made(second, tmp_path).complete(Prompt("s", "u"), SCHEMA)
        slow.go.set()
        first.result(20)
    assert len(second.calls) == 1
