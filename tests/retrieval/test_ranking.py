"""The order of notes for a task."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentctx.model import Anchor, Commit, Freshness, Note, Query, Section
from agentctx.retrieval.bags import bag_of
from agentctx.retrieval.ranking import concordance_of, rank


def note(id: str, body: str = "", **more: Any) -> Note:
    kind = more.pop("kind", "decision")
    return Note(
        id=id,
        path=more.pop("path", f"agent-context/{kind}s/{id}.md"),
        kind=kind,
        title=more.pop("title", ""),
        body=body,
        digest=id,
        **more,
    )


def order(query: Query | str, *notes: Note, **more: Any) -> list[str]:
    query = Query(text=query) if isinstance(query, str) else query
    return [hit.id for hit in rank(query, notes, more.pop("freshness", {}), **more)]


def score(query: Query | str, *notes: Note, **more: Any) -> dict[str, float]:
    query = Query(text=query) if isinstance(query, str) else query
    return {hit.id: hit.score for hit in rank(query, notes, more.pop("freshness", {}), **more)}


AUTH = note("auth", "We sign short-lived JWTs with `issue_token`.", title="JWT over server sessions")
CACHE = note("cache", "The cache is keyed by blob id.", title="Cache keys")
BILLING = note("billing", "Round half to even.", title="Rounding of invoices")


def test_no_notes_give_no_hits() -> None:
    assert rank(Query(text="anything"), [], {}) == []


def test_one_note_that_matches_scores_above_zero() -> None:
    assert score("sign tokens", AUTH)["auth"] > 0


def test_a_note_without_any_common_word_scores_exactly_zero() -> None:
    scores = score("issue_token", AUTH, CACHE, BILLING)
    assert scores["auth"] > 0
    assert scores["cache"] == scores["billing"] == 0.0


def test_a_word_that_every_note_has_still_counts_for_something() -> None:
    assert all(s > 0 for s in score("cache", note("a", "cache"), note("b", "cache")).values())


def test_empty_notes_are_ranked_last_and_nothing_fails() -> None:
    empty = [note("e1"), note("e2", "   "), note("e3", title="", tags=())]
    assert order("sign JWT", *empty, AUTH)[0] == "auth"
    assert order("sign JWT", *empty) == ["e1", "e2", "e3"]


@pytest.mark.parametrize("text", ["", "   ", "the of and", "!!!", "\u202e\u200b"])
def test_a_query_without_words_keeps_every_note(text: str) -> None:
    assert sorted(order(text, AUTH, CACHE, BILLING)) == ["auth", "billing", "cache"]


def test_only_matching_leaves_out_what_does_not_answer() -> None:
    pinned = note("pinned", "Nothing of it.", pinned=True)
    assert order("issue_token", AUTH, CACHE, pinned, only_matching=True) == ["auth"]


@pytest.mark.parametrize("text", ["issue_token", "issueToken", "IssueToken", "issuing tokens"])
def test_an_identifier_is_found_in_every_way_of_writing_it(text: str) -> None:
    assert order(text, CACHE, BILLING, AUTH)[0] == "auth"


def test_the_title_counts_more_than_the_body() -> None:
    a = note("a", "About invoices and rounding and other things.", title="Other")
    b = note("b", "About other things.", title="Invoices")
    assert order("invoices", a, b) == ["b", "a"]


def test_tags_and_anchors_are_searched() -> None:
    tagged = note("tagged", "Text.", tags=("payments",))
    anchored = note("anchored", "Text.", anchors=(Anchor("src/ledger.py", "post_entry"),))
    assert order("payments", AUTH, tagged)[0] == "tagged"
    assert order("post_entry", AUTH, anchored)[0] == "anchored"


def test_words_that_stand_together_beat_words_that_stand_apart() -> None:
    apart = note("apart", "The blob has a name. The id of the cache has another.")
    together = note("together", "The cache has a name. The blob id has another.")
    assert order("blob id", apart, together)[0] == "together"


def test_titles_of_earlier_changes_find_a_note() -> None:
    titles = {"billing": ["Use banker's rounding for VAT"]}
    assert (
        order("VAT", AUTH, CACHE, BILLING, words=concordance_of([AUTH, CACHE, BILLING], titles))[0]
        == "billing"
    )


def test_a_section_is_found_by_the_headings_above_it() -> None:
    def section(slug: str, heading: str, level: int, body: str) -> Note:
        cut = (Section(heading, level, body, 0, 0),)
        return note(
            slug, body, kind="document", path="docs/a.md", title=heading, sections=cut, read_only=True
        )

    doc = [
        section("s1", "Deployment", 1, "General words about this document."),
        section("s2", "Kubernetes", 2, "How it runs in a cluster."),
        section("s3", "Limits", 3, "How much memory one process may have."),
        section("s4", "Bare metal", 2, "How much memory one process may have."),
    ]
    scores = score("kubernetes memory", *doc)
    assert scores["s3"] > scores["s4"]


# --------------------------------------------------------------------------- files

NEAR = note("near", "x", anchors=(Anchor("src/auth/middleware.py"),))
EXACT = note("exact", "x", anchors=(Anchor("src/auth/tokens.py", "issue_token"),))
GLOB = note("glob", "x", anchors=(Anchor("src/auth/**"),))
FAR = note("far", "x", anchors=(Anchor("web/app.ts"),))


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(Query(files=("src/auth/tokens.py",)), id="named"),
        pytest.param(Query(files=("./src/auth/tokens.py",)), id="named with a dot"),
        pytest.param(Query(changed=("src/auth/tokens.py",)), id="changed"),
        pytest.param(Query(text="why does src/auth/tokens.py fail"), id="in the text"),
    ],
)
def test_notes_about_the_files_in_question_come_first_then_globs_then_neighbours(query: Query) -> None:
    assert order(query, FAR, NEAR, GLOB, EXACT) == ["exact", "glob", "near", "far"]
    assert score(query, FAR, EXACT)["far"] == 0.0


def test_a_folder_may_be_named_and_covers_what_is_inside() -> None:
    assert order(Query(files=("src/auth/",)), FAR, EXACT)[0] == "exact"


def test_the_branch_name_says_what_the_work_is_about() -> None:
    assert order(Query(branch="ada/invoice-rounding"), AUTH, CACHE, BILLING)[0] == "billing"


def test_reasons_are_given_in_words() -> None:
    hit = rank(Query(text="signed JWTs", files=("src/auth/tokens.py",)), [EXACT, AUTH], {})
    reasons = {h.id: h.reasons for h in hit}
    assert reasons["exact"] == ("about src/auth/tokens.py (named)",)
    assert "JWTs" in reasons["auth"][0]


# --------------------------------------------------------------------------- standing


def test_a_stale_note_loses_weight_but_is_shown_with_its_state() -> None:
    twin = note("twin", AUTH.body, title=AUTH.title)
    states = {"auth": Freshness("auth", "stale", score=0.3), "twin": Freshness("twin", "fresh")}
    hits = rank(Query(text="sign JWT"), [AUTH, twin, CACHE], states)
    assert [h.id for h in hits] == ["twin", "auth", "cache"]
    assert "stale" in hits[1].reasons
    assert hits[1].score > 0


def test_a_better_answer_that_is_stale_beats_a_poor_fresh_one() -> None:
    states = {"auth": Freshness("auth", "stale", score=0.2)}
    assert order("sign JWT issue_token", AUTH, note("b", "sign here"), freshness=states)[0] == "auth"


def test_a_superseded_note_never_stands_above_its_successor() -> None:
    old = note("old", "cookie sessions cookie sessions", title="Cookie sessions", status="superseded")
    new = note("new", "JWT.", title="Tokens", supersedes=("old",))
    middle = note("middle", "cookie", title="x")
    hits = rank(Query(text="cookie sessions"), [old, middle, new], {})
    assert [h.id for h in hits] == ["new", "old", "middle"]
    assert "supersedes old" in hits[0].reasons


def test_a_chain_of_successors_stays_in_order() -> None:
    chain = [note("n0", "cookie", pinned=True)]
    chain += [note(f"n{i}", "x", supersedes=(f"n{i - 1}",)) for i in range(1, 30)]
    ids = [f"n{i}" for i in reversed(range(30))]
    assert order("cookie", *chain) == ids
    assert order("", *chain) == ids


def test_notes_that_supersede_each_other_do_no_harm() -> None:
    a = note("a", "cookie", supersedes=("b",), superseded_by="b")
    b = note("b", "cookie", supersedes=("a", "b"))
    assert sorted(order("cookie", a, b)) == ["a", "b"]


def test_a_pinned_note_is_near_the_top_whatever_the_task() -> None:
    others = [note(f"n{i}", "cookie " * (i + 1)) for i in range(20)]
    assert order("cookie", *others, note("rules", "Read me.", pinned=True)).index("rules") <= 3
    assert order("", *others, note("rules", "Read me.", pinned=True))[0] == "rules"


def test_without_a_task_what_changed_last_comes_first() -> None:
    states = {
        id: Freshness(id, "fresh", changed=Commit("c", "Ada", date, "s"))
        for id, date in [("a", "2024-01-01T00:00:00Z"), ("b", "2026-01-01T00:00:00+02:00"), ("c", "no date")]
    }
    assert order("", note("a"), note("b"), note("c"), freshness=states) == ["b", "a", "c"]


# --------------------------------------------------------------------------- everything at once


def test_bags_from_a_cache_give_the_same_order() -> None:
    notes = [AUTH, CACHE, BILLING, EXACT, GLOB]
    history = {"billing": ["VAT"]}
    bags = {n.id: bag_of(n, history.get(n.id, ())) for n in notes}
    query = Query(text="cache of tokens VAT", files=("src/auth/tokens.py",))
    fresh = rank(query, notes, {}, words=concordance_of(notes, history))
    assert rank(query, notes, {}, words=concordance_of(notes, bags=bags)) == fresh
    bare = {n.id: bag_of(n) for n in notes}
    assert rank(query, notes, {}, words=concordance_of(notes, history, bare)) == fresh


def test_the_order_of_own_notes_does_not_depend_on_how_they_are_given() -> None:
    notes = [AUTH, CACHE, BILLING, EXACT, GLOB, NEAR, FAR]
    query = Query(text="cache tokens rounding x", changed=("src/auth/a.py",), branch="fix-cache")
    expected = rank(query, notes, {})
    for seed in range(5):
        shuffled = random.Random(seed).sample(notes, len(notes))
        assert rank(query, shuffled, {}) == expected


def test_the_order_does_not_depend_on_the_process() -> None:
    program = (
        "from tests.retrieval.test_ranking import *\n"
        "notes = many(60)\n"
        "words = concordance_of(notes, {n.id: [n.title, 'worda0 wordb1 wordc2'] for n in notes})\n"
        "print(rank(Query(text=notes[7].body[:400], changed=('a/b.py', 'a/c.py')), notes, {}, words=words))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[2],
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1
    assert "n00007" in outputs.pop()[:80]


def matching(query: str, notes: list[Note]) -> dict[str, tuple[str, ...]]:
    return {h.id: h.reasons for h in rank(Query(text=query), notes, {}, only_matching=True)}


def test_a_piece_that_every_note_has_is_no_match_for_an_identifier() -> None:
    notes = [note(f"n{i}", f"What word{i} does.") for i in range(200)]
    assert matching("word77", notes) == {"n77": ("has the words: word77",)}
    assert set(matching("word77 word78", notes)) == {"n77", "n78"}


def test_reasons_name_the_piece_when_only_a_piece_is_there() -> None:
    notes = [note("limits", "The limiter of a rate."), *(note(f"n{i}", "Other.") for i in range(9))]
    assert matching("RateLimiter", notes) == {"limits": ("has the words: Limiter, Rate",)}
    assert list(matching("whatever limiter", notes)) == ["limits"]
    assert matching("nothing like it", notes) == {}


def test_a_successor_without_the_words_stands_above_the_match_that_it_replaced() -> None:
    notes = [note("old", "Cookies.", status="superseded", superseded_by="new"), note("new", "Tokens.")]
    assert list(matching("cookies", notes)) == ["new", "old"]


NOTES = st.lists(
    st.builds(
        lambda body, title, pinned: (body, title, pinned),
        st.text(max_size=80),
        st.text(max_size=20),
        st.booleans(),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(NOTES, st.text(max_size=80), st.lists(st.text(max_size=20), max_size=3))
def test_every_note_comes_back_once_with_a_score_that_is_never_negative(
    texts: list[tuple[str, str, bool]], text: str, files: list[str]
) -> None:
    notes = [note(f"n{i}", body, title=title, pinned=pinned) for i, (body, title, pinned) in enumerate(texts)]
    hits = rank(Query(text=text, files=tuple(files), changed=tuple(files), branch=text), notes, {})
    assert sorted(h.id for h in hits) == sorted(n.id for n in notes)
    assert all(h.score >= 0 for h in hits)
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)


def many(count: int) -> list[Note]:
    draw = random.Random(1)
    words = [f"word{chr(97 + i % 26)}{i}" for i in range(4_000)]
    return [
        note(f"n{i:05}", " ".join(draw.choices(words, k=150)), title=f"note {words[i % 4000]}")
        for i in range(count)
    ]


def test_two_thousand_notes_are_ranked_from_cached_bags_in_well_under_a_second() -> None:
    notes = many(2_000)
    bags = {n.id: bag_of(n) for n in notes}
    start = time.process_time()
    hits = rank(
        Query(text="note " + notes[77].body[:60], changed=("src/a.py",)),
        notes,
        {},
        words=concordance_of(notes, bags=bags),
    )
    assert time.process_time() - start < 1.0
    assert len(hits) == 2_000
    assert hits[0].id == "n00077"


def test_a_crowd_of_notes_is_narrowed_without_losing_the_best() -> None:
    notes = many(3_000)
    bags = {n.id: bag_of(n) for n in notes}
    for place in (0, 1500, 2999):
        hits = rank(Query(text=notes[place].body[:200]), notes, {}, words=concordance_of(notes, bags=bags))
        assert hits[0].id == notes[place].id
        assert len(hits) == 3_000


def test_other_scripts_are_found() -> None:
    notes = [AUTH, note("ja", "認証トークンの有効期限は十五分です。"), note("ru", "Кэш хранится по ключу.")]
    assert order("トークンの期限", *notes)[0] == "ja"
    assert order("кэш", *notes)[0] == "ru"


def test_a_branch_that_changes_very_much_does_not_drown_the_words_of_the_task() -> None:
    near = note("near", "Something else.", anchors=(Anchor("src/a1.py", "run"),))
    query = Query(text="issue_token", changed=tuple(f"src/a{i}.py" for i in range(200)))
    assert order(query, near, AUTH) == ["auth", "near"]


def test_what_any_change_is_called_counts_less_than_what_this_one_is_about() -> None:
    any_change = note("any", "How to add support.")
    this_one = note("this", "How to shut drawers.")
    others = [note(f"o{i}", "Other words.") for i in range(5)]
    assert order("Add drawers", any_change, this_one, *others)[0] == "this"
    assert order("Add support", any_change, this_one, *others)[0] == "any"


def page(path: str, body: str = "Some words.", **more: Any) -> Note:
    return note(f"{path}#x", body, kind="document", path=path, **more)


def test_without_a_task_documentation_stands_below_notes_and_records_and_asides_below_it() -> None:
    pages = [page(path) for path in ("docs/changelog.md", "docs/index.md", "docs/de/index.md")]
    record = page("docs/decisions/0001-tokens.md", tags=("adr",))
    new = Commit(id="1" * 40, author="a", date="2026-01-01T00:00:00+00:00", subject="s")
    fresh = {n.id: Freshness(n.id, "fresh", changed=new) for n in pages}
    assert order("", *pages, record, AUTH, freshness=fresh) == [
        "auth", "docs/decisions/0001-tokens.md#x", "docs/index.md#x", "docs/changelog.md#x",
        "docs/de/index.md#x",
    ]  # fmt: skip


def test_a_branch_alone_does_not_lift_documentation_above_notes() -> None:
    found = page("docs/index.md", "See the branch develop for the newest.")
    assert order(Query(text="", branch="develop"), found, AUTH) == ["auth", found.id]


def test_a_translation_stands_below_its_original_and_is_found_by_words_of_its_own() -> None:
    english = page(
        "docs/en/docs/events.md", "Sub applications have no events of startup at all. Much more text."
    )
    german = page("docs/de/docs/events.md", "Sub applications: events startup. Unteranwendungen.")
    assert order("events of sub applications", german, english) == [english.id, german.id]
    assert order("Unteranwendungen", english, german) == [german.id, english.id]


def test_without_a_task_the_names_of_files_are_looked_for() -> None:
    timeouts = page("docs/pipelineruns.md", "A PipelineRun times out.", title="PipelineRuns")
    others = [page("docs/a.md", "Nothing of it."), page("docs/b.md", "Neither.")]
    query = Query(text="", files=("pkg/reconciler/pipelinerun/pipelinerun.go",))
    assert order(query, *others, timeouts)[0] == timeouts.id
    assert score(Query(text="neither", files=query.files), *others, timeouts)[timeouts.id] == 0.0
