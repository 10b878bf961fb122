"""A repository as `agentctx init` leaves it, and the folders of PATH with and without agentctx."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.repository import TempRepo

TITLE = "Signed tokens instead of server sessions"
CODE = "MAX_AGE = 900\n\n\ndef issue_token(user):\n    return user\n"
WITH = f"{Path(sys.executable).parent}{os.pathsep}/usr/local/bin:/usr/bin:/bin"
WITHOUT = "/usr/bin:/bin"


@pytest.fixture
def project(repo: TempRepo) -> TempRepo:
    """Registered with every client, with one decision about ``issue_token``."""
    repo.commit("code", {"src/tokens.py": CODE})
    assert repo.agentctx("init", "--agents", "all").returncode == 0
    made = repo.agentctx(
        "new", "decision", TITLE, "--anchor", "src/tokens.py#issue_token", "--body", "We sign."
    )
    assert made.returncode == 0, made.stderr
    repo.commit("memory")
    return repo


def hanging_git(folder: Path) -> str:
    """A PATH on which git never answers agentctx (and nobody else notices)."""
    folder.mkdir()
    (folder / "git").write_text(
        '#!/bin/sh\ncase "$*" in *log.follow=false*) exec sleep 60;; esac\nexec /usr/bin/git "$@"\n'
    )
    (folder / "git").chmod(0o755)
    return f"{folder}{os.pathsep}{WITH}"
