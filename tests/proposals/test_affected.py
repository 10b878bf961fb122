"""Which notes a change touches: order, flags and reasons on small, readable changes."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from agentctx.diff import parse_patch
from agentctx.model import Affected, Anchor, Change, Drift, Freshness, Note
from agentctx.proposals.affected import EXPLAINED, affected
from agentctx.proposals.note_history import Merge, NoteHistory
from agentctx.proposals.note_words import count_note

TOKENS = "src/auth/tokens.py"


def note(id: str, title: str, body: str, *anchors: Anchor) -> Note:
    return Note(id, f"agent-context/decisions/{id}.md", "decision", title, body, "", anchors=anchors)


NOTES = (
    note(
        "jwt", "JWT over sessions", "`issue_token` signs a short-lived token.", Anchor(TOKENS, "issue_token")
    ),
    note("cli", "Strict mode", "Run the checker with `--strict` on every build; it refuses unknown keys."),
    note("database", "One pool of connections", "Postgres connections come from one pool per process."),
    note("layout", "Where code lives", "The entry point is `src/old_main.py`; packages sit beside it."),
    note("invoices", "Rounding of invoices", "Totals are rounded half to even, once, at the end."),
)


def patch(path: str, removed: list[str], added: list[str], header: str = "") -> str:
    lines = [*(f"-{x}" for x in removed), *(f"+{x}" for x in added)]
    return (
        f"diff --git a/{path} b/{path}\nindex 1..2 100644\n--- a/{path}\n+++ b/{path}\n"
        f"@@ -1,{len(removed)} +1,{len(added)} @@ {header}\n" + "".join(f"{x}\n" for x in lines)
    )


def change(text: str, subject: str = "") -> Change:
    return Change("a" * 40, "b" * 40, parse_patch(text), subject)


def by_id(found: list[Affected]) -> dict[str, Affected]:
    return {one.id: one for one in found}


ISSUE_TOKEN = patch(
    TOKENS,
    ["    return sign(user, ttl=900)"],
    ["    return sign(user, ttl=300, audience=user.tenant)"],
    "def issue_token(user):",
)
FORMATTING = patch(
    TOKENS,
    ["def issue_token( user ):", "    return sign('x', 900)"],
    ["def issue_token(user):", '    return sign("x", 900,)'],
)
MOVE = (
    "diff --git a/src/old_main.py b/src/main.py\nsimilarity index 100%\n"
    "rename from src/old_main.py\nrename to src/main.py\n"
)


def test_the_note_whose_anchored_symbol_changed_comes_first_and_says_so() -> None:
    first = affected(change(ISSUE_TOKEN, "Shorten the life of tokens"), NOTES)[0]
    assert (first.id, first.flag) == ("jwt", True)
    assert first.reasons[0] == "the diff changes `issue_token`, which the note anchors"


def test_every_note_comes_back_once_best_first() -> None:
    found = affected(change(ISSUE_TOKEN), NOTES)
    assert sorted(one.id for one in found) == sorted(n.id for n in NOTES)
    chances = [one.probability for one in found]
    assert chances == sorted(chances, reverse=True)
    assert all(0 <= chance <= 1 for chance in chances)


def test_formatting_alone_flags_nothing_even_at_an_anchor() -> None:
    assert not any(one.flag for one in affected(change(FORMATTING, "Run the formatter"), NOTES))


def test_a_moved_file_flags_only_the_notes_that_name_its_old_path() -> None:
    found = by_id(affected(change(MOVE, "Move the entry point"), NOTES))
    assert [id for id, one in found.items() if one.flag] == ["layout"]
    assert found["layout"].reasons[0] == "names `src/old_main.py`, which the change moves or deletes"


def test_a_longer_path_with_the_same_end_is_not_the_old_path() -> None:
    other = note("other", "Another tree", "See lib/src/old_main.py.bak and vendor/src/old_main.py.")
    assert not affected(change(MOVE), [other])[0].flag


def test_a_note_that_mentions_a_removed_flag_is_first_and_says_where_it_went() -> None:
    text = patch(
        "src/cli.py", ["    @option('--strict', help='refuse unknown keys')"], ["    @option('--lenient')"]
    )
    first = affected(change(text, "Replace the strict mode of the checker"), NOTES)[0]
    assert first.id == "cli"
    assert "mentions `--strict`, which is in lines removed from src/cli.py" in first.reasons


def test_a_reason_names_the_very_word_that_the_diff_has_and_no_bare_number() -> None:
    text = patch("src/pool.py", [], ["    status_code = 400  # max_size of the pool"])
    span = "Ask `GET /pools/<id> <pool_status_code>`, `status_code`, `max_size = 12`; else `400`."
    (found,) = affected(change(text), [note("pool", "The pool", span)])
    mentioned = [reason for reason in found.reasons if reason.startswith("mentions")]
    where = "which is in lines added to src/pool.py"
    assert mentioned == [f"mentions `status_code`, {where}", f"mentions `max_size = 12`, {where}"]


def test_a_word_that_very_many_notes_mention_is_no_reason() -> None:
    text = patch("src/pool.py", [], ["    return next_page(retry_after)"])
    many = [note(f"n{n}", f"Page {n}", "Uses `next_page`.") for n in range(5)]
    found = affected(change(text), [*many, note("retry", "Retries", "`retry_after` and `next_page`.")])
    assert "mentions `retry_after`, which is in lines added to src/pool.py" in found[0].reasons
    assert not any("next_page`" in reason for one in found for reason in one.reasons)


def test_a_note_that_is_false_now_is_flagged_whatever_the_words_say() -> None:
    drift = Drift(Anchor("src/pool.py", "Pool"), "body", "Pool changed in 1234567 by Ada")
    stale = {"database": Freshness("database", "stale", (drift,))}
    found = by_id(affected(change(FORMATTING), NOTES, drifts=stale))
    assert found["database"].flag
    assert found["database"].reasons[0] == "Pool changed in 1234567 by Ada"


def test_what_changed_together_before_is_a_reason_with_its_numbers() -> None:
    path = NOTES[4].path
    history = NoteHistory(
        [
            Merge("1", "Round totals", ("src/money.py", path)),
            Merge("2", "Log more", ("src/money.py",)),
            Merge("3", "Round once", ("src/money.py", path)),
        ]
    )
    text = patch("src/money.py", ["x = total(lines)"], ["x = total(lines, mode)"])
    with_past = by_id(affected(change(text), NOTES, history=history))
    (told, *_) = with_past["invoices"].reasons
    assert told == "changed in 2 of the 3 earlier merges of src/money.py, last in 'Round once'"
    assert with_past["invoices"].probability > by_id(affected(change(text), NOTES))["invoices"].probability


def test_an_earlier_merge_like_this_one_is_a_reason_and_a_chance_meeting_is_none() -> None:
    path = NOTES[4].path
    others = [Merge(f"{n}", f"Work {n}", ("src/money.py",)) for n in range(9)]
    history = NoteHistory([Merge("a", "Round sums in reports", ("src/money.py", path)), *others])
    text = patch("src/money.py", ["x = total(lines)"], ["x = total(lines, mode)"])
    reasons = by_id(affected(change(text, "Round sums"), NOTES, history=history))["invoices"].reasons
    assert not any("of the 10 earlier" in reason for reason in reasons)
    fresh = NoteHistory([*others, Merge("a", "Round sums in reports", ("src/report.py", path))])
    reasons = by_id(affected(change(text, "Round sums"), NOTES, history=fresh))["invoices"].reasons
    assert "changed in an earlier merge like this one, 'Round sums in reports'" in reasons


def test_no_notes_no_files_and_empty_texts_are_answered() -> None:
    assert affected(change(ISSUE_TOKEN), []) == []
    assert not any(one.flag for one in affected(change(""), NOTES))
    empty = [note("a", "", ""), note("b", "", "")]
    assert len(affected(change(ISSUE_TOKEN), empty)) == 2
    assert len(affected(change(ISSUE_TOKEN), NOTES[:1])) == 1


def test_a_lower_threshold_flags_more() -> None:
    found = affected(change(ISSUE_TOKEN), NOTES, threshold=0.0)
    assert all(one.flag for one in found)


def test_the_same_question_has_the_same_answer_in_any_order_of_notes() -> None:
    once = affected(change(ISSUE_TOKEN, "Tokens"), NOTES)
    assert affected(change(ISSUE_TOKEN, "Tokens"), NOTES) == once
    assert affected(change(ISSUE_TOKEN, "Tokens"), NOTES[::-1]) == once


def test_only_the_notes_somebody_reads_get_reasons() -> None:
    many = [
        replace(NOTES[0], id=f"n{i}", path=f"agent-context/decisions/n{i}.md", anchors=()) for i in range(60)
    ]
    found = affected(change(ISSUE_TOKEN), many, threshold=2.0)
    assert [bool(one.reasons) for one in found] == [True] * EXPLAINED + [False] * (60 - EXPLAINED)


def test_a_huge_change_is_answered_in_bounded_time() -> None:
    lines = [f"value_{i} = compute_{i}('text {i}')" for i in range(60_000)]
    start = time.process_time()
    assert len(affected(change(patch("src/big.py", lines, lines[::-1])), NOTES)) == len(NOTES)
    assert time.process_time() - start < 20


@pytest.mark.parametrize(
    ("anchor", "reason"),
    [
        (Anchor(TOKENS), "the change edits src/auth/tokens.py, which the note anchors"),
        (Anchor("src/auth/**"), "the change touches src/auth/tokens.py, under the note's `src/auth/**`"),
        (Anchor(TOKENS, "revoke"), "the change edits src/auth/tokens.py, where the note anchors `revoke`"),
    ],
    ids=["file", "glob", "another symbol"],
)
def test_every_kind_of_anchor_says_how_it_was_touched(anchor: Anchor, reason: str) -> None:
    found = affected(change(ISSUE_TOKEN), [note("x", "Elsewhere", "Nothing in common.", anchor)])
    assert reason in found[0].reasons


def test_a_new_option_finds_the_list_of_the_options_it_was_put_beside() -> None:
    listed = note(
        "all", "Command line", "\n".join(f"| `{o}` | what it does |" for o in ("dry_run", "max_depth"))
    )
    others = [
        note(f"n{i}", "Command line", f"Runs of kind {i} go by the command line alone.") for i in range(6)
    ]
    added = (
        "--- a/src/cli.py\n+++ b/src/cli.py\n@@ -1,2 +1,3 @@\n dry_run = 1\n+keep_going = 2\n max_depth = 3\n"
    )
    found = affected(change(f"diff --git a/src/cli.py b/src/cli.py\n{added}"), [*others, listed])
    assert found[0].id == "all"


@pytest.mark.parametrize(
    ("body", "form"),
    [
        ("Plain words, one after another.", (0, 0, 0)),
        ("- one\n* two\n1. three\n", (0, 3, 0)),
        ("| a | b |\n|---|---|\n", (0, 2, 2)),
        ("```python\nx = 1\n```\n", (2, 0, 0)),
        ("As in::\n\n    x = 1\n\n.. code-block:: python\n", (2, 0, 0)),
    ],
    ids=["prose", "list", "table", "fence", "reStructuredText"],
)
def test_the_look_of_a_note_is_read_from_its_marks(body: str, form: tuple[int, int, int]) -> None:
    counts = count_note("A title", body)
    assert (counts.examples, counts.items, counts.rows) == form
