"""Which texts a recall ranks: the search index filters, in bounded time however many texts hold a word.

Putting every text of a large store that holds a word in order takes seconds. Where more than ``ORDERED``
match, only what rare words hold is put in order, and frequent words must come together: all, then ever fewer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agentctx.memory.base import Candidate, Window
from agentctx.memory.batches import chunks
from agentctx.memory.engine import Matching, Session
from agentctx.memory.reading import shown_of

ORDERED = 5_000
"""Texts that the index may put in order for one recall."""
_FREQUENT = 1_000
_REMEMBERED = 10_000

_LIMIT = "{limit}"
Question = tuple[str, tuple[str, ...]]
"""A statement for ids and for how many texts match, and its values. The limit is put into its text: not
knowing it, PostgreSQL expects a small one and reads the whole table for a rare word."""


@dataclass(slots=True)
class Frequent:
    """In how many texts frequent words stood within this hour: they need not be counted again."""

    hour: str = ""
    counts: dict[str, int] = field(default_factory=dict)

    def among(self, words: Sequence[str], now: str) -> dict[str, int]:
        """The counts of those of ``words`` that are known."""
        if now[:13] != self.hour or len(self.counts) > _REMEMBERED:
            self.hour, self.counts = now[:13], {}
        counts = self.counts
        return {word: counts[word] for word in words if word in counts}

    def remember(self, counts: Mapping[str, int]) -> None:
        """Keep the counts of frequent words."""
        self.counts |= {word: count for word, count in counts.items() if count > min(_FREQUENT, ORDERED)}


@dataclass(slots=True)
class _Found:
    """The candidates so far. The index knows neither namespaces nor clocks: it is asked for more until enough
    of its answers are seen."""

    session: Session
    spaces: dict[str, str]
    window: Window
    limit: int
    found: list[Candidate] = field(default_factory=list)
    looked: set[str] = field(default_factory=set)

    def ask(self, question: Question, most: int) -> bool:
        """Add what a question finds; False, and nothing is added, where more than ``most`` match."""
        sql, values = question
        asked = self.limit
        while len(self.found) < self.limit:
            rows = self.session.rows(sql.replace(_LIMIT, str(asked)), values)
            if rows and rows[0][1] > most:
                return False
            fresh = [row[0] for row in rows if row[0] not in self.looked]
            for part in chunks(fresh):
                self.found += shown_of(self.session, self.spaces, part, self.window)
            self.looked.update(fresh)
            if len(rows) < asked:
                break
            asked *= 4
        return True


def candidates(
    session: Session,
    spaces: dict[str, str],
    words: Sequence[str],
    window: Window,
    limit: int,
    frequent: Frequent,
) -> list[Candidate]:
    """Texts of episodes and facts that share a word with ``words`` and may be seen, about ``limit``."""
    wanted = _Found(session, spaces, window, limit)
    known = frequent.among(words, window.now)
    if sum(known.values()) <= ORDERED and wanted.ask(_ordered(session.matching(words)), ORDERED):
        return wanted.found
    for question in _questions(session, words, known, frequent):
        if len(wanted.found) >= limit:
            break
        wanted.ask(question, ORDERED + 1)
    return wanted.found


def _questions(
    session: Session, words: Sequence[str], known: Mapping[str, int], frequent: Frequent
) -> Iterator[Question]:
    """What to ask in turn until enough are found, where all the words together match too many texts."""
    unknown = [word for word in words if word not in known]
    counted = dict(zip(unknown, _count(session, [session.matching([word]) for word in unknown]), strict=True))
    frequent.remember(counted)
    held = {**known, **counted}
    there = sorted((word for word in words if held[word]), key=lambda word: held[word])
    rare: list[str] = []
    while len(rare) < len(there) and sum(held[w] for w in rare) + held[there[len(rare)]] <= ORDERED:
        rare.append(there[len(rare)])
    common = there[len(rare) :]
    if common and len(there) > 1:
        yield _any(session.matching(there, every=True))
    if rare:
        yield _ordered(session.matching(rare))
    for most in range(len(common), 0, -1):
        yield _any(session.matching(common[:most], every=True))


def _matched(match: Matching, most: int | str, column: str = "owner_id") -> str:
    """What matches, at most so many of each source."""
    return " UNION ALL ".join(
        f"SELECT * FROM (SELECT {column} FROM {source} WHERE {match.condition} LIMIT {most}) AS part"
        for source in match.sources
    )


def _values(match: Matching) -> tuple[str, ...]:
    return match.condition_values * len(match.sources)


def _ordered(match: Matching) -> Question:
    """The likeliest first. One more than may be put in order is looked at, to know whether there are more."""
    texts = _matched(match, ORDERED + 1, f"owner_id, {match.column}")
    return (
        f"SELECT owner_id, count(*) OVER () FROM ({texts}) AS search ORDER BY {match.order} LIMIT {_LIMIT}",
        (*_values(match), *match.order_values),
    )


def _any(match: Matching) -> Question:
    return f"SELECT owner_id, 0 FROM ({_matched(match, _LIMIT)}) AS search", _values(match)


def _count(session: Session, matches: Sequence[Matching]) -> list[int]:
    """How many texts match each, counted no further than is worth knowing."""
    if not matches:
        return []
    sql = " UNION ALL ".join(
        f"SELECT {n}, (SELECT count(*) FROM ({_matched(match, ORDERED + 1)}) AS matched)"
        for n, match in enumerate(matches)
    )
    rows = session.rows(sql, [value for match in matches for value in _values(match)])
    return [count for _, count in sorted(rows)]
