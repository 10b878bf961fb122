"""A ranked list into a briefing that fits."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from agentctx.model import BriefingItem, FreshnessState
from agentctx.retrieval.excerpts import GAP, one_line, parts_of
from agentctx.retrieval.packing import pack
from agentctx.text import count_tokens


def item(id: str, text: str, state: FreshnessState = "fresh", reasons: tuple[str, ...] = ()) -> BriefingItem:
    return BriefingItem(
        id, f"agent-context/{id}.md", "decision", f"Title of {id}", state, reasons, text, "whole"
    )


def rendered(shown: BriefingItem) -> str:
    return f"## {shown.title} ({shown.state})\n{' '.join(shown.reasons)}\n{shown.text}\n"


def cost(shown: BriefingItem) -> tuple[int, int]:
    text = rendered(shown)
    return len(text.encode()), count_tokens(text)


def packed(items: list[BriefingItem], task: str = "", size: int = 9_500, tokens: int = 3_000):
    return pack(items, task, budget_bytes=size, budget_tokens=tokens, cost=cost)


LONG = "\n".join(
    f"## Part {n}\n\nSome words about {w}. " + "filler text goes here and there. " * 20
    for n, w in enumerate(["cookies", "sessions", "tokens", "expiry", "logging"])
)


def test_notes_that_fit_are_shown_whole_and_in_order() -> None:
    shown, left_out = packed([item("a", "First."), item("b", "Second.")])
    assert [(i.id, i.shape, i.text) for i in shown] == [("a", "whole", "First."), ("b", "whole", "Second.")]
    assert left_out == ()


def test_no_notes_give_nothing() -> None:
    assert packed([]) == ((), ())


def test_empty_notes_are_shown_by_their_title() -> None:
    shown, left_out = packed([item("a", ""), item("b", "  \n")])
    assert [i.id for i in shown] == ["a", "b"]
    assert not left_out


def test_a_long_note_shows_its_opening_and_the_section_that_answers_the_task() -> None:
    text = "What it is about.\n" + LONG
    shown, _ = packed([item("a", text)], "token expiry", size=1_700)
    assert shown[0].shape == "sections"
    assert shown[0].text.startswith("What it is about.")
    assert "Some words about expiry" in shown[0].text
    assert "logging" not in shown[0].text
    assert GAP in shown[0].text


def test_what_does_not_fit_at_length_is_one_line_and_the_rest_is_left_out_best_first() -> None:
    items = [item(f"n{i:02}", f"Sentence number {i}. " + "more words follow here. " * 30) for i in range(40)]
    shown, left_out = packed(items, size=2_000)
    assert {i.shape for i in shown} >= {"whole", "line"}
    assert left_out == tuple(f"n{i:02}" for i in range(len(shown), 40))


def test_a_stale_note_carries_its_reason_even_in_one_line() -> None:
    reason = "src/auth.py#issue: the body changed in 1a2b3c by Ada"
    shown, _ = packed([item("a", LONG), item("b", LONG[:500] + "x", "stale", (reason,))], size=500)
    stale = next(i for i in shown if i.id == "b")
    assert stale.shape == "line"
    assert stale.reasons == (reason,)
    assert stale.text == reason


def test_a_note_that_repeats_another_waits_until_others_were_shown() -> None:
    text = "The cache is keyed by blob id because names lie. " * 20
    other = "Billing rounds half to even because accounting asked for it. " * 12
    shown, _ = packed([item("a", text), item("copy", text), item("b", other)], size=2_300)
    shapes = {i.id: i.shape for i in shown}
    assert (shapes["a"], shapes["b"]) == ("whole", "whole")
    assert shapes["copy"] != "whole"


def test_the_opening_can_be_kept_short() -> None:
    items = [item("a", LONG), item("b", "Second.")]
    shown, _ = pack(items, "", budget_bytes=9_500, budget_tokens=4_000, cost=cost, opening_bytes=1_000)
    assert cost(shown[0])[0] <= 1_000
    assert shown[0].shape == "sections"


def test_hidden_characters_never_reach_the_briefing() -> None:
    shown, _ = packed([item("a", "Safe\u202e text\u200b with \x1b[31mcolour\U000e0041")])
    assert shown[0].text == "Safe text with colour"


def test_a_heading_inside_a_code_fence_is_no_section() -> None:
    text = "Intro\n\n```sh\n# not a heading\n```\n\n## Real\n\ntext"
    assert parts_of(text) == ["Intro\n\n```sh\n# not a heading\n```\n", "## Real\n\ntext"]


def test_a_cut_inside_a_code_fence_closes_the_fence() -> None:
    text = "Intro\n```py\n" + "x = 1\n" * 400 + "```\nend"
    shown, _ = packed([item("a", text)], size=600)
    assert shown[0].text.endswith(f"\n```\n{GAP}")


def test_one_line_is_the_first_sentence_of_the_prose() -> None:
    assert one_line("# Title\n\nWe sign JWTs. They are short.\n\n## More\nx") == "We sign JWTs."
    assert len(one_line("word " * 200)) <= 160


TEXTS = st.lists(
    st.tuples(
        st.text(
            alphabet=st.sampled_from("ab é\n#`~日\u200b.") | st.characters(exclude_categories=["Cs"]),
            max_size=400,
        ),
        st.sampled_from(["fresh", "stale"]),
        st.lists(st.text(max_size=40), max_size=2),
    ),
    max_size=25,
)


@settings(deadline=None)
@given(TEXTS, st.text(max_size=60), st.integers(-50, 3_000), st.integers(-10, 1_000), st.integers(0, 500))
def test_no_budget_is_ever_exceeded_no_order_changed_and_no_note_lost(
    texts: list[tuple[str, FreshnessState, list[str]]], task: str, size: int, tokens: int, opening: int
) -> None:
    items = [item(f"n{i}", text, state, tuple(r)) for i, (text, state, r) in enumerate(texts)]
    shown, left_out = pack(
        items, task, budget_bytes=size, budget_tokens=tokens, cost=cost, opening_bytes=opening
    )
    prices = [cost(i) for i in shown]
    assert sum(p[0] for p in prices) <= max(size, 0)
    assert sum(p[1] for p in prices) <= max(tokens, 0)
    ids = [i.id for i in items]
    assert [i for i in ids if i in {s.id for s in shown}] == [s.id for s in shown]
    assert [i for i in ids if i in left_out] == list(left_out)
    assert sorted([*left_out, *(s.id for s in shown)]) == sorted(ids)
