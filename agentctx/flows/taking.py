"""What is taken in: without what looks like a secret, and in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from agentctx.errors import InvalidInput

if TYPE_CHECKING:
    from agentctx.memory.batches import Rows

T = TypeVar("T")
_TEXTS = (
    "content",
    "actor",
    "session_id",
    "subject_id",
    "entity",
    "property",
    "statement",
    "extractor",
    "key",
    "path",
    "description",
    "reason",
)
DEEPEST = 100
"""Lists and objects inside each other in one value; every reader can follow that many."""
_VALUES = ("value", "metadata")


def plain(text: str) -> str:
    """``text`` as every store holds it, so that what was saved is found under the same name."""
    from agentctx.memory.canonical import plain as held

    return held(text)


def clean(text: str) -> str:
    """``text`` without what looks like a secret. Raises ``Unscanned``."""
    from agentctx.hygiene import redact

    return redact(text).text


def clean_value(value: Any, level: int = 0) -> Any:
    """JSON without what looks like a secret: texts and keys are cleaned one by one, and no value is lost.

    Raises ``InvalidInput`` for more than ``DEEPEST`` lists and objects inside each other.
    """
    if isinstance(value, str):
        return clean(value)
    if level > DEEPEST:
        raise InvalidInput(
            "the JSON value is nested too deeply", f"at most {DEEPEST} lists and objects inside each other"
        )
    if isinstance(value, Mapping):
        made: dict[str, Any] = {}
        for key, item in value.items():
            made[_free(clean(str(key)), made)] = clean_value(item, level + 1)
        return made
    if isinstance(value, Sequence):
        return [clean_value(item, level + 1) for item in value]
    return value


def _free(key: str, taken: Mapping[str, Any]) -> str:
    """``key``, numbered when another one has become the same."""
    found, number = key, 1
    while found in taken:
        number += 1
        found = f"{key} ({number})"
    return found


def named(text: str, what: str) -> str:
    """``text`` that names something; a secret is refused, since without it two names could become one."""
    if clean(text) != text:
        raise InvalidInput(
            f"the {what} looks like a secret, and would be kept as it is", f"give a {what} that opens nothing"
        )
    return text


def cleaned(rows: Rows) -> Rows:
    """``rows`` without what looks like a secret."""
    return replace(
        rows,
        episodes=_each(rows.episodes),
        facts=_each(rows.facts),
        contexts=_each(rows.contexts),
        heads=None if rows.heads is None else _each(rows.heads),
        removals=_each(rows.removals),
        namespaces=_each(rows.namespaces),
        erasures=_each(rows.erasures),
    )


def _each(items: Iterable[T]) -> Iterator[T]:
    for item in items:
        names = getattr(item, "__slots__", ())
        said = {name: getattr(item, name) for name in (*_TEXTS, *_VALUES) if name in names}
        changed = {
            name: found
            for name, value in said.items()
            if value and (found := clean(value) if name in _TEXTS else clean_value(value)) != value
        }
        yield replace(item, **changed) if changed else item  # type: ignore[type-var]


def moved(rows: Rows, place: Callable[[str], str]) -> Rows:
    """``rows`` with other namespaces."""
    heads = rows.heads
    return replace(
        rows,
        episodes=(replace(episode, namespace=place(episode.namespace)) for episode in rows.episodes),
        facts=(replace(fact, namespace=place(fact.namespace)) for fact in rows.facts),
        contexts=(replace(context, namespace=place(context.namespace)) for context in rows.contexts),
        removals=(replace(removal, namespace=place(removal.namespace)) for removal in rows.removals),
        namespaces=(replace(one, path=place(one.path)) for one in rows.namespaces),
        heads=None if heads is None else [replace(one, namespace=place(one.namespace)) for one in heads],
        mirror=place(rows.mirror) if rows.mirror else "",
    )
