"""The tokenizer that notes, queries and diffs share."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentctx.retrieval.tokens import tokenize, vocabulary


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        pytest.param("issue_token", ["issuetoken", "issu", "token"], id="snake"),
        pytest.param("issueToken", ["issuetoken", "issu", "token"], id="camel"),
        pytest.param("IssueToken", ["issuetoken", "issu", "token"], id="pascal"),
        pytest.param("ISSUE_TOKEN", ["issuetoken", "issu", "token"], id="screaming"),
        pytest.param("HTTPServers", ["httpservers", "http", "server"], id="acronym"),
        pytest.param("v1beta2", ["v1beta2", "beta"], id="digits"),
        pytest.param("src/auth/tokens.py", ["src", "auth", "token", "py"], id="path"),
        pytest.param("--no-cache", ["cach"], id="option"),
        pytest.param("the running of tests", ["run", "test"], id="stop words and stems"),
        pytest.param("__init__", ["init"], id="dunder"),
        pytest.param("Python 3", ["python", "3"], id="number"),
        pytest.param("Größe GRÖSSE", ["grösse", "grösse"], id="folded"),
        pytest.param("認証トークン", ["認証", "証ト", "トー", "ーク", "クン"], id="unspaced"),
        pytest.param("用jwt签名", ["用", "jwt", "签名"], id="mixed scripts"),
        pytest.param("", [], id="empty"),
        pytest.param("_ __ -- ...", [], id="no words"),
        pytest.param("a" * 500, [], id="a blob is no word"),
    ],
)
def test_words_are_taken_apart_as_code_writes_them(text: str, tokens: list[str]) -> None:
    assert tokenize(text) == tokens


@given(st.text())
def test_any_text_gives_the_same_words_twice(text: str) -> None:
    first = tokenize(text)
    assert first == tokenize(text)
    assert all(token for token in first)


def test_a_megabyte_takes_less_than_a_second() -> None:
    text = (
        "def issue_token(user: User) -> str:\n    return signJwt(user.id, MAX_AGE)  # short lived\n" * 12_000
    )
    start = time.process_time()
    assert tokenize(text)
    assert time.process_time() - start < len(text) / 1_000_000


@given(st.text())
@example("issue_token issueToken the 世界世 issue_token")
def test_the_vocabulary_is_every_word_once_in_order(text: str) -> None:
    assert vocabulary(text) == list(dict.fromkeys(tokenize(text)))
