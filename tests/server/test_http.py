"""REST, MCP and the door of ``agentctx serve``: who is let in, what is refused, and what comes back."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from agentctx.server.service import SERVICES
from tests.repository import TempRepo
from tests.server.web import Served, serving

JSON = {"Content-Type": "application/json"}
MCP = {**JSON, "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, home: Path) -> TempRepo:
    (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        made = TempRepo.init(tmp_path_factory.mktemp("shop") / "repo")
        made.commit("code", {"agent-context/gotchas/tax.md": "---\ntitle: Tax\n---\nCut, not rounded.\n"})
    return made


@pytest.fixture(scope="module")
def server(shop: TempRepo, home: Path) -> Iterator[Served]:
    with serving(shop.root, "serve", HOME=str(home)) as served:
        yield served


@pytest.fixture(scope="module")
def keys(shop: TempRepo, home: Path) -> dict[str, str]:
    return {
        "ada": made(shop, home, "--owner", "ada", "--tier", "pro"),
        "bob": made(shop, home, "--owner", "bob", "--tier", "pro"),
        "reader": made(shop, home, "--owner", "ada", "--scope", "read"),
        "admin": made(shop, home, "--owner", "ada", "--scope", "admin"),
    }


@pytest.fixture(scope="module")
def guarded(shop: TempRepo, home: Path, keys: dict[str, str]) -> Iterator[Served]:
    with serving(shop.root, "serve", "--allow-host", "memory.example", HOME=str(home)) as served:
        yield served


def made(shop: TempRepo, home: Path, *words: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        done = shop.agentctx("keys", "new", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_is_remembered_over_rest_is_recalled_by_the_command_line(
    server: Served, shop: TempRepo, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.call("remember", text="The deploy failed on a full disk", kind="event", actor="bot")
    server.call("set_fact", entity="deploy", property="owner", value="Ada")
    server.call("set_fact", entity="deploy", property="owner", value="Bob", expected_version=1)
    hits = server.call("recall", query="who owns the deploy")["hits"]
    assert [h["item"]["value"] for h in hits if h["kind"] == "fact"] == ["Bob"]
    monkeypatch.setenv("HOME", str(home))
    assert "full disk" in shop.agentctx("recall", "disk").stdout
    history = server.call("fact_history", entity="deploy", property="owner")["facts"]
    assert [f["value"] for f in history] == ["Ada", "Bob"]
    status, data, _ = server.ask("GET", "/v1/get_fact?entity=deploy&property=owner")
    assert (status, data["fact"]["value"]) == (200, "Bob")


def test_a_batch_is_written_whole_or_not_at_all(server: Served) -> None:
    before = server.call("recent_episodes", limit=1000)["episodes"]
    bad = {
        "episodes": [{"content": "in"}],
        "facts": [{"entity": "e", "property": "p", "value": 1, "confidence": 2}],
    }
    assert server.ask("POST", "/v1/write", bad)[0] == 400
    assert server.call("recent_episodes", limit=1000)["episodes"] == before
    status, told, _ = server.ask("POST", "/v1/write", {"episodes": [{"content": "in"}, {"content": 5}]})
    assert (status, told["error"]) == (400, "episodes[1]: content must be a text")
    for part, items, said in (
        ("episodes", [*[{"content": "in"}] * 2, {"content": "x", "kind": "gossip"}], "episodes[2]: "),
        ("facts", [{"entity": "e", "property": "p", "value": 1}, {"entity": "", "property": "p", "value": 1}],
         "facts[1]: the entity is empty"),
    ):  # fmt: skip
        status, told, _ = server.ask("POST", "/v1/write", {part: items})
        assert status == 400 and told["error"].startswith(said)
    good = {
        "episodes": [{"content": f"step {n}", "metadata": {"n": n}} for n in range(100)],
        "facts": [{"entity": f"e{n}", "property": "p", "value": {"n": n}} for n in range(50)],
    }
    answer = server.call("write", **good)
    assert (len(answer["episodes"]), len(answer["facts"])) == (100, 50)


def test_every_operation_of_memory_answers(server: Served) -> None:
    call = server.call
    call("create_namespace", namespace="/deep/er", description="d")
    call("set_fact", entity="x", property="p", value=1)
    call("set_fact", entity="x", property="p", value=2, confidence=0.5)
    (pair,) = call("list_contradictions")["contradictions"]
    assert call("resolve_contradiction", id=pair["disputed"]["id"], keep=True)["head"]["version"] == 2
    assert [f["value"] for f in call("query_facts", entity="x")["facts"]] == [2]
    call("set_context", key="t", value={"a": 1}, hours=1)
    assert call("get_context", key="t")["context"]["value"] == {"a": 1}
    assert call("clear_context", key="t") == {"cleared": True}
    assert server.ask("POST", "/v1/get_context", {"key": "t"})[0] == 404
    assert "/deep/er" in call("list_namespaces")["namespaces"]
    id = call("remember", text="about zeb", subject_id="zeb")["id"]
    assert call("erase", subject_id="zeb")["receipt"]["counts"]["episodes"] == 1
    assert server.ask("POST", "/v1/forget", {"ids": [id]})[0] == 404
    asked = {"remember", "write", "recall", "recent_episodes", "get_fact", "fact_history"}
    assert asked | {"create_namespace", "set_fact", "list_contradictions", "resolve_contradiction",
                    "query_facts", "set_context", "get_context", "clear_context", "list_namespaces",
                    "erase", "forget"} == set(SERVICES)  # fmt: skip


def test_the_notes_of_the_repository_are_served_too(server: Served) -> None:
    assert "Cut, not rounded." in server.call("read_note", note="tax")["text"]


HOSTILE: list[Any] = [
    None, [], "x", 1, {"query": 1}, {"query": "x", "limit": 10**30}, {"query": "x", "limit": -1},
    {"query": "\x00'\"\ud800"}, {"query": "x", "as_of": "yesterday"}, {"query": "x", "namespace": "//"},
    {"query": "x", "nonsense": 1}, {"query": "x" * 200_000}, {"text": ""}, {"text": "x", "ttl": -1},
    {"text": "x", "ttl": 1e300}, {"text": "x", "turn": 2**70}, {"text": "x", "occurred_at": "9999"},
    {"entity": "", "property": "p", "value": 1}, {"entity": "e", "property": "p", "value": 1e400},
    {"entity": "e" * 5000, "property": "p", "value": 1}, {"ids": ["x"]},
    {"ids": []}, {"id": "x", "keep": True},
    {"key": "k", "value": {}, "hours": 1e9}, {"value": 1, "expected_version": 2**70},
    {"subject_id": "\x00"}, {"episodes": [1]}, {"facts": [{}]},
    {"episodes": [{"content": "x", "metadata": []}]},
    {"namespace": "/a/../b"}, {"limit": True}, {"entity": ["x"]},
]  # fmt: skip


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_input_is_a_failure_of_the_server(server: Served, name: str) -> None:
    for body in HOSTILE:
        text = json.dumps(body).replace("Infinity", "1e400").encode()
        status, answer, _ = server.ask("POST", f"/v1/{name}", text)
        assert status in (200, 400, 404, 409), (name, body, status, answer)
    for query in ("", "limit=x", "query=%00&limit=9", "query=%ff", "a=b"):
        assert server.ask("GET", f"/v1/{name}?{query}")[0] in (200, 400, 404, 405)


@pytest.mark.parametrize("text", ["\ud800", "\x00", "a\x00b\udfff"], ids=["surrogate", "nul", "both"])
@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_text_that_json_can_say_is_an_answer_or_a_refusal(server: Served, name: str, text: str) -> None:
    given = {key: text for key, form in SERVICES[name].properties.items() if form.get("type") == "string"}
    rest = {"value": text, "ids": [text], "keep": True}
    for left_out in ("", "namespace", "as_of known_at valid_at occurred_at kind namespace", "entity"):
        body = {key: said for key, said in given.items() if key not in left_out.split()}
        body |= {key: said for key, said in rest.items() if key in SERVICES[name].properties}
        if name == "create_namespace":
            body["namespace"] = "/odd"
        status, answer, _ = server.ask("POST", f"/v1/{name}", body)
        assert status in (200, 400, 404, 409), (name, body, status, answer)


def test_mcp_speaks_over_http_with_the_same_table(server: Served) -> None:
    def ask(method: str, params: dict[str, Any]) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        status, answer, _ = server.ask("POST", "/mcp", body, headers=MCP)
        assert status == 200, answer
        return answer["result"]

    about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}
    assert ask("initialize", about)["serverInfo"]["name"] == "agentctx"
    tools = {tool["name"]: tool for tool in ask("tools/list", {})["tools"]}
    assert set(SERVICES) <= set(tools) and "prime" in tools
    assert tools["recall"]["annotations"]["readOnlyHint"] is True
    ask("tools/call", {"name": "remember", "arguments": {"text": "said over mcp"}})
    found = ask("tools/call", {"name": "recall", "arguments": {"query": "said mcp"}})
    assert "said over mcp" in found["content"][0]["text"] and not found["isError"]
    wrong = ask("tools/call", {"name": "recall", "arguments": {"qery": "x"}})
    assert wrong["isError"] and "query" in wrong["content"][0]["text"]


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_notes_and_prompts_are_offered_over_http_as_on_standard_input(server: Served, mode: str) -> None:
    import anyio
    from mcp import Client, MCPError

    async def talk() -> None:
        url = f"http://127.0.0.1:{server.port}/mcp"
        async with Client(url, mode=mode) as client:  # type: ignore[arg-type]
            assert mode != "legacy" or "propose_note" in str(client.instructions)
            resources = (await client.list_resources()).resources
            assert "Tax" in {resource.title for resource in resources}
            read = await client.read_resource(resources[0].uri)
            assert "<note id=" in read.contents[0].text  # type: ignore[union-attr]
            templates = (await client.list_resource_templates()).resource_templates
            assert [one.uri_template for one in templates] == ["agentctx://note/{id}"]
            prompts = (await client.list_prompts()).prompts
            assert {prompt.name for prompt in prompts} == {"begin", "hand_over", "mend"}
            got = await client.get_prompt("begin", {"task": "rotate the signing key"})
            assert "Cut, not rounded" in got.messages[0].content.text  # type: ignore[union-attr]
            with pytest.raises(MCPError, match="Unknown resource"):
                await client.read_resource("agentctx://note/nothing")
            with pytest.raises(MCPError, match="Unknown tool"):
                await client.call_tool("nothing", {})

    anyio.run(talk)


def test_a_key_of_another_team_finds_no_notes_over_mcp(guarded: Served, keys: dict[str, str]) -> None:
    def ask(name: str, method: str, params: dict[str, Any]) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return guarded.ask("POST", "/mcp", body, key=keys[name], headers=MCP)[1]

    assert ask("ada", "resources/list", {})["result"]["resources"] == []
    assert ask("ada", "prompts/list", {})["result"]["prompts"] == []
    assert ask("bob", "resources/read", {"uri": "agentctx://note/tax"})["error"]["code"] == -32602
    assert ask("bob", "prompts/get", {"name": "begin", "arguments": {"task": "x"}})["error"]["code"] == -32602
    told = ask("bob", "tools/call", {"name": "read_note", "arguments": {"note": "tax"}})
    assert told["error"]["code"] == -32602


def test_the_official_client_works(server: Served) -> None:
    import anyio
    from mcp import Client

    async def talk() -> str:
        async with Client(f"http://127.0.0.1:{server.port}/mcp") as client:
            await client.call_tool("remember", {"text": "by the official client"})
            result = await client.call_tool("recall", {"query": "official"})
            return str(result.content[0].text)  # type: ignore[union-attr]

    assert "by the official client" in anyio.run(talk)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "LOCALHOST:99"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": ""}, 421),
        ({"Host": "localhost \t "}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1"}, 403),
        ({"Origin": "http://evil.example", "Host": "evil.example"}, 421),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/v1/recall", "/mcp", "/stash"])
def test_the_door_lets_in_only_whom_it_should(
    server: Served, path: str, headers: dict[str, str], status: int
) -> None:
    body: Any = {"query": "x", "data": 1} if path == "/stash" else {"query": "x"}
    if path == "/mcp":
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        headers = {**MCP, **headers}
    found = server.ask("POST", path, body, headers=headers)[0]
    assert found == status or (path == "/mcp" and status == 415 and found in (400, 415))


def test_a_page_of_the_server_itself_may_ask(server: Served) -> None:
    own = {"Origin": f"http://127.0.0.1:{server.port}", "Host": f"127.0.0.1:{server.port}"}
    assert server.ask("POST", "/v1/recall", {"query": "x"}, headers=own)[0] == 200
    other = {**own, "Origin": f"http://127.0.0.1:{server.port + 1}"}
    assert server.ask("POST", "/v1/recall", {"query": "x"}, headers=other)[0] == 403


def test_a_body_over_the_limit_is_refused(server: Served) -> None:
    head = b"POST /v1/recall HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    assert server.raw(head + b"Content-Length: 99999999\r\n\r\n").startswith(b"HTTP/1.1 413")
    assert server.raw(head + b"Host: evil.example\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_health_readiness_and_metrics(server: Served) -> None:
    assert server.ask("GET", "/healthz")[:2] == (200, {"ok": True})
    assert server.ask("GET", "/readyz")[:2] == (200, {"ready": True})
    server.call("recall", query="x")
    text = server.ask("GET", "/metrics")[1]
    assert 'agentctx_requests_total{route="v1.recall",status="200"}' in text
    assert 'le="+Inf"' in text and "agentctx_request_seconds_count" in text


def test_keys_are_needed_as_soon_as_there_are_some(guarded: Served, keys: dict[str, str]) -> None:
    answers = [
        guarded.ask("POST", "/v1/recall", {"query": "x"}, key) for key in ("", "agx_x", keys["ada"] + "x")
    ]
    assert {status for status, _, _ in answers} == {401}
    assert len({json.dumps(body) for _, body, _ in answers}) == 1
    assert guarded.ask("POST", "/v1/recall", {"query": "x"}, keys["ada"])[0] == 200
    bearer = {"Authorization": f"Bearer {keys['ada']}", "Host": "memory.example"}
    assert guarded.ask("POST", "/v1/recall", {"query": "x"}, headers=bearer)[0] == 200
    assert guarded.ask("GET", "/healthz")[0] == 200
    assert guarded.ask("POST", "/mcp", {}, headers=MCP)[0] == 401


def test_tenants_do_not_meet(guarded: Served, keys: dict[str, str]) -> None:
    guarded.call("remember", keys["ada"], text="ada's secret plan")
    assert guarded.call("recall", keys["bob"], query="secret plan")["hits"] == []
    assert len(guarded.call("recall", keys["ada"], query="secret plan")["hits"]) == 1
    assert guarded.ask("POST", "/v1/read_note", {"note": "tax"}, keys["bob"])[0] == 404


def test_scopes_say_what_a_key_may(guarded: Served, keys: dict[str, str]) -> None:
    assert guarded.ask("POST", "/v1/recall", {"query": "x"}, keys["reader"])[0] == 200
    assert guarded.ask("POST", "/v1/remember", {"text": "x"}, keys["reader"])[0] == 403
    assert guarded.ask("POST", "/stash", {"data": 1}, keys["reader"])[0] == 403
    assert guarded.ask("POST", "/v1/erase", {"subject_id": "x"}, keys["ada"])[0] == 403
    guarded.call("remember", keys["admin"], text="about x", subject_id="x")
    assert guarded.ask("POST", "/v1/erase", {"subject_id": "x"}, keys["admin"])[0] == 200
    assert guarded.ask("GET", "/metrics", key=keys["ada"])[0] == 403
    assert guarded.ask("GET", "/metrics", key=keys["admin"])[0] == 200


def test_a_revoked_key_and_an_expired_one_open_nothing(
    guarded: Served, shop: TempRepo, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = made(shop, home, "--owner", "eve")
    assert guarded.ask("POST", "/v1/recall", {"query": "x"}, key)[0] == 200
    monkeypatch.setenv("HOME", str(home))
    listed = json.loads(shop.agentctx("keys", "list", "--json").stdout)["keys"]
    id = next(k["id"] for k in listed if k["owner"] == "eve")
    assert shop.agentctx("keys", "revoke", id).returncode == 0
    time.sleep(1.1)
    assert guarded.ask("POST", "/v1/recall", {"query": "x"}, key)[0] in (401, 429)
    data = b"".join(path.read_bytes() for path in home.rglob("*.sqlite*"))
    assert id.encode() in data and key.encode() not in data and key.split("_", 2)[2].encode() not in data


def test_wrong_keys_are_slowed_down(guarded: Served) -> None:
    found = [guarded.ask("POST", "/v1/recall", {"query": "x"}, "wrong")[0] for _ in range(15)]
    assert found[-1] == 429 and set(found) <= {401, 429}


def test_a_server_that_strangers_reach_needs_a_key(repo: TempRepo) -> None:
    repo.commit("code", {"a.py": ""})
    done = repo.agentctx("serve", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2 and "agentctx keys new" in done.stderr
    done = repo.agentctx("stash", "serve", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2 and "agentctx keys new" in done.stderr


def test_tls_comes_from_a_certificate_and_its_key(repo: TempRepo, tmp_path: Path) -> None:
    repo.commit("code", {"a.py": ""})
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(tmp_path / "k.pem"),
         "-out", str(tmp_path / "c.pem"), "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    options = ("--tls-cert", str(tmp_path / "c.pem"), "--tls-key", str(tmp_path / "k.pem"))
    with serving(repo.root, "serve", *options) as served:
        trust = ssl.create_default_context(cafile=str(tmp_path / "c.pem"))
        client = HTTPSConnection("localhost", served.port, context=trust, timeout=20)
        client.request("GET", "/healthz")
        assert client.getresponse().status == 200
        client.close()
    done = repo.agentctx("serve", "--port", "0", "--tls-cert", "none.pem", "--tls-key", "none.pem")
    assert done.returncode == 2 and "TLS" in done.stderr


def test_a_head_without_end_is_refused(server: Served) -> None:
    endless = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X-Word: many words\r\n" * 8_000
    assert server.raw(endless).startswith(b"HTTP/1.1 400")
