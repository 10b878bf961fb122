"""Facts out of episodes, by rules and by a scripted model: proposals until somebody decides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from agentctx.errors import ModelFailed
from agentctx.flows.consolidate import by_model, by_rules, propose
from agentctx.flows.memories import Memory
from agentctx.llm.base import Answer, Prompt
from agentctx.memory.drawing import draw, manifest
from agentctx.memory.store import open_sqlite
from agentctx.model import Episode
from tests.memory.test_commands import run
from tests.repository import TempRepo

T0 = "2026-03-01T00:00:00Z"


def drawn(content: str, **more: Any) -> list[tuple[str, str, str]]:
    given: dict[str, Any] = {"kind": "event", **more}
    episode = Episode("i", "/shop", content=content, occurred_at=T0, recorded_at=T0, **given)
    return [(d.entity, d.property, d.value) for d in draw(episode)]


@pytest.mark.parametrize(
    ("content", "more", "found"),
    [
        ("Owner: Ada\nwe talked", {}, [("shop", "Owner", "Ada")]),
        ("- db.host = localhost", {"subject_id": "x"}, [("db", "host", "localhost")]),
        ("Port: 1\nPort: 2", {}, [("shop", "Port", "2")]),
        ("---\ntitle: Cart\nowner: Bob\n---\nbody", {}, [("Cart", "owner", "Bob")]),
        (
            "Fix tax\n\nbecause: no\n\nReviewed-by: Ada <a@b.c>\nSigned-off-by: Bob <b@c.d>",
            {"kind": "commit", "git_commit": "abc123"},
            [("commit abc123", "Reviewed-by", "Ada <a@b.c>")],
        ),
        ("Fix tax\n\nReviewed-by: Ada <a@b.c>", {"kind": "commit"}, []),
        ("see https://example.org: it is there", {}, []),
        ("Note: nothing of this", {}, []),
        ("```\nkey: value\n```\nplain words, no pairs", {}, []),
        ("a sentence that goes on and on with words: and then this", {}, []),
    ],
    ids=["line", "dotted", "last", "front", "trailer", "no commit", "url", "prose", "code", "sentence"],
)
def test_a_rule_reads_what_is_stated_and_nothing_else(
    content: str, more: dict[str, str], found: list[tuple[str, str, str]]
) -> None:
    assert drawn(content, **more) == found


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        (
            "requirements.txt",
            "Click>=8.2 # cli\n-e .\nx[a]==1; python_version>'3'\n",
            {"click": ">=8.2", "x": "==1"},
        ),
        (
            "package.json",
            '{"dependencies": {"a": "^1"}, "devDependencies": {"b": "2"}}',
            {"a": "^1", "b": "2"},
        ),
        ("pyproject.toml", '[project]\ndependencies = ["click>=8"]\n', {"click": ">=8"}),
        (
            "Cargo.toml",
            '[dependencies]\na = "1"\nb = {version = "2"}\nc = {path = "x"}\n',
            {"a": "1", "b": "2"},
        ),
        ("go.mod", "module x\nrequire (\n\tgithub.com/a/b v1.2.3\n)\n", {"github.com/a/b": "v1.2.3"}),
        ("package.json", "{oops", {}),
        ("package.json", "[]", {}),
        ("pyproject.toml", "= x", {}),
    ],
)
def test_a_manifest_names_its_dependencies(name: str, text: str, found: dict[str, str]) -> None:
    assert {d.entity.removeprefix("dependency "): d.value for d in manifest(name, text)} == found


def test_a_proposal_is_read_by_nobody_until_it_is_kept_and_never_made_twice() -> None:
    memory = Memory(open_sqlite(None))
    said = memory.remember("deploy.owner = Ada")
    (proposal,) = propose(memory, by_rules(memory, memory.episodes()))
    assert memory.fact("deploy", "owner") is None and memory.recall("owner ada", episodes=False) == []
    assert proposal.sources == (("episode", said.id),) and proposal.confidence == 0.6
    assert propose(memory, by_rules(memory, memory.episodes())) == []
    memory.resolve(proposal.id, keep=True)
    found = memory.fact("deploy", "owner")
    assert found is not None and found.value == "Ada"
    memory.remember("deploy.owner = Bob")
    (other,) = propose(memory, by_rules(memory, memory.episodes()))
    memory.resolve(other.id, keep=False)
    assert propose(memory, by_rules(memory, memory.episodes())) == []


class Scripted:
    """Answers what it was told to, and remembers what it was asked."""

    model = "scripted"

    def __init__(self, data: Any) -> None:
        self.data = data
        self.asked = ""

    def complete(self, prompt: Prompt, schema: Mapping[str, Any]) -> Answer:
        self.asked = prompt.user
        return Answer(json.dumps(self.data), self.data, self.model)


def test_the_model_proposes_only_what_rests_on_records_it_was_shown() -> None:
    memory = Memory(open_sqlite(None))
    said = memory.remember("Ada took over the deploy; key AKIAIOSFODNN7ABCDEFG")
    good = {"entity": "deploy", "property": "owner", "value": "Ada", "confidence": 0.8, "records": [1]}
    bad: list[Any] = [
        {**good, "records": [7]}, {**good, "records": []}, {**good, "confidence": 3}, {**good, "entity": ""},
        {**good, "value": "x" * 600}, "text", None, {**good, "value": {"a": 1}},
    ]  # fmt: skip
    provider = Scripted({"facts": [*bad, good]})
    (fact,) = propose(memory, by_model(memory, memory.episodes(), provider))
    assert (fact.value, fact.sources, fact.origin, fact.extractor) == (
        "Ada", (("episode", said.id),), "llm", "scripted",
    )  # fmt: skip
    assert "AKIA" not in provider.asked
    with pytest.raises(ModelFailed):
        by_model(memory, memory.episodes(), Scripted([]))


def test_the_command_proposes_from_episodes_and_manifests(repo: TempRepo) -> None:
    repo.commit("code", {"requirements.txt": "click==8.2\n"})
    run(repo, "remember", "deploy.owner = Ada")
    seen = json.loads(run(repo, "consolidate", "--dry-run", "--json"))["proposals"]
    assert {(f["entity"], f["value"]) for f in seen} == {("deploy", "Ada"), ("dependency click", "==8.2")}
    run(repo, "consolidate")
    waiting = json.loads(run(repo, "fact", "contradictions", "--json"))["contradictions"]
    assert len(waiting) == 2
    assert run(repo, "consolidate") == ""


def proposed(repo: TempRepo) -> list[tuple[str, str]]:
    """What a consolidation proposes anew."""
    found = json.loads(run(repo, "consolidate", "--json"))["proposals"]
    return [(fact["entity"], fact["value"]) for fact in found]


def decide(repo: TempRepo, how: str) -> None:
    for pair in json.loads(run(repo, "fact", "contradictions", "--json"))["contradictions"]:
        run(repo, "fact", "resolve", pair["disputed"]["id"], how)


def test_a_value_that_has_come_back_is_proposed_again(repo: TempRepo) -> None:
    for version in ("==2.0", "==3.0", "==2.0"):
        repo.commit("pin", {"requirements.txt": f"flask{version}\n"})
        assert proposed(repo) == [("dependency flask", version)]
        decide(repo, "--keep")
        repo.commit("other", {"other.txt": version})
        assert proposed(repo) == []
    hit = json.loads(run(repo, "recall", "flask", "--json"))["hits"][0]
    assert hit["value"] == "==2.0"


def test_what_was_dismissed_stays_so_until_another_value_held_and_it_is_said_anew(repo: TempRepo) -> None:
    repo.commit("start", {"a.txt": "a"})
    run(repo, "fact", "set", "deploy", "owner", "Ada")
    run(repo, "remember", "deploy.owner = Bob")
    assert proposed(repo) == [("deploy", "Bob")]
    decide(repo, "--dismiss")
    run(repo, "remember", "deploy.owner = Bob")
    assert proposed(repo) == []
    run(repo, "fact", "set", "deploy", "owner", "Cleo")
    assert proposed(repo) == []
    run(repo, "remember", "deploy.owner = Bob")
    assert proposed(repo) == [("deploy", "Bob")]


def test_a_trailer_is_of_the_commit_that_has_it(repo: TempRepo) -> None:
    first = repo.commit("Fix tax\n\nReviewed-by: Ada\nSigned-off-by: Bob", {"a.txt": "a"})
    repo.commit("plain", {"b.txt": "b"})
    said = "fix: thing\n\nReviewed-by: Cleo"
    run(repo, "episode", "add", "--kind", "commit", said)
    assert proposed(repo) == [(f"commit {first[:12]}", "Ada")]
    run(repo, "episode", "add", "--kind", "commit", "--commit", "HEAD", said)
    assert proposed(repo) == [(f"commit {repo.git('rev-parse', 'HEAD')[:12]}", "Cleo")]
    run(repo, "episode", "add", "--kind", "commit", "--commit", "nowhere", said, code=2)
