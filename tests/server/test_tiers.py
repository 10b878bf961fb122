"""What keys of the three tiers may do with working memory, on both servers."""

from __future__ import annotations

from collections import Counter

import pytest

from agentctx.flows.stash import Settings
from tests.repository import TempRepo
from tests.server.web import Served, serving

MANY = 75


@pytest.fixture
def keys(repo: TempRepo) -> dict[str, str]:
    repo.commit("begin", {"a.txt": "a\n"})
    made = {}
    for tier in ("free", "pro", "enterprise"):
        done = repo.agentctx("keys", "new", "--owner", tier, "--tier", tier)
        assert done.returncode == 0, done.stderr
        made[tier] = done.stdout.strip()
    return made


def statuses(served: Served, key: str, path: str = "/recall/12345678") -> Counter[int]:
    return Counter(served.ask("GET", path, key=key)[0] for _ in range(MANY))


@pytest.mark.parametrize("words", [("serve",), ("serve", "--rate", "0"), ("stash", "serve")], ids=" ".join)
def test_working_memory_has_the_rates_of_the_tiers(
    repo: TempRepo, keys: dict[str, str], words: tuple[str, ...]
) -> None:
    with serving(repo.root, *words) as served:
        found = {tier: statuses(served, key) for tier, key in keys.items()}
        assert found["enterprise"] == {404: MANY}
        assert 10 <= found["free"][404] <= 20 and found["free"][429] == MANY - found["free"][404]
        assert 30 <= found["pro"][404] < MANY
        if words == ("serve",):
            answered = statuses(served, keys["enterprise"], "/v1/recall?query=x")
            assert 60 <= answered[200] < MANY and answered[429] == MANY - answered[200]


def test_the_environment_sets_times_and_sizes_of_every_tier(repo: TempRepo, keys: dict[str, str]) -> None:
    environ = {"STASH_DEFAULT_TTL": "7200", "STASH_MAX_TTL": "9000", "STASH_MAX_PAYLOAD_BYTES": "2000"}
    with serving(repo.root, "stash", "serve", **environ) as served:
        for key in keys.values():
            assert served.ask("POST", "/stash", {"data": 1}, key)[1]["ttl"] == 7200
            assert served.ask("POST", "/stash", {"data": 1, "ttl": 10**6}, key)[1]["ttl"] == 9000
            assert served.ask("POST", "/stash", {"data": "x" * 2000}, key)[0] == 413


@pytest.mark.parametrize(
    ("environ", "free", "enterprise"),
    [
        ({}, (3600, 3600), (86400, 604800)),
        ({"STASH_DEFAULT_TTL": "7200"}, (7200, 7200), (7200, 604800)),
        ({"STASH_MAX_TTL": "60"}, (60, 60), (60, 60)),
    ],
    ids=["nothing", "default", "maximum"],
)
def test_what_the_environment_leaves_out_the_tier_says(
    environ: dict[str, str], free: tuple[int, int], enterprise: tuple[int, int]
) -> None:
    tiers = Settings.read(environ).tiers
    assert [(t.default_ttl, t.max_ttl) for t in (tiers["free"], tiers["enterprise"])] == [free, enterprise]
