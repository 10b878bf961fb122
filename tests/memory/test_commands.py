"""Episodes, facts and working context from the command line, on SQLite, on a real PostgreSQL and as one
of its tenants."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
import redis

from agentctx.cli import main
from agentctx.flows.memories import Memory
from tests.memory.conftest import running_redis
from tests.repository import TempRepo


@pytest.fixture(params=["sqlite", "postgres", "tenant"])
def shop(request: pytest.FixtureRequest, repo: TempRepo, monkeypatch: pytest.MonkeyPatch) -> TempRepo:
    repo.commit("code", {"a.py": "x = 1\n"})
    if request.param == "postgres":
        monkeypatch.setenv("AGENTCTX_DSN", request.getfixturevalue("empty_database"))
    if request.param == "tenant":
        monkeypatch.setenv("AGENTCTX_DSN", request.getfixturevalue("app_dsn"))
        monkeypatch.setenv("AGENTCTX_TENANT", "platform")
    return repo


def typed(repo: TempRepo, *words: str) -> tuple[int, str, str]:
    """What a person who types ``words`` in the repository gets: exit code, standard output and error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(repo.root), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main.run(list(words))
    return code, out.getvalue(), err.getvalue()


def run(repo: TempRepo, *words: str, code: int = 0) -> str:
    returned, out, err = typed(repo, *words)
    assert returned == code, (words, out, err)
    return out.strip()


def asked(repo: TempRepo, *words: str) -> Any:
    return json.loads(run(repo, *words, "--json"))


def test_what_was_remembered_is_recalled_and_forgotten(shop: TempRepo) -> None:
    id = run(shop, "remember", "The nightly deploy failed on a full disk")
    fact = run(shop, "remember", "deploy", "owner", "Ada")
    assert id in run(shop, "recall", "why did the deploy fail")
    hits = asked(shop, "recall", "deploy", "--kind", "facts")["hits"]
    assert [(h["id"], h["entity"], h["value"]) for h in hits] == [(fact, "deploy", "Ada")]
    run(shop, "forget", id)
    assert id not in run(shop, "recall", "full disk")
    code, _, words = typed(shop, "forget", id)
    assert code == 2 and "nothing is remembered" in words


def test_a_fact_remembered_twice_is_one_that_its_id_forgets(shop: TempRepo) -> None:
    first = run(shop, "remember", "deploy", "owner", "Ada")
    assert run(shop, "remember", "deploy", "owner", "Ada") == first
    doubt = run(shop, "remember", "deploy", "owner", "Bob", "--confidence", "0.2")
    for id in (doubt, first):
        run(shop, "forget", id)


def test_a_fact_is_set_superseded_and_read_as_of_another_day(shop: TempRepo) -> None:
    run(shop, "fact", "set", "cart", "owner", "Ada", "--since", "2026-01-01T00:00:00+00:00")
    run(shop, "fact", "set", "cart", "owner", "Bob", "--since", "2026-02-01T00:00:00+00:00", "--expect", "1")
    assert run(shop, "fact", "get", "cart", "owner") == "Bob"
    assert run(shop, "fact", "get", "cart", "owner", "--as-of", "2026-01-15T00:00:00+00:00") == "Ada"
    states = [(f["value"], f["status"]) for f in asked(shop, "fact", "history", "cart", "owner")["facts"]]
    assert states == [("Ada", "superseded"), ("Bob", "active")]
    assert typed(shop, "fact", "set", "cart", "owner", "Cleo", "--expect", "1")[0] == 2
    assert run(shop, "fact", "get", "cart", "colour", code=1) == ""
    assert [f["value"] for f in asked(shop, "fact", "list", "cart")["facts"]] == ["Bob"]


def test_a_fact_goes_with_the_episode_that_it_was_said_to_rest_on(shop: TempRepo) -> None:
    said = run(shop, "remember", "Ada took over the cart")
    run(shop, "fact", "set", "cart", "owner", "Ada", "--source", f"episode:{said}")
    run(shop, "fact", "set", "cart", "size", "3", "--source", f"episode:{said}", "--source", "commit:HEAD")
    (owner, size) = asked(shop, "fact", "list", "cart")["facts"]
    assert owner["sources"] == [["episode", said]]
    assert ["commit", shop.git("rev-parse", "HEAD").strip()] in size["sources"]
    run(shop, "forget", said)
    assert [f["property"] for f in asked(shop, "fact", "list", "cart")["facts"]] == ["size"]
    code, _, told = typed(shop, "fact", "set", "cart", "owner", "Bob", "--source", "Ada")
    assert code == 2 and "no kind of source" in told


