"""Notes in the order of their use for a task: relevance of the words, nearness of the files, standing.

A note that has nothing to do with the query scores exactly 0. Nothing is hidden: stale, superseded and
archived notes lose weight and keep their place in the list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from agentctx.model import Freshness, Hit, Note, Query
from agentctx.retrieval.affinity import Nearness, nearness, targets_of
from agentctx.retrieval.asides import is_log, translations
from agentctx.retrieval.bags import bag_of, words_of
from agentctx.retrieval.concordance import Concordance
from agentctx.retrieval.relevance import Answers, Question, question_of, relevance
from agentctx.retrieval.succession import is_record, pairs
from agentctx.retrieval.weights import SHIPPED, Weights

_PINNED_PLACE = 3
"""A pinned note that has nothing to do with the task is listed no lower than after this many others."""
EXPLAINED = 200
"""So many hits carry their reasons unless asked otherwise; nobody reads further."""
_JUST_ABOVE = 1 + 1e-4
_LONGEST_CHAIN = 100
"""Notes that supersede each other in a circle would be lifted for ever."""


@dataclass(slots=True)
class _Candidate:
    note: Note
    place: int
    """Among the notes."""
    turn: int
    """What is listed first of notes of one score: notes and records, then documentation, then asides."""
    near: Nearness
    score: float
    standing: float
    pinned: bool
    replaces: str = ""
    """The note whose place it took."""


def rank(
    query: Query,
    notes: Sequence[Note],
    freshness: Mapping[str, Freshness],
    *,
    words: Concordance | None = None,
    only_matching: bool = False,
    explained: int = EXPLAINED,
    weights: Weights = SHIPPED,
) -> list[Hit]:
    """Every note once, best first; with ``only_matching`` those alone that answer the query.

    ``words`` is ``concordance_of`` the same notes, and made here if it is missing. The first ``explained``
    hits carry their reasons. A score is 0 for no relation at all; near 1 the note has about every word and
    phrase of the task. Without words the names of the files in question stand for them. Without either the
    order is that of standing: pinned, no documentation, fresh, recent. Deterministic.
    """
    words = words or concordance_of(notes)
    question = question_of(query.text.strip() or "\n".join(query.files), query.branch, weights)
    answers = _with_documents(notes, relevance(question, words, weights), weights.document)
    candidates = _candidates(query, notes, freshness, answers, only_matching, weights)
    if not only_matching:
        _raise_pinned(candidates)
    _below_successors(candidates)
    if only_matching:
        candidates = [c for c in candidates if c.score > 0]
    asked = bool(query.text.strip() or query.files)  # a branch and changed files say little of a task
    candidates.sort(
        key=lambda c: (0 if asked else c.turn, -c.score, not c.pinned, c.turn, -c.standing, c.note.id)
    )
    return [
        Hit(c.note.id, c.score, _reasons(c, freshness.get(c.note.id), answers, question))
        if i < explained
        else Hit(c.note.id, c.score)
        for i, c in enumerate(candidates)
    ]


def _candidates(
    query: Query,
    notes: Sequence[Note],
    freshness: Mapping[str, Freshness],
    answers: Answers,
    only_matching: bool,
    weights: Weights,
) -> list[_Candidate]:
    """Every note with what it scores by itself."""
    targets, far = targets_of(query, weights), Nearness()
    recent = _recency(freshness, weights.recency_half_life_days)
    translated = translations({n.path for n in notes if n.kind == "document"})
    candidates = []
    for place, (note, answer) in enumerate(zip(notes, answers.scores, strict=True)):
        near = nearness(note, targets, weights) if targets.files else far
        standing = _standing(note, freshness.get(note.id), weights)
        standing *= 1 + weights.recency * recent.get(note.id, 0.0)
        said = answer if not only_matching or answers.matches(place) else 0.0
        if note.path in translated:
            standing *= weights.translation
        score = (said + weights.files * near.score) * standing
        candidates.append(
            _Candidate(note, place, _turn(note, translated), near, score, standing, note.pinned)
        )
    return candidates


def concordance_of(
    notes: Sequence[Note],
    history: Mapping[str, Sequence[str]] | None = None,
    bags: Mapping[str, Mapping[str, str]] | None = None,
) -> Concordance:
    """The words of all notes, by bags as far as there are such, with the titles of earlier changes by id."""
    history, bags = history or {}, bags or {}
    return Concordance.of(
        with_context(notes, [_bag(n, bags.get(n.id), history.get(n.id, ())) for n in notes])
    )


def _bag(note: Note, known: Mapping[str, str] | None, titles: Sequence[str]) -> Mapping[str, str]:
    """The cached bag, with the titles of earlier changes if it was made without them."""
    if known is None:
        return bag_of(note, titles)
    return {**known, "history": words_of(*titles)} if titles and not known.get("history") else known


def with_context(notes: Sequence[Note], bags: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Bags that also hold the headings above: for a section of a document, in the order of the file."""
    levels: dict[str, list[tuple[int, str]]] = {}
    first: dict[str, str] = {}
    filled: list[Mapping[str, str]] = []
    for note, bag in zip(notes, bags, strict=True):
        if not note.read_only:
            filled.append(bag)
            continue
        above = levels.setdefault(note.path, [])
        level = note.sections[0].level if note.sections else 1
        while above and above[-1][0] >= level:
            above.pop()
        own = set(bag["title"].split())
        titles = [first.get(note.path, ""), *(title for _, title in above)]
        context = dict.fromkeys(word for title in titles for word in title.split() if word not in own)
        filled.append({**bag, "context": " ".join(context)})
        above.append((level, bag["title"]))
        first.setdefault(note.path, bag["title"])
    return filled


