"""The documents cannot drift: sessions are run, generated pages are compared, numbers name their command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agentctx.cli.reference import cli_page, configuration_page
from tests.repository import TempRepo

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def sessions(text: str) -> list[tuple[str, str]]:
    """(command, what it printed) pairs of the blocks marked as sessions."""
    found = []
    for block in re.findall(r"<!-- session -->\n```console\n(.*?)```", text, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, out = part.partition("\n")
            found.append((command, out))
    return found


def test_the_session_in_the_readme_prints_what_the_readme_says(repo: TempRepo) -> None:
    repo.commit("code", {"src/money.py": "def add_tax(cents):\n    return cents * 119 // 100\n"})
    assert repo.agentctx("init").returncode == 0
    found = sessions(README)
    assert len(found) >= 5
    for command, expected in found:
        done = subprocess.run(
            ["bash", "-c", f"{command} 2>&1"],
            cwd=repo.root,
            env={**os.environ, "PATH": PATH},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (command, done.stdout) == (command, expected)


def test_the_readme_is_short_and_begins_with_the_two_commands() -> None:
    lines = README.splitlines()
    assert len(lines) <= 150
    assert "make demo" in "\n".join(lines[:8])
    assert "make test" in "\n".join(lines[:8])


@pytest.mark.parametrize(
    ("name", "page"),
    [("cli.md", cli_page), ("configuration.md", configuration_page)],
    ids=["cli", "settings"],
)
def test_generated_pages_are_what_the_code_would_write(name: str, page: object) -> None:
    assert callable(page)
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == page(), "run `make docs`"


def documents() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("document", documents(), ids=lambda p: p.name)
def test_every_link_in_the_documents_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("document", documents(), ids=lambda p: p.name)
def test_every_measurement_a_document_names_exists(document: Path) -> None:
    for name in re.findall(r"`bench/([a-z]+)", document.read_text(encoding="utf-8")):
        assert (ROOT / "bench" / f"{name}.py").is_file(), f"{document.name} names bench/{name}"
        assert (ROOT / "bench" / name).is_symlink(), f"bench/{name} is no link to bench/run"
