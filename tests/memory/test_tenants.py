"""Tenants of one PostgreSQL, as the application's role: the server itself hides the rows of others."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from agentctx.errors import AgentctxError, Conflict, InvalidInput
from agentctx.flows.memories import Memory
from agentctx.memory import engine
from agentctx.memory.batches import Rows
from agentctx.memory.connections import connect
from agentctx.memory.keys import Keys
from agentctx.memory.load import load
from agentctx.memory.migrations import Migration, migrations
from agentctx.memory.postgres import PostgresDatabase, PostgresSession
from agentctx.memory.store import SqlStore, open_postgres
from agentctx.memory.tenants import TABLES, Tenants, open_tenant, prepare


@pytest.fixture
def tenants(app_dsn: str) -> Iterator[Tenants]:
    opened = Tenants(PostgresDatabase(app_dsn))
    yield opened
    opened.close()


def test_a_thousand_interleaved_requests_of_two_tenants_see_no_foreign_row(tenants: Tenants) -> None:
    names = ("quinn", "zelda")
    memories = {name: Memory(tenants.store(name)) for name in names}
    for name in names:
        for n in range(20):
            memories[name].remember(f"{name} did step {n}")
            memories[name].set_fact(f"service {n}", "owner", name)

    def request(number: int) -> list[str]:
        chance = random.Random(number)
        name = chance.choice(names)
        memory = memories[name]
        seen: list[object] = []
        match chance.randrange(5):
            case 0:
                memory.remember(f"{name} asked {number}")
            case 1:
                memory.set_context(f"task {number % 3}", name)
                seen = [c.value for c in memory.contexts()]
            case 2:
                seen = [hit.item for hit in memory.recall("step service owner asked", 20)]
            case 3:
                seen = [*memory.facts(), *memory.episodes(20)]
            case 4:
                seen = [memory.fact(f"service {number % 20}", "owner")]
        other = names[1 - names.index(name)]
        return [str(item) for item in seen if other in str(item)]

    with ThreadPoolExecutor(8) as pool:
        foreign = [row for rows in pool.map(request, range(1000)) for row in rows]
    assert foreign == []


def test_even_statements_without_conditions_reach_only_the_rows_of_their_tenant(
    tenants: Tenants, app_dsn: str
) -> None:
    for name in ("ada", "bob"):
        memory = Memory(tenants.store(name))
        said = memory.remember(f"{name} said")
        memory.set_fact("x", "owner", name, sources=(("episode", said.id),))
        memory.set_context("task", name)
        memory.store.keep_vectors("m", [(said.id, (1.0, 2.0))])
        memory.remember("of nobody", subject_id="nobody")
        memory.erase("nobody", "test")
    with psycopg.connect(app_dsn) as connection:
        for table in TABLES:
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
        connection.execute("SELECT set_config('agentctx.tenant', 'ada', true)")
        for table in TABLES:
            found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert found is not None and found[0] == 1, table
        assert connection.execute("UPDATE facts SET statement = 'mine'").rowcount == 1
        assert connection.execute("DELETE FROM working_context").rowcount == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE episodes SET tenant_id = 'bob'")


def test_every_table_that_knows_a_tenant_is_under_a_policy(app_dsn: str, empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        known = connection.execute(
            "SELECT table_name FROM information_schema.columns"
            " WHERE column_name = 'tenant_id' AND table_schema = current_schema()"
        ).fetchall()
        forced = connection.execute(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
            " AND relnamespace = current_schema()::regnamespace"
        ).fetchall()
    assert {name for (name,) in known} <= {name for (name,) in forced} == set(TABLES)


def test_a_store_that_names_no_tenant_sees_and_writes_nothing(tenants: Tenants, app_dsn: str) -> None:
    Memory(tenants.store("ada")).remember("hidden")
    bare = SqlStore(PostgresDatabase(app_dsn), "ada")
    assert Memory(bare).episodes() == []
    with pytest.raises(AgentctxError):
        Memory(bare).remember("x")
    bare.close()


def test_the_whole_store_works_as_the_role(tenants: Tenants) -> None:
    memory = Memory(tenants.store("ada"))
    said = memory.remember("Zeb likes tea", subject_id="zeb")
    memory.set_fact("zeb", "drink", "tea", sources=(("episode", said.id),))
    memory.set_fact("zeb", "drink", "coffee", confidence=0.5)
    (pair,) = memory.contradictions()
    memory.resolve(pair.disputed.id, keep=True)
    assert memory.store.restore(memory.rows("/")) > 0
    assert memory.erase("zeb", "asked").counts["episodes"] == 1
    memory.store.sweep(memory.now())


def test_an_import_of_what_another_tenant_has_is_refused_where_it_cannot_be_seen(tenants: Tenants) -> None:
    ada, bob = Memory(tenants.store("ada")), Memory(tenants.store("bob"))
    ada.remember("hers")
    with pytest.raises(Conflict, match="another tenant"):
        bob.store.restore(ada.rows("/"))
    assert bob.episodes() == [] and len(ada.episodes()) == 1


def test_facts_that_another_tenant_has_are_refused_as_episodes_are(tenants: Tenants) -> None:
    ada, bob = Memory(tenants.store("ada")), Memory(tenants.store("bob"))
    ada.set_fact("billing", "owner", "Ada")
    with pytest.raises(Conflict, match="another tenant"):
        bob.store.restore(ada.rows("/"))
    assert bob.facts() == [] and [fact.value for fact in ada.facts()] == ["Ada"]


def test_a_role_on_an_older_schema_is_told_what_the_owner_runs(
    app_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = Migration(99, "newer", "core", "", "ALTER TABLE facts ADD COLUMN newer text")
    monkeypatch.setattr(engine, "migrations", lambda of: (*migrations(of), newer))
    with pytest.raises(AgentctxError) as told:
        open_tenant(app_dsn, "ada")
    assert "agentctx prepare-database" in told.value.hint


def test_the_role_can_use_keys_but_not_make_them(app_dsn: str, empty_database: str) -> None:
    owner, role = PostgresDatabase(empty_database), PostgresDatabase(app_dsn)
    text, key = Keys(owner).new(bytes(range(37)), "ada", "2026-01-01T00:00:00Z")
    assert Keys(role).find(text, "2026-02-01T00:00:00Z") == key
    with pytest.raises(AgentctxError):
        Keys(role).new(bytes(37), "bob", "2026-01-01T00:00:00Z")
    owner.close()
    role.close()


@pytest.mark.parametrize("role", ["nobody_there", "postgres", "x; DROP TABLE facts"])
def test_a_role_that_policies_would_not_bind_is_refused(empty_database: str, role: str) -> None:
    open_postgres(empty_database).close()
    with pytest.raises(InvalidInput):
        prepare(empty_database, role)


def test_a_write_of_one_statement_is_one_message_where_no_policies_ask(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    execute = psycopg.Connection.execute

    def counted(self: Any, query: Any, *more: Any, **named: Any) -> Any:
        sent.append(query)
        return execute(self, query, *more, **named)

    memory = Memory(Tenants(PostgresDatabase(empty_database)).store("ada"))
    memory.remember("makes the namespace")
    monkeypatch.setattr(psycopg.Connection, "execute", counted)
    said = memory.remember("the deploy failed")
    memory.set_context("task", 1)
    assert memory.fact("deploy", "owner") is None
    assert [text.split()[0] for text in sent] == ["INSERT", "INSERT", "SELECT"]
    assert [hit.item.id for hit in memory.recall("deploy")] == [said.id]
    memory.store.close()


def test_a_batch_is_copied_and_a_repeated_id_in_it_is_kept_once(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    copy = PostgresSession.copy

    def counted(self: Any, table: str, *more: Any) -> None:
        copied.append(table)
        copy(self, table, *more)

    monkeypatch.setattr(PostgresSession, "copy", counted)
    store = Tenants(PostgresDatabase(empty_database)).store("ada")
    memory = Memory(store)
    said = [memory.episode(f"the deploy failed {n} times, said 'o\\'brien'\t\\N\n") for n in range(30)]
    store.append(said)
    assert copied == ["episodes"]
    more = [memory.episode(f"the deploy worked {n} times") for n in range(30)]
    store.append([*more, said[0], more[0]])
    assert {e.id: e.content for e in memory.episodes(100)} == {e.id: e.content for e in (*said, *more)}
    assert len(memory.recall("deploy worked", limit=50)) == 50
    store.close()


def test_an_older_database_loses_the_locks_that_all_writers_met_at(empty_database: str) -> None:
    load(Rows(), empty_database)
    database = PostgresDatabase(empty_database)
    names = (
        "SELECT conname FROM pg_constraint"
        " WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
    )
    assert len(database.read(lambda session: session.rows(names))) == 6
    SqlStore(database, "local")
    left = {name for (name,) in database.read(lambda session: session.rows(names))}
    assert left == {"fact_heads_fact_id_fkey", "fact_sources_fact_id_fkey"}
    database.close()


@pytest.mark.parametrize(("said", "used"), [("", "1.1"), (" -crandom_page_cost=2", "2")], ids=["no", "yes"])
def test_pages_are_expected_in_memory_unless_somebody_says_otherwise(
    empty_database: str, said: str, used: str
) -> None:
    with connect(empty_database + said.replace(" ", "%20").replace("=", "%3D")) as connection:
        assert connection.execute("SHOW random_page_cost").fetchone() == (used,)
