"""Memory as a program uses it, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentctx.errors import InvalidInput, NotFound
from agentctx.flows.memories import Memory
from agentctx.memory.store import open_postgres, open_sqlite
from agentctx.model import Episode, Fact, WorkingContext


@pytest.fixture(params=["sqlite", "postgres"])
def memory(request: pytest.FixtureRequest) -> Iterator[Memory]:
    server = request.param == "postgres"
    store = open_postgres(request.getfixturevalue("empty_database")) if server else open_sqlite(None)
    with Memory(store) as opened:
        yield opened


TOKEN = "ghp_" + "a1B2" * 9


def test_a_secret_is_kept_nowhere(memory: Memory) -> None:
    memory.remember(f"said {TOKEN}", actor=TOKEN, metadata={TOKEN: 1, TOKEN[:-1] + "z": 2})
    memory.set_fact(TOKEN, TOKEN, {"a": TOKEN}, metadata={"b": [TOKEN]})
    memory.create_namespace("/x", TOKEN)
    with pytest.raises(NotFound):
        memory.erase("nobody", TOKEN)
    for keep in (
        lambda: memory.remember("x", session_id=TOKEN),
        lambda: memory.remember("x", subject_id=TOKEN),
        lambda: memory.remember("x", namespace=TOKEN),
        lambda: memory.set_fact("a", "b", 1, subject_id=TOKEN),
        lambda: memory.set_context(TOKEN, 1),
        lambda: memory.set_context("k", 1, session_id=TOKEN),
    ):
        with pytest.raises(InvalidInput, match="looks like a secret") as refused:
            keep()
        assert "ghp_" not in str(refused.value)
    held = memory.store.everything("/")
    episodes = list(held.episodes)
    assert "ghp_" not in repr((episodes, list(held.facts), list(held.contexts)))
    assert sorted(episodes[0].metadata.values()) == [1, 2]
    fact = memory.fact(TOKEN, TOKEN)
    assert fact and "redacted" in fact.value["a"]


def test_an_import_takes_in_no_secret(memory: Memory) -> None:
    other = open_sqlite(None)
    at = "2026-01-01T00:00:00Z"
    about = {"subject_id": TOKEN, "metadata": {"m": TOKEN}}
    ident = "01890000-0000-7000-8000-00000000000"
    other.write(
        [Episode(f"{ident}1", "/", "event", TOKEN, at, at, actor=TOKEN, session_id=TOKEN, **about)],
        [Fact(f"{ident}2", "/", TOKEN, "p", [TOKEN], TOKEN, at, at, **about)],
        [WorkingContext("/", TOKEN, {"deep": [TOKEN]}, 0, at)],
    )
    memory.store.restore(memory.taken_in(other.everything("/")))
    held = memory.store.everything("/")
    kept = (list(held.episodes), list(held.facts), list(held.contexts), list(held.heads or ()))
    assert [len(part) for part in kept] == [1, 1, 1, 1] and "ghp_" not in repr(kept)
    fact = memory.fact(TOKEN, "p")
    assert fact and fact.id == f"{ident}2"
    assert memory.facts() == [fact]


def test_facts_that_rest_on_an_expired_episode_alone_go_with_it(memory: Memory) -> None:
    brief = memory.remember("short-lived", expires_at="2026-01-01T00:00:00Z")
    lasting = memory.remember("long-lived")
    memory.set_fact("a", "alone", 1, sources=(("episode", brief.id),))
    memory.set_fact("a", "also", 1, sources=(("episode", brief.id), ("episode", lasting.id)))
    memory.set_fact("a", "own", 1)
    assert memory.store.sweep(memory.now()) == {"facts": 1, "episodes": 1, "working_context": 0}
    assert [fact.property for fact in memory.facts()] == ["also", "own"]
    assert memory.facts()[0].sources == (("episode", lasting.id),)


@pytest.mark.parametrize("levels", [300, 600, 5_000])
def test_a_value_that_is_nested_too_deeply_is_refused(memory: Memory, levels: int) -> None:
    value: object = 1
    for _ in range(levels):
        value = [value]
    for keep in (lambda: memory.set_fact("a", "b", value), lambda: memory.set_context("k", {"x": value})):
        with pytest.raises(InvalidInput, match="nested too deeply"):
            keep()


def test_keys_that_a_store_cannot_tell_apart_are_refused_instead_of_losing_one(memory: Memory) -> None:
    with pytest.raises(InvalidInput, match="two keys"):
        memory.set_context("k", {"a\x00": 1, "a␀": 2})


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
