"""One PostgreSQL that several people fill: with values of their own, with psql, as an owner like others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentctx.flows.export import export_postgres, export_postgres_dsn, rows_of_repository
from agentctx.flows.memories import Memory
from agentctx.memory import engine
from agentctx.memory.base import Window
from agentctx.memory.batches import Rows
from agentctx.memory.engine import migrate
from agentctx.memory.ids import derived
from agentctx.memory.load import load
from agentctx.memory.migrations import migrations
from agentctx.memory.postgres import PostgresDatabase
from agentctx.memory.recall import recall
from agentctx.memory.rows import namespace_id
from agentctx.memory.store import SqlStore, open_postgres, open_sqlite
from agentctx.memory.tenants import open_tenant, prepare
from agentctx.model import Fact, NoteHistory
from tests.memory.conftest import ROLE, Server

Send = Callable[[Memory], None]
NOW = "2026-03-01T12:00:00.000000Z"
OWNER = "agentctx_owner"


def memory_of(name: str, day: int, sure: float = 1.0) -> Memory:
    """The memory of one clone, which says who owns billing."""
    memory = Memory(open_sqlite(None), clock=lambda: f"2026-03-{day:02d}T00:00:00+00:00")
    memory.set_fact("billing", "owner", name, confidence=sure)
    return memory


def sender(way: str, dsn: str, psql: Callable[..., str], folder: Path) -> Send:
    """Exports a memory into one database: in one batch, in many, or as a dump that psql loads."""

    def send(memory: Memory) -> None:
        rows = memory.rows("/shop")
        if way == "dump":
            export_postgres(rows, folder / "dump.sql")
            psql(dsn, file=folder / "dump.sql")
        else:
            load(rows, dsn, batch_size=1 if way == "row by row" else 5_000)

    return send


HELD = (
    "SELECT f.value, f.status, h.version FROM facts f LEFT JOIN fact_heads h ON h.fact_id = f.id"
    " ORDER BY f.valid_at, f.value"
)


@pytest.mark.parametrize("served", [False, True], ids=["an export's schema", "a server's schema"])
@pytest.mark.parametrize("way", ["live", "row by row", "dump"])
def test_two_clones_that_export_one_key_leave_one_value_however_often(
    way: str, served: bool, empty_database: str, psql: Callable[..., str], tmp_path: Path
) -> None:
    if served:
        open_postgres(empty_database).close()
    alice, bob = memory_of("Alice", 1), memory_of("Bob", 2)
    send = sender(way, empty_database, psql, tmp_path)
    send(alice)
    for memory in (bob, alice, bob, alice):
        send(memory)
        assert psql(empty_database, HELD).splitlines() == ['"Alice"|superseded|', '"Bob"|active|2']
    store = open_postgres(empty_database)
    assert [hit.item.value for hit in Memory(store).recall("billing owner", episodes=False)] == ["Bob"]  # type: ignore[union-attr]
    store.close()


@pytest.mark.parametrize("way", ["live", "dump"])
def test_a_less_sure_value_of_another_clone_is_a_contradiction(
    way: str, empty_database: str, psql: Callable[..., str], tmp_path: Path
) -> None:
    send = sender(way, empty_database, psql, tmp_path)
    for memory in (memory_of("Bob", 2, sure=0.5), memory_of("Alice", 1)):
        send(memory)
    assert psql(empty_database, HELD).splitlines() == ['"Alice"|active|2', '"Bob"|disputed|']


def test_an_export_of_notes_leaves_what_was_remembered_in_their_namespace(
    empty_database: str, psql: Callable[..., str]
) -> None:
    drawn = Memory(open_sqlite(None))
    drawn.set_fact("dependency flask", "version", "==2.0", origin="git", extractor="rule: manifest")
    export_postgres_dsn(drawn.rows("/shop"), empty_database)
    export_postgres_dsn(rows_of_repository((), NoteHistory("", (), (), ()), (), "/shop", NOW), empty_database)
    assert psql(empty_database, "SELECT status FROM facts") == "active"


# --------------------------------------------------------------------------- loaded with psql


def test_rows_that_psql_loaded_are_found_when_a_store_opens_and_before_a_sweep(
    empty_database: str, psql: Callable[..., str], tmp_path: Path
) -> None:
    serving = open_postgres(empty_database)
    source = Memory(open_sqlite(None))
    send = sender("dump", empty_database, psql, tmp_path)

    def found(store: SqlStore, word: str) -> int:
        return len(recall(store, word, Window("/", source.now())))

    source.remember("the turbine failed")
    send(source)
    opened = open_postgres(empty_database)
    assert found(opened, "turbine") == 1
    opened.close()
    source.set_fact("boiler", "owner", "Ada")
    send(source)
    assert found(serving, "boiler") == 0
    serving.sweep(source.now())
    assert found(serving, "boiler") == 1
    serving.close()


# --------------------------------------------------------------------------- an owner like any other


@pytest.fixture
def owner_dsn(postgres_server: Server) -> str:
    """An empty schema of a role that policies bind as they bind everybody, though it owns the tables."""
    dsn = postgres_server.database()
    schema = dsn.rpartition("%3D")[2]
    for role in (OWNER, ROLE):
        made = f"CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL"
        postgres_server.psql(dsn, f"DO $$ BEGIN {made}; END $$")
    postgres_server.psql(
        dsn, f"ALTER SCHEMA {schema} OWNER TO {OWNER}; GRANT USAGE ON SCHEMA {schema} TO {ROLE}"
    )
    return dsn.replace("postgres@", f"{OWNER}@")


@pytest.mark.parametrize("way", ["live", "row by row", "dump"])
def test_an_owner_who_is_no_superuser_fills_a_prepared_database(
    way: str, owner_dsn: str, psql: Callable[..., str], tmp_path: Path
) -> None:
    prepare(owner_dsn, ROLE)
    alice, bob = memory_of("Alice", 1), memory_of("Bob", 2)
    bob.set_context("task", {"step": 1})
    gone = bob.remember("a word about the deploy").id
    send = sender(way, owner_dsn, psql, tmp_path)
    for memory in (alice, bob, alice):
        send(memory)
    bob.forget([gone])
    send(bob)
    store = open_tenant(owner_dsn.replace(OWNER, ROLE), "local")
    memory = Memory(store, clock=bob.now)
    assert [fact.value for fact in memory.facts()] == ["Bob"]
    assert [context.value for context in memory.contexts()] == [{"step": 1}]
    assert memory.episodes() == []
    assert len(memory.recall("billing owner")) == 1
    store.close()
    other = open_tenant(owner_dsn.replace(OWNER, ROLE), "other")
    assert Memory(other).facts() == []
    other.close()


def test_the_role_of_a_server_exports_too_and_only_as_its_tenant(owner_dsn: str) -> None:
    prepare(owner_dsn, ROLE)
    role = owner_dsn.replace(OWNER, ROLE)
    export_postgres_dsn(memory_of("Alice", 1).rows("/shop"), role)
    store = open_tenant(role, "local")
    assert [fact.value for fact in Memory(store).facts()] == ["Alice"]
    store.close()


def test_an_owner_who_is_no_superuser_migrates_the_rows_of_all_tenants(
    owner_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = {of: migrations(of) for of in ("core", "postgres")}
    with monkeypatch.context() as before:
        before.setattr(engine, "migrations", lambda of: [m for m in older[of] if m.version < 7])
        database = PostgresDatabase(owner_dsn)
        database.create(lambda session: migrate(session, "postgres"))
        database.close()
    said = {tenant: derived("said", tenant) for tenant in ("ada", "bob")}
    with psycopg.connect(owner_dsn) as connection:
        for tenant, ident in said.items():
            space = namespace_id(tenant, "/")
            connection.execute("INSERT INTO namespaces VALUES (%s, %s, '/', '', %s)", (space, tenant, NOW))
            connection.execute(
                "INSERT INTO episodes (id, tenant_id, namespace_id, kind, actor, content, content_sha256,"
                " metadata, occurred_at, recorded_at)"
                " VALUES (%s, %s, %s, 'event', 'a', 'turbine failed', '', '{}', %s, %s)",
                (ident, tenant, space, NOW, NOW),
            )
            connection.execute("INSERT INTO search VALUES (%s, 'turbin')", (ident,))
        for table in ("namespaces", "episodes", "facts"):
            connection.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            connection.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    prepare(owner_dsn, ROLE)
    with psycopg.connect(owner_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM episodes").fetchone() == (0,)
        connection.execute("SELECT set_config('agentctx.tenant', 'bob', true)")
        assert connection.execute("SELECT words FROM episodes").fetchall() == [("'turbin'",)]
    for tenant, ident in said.items():
        store = open_tenant(owner_dsn.replace(OWNER, ROLE), tenant)
        assert [hit.item.id for hit in recall(store, "turbines", Window("/", NOW))] == [ident]
        store.close()


# --------------------------------------------------------------------------- the same value, said twice


def restated(told: list[tuple[str, str, float]]) -> list[Memory]:
    """Memories that say a value one day after the other: with how it ends, and how sure it is."""
    made = []
    for day, (value, expires_at, sure) in enumerate(told, 1):
        memory = memory_of("Ada", day)
        memory.set_fact("v", "v", value, expires_at=expires_at, confidence=sure)
        made.append(memory)
    return made


SOON = "2026-03-09T00:00:00Z"
RESTATED = [
    ([("same", "", 1.0), ("same", SOON, 1.0)], "same"),
    ([("same", SOON, 1.0), ("same", "", 1.0)], "same"),
    ([("same", "", 0.5), ("same", SOON, 1.0)], "same"),
    ([("same", "", 1.0), ("same", "", 0.5)], "same"),
    ([("same", "", 1.0), ("other", "", 0.7), ("same", "", 0.5)], "same"),
    ([("same", "", 1.0), ("other", "", 1.0), ("same", SOON, 1.0)], None),
]


@pytest.mark.parametrize("way", ["import", "live", "dump"])
@pytest.mark.parametrize(
    ("told", "known"),
    RESTATED,
    ids=["shorter", "longer", "surer but shorter", "less sure", "less sure after another", "after another"],
)
def test_a_restatement_never_takes_a_lasting_value_away(
    told: list[tuple[str, str, float]],
    known: str | None,
    way: str,
    empty_database: str,
    psql: Callable[..., str],
    tmp_path: Path,
) -> None:
    memories = restated(told)
    store = open_sqlite(None) if way == "import" else open_postgres(empty_database)
    send = sender(way, empty_database, psql, tmp_path)
    for memory in (*memories, *memories[:1], *memories):
        if way == "import":
            store.restore(memory.rows("/shop"))
        else:
            send(memory)
        assert store.fact("/shop", "v", "v", "2026-03-08T00:00:00Z")
    later = store.fact("/shop", "v", "v", "2026-04-01T00:00:00Z")
    assert (later.value if later else None) == known
    disputed = [one.disputed.value for one in store.contradictions("/", "2026-03-08T00:00:00Z")]
    assert "same" not in disputed
    store.close()


# --------------------------------------------------------------------------- the winner is forgotten


@pytest.mark.parametrize("way", ["import", "live", "row by row", "dump"])
def test_a_value_holds_again_once_that_of_another_clone_is_forgotten(
    way: str, empty_database: str, psql: Callable[..., str], tmp_path: Path
) -> None:
    store = open_sqlite(None) if way == "import" else open_postgres(empty_database)
    to_database = sender(way, empty_database, psql, tmp_path)

    def send(memory: Memory) -> str:
        if way == "import":
            store.restore(memory.rows("/shop"))
        else:
            to_database(memory)
        fact = store.fact("/shop", "billing", "owner", "2026-03-09T00:00:00Z")
        head = store.head("/shop", "billing", "owner")
        assert (head.fact_id if head else None) == (fact.id if fact else None)
        return fact.value if fact else ""

    alice, bob, cyd = memory_of("Alice", 1), memory_of("Bob", 2), memory_of("Cyd", 3)
    assert [send(memory) for memory in (alice, bob, cyd)] == ["Alice", "Bob", "Cyd"]
    bob.forget([fact.id for fact in bob.facts()])
    assert [send(memory) for memory in (bob, alice)] == ["Cyd", "Cyd"]
    cyd.forget([fact.id for fact in cyd.facts()])
    assert [send(memory) for memory in (cyd, alice, bob)] == ["Alice", "Alice", "Alice"]
    store.close()


def test_what_its_own_clone_had_ended_does_not_hold_again(empty_database: str) -> None:
    alice = memory_of("Alice", 1)
    older = Rows((), list(alice.rows("/shop").facts))
    alice = Memory(alice.store, clock=lambda: "2026-03-02T00:00:00+00:00")
    alice.set_fact("billing", "owner", "Bob")
    load(alice.rows("/shop"), empty_database)
    alice.forget([fact.id for fact in alice.facts()])
    for rows in (alice.rows("/shop"), older):
        load(rows, empty_database)
        store = open_postgres(empty_database)
        assert store.facts("/", "2026-03-09T00:00:00Z") == []
        store.close()


# --------------------------------------------------------------------------- whatever meets there

_TOLD = st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from([0.5, 0.7, 1.0]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(_TOLD, min_size=1, max_size=4), min_size=1, max_size=4))
def test_a_key_has_one_active_fact_and_its_head_whatever_is_imported(
    exports: list[list[tuple[int, int, float]]],
) -> None:
    store = open_sqlite(None)
    for n, told in enumerate(exports):
        facts = [
            Fact(
                derived("told", str(n), str(m)), "/p", "billing", "owner", f"{n} {m}", "said",
                f"2026-01-0{valid + 1}T00:00:00Z", f"2026-02-0{recorded + 1}T00:00:00Z", sure,
            )
            for m, (valid, recorded, sure) in enumerate(told)
        ]  # fmt: skip
        for _ in range(2):
            store.restore(Rows((), facts))
            history = store.history("/p", "billing", "owner")
            (active,) = [fact for fact in history if fact.status == "active"]
            head = store.head("/p", "billing", "owner")
            assert head is not None and head.fact_id == active.id
            ended = [fact for fact in history if fact.status == "superseded"]
            assert all(fact.valid_at <= fact.invalid_at and fact.superseded_by for fact in ended)
    store.close()
