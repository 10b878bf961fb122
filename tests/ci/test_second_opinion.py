"""The ready-made workflows under another project's linter, at its strictest, with no network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CI = Path(__file__).resolve().parents[2] / "templates" / "ci"
LINTER = Path(sys.executable).with_name("zizmor")

CARELESS = """\
on: pull_request_target
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          ref: ${{ github.event.pull_request.head.sha }}
      - run: echo "${{ github.event.pull_request.title }}"
"""


def lint(file: Path) -> subprocess.CompletedProcess[str]:
    words = [str(LINTER), "--offline", "--no-progress", "--persona=pedantic", "--format=plain", str(file)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["github-workflow.yml", "github-sync.yml", "action.yml"])
def test_nothing_is_found_in_what_we_ship(name: str) -> None:
    done = lint(CI / name)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_careless_workflow_is_found_out(tmp_path: Path) -> None:
    file = tmp_path / ".github" / "workflows" / "careless.yml"
    file.parent.mkdir(parents=True)
    file.write_text(CARELESS)
    done = lint(file)
    assert done.returncode >= 10
    for found in ("template-injection", "dangerous-triggers", "excessive-permissions", "unpinned-uses"):
        assert found in done.stdout
