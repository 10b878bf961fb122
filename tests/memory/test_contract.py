"""What every store promises, on SQLite (a file and in memory) and on a real PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agentctx.errors import Conflict, InvalidInput, NotFound
from agentctx.memory import jsonl, searching
from agentctx.memory.base import AsOf, Store, Window, kept_as
from agentctx.memory.batches import Rows
from agentctx.memory.canonical import instant, later
from agentctx.memory.engine import Matching, Session
from agentctx.memory.ids import derived, uuid7
from agentctx.memory.recall import recall
from agentctx.memory.rows import Head
from agentctx.memory.store import SqlStore, open_postgres, open_sqlite
from agentctx.model import Episode, Fact, WorkingContext

T0 = "2026-03-01T00:00:00.000000Z"
_COUNT = itertools.count()


def at(hours: float) -> str:
    return later(T0, hours * 3600)


def new_id() -> str:
    return uuid7(1_700_000_000_000 + next(_COUNT), next(_COUNT).to_bytes(10, "big"))


def episode(content: str, hours: float = 0, space: str = "/p", **more: object) -> Episode:
    made = Episode(new_id(), space, "message", content, at(hours), at(hours))
    return replace(made, **more)  # type: ignore[arg-type]


def fact(value: object, hours: float = 0, name: str = "owner", space: str = "/p", **more: object) -> Fact:
    made = Fact(new_id(), space, "cart", name, value, f"{name} of the cart is {value}", at(hours), at(hours))
    return replace(made, **more)  # type: ignore[arg-type]


Opener = Callable[..., SqlStore]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """``opener()`` opens the same database again, as another process would; ``tenant=`` as another tenant."""
    opened: list[SqlStore] = []
    dsn = request.getfixturevalue("empty_database") if request.param == "postgres" else ""

    def again(tenant: str = "local") -> SqlStore:
        if request.param == "memory" and opened:
            return SqlStore(opened[0]._database, tenant)
        where = tmp_path / "deep" / "memory.sqlite" if request.param == "sqlite" else None
        store = open_postgres(dsn, tenant) if dsn else open_sqlite(where, tenant)
        opened.append(store)
        return store

    yield again
    for store in opened:
        store.close()


@pytest.fixture
def store(opener: Opener) -> Store:
    return opener()


def recalled(store: Store, query: str, now: str = at(100), **more: object) -> list[str]:
    window = replace(Window("/", now), **more)  # type: ignore[arg-type]
    return [
        r.item.content if isinstance(r.item, Episode) else r.item.value for r in recall(store, query, window)
    ]


# --------------------------------------------------------------------------- episodes


def test_an_episode_keeps_every_field_and_both_clocks(store: Store) -> None:
    full = Episode(
        id=new_id(),
        namespace="/p",
        kind="tool",
        content="ran\ttests \x00 'ok' \\ 🚀",
        occurred_at="2026-03-01T02:00:00+02:00",
        recorded_at="2026-03-01T05:00:00.123456+00:00",
        actor="ada",
        session_id="s1",
        turn=7,
        subject_id="user:1",
        metadata={"a": [1, 2.5, None, True, {"b": "\x00"}], "big": 1e300, "small": 5e-324, "one": 1.0},
        git_commit="c" * 40,
        git_branch="main",
        git_path="a/b.py",
        expires_at="2027-01-01T00:00:00Z",
    )
    store.append([full])
    (found,) = store.recent("/p", at(10))
    assert found == replace(
        full,
        content="ran\ttests ␀ 'ok' \\ 🚀",
        occurred_at=T0,
        recorded_at="2026-03-01T05:00:00.123456Z",
        metadata={**full.metadata, "a": [1, 2.5, None, True, {"b": "␀"}]},
        expires_at="2027-01-01T00:00:00.000000Z",
    )


def test_the_newest_episodes_come_first_over_all_descendants(store: Store) -> None:
    store.append([episode(f"e{n}", n, "/p/a" if n % 2 else "/p/b") for n in range(6)])
    assert [e.content for e in store.recent("/p", at(10), limit=3)] == ["e5", "e4", "e3"]
    assert [e.content for e in store.recent("/p/a", at(10))] == ["e5", "e3", "e1"]


def test_episodes_of_one_session_can_be_read_alone(store: Store) -> None:
    store.append([episode("mine", session_id="s1"), episode("other", session_id="s2"), episode("none")])
    assert [e.content for e in store.recent("/p", at(1), session_id="s1")] == ["mine"]


def test_one_bad_episode_keeps_the_whole_batch_out(store: Store) -> None:
    with pytest.raises(InvalidInput):
        store.append([episode("good"), episode("bad", kind="gossip")])
    assert store.recent("/p", at(1)) == []


@pytest.mark.parametrize("others", [0, 3, 40], ids=["alone", "among others", "in a batch"])
def test_an_episode_that_is_there_keeps_its_words_too(store: Store, others: int) -> None:
    first = episode("the deploy failed", 0)
    store.append([first])
    store.append(
        [*(episode(f"other {n}", n) for n in range(others)), replace(first, content="a cart was built")]
    )
    assert recalled(store, "deploy") == ["the deploy failed"]
    assert recalled(store, "cart") == []


def test_appending_the_same_episode_twice_keeps_one(store: Store) -> None:
    one = episode("once")
    store.append([one])
    store.append([one, episode("more", 1)])
    assert [e.content for e in store.recent("/p", at(2))] == ["more", "once"]


def test_an_expired_episode_is_not_read_and_then_swept(store: Store) -> None:
    store.append([episode("brief news", expires_at=at(1)), episode("lasting news")])
    assert len(store.recent("/p", at(0.5))) == 2
    assert [e.content for e in store.recent("/p", at(1))] == ["lasting news"]
    assert recalled(store, "news", at(1)) == ["lasting news"]
    assert store.sweep(at(1))["episodes"] == 1
    assert [e.content for e in store.recent("/p", at(0.5))] == ["lasting news"]


# --------------------------------------------------------------------------- facts


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        1,
        1.0,
        1.5,
        -1,
        10**30,
        1e23,
        "",
        "1.0",
        "null",
        [],
        {},
        {"b": [1.0, {"a": None}]},
        "☃'\\",
    ],
    ids=repr,
)
def test_any_json_value_comes_back_equal_and_of_its_type(store: Store, value: object) -> None:
    store.assert_fact(fact(value))
    found = store.fact("/p", "cart", "owner", at(1))
    assert found is not None and found.value == value
    if not isinstance(value, float):
        assert type(found.value) is type(value)


def test_a_new_value_supersedes_the_old_in_one_step(store: Store) -> None:
    old, new = fact("Ada", 0), fact("Bob", 1)
    assert store.assert_fact(old).version == 1
    assert store.assert_fact(new).version == 2
    current = store.fact("/p", "cart", "owner", at(2))
    assert current is not None and (current.value, current.status) == ("Bob", "active")
    before, after = store.history("/p", "cart", "owner")
    assert (before.status, before.invalid_at, before.retired_at) == ("superseded", at(1), at(1))
    assert (before.superseded_by, after.id) == (new.id, new.id)
    assert recalled(store, "owner cart") == ["Bob"]


def test_a_head_is_changed_only_from_the_version_that_was_read(store: Store) -> None:
    head = store.assert_fact(fact("Ada", 0), expected_version=0)
    assert store.head("/p", "cart", "owner") == head
    store.assert_fact(fact("Bob", 1), expected_version=head.version)
    with pytest.raises(Conflict, match="version 2, not 1"):
        store.assert_fact(fact("Cleo", 2), expected_version=head.version)
    with pytest.raises(Conflict):
        store.assert_fact(fact("Dan", 2), expected_version=0)
    assert [f.value for f in store.history("/p", "cart", "owner")] == ["Ada", "Bob"]


def test_the_same_value_again_adds_its_source_and_no_fact(store: Store) -> None:
    first = store.assert_fact(fact("Ada", 0, sources=(("commit", "a1"),)))
    again = store.assert_fact(fact("Ada", 5, sources=(("url", "https://x.example"),)))
    assert again == first
    (only,) = store.history("/p", "cart", "owner")
    assert only.sources == (("commit", "a1"), ("url", "https://x.example"))
    assert only.valid_at == T0


def test_the_same_value_said_for_longer_lives_longer(store: Store) -> None:
    store.assert_fact(fact("Ada", 0, expires_at=at(5), sources=(("commit", "a1"),)))
    brief = store.assert_fact(fact("Ada", 1, expires_at=at(3)))
    assert brief.version == 1
    lasting = fact("Ada", 2, confidence=0.5, sources=(("url", "u"),))
    assert store.assert_fact(lasting) == Head("/p", "cart", "owner", lasting.id, 2)
    found = store.fact("/p", "cart", "owner", at(6))
    assert found is not None
    assert (found.valid_at, found.expires_at, found.confidence) == (T0, "", 1.0)
    assert found.sources == (("commit", "a1"), ("url", "u"))
    assert recalled(store, "owner cart", at(6)) == ["Ada"]
    assert recalled(store, "owner cart", at(3)) == ["Ada"]


def test_the_same_value_said_with_more_certainty_is_harder_to_replace(store: Store) -> None:
    store.assert_fact(fact("Ada", 0, confidence=0.5, expires_at=at(50)))
    store.assert_facts(
        [fact("Ada", 1, expires_at=at(2)), fact("Ada", 2, expires_at=at(3)), fact("Bob", 3, confidence=0.7)]
    )
    found = store.fact("/p", "cart", "owner", at(6))
    assert found is not None and (found.value, found.confidence, found.expires_at) == ("Ada", 1.0, at(50))
    assert [c.disputed.value for c in store.contradictions("/", at(6))] == ["Bob"]
    before = store.fact("/p", "cart", "owner", at(6), AsOf(T0, at(0.5)))
    assert before is not None and before.confidence == 0.5


def test_a_disputed_fact_that_came_true_otherwise_is_settled_by_either_decision(store: Store) -> None:
    doubt = fact("Bob", 1, confidence=0.4)
    store.assert_facts([fact("Ada", 0), doubt])
    sure = store.assert_fact(fact("Bob", 2))
    assert store.resolve(doubt.id, keep=True, now=at(3)) == sure
    found = store.fact("/p", "cart", "owner", at(4))
    assert found is not None and (found.id, found.confidence) == (sure.fact_id, 1.0)
    assert store.contradictions("/", at(4)) == []


def test_the_id_of_an_asserted_fact_is_one_that_is_kept(store: Store) -> None:
    told = [
        fact("Ada", 5),
        fact("Ada", 6),
        fact("Bob", 7, confidence=0.5),
        fact("Cleo", 1, recorded_at=at(8)),
    ]
    kept = [kept_as(store, one, store.assert_fact(one)) for one in told]
    assert kept == [told[0].id, told[0].id, told[2].id, told[3].id]
    assert store.erase_items(kept)["facts"] == 3


def test_several_values_of_one_key_in_one_batch_form_a_chain(store: Store) -> None:
    heads = store.assert_facts([fact("Ada", 0), fact("Bob", 1), fact("Cleo", 2)])
    assert {h.version for h in heads} == {3}
    assert [(f.value, f.status) for f in store.history("/p", "cart", "owner")] == [
        ("Ada", "superseded"),
        ("Bob", "superseded"),
        ("Cleo", "active"),
    ]


def test_a_failing_fact_keeps_the_whole_batch_out(store: Store) -> None:
    with pytest.raises(InvalidInput):
        store.write([episode("e")], [fact("Ada"), fact("Bob", confidence=2.0)])
    assert store.facts("/", at(1)) == []
    assert store.recent("/", at(1)) == []


def test_both_clocks_can_be_turned_back(store: Store) -> None:
    store.assert_fact(fact("Ada", 0))
    store.assert_fact(fact("Bob", 10, recorded_at=at(20)))
    ask = lambda world, known: store.fact("/p", "cart", "owner", at(99), AsOf(at(world), at(known)))  # noqa: E731
    table = {
        (5, 5): "Ada",
        (15, 15): "Ada",
        (5, 25): "Ada",
        (15, 25): "Bob",
        (10, 25): "Bob",
        (10, 19): "Ada",
    }
    for (world, known), value in table.items():
        found = ask(world, known)
        assert found is not None and found.value == value, (world, known)
    assert ask(-1, 25) is None
    assert ask(5, -1) is None
    assert [f.value for f in store.facts("/p", at(99), as_of=AsOf(at(15), at(15)))] == ["Ada"]


def test_a_fact_learnt_late_takes_its_place_in_history(store: Store) -> None:
    store.assert_fact(fact("Ada", 0))
    store.assert_fact(fact("Cleo", 20))
    head = store.assert_fact(fact("Bob", 10, recorded_at=at(30)))
    assert head.version == 2
    assert [(f.value, f.invalid_at) for f in store.history("/p", "cart", "owner")] == [
        ("Ada", at(10)),
        ("Bob", at(20)),
        ("Cleo", ""),
    ]
    now = store.fact("/p", "cart", "owner", at(40))
    then = store.fact("/p", "cart", "owner", at(40), AsOf(at(15)))
    assert now is not None and then is not None
    assert (now.value, then.value) == ("Cleo", "Bob")


def known_at(store: Store, table: dict[tuple[float, float], str | None]) -> None:
    """What a read of the key and a recall give for (world hour, hour of knowledge)."""
    for (world, known), value in table.items():
        then = AsOf(at(world), at(known))
        found = store.fact("/p", "cart", "owner", at(99), then)
        assert (found.value if found else None) == value, (world, known)
        assert recalled(store, "owner cart", as_of=then) == ([value] if value else []), (world, known)


def test_what_is_learnt_late_does_not_change_what_was_known_before(store: Store) -> None:
    store.assert_fact(fact("Ada", 0))
    store.assert_fact(fact("Eve", 20))
    earlier = {(15, 10): "Ada", (15, 25): "Ada", (25, 15): "Ada", (25, 25): "Eve", (-1, 25): None}
    known_at(store, earlier)
    store.assert_fact(fact("Cleo", 10, recorded_at=at(30)))
    middle = {(5, 35): "Ada", (15, 29): "Ada", (15, 35): "Cleo", (25, 35): "Eve"}
    known_at(store, earlier | middle)
    store.assert_fact(fact("Dan", 14, recorded_at=at(40)))
    store.assert_fact(fact("Bob", 5, recorded_at=at(50)))
    last = {(2, 60): "Ada", (7, 60): "Bob", (7, 45): "Ada", (12, 60): "Cleo", (15, 60): "Dan"}
    known_at(store, earlier | middle | last)


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "dismissed"])
def test_a_decision_does_not_change_what_was_believed_before_it(store: Store, keep: bool) -> None:
    doubt = fact("Bob", 10, confidence=0.5)
    store.assert_facts([fact("Ada", 0), doubt])
    before = {(15, 12): "Ada", (5, 12): "Ada", (15, 29): "Ada"}
    known_at(store, before)
    store.resolve(doubt.id, keep, at(30))
    known_at(store, before | {(5, 35): "Ada", (15, 35): "Bob" if keep else "Ada"})


def test_a_late_fact_after_a_retraction_leaves_the_gap_in_what_was_known(store: Store) -> None:
    gone = fact("Bob", 20)
    store.assert_facts([fact("Ada", 0), gone, fact("Cleo", 40)])
    store.retract(gone.id, at(50))
    earlier = {(25, 45): "Bob", (25, 55): None, (15, 55): "Ada", (45, 55): "Cleo"}
    known_at(store, earlier)
    store.assert_fact(fact("Dan", 10, recorded_at=at(60)))
    known_at(store, earlier | {(15, 65): "Dan", (5, 65): "Ada"})


def test_a_fact_that_begins_tomorrow_leaves_todays_in_place(store: Store) -> None:
    store.assert_fact(fact("Ada", 0))
    store.assert_fact(fact("Bob", 24, recorded_at=at(1)))
    today, tomorrow = (store.fact("/p", "cart", "owner", at(h)) for h in (2, 25))
    assert today is not None and tomorrow is not None
    assert (today.value, tomorrow.value) == ("Ada", "Bob")


def test_a_retracted_fact_was_never_true(store: Store) -> None:
    wrong = fact("Ada")
    store.assert_fact(wrong)
    store.retract(wrong.id, at(5))
    assert store.fact("/p", "cart", "owner", at(6)) is None
    assert recalled(store, "owner") == []
    believed = store.fact("/p", "cart", "owner", at(6), AsOf(at(1), known=at(4)))
    assert believed is not None and believed.value == "Ada"
    assert store.assert_fact(fact("Bob", 7)).version == 2
    with pytest.raises(NotFound):
        store.retract(wrong.id, at(8))


def test_an_expired_fact_is_never_read_and_gives_way(store: Store) -> None:
    store.assert_fact(fact("Ada", expires_at=at(1)))
    assert store.fact("/p", "cart", "owner", at(1)) is None
    assert store.facts("/p", at(1)) == []
    assert recalled(store, "owner", at(1)) == []
    store.assert_fact(fact("Ada", 2))
    found = store.fact("/p", "cart", "owner", at(3))
    assert found is not None and found.valid_at == at(2)
    assert store.sweep(at(3))["facts"] == 1


def test_facts_of_an_entity_come_one_a_key_over_descendants(store: Store) -> None:
    store.assert_facts([fact("Ada"), fact(3, name="items"), fact("Bob", 1), fact("x", space="/p/deep")])
    found = store.facts("/p", at(2), entity="cart")
    assert [(f.namespace, f.property, f.value) for f in found] == [
        ("/p", "items", 3),
        ("/p", "owner", "Bob"),
        ("/p/deep", "owner", "x"),
    ]
    assert store.facts("/p", at(2), entity="basket") == []


# --------------------------------------------------------------------------- contradictions


def test_a_less_certain_fact_is_a_contradiction_until_somebody_decides(store: Store) -> None:
    sure, doubt = fact("Ada", 0), fact("Bob", 1, confidence=0.4)
    store.assert_facts([sure, doubt])
    found = store.fact("/p", "cart", "owner", at(2))
    assert found is not None and found.value == "Ada"
    assert recalled(store, "owner") == ["Ada"]
    (pair,) = store.contradictions("/", at(2))
    assert pair.current is not None
    assert (pair.disputed.value, pair.current.value) == ("Bob", "Ada")
    store.resolve(doubt.id, keep=True, now=at(3))
    assert store.contradictions("/", at(4)) == []
    found = store.fact("/p", "cart", "owner", at(4))
    assert found is not None and (found.value, found.confidence) == ("Bob", 0.4)
    assert recalled(store, "owner") == ["Bob"]


def test_a_dismissed_contradiction_is_gone(store: Store) -> None:
    doubt = fact("Bob", 1, status="disputed")
    store.assert_facts([fact("Ada"), doubt])
    assert store.resolve(doubt.id, keep=False, now=at(2)) is None
    assert store.contradictions("/", at(3)) == []
    found = store.fact("/p", "cart", "owner", at(3))
    assert found is not None and found.value == "Ada"
    with pytest.raises(NotFound):
        store.resolve(doubt.id, keep=True, now=at(4))


def test_a_contradiction_stands_beside_what_holds_now(store: Store) -> None:
    brief = fact("Ada", 0, expires_at=at(10), sources=(("url", "u"),))
    store.assert_facts([brief, fact("Bob", 1, confidence=0.4)])
    store.assert_facts([fact(1, 0, name="n"), fact(2, 1, name="n", confidence=0.4)])
    store.assert_fact(fact(3, 30, name="n", recorded_at=at(2)))

    def current(hours: float) -> dict[str, object]:
        pairs = store.contradictions("/", at(hours))
        return {pair.disputed.property: pair.current and pair.current.value for pair in pairs}

    assert current(5) == {"owner": "Ada", "n": 1}
    assert current(10) == {"owner": None, "n": 1}
    assert current(31) == {"owner": None, "n": 3}
    (held,) = (pair.current for pair in store.contradictions("/", at(5)) if pair.disputed.property == "owner")
    assert held == replace(brief, sources=(("url", "u"),))


# --------------------------------------------------------------------------- namespaces


def test_underscore_and_percent_are_plain_characters(store: Store) -> None:
    spaces = ["/a_b", "/axb", "/a%b", "/a_b/c", "/a_bc", "/A_b"]
    store.append([episode(space, space=space) for space in spaces])
    assert sorted(e.content for e in store.recent("/a_b", at(1))) == ["/a_b", "/a_b/c"]
    assert [e.content for e in store.recent("/a%b", at(1))] == ["/a%b"]
    assert store.namespaces("/a_b") == ["/a_b", "/a_b/c"]
    assert store.namespaces() == sorted(spaces)


@pytest.mark.parametrize(
    "path", ["/a//b", "/a\nb", "/a\x00b", "/" + "x" * 600], ids=["empty", "newline", "nul", "long"]
)
def test_a_path_that_is_none_is_refused(store: Store, path: str) -> None:
    with pytest.raises(InvalidInput):
        store.create_namespace(path, T0)


def test_a_namespace_can_be_made_before_it_is_used(store: Store) -> None:
    assert store.create_namespace("x/y/", T0, "about y") == "/x/y"
    assert store.create_namespace("/x/y", at(1)) == "/x/y"
    assert store.namespaces() == ["/x/y"]


def test_an_import_cannot_take_the_rows_of_another_tenant(opener: Opener) -> None:
    ada, bob = opener(tenant="ada"), opener(tenant="bob")
    said = Episode(derived("said"), "/p", "event", "hers", T0, T0)
    known = Fact(derived("known"), "/p", "cart", "owner", "Ada", "", T0, T0)
    ada.write([said], [known])
    for rows in (Rows([said], ()), Rows((), [known])):
        with pytest.raises(Conflict, match="another tenant"):
            bob.restore(rows)
    assert bob.recent("/p", T0) == [] and bob.facts("/p", T0) == []
    assert ada.recent("/p", T0) == [said] and ada.facts("/p", T0)[0].value == "Ada"


def test_tenants_do_not_see_each_other(opener: Opener) -> None:
    ada, bob = opener(tenant="ada"), opener(tenant="bob")
    own = fact("secret")
    ada.write([episode("secret")], [own], [WorkingContext("/p", "k", "secret", 0, T0)])
    assert bob.namespaces() == []
    assert bob.recent("/", at(1)) == [] and bob.facts("/", at(1)) == [] and bob.contexts("/", at(1)) == []
    assert bob.fact("/p", "cart", "owner", at(1)) is None
    assert bob.context("/p", "k", at(1)) is None
    assert recalled(bob, "secret owner") == []
    assert list(bob.everything().facts) == []
    with pytest.raises(NotFound):
        bob.retract(own.id, at(1))
    assert bob.erase_items([own.id])["facts"] == 0
    assert len(ada.facts("/", at(1))) == 1


# --------------------------------------------------------------------------- working context


def context(value: object, hours: float = 0, ttl: float = 0, **more: object) -> WorkingContext:
    made = WorkingContext("/p", "task", value, 0, at(hours), expires_at=at(hours + ttl) if ttl else "")
    return replace(made, **more)  # type: ignore[arg-type]


def test_working_context_counts_its_versions_and_keeps_its_value(store: Store) -> None:
    assert store.save_context(context({"step": 1})).version == 1
    assert store.save_context(context({"step": [None, "☃"]}, 1)).version == 2
    found = store.context("/p", "task", at(2))
    assert found is not None and (found.value, found.version, found.updated_at) == (
        {"step": [None, "☃"]},
        2,
        at(1),
    )
    assert store.context("/p", "task", at(2), session_id="other") is None


def test_working_context_is_never_returned_after_its_time(store: Store) -> None:
    store.save_context(context("x", 0, ttl=1))
    assert store.context("/p", "task", at(0.999)) is not None
    assert store.context("/p", "task", at(1)) is None
    assert store.contexts("/", at(1)) == []
    assert store.sweep(at(1))["working_context"] == 1


def test_a_writer_can_insist_on_the_version_it_has_read(store: Store) -> None:
    store.save_context(context("a"), expected_version=0)
    store.save_context(context("b", 1), expected_version=1)
    for wrong in (0, 1, 3):
        with pytest.raises(Conflict):
            store.save_context(context("c", 2), expected_version=wrong)
    found = store.context("/p", "task", at(3))
    assert found is not None and found.value == "b"


def test_an_expired_context_counts_as_absent_for_a_writer(store: Store) -> None:
    store.save_context(context("a", 0, ttl=1))
    with pytest.raises(Conflict):
        store.save_context(context("b", 2), expected_version=1)
    assert store.save_context(context("b", 2), expected_version=0).value == "b"


def test_a_cleared_context_is_gone(store: Store) -> None:
    store.save_context(context("a"))
    assert store.clear_context("/p", "task") is True
    assert store.clear_context("/p", "task") is False
    assert store.context("/p", "task", at(1)) is None


@pytest.mark.parametrize("expired", [False, True], ids=["cleared", "expired and swept"])
def test_a_version_of_a_context_that_is_gone_never_comes_back(store: Store, expired: bool) -> None:
    store.save_context(context("mine", ttl=1))
    seen = store.save_context(context("mine too", ttl=1)).version
    store.sweep(at(2)) if expired else store.clear_context("/p", "task")
    assert store.contexts("/", at(0)) == [] and list(store.everything().contexts) == []
    assert store.save_context(context("theirs", 2), expected_version=0).version > seen
    for version in range(1, seen + 1):
        with pytest.raises(Conflict):
            store.save_context(context("blind", 3), expected_version=version)
    assert store.save_context(context("first", key="elsewhere", namespace="/q")).version == 1
    assert store.sweep(at(9)) == {"facts": 0, "episodes": 0, "working_context": 0}
    assert store.context("/p", "", at(0)) is None and store.clear_context("/p", "") is False


@pytest.mark.parametrize("way", ["forgotten", "expired and swept", "erased"])
def test_a_version_of_a_fact_that_is_gone_never_comes_back(store: Store, way: str) -> None:
    old = fact("Ada", 1, expires_at=at(5), subject_id="ada")
    store.assert_facts([fact("Zoe", 0), old])
    if way == "forgotten":
        store.erase_items([old.id])
    elif way == "erased":
        store.erase("ada", "asked", at(6))
    else:
        store.sweep(at(6))
    assert store.head("/p", "cart", "owner") is None
    assert store.assert_fact(fact("Bob", 7), expected_version=0).version == 3
    for version in (1, 2):
        with pytest.raises(Conflict):
            store.assert_fact(fact("blind", 8), expected_version=version)


# --------------------------------------------------------------------------- erasure


def test_erasing_a_subject_leaves_only_a_receipt(store: Store) -> None:
    said = episode("Zebulon likes tea", subject_id="zebulon")
    other = episode("Ada likes coffee", 1, subject_id="ada")
    alone = fact("tea", name="drink", subject_id="", sources=(("episode", said.id),))
    shared = fact("hot", name="heat", sources=(("episode", said.id), ("episode", other.id)))
    about = fact("Zebulon", name="owner", subject_id="zebulon")
    store.write([said, other], [alone, shared, about])
    receipt = store.erase("zebulon", "asked for it", at(2))
    assert (receipt.counts["episodes"], receipt.counts["facts"]) == (1, 2)
    assert "zebulon" not in str(receipt)
    assert [e.content for e in store.recent("/", at(3))] == ["Ada likes coffee"]
    (left,) = store.facts("/", at(3))
    assert (left.property, left.sources) == ("heat", (("episode", other.id),))
    assert recalled(store, "Zebulon tea") == []
    assert store.head("/p", "cart", "owner") is None
    assert store.erase("zebulon", "again", at(4)).counts["episodes"] == 0


def test_single_items_can_be_removed_text_and_all(store: Store) -> None:
    one, old, new = episode("remove me please"), fact("Ada", 0), fact("Bob", 1)
    store.write([one], [old, new])
    assert store.erase_items([one.id, old.id, derived("absent")])["facts"] == 1
    assert [f.value for f in store.history("/p", "cart", "owner")] == ["Bob"]
    assert recalled(store, "remove please") == []


# --------------------------------------------------------------------------- recall


def test_recall_finds_by_words_best_first(store: Store) -> None:
    store.append(
        [
            episode("we talked about the weather", 1),
            episode("issueToken signs the JWT with the key", 2),
            episode("the key of the office door, the key, the key", 3),
        ]
    )
    store.assert_fact(fact("15 minutes", name="token lifetime"))
    assert recalled(store, "how does issue_token sign a JWT")[0] == "issueToken signs the JWT with the key"
    assert recalled(store, "lifetime")[0] == "15 minutes"
    assert recalled(store, "volcano") == []
    assert recalled(store, "keys", limit=1) == ["the key of the office door, the key, the key"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "   ",
        "user's",
        "AND",
        "a:b",
        'odd " quote',
        "*",
        "NEAR(a b)",
        "-x",
        "(",
        "' OR 1=1 --",
        "a\x00b",
        "\\",
        "日本 ☃",
        "ﷺ",
    ],
    ids=repr,
)
def test_no_query_text_is_an_error(store: Store, query: str) -> None:
    store.append([episode("user and a b x or 日本")])
    assert isinstance(recalled(store, query), list)


def test_recall_keeps_to_its_namespace_kind_and_day(store: Store) -> None:
    store.write(
        [episode("apple pie", 0, "/p/a"), episode("apple tart", 5, "/p/b")],
        [fact("apple", 0, space="/p/a"), fact("pear apple", 9, space="/p/a")],
    )
    assert recalled(store, "apple", namespace="/p/b") == ["apple tart"]
    assert recalled(store, "apple", namespace="/p/a", facts=False) == ["apple pie"]
    assert recalled(store, "apple", namespace="/p/a", episodes=False) == ["pear apple"]
    assert sorted(recalled(store, "apple", as_of=AsOf(at(1)))) == ["apple", "apple pie"]


def test_one_huge_text_is_kept_and_found(store: Store) -> None:
    text = " ".join(f"word{n}x" for n in range(100_000))
    store.append([episode(text)])
    assert recalled(store, "word7x") == [text]


def test_two_hundred_facts_half_of_them_changed_recall_only_what_is_current(store: Store) -> None:
    old = [fact(f"old{n}", 0, name=f"setting {n}") for n in range(200)]
    new = [fact(f"new{n}", 1, name=f"setting {n}") for n in range(100)]
    store.assert_facts(old)
    store.assert_facts(new)
    stale = missed = 0
    for n in range(100):
        found = recalled(store, f"what is setting {n} of the cart")
        stale += f"old{n}" in found
        missed += f"new{n}" not in found
    assert (stale, missed) == (0, 0)


# --------------------------------------------------------------------------- everything, out and in


def test_everything_can_be_moved_to_another_store(opener: Opener, tmp_path: Path) -> None:
    store = opener()
    store.write(
        [episode("said", 0, subject_id="ada", expires_at=at(50)), episode("more", 1, "/q")],
        [
            fact("Ada", 0, sources=(("commit", "a"), ("url", "u"))),
            fact("Bob", 1),
            fact("Cleo", 2, confidence=0.1),
        ],
        [context({"deep": [1, {"x": None}]})],
    )
    store.save_context(context("two", 1))
    other = open_sqlite(tmp_path / "other.sqlite")
    for _ in range(2):
        other.restore(store.everything())
    assert parts(other.everything()) == parts(store.everything())
    assert recalled(other, "owner") == recalled(store, "owner") == ["Bob"]
    assert other.assert_fact(fact("Dan", 3), expected_version=2).version == 3
    other.close()


def parts(rows: Rows) -> tuple[list[object], ...]:
    return list(rows.episodes), list(rows.facts), list(rows.heads or ()), list(rows.contexts)


def test_what_was_written_is_there_for_the_next_process(opener: Opener) -> None:
    opener().write([episode("kept")], [fact("Ada")], [context("state")])
    again = opener()
    assert [e.content for e in again.recent("/", at(1))] == ["kept"]
    found = again.context("/p", "task", at(1))
    assert found is not None and found.value == "state"


def test_words_that_nearly_every_text_holds_still_find_the_texts_that_hold_all_of_them(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentctx.memory.searching.ORDERED", 5)
    store.append([episode(f"deploy run {n}") for n in range(30)])
    store.append([episode(f"rollback run {n}") for n in range(30)])
    both = episode("deploy then rollback")
    rare = episode("the turbine deploy")
    store.append([both, rare, *(episode(f"rollback of {n}") for n in range(5))])
    window = Window("/", at(1), limit=3)

    def found(query: str) -> list[str]:
        return [hit.item.id for hit in recall(store, query, window)]

    assert found("deploy rollback")[0] == both.id
    assert found("turbine deploy")[0] == rare.id
    assert found("turbine") == [rare.id]
    assert len(found("deploy")) == 3
    assert found("nothing like it") == []


def test_frequent_words_are_counted_once_an_hour_and_new_texts_are_found_all_the_same(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "ORDERED", 5)
    asked: list[int] = []
    count = searching._count

    def counted(session: Session, matches: Sequence[Matching]) -> list[int]:
        asked.append(len(matches))
        return count(session, matches)

    monkeypatch.setattr(searching, "_count", counted)
    store.append([episode(f"deploy run {n}") for n in range(10)])

    def found(query: str, now: str = at(1)) -> list[str]:
        return [hit.item.id for hit in recall(store, query, Window("/", now, limit=20))]

    assert len(found("deploy run")) == len(found("deploy run")) == 10
    assert asked == [2, 0]
    late = [episode("deploy of a turbine"), episode("turbine")]
    store.append(late)
    assert set(found("turbine run")) > {one.id for one in late}
    assert late[0].id in found("deploy turbine")
    assert asked == [2, 0, 1, 1]
    found("deploy run", later(at(1), 3_600))
    assert asked[-1] == 2


def test_an_export_holds_namespaces_with_nothing_in_them_and_the_receipts(
    opener: Opener, tmp_path: Path
) -> None:
    store, other = opener(), open_sqlite(tmp_path / "other.sqlite")
    store.create_namespace("/team/empty", T0, "what it is 'for'")
    store.create_namespace("/team/filled", T0, "filled")
    store.append([episode("x", 0, "/team/filled", subject_id="zeb")])
    receipt = store.erase("zeb", "asked for", at(1))
    lines = list(jsonl.lines(store.everything()))
    for target in (other, store):
        for _ in range(2):
            target.restore(jsonl.parse(lines, "in.jsonl"))
    assert list(other.everything().erasures) == [receipt]
    made = {one.path: one.description for one in other.everything().namespaces}
    assert made == {"/team/empty": "what it is 'for'", "/team/filled": "filled"}
    assert sorted(jsonl.lines(other.everything())) == sorted(lines)
    other.create_namespace("/team/empty", at(2), "mine")
    other.restore(jsonl.parse(lines, "in.jsonl"))
    assert "mine" in [one.description for one in other.everything().namespaces]
    other.close()


def test_a_value_that_held_earlier_than_was_known_is_history(store: Store) -> None:
    for name, year in (("A", 2020), ("B", 2022), ("B", 2021), ("B", 2021)):
        store.assert_fact(fact(name, 0, valid_at=f"{year}-01-01T00:00:00Z"))

    def held(when: str) -> str:
        found = store.fact("/p", "cart", "owner", at(9), AsOf(instant(f"{when}-01T00:00:00Z")))
        return found.value if found else ""

    assert [held(when) for when in ("2020-06", "2021-06", "2022-06")] == ["A", "B", "B"]
    assert [f.value for f in store.history("/p", "cart", "owner")] == ["A", "B", "B"]
    store.assert_fact(fact("B", 1, valid_at="2020-09-01T00:00:00Z"))
    assert [held(when) for when in ("2020-06", "2020-10", "2022-06")] == ["A", "B", "B"]
    now = store.fact("/p", "cart", "owner", at(9))
    assert now is not None and now.valid_at == instant("2022-01-01T00:00:00Z")


def test_a_surer_statement_that_reaches_further_back_takes_over_and_is_history_too(store: Store) -> None:
    store.assert_fact(fact("B", 0, valid_at="2022-01-01T00:00:00Z", confidence=0.5))
    store.assert_fact(fact("B", 1, valid_at="2020-01-01T00:00:00Z"))
    found = store.fact("/p", "cart", "owner", at(9), AsOf(instant("2021-01-01T00:00:00Z")))
    now = store.fact("/p", "cart", "owner", at(9))
    assert found is not None and (found.value, found.invalid_at) == ("B", instant("2022-01-01T00:00:00Z"))
    assert now is not None and (now.confidence, now.valid_at) == (1.0, instant("2022-01-01T00:00:00Z"))


def older(store: Store) -> Rows:
    """What is there now, as an export keeps it."""
    return Rows(*parts_of(store))


def parts_of(store: Store) -> tuple[list[Episode], list[Fact], list[WorkingContext], list[Head]]:
    held = store.everything()
    return list(held.episodes), list(held.facts), list(held.contexts), list(held.heads or ())


@pytest.mark.parametrize("keep_heads", [True, False], ids=["with heads", "without heads"])
def test_an_older_export_does_not_bring_back_what_was_superseded(store: Store, keep_heads: bool) -> None:
    store.write([], [fact("Ada", 0)], [context("first", 0)])
    backup = older(store)
    store.write([], [fact("Bob", 1)], [context("second", 1)])
    before = parts_of(store)
    store.restore(backup if keep_heads else replace(backup, heads=None))
    assert parts_of(store) == before
    assert recalled(store, "owner cart") == ["Bob"]
    store.assert_fact(fact("Cleo", 2))
    assert recalled(store, "owner cart") == ["Cleo"]


def test_a_newer_export_brings_an_older_store_up_to_date(opener: Opener, tmp_path: Path) -> None:
    store, other = opener(), open_sqlite(tmp_path / "other.sqlite")
    store.write([], [fact("Ada", 0)], [context("first", 0)])
    other.restore(older(store))
    for n, name in enumerate(["Bob", "Cleo", "Dan"], 1):
        other.write([], [fact(name, n)], [context(name, n)])
    store.restore(older(other))
    assert parts_of(store) == parts_of(other)
    other.close()


@pytest.mark.parametrize(
    "first_head", [None, 0, 1], ids=["no heads", "head of the first", "head of the second"]
)
def test_two_active_facts_of_one_key_are_one_after_an_import(store: Store, first_head: int | None) -> None:
    told = [fact("Bob", 1), fact("Ada", 0)]
    named = None if first_head is None else [Head("/p", "cart", "owner", told[first_head].id)]
    for _ in range(2):
        store.restore(Rows((), told, (), named))
    assert [(f.value, f.status, f.invalid_at) for f in store.history("/p", "cart", "owner")] == [
        ("Ada", "superseded", at(1)),
        ("Bob", "active", ""),
    ]
    head = store.head("/p", "cart", "owner")
    assert head is not None and head.fact_id == told[0].id
    store.assert_fact(fact("Cleo", 2), expected_version=head.version)
    assert recalled(store, "owner cart") == ["Cleo"]


def test_an_import_settles_its_facts_with_those_that_are_there(store: Store) -> None:
    store.assert_facts([fact("Ada", 2), fact(1, 2, name="sure")])
    store.restore(Rows((), [fact("Bob", 5), fact(2, 5, name="sure", confidence=0.5)]))
    assert [(f.property, f.value) for f in store.facts("/p", at(9))] == [("owner", "Bob"), ("sure", 1)]
    store.restore(Rows((), [fact("Zoe", 1, recorded_at=at(7))]))
    assert [f.value for f in store.history("/p", "cart", "owner")] == ["Zoe", "Ada", "Bob"]
    assert recalled(store, "owner of the cart", episodes=False, limit=1) == ["Bob"]
    assert [c.disputed.value for c in store.contradictions("/", at(9))] == [2]


def test_a_context_that_an_import_changes_gets_a_version_that_nobody_had(store: Store) -> None:
    for n in range(3):
        store.save_context(context(n, n))
    store.restore(Rows((), (), [replace(context("theirs", 9), version=2)]))
    found = store.context("/p", "task", at(10))
    assert found is not None and (found.value, found.version) == ("theirs", 4)
    store.restore(Rows((), (), [replace(context("later", 10), version=9)]))
    found = store.context("/p", "task", at(11))
    assert found is not None and found.version == 9