def test_a_dry_forget_says_what_the_real_one_would_remove(shop: TempRepo) -> None:
    said = run(shop, "remember", "Ada took over the cart", "--subject", "ada")
    run(shop, "fact", "set", "cart", "owner", "Ada", "--source", f"episode:{said}")
    run(shop, "fact", "set", "cart", "size", "3", "--source", f"episode:{said}", "--source", "note:cart")
    run(shop, "fact", "set", "ada", "town", "Oslo")
    for words, told in (
        ((said,), "1 episode, 1 fact"), (("--subject", "ada"), "1 episode, 2 facts"),
        (("--subject", "cart"), "0 episodes, 2 facts"),
    ):  # fmt: skip
        assert run(shop, "forget", *words, "--dry-run") == f"would forget: {told}"
    assert run(shop, "forget", "--subject", "ada").endswith("forgotten: 1 episode, 2 facts")
    for more in ((), ("--dry-run",)):
        assert typed(shop, "forget", "--subject", "nobodyhere", *more)[0] == 1
        code, _, words = typed(shop, "forget", said, *more)
        assert code == 2 and "nothing is remembered" in words
        assert typed(shop, "forget", "x", *more)[0] == 2


def test_a_confidence_is_of_facts_alone(shop: TempRepo) -> None:
    code, _, told = typed(shop, "remember", "plain text", "--confidence", "0.3")
    assert code == 2 and "ENTITY PROPERTY VALUE" in told
    run(shop, "remember", "a", "b", "c", "--confidence", "0.3")
    assert [f["confidence"] for f in asked(shop, "fact", "list")["facts"]] == [0.3]


def test_a_contradiction_is_listed_and_resolved(shop: TempRepo) -> None:
    run(shop, "fact", "set", "cart", "limit", "10", "--json-value")
    code, _, told = typed(shop, "fact", "set", "cart", "limit", "12", "--json-value", "--confidence", "0.5")
    assert code == 0 and "contradiction" in told
    (pair,) = asked(shop, "fact", "contradictions")["contradictions"]
    assert (pair["disputed"]["value"], pair["current"]["value"]) == (12, 10)
    run(shop, "fact", "resolve", pair["disputed"]["id"], "--keep")
    assert run(shop, "fact", "get", "cart", "limit") == "12"
    assert asked(shop, "fact", "contradictions")["contradictions"] == []


def test_episodes_are_listed_newest_first_by_session(shop: TempRepo) -> None:
    for n in range(3):
        run(shop, "episode", "add", f"step {n}", "--session", f"s{n % 2}", "--actor", "ada", "--kind", "tool")
    assert [e["content"] for e in asked(shop, "episode", "list")["episodes"]] == [
        "step 2",
        "step 1",
        "step 0",
    ]
    mine = asked(shop, "episode", "list", "--session", "s0")["episodes"]
    assert [(e["content"], e["actor"], e["kind"]) for e in mine] == [
        ("step 2", "ada", "tool"), ("step 0", "ada", "tool"),
    ]  # fmt: skip


def test_working_context_is_saved_versioned_and_cleared(shop: TempRepo) -> None:
    run(shop, "context", "set", "task", '{"step": 1}')
    assert run(shop, "context", "set", "task", '{"step": 2}', "--expect", "1").startswith("version 2")
    assert json.loads(run(shop, "context", "get", "task")) == {"step": 2}
    assert [c["key"] for c in asked(shop, "context", "list")["contexts"]] == ["task"]
    assert typed(shop, "context", "set", "task", "{oops")[0] == 2
    run(shop, "context", "clear", "task")
    run(shop, "context", "clear", "task", code=1)
    run(shop, "context", "get", "task", code=1)


def test_a_subject_is_erased_with_a_receipt(shop: TempRepo) -> None:
    run(shop, "episode", "add", "Zebulon likes tea", "--subject", "zebulon")
    receipt = asked(shop, "forget", "--subject", "zebulon", "--reason", "asked")["receipt"]
    assert receipt["counts"]["episodes"] == 1 and "zebulon" not in json.dumps(receipt)
    assert asked(shop, "recall", "tea")["hits"] == []


def test_facts_are_erased_by_subject_and_by_entity(shop: TempRepo) -> None:
    run(shop, "fact", "set", "Bob", "email", "bob@example.org")
    run(shop, "fact", "set", "Bob", "email", "bobby@example.org")
    run(shop, "fact", "set", "billing", "owner", "Robert", "--subject", "Bob")
    run(shop, "remember", "checkout", "owner", "Robert too", "--subject", "Bob")
    run(shop, "remember", "he likes tea", "--subject", "Bob")
    run(shop, "fact", "set", "Bobby", "email", "another")
    counts = asked(shop, "forget", "--subject", "Bob")["receipt"]["counts"]
    assert (counts["facts"], counts["episodes"]) == (4, 1)
    assert [fact["entity"] for fact in asked(shop, "fact", "list")["facts"]] == ["Bobby"]
    assert asked(shop, "fact", "history", "Bob", "email")["facts"] == []


