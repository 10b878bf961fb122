"""Memory as a program uses it, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentctx.flows.memories import Memory
from agentctx.memory.store import open_postgres, open_sqlite


@pytest.fixture(params=["sqlite", "postgres"])
def memory(request: pytest.FixtureRequest) -> Iterator[Memory]:
    server = request.param == "postgres"
    store = open_postgres(request.getfixturevalue("empty_database")) if server else open_sqlite(None)
    with Memory(store) as opened:
        yield opened


@pytest.mark.parametrize("before", [0, 19_998, 20_050, 90_000])
def test_a_word_is_found_wherever_it_stands_in_a_long_text(memory: Memory, before: int) -> None:
    made = memory.remember(("x " * before)[:before] + "\nzeppelin")
    memory.set_fact("log", "of today", "y " * before + "balloon")
    memory.remember("something else")
    assert [hit.item.id for hit in memory.recall("zeppelin")] == [made.id]
    assert [getattr(hit.item, "entity", "") for hit in memory.recall("balloon")] == ["log"]


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", "a␀b"], ids=["nul", "surrogate", "picture"])
def test_what_was_saved_under_an_odd_name_is_found_under_it(memory: Memory, name: str) -> None:
    memory.set_context(name, 1, session_id=name)
    memory.set_fact(name, name, 2)
    memory.remember("said", session_id=name)
    memory.create_namespace("/odd", name)
    found = memory.context(name, session_id=name)
    assert found and found.value == 1
    fact = memory.fact(name, name)
    assert fact and fact.value == 2
    assert memory.facts(name) == memory.history(name, name) == [fact]
    assert [episode.content for episode in memory.episodes(session_id=name)] == ["said"]
    assert memory.clear_context(name, session_id=name)
    assert memory.context(name, session_id=name) is None
