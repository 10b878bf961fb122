"""Embeddings in a real repository: off by default, asked for once, never in the way."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from agentctx.flows.embeddings import DOCUMENT, fill, fill_quietly
from agentctx.flows.prime import prime, search
from agentctx.llm.settings import EMBEDDINGS, ProviderSettings, write
from agentctx.project import Project
from bench.scripted_model import Raw, ScriptedModel
from tests.repository import TempRepo
from tests.scripted_embeddings import scripted, sent

BODIES = {"tax": "Every bill is rounded once.", "cache": "The cache is warm.", "log": "Logs are lines."}


@pytest.fixture
def shop(repo: TempRepo) -> TempRepo:
    files = {
        f"agent-context/gotchas/{id}.md": f"---\ntitle: About {id}\n---\n{body}\n"
        for id, body in BODIES.items()
    }
    repo.commit("notes", dict(files))
    return repo


def choose(model: ScriptedModel) -> ProviderSettings:
    chosen = ProviderSettings("openai-compatible", "scripted", model.url, timeout=5.0)
    write(chosen, section=EMBEDDINGS)
    return chosen


def found(shop: TempRepo, text: str) -> list[str]:
    with Project.open(shop.root) as project:
        return [hit.id for hit in search(project, text)]


def filled(shop: TempRepo, chosen: ProviderSettings) -> int:
    with Project.open(shop.root) as project:
        return fill(project, chosen).asked


def notices(shop: TempRepo, task: str) -> str:
    with Project.open(shop.root) as project:
        return "\n".join(prime(project, task).notices)


def test_off_by_default_nothing_is_asked_and_nothing_written(shop: TempRepo) -> None:
    with scripted() as model, Project.open(shop.root) as project:
        fill_quietly(project)
        assert prime(project, "an invoice").items
        assert search(project, "invoice") == []
        assert model.requests == []
        assert project.state.read_bytes(DOCUMENT) is None


def test_a_repository_cannot_turn_it_on(shop: TempRepo) -> None:
    with scripted() as model:
        shop.write("agent-context/config.yaml", f"embeddings:\n  url: {model.url}\n  model: m\n")
        assert "embeddings" in shop.agentctx("search", "bill").stderr
        assert model.requests == []


def test_a_note_is_found_by_what_it_means(shop: TempRepo) -> None:
    with scripted() as model:
        chosen = choose(model)
        assert filled(shop, chosen) == 3
        assert found(shop, "invoice")[0] == "tax"
        assert sent(model)[-1] == "invoice"
        assert "embedding" not in notices(shop, "an invoice")


def test_only_a_changed_note_is_asked_for_again(shop: TempRepo) -> None:
    with scripted() as model:
        chosen = choose(model)
        assert filled(shop, chosen) == 3
        assert filled(shop, chosen) == 0
        shop.write("agent-context/gotchas/log.md", "---\ntitle: About log\n---\nLogs are JSON.\n")
        assert filled(shop, chosen) == 1
        assert sent(model)[3:] == ["About log\n\nLogs are JSON.\n"]


def test_secrets_in_notes_and_tasks_do_not_leave(shop: TempRepo) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    shop.write("agent-context/gotchas/key.md", f"---\ntitle: Key\n---\nIt was {secret} once.\n")
    with scripted() as model:
        filled(shop, choose(model))
        found(shop, f"where is {secret}")
        assert secret not in json.dumps(sent(model))
        assert len(sent(model)) == 5


@pytest.mark.parametrize(
    "reply", [Raw(503), Raw(delay=30.0), Raw(body=b"{}"), Raw(401)], ids=["busy", "hangs", "odd", "key"]
)
def test_an_outage_leaves_the_order_by_words_and_one_notice(shop: TempRepo, reply: Raw) -> None:
    with scripted() as model:
        filled(shop, choose(model))
        model.script = lambda asked: reply
        start = time.monotonic()
        assert found(shop, "bill") == ["tax"]
        assert notices(shop, "a bill").count("ranked by words alone") == 1
        assert time.monotonic() - start < 10


def test_a_server_that_is_gone_is_told_once_and_asked_no_more_of_than_a_task(shop: TempRepo) -> None:
    with scripted() as model:
        chosen = choose(model)
        filled(shop, chosen)
    assert found(shop, "bill") == ["tax"]
    with Project.open(shop.root) as project:
        fill_quietly(project)
        assert prime(project).items


def test_what_was_answered_before_an_outage_is_kept(shop: TempRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    from agentctx.llm import embeddings

    monkeypatch.setattr(embeddings, "BATCH", 2)
    with scripted() as model:
        chosen, whole = choose(model), model.script
        model.script = lambda asked: whole(asked) if asked.number == 0 else Raw(401)
        with Project.open(shop.root) as project:
            fill_quietly(project)
        model.script = whole
        assert filled(shop, chosen) == 1


def test_damaged_vectors_are_none_and_are_asked_for_again(shop: TempRepo) -> None:
    with scripted() as model:
        chosen = choose(model)
        filled(shop, chosen)
        document = Path(shop.root, ".git/agentctx", DOCUMENT)
        document.write_bytes(document.read_bytes()[:-3] + b"xyz")
        assert found(shop, "bill") == ["tax"]
        assert "no embeddings yet" in notices(shop, "a bill")
        assert filled(shop, chosen) == 3


def test_another_length_under_the_same_name_is_noticed_and_asked_for_anew(shop: TempRepo) -> None:
    with scripted() as model:
        filled(shop, choose(model))
    with scripted(length=32) as model:
        chosen = choose(model)
        assert "model has changed" in notices(shop, "a bill")
        assert filled(shop, chosen) == 3


def test_the_command_sets_fills_shows_and_turns_off(shop: TempRepo) -> None:
    with scripted() as model:
        command = ("provider", "embeddings")
        dry = shop.agentctx(*command, "--url", model.url, "--model", "m", "--dry-run")
        assert (dry.returncode, shop.agentctx(*command).stdout) == (0, "")
        done = shop.agentctx(*command, "--url", model.url, "--model", "m", "--fill")
        assert done.returncode == 0, done.stderr
        assert "3 of 3 notes asked for in 1 requests" in done.stderr
        assert model.url in shop.agentctx(*command).stdout
        assert "near in meaning" in shop.agentctx("search", "invoice").stdout
        assert shop.agentctx(*command, "--off").returncode == 0
        assert shop.agentctx("search", "invoice").stdout == ""


def test_a_bad_address_is_refused_with_what_to_type(shop: TempRepo) -> None:
    done = shop.agentctx("provider", "embeddings", "--url", "http://models.example.org/v1", "--model", "m")
    assert done.returncode == 2
    assert "plain http" in done.stderr
