"""What a change says, and when it says nothing new."""

from __future__ import annotations

import pytest

from agentctx.diff import parse_patch
from agentctx.model import Change
from agentctx.proposals.change_words import chunks, is_test, phrases, read_change


def read(text: str, subject: str = "", body: str = ""):  # type: ignore[no-untyped-def]
    return read_change(Change("", "", parse_patch(text), subject, body))


@pytest.mark.parametrize("text", ["--no-verify", "no_verify", "noVerify", "(NO_VERIFY)"])
def test_one_name_in_four_spellings_is_one_chunk(text: str) -> None:
    assert chunks(text) == ["noverify"]


def test_plain_words_are_no_chunks_and_dotted_keys_are() -> None:
    assert chunks("The key server.port is 8080, see src/app.py.") == ["server.port", "8080", "src/app.py"]


@pytest.mark.parametrize("text", ["creds-init", "credsInit", "creds init"])
def test_neighbouring_pieces_agree_however_they_are_joined(text: str) -> None:
    assert phrases(text) == phrases("creds_init")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/test_x.py", True),
        ("src/FooTest.java", True),
        ("pkg/a_test.go", True),
        ("src/contest.py", False),
        ("src/attest.rs", False),
    ],
)
def test_paths_of_tests_are_told_apart(path: str, expected: bool) -> None:
    assert is_test(path) is expected


def test_a_hunk_that_only_follows_a_move_says_nothing_new() -> None:
    words = read(
        "diff --git a/lib/old_name.py b/lib/new_name.py\nsimilarity index 100%\n"
        "rename from lib/old_name.py\nrename to lib/new_name.py\n"
        "diff --git a/app.py b/app.py\n--- a/app.py\n+++ b/app.py\n"
        "@@ -1 +1 @@\n-from lib.old_name import run\n+from lib.new_name import run\n"
    )
    assert words.size.says_nothing_new
    assert words.old_paths == ("lib/old_name.py",)


def test_lines_of_tests_weigh_as_tests_and_the_message_as_message() -> None:
    words = read(
        "diff --git a/tests/test_a.py b/tests/test_a.py\n--- a/tests/test_a.py\n+++ b/tests/test_a.py\n"
        "@@ -0,0 +1 @@\n+assert frobnicate()\n",
        "Frobnicate",
        "Because of quux.",
    )
    assert words.bags["code"] == {}
    assert "frobnic" in words.bags["tests"]
    assert "quux" in words.bags["message"]


def test_names_right_around_something_new_are_its_siblings_and_those_around_an_edit_are_none() -> None:
    head = "diff --git a/src/options.py b/src/options.py\n--- a/src/options.py\n+++ b/src/options.py\n"
    new = read(head + '@@ -1,2 +1,3 @@\n     "dry_run",\n+    "keep_going",\n     "max_depth",\n')
    assert new.siblings == {"dryrun", "maxdepth"}
    edited = read(
        head + '@@ -1,3 +1,3 @@\n     "dry_run",\n-    "halt",\n+    "stop_now",\n     "max_depth",\n'
    )
    assert not edited.siblings
