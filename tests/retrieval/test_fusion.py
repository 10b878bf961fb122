"""Two orders made one by rank, and the document that keeps what notes mean."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentctx.model import Hit, Note
from agentctx.retrieval.fusion import ADDED, fused
from agentctx.retrieval.vectors import Vectors, key_of


def note(id: str, **more: object) -> Note:
    return Note(id, f"agent-context/gotchas/{id}.md", "gotcha", id, f"Words of {id}.", id, **more)  # type: ignore[arg-type]


def ids(hits: list[Hit]) -> list[str]:
    return [hit.id for hit in hits]


LETTERS = list("abcdefgh")
NOTES = [note(id) for id in LETTERS]
HITS = [Hit(id, 1.0) for id in LETTERS]


def test_first_in_both_orders_is_first_with_the_score_one() -> None:
    best = fused(HITS, LETTERS, NOTES)[0]
    assert (best.id, round(best.score, 9)) == ("a", 1.0)


def test_what_is_near_in_meaning_rises_and_says_so() -> None:
    found = fused(HITS, ["e", "a", "b", "c", "f", "d", "g", "h"], NOTES)
    assert ids(found).index("e") < 4
    assert "near in meaning" in next(h for h in found if h.id == "e").reasons


@given(st.permutations(LETTERS), st.integers(0, 8))
def test_every_hit_stays_once_and_scores_fall(nearest: list[str], known: int) -> None:
    found = fused(HITS, nearest[:known], NOTES)
    assert sorted(ids(found)) == LETTERS
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)


def test_without_vectors_the_order_stays() -> None:
    assert ids(fused(HITS, [], NOTES)) == LETTERS


def test_notes_without_the_words_are_added_behind_and_only_a_few() -> None:
    found = ids(fused(HITS[:2], LETTERS[::-1], NOTES))
    assert len(found) == 2 + ADDED
    assert "h" in found


def test_what_no_longer_holds_does_not_gain_and_stays_below_its_successor() -> None:
    notes = [*NOTES[:6], note("g", supersedes=("h",)), note("h", superseded_by="g", status="superseded")]
    order = ids(fused(HITS, ["h", *LETTERS[:7]], notes))
    assert order.index("g") < order.index("h")
    assert order.index("h") >= 6


def test_what_is_pinned_does_not_lose() -> None:
    notes = [note("a", pinned=True), *NOTES[1:]]
    assert ids(fused(HITS, [*LETTERS[1:], "a"], notes))[0] == "a"


# --------------------------------------------------------------------------- the document

KEYS = {n.id: key_of("m", n) for n in NOTES}


def some() -> Vectors:
    rows = {KEYS["a"]: [3.0, 0.0], KEYS["b"]: [0.0, 0.5], KEYS["c"]: [1.0, 1.0]}
    return Vectors().also(rows, ())


def test_the_nearest_come_first_whatever_their_length() -> None:
    assert some().nearest([0.2, 1.0], KEYS) == ["b", "c", "a"]


def test_another_text_or_model_is_another_vector() -> None:
    assert len({key_of("m", NOTES[0]), key_of("n", NOTES[0]), key_of("m", NOTES[1])}) == 3


def test_a_query_of_another_model_s_length_finds_nothing() -> None:
    assert some().nearest([1.0, 0.0, 0.0], KEYS) == []


def test_the_document_is_read_back_and_is_compact() -> None:
    data = some().to_bytes()
    assert Vectors.from_bytes(data).nearest([0.2, 1.0], KEYS) == ["b", "c", "a"]
    assert len(data) < 140
    assert Vectors.from_bytes(Vectors().to_bytes()).rows == {}


@given(st.integers(0, 130), st.binary(max_size=3))
def test_a_damaged_document_is_none(place: int, put: bytes) -> None:
    data = some().to_bytes()
    damaged = data[:place] + put + data[place + 1 :]
    assert Vectors.from_bytes(damaged).rows == {} or damaged == data


def test_what_no_note_needs_is_dropped_and_another_length_replaces_all() -> None:
    kept = some().also({KEYS["d"]: [1.0, 0.0]}, [KEYS["a"], KEYS["d"]])
    assert set(kept.rows) == {KEYS["a"], KEYS["d"]}
    assert set(some().also({KEYS["d"]: [1.0, 0.0, 0.0]}, [KEYS["a"]]).rows) == {KEYS["d"]}
    assert set(some().also({}, [KEYS["b"]]).rows) == {KEYS["b"]}
