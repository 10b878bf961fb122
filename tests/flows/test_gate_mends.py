"""What counts as mended by a branch, and whether the one command that a finding names settles it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.flows.test_gate import FREE_RATE, TAX, check, note, shop
from tests.repository import TempRepo

__all__ = ["shop"]

DOCUMENT = "docs/deploy.md"
SECTIONS = """# Deploy

## Limits

A key lives for `MAX_AGE = 900` seconds, which is what the clients have been built for since the beginning.

## Servers

There are two servers in each region, and each of them answers alone when the other one is down for repair.
"""


def documented(repo: TempRepo) -> None:
    """On ``main``: a document in two sections, one of which states a value."""
    repo.git("checkout", "-q", "main")
    repo.write("agent-context/config.yaml", "notes:\n  include:\n    - '**/*.md'\n")
    repo.commit("Document it", {DOCUMENT: SECTIONS, "src/age.py": "MAX_AGE = 900\n"})
    repo.git("checkout", "-q", "-B", "feature")


def edit(repo: TempRepo, path: str, old: str, new: str) -> None:
    text = (repo.root / path).read_text()
    assert old in text
    (repo.root / path).write_text(text.replace(old, new))


@pytest.mark.parametrize("together", [True, False], ids=["in one commit", "in two commits"])
@pytest.mark.parametrize("by", ["another section", "another heading", "another name"])
def test_an_edit_elsewhere_in_a_document_excuses_no_false_value(
    shop: TempRepo, by: str, together: bool
) -> None:
    documented(shop)
    edit(shop, "src/age.py", "900", "1800")
    if not together:
        shop.commit("Live longer")
    path = DOCUMENT
    if by == "another section":
        edit(shop, path, "two servers", "three servers")
    elif by == "another heading":
        edit(shop, path, "## Limits", "## How long keys live")
    else:
        shop.git("mv", DOCUMENT, path := "docs/operation.md")
    shop.commit("Write about servers")
    for head in ("", "HEAD"):
        (finding,) = check(shop, head, code=1)["findings"]
        assert (finding["state"], finding["path"], finding["line"]) == ("stale", path, 5)
        assert "`MAX_AGE` is 1800 now" in finding["reason"]


def test_a_line_that_the_branch_wrote_anew_is_its_own(shop: TempRepo) -> None:
    documented(shop)
    edit(shop, "src/age.py", "900", "1800")
    edit(
        shop,
        DOCUMENT,
        "lives for `MAX_AGE = 900`",
        "lived for `MAX_AGE = 900` in the first year, now twice that,",
    )
    shop.commit("Live longer")
    assert [f["state"] for f in check(shop, "HEAD")["findings"]] == ["suspect"]


def test_a_text_that_main_mended_and_the_branch_took_back_is_a_finding(shop: TempRepo) -> None:
    shop.git("checkout", "-q", "main")
    note(shop, "tax", "src/money.py#add_tax", "Tax is added once, on the sum, at the caller's rate.")
    shop.commit("Let the caller choose and say so", {"src/money.py": FREE_RATE})
    shop.git("checkout", "-q", "-B", "feature")
    assert check(shop, "HEAD")["findings"] == []
    shop.git("checkout", "-q", "HEAD~1", "--", TAX)
    shop.commit("Take the words back")
    assert [f["state"] for f in check(shop, "HEAD", code=1)["findings"]] == ["stale"]


def test_a_document_that_becomes_a_link_to_nothing_that_is_read_is_an_error(shop: TempRepo) -> None:
    documented(shop)
    shop.git("mv", DOCUMENT, "real.txt")
    (shop.root / DOCUMENT).symlink_to("../real.txt")
    shop.commit("Link it")
    for head in ("", "HEAD"):
        (finding,) = check(shop, head, code=1)["findings"]
        assert (finding["state"], finding["path"]) == ("unreadable", DOCUMENT)


def test_a_document_that_becomes_a_link_to_another_document_is_read_there(shop: TempRepo) -> None:
    documented(shop)
    shop.git("mv", DOCUMENT, "docs/operation.md")
    (shop.root / DOCUMENT).symlink_to("operation.md")
    shop.commit("Link it")
    for head in ("", "HEAD"):
        assert check(shop, head)["findings"] == []


@pytest.mark.parametrize(
    ("path", "settled"),
    [
        ("agent-context/gotchas/Mein Zettel.md", "agent-context/gotchas/mein-zettel.md"),
        ("agent-context/gotchas/sub/tax.md", "agent-context/gotchas/sub/tax-2.md"),
        ("agent-context/decisions/tax.md", "agent-context/decisions/tax-2.md"),
    ],
    ids=["a bad name", "a name that is taken", "a name that is taken by an older note"],
)
def test_the_command_for_a_note_that_cannot_be_read_settles_it(
    shop: TempRepo, path: str, settled: str
) -> None:
    shop.commit("Bring a note", {path: (shop.root / TAX).read_text()})
    (finding,) = check(shop, "HEAD", code=1)["findings"]
    assert (finding["state"], finding["path"]) == ("unreadable", path)
    subprocess.run(finding["settle"], shell=True, cwd=shop.root, check=True)
    shop.commit("Rename it")
    assert (shop.root / settled).is_file()
    assert [f for f in check(shop, "HEAD")["findings"] if f["severity"] == "error"] == []


def test_a_printed_command_works_where_it_was_printed(shop: TempRepo) -> None:
    shop.commit("Take it out", {"src/money.py": "def other():\n    return 1\n"})
    done = subprocess.run(
        [sys.executable, "-m", "agentctx", "check", "--base", "main", "--head", "HEAD"],
        cwd=shop.root / "src", capture_output=True, text=True, check=False,
    )  # fmt: skip
    (line,) = {line for line in done.stdout.splitlines() if "tax.md" in line and "->" in line}
    shown = subprocess.run(
        line.partition(": ")[2], shell=True, cwd=shop.root / "src", env={**os.environ, "EDITOR": "cat"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout == (shop.root / TAX).read_text()


def test_the_command_for_code_that_moved_and_uses_something_else_settles_both(shop: TempRepo) -> None:
    shop.git("checkout", "-q", "main")
    code = "RATE = 19\n\n\ndef charge(cents):\n    return cents + cents * RATE // 100\n"
    shop.write("src/charge.py", code)
    note(shop, "charge", "src/charge.py#charge", "Charged on every line.")
    with_record(shop, "charge")
    shop.git("checkout", "-q", "-B", "feature")
    shop.commit("Rename", {"src/charge.py": code.replace("19", "7").replace("def charge", "def bill")})
    (finding,) = check(shop, "HEAD")["findings"]
    assert finding["settle"] == "agentctx sync --no-model && agentctx verify charge"
    command = finding["settle"].replace("agentctx", f"{sys.executable} -m agentctx")
    subprocess.run(command, shell=True, cwd=shop.root, check=True, capture_output=True)
    shop.commit("Settle it")
    assert check(shop, "HEAD")["findings"] == []


def with_record(repo: TempRepo, id: str) -> None:
    from tests.flows.test_gate import verify

    verify(repo, id)
    repo.commit(f"Verify {id}")


def test_a_renamed_name_is_shown_where_it_is_now(shop: TempRepo) -> None:
    documented(shop)
    shop.git("checkout", "-q", "main")
    code = '"""Tokens."""\n\n\ndef issue_token(user):\n    return f"{user}:1"\n'
    text = "Call `issue_token` of `src/tokens.py` once for each user, and never again before a session ends."
    shop.commit("More", {"src/tokens.py": code, "docs/tokens.md": f"# Tokens\n\n{text}\n"})
    shop.git("checkout", "-q", "-B", "feature")
    shop.commit("Rename", {"src/tokens.py": code.replace("issue_token", "make_token")})
    (finding,) = check(shop, "HEAD")["findings"]
    assert (finding["code_path"], finding["code_line"]) == ("src/tokens.py", 4)
    assert "-def issue_token(user):" in finding["diff"] and "+def make_token(user):" in finding["diff"]
