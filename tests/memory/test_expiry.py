"""A time to live is a promise to forget: no question brings back what has expired."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentctx.memory.base import AsOf, Store, Window
from agentctx.memory.recall import recall
from agentctx.memory.store import open_postgres, open_sqlite
from agentctx.model import Episode, Fact

BEGAN, WITHIN, OVER, LATER = (f"2026-03-0{day}T00:00:00.000000Z" for day in (1, 2, 3, 4))


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    made: Store = (
        open_sqlite(None)
        if request.param == "sqlite"
        else open_postgres(request.getfixturevalue("empty_database"))
    )
    yield made
    made.close()


def test_what_has_expired_is_no_answer_about_the_time_when_it_held(store: Store) -> None:
    fact = Fact("0" * 8 + "-0000-7000-8000-000000000001", "/p", "cart", "owner", "Ada", "Ada owns the cart",
                BEGAN, BEGAN, expires_at=OVER)  # fmt: skip
    episode = Episode("0" * 8 + "-0000-7000-8000-000000000002", "/p", "event", "the cart was moved",
                      BEGAN, BEGAN, expires_at=OVER)  # fmt: skip
    store.write([episode], [fact])

    def answers(now: str) -> list[int]:
        then = AsOf(WITHIN)
        return [
            len(recall(store, "cart", Window("/p", now, then))),
            len(store.facts("/p", now, as_of=then)),
            int(store.fact("/p", "cart", "owner", now, then) is not None),
        ]

    assert answers(WITHIN) == [2, 1, 1]
    assert answers(LATER) == [0, 0, 0]
    assert len(store.history("/p", "cart", "owner")) == 1
    store.sweep(LATER)
    assert store.history("/p", "cart", "owner") == []
