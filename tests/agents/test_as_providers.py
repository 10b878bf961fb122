"""The real Claude Code and Codex as models of a whole sync: no tools, no hooks, no servers, nothing lost."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from agentctx.llm.settings import PRESETS, write
from bench.demo import scripted
from bench.scripted_model import Asked
from tests.agents import test_claude_code, test_codex
from tests.agents.answering import STRUCTURED, answering, texts
from tests.flows.test_sync import NOTE, notes_on_disk, shop, states
from tests.repository import TempRepo

__all__ = ["shop"]

pytestmark = pytest.mark.agents

HARMLESS = {STRUCTURED, "DeferredToolPlaceholder", "request_user_input"}
"""What a client may still offer: the form of the answer, a placeholder, a question that nobody can answer."""


MODEL = "scripted-4-5"
"""What the person gives with `--model`."""


def mended(text: str) -> str:
    """The scripted model's answer to the request in a text."""
    return json.dumps(scripted(Asked("", {"messages": [{"role": "user", "content": text}]}, 0)))


@dataclass(frozen=True)
class Client:
    """One client's binary, and how its person has set it up: hooks, servers and rules of their own."""

    name: str
    binary: Callable[[], Path]
    prepare: Callable[[Path], None]

    def use(self, url: str, timeout: float = 60.0) -> None:
        """Have the preset of this client as the model, by the path of the binary."""
        preset = PRESETS[self.name]
        _, *words = preset.command
        if self.name == "codex":  # its own log-in names its service; here the words do
            about = f'{{name="scripted",base_url="{url}/v1",env_key="OPENAI_API_KEY",wire_api="responses"}}'
            at = words.index("--output-schema")
            words[at:at] = [
                "-c", f"model_providers.scripted={about}", "-c", "model_provider=scripted",
                "-c", "features.enable_request_compression=false",
            ]  # fmt: skip
        write(replace(preset, model=MODEL, command=(str(self.binary()), *words), timeout=timeout))


def _claude_home(home: Path) -> None:
    hook = {"hooks": [{"type": "command", "command": f"touch {home}/HOOKED"}]}
    (home / ".claude").mkdir()
    events = ("SessionStart", "SessionEnd", "Stop", "UserPromptSubmit")
    (home / ".claude/settings.json").write_text(json.dumps({"hooks": {event: [hook] for event in events}}))
    (home / ".claude/CLAUDE.md").write_text("RULES-OF-THE-PERSON\n")
    server = {"command": "touch", "args": [f"{home}/SERVED"]}
    settings = {"hasCompletedOnboarding": True, "mcpServers": {"other": server}}
    (home / ".claude.json").write_text(json.dumps(settings))


def _codex_home(home: Path) -> None:
    hook = {"hooks": [{"type": "command", "command": f"touch {home}/HOOKED"}]}
    (home / ".codex").mkdir()
    (home / ".codex/hooks.json").write_text(json.dumps({"hooks": {"SessionStart": [hook], "Stop": [hook]}}))
    (home / ".codex/config.toml").write_text(
        f'notify = ["touch", "{home}/HOOKED"]\n'
        f'[mcp_servers.other]\ncommand = "touch"\nargs = ["{home}/SERVED"]\n'
    )


CLIENTS = (
    Client("claude", test_claude_code.client, _claude_home),
    Client("codex", test_codex.client, _codex_home),
)


@pytest.fixture(params=CLIENTS, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest, own_home: Path) -> Client:
    found: Client = request.param
    found.prepare(own_home)
    return found


def sync(shop: TempRepo, url: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "placeholder", "OPENAI_API_KEY": "placeholder",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1", "TERM": "dumb",
        "ANTHROPIC_MODEL": "another-one", "CLAUDE_CODE_MAX_RETRIES": "0",
    }  # fmt: skip
    return shop.agentctx("sync", "--mode", "apply", env=environment)


def test_a_whole_sync_is_answered_and_applied_without_tools_hooks_or_servers(
    shop: TempRepo, client: Client, own_home: Path
) -> None:
    with answering(mended) as model:
        client.use(model.url)
        done = sync(shop, model.url)
    assert done.returncode == 0, done.stderr
    assert "`MAX_AGE = 3600`" in (shop.root / NOTE).read_text()
    assert "the role and the time of issue" in (shop.root / NOTE).read_text()
    for body in model:
        offered = {str(tool.get("name") or tool.get("type")) for tool in body.get("tools") or []}
        assert offered <= HARMLESS
    assert {body["model"] for body in model} == {MODEL}
    by = json.loads(shop.agentctx("review", "--all", "--json").stdout)["proposals"]
    assert {p["model"] for p in by if p["origin"] == "model"} == {MODEL}
    said = "\n".join(texts(list(model)))
    assert "You keep a code repository's notes true" in said
    assert "RULES-OF-THE-PERSON" not in said
    assert not (own_home / "HOOKED").exists() and not (own_home / "SERVED").exists()
    assert list(own_home.rglob("*.jsonl")) == [], "no transcript of the diff is left behind"


ANSWERS = {
    "a refusal": "I will not help with that.",
    "cut JSON": '{"answers": [{"note": "2026',
    "nothing": "",
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_unusable_answer_changes_nothing_and_the_next_sync_does_it_all(
    shop: TempRepo, client: Client, answer: str
) -> None:
    before = (shop.root / NOTE).read_bytes()
    with answering(lambda text: ANSWERS[answer]) as model:
        client.use(model.url)
        done = sync(shop, model.url)
    assert "Traceback" not in done.stderr and "[format]" in done.stdout
    assert (shop.root / NOTE).read_bytes() == before
    with answering(mended) as model:
        client.use(model.url)
        assert sync(shop, model.url).returncode == 0
    assert "`MAX_AGE = 3600`" in (shop.root / NOTE).read_text()


def test_an_answer_of_another_form_is_refused_and_told(shop: TempRepo, client: Client) -> None:
    before = (shop.root / NOTE).read_bytes()
    with answering(lambda text: '{"all": "good"}') as model:
        client.use(model.url)
        done = sync(shop, model.url)
    assert done.returncode == 2 or "[format]" in done.stdout
    assert (shop.root / NOTE).read_bytes() == before
    assert states(shop)["2026-01-12-signed-tokens"] == "stale"


def test_a_model_that_hangs_is_ended_in_time_with_its_client(shop: TempRepo, client: Client) -> None:
    before = notes_on_disk(shop)[NOTE.removeprefix("agent-context/")]
    with answering(mended, delay=20.0) as model:
        client.use(model.url, timeout=6.0)
        done = sync(shop, model.url)
    assert done.returncode == 2 and "within 6 seconds" in done.stderr
    assert (shop.root / NOTE).read_bytes() == before
    name = str(client.binary()).encode()
    running = [p for p in Path("/proc").glob("[0-9]*/cmdline") if name in _read(p)]
    assert running == []


def test_a_key_that_is_refused_is_told_in_the_clients_own_words(shop: TempRepo, client: Client) -> None:
    before = (shop.root / NOTE).read_bytes()
    with answering(mended, status=401) as model:
        client.use(model.url)
        done = sync(shop, model.url)
    assert done.returncode == 2
    assert "this key was refused" in done.stderr or "401" in done.stderr
    assert (shop.root / NOTE).read_bytes() == before


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
