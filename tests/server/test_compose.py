"""What ``compose.yaml`` starts, as far as it can be known without starting it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from agentctx.cli.main import agentctx

FILE = Path(__file__).parents[2] / "compose.yaml"
SERVICES: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
OURS = [name for name, service in SERVICES.items() if "agentctx" in str(service.get("entrypoint"))]


@pytest.mark.parametrize("name", OURS)
def test_a_service_waits_for_every_other_that_it_addresses(name: str) -> None:
    service = SERVICES[name]
    told = f"{service.get('environment')} {service['command']}"
    addressed = set(re.findall(r"(?:@|redis://)(\w+)[/:]", told))
    assert addressed and addressed <= set(service["depends_on"])
    assert all(SERVICES[other]["healthcheck"] for other in addressed)


@pytest.mark.parametrize("name", OURS)
def test_the_words_of_a_service_are_a_command_with_these_options(name: str) -> None:
    service = SERVICES[name]
    before = service["entrypoint"][2].rpartition("exec agentctx")[2].replace('"$$@"', "").split()
    words = [*before, *service["command"]]
    group = [word for word in words[:2] if not word.startswith("-")]
    shown = CliRunner().invoke(agentctx, [*group, "--help"])
    assert shown.exit_code == 0
    assert all(word in shown.output for word in words if word.startswith("--"))
