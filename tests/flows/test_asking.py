"""What a sync asks and what it costs: small contexts, caps, prices, models of one name; over real HTTP."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.scripted_model import Asked, Raw, ScriptedModel
from tests.flows.test_sync import configure, proposals
from tests.repository import TempRepo

NAMES = tuple(f"part{n}" for n in range(8))
NOTE = re.compile(r"^# Note \d+ of \d+: id `([^`]+)`", re.MULTILINE)


def keeps(asked: Asked) -> dict[str, Any]:
    """Every note is still true, by this model."""
    why = "still true"
    keep = {"why": why, "operations": [{"op": "keep", "why": why}]}
    return {"answers": [{"note": id, **keep} for id in NOTE.findall(asked.user)]}


def reading_at_most(characters: int) -> Any:
    """A model with a small context, which says so as llama.cpp does."""

    def script(asked: Asked) -> Raw | dict[str, Any]:
        if len(asked.user) <= characters:
            return keeps(asked)
        words = "the request exceeds the available context size (8192 tokens)"
        error = {"code": 400, "message": words, "type": "exceed_context_size_error"}
        return Raw(400, json.dumps({"error": error}).encode())

    return script


def source(name: str, value: int) -> str:
    lines = "\n".join(f"    total += {value} * {n}  # {name} counts {value} more of it" for n in range(60))
    return f"def {name}(total):\n{lines}\n    return total\n"


@pytest.fixture
def parts(repo: TempRepo) -> TempRepo:
    """Eight files, a note about each, and one change that makes all notes false."""
    repo.commit("code", {f"{name}.py": source(name, 1) for name in NAMES})
    repo.agentctx("init")
    for name in NAMES:
        text = f"---\ntitle: About {name}\nanchors:\n  - {name}.py#{name}\n---\n\n`{name}` adds up.\n"
        repo.write(f"agent-context/gotchas/{name}.md", text)
    repo.agentctx("verify")
    repo.commit("notes")
    repo.agentctx("status")
    repo.commit("Count twice", {f"{name}.py": source(name, 2) for name in NAMES})
    return repo


def sync(repo: TempRepo, *args: str) -> str:
    done = repo.agentctx("sync", "HEAD~1..HEAD", *args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sizes(model: ScriptedModel) -> list[int]:
    return [len(asked.user) for asked in model.requests]


# --------------------------------------------------------------------------- a prompt that does not fit


def test_with_a_small_context_every_note_is_asked_about_all_the_same(parts: TempRepo) -> None:
    with ScriptedModel(reading_at_most(14_000)) as model:
        configure(parts, model)
        told = sync(parts)
    assert {p["note_id"] for p in proposals(parts)} == set(NAMES)
    assert "refused" not in told
    refused = [size for size in sizes(model) if size > 14_000]
    assert 1 <= len(refused) <= 6 and refused == sorted(refused, reverse=True), "a refused size is not tried"
    assert all("response_format" in asked.body for asked in model.requests), "the form was not given up"
    calls = len(model.requests) - len(refused)
    assert f"{calls} model calls, about" in told


def test_a_note_that_no_prompt_can_hold_is_refused_and_the_others_are_not(parts: TempRepo) -> None:
    path = parts.root / "agent-context/gotchas/part3.md"
    path.write_text(path.read_text() + "\n" + "It adds up, and up. " * 500)
    parts.git("commit", "-qam", "Say more")
    with ScriptedModel(reading_at_most(10_000)) as model:
        configure(parts, model)
        done = parts.agentctx("sync", "HEAD~2..HEAD~1")
    assert done.returncode == 0, done.stderr
    assert {p["note_id"] for p in proposals(parts)} == set(NAMES) - {"part3"}
    (refused,) = [line for line in done.stdout.splitlines() if line.startswith("refused")]
    assert refused.startswith("refused   part3: even alone and with the least diff")
    assert refused.endswith("the available context size (8192 tokens) [length]")


def test_in_a_pull_request_too_the_rest_goes_on(parts: TempRepo, tmp_path: Path) -> None:
    parts.git("reset", "-q", "--hard", "HEAD~1")
    path = parts.root / "agent-context/gotchas/part3.md"
    path.write_text(path.read_text() + "\n" + "It adds up, and up. " * 500)
    parts.git("commit", "-qam", "Say more")
    parts.git("clone", "-q", "--bare", str(parts.root), str(tmp_path / "remote.git"))
    parts.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    parts.git("fetch", "-q", "origin")
    parts.git("remote", "set-head", "origin", "main")
    parts.commit("Count twice", {f"{name}.py": source(name, 2) for name in NAMES})
    parts.git("push", "-q", "origin", "HEAD:main")
    parts.git("fetch", "-q", "origin")
    with ScriptedModel(reading_at_most(10_000)) as model:
        configure(parts, model)
        told = sync(parts, "--mode", "pull-request", "--forge", "git")
    branch = parts.git("ls-remote", "origin", "refs/heads/agentctx/*").split()
    assert len(branch) == 2, told
    message = parts.git("log", "-1", "--format=%B", branch[0])
    assert "- part3: not mended yet" in message and "Agentctx-Open: part3" in message
    changed = parts.git("diff", "--name-only", "origin/main", branch[0]).split()
    assert set(changed) == {f"agent-context/.verified/{name}" for name in NAMES if name != "part3"}


# --------------------------------------------------------------------------- what it costs


def test_prices_are_shown_before_and_after(parts: TempRepo) -> None:
    with ScriptedModel(keeps) as model:
        configure(parts, model)
        parts.agentctx("provider", "set", "--price-in", "250", "--price-out", "2000")
        before = sync(parts, "--dry-run")
        assert model.requests == []
        told = json.loads(parts.agentctx("sync", "--json").stdout)["sync"]
    calls, tokens, cost = re.search(  # type: ignore[union-attr]
        r"^(\d) model calls, about ([\d,]+) tokens, cost (\d+\.\d{4})$", before, re.MULTILINE
    ).groups()
    assert (int(calls), len(model.requests)) == (told["calls"], 2)
    sent = sum(len(json.dumps(asked.body)) // 4 for asked in model.requests)
    answers = sum(len(json.dumps(keeps(asked))) // 4 for asked in model.requests)
    assert told["tokens"] == sent + answers
    assert told["cost"] == pytest.approx((sent * 250 + answers * 2000) / 1_000_000)
    assert int(tokens.replace(",", "")) > told["tokens"] and float(cost) > told["cost"] > 0


def test_without_prices_none_is_shown_and_without_usage_tokens_are_estimated(parts: TempRepo) -> None:
    def silent(asked: Asked) -> Raw:
        message = {"role": "assistant", "content": json.dumps(keeps(asked))}
        return Raw(body=json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode())

    with ScriptedModel(silent) as model:
        configure(parts, model)
        (line,) = [line for line in sync(parts).splitlines() if "model call" in line]
    found = re.fullmatch(r"2 model calls, about ([\d,]+) tokens", line)
    assert found and int(found[1].replace(",", "")) > 5_000


def test_the_dry_run_keeps_to_the_caps_and_the_sync_does_as_it_said(parts: TempRepo) -> None:
    with ScriptedModel(keeps) as model:
        configure(parts, model)
        parts.agentctx("provider", "set", "--max-output-tokens", "2000", "--tokens-per-sync", "30000")
        before, done = sync(parts, "--dry-run"), sync(parts)
    for told in (before, done):
        skipped = [line for line in told.splitlines() if "the cap of 30,000 tokens a sync" in line]
        assert len(skipped) == 4 and "1 model call, about " in told
        assert "4 notes over a cap: `agentctx sync" in told
    assert len(model.requests) == 1


def test_no_single_call_may_pass_a_cap(parts: TempRepo) -> None:
    with ScriptedModel(keeps) as model:
        configure(parts, model)
        parts.agentctx("provider", "set", "--tokens-per-sync", "2600")
        for told in (sync(parts, "--dry-run"), sync(parts)):
            assert "the cap of 2,600 tokens a sync is below what one question may need, 2" in told
            assert ": agentctx provider set --tokens-per-sync N" in told
            assert "model call" not in told and "again asks" not in told
    assert model.requests == []


def test_a_rehearsal_without_a_model_asks_for_none(parts: TempRepo) -> None:
    told = sync(parts, "--dry-run", "--no-model")
    assert "no model was asked (--no-model)" in told and "model call" not in told


# --------------------------------------------------------------------------- who answers


def program(folder: Path, name: str, answered: str) -> Path:
    """A program that keeps every note, and says in its envelope which model has done so."""
    path = folder / name
    path.write_text(
        "import json, re, sys\n"
        "ids = re.findall(r'^# Note \\d+ of \\d+: id `([^`]+)`', sys.stdin.read(), re.M)\n"
        f"keep = {{'op': 'keep', 'why': {answered!r}}}\n"
        f"answers = [{{'note': i, 'why': {answered!r}, 'operations': [keep]}} for i in ids]\n"
        f"print(json.dumps({{'type': 'result', 'result': '', 'structured_output': {{'answers': answers}},"
        f" 'modelUsage': {{{answered!r}: {{'outputTokens': 5}}}}}}))\n"
    )
    return path


def test_another_program_answers_for_itself_and_under_its_own_name(parts: TempRepo, tmp_path: Path) -> None:
    for name in ("one", "two"):
        command = f"{sys.executable} {program(tmp_path, f'{name}.py', f'{name}-4-5')}"
        parts.agentctx("provider", "set", "command", "--command", command, "--model", "haiku")
        told = sync(parts)
        assert {(p["why"], p["model"]) for p in proposals(parts)} == {(f"{name}-4-5", f"{name}-4-5")}, told
        parts.agentctx("review", "reject")
        (parts.root / ".git/agentctx/settled.json").unlink()
        (parts.root / ".git/agentctx/rejected.json").unlink(missing_ok=True)


def test_a_commit_names_the_model_that_really_answered(parts: TempRepo, tmp_path: Path) -> None:
    command = f"{sys.executable} {program(tmp_path, 'p.py', 'haiku-4-5-20251001')}"
    parts.agentctx("provider", "set", "command", "--command", command, "--model", "haiku")
    sync(parts, "--mode", "commit")
    assert "Agentctx-Model: haiku-4-5-20251001\n" in parts.git("log", "-1", "--format=%B")
