"""Commands that write: what they refuse, and what they leave behind."""

from __future__ import annotations

import json

import pytest

from tests.repository import TempRepo

CODE = """class Invoice:
    def total(self):
        return 1


class Order:
    def total(self):
        return 2
"""


@pytest.fixture
def shop(repo: TempRepo) -> TempRepo:
    repo.commit("code", {"src/shop.py": CODE, "web/app.zig": "pub fn main() void {}\n"})
    repo.agentctx("init")
    return repo


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["new", "decison", "T"], "no kind of note 'decison'", "did you mean `decision`"),
        (["new", "gotcha", "   "], "a note needs a title", "agentctx new"),
        (["new", "gotcha", "T", "--anchor", "../etc/passwd"], "../etc/passwd", ""),
        (["new", "gotcha", "T", "--anchor", "/etc/passwd"], "/etc/passwd", ""),
        (["new", "gotcha", "T", "--anchor", "src/shop.py#total"], "total", "Invoice.total"),
        (["new", "gotcha", "T", "--anchor", "src/shop.py#Invoice.totl"], "Invoice.totl", "Invoice.total"),
        (["new", "gotcha", "T", "--anchor", "nothing/**/*.py"], "no file matches", ""),
        (
            ["new", "gotcha", "T", "--body", "key AKIAIOSFODNN7ABCDEFG here"],
            "looks like a secret",
            "take it out",
        ),
        (["verify", "nope"], "no note 'nope'", "agentctx list"),
        (["anchor", "nope", "src/shop.py"], "no note 'nope'", "agentctx list"),
        (["undo"], "no sync of this clone", "agentctx review list"),
        (["review", "accept", "abc"], "abc", "agentctx review list"),
        (["affected", "HEAD"], "", ""),
        (["affected", "..HEAD"], "is not a range", "A..B"),
        (["provider", "set", "opnai"], "no provider is named 'opnai'", "did you mean openai"),
        (["provider", "test"], "no model is configured", "agentctx provider set"),
        (["prime", "--format", "xml"], "xml", "--help"),
    ],
    ids=lambda v: " ".join(v)[:40] if isinstance(v, list) else None,
)
def test_what_cannot_be_done_is_said_in_two_lines(
    shop: TempRepo, arguments: list[str], message: str, hint: str
) -> None:
    before = shop.git("status", "--porcelain")
    done = shop.agentctx(*arguments)
    if message:
        assert done.returncode == 2, done.stdout
        assert message in done.stderr and hint in done.stderr
        assert len(done.stderr.strip().splitlines()) <= 3
    assert shop.git("status", "--porcelain") == before


def test_a_title_that_is_taken_gets_a_number(shop: TempRepo) -> None:
    paths = [shop.agentctx("new", "gotcha", "Same").stdout.strip() for _ in range(3)]
    assert [p.rpartition("/")[2] for p in paths] == ["same.md", "same-2.md", "same-3.md"]


def test_a_dry_run_of_new_says_the_path_and_writes_nothing(shop: TempRepo) -> None:
    before = shop.git("status", "--porcelain")
    said = shop.agentctx(
        "new", "gotcha", "Same", "--anchor", "src/shop.py#Order", "--dry-run", "--json"
    ).stdout
    assert json.loads(said)["path"] == "agent-context/gotchas/same.md"
    assert shop.git("status", "--porcelain") == before


def test_the_end_of_a_symbols_name_is_enough_where_only_one_has_it(shop: TempRepo) -> None:
    shop.write("src/one.py", "class Cart:\n    def clear(self):\n        return 0\n")
    said = json.loads(shop.agentctx("new", "gotcha", "Cart", "--anchor", "src/one.py#clear", "--json").stdout)
    assert said["anchors"] == ["src/one.py#Cart.clear"]


def test_verify_refuses_a_note_whose_code_is_gone_and_says_what_to_type(shop: TempRepo) -> None:
    shop.agentctx("new", "gotcha", "Orders", "--anchor", "src/shop.py#Order.total")
    shop.write("src/shop.py", CODE.partition("class Order")[0])
    done = shop.agentctx("verify", "orders")
    assert done.returncode == 2
    assert "src/shop.py#Order.total" in done.stderr and "agentctx anchor orders" in done.stderr


