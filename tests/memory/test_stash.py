"""The rules of ephemeral working memory, on every store."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentctx.errors import InvalidInput, NotFound
from agentctx.memory.base import Contexts
from agentctx.memory.canonical import later
from agentctx.memory.redis import open_values
from agentctx.memory.stash import (
    ENTERPRISE,
    FREE,
    HOUR,
    PRO,
    Bucket,
    Intake,
    LengthMismatch,
    Stash,
    Tier,
    TooLarge,
    short_id,
    valid_id,
)
from agentctx.memory.store import open_postgres, open_sqlite

T0 = "2026-03-01T00:00:00.000000Z"


def at(seconds: float) -> str:
    return later(T0, seconds)


@pytest.fixture(params=["memory", "sqlite", "postgres", "redis"])
def stash(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stash]:
    numbers = itertools.count(1)
    store: Contexts
    if request.param == "redis":
        store = open_values(request.getfixturevalue("empty_redis"))
    elif request.param == "postgres":
        store = open_postgres(request.getfixturevalue("empty_database"))
    else:
        store = open_sqlite(tmp_path / "m.sqlite" if request.param == "sqlite" else None)
    yield Stash(store, lambda count: next(numbers).to_bytes(count, "big"))
    store.close()


@pytest.mark.parametrize("data", [None, 0, "", [], {"a": [1, None]}, "☃ \\ '"], ids=repr)
def test_a_value_comes_back_with_the_time_it_has_left(stash: Stash, data: object) -> None:
    kept = stash.put("ada", data, T0, ttl=100)
    found = stash.get("ada", kept.memory_id, at(40.5))
    assert (found.data, found.ttl_remaining, found.expires_at) == (data, 60, at(100))
    assert len(kept.memory_id) == 8 and kept.memory_id.isalnum()


def test_wall_nobody_reads_changes_or_removes_the_value_of_another(stash: Stash) -> None:
    kept = stash.put("ada", "secret", T0)
    with pytest.raises(NotFound) as absent:
        stash.get("bob", "AAAAAAAA", T0)
    for attempt in (
        lambda: stash.get("bob", kept.memory_id, T0),
        lambda: stash.update("bob", kept.memory_id, T0, data="x"),
        lambda: stash.forget("bob", kept.memory_id, T0),
    ):
        with pytest.raises(NotFound) as told:
            attempt()
        assert told.value.message.replace(kept.memory_id, "AAAAAAAA") == absent.value.message
    assert stash.get("ada", kept.memory_id, T0).data == "secret"


def test_expiry_a_value_is_gone_when_its_time_is_over(stash: Stash) -> None:
    kept = stash.put("ada", "x", T0, ttl=10)
    assert stash.get("ada", kept.memory_id, at(9.999)).ttl_remaining == 1
    for call in (stash.get, stash.forget):
        with pytest.raises(NotFound):
            call("ada", kept.memory_id, at(10))
    with pytest.raises(NotFound):
        stash.update("ada", kept.memory_id, at(10), extra_seconds=5)


def test_extend_adds_to_what_remains_and_stops_at_the_maximum(stash: Stash) -> None:
    kept = stash.put("ada", "x", T0, PRO, ttl=HOUR)
    longer = stash.update("ada", kept.memory_id, at(355), PRO, extra_seconds=1800)
    assert longer.ttl_remaining == 3245 + 1800 == 5045
    assert longer.data == "x"
    most = stash.update("ada", kept.memory_id, at(355), PRO, extra_seconds=10**9)
    assert most.ttl_remaining == PRO.max_ttl


def test_an_extension_under_a_lower_tier_takes_no_time_away(stash: Stash) -> None:
    kept = stash.put("ada", "x", T0, ENTERPRISE, ttl=5 * HOUR)
    assert stash.update("ada", kept.memory_id, T0, FREE, extra_seconds=1).ttl_remaining == 5 * HOUR


def test_update_replaces_the_data_and_null_is_a_value(stash: Stash) -> None:
    kept = stash.put("ada", {"a": 1}, T0, ttl=100)
    assert stash.update("ada", kept.memory_id, at(10), data=None).ttl_remaining == 90
    assert stash.get("ada", kept.memory_id, at(10)).data is None
    both = stash.update("ada", kept.memory_id, at(10), data=[2], extra_seconds=5)
    assert (both.data, both.ttl_remaining) == ([2], 95)
    with pytest.raises(InvalidInput, match="nothing to update"):
        stash.update("ada", kept.memory_id, at(10))


def test_bloat_data_over_the_limit_of_the_tier_is_refused(stash: Stash) -> None:
    small = Tier("small", 10, 60, 60, 60)
    kept = stash.put("ada", "12345678", T0, small)
    for call in (
        lambda: stash.put("ada", "123456789", T0, small),
        lambda: stash.update("ada", kept.memory_id, T0, small, data="☃☃☃"),
    ):
        with pytest.raises(TooLarge):
            call()
    assert stash.get("ada", kept.memory_id, T0).data == "12345678"


def test_a_forgotten_value_is_gone(stash: Stash) -> None:
    kept = stash.put("ada", "x", T0)
    stash.forget("ada", kept.memory_id, T0)
    with pytest.raises(NotFound):
        stash.forget("ada", kept.memory_id, T0)


@pytest.mark.parametrize("ttl", [0, -1, 1.5, "60", True], ids=repr)
def test_a_ttl_is_a_positive_whole_number(stash: Stash, ttl: object) -> None:
    with pytest.raises(InvalidInput, match="positive whole number"):
        stash.put("ada", "x", T0, ttl=ttl)  # type: ignore[arg-type]


def test_a_ttl_is_cut_to_the_maximum_of_the_tier(stash: Stash) -> None:
    tiers = [stash.put("ada", "x", T0, tier, ttl=10**9).ttl_remaining for tier in (FREE, PRO, ENTERPRISE)]
    assert tiers == [HOUR, 24 * HOUR, 7 * 24 * HOUR]
    assert stash.put("ada", "x", T0).ttl_remaining == HOUR


def test_a_taken_id_is_drawn_again_and_in_the_end_a_uuid_is_used() -> None:
    draws: Iterator[bytes] = itertools.chain([b"\x01"] * 2, [b"\x02"], itertools.repeat(b"\x01"))
    store = open_sqlite(None)
    stash = Stash(store, lambda count: next(draws) * count)
    ids = [stash.put("ada", n, T0).memory_id for n in range(3)]
    assert [len(ident) for ident in ids] == [8, 8, 36]
    assert [stash.get("ada", ident, T0).data for ident in ids] == [0, 1, 2]
    store.close()


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("Ab3dEf9z", True),
        ("0b0c1bb0-5f4e-4b52-8f51-1a2b3c4d5e6f", True),
        ("short", False),
        ("Ab3dEf9_", False),
        ("x:Ab3dEf", False),
        ("../../ab", False),
        ("０１２３４５６７", False),
        ("", False),
    ],
    ids=lambda value: str(value)[:20],
)
def test_an_id_has_one_of_two_forms(text: str, valid: bool) -> None:
    assert valid_id(text) is valid


def test_short_ids_use_every_character_about_equally() -> None:
    seen = "".join(short_id((n * 2654435761**3).to_bytes(16, "big")) for n in range(1, 3000))
    assert len(set(seen)) == 62


def test_liar_a_body_must_be_as_long_as_declared() -> None:
    short = Intake(limit=100, declared=10)
    short.add(9)
    with pytest.raises(LengthMismatch):
        short.finish()
    long = Intake(limit=100, declared=10)
    long.add(10)
    with pytest.raises(LengthMismatch):
        long.add(1)
    exact = Intake(limit=100, declared=10)
    exact.add(10)
    exact.finish()
    assert exact.received == 10


def test_bloat_a_body_is_refused_before_it_is_read_or_as_soon_as_it_is_too_long() -> None:
    with pytest.raises(TooLarge):
        Intake(limit=10, declared=11)
    streamed = Intake(limit=10)
    streamed.add(10)
    with pytest.raises(TooLarge):
        streamed.add(1)


def test_flood_a_key_has_a_burst_and_then_its_rate() -> None:
    bucket = Bucket(per_minute=60, burst=10)
    waits = [bucket.take(100.0) for _ in range(12)]
    assert waits[:10] == [0.0] * 10
    assert waits[10] == waits[11] == 1.0
    assert bucket.take(101.0) == 0.0
    assert bucket.take(101.5) == pytest.approx(0.5)
    assert [Bucket(0, 10).take(0.0) for _ in range(1000)] == [0.0] * 1000
    assert bucket.take(50.0) > 0  # a clock that steps back gives nothing away
    assert bucket.take(101.5) > 0


@pytest.mark.parametrize("name", ["plan:1", "b:plan", "100%", "100%25", "\x00", "☃", "../x"])
def test_a_chosen_name_is_its_users_alone(stash: Stash, name: str) -> None:
    stash.named = True
    users = ("a", "a:b", "a%3Ab", "*", "a:b:plan")
    for user in users:
        stash.set(user, name, f"of {user}", T0)
    assert [stash.get(user, name, T0).data for user in users] == [f"of {user}" for user in users]
    with pytest.raises(NotFound):
        stash.get("a", f"b:{name}", T0)
