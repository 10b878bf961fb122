"""Where every word stands: the same answers as reading all notes again, and bytes that keep them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentctx.model import Note, Query
from agentctx.retrieval import relevance
from agentctx.retrieval.bags import FIELDS
from agentctx.retrieval.concordance import Concordance
from agentctx.retrieval.ranking import concordance_of, rank

WORDS = st.lists(st.sampled_from(("cache", "key", "token", "größe")), max_size=6).map(" ".join)
BAGS = st.lists(
    st.fixed_dictionaries({}, optional={"title": WORDS, "body": WORDS, "history": WORDS}), max_size=6
)


@settings(deadline=None)
@given(BAGS)
def test_every_occurrence_is_found_in_its_note_and_field(bags: list[dict[str, str]]) -> None:
    asked = ("token", "absent", "cache")
    found = Concordance.of(bags).find(asked)
    expected = [
        (asked.index(word), note, FIELDS.index(name))
        for word in asked
        for note, bag in enumerate(bags)
        for name in FIELDS
        for said in bag.get(name, "").split()
        if said == word
    ]
    assert list(zip(found.word.tolist(), found.note.tolist(), found.field.tolist(), strict=True)) == expected


@settings(deadline=None)
@given(BAGS, st.tuples(st.sampled_from(("cache", "key", "absent")), st.sampled_from(("cache", "token"))))
def test_neighbours_are_those_of_one_field_of_one_note(
    bags: list[dict[str, str]], pair: tuple[str, str]
) -> None:
    expected = [i for i, bag in enumerate(bags) if pair in pairwise(bag.get("body", "").split())]
    assert Concordance.of(bags).neighbours(*pair, "body").tolist() == expected


@settings(deadline=None)
@given(BAGS)
def test_what_was_kept_as_bytes_answers_the_same(bags: list[dict[str, str]]) -> None:
    made = Concordance.of(bags)
    kept = Concordance.from_bytes(made.to_bytes("these notes"), "these notes")
    assert kept is not None
    assert kept.spans == made.spans
    assert (kept.places == made.places).all()
    assert (kept.lengths() == made.lengths()).all()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[:-4],
        lambda data: data[:30],
        lambda data: b"x" + data,
        lambda data: data.replace(b'"size":2', b'"size":3'),
        lambda data: data.replace(b'"words"', b'"worda"'),
    ],
    ids=["empty", "torn", "a number short", "torn head", "another form", "another size", "another head"],
)
def test_damaged_bytes_are_no_concordance(damage: object) -> None:
    data = Concordance.of([{"body": "cache key"}, {"title": "token"}]).to_bytes("two")
    assert Concordance.from_bytes(data, "two") is not None
    assert Concordance.from_bytes(damage(data), "two") is None  # type: ignore[operator]


def test_bytes_about_other_notes_are_not_taken() -> None:
    data = Concordance.of([{"body": "cache"}]).to_bytes("these")
    assert Concordance.from_bytes(data, "those") is None


def crowd(size: int) -> list[Note]:
    """Notes whose words are as unevenly spread as those of a language."""
    made = []
    for number in range(size):
        said = [f"w{(number * 7919 + k * k * 31) % (3 + k * 13)}" for k in range(60)]
        title = f"{said[number % 40]} {said[number % 7]}"
        made.append(Note(f"n{number}", f"{number}.md", "decision", title, " ".join(said), str(number)))
    return made


def test_narrowing_a_crowd_changes_nothing_among_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = crowd(2_500)
    words = concordance_of(notes)
    tasks = [f"w{a} w{a * 3 % 50} with w{a % 11}\n\nand w{a % 29} w{a % 5} too" for a in range(2, 40, 3)]

    def best() -> list[list[str]]:
        return [[hit.id for hit in rank(Query(text=t), notes, {}, words=words)[:10]] for t in tasks]

    narrowed = best()
    monkeypatch.setattr(relevance, "_KEPT", len(notes))
    assert narrowed == best()
