"""The operations on memory under the names of Stash, over standard input and output."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.repository import TempRepo
from tests.server.talk import Talk, talking

ALIASES = {
    "remember", "recall", "forget", "set_context", "get_context", "clear_context", "query_facts",
    "list_namespaces", "create_namespace", "list_contradictions", "resolve_contradiction",
}  # fmt: skip


def asked(talk: Talk, tool: str, **given: Any) -> Any:
    return json.loads(talk.call(tool, **given))


def test_every_name_that_stash_uses_can_be_called_though_few_are_listed(repo: TempRepo) -> None:
    repo.commit("begin", {"a.txt": "a\n"})
    with talking(repo.root) as talk:
        tools = {tool["name"] for tool in talk.ask("tools/list")["result"]["tools"]}
        assert len(tools) == 10 and tools & ALIASES == {"remember", "recall"}
        assert asked(talk, "create_namespace", namespace="/team")["namespace"] == "/team"
        assert "/team" in asked(talk, "list_namespaces")["namespaces"]
        kept = asked(talk, "remember", text="deploys on Friday fail", namespace="/team", session_id="s")
        assert kept["kind"] == "episode"
        assert "Friday" in talk.call("recall", query="deploys", namespace="/team")
        assert asked(talk, "recall", query="deploys", as_of="2000-01-01T00:00:00Z")["hits"] == []
        assert asked(talk, "forget", ids=[kept["id"]])["counts"]["episodes"] == 1
        talk.call("remember", text="Ada owns it", entity="deploy", property="owner", value="Ada")
        asked(talk, "remember", text="Bob?", entity="deploy", property="owner", value="Bob", confidence=0.2)
        assert [f["value"] for f in asked(talk, "query_facts", entity="deploy")["facts"]] == ["Ada"]
        (pair,) = asked(talk, "list_contradictions")["contradictions"]
        asked(talk, "resolve_contradiction", id=pair["disputed"]["id"], keep=True)
        assert [f["value"] for f in asked(talk, "query_facts", entity="deploy")["facts"]] == ["Bob"]
        asked(talk, "set_context", key="k", value={"step": 1})
        assert asked(talk, "get_context", key="k")["context"]["value"] == {"step": 1}
        assert asked(talk, "clear_context", key="k") == {"cleared": True}
        assert "no such context" in talk.refused("get_context", key="k")
        assert "did you mean 'query'" in talk.refused("recall", qery="x")
        assert talk.ask("tools/call", {"name": "erase", "arguments": {}})["error"]["code"] == -32602


def test_what_an_agent_remembers_has_a_namespace_and_an_end(repo: TempRepo) -> None:
    repo.commit("begin", {"a.txt": "a\n"})
    with talking(repo.root) as talk:
        talk.call("remember", text="apples are red", namespace="/fruit", ttl=3600)
        assert "apples" in talk.call("recall", query="apples", namespace="fruit")
        assert "Nothing" in talk.call("recall", query="apples", namespace="/veg")
        (told,) = asked(talk, "recent_episodes", namespace="/fruit")["episodes"]
        assert told["expires_at"] > told["recorded_at"]
        assert "above zero" in talk.refused("remember", text="x", ttl=0)


def test_all_operations_on_memory_are_listed_on_request(repo: TempRepo) -> None:
    repo.commit("begin", {"a.txt": "a\n"})
    process = subprocess.Popen(
        [sys.executable, "-m", "agentctx", "mcp", "--memory-tools"], cwd=repo.root,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    talk = Talk(process)
    tools = {tool["name"]: tool for tool in talk.ask("tools/list")["result"]["tools"]}
    assert ALIASES | {"prime", "working_context"} <= set(tools) and "erase" not in tools
    assert "confidence" in tools["remember"]["inputSchema"]["properties"]
    assert tools["recall"]["annotations"]["readOnlyHint"] is True
    assert "destructiveHint" not in tools["forget"]["annotations"]
    assert asked(talk, "remember", text="said")["kind"] == "episode"
    process.communicate(timeout=20)
    assert process.returncode == 0
