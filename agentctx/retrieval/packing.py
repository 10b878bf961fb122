"""A ranked list into a briefing that fits: whole notes, then their best sections, then one line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from agentctx.model import BriefingItem
from agentctx.retrieval.excerpts import excerpt, one_line
from agentctx.retrieval.relevance import question_of
from agentctx.retrieval.tokens import tokenize
from agentctx.retrieval.weights import SHIPPED
from agentctx.text import strip_hidden

Cost = Callable[[BriefingItem], tuple[int, int]]
"""(bytes, tokens) by which the briefing grows when this item is rendered."""

_SURE_LINES = 10
"""So many notes are sure of their line before any note is shown at length."""
_SURE_SHARE = 0.25
"""Share of the budget that these lines may take."""
_LARGEST_SHARE = 0.5
"""Share of the budget that one note may take beside others."""
_SHORTEST_EXCERPT = 80
"""Characters below which a part of a note says no more than its line."""
_SAME_DOCUMENT = 3
"""Sections of one document shown at length before other notes have had their turn."""
_ALIKE = 0.8
"""Share of common words (Jaccard) from which two notes say the same."""
_COMPARED = 4_000
"""Characters of a note that are compared."""
_LONG_MISSES = 5
"""Notes in a row that did not fit at length, after which the rest gets lines."""
_MISSES = 20
"""Lines in a row that did not fit, after which the rest is not tried."""


def pack(
    items: Sequence[BriefingItem],
    task: str,
    *,
    budget_bytes: int,
    budget_tokens: int,
    cost: Cost,
    opening_bytes: int = 0,
) -> tuple[tuple[BriefingItem, ...], tuple[str, ...]]:
    """What of the items is shown, in their order, and the ids left out, best first.

    ``items`` are whole notes, best first; ``cost`` renders one. The sum of costs never exceeds either budget.
    With ``opening_bytes`` the first item takes no more than that, so that a client that cuts a briefing short
    still shows an end of it. Texts are cleaned of hidden characters. A retired note is a line at the most.
    """
    case = _Suitcase(task, (budget_bytes, budget_tokens), cost)
    case.add_lines(enumerate(items[:_SURE_LINES]), _SURE_SHARE)
    share = _LARGEST_SHARE if len(items) > 1 else 1.0
    largest = (int(share * budget_bytes), int(share * budget_tokens))
    for place in _in_turns(items):
        opening = place == 0 and opening_bytes
        case.enlarge(place, items[place], (min(largest[0], opening or largest[0]), largest[1]))
        if case.misses >= _LONG_MISSES:
            break
    case.misses = 0
    case.add_lines(((i, item) for i, item in enumerate(items) if i not in case.shown), 1.0)
    shown = tuple(case.shown[place] for place in sorted(case.shown))
    return shown, tuple(item.id for place, item in enumerate(items) if place not in case.shown)


class _Suitcase:
    """What is shown so far, and what is left of both budgets."""

    def __init__(self, task: str, budget: tuple[int, int], cost: Cost) -> None:
        self.question = question_of(task, "", SHIPPED)
        self.budget = self.left = budget
        self.cost = cost
        self.shown: dict[int, BriefingItem] = {}
        self.spent: dict[int, tuple[int, int]] = {}
        self.misses = 0

    def add_lines(self, items: Iterable[tuple[int, BriefingItem]], share: float) -> None:
        """One line for each, until a share of the budget is spent."""
        reserve = tuple(int((1 - share) * whole) for whole in self.budget)
        for place, item in items:
            line = as_line(item)
            price = self.cost(line)
            if all(p <= left - kept for p, left, kept in zip(price, self.left, reserve, strict=True)):
                self._put(place, line, price)
                self.misses = 0
            elif (misses := self.misses + 1) >= _MISSES:
                return
            else:
                self.misses = misses

    def enlarge(self, place: int, item: BriefingItem, most: tuple[int, int]) -> None:
        """Show the note whole if that fits, else its best sections; a line stays a line otherwise."""
        back = self.spent.get(place, (0, 0))
        limit = tuple(min(left + b, m) for left, b, m in zip(self.left, back, most, strict=True))

        def fits(candidate: BriefingItem) -> bool:
            return all(price <= bound for price, bound in zip(self.cost(candidate), limit, strict=True))

        whole = cleaned(item)
        if not fits(whole):
            text = excerpt(
                whole.text, self.question, lambda t: fits(replace(whole, text=t, shape="sections"))
            )
            if len(text) < _SHORTEST_EXCERPT:
                self.misses += 1
                return
            whole = replace(whole, text=text, shape="sections")
        self._put(place, whole, self.cost(whole))
        self.misses = 0

    def _put(self, place: int, item: BriefingItem, price: tuple[int, int]) -> None:
        back = self.spent.get(place, (0, 0))
        self.shown[place], self.spent[place] = item, price
        self.left = (self.left[0] + back[0] - price[0], self.left[1] + back[1] - price[1])


def cleaned(item: BriefingItem) -> BriefingItem:
    """The item as a whole note, without hidden characters anywhere."""
    return replace(
        item,
        title=strip_hidden(item.title),
        reasons=tuple(strip_hidden(reason) for reason in item.reasons),
        text=strip_hidden(item.text),
        shape="whole",
    )


def as_line(item: BriefingItem) -> BriefingItem:
    """The item as one line: its first sentence, or why it is doubtful; of a retired note the title."""
    clean = cleaned(replace(item, text=""))
    if item.retired:
        return replace(clean, shape="line")
    doubtful = item.state in ("stale", "conflicted", "suspect") and clean.reasons
    text = clean.reasons[0] if doubtful else one_line(strip_hidden(item.text))
    return replace(clean, text=" ".join(text.split()), shape="line")


def _in_turns(items: Sequence[BriefingItem]) -> Iterator[int]:
    """Places of notes that hold: first what says something new, then what repeats notes above."""
    repeated: list[int] = []
    per_path: Counter[str] = Counter()
    seen: list[frozenset[str]] = []
    for place, item in enumerate(items):
        if item.retired:
            continue
        words = _words_of(item.text[:_COMPARED])
        per_path[item.path] += 1
        if per_path[item.path] > _SAME_DOCUMENT or any(_alike(words, other) for other in seen):
            repeated.append(place)
        else:
            seen.append(words)
            yield place
    yield from repeated


@lru_cache(maxsize=512)
def _words_of(text: str) -> frozenset[str]:
    return frozenset(tokenize(text))


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    smaller, larger = sorted((len(one), len(other)))
    if not smaller or smaller < _ALIKE * larger:
        return False
    common = len(one & other)
    return common >= _ALIKE * (len(one) + len(other) - common)
