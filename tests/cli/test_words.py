"""What commands say to a person: on the right stream, in numbers that agree, with what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from agentctx.cli.output import emit_json, say
from tests.repository import TempRepo


@pytest.fixture
def shop(repo: TempRepo) -> TempRepo:
    repo.commit("code", {"src/money.py": "RATE = 19\n", "web/ui/app.js": "x\n"})
    assert repo.agentctx("init", "--no-agents").returncode == 0
    return repo


def test_the_summary_of_a_healthy_repository_is_data(shop: TempRepo) -> None:
    assert shop.agentctx("status").stdout == ""
    assert shop.agentctx("new", "gotcha", "Tax", "--body", "x", "--anchor", "src/money.py").returncode == 0
    assert shop.agentctx("status").stdout == "1 fresh\n"


def test_a_dry_run_of_new_asks_nobody_to_open_the_note(shop: TempRepo) -> None:
    done = shop.agentctx("new", "gotcha", "Tax", "--dry-run")
    assert "open it" not in done.stderr
    assert "nothing was written" in done.stderr
    assert not (shop.root / done.stdout.strip()).exists()


@pytest.mark.parametrize("anchor", ["../../src/money.py#RATE", "../../src/../src/money.py", "./app.js"])
def test_a_path_from_here_is_taken_from_the_folder_one_stands_in(shop: TempRepo, anchor: str) -> None:
    done = shop.agentctx("new", "gotcha", "T", "--body", "x", "--anchor", anchor, cwd=shop.root / "web/ui")
    assert done.returncode == 0, done.stderr
    named = anchor.replace("../", "").replace("./", "web/ui/").removeprefix("src/src")
    assert named.rpartition("/")[2] in (shop.root / done.stdout.strip()).read_text()
    assert "../" not in (shop.root / done.stdout.strip()).read_text()


def test_a_path_out_of_the_repository_is_refused(shop: TempRepo) -> None:
    done = shop.agentctx("new", "gotcha", "T", "--body", "x", "--anchor", "../elsewhere.py")
    assert done.returncode == 2


def test_a_folder_too_deep_to_be_read_is_told(shop: TempRepo) -> None:
    shop.write("agent-context/gotchas/" + "a/" * 10 + "deep.md", "---\ntitle: Deep\n---\nx\n")
    done = shop.agentctx("status")
    assert "folders are read 8 deep" in done.stdout
    assert "1 problem keeps notes from being read" in done.stderr
    assert "1 problem keeps notes from being read" in shop.agentctx("prime").stdout


def test_check_speaks_json_by_its_common_name(shop: TempRepo) -> None:
    shop.commit("notes")
    plain = shop.agentctx("check", "--base", "HEAD", "--format", "json")
    assert plain.stdout.startswith("{")
    assert shop.agentctx("check", "--base", "HEAD", "--json").stdout == plain.stdout


def test_a_changed_note_is_no_evidence_about_notes(shop: TempRepo) -> None:
    shop.agentctx("new", "gotcha", "Tax `VAT_RULE` is old", "--body", "About `VAT_RULE`.")
    shop.commit("Write down the tax")
    done = shop.agentctx("affected", "HEAD~1..HEAD")
    assert done.returncode == 0, done.stderr
    assert "VAT_RULE" not in done.stdout


@pytest.mark.parametrize(("where", "code"), [(">/dev/full", 2), (">&-", 0), (">&- 2>&-", 0)])
def test_a_place_that_takes_no_output_is_no_bug(shop: TempRepo, where: str, code: int) -> None:
    """A full disk under a redirection is said in words; a closed stream is nobody's business."""
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m agentctx list --json {where}', sys.executable],
        cwd=shop.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code
    assert "bug" not in done.stderr and "Traceback" not in done.stderr
    assert ("make room" in done.stderr) == (code == 2)


def test_a_hook_whose_answer_finds_no_room_ends_with_0_all_the_same(shop: TempRepo) -> None:
    """Another code would stop the agent's session: a hook is a nudge."""
    shop.agentctx("new", "gotcha", "Tea", "--body", "x" * 20_000, "--anchor", "src/money.py")
    hook = '"$0" -m agentctx hook session-start --client claude-code >/dev/full'
    done = subprocess.run(
        ["sh", "-c", hook, sys.executable], cwd=shop.root, capture_output=True, text=True, check=False,
        input="{}",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_half_a_character_is_shown_as_one_that_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\ud800b")
    emit_json({"text": "a\ud800b", "path": "caf\udce9.py"})
    line, _, document = capsys.readouterr().out.partition("\n")
    assert line == "a\ufffdb"
    assert json.loads(document) == {"version": 1, "text": "a\ud800b", "path": "caf\udce9.py"}


def test_a_file_name_that_is_no_utf_8_is_printed_as_it_is(shop: TempRepo) -> None:
    (shop.root / os.fsdecode(b"caf\xe9.py")).write_text("x = 1\n")
    shop.agentctx("new", "gotcha", "Tea", "--body", "x", "--anchor", "src/money.py")
    command = [sys.executable, "-m", "agentctx", "anchor", "tea", b"caf\xe9.py"]
    done = subprocess.run(
        command, cwd=shop.root, capture_output=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
    )  # fmt: skip
    assert done.returncode in (0, 2) and b"bug" not in done.stderr, done.stderr
