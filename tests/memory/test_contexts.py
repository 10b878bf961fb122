"""What every keeper of working context promises: the stores, a real Redis, and both together."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agentctx.errors import AgentctxError, Conflict, NotWritable
from agentctx.memory.base import Contexts
from agentctx.memory.canonical import later
from agentctx.memory.redis import open_redis
from agentctx.memory.split import SplitStore
from agentctx.memory.store import open_sqlite
from agentctx.model import WorkingContext

T0 = "2026-03-01T00:00:00.000000Z"


def at(hours: float) -> str:
    return later(T0, hours * 3600)


@pytest.fixture(params=["memory", "sqlite", "redis", "split"])
def contexts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Contexts]:
    made: Contexts
    if request.param in ("redis", "split"):
        made = open_redis(request.getfixturevalue("empty_redis"))
        made = SplitStore(open_sqlite(None), made) if request.param == "split" else made
    else:
        made = open_sqlite(tmp_path / "m.sqlite" if request.param == "sqlite" else None)
    yield made
    made.close()


def context(value: object, hours: float = 0, ttl: float = 0, **more: object) -> WorkingContext:
    made = WorkingContext("/p", "task", value, 0, at(hours), expires_at=at(hours + ttl) if ttl else "")
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, 0, 1.5, "", "☃ \\ ' \x00", [], {"a": [1, {"b": None}]}], ids=repr)
def test_any_json_comes_back_as_it_was(contexts: Contexts, value: object) -> None:
    saved = contexts.save_context(context(value, ttl=2, session_id="s1"))
    assert contexts.context("/p", "task", at(1), "s1") == saved
    assert contexts.context("/p", "task", at(1)) is None
    assert contexts.context("/p", "other", at(1), "s1") is None


def test_versions_count_up_and_a_writer_may_insist_on_one(contexts: Contexts) -> None:
    assert contexts.save_context(context("a"), expected_version=0).version == 1
    assert contexts.save_context(context("b"), expected_version=1).version == 2
    assert contexts.save_context(context("c")).version == 3
    for wrong in (0, 1, 4):
        with pytest.raises(Conflict):
            contexts.save_context(context("d"), expected_version=wrong)
    found = contexts.context("/p", "task", T0)
    assert found is not None and found.value == "c"


def test_what_has_expired_is_absent_for_readers_and_writers(contexts: Contexts) -> None:
    contexts.save_context(context("a", ttl=1))
    assert contexts.context("/p", "task", at(0.999)) is not None
    assert contexts.context("/p", "task", at(1)) is None
    assert contexts.contexts("/", at(1)) == []
    with pytest.raises(Conflict):
        contexts.save_context(context("b", 2), expected_version=1)
    assert contexts.save_context(context("b", 2), expected_version=0).value == "b"


def test_a_listing_covers_descendants_and_takes_names_literally(contexts: Contexts) -> None:
    for space in ("/a_b", "/axb", "/a_b/c", "/a*"):
        contexts.save_context(context("x", namespace=space, key='odd " [key]*'))
    assert [c.namespace for c in contexts.contexts("/a_b", T0)] == ["/a_b", "/a_b/c"]
    assert [c.namespace for c in contexts.contexts("a*", T0)] == ["/a*"]
    assert len(contexts.contexts("/", T0)) == 4


def test_a_cleared_context_is_gone(contexts: Contexts) -> None:
    contexts.save_context(context("a"))
    assert contexts.clear_context("/p", "task") is True
    assert contexts.clear_context("/p", "task") is False
    assert contexts.context("/p", "task", T0) is None


def test_of_many_writers_that_insist_on_one_version_one_wins(contexts: Contexts) -> None:
    contexts.save_context(context("start"))
    won: list[str] = []

    def write(name: str) -> None:
        try:
            contexts.save_context(context(name), expected_version=1)
            won.append(name)
        except Conflict:
            return

    writers = [threading.Thread(target=write, args=(f"w{n}",)) for n in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = contexts.context("/p", "task", T0)
    assert found is not None and [found.value] == won and found.version == 2


def test_redis_itself_forgets_what_has_expired(empty_redis: str) -> None:
    import redis

    contexts = open_redis(empty_redis, "team")
    contexts.save_context(context("x", ttl=0.05 / 3600))
    client = redis.Redis.from_url(empty_redis)
    assert client.dbsize() == 1
    time.sleep(0.2)
    assert client.dbsize() == 0
    contexts.close()


def test_tenants_of_one_redis_do_not_see_each_other(empty_redis: str) -> None:
    ada, bob = open_redis(empty_redis, "ada"), open_redis(empty_redis, "b*")
    ada.save_context(context("secret"))
    assert bob.context("/p", "task", T0) is None and bob.contexts("/", T0) == []
    assert bob.clear_context("/p", "task") is False
    assert len(ada.contexts("/", T0)) == 1


def test_a_redis_that_does_not_answer_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(AgentctxError, match="Redis cannot be reached"):
        open_redis(f"unix://{tmp_path}/none.sock")
    with pytest.raises(AgentctxError, match="the address names no Redis"):
        open_redis("nonsense")


def test_the_version_of_a_cleared_context_does_not_come_back(contexts: Contexts) -> None:
    seen = contexts.save_context(context("mine")).version
    assert [contexts.clear_context("/p", "task") for _ in range(2)] == [True, False]
    assert contexts.context("/p", "task", at(1)) is None and contexts.contexts("/", at(1)) == []
    assert contexts.save_context(context("theirs", 2), expected_version=0).version > seen
    with pytest.raises(Conflict):
        contexts.save_context(context("blind", 3), expected_version=seen)


ODD = (
    "team",
    "team:b",
    'team:["/p", "", "task"]',
    "team%3Ab",
    "*",
    "t?am",
    "../x",
    "команда ☃",
    "[t]eam",
    "\\",
)


def test_no_name_of_a_tenant_is_mistaken_for_that_of_another(empty_redis: str) -> None:
    import redis

    with redis.Redis.from_url(empty_redis) as client:
        for foreign in (
            "agentctx:team:b:x",
            "agentctx:team:[1]",
            'agentctx:team:["/p",1,2]',
            "agentctx:team:[]",
        ):
            client.set(foreign, "of another program")
    tenants = [open_redis(empty_redis, name) for name in ODD]
    for one in tenants:
        one.save_context(context(one.tenant))
        one.save_context(context(one.tenant, namespace="/p/deeper"))
    for one in tenants:
        assert [found.value for found in one.contexts("/", T0)] == [one.tenant] * 2
        assert [found.namespace for found in one.contexts("/p/deeper", T0)] == ["/p/deeper"]
    tenants[0].clear_context("/p", "task")
    assert [len(one.contexts("/", T0)) for one in tenants] == [1, *[2] * (len(ODD) - 1)]


def test_an_export_holds_what_redis_has_and_not_what_the_database_had_before(
    empty_redis: str, tmp_path: Path
) -> None:
    database = open_sqlite(tmp_path / "m.sqlite")
    for key in ("stale", "task"):
        database.save_context(context("from before", key=key))
    store = SplitStore(database, open_redis(empty_redis))
    store.save_context(context("now", 1, ttl=5))
    store.save_context(context("elsewhere", 1, namespace="/q"))
    store.save_context(context("over", 1, key="cleared"))
    store.clear_context("/p", "cleared")
    found = store.everything("/p")
    assert [(c.key, c.value, c.expires_at) for c in found.contexts] == [("task", "now", at(6))]
    (gone,) = found.removals
    assert (gone.namespace, gone.key, gone.seen_at) == ("/p", "cleared", at(1))
    assert len(list(store.everything().contexts)) == 2


def test_what_comes_back_into_redis_takes_the_place_of_what_is_older_and_of_nothing_newer(
    empty_redis: str, tmp_path: Path
) -> None:
    here = SplitStore(open_sqlite(None), open_redis(empty_redis, "here"))
    there = SplitStore(open_sqlite(None), open_redis(empty_redis, "there"))
    for key in ("older", "newer", "cleared", "saved anew"):
        there.save_context(context("there", 3 if key in ("newer", "saved anew") else 0, key=key))
        here.save_context(context("here", 1, key=key))
    for key in ("cleared", "saved anew"):
        here.clear_context("/p", key)
    for _ in range(2):
        assert there.restore(here.everything()) >= 2
        held = {c.key: (c.value, c.version) for c in there.contexts("/", at(4))}
        assert held == {"older": ("here", 2), "newer": ("there", 1), "saved anew": ("there", 1)}
    database = open_sqlite(tmp_path / "copy.sqlite")
    database.save_context(context("copied", key="cleared"))
    database.restore(here.everything())
    assert [c.key for c in database.contexts("/", at(4))] == ["newer", "older"]


def test_a_redis_that_is_full_is_one_that_cannot_be_written(empty_redis: str) -> None:
    import redis

    contexts = open_redis(empty_redis)
    kept = contexts.save_context(context("kept"))
    with redis.Redis.from_url(empty_redis) as client:
        client.config_set("maxmemory", "1")
        try:
            with pytest.raises(NotWritable, match=r"Redis refused: .*maxmemory"):
                contexts.save_context(context("more", 1))
            assert contexts.context("/p", "task", at(1)) == kept
        finally:
            client.config_set("maxmemory", "0")
    assert contexts.save_context(context("more", 1)).version == 2
