"""A guest's manners, for every client and every shape of their files."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctx.errors import InvalidInput
from agentctx.integrations import clients
from agentctx.integrations.base import Client
from agentctx.integrations.blockpart import with_block, without_block
from agentctx.integrations.jsonpart import JsonPart

CLIENTS = clients.CLIENTS.values()
JSON_FILES = sorted({p.path for c in CLIENTS for p in c.parts if isinstance(p, JsonPart)})
SHAPES = {
    "empty_object": "{}",
    "empty_object_over_lines": "{\n}\n",
    "empty_containers": '{"hooks": {}, "mcpServers": {}, "mcp": { }}\n',
    "empty_lists": '{\n  "hooks": {\n    "SessionStart": [],\n    "sessionStart": [ ]\n  }\n}\n',
    "others": '{\n\t"hooks": {"SessionStart": [{"matcher": "x", "hooks": []}]},\n\t"model": "opus"\n}\n',
    "one_line": '{"mcpServers": {"other": {"command": "x"}}, "version": 1}',
    "crlf": '{\r\n    "a": [1,  2]\r\n}\r\n',
    "other_version": '{"version": 2}\n',
}


def tree(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("client", CLIENTS, ids=lambda c: c.name)
def test_a_fresh_repository_is_left_as_it_was_found(client: Client, tmp_path: Path) -> None:
    client.install(tmp_path)
    assert tree(tmp_path)
    assert all(p.outcome in ("present", "absent") for p in client.status(tmp_path))
    client.uninstall(tmp_path)
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("client", CLIENTS, ids=lambda c: c.name)
def test_installing_twice_changes_no_byte_and_a_dry_run_none_at_all(client: Client, tmp_path: Path) -> None:
    told = client.install(tmp_path, dry_run=True)
    assert tree(tmp_path) == {}
    assert client.install(tmp_path) == told
    once = tree(tmp_path)
    assert {p.outcome for p in client.install(tmp_path)} <= {"present", "absent"}
    assert tree(tmp_path) == once


@pytest.mark.parametrize("path", JSON_FILES)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_settings_of_others_come_back_byte_for_byte(path: str, shape: str, tmp_path: Path) -> None:
    target = tmp_path / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(shape.encode())
    before = json.loads(shape)
    for client in CLIENTS:
        for part in client.parts:
            if part.path == path:
                assert part.install(tmp_path).outcome in ("added", "present")
                after = json.loads(target.read_bytes())
                assert all(key in after for key in before)
                part.uninstall(tmp_path)
    assert target.read_bytes() == shape.encode()


FOREIGN = {"comments": '{\n  // ours\n  "a": 1\n}\n', "empty": "", "list": "[]\n", "cut": '{"hooks": '}


@pytest.mark.parametrize("path", JSON_FILES)
@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN.keys())
def test_what_is_not_plain_json_is_never_written_and_the_lines_are_shown(
    path: str, text: str, tmp_path: Path
) -> None:
    target = tmp_path / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    for client in CLIENTS:
        for part in client.parts:
            if part.path == path:
                done = part.install(tmp_path)
                assert done.outcome == "refused" and "agentctx" in done.by_hand
                json.loads(done.by_hand)
                assert part.uninstall(tmp_path).outcome == part.status(tmp_path).outcome == "absent"
    assert target.read_text() == text


def test_our_lines_in_a_file_that_is_no_longer_plain_json_are_a_persons_to_remove(tmp_path: Path) -> None:
    part = clients.CLIENTS["claude-code"].parts[0]
    part.install(tmp_path)
    target = tmp_path / part.path
    target.write_text("// mine\n" + target.read_text())
    assert part.status(tmp_path).outcome == part.uninstall(tmp_path).outcome == "refused"


def test_an_older_form_of_our_hook_is_replaced_and_not_doubled(tmp_path: Path) -> None:
    old = {"hooks": [{"type": "command", "command": "agentctx hook session-start --client claude-code"}]}
    settings = tmp_path / ".claude/settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"hooks": {"SessionStart": [{"hooks": []}, old]}}))
    claude = clients.CLIENTS["claude-code"]
    assert claude.status(tmp_path)[0].outcome == "updated"
    assert claude.install(tmp_path)[0].outcome == "updated"
    hooks = json.loads(settings.read_text())["hooks"]["SessionStart"]
    assert len(hooks) == 2 and hooks[0] == {"hooks": []} and hooks[1]["hooks"][0]["timeout"] == 10


def test_somebody_elses_server_of_our_name_stays(tmp_path: Path) -> None:
    theirs = '{"mcpServers": {"agentctx": {"command": "docker", "args": ["run", "theirs"]}}}'
    (tmp_path / ".mcp.json").write_text(theirs)
    claude = clients.CLIENTS["claude-code"]
    claude.install(tmp_path)
    claude.uninstall(tmp_path)
    assert (tmp_path / ".mcp.json").read_text() == theirs


def test_a_toml_file_keeps_its_tables_and_comes_back(tmp_path: Path) -> None:
    config = tmp_path / ".codex/config.toml"
    config.parent.mkdir()
    for text in ('model = "x"\n', '# words\n[mcp_servers.other]\ncommand = "x"', "a = 1\r\n", ""):
        config.write_bytes(text.encode())
        codex = clients.CLIENTS["codex"]
        assert codex.install(tmp_path)[0].outcome == "added"
        data = tomllib.loads(config.read_bytes().decode())
        assert data["mcp_servers"]["agentctx"]["args"] == ["mcp"]
        codex.uninstall(tmp_path)
        assert config.read_bytes() == text.encode()


@pytest.mark.parametrize(
    "text", ["a = [", '[mcp_servers.agentctx]\ncommand = "mine"\n', "mcp_servers = {}\n"]
)
def test_a_toml_file_that_the_block_would_break_stays(text: str, tmp_path: Path) -> None:
    config = tmp_path / ".codex/config.toml"
    config.parent.mkdir()
    config.write_text(text)
    done = clients.CLIENTS["codex"].install(tmp_path)[0]
    assert done.outcome == "refused" and "[mcp_servers.agentctx]" in done.by_hand
    assert config.read_text() == text


@given(st.text(alphabet="ab# \n\r", max_size=30) | st.none(), st.booleans())
def test_a_block_comes_out_again_without_a_trace(text: str | None, twice: bool) -> None:
    begin, end = "<!-- b -->", "<!-- e -->"
    added = with_block(text, "one\n\ntwo\n", begin, end)
    assert with_block(added, "one\n\ntwo\n", begin, end) == added
    if twice:
        added = with_block(added, "three", begin, end)
        assert "one" not in added
    assert without_block(added, begin, end) == text


def test_claude_md_is_touched_only_where_it_hides_agents_md(tmp_path: Path) -> None:
    client = clients.CLIENTS["agents-md"]
    client.install(tmp_path)
    assert not (tmp_path / "CLAUDE.md").exists()
    (tmp_path / "CLAUDE.md").write_text("Read @AGENTS.md first.\n")
    client.install(tmp_path)
    assert (tmp_path / "CLAUDE.md").read_text() == "Read @AGENTS.md first.\n"
    (tmp_path / "CLAUDE.md").write_text("Be brief.\n")
    client.install(tmp_path)
    assert "@AGENTS.md" in (tmp_path / "CLAUDE.md").read_text()
    client.uninstall(tmp_path)
    assert (tmp_path / "CLAUDE.md").read_text() == "Be brief.\n"


def test_a_link_out_of_the_repository_is_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    (tmp_path / "outside.md").write_text("theirs\n")
    (root / "AGENTS.md").symlink_to(tmp_path / "outside.md")
    assert clients.CLIENTS["agents-md"].install(root)[0].outcome == "refused"
    assert (tmp_path / "outside.md").read_text() == "theirs\n"


def test_a_file_that_another_client_needs_stays(tmp_path: Path) -> None:
    both = clients.named(["claude-code", "copilot"])
    clients.install(both, tmp_path)
    clients.uninstall(clients.named(["copilot"]), tmp_path)
    assert (tmp_path / ".mcp.json").exists() and not (tmp_path / ".github").joinpath(
        "hooks/agentctx.json"
    ).exists()
    clients.uninstall(clients.named(["claude-code"]), tmp_path)
    assert not (tmp_path / ".mcp.json").exists()


def test_auto_finds_what_the_team_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    names = [c.name for c in clients.chosen("auto", tmp_path)]
    assert names == ["claude-code", "agents-md"]
    (tmp_path / ".codex").mkdir()
    (tmp_path / "GEMINI.md").write_text("x\n")
    assert [c.name for c in clients.chosen("auto", tmp_path)] == ["codex", "gemini", "agents-md"]
    assert clients.chosen("none", tmp_path) == []
    assert len(clients.chosen("all", tmp_path)) == len(clients.CLIENTS)
    assert [c.name for c in clients.chosen("cursor, codex", tmp_path)] == ["codex", "cursor"]
    with pytest.raises(InvalidInput) as raised:
        clients.chosen("cursro", tmp_path)
    assert "cursor" in raised.value.hint


def test_every_hook_is_silent_and_successful_without_agentctx(tmp_path: Path) -> None:
    import re
    import subprocess

    for client in CLIENTS:
        client.install(tmp_path)
    texts = [json.loads(data) for name, data in tree(tmp_path).items() if name.endswith(".json")]
    commands = re.findall(r'"(?:command|bash)": "(if command[^"]*)"', json.dumps(texts))
    assert len(commands) >= 12
    for command in commands:
        done = subprocess.run(
            ["/bin/sh", "-c", command], env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert "/" not in command.replace("/dev/null", "")
