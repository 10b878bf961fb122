"""Rows as JSON lines (values, heads, namespaces, what was removed, receipts): lossless, and checked whole
before use.

Each line is one object; ``type`` says which value it is and the other keys are the fields of the value in
``model``. Fields that have their default may be left out.
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import islice
from typing import Any, get_type_hints

from agentctx.errors import AgentctxError, InvalidInput
from agentctx.memory.batches import Rows
from agentctx.memory.canonical import json_text, namespace_path, plain
from agentctx.memory.rows import (
    DEFAULT_TENANT,
    Erasure,
    Head,
    Namespace,
    Removal,
    canonical_fact,
    context_row,
    episode_row,
    erasure_row,
    head_row,
    namespace_row,
    removal_row,
    source_rows,
)
from agentctx.model import Episode, Fact, WorkingContext

_TYPES: dict[str, type[Any]] = {
    "namespace": Namespace,
    "erasure": Erasure,
    "removal": Removal,
    "episode": Episode,
    "fact": Fact,
    "head": Head,
    "context": WorkingContext,
}
_HINTS = {made: get_type_hints(made) for made in _TYPES.values()}
"""Worked out once: it costs more than all the rest of a line."""
_CHECKS: dict[str, Callable[[Any], object]] = {
    "namespace": lambda value: namespace_row(DEFAULT_TENANT, value.path, value.created_at),
    "erasure": lambda value: erasure_row(value, DEFAULT_TENANT),
    "removal": lambda value: removal_row(value, DEFAULT_TENANT),
    "episode": lambda value: episode_row(value, DEFAULT_TENANT),
    "fact": lambda value: (canonical_fact(value), source_rows(value)),
    "head": lambda value: head_row(value, DEFAULT_TENANT),
    "context": lambda value: context_row(value, DEFAULT_TENANT),
}


def lines(rows: Rows) -> Iterator[str]:
    """Every value of ``rows`` as a line, in the order in which a load needs them."""
    yield from (_line("namespace", namespace) for namespace in rows.namespaces)
    yield from (_line("erasure", receipt) for receipt in rows.erasures)
    yield from (_line("removal", removal) for removal in rows.removals)
    yield from (_line("episode", episode) for episode in rows.episodes)
    yield from (_line("fact", fact) for fact in rows.facts)
    yield from (_line("head", head) for head in rows.heads or ())
    yield from (_line("context", context) for context in rows.contexts)


def _line(kind: str, value: Any) -> str:
    fields: dict[str, Any] = {"type": kind}
    for field in dataclasses.fields(value):
        content = getattr(value, field.name)
        if content != _default(field):
            fields[field.name] = dict(content) if field.name == "metadata" else content
    return json.dumps(fields, ensure_ascii=True, separators=(",", ":")) + "\n"


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def parse(source: Iterable[str], name: str) -> Rows:
    """The values of all lines; blank lines are skipped.

    All lines are checked now, and read again while the rows are used: memory holds a few of them at a time,
    when ``source`` begins anew each time it is iterated. A head must name a fact that has a line too. Of
    equal lines one counts; an id with two texts or values is a mistake. Raises ``InvalidInput`` that names
    ``name`` and the line of the first mistake; nothing is used then.
    """
    again = list(source) if iter(source) is source else source
    spans: dict[str, tuple[int, int]] = {}
    facts: set[int] = set()
    seen, repeated = set[int](), set[uuid.UUID]()
    heads: dict[int, int] = {}
    number = 0
    try:
        for number, line in enumerate(again, 1):
            if line.strip():
                kind, value = _value(line, f"{name}, line {number}")
                _check(kind, value, f"{name}, line {number}")
                if isinstance(value, Fact):
                    facts.add(_identity(value, value.id))
                elif isinstance(value, Head):
                    heads.setdefault(_identity(value, value.fact_id), number)
                if isinstance(value, Episode | Fact):
                    ident = uuid.UUID(value.id)
                    if hash(ident) in seen:
                        repeated.add(ident)
                    seen.add(hash(ident))
                spans[kind] = (spans.get(kind, (number, 0))[0], number)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name}, after line {number}: not UTF-8: {error.reason}") from None
    lost = [line for identity, line in heads.items() if identity not in facts]
    if lost:
        raise InvalidInput(
            f"{name}, line {min(lost)}: the head names a fact of its key that has no line",
            "keep the fact and head lines of an export together",
        )

    if repeated:
        _refuse_others(again, repeated, name)

    def those(kind: str) -> Iterator[Any]:
        first, last = spans.get(kind, (1, 0))
        known: set[int] = set()
        for at, line in enumerate(islice(again, first - 1, last), first):
            if line.strip():
                found, value = _value(line, f"{name}, line {at}")
                twice = repeated and isinstance(value, Episode | Fact) and _known(value, repeated, known)
                if found == kind and not twice:
                    yield value

    heads_there = those("head") if "head" in spans else None
    return Rows(
        those("episode"), those("fact"), those("context"), heads_there, those("removal"),
        those("namespace"), those("erasure"),
    )  # fmt: skip


def _identity(key: Fact | Head, fact_id: str) -> int:
    """A fact and its key as one small number, for millions of them are held at once."""
    return hash((namespace_path(key.namespace), plain(key.entity), plain(key.property), uuid.UUID(fact_id)))


def _known(value: Episode | Fact, repeated: set[uuid.UUID], known: set[int]) -> bool:
    """Whether an equal value of an id that is ``repeated`` was met before."""
    if uuid.UUID(value.id) not in repeated:
        return False
    said = hash(repr(value))
    met = said in known
    known.add(said)
    return met


def _refuse_others(lines: Iterable[str], repeated: set[uuid.UUID], name: str) -> None:
    """Raise ``InvalidInput`` for the first line that gives another text or value to an id."""
    first: dict[uuid.UUID, tuple[int, Hashable]] = {}
    for number, line in enumerate(lines, 1):
        _, value = _value(line, f"{name}, line {number}") if line.strip() else ("", None)
        if isinstance(value, Episode | Fact) and uuid.UUID(value.id) in repeated:
            said = _said(value)
            at, before = first.setdefault(uuid.UUID(value.id), (number, said))
            if before != said:
                raise InvalidInput(
                    f"{name}, line {number}: line {at} gives the same id to something else",
                    "take one of the two out of the file",
                )


def _said(value: Episode | Fact) -> Hashable:
    """What never changes; how a fact ended may be newer in one of two lines."""
    if isinstance(value, Episode):
        return value.content
    return namespace_path(value.namespace), value.entity, value.property, json_text(value.value)


def _value(line: str, where: str) -> tuple[str, Any]:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{where}: not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise InvalidInput(f"{where}: a line must hold a JSON object")
    kind = fields.pop("type", None)
    if kind not in _TYPES:
        raise InvalidInput(f"{where}: the type {kind!r} is unknown", f"use one of {', '.join(_TYPES)}")
    try:
        return kind, _TYPES[kind](**_checked(_TYPES[kind], fields))
    except AgentctxError as error:
        raise InvalidInput(f"{where}: {error.message}", error.hint) from None


def _check(kind: str, value: Any, where: str) -> None:
    try:
        _CHECKS[kind](value)
    except AgentctxError as error:
        raise InvalidInput(f"{where}: {error.message}", error.hint) from None


def _checked(made: type[Any], fields: dict[str, Any]) -> dict[str, Any]:
    known = {field.name: field for field in dataclasses.fields(made)}
    for name in fields:
        if name not in known:
            raise InvalidInput(f"there is no field {name!r}", f"the fields are {', '.join(known)}")
    hints = _HINTS[made]
    for name, field in known.items():
        if name in fields:
            fields[name] = _typed(name, fields[name], hints[name])
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InvalidInput(f"the field {name!r} is missing")
    return fields


def _typed(name: str, value: Any, hint: Any) -> Any:
    if name == "sources":
        return _sources(value)
    if name == "value" or (name == "turn" and value is None):
        return value
    wanted: tuple[type, ...] = (str,)
    if name in ("metadata", "counts"):
        wanted = (dict,)
    elif hint in (int, float) or name == "turn":
        wanted = (int, float) if hint is float else (int,)
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise InvalidInput(f"the field {name!r} must be a {' or '.join(t.__name__ for t in wanted)}")
    return value


def _sources(value: Any) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for pair in value if isinstance(value, list) else [value]:
        match pair:
            case [str(kind), str(ref)]:
                found.append((kind, ref))
            case _:
                raise InvalidInput("the field 'sources' must be a list of [kind, reference] pairs")
    return tuple(found)
