"""The person's provider settings: read strictly, written without touching another byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentctx.errors import InvalidInput
from agentctx.llm.settings import (
    PRESETS,
    ProviderSettings,
    changed,
    chosen,
    config_path,
    read,
    write,
)

LOCAL = ProviderSettings("openai-compatible", "qwen3", "http://127.0.0.1:11434/v1")
OTHERS = b"# mine\ntheme: dark   # keep\n\ntrusted:\n  - a\n  - b\n"


def test_the_path_follows_the_person_s_environment(own_home: Path, tmp_path: Path) -> None:
    assert config_path({}) == own_home / ".config/agentctx/config.yaml"
    assert config_path({"XDG_CONFIG_HOME": str(tmp_path)}) == tmp_path / "agentctx/config.yaml"
    assert config_path({"XDG_CONFIG_HOME": "relative"}) == own_home / ".config/agentctx/config.yaml"


def test_without_a_file_there_is_no_provider() -> None:
    assert read() is None


def test_what_is_written_is_read_back() -> None:
    full = ProviderSettings(
        "openai-compatible", 'odd "name": #1', "https://h.example/v1?x=1", "MY_KEY", timeout=30.5,
        max_output_tokens=99, price_in=0.25, price_out=2.0, tokens_per_day=5,
    )  # fmt: skip
    for settings in (
        full,
        LOCAL,
        PRESETS["claude"],
        PRESETS["codex"],
        ProviderSettings("command", command=("a b",)),
    ):
        assert write(settings) == config_path()
        assert read() == settings


def test_only_the_provider_s_own_lines_change(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(OTHERS)
    write(LOCAL, path)
    first = path.read_bytes()
    assert first.startswith(OTHERS)
    path.write_bytes(first + b"# last words\nlast: 1\n")
    write(changed(LOCAL, {"model": "other"}), path)
    assert path.read_bytes() == first.replace(b"qwen3", b"other") + b"# last words\nlast: 1\n"
    write(None, path)
    assert path.read_bytes() == OTHERS + b"# last words\nlast: 1\n"


def test_line_endings_and_a_missing_last_newline_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"a: 1\r\nb: 2")
    write(LOCAL, path)
    assert path.read_bytes().startswith(b"a: 1\r\nb: 2\r\nprovider:\r\n")
    assert read(path) == LOCAL


def test_a_linked_config_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "agentctx.yaml"
    real.parent.mkdir()
    real.write_bytes(OTHERS)
    link = tmp_path / "config.yaml"
    link.symlink_to(real)
    write(LOCAL, link)
    assert link.is_symlink()
    assert read(link) == LOCAL


@pytest.mark.parametrize(
    "text",
    [
        "provider: [",
        "- a list",
        "{provider: {kind: command}, other: 1}",
        "other: &a 1\nx: |\n  y\n provider: 3",
    ],
)
def test_a_file_that_cannot_be_edited_in_place_is_left_alone(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(InvalidInput):
        write(LOCAL, path)
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("provider:\n  kind: telepathy\n", "telepathy"),
        ("provider:\n  kind: command\n", "no command"),
        ("provider:\n  kind: anthropic\n  model: x\n", "no address"),
        ("provider:\n  kind: anthropic\n  url: https://h.example\n", "no model"),
        ("provider:\n  kind: anthropic\n  modle: x\n", "modle"),
        ("provider:\n  kind: command\n  command: echo hi\n", "a list of words"),
        ("provider:\n  kind: command\n  command: [x]\n  timeout: soon\n", "timeout"),
        ("provider:\n  kind: command\n  command: [x]\n  timeout: -1\n", "above zero"),
        ("provider:\n  kind: command\n  command: [x]\n  timeout: nan\n", "timeout must be above zero"),
        ("provider:\n  kind: command\n  command: [x]\n  timeout: inf\n", "at most 86400 seconds"),
        ("provider:\n  kind: command\n  command: [x]\n  max_output_tokens: 0\n", "max_output_tokens"),
        ("provider:\n  kind: command\n  command: [x]\n  tokens_per_sync: -5\n", "tokens_per_sync"),
        ("provider:\n  kind: command\n  command: [x]\n  tokens_per_day: 0\n", "tokens_per_day"),
        ("provider:\n  kind: command\n  command: [x]\n  price_in: nan\n", "price_in must be zero or more"),
        ("provider:\n  kind: command\n  command: [x]\n  price_out: -1\n", "price_out"),
        ("provider: openai\n", "not a table"),
        ("provider:\n  model: x\n", "kind"),
        ("provider:\n  kind: anthropic\n  model: x\n  url: http://h.example\n", "plain http"),
    ],
)
def test_a_wrong_setting_is_named(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=words):
        read(path)


def test_a_key_in_place_of_a_variable_s_name_is_not_repeated() -> None:
    with pytest.raises(InvalidInput) as caught:
        chosen("openai", {"key_variable": "sk-0123456789"})
    assert "0123456789" not in caught.value.message + caught.value.hint


def test_a_key_does_not_follow_to_another_host() -> None:
    openai = chosen("openai", {})
    assert openai.key_variable == "OPENAI_API_KEY"
    assert changed(openai, {"url": "https://evil.example/v1"}).key_variable == ""
    assert changed(openai, {"url": "https://api.openai.com/v2"}).key_variable == "OPENAI_API_KEY"
    named = changed(openai, {"url": "https://proxy.example/v1", "key_variable": "OPENAI_API_KEY"})
    assert named.key_variable == "OPENAI_API_KEY"


def test_an_unknown_preset_gets_a_suggestion() -> None:
    with pytest.raises(InvalidInput) as caught:
        chosen("olama", {"model": "x"})
    assert "ollama" in caught.value.hint


def test_cost_is_counted_by_the_million() -> None:
    assert ProviderSettings("command", price_in=3.0, price_out=15.0).cost(200_000, 10_000) == pytest.approx(
        0.75
    )


@pytest.mark.parametrize("name", ["", "openai-compatible"], ids=["no name", "the same name"])
def test_what_is_not_given_stays_as_it_is_set(name: str) -> None:
    assert chosen(name, {"timeout": 5.0}, LOCAL) == changed(LOCAL, {"timeout": 5.0})
    assert chosen("anthropic", {}, LOCAL) == PRESETS["anthropic"]
    given = {"url": LOCAL.url, "model": LOCAL.model}
    assert chosen(name, given) == LOCAL
