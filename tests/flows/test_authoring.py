"""What is written when somebody says that notes are true."""

from __future__ import annotations

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