def _with_documents(notes: Sequence[Note], answers: Answers, share: float) -> Answers:
    """A section also gets a share of its document's mean; only where it answers by itself."""
    total: dict[str, float] = {}
    sections = Counter(note.path for note in notes)
    if len(sections) == len(notes):
        return answers
    for note, score in zip(notes, answers.scores, strict=True):
        total[note.path] = total.get(note.path, 0.0) + score
    mixed = [
        (1 - share) * score + share * total[note.path] / sections[note.path]
        if score and sections[note.path] > 1
        else score
        for note, score in zip(notes, answers.scores, strict=True)
    ]
    return replace(answers, scores=mixed)


def _recency(freshness: Mapping[str, Freshness], half_life: float) -> dict[str, float]:
    """1 for the notes changed last, halved with every half-life before; no clock is read."""
    dates = {id: state.changed.date for id, state in freshness.items() if state.changed}
    days = {date: _day(date) for date in set(dates.values())}
    newest = max(days.values(), default=0)
    worth = {date: 0.5 ** ((newest - day) / half_life) if day else 0.0 for date, day in days.items()}
    return {id: worth[date] for id, date in dates.items()}


def _day(date: str) -> int:
    """Days since the year 1, for the date of a commit; 0 if it is none."""
    try:
        return datetime.fromisoformat(date).toordinal()
    except ValueError:
        return 0


def _standing(note: Note, state: Freshness | None, weights: Weights) -> float:
    """What the note is worth whatever the task: kind, freshness, whether it still holds, pinned."""
    fresh = 1 - weights.freshness * (1 - state.score) if state else 1.0
    holds = 1.0 if note.status == "active" and not note.superseded_by else weights.retired
    kind = "decision" if is_record(note) else note.kind
    return weights.kinds.get(kind, 1.0) * fresh * holds * (weights.pinned if note.pinned else 1.0)


def _turn(note: Note, translated: Container[str]) -> int:
    if note.kind != "document" or is_record(note):
        return 0
    return 2 if note.path in translated or is_log(note.path) else 1


def _raise_pinned(candidates: Sequence[_Candidate]) -> None:
    scores = sorted((c.score for c in candidates if not c.pinned), reverse=True)
    floor = scores[min(_PINNED_PLACE, len(scores)) - 1] if scores else 0.0
    for candidate in candidates:
        if candidate.pinned:
            candidate.score = max(candidate.score, floor)


def _below_successors(candidates: Sequence[_Candidate]) -> None:
    """Whoever finds an old note by its words wants the new one: the successor takes the place just above."""
    named = {c.note.id: c for c in candidates}
    chain = [(named[new], named[old]) for new, old in pairs([c.note for c in candidates])]
    for _ in range(min(len(chain), _LONGEST_CHAIN)):
        moved = [_lift(new, old) for new, old in chain]
        if not any(moved):
            return


def _lift(new: _Candidate, old: _Candidate) -> bool:
    """Put the successor just above, in score and in standing; whether that changed anything."""
    before = (new.score, new.standing, new.pinned)
    if new.score <= old.score and old.score > 0:
        new.score = old.score * _JUST_ABOVE
        new.replaces = old.note.id
    if new.standing <= old.standing:
        new.standing = old.standing * _JUST_ABOVE
    new.pinned = new.pinned or old.pinned
    return before != (new.score, new.standing, new.pinned)


def _reasons(
    candidate: _Candidate, state: Freshness | None, answers: Answers, question: Question
) -> tuple[str, ...]:
    note, near = candidate.note, candidate.near
    told = answers.words(candidate.place)
    words = ", ".join(dict.fromkeys(question.surface.get(word, word) for word in told))
    found = [near.reason] if near.reason else []
    found += [f"has the words: {words}"] if words else []
    found += (
        ["earlier changes to it had such titles"] if answers.scores[candidate.place] and not words else []
    )
    found += [f"supersedes {candidate.replaces}"] if candidate.replaces else []
    found += ["pinned"] if note.pinned else []
    found += [f"superseded by {note.superseded_by}"] if note.superseded_by else []
    found += [note.status] if note.status != "active" and not note.superseded_by else []
    found += [state.state] if state and state.state in ("stale", "suspect", "moved", "conflicted") else []
    return tuple(found)