def test_a_language_without_a_grammar_is_unknown_once_it_changes(shop: TempRepo) -> None:
    assert shop.agentctx("new", "gotcha", "Zig", "--anchor", "web/app.zig").returncode == 0
    states = {n["id"]: n["state"] for n in json.loads(shop.agentctx("status", "--json").stdout)["notes"]}
    assert states["zig"] == "fresh"
    shop.write("web/app.zig", "pub fn main() void { return; }\n")
    states = {n["id"]: n["state"] for n in json.loads(shop.agentctx("status", "--json").stdout)["notes"]}
    assert states["zig"] == "unknown"


def test_a_review_date_that_has_passed_moves_on_when_somebody_verifies(shop: TempRepo) -> None:
    note = shop.write(
        "agent-context/gotchas/old.md", "---\ntitle: Old  # ours\nreview_by: 2020-01-01\n---\nText.\n"
    )
    assert "suspect" in shop.agentctx("status").stdout
    assert shop.agentctx("verify", "old").returncode == 0
    text = note.read_text()
    assert "title: Old  # ours" in text and "2020-01-01" not in text
    assert "suspect" not in shop.agentctx("status").stdout


def test_the_reader_of_a_pipe_may_leave(shop: TempRepo) -> None:
    import os
    import subprocess
    import sys

    for number in range(300):
        shop.write(f"agent-context/gotchas/n{number}.md", f"---\ntitle: Note {number}\n---\nText.\n")
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m agentctx list | head -1"],
        cwd=shop.root, env=os.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == "" and done.stdout.startswith("kind")


def test_a_writing_command_never_takes_another_note_for_the_one_that_was_meant(shop: TempRepo) -> None:
    shop.agentctx("new", "gotcha", "tax", "--anchor", "src/shop.py#Invoice")
    shop.agentctx("new", "decision", "Signed tokens")
    for wrong in ("x", "ax", "gotchas/tax.md"):
        done = shop.agentctx("verify", wrong)
        assert done.returncode == 2, done.stdout
    assert shop.agentctx("verify", "signed-tokens").returncode == 0, "the day may be left out"
    assert "did you mean" in shop.agentctx("show", "signed").stderr


def test_eight_agents_that_write_the_same_title_at_once_all_keep_their_note(shop: TempRepo) -> None:
    import os
    import subprocess
    import sys

    command = [sys.executable, "-m", "agentctx", "new", "gotcha", "Same", "--body"]
    writers = [
        subprocess.Popen(
            [*command, f"words of {n}"], cwd=shop.root, env=os.environ, stdout=subprocess.DEVNULL
        )
        for n in range(8)
    ]
    assert [writer.wait() for writer in writers] == [0] * 8
    notes = [path.read_text() for path in (shop.root / "agent-context/gotchas").glob("same*.md")]
    assert sorted(text.split("---\n")[-1].strip() for text in notes) == [f"words of {n}" for n in range(8)]


UNREADABLE = {
    "too_large": (
        b"---\ntitle: Large\n---\n" + b"word " * 300_000,
        "trap.md cannot be read: the note has 1,5",
    ),
    "not_text": (b"---\ntitle: Bytes\n---\n\xff\xfe", "trap.md:4 cannot be read: the note is not UTF-8"),
    "twice": (b"---\ntitle: a\ntitle: b\n---\n", "trap.md:3 cannot be read: the key `title` stands twice"),
}


@pytest.mark.parametrize("data, words", UNREADABLE.values(), ids=UNREADABLE.keys())
@pytest.mark.parametrize("name", ["2026-01-02-trap", "trap"])
def test_a_note_that_cannot_be_read_is_named_once_with_the_reason(
    shop: TempRepo, data: bytes, words: str, name: str
) -> None:
    (shop.root / "agent-context/gotchas/2026-01-02-trap.md").write_bytes(data)
    told = shop.agentctx("show", name).stderr
    assert f"agent-context/gotchas/2026-01-02-{words}" in told
    assert told.count("trap.md") == 1 or "iconv" in told
