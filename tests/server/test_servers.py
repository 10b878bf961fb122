"""Two servers on one PostgreSQL and one Redis, as the application's role; one of them is killed."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from pathlib import Path

from agentctx.memory.keys import Keys
from agentctx.memory.postgres import PostgresDatabase
from agentctx.memory.tenants import prepare
from tests.server.web import serving

ROLE = "agentctx_server"


def test_nothing_acknowledged_is_lost_when_a_server_is_killed(
    empty_database: str, empty_redis: str, psql: Callable[..., str], tmp_path: Path
) -> None:
    schema = empty_database.rpartition("%3D")[2]
    psql(empty_database, f"CREATE ROLE {ROLE} LOGIN; GRANT USAGE ON SCHEMA {schema} TO {ROLE}")
    prepare(empty_database, ROLE)
    database = PostgresDatabase(empty_database)
    key, _ = Keys(database).new(bytes(range(37)), "team", "2026-01-01T00:00:00Z", tier="enterprise")
    database.close()
    environ = {
        "AGENTCTX_DSN": empty_database.replace("postgres@", f"{ROLE}@"), "AGENTCTX_REDIS_URL": empty_redis,
    }  # fmt: skip
    kept: list[str] = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    with serving(tmp_path / "second", "serve", "--rate", "0", **environ) as second:
        with serving(tmp_path / "first", "serve", "--rate", "0", **environ) as first:
            first.call("set_context", key, value={"step": 1})

            def write() -> None:
                for n in range(10_000):
                    try:
                        kept.append(first.call("remember", key, text=f"step {n}")["id"])
                    except (OSError, http.client.HTTPException):
                        return

            writers = [threading.Thread(target=write) for _ in range(4)]
            for writer in writers:
                writer.start()
            while len(kept) < 60:
                writers[0].join(0.05)
            first.process.kill()
            first.process.wait()
            for writer in writers:
                writer.join()
        found = {e["id"] for e in second.call("recent_episodes", key, limit=1000)["episodes"]}
        assert len(kept) >= 60 and set(kept) <= found
        assert second.call("get_context", key)["context"]["value"] == {"step": 1}
        assert second.ask("POST", "/v1/recall", {"query": "step"})[0] == 401
