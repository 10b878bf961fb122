"""`agentctx export` as a person types it, into a real PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable

import psycopg
import pytest

from tests.memory.conftest import Server
from tests.repository import TempRepo

CODE = "def add_tax(cents):\n    return cents\n"
COUNTS = (
    "SELECT (SELECT count(*) FROM facts), (SELECT count(*) FROM episodes),"
    " (SELECT count(*) FROM working_context)"
)


def shop(repo: TempRepo) -> TempRepo:
    repo.commit("code", {"src/money.py": CODE})
    repo.agentctx("init")
    repo.agentctx(
        "new", "gotcha", "Tax", "--anchor", "src/money.py#add_tax", "--body", "Rounded 'once'; \\ $$ ✓"
    )
    repo.agentctx("new", "session", "Looked at tax", "--body", "Nothing to do.")
    repo.commit("notes")
    note = repo.root / "agent-context/gotchas/tax.md"
    note.write_text(note.read_text().replace("Rounded", "Cut"))
    repo.commit("Cut, not rounded")
    return repo


def test_exporting_twice_by_address_leaves_the_same_rows(repo: TempRepo, empty_database: str) -> None:
    shop(repo)
    counts = []
    for _ in range(2):
        done = repo.agentctx("export", "postgres", "--dsn", empty_database)
        assert done.returncode == 0, done.stderr
        with psycopg.connect(empty_database) as connection:
            counts.append(connection.execute(COUNTS).fetchone())
    assert counts[0] == counts[1]
    with psycopg.connect(empty_database) as connection:
        rows = connection.execute(
            "SELECT value, invalid_at IS NULL, status FROM facts WHERE entity = 'tax' AND property = 'body'"
            " ORDER BY valid_at, recorded_at"
        ).fetchall()
        assert [(r[0].split()[0], r[1], r[2]) for r in rows] == [
            ("Rounded", False, "superseded"),
            ("Cut", True, "active"),
        ]
        kinds = connection.execute("SELECT kind, content FROM episodes").fetchall()
        assert any(kind == "note" and "Nothing to do." in content for kind, content in kinds)
        assert connection.execute("SELECT key FROM working_context ORDER BY key").fetchall() == [
            ("briefing",),
            ("task",),
        ]


def test_a_dump_loads_with_psql_twice_without_duplicates(
    repo: TempRepo, empty_database: str, psql: Callable[..., str]
) -> None:
    dump = shop(repo).root.parent / "dump.sql"
    assert repo.agentctx("export", "postgres", "--out", str(dump)).returncode == 0
    counts = []
    for _ in range(2):
        psql(empty_database, file=dump)
        with psycopg.connect(empty_database) as connection:
            counts.append(connection.execute(COUNTS).fetchone())
    assert counts[0] == counts[1]
    assert counts[0] is not None and counts[0][0] > 3


def test_a_wrong_address_fails_in_two_lines_without_the_password(
    repo: TempRepo, postgres_server: Server
) -> None:
    shop(repo)
    done = repo.agentctx("export", "postgres", "--dsn", "postgresql://u:hunter2@127.0.0.1:1/none")
    assert done.returncode == 2
    assert "hunter2" not in done.stderr and len(done.stderr.strip().splitlines()) <= 3


def test_a_database_without_the_tables_of_stash_says_how_they_come(
    repo: TempRepo, empty_database: str
) -> None:
    shop(repo)
    done = repo.agentctx("export", "stash", "--dsn", empty_database)
    assert done.returncode == 2 and "Stash was started on" in done.stderr


def test_a_role_that_policies_bind_exports_as_the_tenant_that_was_chosen(
    repo: TempRepo, app_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop(repo)
    monkeypatch.setenv("AGENTCTX_TENANT", "team")
    repo.agentctx("fact", "set", "tenfact", "p", "v")
    for only in ([], ["--only", "notes"], ["--only", "memory"]):
        done = repo.agentctx("export", "postgres", "--dsn", app_dsn, *only)
        assert done.returncode == 0, done.stderr
    with psycopg.connect(app_dsn.replace("agentctx_app@", "postgres@")) as connection:
        for table in ("namespaces", "episodes", "facts", "working_context"):
            found = connection.execute(f"SELECT DISTINCT tenant_id FROM {table}").fetchall()
            assert found == [("team",)], table
        assert connection.execute("SELECT count(*) FROM facts WHERE entity = 'tenfact'").fetchone() == (1,)


def test_one_way_out_must_be_chosen(repo: TempRepo) -> None:
    shop(repo)
    assert repo.agentctx("export", "postgres").returncode == 2
    lines = repo.agentctx("export", "jsonl").stdout.splitlines()
    assert {json.loads(line)["type"] for line in lines} >= {"fact", "episode", "context"}
