"""Memory in the tables of Stash: by address and as a script, once and twice, beside what is there already."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from agentctx.errors import AgentctxError
from agentctx.flows.export import (
    export_jsonl,
    export_postgres_dsn,
    export_stash,
    export_stash_dsn,
    import_jsonl,
)
from agentctx.flows.memories import Memory
from agentctx.memory.store import open_sqlite
from agentctx.memory.to_stash import slug_of
from tests.memory.test_commands import run, typed
from tests.repository import TempRepo

NOW = "2026-05-03T00:00:00+00:00"
HOSTILE = 'it\'s \\ a "test" ☃ \t$$ ; DROP TABLE facts; -- \x00'
TABLES = ("namespaces", "episodes", "facts", "fact_sources", "contradictions", "contexts")


@pytest.fixture
def stash(empty_database: str, psql: Callable[..., str]) -> str:
    psql(
        empty_database,
        "SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS vector SCHEMA public",
    )
    psql(empty_database, file=Path(__file__).with_name("stash_schema.sql"))
    return empty_database


def filled() -> Memory:
    memory = Memory(open_sqlite(None), clock=lambda: "2026-05-01T00:00:00+00:00")
    said = memory.remember(HOSTILE, "Team One/api")
    memory.remember("gone", expires_at="2026-05-02T00:00:00+00:00")
    memory.set_fact("cart", "owner", "Ada", "api", valid_at="2026-01-01T00:00:00Z")
    memory.set_fact("cart", "owner", "Bob", "api", sources=(("episode", said.id), ("commit", "abc")))
    memory.set_fact("cart", "owner", "Cleo", "api", confidence=0.25)
    memory.set_fact("cart", "limits", {"items": [1, None]}, "api")
    memory.set_context("task", {"step": 2}, namespace="api")
    return memory


def counts(dsn: str) -> list[int]:
    with psycopg.connect(dsn) as connection:
        return [connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in TABLES]  # type: ignore


@pytest.mark.parametrize("way", ["address", "script"])
def test_an_export_fills_the_tables_of_stash_and_can_be_repeated(
    stash: str, way: str, tmp_path: Path, psql: Callable[..., str]
) -> None:
    psql(stash, "INSERT INTO namespaces (id, slug, name) VALUES (1, '/shop', 'Shop')")
    psql(stash, "INSERT INTO episodes (id, namespace_id, content, embedding_model) VALUES (1, 1, 'old', 'm')")
    psql(stash, "INSERT INTO settings (key, value) VALUES ('embedding_model', 'nomic')")
    memory = filled()
    found = []
    for _ in range(2):
        rows = memory.rows("/shop")
        if way == "address":
            export_stash_dsn(rows, stash, NOW)
        else:
            export_stash(rows, tmp_path / "dump.sql", NOW)
            assert psql(stash, file=tmp_path / "dump.sql") == ""
        found.append(counts(stash))
    assert found[0] == found[1] == [4, 2, 4, 1, 1, 1]
    with psycopg.connect(stash) as connection:
        facts = connection.execute(
            "SELECT value, valid_until IS NULL, deleted_at IS NULL, confidence, embedding_model FROM facts"
            " WHERE property = 'owner' ORDER BY value"
        ).fetchall()
        assert facts == [
            ("Ada", False, True, 1.0, "nomic"), ("Bob", True, True, 1.0, "nomic"),
            ("Cleo", True, False, 0.25, "nomic"),
        ]  # fmt: skip
        told = connection.execute("SELECT content FROM episodes WHERE content <> 'old'").fetchall()
        assert told == [(HOSTILE.replace("\x00", "␀"),)]
        pair = connection.execute("SELECT old_value, new_value, resolved FROM contradictions").fetchone()
        assert pair == ("Bob", "Cleo", False)
        focus = connection.execute("SELECT focus FROM contexts").fetchone()
        assert focus is not None and json.loads(focus[0]) == {"step": 2}
        slugs = [row[0] for row in connection.execute("SELECT slug FROM namespaces ORDER BY slug")]
        team = slug_of("/shop/Team One")
        assert slugs == ["/shop", "/shop/api", team, f"{team}/api"]
        connection.execute("INSERT INTO facts (namespace_id, content, embedding_model, confidence)"
                           " VALUES (1, 'next', 'm', 1)")  # fmt: skip


@pytest.mark.parametrize(
    ("path", "slug"),
    [("/", "/"), ("/a_b", "/a_b"), ("/Ab c/d.e", "/ab-c-#/d-e-#"), ("/日本", "/x-#"), ("/-x-", "/x-#")],
)
def test_a_namespace_becomes_a_slug(path: str, slug: str) -> None:
    assert re.fullmatch(slug.replace("#", "[0-9a-f]{8}"), slug_of(path))


def test_no_two_namespaces_become_one_slug() -> None:
    long = "n" * 64
    paths = [
        "/x",
        "/данные",
        "/日本",
        "/A",
        "/a",
        "/a b",
        "/a-b",
        "/-a",
        f"/{long}",
        f"/{long}a",
        f"/{long}b",
    ]
    slugs = [slug_of(path) for path in paths]
    assert len(set(slugs)) == len(paths)
    assert all(re.fullmatch("/[a-z0-9_-]{1,64}", slug) for slug in slugs)


def test_a_fact_keeps_our_id_whatever_its_metadata_says(stash: str) -> None:
    memory = Memory(open_sqlite(None))
    fact = memory.set_fact("cart", "owner", "Ada", metadata={"agentctx_id": "mine", "status": "x", "a": 1})
    for _ in range(2):
        export_stash_dsn(memory.rows("/shop"), stash, NOW)
    with psycopg.connect(stash) as connection:
        ((told,),) = connection.execute("SELECT metadata FROM facts").fetchall()
    assert (told["agentctx_id"], told["status"], told["a"]) == (fact.fact_id, "active", 1)
    assert told["metadata"] == {"agentctx_id": "mine", "status": "x", "a": 1}


@pytest.mark.parametrize(("keep", "became"), [(True, "active"), (False, "retracted")])
def test_a_contradiction_that_was_decided_is_resolved_by_the_next_export(
    stash: str, keep: bool, became: str
) -> None:
    memory = filled()
    export_stash_dsn(memory.rows("/shop"), stash, NOW)
    (pair,) = memory.contradictions()
    memory.resolve(pair.disputed.id, keep)
    for _ in range(2):
        export_stash_dsn(memory.rows("/shop"), stash, NOW)
    with psycopg.connect(stash) as connection:
        found = connection.execute("SELECT resolved, resolution FROM contradictions").fetchall()
        live = connection.execute(
            "SELECT value FROM facts WHERE property = 'owner' AND deleted_at IS NULL AND valid_until IS NULL"
        ).fetchall()
    assert found == [(True, became)]
    assert live == [("Cleo" if keep else "Bob",)]


def test_all_contexts_of_a_namespace_stand_in_the_one_that_stash_holds(stash: str) -> None:
    memory = Memory(open_sqlite(None))
    memory.set_context("plan", {"step": 2})
    memory.set_context("count", 5, hours=1)
    memory.set_context("plan", "mine", session_id="s1")
    memory.set_context("gone", "x", hours=0.000001)
    for _ in range(2):
        export_stash_dsn(memory.rows("/shop"), stash, memory.now())
    with psycopg.connect(stash) as connection:
        ((focus, hours),) = connection.execute(
            "SELECT focus, extract(epoch FROM expires_at - now()) / 3600 FROM contexts"
        ).fetchall()
    assert json.loads(focus) == {"plan": {"step": 2}, "count": 5, "s1: plan": "mine"}
    assert 71 < hours < 73


def test_memory_and_notes_leave_together_and_come_back_equal(repo: TempRepo, tmp_path: Path) -> None:
    repo.commit("code", {"agent-context/gotchas/tax.md": "---\ntitle: Tax\n---\nCut, not rounded.\n"})
    run(repo, "remember", "deploy", "owner", "Ada")
    run(repo, "remember", "the deploy was late")
    out = tmp_path / "all.jsonl"
    run(repo, "export", "jsonl", "--out", str(out))
    text = out.read_text()
    assert "the deploy was late" in text and "Cut, not rounded." in text
    run(repo, "import", "jsonl", str(out), "--dry-run")
    assert "rounded" not in run(repo, "recall", "rounded")
    for _ in range(2):
        run(repo, "import", "jsonl", str(out))
    assert "Cut, not rounded." in run(repo, "recall", "rounded")
    only = tmp_path / "memory.jsonl"
    run(repo, "export", "jsonl", "--out", str(only), "--only", "memory", "--namespace", "/")
    with Memory(open_sqlite(None)) as other:
        other.store.restore(import_jsonl(only.read_text().splitlines()))
        again = tmp_path / "again.jsonl"
        export_jsonl(other.rows("/"), again)
    assert sorted(again.read_text().splitlines()) == sorted(only.read_text().splitlines())


def test_a_backup_of_memory_comes_back_to_its_own_place(
    repo: TempRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("code", {"agent-context/gotchas/tax.md": "---\ntitle: Tax\n---\nCut, not rounded.\n"})
    run(repo, "remember", "deploy", "owner", "Ada")
    out = tmp_path / "all.jsonl"
    run(repo, "export", "jsonl", "--out", str(out))
    run(repo, "import", "jsonl", str(out))
    assert "Ada" in run(repo, "fact", "get", "deploy", "owner"), "reading the own export moves nothing"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "another machine"))
    assert typed(repo, "fact", "get", "deploy", "owner")[0] != 0
    run(repo, "import", "jsonl", str(out))
    assert "Ada" in run(repo, "fact", "get", "deploy", "owner")


def test_rows_of_a_file_are_put_below_the_namespace_of_a_shared_database() -> None:
    with Memory(open_sqlite(None)) as file, Memory(open_sqlite(None), "/repositories/1234") as shared:
        file.set_fact("deploy", "owner", "Ada")
        for _ in range(2):
            shared.store.restore(shared.taken_in(file.rows("/")))
        held = shared.fact("deploy", "owner")
        assert held and held.namespace == "/repositories/1234"
        shared.store.restore(shared.taken_in(shared.store.everything("/")))
        assert [fact.namespace for fact in shared.store.everything("/").facts] == ["/repositories/1234"]


def test_a_wrong_line_keeps_the_whole_file_out(repo: TempRepo, tmp_path: Path) -> None:
    repo.commit("code", {"a.py": ""})
    bad = tmp_path / "bad.jsonl"
    good = '{"type": "episode", "id": "01890000-0000-7000-8000-000000000001", "namespace": "/",'
    good += f' "kind": "event", "content": "kept out", "occurred_at": "{NOW}", "recorded_at": "{NOW}"}}'
    bad.write_text(good + "\n{oops\n")
    code, _, told = typed(repo, "import", "jsonl", str(bad))
    assert code == 2 and "2" in told
    assert run(repo, "recall", "kept") == ""


def test_a_file_that_is_not_utf_8_is_refused_and_a_byte_order_mark_is_not(
    repo: TempRepo, tmp_path: Path
) -> None:
    repo.commit("code", {"a.py": ""})
    given = tmp_path / "given.jsonl"
    given.write_bytes(b"\n\xff\xfe\n")
    code, _, told = typed(repo, "import", "jsonl", str(given))
    assert code == 2 and "not UTF-8" in told
    run(repo, "remember", "the deploy was late")
    out = tmp_path / "out.jsonl"
    run(repo, "export", "jsonl", "--out", str(out))
    given.write_bytes(b"\xef\xbb\xbf" + out.read_bytes())
    run(repo, "import", "jsonl", str(given))


def test_an_export_writes_into_a_pipe_and_through_a_link(repo: TempRepo, tmp_path: Path) -> None:
    repo.commit("code", {"a.py": ""})
    run(repo, "remember", "the deploy was late")
    real, link, pipe = (tmp_path / name for name in ("real.jsonl", "link.jsonl", "pipe"))
    link.symlink_to(real)
    run(repo, "export", "jsonl", "--out", str(link))
    assert link.is_symlink() and "was late" in real.read_text()
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    run(repo, "export", "jsonl", "--out", str(pipe), "--only", "memory")
    assert pipe.is_fifo() and b"was late" in os.read(reader, 65536)
    os.close(reader)


def asked(dsn: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(sql).fetchall()


LIVE = "SELECT value FROM facts WHERE deleted_at IS NULL AND valid_until IS NULL ORDER BY value"


def test_a_key_that_two_people_export_has_one_live_fact(stash: str) -> None:
    ada, bob, cleo = (Memory(open_sqlite(None)) for _ in range(3))
    for day, (memory, name) in enumerate([(ada, "Ada"), (bob, "Bob"), (cleo, "Cleo")], 1):
        memory.set_fact("svc", "owner", name, valid_at=f"2026-01-0{day}T00:00:00Z")
    for memory in (ada, bob, ada, cleo, bob, ada, cleo):
        export_stash_dsn(memory.rows("/shop"), stash, NOW)
        assert len(asked(stash, LIVE)) == 1
    assert asked(stash, LIVE) == [("Cleo",)]
    days = "SELECT value, extract(day FROM valid_until AT TIME ZONE 'UTC')::int FROM facts ORDER BY 1 LIMIT 2"
    assert asked(stash, days) == [("Ada", 2), ("Bob", 3)]
    ada.set_fact("svc", "owner", "Dan", valid_at="2026-01-04T00:00:00Z")
    for memory in (ada, cleo, bob):
        export_stash_dsn(memory.rows("/shop"), stash, NOW)
        assert asked(stash, LIVE) == [("Dan",)]


def test_a_less_certain_fact_of_somebody_else_is_a_contradiction_until_the_surer_one_ends(stash: str) -> None:
    ada, bob = Memory(open_sqlite(None)), Memory(open_sqlite(None))
    ada.set_fact("svc", "owner", "Ada", valid_at="2026-01-01T00:00:00Z")
    bob.set_fact("svc", "owner", "Bob", valid_at="2026-01-02T00:00:00Z", confidence=0.5)
    told = "SELECT old_value, new_value, resolved FROM contradictions"
    for memory in (ada, bob, ada, bob):
        export_stash_dsn(memory.rows("/shop"), stash, NOW)
    assert asked(stash, LIVE) == [("Ada",)] and asked(stash, told) == [("Ada", "Bob", False)]
    held = ada.fact("svc", "owner")
    assert held is not None
    ada.store.retract(held.id, ada.now())
    for memory in (ada, bob):
        export_stash_dsn(memory.rows("/shop"), stash, NOW)
    assert asked(stash, LIVE) == [("Bob",)] and asked(stash, told) == [("Ada", "Bob", True)]


def test_an_older_state_of_a_fact_does_not_come_back_from_somebody_else(stash: str) -> None:
    ada, bob = Memory(open_sqlite(None)), Memory(open_sqlite(None))
    ada.set_fact("svc", "owner", "Ada", valid_at="2026-01-01T00:00:00Z")
    bob.store.restore(ada.rows("/"))
    held = ada.fact("svc", "owner")
    assert held is not None
    ada.store.retract(held.id, ada.now())
    for memory in (ada, bob):
        export_stash_dsn(memory.rows("/shop"), stash, NOW)
    assert asked(stash, LIVE) == []


def test_the_context_saved_last_stays_whoever_exports(stash: str) -> None:
    ada, bob = Memory(open_sqlite(None)), Memory(open_sqlite(None))
    ada.set_context("ka", {"a": 1})
    ada.set_context("kc", 5)
    bob.set_context("kb", {"b": 1})
    for memory in (ada, bob, ada):
        export_stash_dsn(memory.rows("/shop"), stash, memory.now())
    assert asked(stash, "SELECT focus FROM contexts") == [('{"b":1}',)]
    asked(stash, "UPDATE contexts SET focus = 'mine', updated_at = now() RETURNING 1")
    export_stash_dsn(bob.rows("/shop"), stash, bob.now())
    assert asked(stash, "SELECT focus FROM contexts") == [("mine",)]
    ada.set_context("ka", {"a": 2})
    export_stash_dsn(ada.rows("/shop"), stash, ada.now())
    ada.clear_context("ka")
    export_stash_dsn(ada.rows("/shop"), stash, ada.now())
    assert asked(stash, "SELECT focus FROM contexts") == [("5",)]


def test_the_database_of_agentctx_itself_is_no_stash(empty_database: str) -> None:
    memory = filled()
    export_postgres_dsn(memory.rows("/shop"), empty_database)
    with pytest.raises(AgentctxError) as told:
        export_stash_dsn(memory.rows("/shop"), empty_database, NOW)
    assert "memory of agentctx itself" in told.value.message and "name a database" in told.value.hint
