"""A repository with code and notes, and our server over it."""

from __future__ import annotations

import pytest

from tests.memory.conftest import empty_database, empty_redis, postgres_server, psql, redis_server
from tests.repository import TempRepo

__all__ = ["empty_database", "empty_redis", "postgres_server", "psql", "redis_server"]

CODE = "MAX_AGE = 900\n\n\ndef issue_token(user):\n    return user, MAX_AGE\n"


@pytest.fixture
def project(repo: TempRepo) -> TempRepo:
    """One decision about ``issue_token``, one pattern in another script."""
    repo.commit("code", {"src/tokens.py": CODE, "src/retry.py": "def again(call):\n    return call()\n"})
    assert repo.agentctx("init", "--no-agents", "--no-hooks").returncode == 0
    for arguments in (
        ("decision", "Signed tokens", "--anchor", "src/tokens.py#issue_token", "--body", "We sign tokens."),
        (
            "pattern",
            "再試行は一度だけ",
            "--anchor",
            "src/retry.py#again",
            "--body",
            "呼び出しは一度だけ再試行する。",
        ),
    ):
        made = repo.agentctx("new", *arguments)
        assert made.returncode == 0, made.stderr
    repo.commit("memory")
    return repo
