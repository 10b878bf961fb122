"""The OpenAPI page against the server that it describes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from agentctx.server.openapi import ANSWERS
from agentctx.server.service import SERVICES
from tests.server.web import Served, serving, serving_repository

WORKING_MEMORY = {
    "/stash": "post",
    "/recall/{memory_id}": "get",
    "/update/{memory_id}": "patch",
    "/forget/{memory_id}": "delete",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving_repository(
        tmp_path_factory.mktemp("home"),
        {"agent-context/gotchas/tax.md": "---\ntitle: Tax\n---\nCut, not rounded.\n"},
    ) as served:
        yield served


@pytest.fixture(scope="module")
def described(server: Served) -> Any:
    status, found, _ = server.ask("GET", "/openapi.json")
    assert status == 200 and found["openapi"].startswith("3.1")
    return found


def fits(described: Any, path: str, method: str, status: int, answer: Any) -> None:
    """The answer is one that the page announces."""
    responses = described["paths"][path][method]["responses"]
    schema = responses[str(status)]["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": described["components"]}).validate(answer)


def test_the_page_lists_what_is_offered(server: Served, described: Any) -> None:
    assert {f"/v1/{name}" for name in SERVICES} <= set(described["paths"])
    for path, methods in described["paths"].items():
        for method in methods:
            if path.startswith("/v1/"):
                known = server.ask(method.upper(), path, None if method == "get" else {})[0]
                assert known not in (404, 405) or path == "/v1/get_context", path
    assert {path: [*found] for path, found in described["paths"].items() if not path.startswith("/v1/")} == {
        path: [method] for path, method in WORKING_MEMORY.items()
    }
    named = [form["operationId"] for found in described["paths"].values() for form in found.values()]
    assert len(named) == len(set(named))


def test_every_operation_answers_in_the_form_that_the_page_gives(server: Served, described: Any) -> None:
    told: list[str] = []

    def ask(name: str, **given: Any) -> Any:
        status, answer, _ = server.ask("POST", f"/v1/{name}", given)
        assert status == 200, answer
        fits(described, f"/v1/{name}", "post", status, answer)
        told.append(name)
        return answer

    ask("remember", text="the deploy of zeb failed", subject_id="zeb", turn=3, metadata={"a": [1]})
    ident = ask("remember", text="said", entity="deploy", property="owner", value={"name": "Ada"})["id"]
    ask("write", episodes=[{"content": "x", "ttl": 60}], facts=[{"entity": "e", "property": "p", "value": 1}])
    ask("set_fact", entity="deploy", property="owner", value=["Bob"], confidence=0.5)
    assert ask("recall", query="deploy owner", limit=9)["hits"]
    (pair,) = ask("list_contradictions")["contradictions"]
    ask("resolve_contradiction", id=pair["disputed"]["id"], keep=False)
    assert ask("query_facts")["facts"] and ask("recent_episodes")["episodes"]
    ask("get_fact", entity="deploy", property="owner")
    ask("fact_history", entity="deploy", property="owner")
    ask("set_context", value=None, hours=1)
    ask("get_context")
    ask("clear_context")
    ask("create_namespace", namespace="/a")
    ask("list_namespaces")
    ask("forget", ids=[ident])
    ask("erase", subject_id="zeb")
    assert set(told) == set(SERVICES) == set(ANSWERS)
    fits(described, "/v1/read_note", "post", *server.ask("POST", "/v1/read_note", {"note": "tax"})[:2])
    fits(described, "/v1/recall", "post", *server.ask("POST", "/v1/recall", {})[:2])


def test_working_memory_answers_in_the_form_that_the_page_gives(server: Served, described: Any) -> None:
    status, kept, _ = server.ask("POST", "/stash", {"data": [None], "ttl": 60})
    fits(described, "/stash", "post", status, kept)
    for path, body in (
        ("/recall/{memory_id}", None),
        ("/update/{memory_id}", {"extra_seconds": 5}),
        ("/forget/{memory_id}", None),
        ("/recall/{memory_id}", None),
    ):
        method = WORKING_MEMORY[path]
        status, answer, _ = server.ask(method.upper(), path.format(**kept), body)
        fits(described, path, method, status, answer)


def test_a_server_of_working_memory_alone_describes_it(tmp_path: Path) -> None:
    with serving(tmp_path, "stash", "serve", STASH_BACKEND="memory", HOME=str(tmp_path)) as served:
        assert set(served.ask("GET", "/openapi.json")[1]["paths"]) == set(WORKING_MEMORY)
        assert "/openapi.json" in served.ask("GET", "/nowhere")[1]["error"]


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("recall", {}, "recall needs 'query'. it is a text"),
        ("set_fact", {"entity": "e", "property": "p"}, "set_fact needs 'value'. it is any JSON"),
        ("forget", {}, "forget needs 'ids'. it is a list: what remember and recall named"),
        ("resolve_contradiction", {"id": "x"}, "resolve_contradiction needs 'keep'. it is true or false"),
    ],
    ids=["recall", "set_fact", "forget", "resolve_contradiction"],
)
def test_what_is_missing_is_told_in_words(server: Served, name: str, given: Any, said: str) -> None:
    assert server.ask("POST", f"/v1/{name}", given)[:2] == (400, {"error": said})
