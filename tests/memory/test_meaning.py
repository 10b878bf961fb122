"""Recall by meaning, with a scripted embedding model behind a real HTTP server; off unless a model is set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agentctx.errors import AgentctxError
from agentctx.flows import meaning
from agentctx.flows.memories import Memory
from agentctx.llm import settings
from agentctx.llm.settings import EMBEDDINGS, ProviderSettings
from agentctx.memory.base import AsOf, Store
from agentctx.memory.postgres import PostgresDatabase
from agentctx.memory.store import open_postgres, open_sqlite
from agentctx.memory.tenants import Tenants
from bench.scripted_model import Raw, ScriptedModel
from tests.scripted_embeddings import scripted, sent

NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> str:
        return self.now.isoformat()

    def later(self, days: float) -> None:
        self.now += timedelta(days=days)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgres", "policed"])
def memory(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Memory]:
    if request.param == "sqlite":
        store = open_sqlite(tmp_path / "memory.sqlite")
    elif request.param == "postgres":
        store = open_postgres(request.getfixturevalue("empty_database"))
    else:
        store = Tenants(PostgresDatabase(request.getfixturevalue("app_dsn"))).store("ada")
    with Memory(store, clock=clock) as opened:
        yield opened


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def model(home: None) -> Iterator[ScriptedModel]:
    with scripted() as served:
        settings.write(chosen(served), section=EMBEDDINGS)
        yield served


def chosen(model: ScriptedModel) -> ProviderSettings:
    return ProviderSettings("openai-compatible", "hashed", model.url)


def texts(memory: Memory, query: str, **more: object) -> list[str]:
    found = [hit.item for hit in memory.recall(query, **more)]  # type: ignore[arg-type]
    return [getattr(item, "content", "") or getattr(item, "statement", "") for item in found]


def test_without_a_model_nothing_is_asked_and_words_alone_decide(memory: Memory, home: None) -> None:
    memory.remember("the invoices were sent")
    meaning.fill_if_set(lambda: [memory.store], memory.now())
    assert texts(memory, "bill") == []
    assert texts(memory, "invoices") == ["the invoices were sent"]


def test_what_is_near_in_meaning_is_found_without_a_common_word(memory: Memory, model: ScriptedModel) -> None:
    memory.remember("the invoices")
    memory.set_fact("ledger", "cleaning", "purge", statement="erase")
    memory.remember("a cart was rewritten")
    meaning.fill_if_set(lambda: [memory.store], memory.now())
    assert texts(memory, "bill")[0] == "the invoices"
    assert texts(memory, "delete", episodes=False) == ["erase"]
    assert texts(memory, "cart bill")[0] == "a cart was rewritten", "a word counts for more than nearness"


def test_only_what_has_no_vector_is_asked_for(memory: Memory, model: ScriptedModel) -> None:
    for number in range(40):
        memory.remember(f"step {number}")
    done = meaning.fill(memory.store, chosen(model), memory.now())
    assert (done.asked, done.requests) == (40, 2)
    memory.remember("one more")
    assert meaning.fill(memory.store, chosen(model), memory.now()).asked == 1
    assert meaning.fill(memory.store, chosen(model), memory.now()).requests == 0
    assert sent(model).count("one more") == 1


def test_nearness_obeys_both_clocks_expiry_namespaces_and_kinds(
    memory: Memory, model: ScriptedModel, clock: Clock
) -> None:
    memory.set_fact("a", "b", "invoice", namespace="/one")
    memory.remember("invoices", namespace="/two", expires_at=(NOW + timedelta(days=2)).isoformat())
    meaning.fill_if_set(lambda: [memory.store], memory.now())
    then = memory.now()
    assert len(texts(memory, "bill")) == 2
    assert texts(memory, "bill", namespace="/two") == ["invoices"]
    assert texts(memory, "bill", facts=False) == ["invoices"]
    clock.later(3)
    memory.set_fact("a", "b", "parcel", namespace="/one")
    meaning.fill_if_set(lambda: [memory.store], memory.now())
    assert texts(memory, "bill") == ["b of a is parcel"], "nearest there is; the rest is over"
    assert texts(memory, "bill", as_of=AsOf(then)) == ["b of a is invoice"]


def test_a_text_that_goes_takes_its_vectors_with_it(
    memory: Memory, model: ScriptedModel, clock: Clock
) -> None:
    kept = memory.remember("a cart")
    gone = memory.remember("an invoice")
    about = memory.remember("an invoice of ada", subject_id="ada")
    memory.remember("invoices for a day", expires_at=(NOW + timedelta(days=1)).isoformat())
    meaning.fill_if_set(lambda: [memory.store], memory.now())
    memory.forget([gone.id])
    memory.erase("ada", "asked")
    clock.later(2)
    memory.store.sweep(memory.now())
    assert about.id != gone.id
    database = memory.store._database  # type: ignore[attr-defined]
    assert database.read(lambda session: session.rows("SELECT owner_id FROM embeddings")) == [(kept.id,)]


@pytest.mark.parametrize("trouble", ["refused", "another length", "gone"])
def test_words_decide_whatever_happens_to_the_model(
    memory: Memory, model: ScriptedModel, home: None, trouble: str
) -> None:
    memory.remember("the invoices")
    meaning.fill_if_set(lambda: [memory.store], memory.now())
    if trouble == "another length":
        with scripted(16) as other:
            settings.write(chosen(other), section=EMBEDDINGS)
            assert texts(memory, "bill") == []
            assert texts(memory, "invoices") == ["the invoices"]
        return
    if trouble == "gone":
        settings.write(
            ProviderSettings("openai-compatible", "hashed", "http://127.0.0.1:1/v1"), section=EMBEDDINGS
        )
        assert texts(memory, "invoices") == ["the invoices"]
        return
    with ScriptedModel(lambda asked: Raw(500, b"{}")) as broken:
        settings.write(chosen(broken), section=EMBEDDINGS)
        assert texts(memory, "invoices") == ["the invoices"]


def test_no_secret_leaves_for_the_model(memory: Memory, model: ScriptedModel) -> None:
    memory.remember("the key is fine")
    meaning.fill_if_set(lambda: [memory.store], memory.now())
    texts(memory, "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8")
    assert not any("ghp_a1B2" in text for text in sent(model))


def test_tenants_do_not_compare_each_others_texts(app_dsn: str, model: ScriptedModel) -> None:
    tenants = Tenants(PostgresDatabase(app_dsn))
    ada, bob = Memory(tenants.store("ada")), Memory(tenants.store("bob"))
    ada.remember("the invoices")
    meaning.fill_if_set(lambda: [ada.store], ada.now())
    meaning.fill_if_set(lambda: [bob.store], bob.now())
    assert texts(bob, "bill") == []
    assert texts(ada, "bill") == ["the invoices"]
    tenants.close()


def test_a_server_without_an_embedding_model_asks_no_database() -> None:
    def away() -> list[Store]:
        raise AgentctxError("the database is away")

    meaning.fill_if_set(away, NOW.isoformat())
