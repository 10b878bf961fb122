"""Every fault of `make faults`, a few rounds of each, and the command that counts them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bench import faults
from bench.merge import cases
from bench.trials.base import Play, Round, Trial

FEW = {"kills": 2, "kills-taking-back": 3, "edits": 3, "lies": 5, "orders": 3, "machines": 10, "disks": 10}
"""Rounds of each that are cheap enough for every run."""
ELSEWHERE = {"appends", "merges", "failures", "settings", "undo", "rollback", "twice"}
"""What other tests try: of the folder, the driver, the providers, the settings and the flows."""


@pytest.mark.parametrize("name", FEW)
def test_what_must_not_happen_does_not(name: str, tmp_path: Path) -> None:
    trial = next(trial for trial in faults.TRIALS if trial.name == name)
    trial = replace(trial, batch=min(trial.batch, FEW[name]), least={})
    result = faults.measure(trial, FEW[name], faults.Record(None), faults.Progress())
    assert result.wrong == []
    assert (result.rounds, result.missed) == (FEW[name], [])


def test_every_trial_of_the_measurement_is_tried_here_or_elsewhere() -> None:
    assert {trial.name for trial in faults.TRIALS} == FEW.keys() | ELSEWHERE


def test_a_word_counts_as_lost_only_if_its_author_left_it_in_the_note() -> None:
    sides = [side for case in cases(150, 1700) for side in (case.ours, case.theirs)]
    assert sum(len(side.added) for side in sides) > 150
    assert [
        word for side in sides for word in side.added - side.removed if word not in side.note.decode()
    ] == []


# --------------------------------------------------------------------------- the command

PLAYED: list[int] = []


@contextmanager
def odd_rounds_lose(folder: Path, size: int) -> Iterator[Play]:
    def play(round: Round) -> None:
        PLAYED.append(round.number)
        round.seen["lost"] += round.number % 2

    yield play


@contextmanager
def breaks(folder: Path, size: int) -> Iterator[Play]:
    def play(round: Round) -> None:
        round.expect(round.number == 0, "two")
        assert round.number == 0, "the scene fell over"

    yield play


LOSING = Trial("losing", 4, "nothing lost", odd_rounds_lose, shows=("lost",), most={"lost": 0})
BREAKING = Trial("breaking", 4, "nothing", breaks)


@pytest.fixture(autouse=True)
def nothing_played() -> None:
    PLAYED.clear()


def test_a_loss_fails_the_command_and_is_in_the_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(faults, "TRIALS", (LOSING,))
    assert faults.main([]) == 1
    assert "| losing | 4 | nothing lost | 2 lost | lost 2 > 0% |" in capsys.readouterr().out
    assert faults.main(["losing", "--scale", "0.25", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["rounds"], row["seen"], row["missed"]) == (1, {"lost": 0}, [])


def test_a_stopped_measurement_goes_on_and_one_of_other_code_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(faults, "TRIALS", (LOSING,))
    record = ["--record", str(tmp_path / "record.jsonl")]
    faults.main([*record, "--size", "losing=2"])
    faults.main(record)
    assert PLAYED == [0, 1, 2, 3]
    monkeypatch.setattr(faults, "_digest", lambda: "other code")
    faults.main(record)
    assert PLAYED == [0, 1, 2, 3] * 2


def test_a_scene_that_breaks_counts_as_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "TRIALS", (BREAKING, LOSING))
    result = faults.measure(BREAKING, 4, faults.Record(None), faults.Progress())
    assert result.rounds == 1 and "the scene fell over" in result.wrong[0]
    assert result.missed == ["1 went wrong"]


def test_a_trial_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        faults.main(["kils"])
    assert "there is no trial 'kils'" in capsys.readouterr().err
