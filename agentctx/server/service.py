"""What a program may ask of layers two and three: one table for REST and for MCP over HTTP, JSON in and out.

The names are those that prompts written for Stash use, where there is one for the thing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeVar

from agentctx.errors import InvalidInput, NotFound
from agentctx.flows.memories import HOURS, Memory, key_of
from agentctx.memory.base import END_OF_TIME, AsOf, kept_as
from agentctx.memory.canonical import instant, later
from agentctx.memory.rows import EPISODE_KINDS, SOURCE_KINDS, canonical_fact, episode_row
from agentctx.memory.stash import NAMESPACE
from agentctx.model import Episode, Fact, WorkingContext
from agentctx.server.memories import KIND, kinds_of
from agentctx.server.operation import Arguments, checked

BATCH = 1_000
"""Episodes or facts that one request may hold."""
_LIMIT = 1_000

Data = dict[str, Any]
T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Service:
    """One thing that can be asked for; ``scope`` is what a key must allow."""

    name: str
    summary: str
    run: Callable[[Memory, Arguments], Data]
    properties: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    scope: Literal["read", "write", "admin"] = "read"

    @property
    def read_only(self) -> bool:
        """Whether it changes nothing."""
        return self.scope == "read"

    @property
    def removes(self) -> bool:
        """Whether something is gone afterwards."""
        return self.name in ("forget", "erase", "clear_context")


def answer(memory: Memory, name: str, given: Arguments) -> Data:
    """Run one operation. Raises ``InvalidInput`` outside its form, ``NotFound``, ``Conflict``, ``Busy``."""
    service = SERVICES[name]
    return service.run(memory, checked(service, given))


def _within(given: Arguments, name: str, default: int, most: int = _LIMIT) -> int:
    value = given.get(name, default)
    if not 1 <= value <= most:
        raise InvalidInput(f"{name} is {str(value)[:20]}, not between 1 and {most}")
    return int(value)


def _as_of(given: Arguments) -> AsOf | None:
    at, known = given.get("as_of", ""), given.get("known_at", "")
    if not at and not known:
        return None
    return AsOf(instant(at or known), instant(known) if known else END_OF_TIME)


def _shown(item: Episode | Fact | WorkingContext) -> Data:
    """The fields of a value; ``asdict`` would copy everything in them, which costs more than the query."""
    return {name: getattr(item, name) for name in item.__slots__}


def _space(given: Arguments) -> str:
    return str(given.get("namespace", ""))


def _fields(form: type[Any], item: Mapping[str, Any], allowed: tuple[str, ...]) -> Data:
    unknown = [name for name in item if name not in allowed]
    if unknown:
        raise InvalidInput(
            f"a {form.__name__.lower()} has no {unknown[0][:60]!r}", f"it has {', '.join(allowed)}"
        )
    return dict(item)


_EPISODE = ("content", "kind", "actor", "session_id", "turn", "subject_id", "metadata", "occurred_at", "ttl")
_FACT = ("entity", "property", "value", "statement", "confidence", "valid_at", "subject_id", "sources", "ttl")
_PAIRS = f"pairs of kind and reference, as ['episode', ID]; a kind is one of {', '.join(SOURCE_KINDS)}"
_TEXTS = ("content", "kind", "actor", "session_id", "subject_id", "occurred_at", "entity", "property",
          "statement", "valid_at")  # fmt: skip


def _details(memory: Memory, item: Data) -> Data:
    for name in _TEXTS:
        if not isinstance(item.get(name, ""), str):
            raise InvalidInput(f"{name} must be a text")
    for name in ("confidence", "ttl", "turn"):
        value = item.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 2**53:
            raise InvalidInput(f"{name} must be a number")
    if not isinstance(item.get("metadata", {}), dict) or not isinstance(item.get("turn", 0), int):
        raise InvalidInput("metadata must be an object, turn a whole number")
    ttl = item.pop("ttl", None)
    if ttl is not None:
        if ttl <= 0:
            raise InvalidInput("ttl must be seconds above zero")
        item["expires_at"] = later(memory.now(), ttl)
    return item


def _episode(memory: Memory, item: Mapping[str, Any], space: str) -> Episode:
    details = _details(memory, _fields(Episode, item, _EPISODE))
    made = memory.episode(details.pop("content", ""), space, **details)
    episode_row(made, memory.store.tenant)  # told now, while it is known which item it is
    return made


def _fact(memory: Memory, item: Mapping[str, Any], space: str) -> Fact:
    details = _details(memory, _fields(Fact, item, _FACT))
    if not {"entity", "property", "value"} <= details.keys():
        raise InvalidInput("a fact needs entity, property and value")
    details["sources"] = _sources(details.get("sources", ()))
    key = (details.pop("entity"), details.pop("property"), details.pop("value"))
    return canonical_fact(memory.new_fact(*key, space, origin="agent", **details))


def _sources(told: Any) -> tuple[tuple[str, str], ...]:
    """What a fact rests on, from the pairs in which facts are shown."""
    if not isinstance(told, (list, tuple)):
        raise InvalidInput("sources must be a list", _PAIRS)
    for pair in told:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise InvalidInput("a source must be two texts", _PAIRS)
    return tuple((kind, ref) for kind, ref in told)


def remember(memory: Memory, given: Arguments) -> Data:
    """An episode, or a fact when entity, property and value are there."""
    item = {name: value for name, value in given.items() if name not in ("namespace", "text")}
    if "entity" not in item:
        made = _episode(memory, {"content": given["text"], **item}, _space(given))
        memory.store.append([made])
        return {"id": made.id, "kind": "episode"}
    fact = _fact(memory, {"statement": given["text"], **item}, _space(given))
    head = memory.store.assert_fact(fact)
    ident = kept_as(memory.store, fact, head)
    return {"id": ident, "kind": "fact", "head": head.fact_id, "version": head.version}


def write(memory: Memory, given: Arguments) -> Data:
    """Many episodes and facts, all or none."""
    told = (given.get("episodes", []), given.get("facts", []))
    if not 0 < len(told[0]) + len(told[1]) <= BATCH:
        raise InvalidInput(f"a batch holds 1 to {BATCH} episodes and facts")
    episodes = _each("episodes", told[0], lambda item: _episode(memory, item, _space(given)))
    facts = _each("facts", told[1], lambda item: _fact(memory, item, _space(given)))
    heads = memory.store.write(episodes, facts)
    return {
        "episodes": [episode.id for episode in episodes],
        "facts": [
            {"id": kept_as(memory.store, fact, head), "version": head.version}
            for fact, head in zip(facts, heads, strict=True)
        ],
    }


def _each(name: str, items: Sequence[T], made: Callable[[T], U]) -> list[U]:
    """``items`` made into values; an error says which one it was, counted from 0."""
    found = []
    for number, item in enumerate(items):
        try:
            found.append(made(item))
        except InvalidInput as error:
            raise InvalidInput(f"{name}[{number}]: {error.message}", error.hint) from None
    return found


def set_fact(memory: Memory, given: Arguments) -> Data:
    """One fact, with a compare-and-swap when a version is expected."""
    item = {name: value for name, value in given.items() if name not in ("namespace", "expected_version")}
    fact = _fact(memory, item, _space(given))
    head = memory.store.assert_fact(fact, _expected(given))
    return {"id": kept_as(memory.store, fact, head), "head": asdict(head)}


def recall(memory: Memory, given: Arguments) -> Data:
    """What says most about the query."""
    limit, kinds = _within(given, "limit", 5, 200), kinds_of(given)
    found = memory.recall(given["query"], limit, _space(given), as_of=_as_of(given), **kinds)
    return {
        "hits": [
            {"score": round(hit.score, 4), "kind": "fact" if isinstance(hit.item, Fact) else "episode",
             "item": _shown(hit.item)}
            for hit in found
        ]
    }  # fmt: skip


def _query_facts(memory: Memory, given: Arguments) -> Data:
    found = memory.facts(given.get("entity", ""), _space(given), _as_of(given))
    if given.get("property"):
        found = [fact for fact in found if fact.property == key_of(given["property"])]
    return {"facts": [_shown(fact) for fact in found[: _within(given, "limit", 100)]]}


def forget(memory: Memory, given: Arguments) -> Data:
    """Remove by id."""
    if len(given["ids"]) > _LIMIT:
        raise InvalidInput(f"one request forgets at most {_LIMIT} ids")
    return {"counts": memory.forget(given["ids"])}


def _expected(given: Arguments) -> int | None:
    version = given.get("expected_version")
    if version is not None and not 0 <= version < 2**53:
        raise InvalidInput("expected_version is no version", "0 means that nothing is there yet")
    return version


def _get_fact(memory: Memory, given: Arguments) -> Data:
    found = memory.fact(given["entity"], given["property"], _space(given), _as_of(given))
    if found is None:
        raise NotFound("nothing is known about this")
    return {"fact": _shown(found)}


def _erase(memory: Memory, given: Arguments) -> Data:
    return {"receipt": asdict(memory.erase(given["subject_id"], given.get("reason", "asked for")))}


def _state_space(memory: Memory, given: Arguments) -> str:
    """The namespace of a context. That of working memory is reached by its own routes, ids and limits."""
    space = _space(given)
    if memory.inside(space) == NAMESPACE:
        raise InvalidInput(f"the namespace {NAMESPACE} is that of working memory", "choose another")
    return space


def _set_context(memory: Memory, given: Arguments) -> Data:
    saved = memory.set_context(
        given.get("key", "task"), given["value"], given.get("hours", HOURS), _state_space(memory, given),
        _expected(given), given.get("session_id", ""),
    )  # fmt: skip
    return {"context": _shown(saved)}


def _get_context(memory: Memory, given: Arguments) -> Data:
    space = _state_space(memory, given)
    found = memory.context(given.get("key", "task"), space, given.get("session_id", ""))
    if found is None:
        raise NotFound("there is no such context (any more)")
    return {"context": _shown(found)}


def _contradictions(memory: Memory, given: Arguments) -> Data:
    return {"contradictions": [asdict(pair) for pair in memory.contradictions(_space(given))]}


def _resolve(memory: Memory, given: Arguments) -> Data:
    head = memory.resolve(given["id"], given["keep"])
    return {"head": asdict(head) if head else None}


def _described(property_type: str, description: str, **more: Any) -> Data:
    return {"type": property_type, "description": description, **more}


_TEXT: Data = {"type": "string"}
_NUMBER: Data = {"type": "number"}
_WHOLE: Data = {"type": "integer"}
_SPACED = {"namespace": _described("string", "slash path; reads cover what is below")}
_LIMITED = {"limit": _described("integer", f"1 to {_LIMIT}")}
_TIMED = {
    "as_of": _described("string", "what was true then, ISO 8601"),
    "known_at": _described("string", "as far as it was known then"),
}
_KEYED = {"entity": _TEXT, "property": _TEXT}
_ABOUT_FACT = {
    **_KEYED, "value": {"description": "any JSON"}, "statement": _TEXT, "confidence": _NUMBER,
    "valid_at": _TEXT, "subject_id": _TEXT, "ttl": _described("number", "seconds to live"),
    "sources": _described("array", _PAIRS, items={"type": "array", "items": _TEXT}),
}  # fmt: skip
_ABOUT_EPISODE = {
    "kind": {"type": "string", "enum": list(EPISODE_KINDS)}, "actor": _TEXT, "session_id": _TEXT,
    "turn": _WHOLE, "subject_id": _TEXT, "metadata": {"type": "object"}, "occurred_at": _TEXT,
    "ttl": _described("number", "seconds to live"),
}  # fmt: skip
_VERSIONED = {"expected_version": _described("integer", "only if the key has it; 0: nothing there yet")}

_ALL = (
    Service(
        "remember", "Keep an episode, or with entity, property and value a fact in place of an older one.",
        remember, {"text": _TEXT, **_SPACED, **_ABOUT_EPISODE, **_ABOUT_FACT}, ("text",), "write",
    ),
    Service(
        "write", "Keep many episodes and facts at once, all or none.", write,
        {**_SPACED,
         "episodes": _described("array", f"each with {', '.join(_EPISODE)}", items={"type": "object"}),
         "facts": _described("array", f"each with {', '.join(_FACT)}", items={"type": "object"})},
        (), "write",
    ),
    Service("recall", "The facts and episodes that say most about a query, best first.", recall,
            {"query": _TEXT, "limit": _described("integer", "1 to 200"), **KIND, **_SPACED, **_TIMED},
            ("query",)),
    Service("forget", "Remove episodes and facts for good.", forget,
            {"ids": _described("array", "what remember and recall named", items=_TEXT)}, ("ids",), "write"),
    Service("erase", "Remove everything about a subject; the receipt stays.", _erase,
            {"subject_id": _TEXT, "reason": _TEXT}, ("subject_id",), "admin"),
    Service("recent_episodes", "The newest episodes, newest first.",
            lambda m, given: {"episodes": [_shown(e) for e in m.episodes(
                _within(given, "limit", 10), given.get("session_id", ""), _space(given))]},
            {**_LIMITED, "session_id": _TEXT, **_SPACED}),
    Service("set_fact", "Say what holds now.", set_fact, {**_ABOUT_FACT, **_SPACED, **_VERSIONED},
            ("entity", "property", "value"), "write"),
    Service("get_fact", "The one value of a key.", _get_fact, {**_KEYED, **_SPACED, **_TIMED},
            ("entity", "property")),
    Service("query_facts", "What holds of all keys, or of those of one entity or property.", _query_facts,
            {**_KEYED, **_SPACED, **_TIMED, **_LIMITED}),
    Service("fact_history", "Every value a key ever had, oldest first.",
            lambda m, given: {"facts": [_shown(f) for f in m.history(
                given["entity"], given["property"], _space(given))]},
            {**_KEYED, **_SPACED}, ("entity", "property")),
    Service("list_contradictions", "Disputed facts beside what holds now.", _contradictions, _SPACED),
    Service("resolve_contradiction", "Decide about a disputed fact.", _resolve,
            {"id": _TEXT, "keep": {"type": "boolean"}}, ("id", "keep"), "write"),
    Service("set_context", "Save the state of a task.", _set_context,
            {"key": _described("string", "`task`"), "value": {"description": "any JSON"}, "hours": _NUMBER,
             "session_id": _TEXT, **_SPACED, **_VERSIONED}, ("value",), "write"),
    Service("get_context", "The state of a task, while it lives.", _get_context,
            {"key": _TEXT, "session_id": _TEXT, **_SPACED}),
    Service("clear_context", "Remove the state of a task.",
            lambda m, given: {"cleared": m.clear_context(
                given.get("key", "task"), _state_space(m, given), given.get("session_id", ""))},
            {"key": _TEXT, "session_id": _TEXT, **_SPACED}, (), "write"),
    Service("list_namespaces", "The namespaces that exist.",
            lambda m, given: {"namespaces": m.store.namespaces(m.inside(_space(given)))}, _SPACED),
    Service("create_namespace", "Make a namespace; harmless when it exists.",
            lambda m, given: {"namespace": m.create_namespace(_space(given), given.get("description", ""))},
            {**_SPACED, "description": _TEXT}, ("namespace",), "write"),
)  # fmt: skip
SERVICES: dict[str, Service] = {service.name: service for service in _ALL}