def test_where_nothing_is_erased_there_is_no_receipt(shop: TempRepo) -> None:
    run(shop, "fact", "set", "Bob", "email", "x")
    code, out, words = typed(shop, "forget", "--subject", "bob")
    assert (code, out) == (1, "") and "nothing is remembered about 'bob'" in words
    assert len(asked(shop, "fact", "list")["facts"]) == 1


def test_a_namespace_holds_what_was_put_there_and_below(shop: TempRepo) -> None:
    run(shop, "remember", "apple", "--namespace", "/fruit")
    run(shop, "remember", "pear apple", "--namespace", "fruit/deep")
    assert len(asked(shop, "recall", "apple", "--namespace", "fruit")["hits"]) == 2
    assert len(asked(shop, "recall", "apple")["hits"]) == 2
    assert asked(shop, "recall", "apple", "--namespace", "/veg")["hits"] == []


def test_a_secret_does_not_reach_the_store(shop: TempRepo) -> None:
    run(shop, "remember", "the key is AKIAIOSFODNN7ABCDEFG for now")
    run(shop, "context", "set", "task", '{"aws": ["AKIAIOSFODNN7ABCDEFG"]}')
    assert "AKIAIOSFODNN7ABCDEFG" not in run(shop, "episode", "list") + run(shop, "context", "get", "task")


def test_a_dry_run_writes_nothing(shop: TempRepo) -> None:
    run(shop, "remember", "nothing of this", "--dry-run")
    assert asked(shop, "episode", "list")["episodes"] == []


def test_a_new_clone_has_the_same_memory(repo: TempRepo, tmp_path: Path) -> None:
    repo.commit("code", {"a.py": "x = 1\n"})
    run(repo, "remember", "kept for the next clone")
    repo.git("clone", "-q", str(repo.root), str(tmp_path / "other"))
    other = TempRepo(tmp_path / "other")
    assert "kept for the next clone" in run(other, "recall", "clone")


def test_two_repositories_of_one_database_do_not_meet(
    repo: TempRepo,
    tmp_path: Path,
    empty_database: str,
    own_home: Path,
) -> None:
    (own_home / ".config/agentctx").mkdir(parents=True)
    (own_home / ".config/agentctx/config.yaml").write_text(f"memory:\n  dsn: '{empty_database}'\n")
    repo.commit("one", {"a.py": "x = 1\n"})
    other = TempRepo.init(tmp_path / "other")
    other.commit("two", {"b.py": "y = 2\n"})
    run(repo, "remember", "a secret of the first")
    assert asked(other, "recall", "secret")["hits"] == []
    assert len(asked(repo, "recall", "secret")["hits"]) == 1


def test_a_repository_cannot_choose_the_store(repo: TempRepo) -> None:
    repo.commit("code", {"agent-context/config.yaml": "memory:\n  dsn: postgresql://evil.example/x\n"})
    run(repo, "remember", "stays here")
    assert "stays here" in run(repo, "recall", "stays")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("memory: [", "not valid YAML"),
        ("memory: {tenat: x}", "did you mean tenant"),
        ("memory: {dsn: mysql://x}", "names no PostgreSQL"),
    ],
    ids=["yaml", "key", "address"],
)
def test_a_wrong_setting_is_told_with_its_file(
    repo: TempRepo, own_home: Path, config: str, words: str
) -> None:
    repo.commit("code", {"a.py": "x = 1\n"})
    (own_home / ".config/agentctx").mkdir(parents=True)
    (own_home / ".config/agentctx/config.yaml").write_text(config)
    code, _, told = typed(repo, "recall", "x")
    assert code == 2 and words in told


