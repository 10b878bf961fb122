"""Both eras of the protocol, over real pipes; the official SDK is the judge of what is well-formed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import TextContent, TextResourceContents

from tests.repository import TempRepo
from tests.server.talk import ENVELOPE, talking

TOOLS = {
    "prime", "search", "read_note", "status", "propose_note", "verify", "session_note", "remember", "recall",
    "working_context",
}  # fmt: skip
WRITERS = {"propose_note", "verify", "session_note", "remember", "working_context"}


def server(root: Path) -> StdioServerParameters:
    import os

    return StdioServerParameters(
        command=sys.executable, args=["-m", "agentctx", "mcp"], cwd=root, env=dict(os.environ)
    )


@pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])
def test_the_official_client_lists_calls_and_reads_in_every_era(project: TempRepo, mode: str) -> None:
    async def session() -> None:
        async with Client(stdio_client(server(project.root)), mode=mode) as client:  # type: ignore[arg-type]
            assert client.protocol_version == ("2025-11-25" if mode == "legacy" else "2026-07-28")
            tools = (await client.list_tools()).tools
            assert {t.name for t in tools} == TOOLS
            assert {t.name for t in tools if not (t.annotations and t.annotations.read_only_hint)} == WRITERS
            found = await client.call_tool("search", {"query": "signed tokens"})
            assert isinstance(found.content[0], TextContent) and "Signed tokens" in found.content[0].text
            assert not found.is_error and found.structured_content is None
            resources = (await client.list_resources()).resources
            assert len(resources) == 2
            read = await client.read_resource(resources[0].uri)
            assert isinstance(read.contents[0], TextResourceContents) and "<note id=" in read.contents[0].text
            prompts = (await client.list_prompts()).prompts
            assert all(p.description for p in prompts)
            got = await client.get_prompt("begin", {"task": "rotate the signing key"})
            assert isinstance(got.messages[0].content, TextContent)
            assert "Signed tokens" in got.messages[0].content.text

    anyio.run(session)


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_the_handshake_agrees_on_every_older_revision(project: TempRepo, version: str) -> None:
    with talking(project.root) as talk:
        asked = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}
        result = talk.ask("initialize", asked)["result"]
        assert result["protocolVersion"] == version
        assert result["serverInfo"]["name"] == "agentctx"
        talk.send(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
        assert talk.ask("ping")["result"] == {}


def test_an_unknown_older_revision_is_answered_with_the_newest_that_has_a_handshake(
    project: TempRepo,
) -> None:
    with talking(project.root) as talk:
        assert (
            talk.ask("initialize", {"protocolVersion": "1999-01-01"})["result"]["protocolVersion"]
            == "2025-11-25"
        )


def test_results_of_the_current_revision_say_their_type_and_how_long_they_keep(project: TempRepo) -> None:
    with talking(project.root) as talk:
        found = talk.ask("server/discover", current=True)["result"]
        assert found["supportedVersions"] == ["2026-07-28"]
        for method in ("tools/list", "resources/list", "resources/templates/list", "prompts/list"):
            result = talk.ask(method, current=True)["result"]
            assert result["resultType"] == "complete" and result["ttlMs"] >= 0
            assert result["cacheScope"] == "private"
            assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "agentctx"


def test_a_version_that_nobody_speaks_is_refused_with_the_ones_we_do(project: TempRepo) -> None:
    with talking(project.root) as talk:
        meta = {**ENVELOPE, "io.modelcontextprotocol/protocolVersion": "2099-01-01"}
        error = talk.ask("tools/list", {"_meta": meta})["error"]
        assert error["code"] == -32022
        assert error["data"] == {"supported": ["2026-07-28"], "requested": "2099-01-01"}


REFUSALS = {
    "unknown_method": ("nothing/here", {}, -32601),
    "unknown_tool": ("tools/call", {"name": "nothing"}, -32602),
    "arguments_are_a_list": ("tools/call", {"name": "search", "arguments": [1]}, -32602),
    "unknown_resource": ("resources/read", {"uri": "file:///etc/passwd"}, -32602),
    "unknown_note": ("resources/read", {"uri": "agentctx://note/nothing"}, -32602),
    "foreign_cursor": ("resources/list", {"cursor": "-1"}, -32602),
    "unknown_prompt": ("prompts/get", {"name": "nothing"}, -32602),
    "prompt_without_its_argument": ("prompts/get", {"name": "begin"}, -32602),
}


@pytest.mark.parametrize("method, params, code", REFUSALS.values(), ids=REFUSALS.keys())
def test_what_cannot_be_served_is_an_error_of_the_protocol(
    project: TempRepo, method: str, params: dict[str, object], code: int
) -> None:
    with talking(project.root) as talk:
        assert talk.ask(method, params)["error"]["code"] == code
        assert talk.ask("ping")["result"] == {}


def test_broken_lines_are_answered_and_the_server_lives_on(project: TempRepo) -> None:
    with talking(project.root) as talk:
        for line, code in (
            (b"not json\n", -32700),
            (b"[]\n", -32600),
            (b"3\n", -32600),
            (b'{"id": 1}\n', -32600),
        ):
            talk.send(line)
            assert talk.receive()["error"]["code"] == code
        talk.send(b'\n{"jsonrpc": "2.0", "method": "notifications/cancelled"}\n')
        assert talk.ask("ping")["result"] == {}


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2025-11-25"])
def test_a_batch_is_answered_only_in_the_revisions_that_have_batches(project: TempRepo, version: str) -> None:
    batch = (
        b'[{"jsonrpc": "2.0", "id": 7, "method": "ping"}, {"jsonrpc": "2.0", "method": "notifications/x"}]\n'
    )
    with talking(project.root) as talk:
        talk.ask("initialize", {"protocolVersion": version})
        talk.send(batch)
        answer = talk.receive()
        if version == "2025-03-26":
            assert answer == [{"jsonrpc": "2.0", "id": 7, "result": {}}]
        else:
            assert answer["error"]["code"] == -32600 and answer["id"] is None
        assert talk.ask("ping")["result"] == {}


def test_the_tool_list_stays_small_and_has_at_most_ten_tools(project: TempRepo) -> None:
    with talking(project.root) as talk:
        tools = talk.ask("tools/list")["result"]["tools"]
    assert len(tools) <= 10
    assert len(json.dumps(tools).encode()) < 6_000
    for tool in tools:
        assert (
            tool["inputSchema"]["type"] == "object" and tool["inputSchema"]["additionalProperties"] is False
        )


def test_a_folder_that_is_no_repository_is_told_in_the_answer(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        assert talk.ask("initialize", {"protocolVersion": "2025-11-25"})["result"]
        assert "git" in talk.refused("prime")


def test_the_first_answer_comes_soon_enough_for_a_client_that_does_not_wait(project: TempRepo) -> None:
    """The bound is for a machine that is busy with other tests; docs/agents.md has the measured times."""
    times = []
    for _ in range(5):
        started = time.monotonic()
        with talking(project.root) as talk:
            talk.ask("initialize", {"protocolVersion": "2025-06-18"})
            times.append(time.monotonic() - started)
    assert min(times) < 1.0, times


def test_notes_are_offered_as_completions(project: TempRepo) -> None:
    with talking(project.root) as talk:
        params = {
            "ref": {"type": "ref/prompt", "name": "mend"},
            "argument": {"name": "note", "value": "signed"},
        }
        values = talk.ask("completion/complete", params)["result"]["completion"]["values"]
    assert len(values) == 1 and values[0].endswith("signed-tokens")


def test_the_list_of_tools_waits_for_nothing_that_opens_a_repository(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, agentctx.server.protocol as p; from agentctx.server.warm import Warm;"
        "p.HANDLERS['tools/list'](Warm(pathlib.Path()), {});"
        "names = ('agentctx.git', 'agentctx.project', 'agentctx.proposals');"
        "heavy = [m for m in sys.modules if m.startswith(names)];"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_an_agent_may_propose_every_kind_that_a_model_may() -> None:
    from agentctx.proposals.operations import NEW_KINDS
    from agentctx.server.writers import KINDS

    assert KINDS == NEW_KINDS
