"""What can be asked of facts and episodes over REST: their sources, and filters of what is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.web import Served, serving_repository


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving_repository(tmp_path_factory.mktemp("home"), {"a.py": "x = 1\n"}) as served:
        yield served


def test_a_fact_goes_with_the_last_episode_that_a_client_named_as_its_source(server: Served) -> None:
    ids = [server.call("remember", text=f"Mia said so, {n}")["id"] for n in range(2)]
    sources = [["episode", ids[0].upper()], ["episode", ids[1]]]
    server.call("set_fact", entity="mia", property="town", value="Oslo", sources=sources)
    pair = {"entity": "mia", "value": 1, "sources": [["episode", ids[0]]]}
    server.call("write", facts=[{**pair, "property": "age"}])
    server.call("remember", text="both", **{**pair, "property": "shoe", "sources": [*sources, ["url", "x"]]})
    held = server.call("get_fact", entity="mia", property="town")["fact"]
    assert held["sources"] == [["episode", ident] for ident in ids]
    left = []
    for ident in ids:
        server.call("forget", ids=[ident])
        left.append([fact["property"] for fact in server.call("query_facts", entity="mia")["facts"]])
    assert left == [["shoe", "town"], ["shoe"]]


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ("x", "type array"), (["x"], "type array"), ([["episode"]], "two texts"), ([["url", 1]], "two texts"),
        ([["rumour", "x"]], "no kind of source"), ([["episode", "x"]], "not the id of a"),
        ([["url", " "]], "names nothing"), ([["url", "AKIAIOSFODNN7EXAMPLQ"]], "secret"),
    ],
)  # fmt: skip
def test_a_source_that_names_nothing_is_refused(server: Served, sources: Any, said: str) -> None:
    given = {"entity": "e", "property": "q", "value": 1, "sources": sources}
    status, told, _ = server.ask("POST", "/v1/set_fact", given)
    assert status == 400 and said in told["error"]
    if isinstance(sources, list):
        status, told, _ = server.ask("POST", "/v1/write", {"facts": [given]})
        assert status == 400 and told["error"].startswith("facts[0]: ")


def test_a_recall_finds_one_kind_and_a_query_one_property(server: Served) -> None:
    server.call("remember", text="the kiln was lit")
    for entity in ("kiln", "oven"):
        server.call("set_fact", entity=entity, property="heat", value=900)
        server.call("set_fact", entity=entity, property="owner", value="Ada")
    for kind, shown in (("episodes", {"episode"}), ("facts", {"fact"}), ("all", {"episode", "fact"})):
        assert {hit["kind"] for hit in server.call("recall", query="kiln", kind=kind)["hits"]} == shown
        status, told, _ = server.ask("GET", f"/v1/recall?query=kiln&kind={kind}")
        assert status == 200 and {hit["kind"] for hit in told["hits"]} == shown
    heats = server.call("query_facts", property="heat", limit=2)["facts"]
    assert [(f["entity"], f["property"]) for f in heats] == [("kiln", "heat"), ("oven", "heat")]
    (one,) = server.call("query_facts", entity="oven", property="heat")["facts"]
    assert one["entity"] == "oven"
    assert server.ask("POST", "/v1/recall", {"query": "kiln", "kind": "notes"})[0] == 400


@pytest.mark.parametrize(("many", "said"), [(0, "there is nothing to forget"), (1001, "at most 1000")])
def test_a_request_that_forgets_none_or_too_many_is_refused(server: Served, many: int, said: str) -> None:
    ids = ["01a1f9d8-c049-707a-90b4-09869b633737"] * many
    status, told, _ = server.ask("POST", "/v1/forget", {"ids": ids})
    assert status == 400 and said in told["error"]
