"""What a person sees in odd places is what somebody has read and found right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.odd_repositories import FOLDER, STATES, transcript


@pytest.mark.parametrize("state", STATES)
def test_every_command_says_what_the_committed_transcript_says(state: str, tmp_path: Path) -> None:
    said = transcript(state, tmp_path)
    assert "Traceback" not in said
    assert "[exit 3]" not in said
    assert said == (FOLDER / f"{state}.txt").read_text(encoding="utf-8")
