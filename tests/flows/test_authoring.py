"""What is written when somebody says that notes are true."""

from __future__ import annotations

import json

import pytest

from agentctx.project import Project
from tests.repository import TempRepo

NOTE = "---\ntitle: Rounding\nanchors:\n  - src/money.py#add_tax\n---\nTax is rounded once.\n"


def test_what_verify_reads_of_the_code_is_read_for_status_too(repo: TempRepo) -> None:
    code = "def add_tax(cents):\n    return round(cents * 1.2)\n"
    repo.commit("One", {"src/money.py": code, "agent-context/gotchas/rounding.md": NOTE})
    with Project.open(repo.root) as project:
        assert project.assessor.code.is_news("src/money.py")
    assert repo.agentctx("verify").returncode == 0
    with Project.open(repo.root) as project:
        assert not project.assessor.code.is_news("src/money.py")


STATED = "---\ntitle: Age\nanchors:\n  - src/tokens.py#issue\n---\nA token lives for `{}` seconds.\n"
CODE = "MAX_AGE = 900\n\n\ndef issue(user):\n    return user, MAX_AGE\n"


@pytest.fixture
def drifted(repo: TempRepo) -> TempRepo:
    """A note that states a value, verified, and the code with another value since."""
    repo.commit(
        "One", {"src/tokens.py": CODE, "agent-context/gotchas/age.md": STATED.format("MAX_AGE = 900")}
    )
    assert repo.agentctx("verify").returncode == 0
    repo.commit("Verify")
    repo.commit("Two", {"src/tokens.py": CODE.replace("900", "1800")})
    return repo


@pytest.mark.parametrize("said", ["MAX_AGE = 900", "MAX_AGE=900"])
def test_a_value_that_the_code_contradicts_is_not_verified(repo: TempRepo, said: str) -> None:
    repo.commit("One", {"src/tokens.py": CODE, "agent-context/gotchas/age.md": STATED.format(said)})
    assert repo.agentctx("verify", "age").returncode == 0
    repo.commit("Verify")
    repo.commit("Two", {"src/tokens.py": CODE.replace("900", "1800")})
    record = (repo.root / "agent-context/.verified/age").read_bytes()
    done = repo.agentctx("verify", "age")
    assert done.returncode == 2
    assert f"`{said}`" in done.stderr and "the value is 1800" in done.stderr
    assert "correct agent-context/gotchas/age.md:6" in done.stderr
    assert (repo.root / "agent-context/.verified/age").read_bytes() == record
    assert repo.agentctx("check", "--base", "HEAD~1").returncode == 1
    repo.write("agent-context/gotchas/age.md", STATED.format(said.replace("900", "1800")))
    assert repo.agentctx("verify", "age").returncode == 0
    assert repo.agentctx("check", "--base", "HEAD~1").returncode == 0


def test_a_false_value_keeps_its_own_note_back_and_no_other(drifted: TempRepo) -> None:
    drifted.write("agent-context/gotchas/other.md", STATED.format("issue").replace("Age", "Other"))
    done = drifted.agentctx("verify", "--json")
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert answer["verified"] == ["other"]
    assert "the value is 1800" in answer["refused"]["age"]
