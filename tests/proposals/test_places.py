"""Names stand where the evidence has them: two that were traded are seen, in new sentences too."""

from __future__ import annotations

import pytest

from agentctx.proposals.judging import SHIPPED, odds_of, standing, weighted
from agentctx.proposals.places import MENTIONS_LIMIT, NAMES_LIMIT, Pair, pairs_of
from agentctx.proposals.support import Rarity
from agentctx.proposals.surroundings import Passage, Surroundings

OLD = "# Cache\n\nThe cache lets go of the oldest entry.\n"
CODE = (
    "def evict_oldest(entries):",
    '    """Drop the entry that nobody asked for longest, to make room."""',
    "    del entries[0]",
    "",
    "def store_result(key, value, retry_count=3):",
    '    """Keep a result under its key; try again so many times."""',
    "    return save(key, value, timeout_seconds=90)",
)
MESSAGE = (
    "Wait 90 seconds for a store and try 3 times",
    "evict_oldest makes room before store_result keeps.",
)
KNOWN = Surroundings([Passage(CODE, 1.0), Passage(MESSAGE, 1.0), Passage(tuple(OLD.split("\n")), 0.8)])
TRUE = OLD + "\n`evict_oldest` makes room, `store_result` keeps a result under its key.\n"


def pairs(after: str) -> list[Pair]:
    return pairs_of(OLD, after, KNOWN, Rarity())


def trade(text: str, one: str, other: str) -> str:
    return text.replace(one, "\0").replace(other, one).replace("\0", other)


@pytest.mark.parametrize(
    ("after", "one", "other"),
    [
        (TRUE, "evict_oldest", "store_result"),
        (OLD + "\nIt waits 90 seconds for a store, and tries 3 times.\n", "90", "3"),
        (OLD + "\n```python\nstore_result(k, v, retry_count=3, timeout_seconds=90)\n```\n",
         "retry_count", "timeout_seconds"),
    ],
    ids=["names in prose", "numbers", "an example"],
)  # fmt: skip
def test_a_pair_speaks_for_its_order_and_against_the_other(after: str, one: str, other: str) -> None:
    def odds(text: str) -> float:
        (found,) = [p for p in pairs(text) if {p.one, p.other} == {one, other}]
        return odds_of(found, SHIPPED.pair)

    assert odds(after) > 0 > odds(trade(after, one, other))


@pytest.mark.parametrize(
    ("after", "one", "other"),
    [
        (OLD + "\n- `admin_password`: a custom password\n- `no_auth`: who needs no auth\n",
         "admin_password", "no_auth"),
        ("# Cache\n\nThe store lets go of `cache.oldest_entry` and `cache.other`.\n",
         "cache.oldest_entry", "cache.other"),
    ],
    ids=["its own pieces around it", "like the name that stood there"],
)  # fmt: skip
def test_names_that_no_code_has_are_placed_by_their_own_words(after: str, one: str, other: str) -> None:
    old = OLD + "\nThe store lets go of `store.oldest_entry` and `store.other`.\n"

    def odds(text: str) -> float:
        found = pairs_of(old, text, Surroundings([]), Rarity())
        return next(odds_of(p, SHIPPED.pair) for p in found if {p.one, p.other} == {one, other})

    assert odds(after) > 0 > odds(trade(after, one, other))


def test_a_number_is_the_same_however_its_digits_are_grouped() -> None:
    code = Surroundings([Passage(("MAX_AGE = 1_800", "LEEWAY = 30"), 1.0)])
    for written in ("1800", "1_800"):
        (found,) = pairs_of("", f"`MAX_AGE = {written}`, `LEEWAY = 30`\n", code, Rarity())[:1]
        assert found.one == "MAX_AGE" or odds_of(found, SHIPPED.pair) > 0


def test_an_edit_whose_names_were_traded_falls_below_the_threshold() -> None:
    scores = [
        weighted(standing(pairs(text), 0, SHIPPED.pair), SHIPPED.places)
        for text in (TRUE, trade(TRUE, "evict_oldest", "store_result"))
    ]
    assert scores[0] > SHIPPED.places_threshold > scores[1]


def test_names_that_the_evidence_does_not_have_speak_for_no_order() -> None:
    (found,) = pairs(OLD + "\n`first_thing` and `other_thing` exist.\n")
    assert abs(odds_of(found, SHIPPED.pair)) < 1.5


def test_lines_that_stay_and_names_beyond_the_limit_are_not_compared() -> None:
    assert pairs(OLD) == []
    many = " ".join(f"`name_{n}`" for n in range(3 * NAMES_LIMIT))
    assert len(pairs(OLD + many + "\n")) == NAMES_LIMIT * (NAMES_LIMIT - 1) // 2


def test_a_name_that_stands_everywhere_is_looked_at_in_its_first_places() -> None:
    once = "`evict_oldest` makes room for `store_result`.\n"
    (first,) = pairs(OLD + "".join(f"{once.strip()} {n} times.\n" for n in "a" * MENTIONS_LIMIT))[:1]
    (many,) = pairs(OLD + "".join(f"{once.strip()} {n} times.\n" for n in "a" * MENTIONS_LIMIT + "b" * 500))[
        :1
    ]
    assert many == first


def test_no_pair_is_no_doubt() -> None:
    assert standing([], 0, SHIPPED.pair)["doubt"] == 0
