"""The SQL files: a linter keeps the core inside what every engine understands."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import psycopg
import pytest

import agentctx.memory
from agentctx.errors import Conflict
from agentctx.memory import engine, sqlite
from agentctx.memory.base import Window
from agentctx.memory.engine import migrate
from agentctx.memory.ids import derived
from agentctx.memory.migrations import migrations, pending, statements
from agentctx.memory.postgres import PostgresDatabase
from agentctx.memory.recall import recall
from agentctx.memory.rows import namespace_id
from agentctx.memory.sqlite import SqliteDatabase, SqliteSession
from agentctx.memory.store import SqlStore, open_postgres, open_sqlite
from agentctx.memory.tables import FACTS, TABLES
from agentctx.model import Episode

NOW = "2026-03-01T12:00:00.000000Z"

SCHEMA = Path(agentctx.memory.__file__).parent / "schema"
TYPES = {"uuid", "text", "timestamptz", "jsonb", "integer", "bigint", "double precision"}
FORBIDDEN = {
    "extension": r"\bEXTENSION\b",
    "sequence": r"\b(SEQUENCE|SERIAL|BIGSERIAL|SMALLSERIAL|IDENTITY|NEXTVAL|AUTOINCREMENT)\b",
    "trigger": r"\b(TRIGGER|FUNCTION|PROCEDURE|LANGUAGE|RULE)\b|\bDO\s+\$",
    "array": r"\[\s*\]|\bARRAY\b",
    "enum or range type": r"\bCREATE\s+(TYPE|DOMAIN)\b|range\b",
    "partial index": r"\bINDEX\b[^;]*\bWHERE\b",
    "expression index": r"\bINDEX\b[^;(]*\([^;()]*\(",
    "special index": r"\b(USING|CONCURRENTLY|INCLUDE)\b",
    "advisory lock": r"\b(ADVISORY|LOCK)\b",
    "notification": r"\b(LISTEN|NOTIFY)\b",
    "truncate": r"\bTRUNCATE\b",
    "destruction": r"\b(DROP|DELETE|UPDATE|ALTER)\b",
    "vendor clause": r"\b(INHERITS|TABLESPACE|UNLOGGED|PARTITION|EXCLUDE|DEFERRABLE|GENERATED|VIRTUAL)\b",
    "function in a default": r"\bDEFAULT\s+(?!'[^']*'|CURRENT_TIMESTAMP|\d)",
}


def lint(sql: str) -> list[str]:
    """What in ``sql`` leaves the portable subset, in words."""
    text = re.sub(r"--[^\n]*", "", sql)
    found = [name for name, pattern in FORBIDDEN.items() if re.search(pattern, text, re.IGNORECASE)]
    for statement in filter(None, (part.strip() for part in text.split(";"))):
        if not re.match(r"CREATE (TABLE|INDEX) IF NOT EXISTS \w+", statement):
            found.append(f"not a repeatable CREATE: {statement[:40]}")
    columns = re.findall(r"^  (?!PRIMARY|UNIQUE)\w+\s+(double precision|\w+)", text, re.MULTILINE)
    found += [f"type {kind}" for kind in columns if kind not in TYPES]
    found += [f"an index on a repeated name {n}" for n in _twice(re.findall(r"EXISTS (\w+)", text))]
    return found


def _twice(names: list[str]) -> set[str]:
    return {name for name in names if names.count(name) > 1}


def test_every_core_file_stays_inside_the_portable_subset() -> None:
    core = list(migrations("core"))
    assert [m.version for m in core] == [1, 3, 4, 5]
    for migration in core:
        assert lint(migration.sql) == [], migration.name


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("CREATE EXTENSION vector", "extension"),
        ("CREATE TABLE IF NOT EXISTS t (\n  id bigserial\n)", "sequence"),
        ("CREATE TABLE IF NOT EXISTS t (\n  tags text[]\n)", "array"),
        ("CREATE INDEX IF NOT EXISTS i ON t (a) WHERE b IS NULL", "partial index"),
        ("CREATE INDEX IF NOT EXISTS i ON t (lower(a))", "expression index"),
        ("CREATE INDEX IF NOT EXISTS i ON t USING gin (a)", "special index"),
        ("CREATE TABLE IF NOT EXISTS t (\n  a timestamptz DEFAULT now()\n)", "function in a default"),
        ("CREATE TABLE t (\n  a text\n)", "not a repeatable CREATE: CREATE TABLE t ("),
        ("CREATE TABLE IF NOT EXISTS t (\n  a inet\n)", "type inet"),
        ("DROP TABLE t", "destruction"),
    ],
    ids=lambda value: value[:30],
)
def test_the_linter_sees_what_leaves_the_subset(sql: str, said: str) -> None:
    assert any(said in finding for finding in lint(sql))


def test_no_text_in_a_statement_holds_a_semicolon() -> None:
    for path in SCHEMA.glob("*.sql"):
        sql = re.sub(r"--[^\n]*", "", path.read_text())
        assert [text for text in re.findall(r"'[^']*'", sql) if ";" in text] == [], path.name


def test_every_column_of_the_tables_is_in_the_schema_and_none_is_forgotten() -> None:
    database = SqliteDatabase(None)
    database.create(lambda session: migrate(session, "sqlite"))
    for table in TABLES:
        rows = database.read(lambda session, name=table.name: session.rows(f"PRAGMA table_info({name})"))  # type: ignore[misc]
        assert {row[1] for row in rows} == set(table.columns)
    assert "ON CONFLICT (id) DO UPDATE SET" in FACTS.upsert()


def test_a_migration_runs_once_and_a_second_run_does_nothing() -> None:
    database = SqliteDatabase(None)
    assert database.create(lambda session: migrate(session, "core")) == (1, 3, 4, 5)
    assert database.create(lambda session: migrate(session, "sqlite")) == (2, 6, 9)
    assert database.create(lambda session: migrate(session, "sqlite")) == ()


def test_a_file_that_was_changed_after_it_was_applied_is_refused() -> None:
    (first, *_) = migrations("core")
    assert pending([first], {1: first.checksum}, 1) == ()
    with pytest.raises(Conflict, match="0001_core"):
        pending([first], {1: "other"}, 1)
    with pytest.raises(Conflict, match="knows 1"):
        pending([first], {1: first.checksum, 2: "new"}, 1)


def test_sqlite_reads_the_core_with_text_for_its_special_types() -> None:
    (first, *_) = migrations("core")
    words = set(re.findall(r"\w+", " ".join(statements(first, "sqlite"))))
    assert not words & {"uuid", "jsonb", "timestamptz"}
    assert "jsonb" in " ".join(statements(first, "core"))


def test_words_that_stood_in_a_table_of_their_own_move_into_their_rows(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = {engine: migrations(engine) for engine in ("core", "postgres")}
    with monkeypatch.context() as before:
        before.setattr(engine, "migrations", lambda of: [m for m in older[of] if m.version < 7])
        PostgresDatabase(empty_database).create(lambda session: migrate(session, "postgres"))
    ids = {kind: derived("old", kind) for kind in ("said", "told")}
    space = namespace_id("local", "/")
    with psycopg.connect(empty_database) as connection:
        connection.execute("INSERT INTO namespaces VALUES (%s, 'local', '/', '', %s)", (space, NOW))
        connection.execute(
            "INSERT INTO episodes (id, tenant_id, namespace_id, kind, actor, content, content_sha256,"
            " metadata, occurred_at, recorded_at)"
            " VALUES (%s, 'local', %s, 'event', 'a', 'turbine failed', '', '{}', %s, %s)",
            (ids["said"], space, NOW, NOW),
        )
        connection.execute(
            "INSERT INTO facts (id, tenant_id, namespace_id, entity, property, value, statement, confidence,"
            " status, origin, extractor, valid_at, recorded_at, metadata)"
            " VALUES (%s, 'local', %s, 'turbine', 'owner', '1', 's', 1, 'active', 'human', '', %s, %s, '{}')",
            (ids["told"], space, NOW, NOW),
        )
        for owner in ids.values():
            connection.execute("INSERT INTO search VALUES (%s, 'turbin')", (owner,))
    store = open_postgres(empty_database)
    assert {hit.item.id for hit in recall(store, "turbines", Window("/", NOW))} == set(ids.values())
    store.close()


ALIKE = [f"0000000{n}-0000-4000-8000-00000000000a" for n in (1, 2)]


def two_episodes(store: SqlStore) -> None:
    store.append([Episode(ident, "/", "event", "turbine failed", NOW, NOW) for ident in ALIKE])


def found(store: SqlStore) -> list[str]:
    return sorted(hit.item.id for hit in recall(store, "turbines", Window("/", NOW)))


def test_ids_that_end_alike_are_found_and_forgotten_each_by_itself() -> None:
    store = open_sqlite(None)
    two_episodes(store)
    assert found(store) == ALIKE
    store.erase_items(ALIKE[:1])
    assert found(store) == ALIKE[1:]


def test_an_old_index_of_sqlite_is_kept_and_what_it_had_lost_comes_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = {engine: migrations(engine) for engine in ("core", "sqlite")}
    with monkeypatch.context() as before:
        before.setattr(engine, "migrations", lambda of: [m for m in older[of] if m.version < 9])
        before.setattr(sqlite, "_row_id", lambda owner: uuid.UUID(owner).int & (1 << 63) - 1)
        before.setattr(SqliteSession, "wordless", lambda *_: [])
        store = open_sqlite(tmp_path / "old.sqlite")
        two_episodes(store)
        assert found(store) == ALIKE[1:]
        store.close()
    for _ in range(2):
        store = open_sqlite(tmp_path / "old.sqlite")
        assert found(store) == ALIKE
        store.close()
    store = open_sqlite(tmp_path / "old.sqlite")
    store.erase_items(ALIKE)
    assert found(store) == []
    store.close()
