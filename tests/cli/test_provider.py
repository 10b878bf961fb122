"""The provider commands, each in a process of its own: what is written, what is refused, what is called."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.repository import TempRepo


def shown(repo: TempRepo) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(repo.agentctx("provider", "show", "--json").stdout)["provider"]
    return found


REFUSED = {
    "an open quote": (["--command", "sh -c 'unclosed"], "cannot be split into words: no closing quotation"),
    "no number": (["--command", "x", "--timeout", "nan"], "timeout must be above zero"),
    "for ever": (["--command", "x", "--timeout", "inf"], "at most 86400 seconds"),
    "no answer": (["--command", "x", "--max-output-tokens", "0"], "max_output_tokens must be above zero"),
    "less than none": (["--command", "x", "--tokens-per-sync", "-5"], "tokens_per_sync must be above zero"),
    "no day": (["--command", "x", "--tokens-per-day", "0"], "tokens_per_day must be above zero"),
    "a gift": (["--command", "x", "--price-in", "-1"], "price_in must be zero or more"),
    "no price": (["--command", "x", "--price-out", "nan"], "price_out must be zero or more"),
}


@pytest.mark.parametrize(("given", "words"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["", "dry run"])
def test_what_cannot_work_is_refused_in_words_and_nothing_is_written(
    repo: TempRepo, given: list[str], words: str, dry: list[str]
) -> None:
    done = repo.agentctx("provider", "set", "command", *given, *dry)
    assert done.returncode == 2 and words in done.stderr and "a bug" not in done.stderr
    assert shown(repo) is None


def test_prices_and_caps_are_set_kept_and_changed_one_at_a_time(repo: TempRepo) -> None:
    caps = ["--tokens-per-sync", "50000", "--tokens-per-day", "400000"]
    done = repo.agentctx("provider", "set", "openai", "--price-in", "0.25", "--price-out", "2", *caps)
    assert done.returncode == 0 and "tokens_per_sync    50000" in done.stdout
    repo.agentctx("provider", "set", "--price-out", "3")
    found = shown(repo)
    assert (found["price_in"], found["price_out"]) == (0.25, 3.0)
    assert (found["tokens_per_sync"], found["tokens_per_day"]) == (50_000, 400_000)


def program_in(folder: Path, name: str) -> Path:
    """A program that writes down its words and answers as Claude Code does."""
    program = folder / name
    program.write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        f"print(json.dumps(sys.argv[1:]), file=open({str(folder / 'given')!r}, 'a'))\n"
        "usage = {'haiku-4-5': {'outputTokens': 9}}\n"
        "print(json.dumps({'type': 'result', 'structured_output': {'ok': True}, 'modelUsage': usage,"
        " 'result': ''}))\n"
    )
    program.chmod(0o700)
    return program


def test_a_model_s_name_reaches_the_command_and_the_answer_s_own_name_is_told(
    repo: TempRepo, tmp_path: Path
) -> None:
    program = program_in(tmp_path, "asks")
    repo.agentctx("provider", "set", "command", "--command", f"{program} -m {{model}} -x")
    done = repo.agentctx("provider", "set", "--model", "haiku")
    assert done.returncode == 0 and "no word of the command" not in done.stderr
    assert json.loads(repo.agentctx("provider", "test", "--json").stdout)["model"] == "haiku-4-5"
    assert json.loads((tmp_path / "given").read_text()) == ["-m", "haiku", "-x"]
    done = repo.agentctx("provider", "set", "command", "--command", str(program), "--model", "haiku")
    assert "no word of the command is {model}" in done.stderr


@pytest.mark.parametrize("name", ["claude", "codex"])
def test_the_ready_made_commands_pass_a_model_s_name_on(repo: TempRepo, tmp_path: Path, name: str) -> None:
    program_in(tmp_path, name)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    for model in ([], ["--model", "small-1"]):
        repo.agentctx("provider", "set", name, *model)
        assert repo.agentctx("provider", "test", env=path).returncode == 0
    unnamed, named = map(json.loads, (tmp_path / "given").read_text().splitlines())
    assert "--model" not in unnamed and "{model}" not in unnamed
    at = named.index("--model")
    assert named[at + 1] == "small-1"
    assert len(named) == len(unnamed) + 2, "and nothing else changed"
