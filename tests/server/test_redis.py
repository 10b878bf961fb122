"""Working context and working memory of several servers and owners in one Redis."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
import redis

from agentctx.flows.memories import Place
from agentctx.memory.keys import Keys
from agentctx.server.serving import key_database
from tests.repository import TempRepo
from tests.server.web import serving

ODD = ("team", "team:b", "*", "../x", "команда ☃", "a%3Ab", "user:bob")


def key_of(owner: str) -> str:
    return Keys(key_database(Place())).new(os.urandom(37), owner, now(), tier="pro")[0]


def now() -> str:
    return datetime.now(UTC).isoformat()


@pytest.fixture
def shop(repo: TempRepo) -> TempRepo:
    repo.commit("begin", {"a.txt": "a\n"})
    return repo


def test_what_a_key_keeps_no_other_server_gives_away(
    shop: TempRepo, empty_redis: str, tmp_path: Path
) -> None:
    environ = {"STASH_API_KEYS": "ka:alice,kb:bob", "STASH_BACKEND": "redis", "REDIS_URL": empty_redis}
    with (
        serving(tmp_path, "stash", "serve", HOME=str(tmp_path), **environ) as stash,
        serving(shop.root, "serve", AGENTCTX_REDIS_URL=empty_redis) as memory,
    ):
        ident = stash.ask("POST", "/stash", {"data": "bob's secret"}, "kb")[1]["memory_id"]
        for space in ("/stash", "stash", "/stash/", "/", ""):
            for key in (f"user:bob:{ident}", ident, "*"):
                asked = f"namespace={quote(space)}&key={quote(key)}"
                assert "secret" not in json.dumps(memory.ask("GET", f"/v1/get_context?{asked}")[1])
                given = {"namespace": space, "key": key, "value": "overwritten"}
                assert memory.ask("POST", "/v1/set_context", given)[0] == (400 if "stash" in space else 200)
        assert memory.ask("POST", "/v1/clear_context", {"namespace": "/stash", "key": "x"})[0] == 400
        assert memory.ask("GET", f"/recall/{ident}")[0] == 404
        found = stash.ask("GET", f"/recall/{ident}", key="kb")[1]
        assert found["data"] == "bob's secret" and found["ttl_remaining"] <= 3600


def test_owners_with_odd_names_share_a_redis_and_nothing_else(shop: TempRepo, empty_redis: str) -> None:
    keys = {owner: key_of(owner) for owner in ODD}
    kept: dict[str, str] = {}
    with serving(shop.root, "serve", AGENTCTX_REDIS_URL=empty_redis) as served:
        for owner, key in keys.items():
            served.call("set_context", key, value=owner)
            kept[owner] = served.ask("POST", "/stash", {"data": owner}, key)[1]["memory_id"]
        for owner, key in keys.items():
            assert served.call("get_context", key)["context"]["value"] == owner
            assert [
                o for o, ident in kept.items() if served.ask("GET", f"/recall/{ident}", key=key)[0] == 200
            ] == [owner]
    with redis.Redis.from_url(empty_redis, decode_responses=True) as client:
        assert {f"user:{owner}:{ident}" for owner, ident in kept.items()} == {
            name for name in client.scan_iter() if name.startswith("user:")
        }
    for owner in ODD:
        store = Place(tenant=owner, redis_url=empty_redis).store(None)
        assert [one.value for one in store.contexts("/", now())] == [owner]
        store.close()
