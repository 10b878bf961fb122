"""The table of values: each is handed out under its short address, and only what is asked for is loaded."""

from __future__ import annotations

import pickle
import pkgutil
import subprocess
import sys
from dataclasses import is_dataclass
from importlib import import_module

import pytest

from agentctx import model

FAMILIES = [found.name for found in pkgutil.iter_modules(model.__path__)]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_value_of_a_family_is_offered_by_the_package(family: str) -> None:
    module = import_module(f"agentctx.model.{family}")
    own = {n for n, v in vars(module).items() if is_dataclass(v) and v.__module__ == module.__name__}
    assert own
    assert own <= set(model.__all__)
    assert all(getattr(model, name) is getattr(module, name) for name in own)


def test_every_name_offered_is_there_and_no_other() -> None:
    assert all(hasattr(model, name) for name in model.__all__)
    with pytest.raises(AttributeError, match="Nothing"):
        _ = model.Nothing  # type: ignore[attr-defined]


def test_a_value_survives_a_pickle() -> None:
    note = model.Note(
        "a", "agent-context/decisions/a.md", "decision", "A", "b", "0", anchors=(model.Anchor("x.py"),)
    )
    assert pickle.loads(pickle.dumps(note)) == note


def test_asking_for_a_note_does_not_build_the_values_of_the_gate() -> None:
    code = "import sys; from agentctx.model import Note; print(*[m for m in sys.modules if '.model.' in m])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.split() == ["agentctx.model.notes"]
