"""An edit is held against what its change says; how rare a word is, the notes say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agentctx.proposals.change_words import read_change
from agentctx.proposals.judging import SHIPPED, weighted
from agentctx.proposals.support import Rarity, numbers_of, rarity_of, unknown_words
from agentctx.retrieval.tokens import tokenize
from tests.proposals.cases import CHANGE, TEXT

WORDS = read_change(replace(CHANGE, body="`issue_token` passes the audience to `sign_token`."))
BODY = TEXT.rpartition("---\n")[2]


def score(after: str, rarity: Rarity | None = None) -> float:
    return weighted(numbers_of(BODY, after, WORDS, rarity or Rarity()), SHIPPED.support)


def test_a_word_in_every_note_is_common_and_one_in_none_is_rare() -> None:
    rarity = rarity_of([tokenize("cache keeps tokens"), tokenize("cache lets go"), tokenize("cache")])
    (cache, go, new) = tokenize("cache lets audience")
    assert rarity.of(cache) < rarity.of(go) < rarity.of(new)


@pytest.mark.parametrize("size", [0, 3, 400])
def test_an_edit_out_of_the_change_has_more_support_than_one_about_something_else(size: int) -> None:
    rarity = rarity_of([tokenize(BODY), *[tokenize(f"note {n} about queues") for n in range(size)]])
    own = score(
        BODY.replace("900", "1800").replace("`issue_token`", "`issue_token` (audience `api`)"), rarity
    )
    other = score(BODY + "\nThe weather is fine; umbrellas are for sale in the harbour.\n", rarity)
    assert own > SHIPPED.support_threshold > other


def test_the_words_that_the_change_does_not_know_are_told_rarest_first() -> None:
    rarity = rarity_of([tokenize("harbour")] * 5)
    assert (
        unknown_words(BODY, BODY + "The harbour sells umbrellas.", WORDS, rarity)[-1]
        == tokenize("harbour")[0]
    )
    assert unknown_words(BODY, BODY + "The audience.", WORDS, rarity) == []


def test_nothing_said_is_nothing_supported() -> None:
    from agentctx.proposals.change_words import ChangeWords

    numbers = numbers_of(BODY, BODY + "Audience.", ChangeWords(), Rarity())
    assert numbers["subject"] == numbers["spoken"] == numbers["likeness"] == 0
    assert weighted(numbers, SHIPPED.support) < SHIPPED.support_threshold
