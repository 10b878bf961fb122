"""Names and numbers traded for each other inside one text are seen; honest rewording is not taken for it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agentctx.proposals.exchange import WORDS_LIMIT, exchanged

OLD = "The cache keeps 30 entries for 900 seconds; `evict` runs before `store` in `max_age` order.\n"


@pytest.mark.parametrize(
    ("new", "traded"),
    [
        (OLD.replace("30", "x").replace("900", "30").replace("x", "900"), ("30", "900")),
        (OLD.replace("evict", "x").replace("store", "evict").replace("x`", "store`"), ("`evict`", "`store`")),
        (OLD.replace("30", "60"), ()),
        (OLD.replace("`evict`", "`drop`"), ()),
        (OLD.replace("30", "900"), ()),
        (OLD + "Also 30 and 900.\n", ()),
        ("In `max_age` order, `evict` runs first, `store` second: 30 are kept, for 900 seconds.\n", ()),
        ("First.\n\n" + OLD, ()),
        ("", ()),
    ],
    ids=["numbers", "names", "a new number", "a new name", "a number for another", "more text", "reworded",
         "moved", "gone"],
)  # fmt: skip
def test_only_an_exchange_in_place_counts(new: str, traded: tuple[str, ...]) -> None:
    assert exchanged([(OLD, new)]) == traded


ROWS = ("| `--changed` | Runs what was affected. |\n", "| `--shard` | Runs a part. |\n")


@pytest.mark.parametrize(
    ("stretches", "traded"),
    [
        ([("from `evict` on\n", "from `store` on\n"), ("until `store`\n", "until `evict`\n")],
         ("`evict`", "`store`")),
        ([(ROWS[0], ROWS[0] + ROWS[1])], ()),
        ([(ROWS[0], ROWS[1] + ROWS[0])], ()),
        ([("builds like [`build`].", "builds like [`install`], and is used for `build`.")], ("`build`",)),
        ([("builds like [`build`].", "builds like [`build`], and is used for `install`.")], ()),
        ([('id: "mine 0.1.0 (file:/a)"', 'id: "file:/a#0.1.0"')], ()),
    ],
    ids=["from one place of a note to another", "a new row", "a new row before", "ousted by a new name",
         "a new name behind", "a sign for a number"],
)  # fmt: skip
def test_a_name_may_leave_one_stretch_for_another(
    stretches: list[tuple[str, str]], traded: tuple[str, ...]
) -> None:
    assert exchanged(stretches) == traded


def test_a_text_that_is_too_long_is_not_compared() -> None:
    assert exchanged([("1 2 " * WORDS_LIMIT, "2 1 " * WORDS_LIMIT)]) == ()


def test_the_bench_reads_the_layout_of_the_evaluation_data(tmp_path: Path) -> None:
    from tests.proposals.merges import write_merges

    write_merges(tmp_path)
    command = [sys.executable, "-m", "bench.sync", "--data", str(tmp_path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["edits"] == 1 and found["true"]["pending"] == 1
    assert found["foreign"] == {} and found["traded"].get("pending", 0) == 0