def test_a_tenant_of_a_shared_database_does_not_see_another(
    repo: TempRepo, app_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("code", {"a.py": "x = 1\n"})
    monkeypatch.setenv("AGENTCTX_DSN", app_dsn)
    run(repo, "remember", "the cart is blue")
    assert "blue" in run(repo, "recall", "cart")
    monkeypatch.setenv("AGENTCTX_TENANT", "rival")
    assert run(repo, "recall", "cart") == ""


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "list"),
        ("remember", "x"),
        ("prepare-database", "--role", "app", "--dsn", "mysql://u:hush@h/x"),
    ],
    ids=["keys", "memory", "tenants"],
)
def test_an_address_that_names_no_postgresql_is_refused_without_showing_it(
    shop: TempRepo, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCTX_DSN", "mysql://u:hush@h/x")
    code, _, told = typed(shop, *words)
    assert code == 2 and "names no PostgreSQL" in told and "hush" not in told


def test_a_life_that_is_no_number_of_hours_is_refused(shop: TempRepo) -> None:
    for hours in ("nan", "inf"):
        code, _, told = typed(shop, "episode", "add", "x", "--ttl", hours)
        assert code == 2 and "outside the calendar" in told


@pytest.mark.parametrize("levels", [600, 100_000])
def test_json_that_is_nested_too_deeply_is_bad_input(repo: TempRepo, levels: int) -> None:
    repo.commit("code", {"a.py": "x = 1\n"})
    deep = "[" * levels + "]" * levels
    for words in (("fact", "set", "a", "b", deep, "--json-value"), ("context", "set", "k", deep)):
        code, _, said = typed(repo, *words)
        assert code == 2 and "bug" not in said, said[:300]
    ninety = "[" * 90 + "]" * 90
    run(repo, "fact", "set", "a", "b", ninety, "--json-value")
    assert asked(repo, "fact", "get", "a", "b")["fact"]["value"] == json.loads(ninety)


def test_a_redis_that_is_away_costs_contexts_alone(repo: TempRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.commit("code", {"a.py": "x = 1\n"})
    monkeypatch.setenv("AGENTCTX_REDIS_URL", "redis://127.0.0.1:1/0")
    run(repo, "remember", "the deploy failed")
    assert "the deploy failed" in run(repo, "recall", "deploy")
    code, _, said = typed(repo, "context", "set", "k", "1")
    assert code == 2 and "Redis cannot be reached" in said


def test_the_facade_serves_a_program(repo: TempRepo) -> None:
    repo.commit("code", {"a.py": "x = 1\n"})
    with Memory.open(repo.root) as memory:
        memory.set_fact("checkout", "limits", {"items": 3})
        found = memory.fact("checkout", "limits")
        assert found is not None and found.value == {"items": 3}
        assert found.git_commit == memory.commit != ""


def test_what_has_expired_is_removed_by_a_command(shop: TempRepo) -> None:
    with Memory.open(shop.root) as memory:
        memory.remember("kept for a second", expires_at="2026-01-01T00:00:00Z")
        memory.remember("kept for ever")
    assert typed(shop, "forget", "--expired", "--dry-run")[2].strip() == "would forget what has expired"
    assert run(shop, "forget", "--expired") == "forgotten: 1 episode, 0 facts, 0 contexts"
    assert asked(shop, "forget", "--expired")["counts"] == {"episodes": 0, "facts": 0, "working_context": 0}
    assert typed(shop, "forget", "--expired", "--subject", "x")[0] == 2


def test_a_backup_holds_the_contexts_that_are_in_redis_or_is_not_made(
    shop: TempRepo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(shop, "context", "set", "before", "1")
    with running_redis() as (address, process):
        monkeypatch.setenv("AGENTCTX_REDIS_URL", address)
        run(shop, "context", "set", "inredis", "5")
        backup = tmp_path / "backup.jsonl"
        run(shop, "export", "jsonl", "--only", "memory", "--out", str(backup))
        kept = [json.loads(line) for line in backup.read_text().splitlines()]
        assert [line["key"] for line in kept if line.get("type") == "context"] == ["inredis"]
        redis.Redis.from_url(address).flushall()
        run(shop, "import", "jsonl", str(backup))
        assert asked(shop, "context", "get", "inredis")["context"]["value"] == 5
        process.kill()
        process.wait()
        backup.unlink()
        code, _, words = typed(shop, "export", "jsonl", "--only", "memory", "--out", str(backup))
        assert code == 2 and "Redis cannot be reached" in words and not backup.exists()


def test_a_statement_that_does_not_become_current_is_told_what_became_of_it(shop: TempRepo) -> None:
    run(shop, "fact", "set", "m", "q", "A", "--since", "2022-01-01T00:00:00+00:00")
    for words, told in (
        (("B", "--confidence", "0.5"), "is a contradiction"),
        (("B", "--since", "2021-01-01T00:00:00+00:00"), "is history, until 2022-01-01"),
        (("A",), "this is the same value"),
        (("A", "--since", "2021-06-01T00:00:00+00:00"), "is history, until 2022-01-01"),
    ):
        assert told in typed(shop, "fact", "set", "m", "q", *words)[2]
    assert run(shop, "fact", "get", "m", "q", "--as-of", "2021-07-01T00:00:00+00:00") == "A"
    assert run(shop, "fact", "get", "m", "q", "--as-of", "2021-02-01T00:00:00+00:00") == "B"
