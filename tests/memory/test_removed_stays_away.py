"""What was removed on purpose does not come back, whoever still holds it and however it comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agentctx.memory import engine
from agentctx.memory.base import Window
from agentctx.memory.batches import Rows
from agentctx.memory.engine import migrate
from agentctx.memory.ids import derived
from agentctx.memory.load import load
from agentctx.memory.migrations import migrations
from agentctx.memory.postgres import PostgresDatabase
from agentctx.memory.recall import recall
from agentctx.memory.redis import open_redis
from agentctx.memory.split import SplitStore
from agentctx.memory.store import SqlStore, open_postgres, open_sqlite
from agentctx.model import Episode, Fact, WorkingContext
from tests.repository import TempRepo

NOW = "2026-03-01T12:00:00.000000Z"
LATER = "2026-03-01T13:00:00.000000Z"
SAID = Episode(derived("secret"), "/x", "event", "the quokka secret", NOW, NOW, subject_id="zed")


def fact(name: str, *sources: tuple[str, str], value: object = 1) -> Fact:
    return Fact(derived(name), "/x", name, "is", value, f"{name} is {value}", NOW, NOW, sources=sources)


RESTS, ALSO, TOLD = (
    fact("rests", ("episode", SAID.id)),
    fact("also", ("episode", SAID.id), ("url", "https://example.org")),
    replace(fact("told"), subject_id="zed"),
)
HELD = WorkingContext("/x", "task", {"step": 1}, 1, NOW)


def filled() -> SqlStore:
    store = open_sqlite(None)
    store.write([SAID], [ALSO, TOLD], [HELD])
    return store


def told_elsewhere() -> Rows:
    """What another machine holds: the same, and a fact that was drawn there from what was said."""
    store = open_sqlite(None)
    store.restore(filled().everything())
    store.write((), [RESTS])
    return store.everything()


def forgotten() -> SqlStore:
    store = filled()
    store.erase("zed", "", NOW)
    store.clear_context("/x", "task")
    return store


def held(store: SqlStore) -> tuple[list[str], list[str], list[object]]:
    rows = store.everything()
    texts = [episode.content for episode in rows.episodes]
    return texts, [one.entity for one in rows.facts], [context.value for context in rows.contexts]


LEFT: tuple[list[str], list[str], list[object]] = ([], ["also"], [])


def test_an_import_says_how_many_rows_it_kept_away_and_finds_none_of_them() -> None:
    store, away = forgotten(), list[int]()
    for _ in range(2):
        store.restore(told_elsewhere(), away.append)
        assert held(store) == LEFT
    assert away == [4, 4]
    assert recall(store, "quokka", Window("/", NOW)) == []
    assert [head.entity for head in store.everything().heads or ()] == ["also"]
    assert RESTS.id in {removal.id for removal in store.everything().removals}
    store.restore(Rows((), (), [replace(HELD, value=2, version=9, updated_at=LATER)]))
    assert held(store)[2] == [2]


@pytest.mark.parametrize("served", [False, True], ids=["an export's schema", "a server's schema"])
@pytest.mark.parametrize("way", ["live", "row by row", "dump"])
def test_who_still_holds_it_exports_the_rest(
    way: str, served: bool, empty_database: str, psql: Callable[..., str], tmp_path: Path
) -> None:
    if served:
        open_postgres(empty_database).close()
    from agentctx.flows.export import export_postgres

    def send(rows: Rows) -> None:
        if way == "dump":
            export_postgres(rows, tmp_path / "dump.sql")
            psql(empty_database, file=tmp_path / "dump.sql")
        else:
            load(rows, empty_database, batch_size=1 if way == "row by row" else 5_000)

    send(filled().everything())
    send(forgotten().everything())
    for _ in range(2):
        send(told_elsewhere())
        store = open_postgres(empty_database)
        assert held(store) == LEFT
        store.close()


def test_no_word_of_it_stays_in_the_database_of_an_older_version(
    empty_database: str, psql: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    older = {of: migrations(of) for of in ("core", "postgres")}
    with monkeypatch.context() as before:
        before.setattr(engine, "migrations", lambda of: [m for m in older[of] if m.version < 7])
        PostgresDatabase(empty_database).create(lambda session: migrate(session, "postgres"))
        load(Rows([SAID]), empty_database)
        psql(empty_database, f"INSERT INTO search VALUES ('{SAID.id}', 'quokka')")
    load(forgotten().everything(), empty_database)
    assert psql(empty_database, "SELECT to_regclass('search') IS NULL") == "t"
    assert psql(empty_database, "SELECT count(*) FROM episodes") == "0"


def test_of_a_backup_with_both_lines_the_removal_counts() -> None:
    store = open_sqlite(None)
    rows = filled().everything()
    store.restore(replace(rows, removals=forgotten().everything().removals))
    assert held(store) == LEFT


def test_an_earlier_clearing_does_not_take_the_place_of_a_later_one() -> None:
    store = forgotten()
    store.save_context(replace(HELD, updated_at=LATER))
    store.clear_context("/x", "task")
    store.restore(Rows(removals=forgotten().everything().removals))
    store.restore(Rows((), (), [replace(HELD, updated_at=LATER)]))
    assert held(store)[2] == []


def test_a_context_that_was_cleared_in_redis_stays_cleared(empty_redis: str) -> None:
    store, away = SplitStore(open_sqlite(None), open_redis(empty_redis)), list[int]()
    store.restore(filled().everything())
    store.clear_context("/x", "task")
    store.restore(filled().everything(), away.append)
    assert (store.contexts("/", NOW), away) == ([], [1])
    store.restore(Rows((), (), [replace(HELD, value=2, updated_at=LATER)]))
    assert [context.value for context in store.contexts("/", NOW)] == [2]
    store.close()


def test_the_command_tells_what_it_kept_away(repo: TempRepo, tmp_path: Path) -> None:
    repo.commit("code", {"a.py": "x = 1\n"})
    repo.agentctx("init")
    repo.agentctx("episode", "add", "the quokka secret", "--subject", "zed")
    out = tmp_path / "rows.jsonl"
    repo.agentctx("export", "jsonl", "--only", "memory", "--out", str(out))
    repo.agentctx("forget", "--subject", "zed")
    done = repo.agentctx("import", "jsonl", str(out))
    assert done.returncode == 0 and "1 row kept away" in done.stderr
