"""`make demo` computes what it says: change the example, and verdicts, proposal and briefing follow."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def demo(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bench.demo", *arguments],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if k != "AGENTCTX_NO_WORKER"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return done.stdout


def chapter(text: str, number: int) -> str:
    """What stands under one numbered heading."""
    return re.split(r"^={100}\n\d+\. .*\n={100}$", text, flags=re.MULTILINE)[number]


@pytest.mark.parametrize(("before", "after"), [(900, 3600), (1200, 7300)], ids=["as_it_is", "changed"])
def test_the_story_follows_the_constants_of_the_example(tmp_path: Path, before: int, after: int) -> None:
    code, context = tmp_path / "example", tmp_path / "context"
    shutil.copytree(ROOT / "bench" / "example", code)
    shutil.copytree(ROOT / ".agent-context-example", context)
    for part, value in (("before", before), ("teammate", after)):
        file = code / part / "src/shop/tokens.py"
        file.write_text(re.sub(r"MAX_AGE = \d+", f"MAX_AGE = {value}", file.read_text()))
    note = context / "decisions/2026-01-12-signed-tokens.md"
    note.write_text(note.read_text().replace("MAX_AGE = 900", f"MAX_AGE = {before}"))

    said = demo("--code", str(code), "--context", str(context))

    assert f"(`MAX_AGE = {before}`)" in chapter(said, 2)
    assert 'state="stale"' not in chapter(said, 2)
    assert f"`MAX_AGE` is {after} now, the note says {before}" in chapter(said, 4)
    assert "parameter `role` added" in chapter(said, 4) and "by Bob" in chapter(said, 4)
    assert "retry-idempotent-calls" not in chapter(said, 4), "reformatting is no change"
    assert "src/shop/rounding.py#round_half_even" in chapter(said, 4)
    assert 'state="stale"' in chapter(said, 5)
    assert f"+A token lives {after} seconds (`MAX_AGE = {after}`)" in chapter(said, 6)
    assert f"A token lives {after} seconds (`MAX_AGE = {after}`)" in chapter(said, 6).split("briefing")[-1]
    assert "restored" in chapter(said, 6)
    assert re.search(r"fresh\s+2026-01-12-signed-tokens", chapter(said, 7))
    assert "verified by history" in chapter(said, 7)


def test_a_reformatting_teammate_makes_nothing_stale(tmp_path: Path) -> None:
    code = tmp_path / "example"
    shutil.copytree(ROOT / "bench" / "example", code)
    tokens = (code / "before/src/shop/tokens.py").read_text()
    (code / "teammate/src/shop/tokens.py").write_text(tokens.replace('"', "'").replace("''' ", '"""'))
    done = subprocess.run(
        [sys.executable, "-m", "bench.demo", "--code", str(code), "--until", "4"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "stale" not in chapter(done.stdout, 4)
