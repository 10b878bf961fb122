"""The OpenAPI page: what one server offers, what it is asked with and what it answers."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

from agentctx import __version__
from agentctx.memory.base import Contradiction, Erasure
from agentctx.memory.rows import Head
from agentctx.model import Episode, Fact, WorkingContext
from agentctx.server.operation import Operation, schema_of
from agentctx.server.service import Service

PREFIX = "/v1/"
Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer"}
_FLAG: Schema = {"type": "boolean"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_ANY: Schema = {"description": "any JSON"}
_SECONDS: Schema = {"type": "integer", "minimum": 1, "description": "seconds"}
_SHOWN = (Episode, Fact, WorkingContext, Head, Contradiction, Erasure)


def page(operations: Mapping[str, Service | Operation], working_memory: bool) -> Schema:
    """The OpenAPI 3.1 description of ``operations`` and, where it is served, of working memory."""
    paths: Schema = {PREFIX + name: _operation(name, operation) for name, operation in operations.items()}
    if working_memory:
        paths |= _WORKING_MEMORY
    shown = {kind.__name__: _schema_of_class(kind) for kind in _SHOWN} if operations else {}
    return {
        "openapi": "3.1.0",
        "info": {"title": "agentctx", "version": __version__},
        "paths": paths,
        "security": [{"key": []}],
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-KEY"}},
            "schemas": {"Error": _object(error=_TEXT), **shown},
        },
    }


def _operation(name: str, operation: Service | Operation) -> Schema:
    about = {"summary": operation.summary, "responses": _responses(_answer(name, operation))}
    found: Schema = {"post": {**about, "operationId": name, "requestBody": _body(schema_of(operation))}}
    if operation.read_only:
        parameters = [
            {"name": key, "in": "query", "required": key in operation.required, "schema": dict(schema)}
            for key, schema in operation.properties.items()
        ]
        found["get"] = {**about, "operationId": f"get_{name}", "parameters": parameters}
    return found


def _answer(name: str, operation: Service | Operation) -> Schema:
    return ANSWERS[name] if isinstance(operation, Service) else _object(text=_TEXT)


def _object(optional: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _many(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _one(kind: type[Any]) -> Schema:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def _body(schema: Schema) -> Schema:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


_WORDS = {
    "400": "the request cannot be used", "401": "no key, or none that is known",
    "403": "the key does not allow it",
    "404": "nothing is there", "405": "another method", "408": "the body came too slowly",
    "409": "another writer was first", "413": "the body is too large", "415": "the body is not JSON",
    "421": "another host name", "429": "too many requests; see Retry-After",
    "503": "try again; see Retry-After",
}  # fmt: skip


def _responses(answer: Schema) -> Schema:
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    return {
        "200": {"description": "done", "content": {"application/json": {"schema": answer}}},
        **{status: {"description": words, **error} for status, words in _WORDS.items()},
    }


_COUNTS: Schema = {"type": "object", "additionalProperties": _WHOLE}
_KEPT = _object(id=_TEXT, version=_WHOLE)
_HIT = _object(
    score={"type": "number"},
    kind={"enum": ["fact", "episode"]},
    item={"anyOf": [_one(Fact), _one(Episode)]},
)
ANSWERS: dict[str, Schema] = {
    "remember": _object(
        ("head", "version"), id=_TEXT, kind={"enum": ["fact", "episode"]}, head=_TEXT, version=_WHOLE
    ),
    "write": _object(episodes=_many(_TEXT), facts=_many(_KEPT)),
    "recall": _object(hits=_many(_HIT)),
    "forget": _object(counts=_COUNTS),
    "erase": _object(receipt=_one(Erasure)),
    "recent_episodes": _object(episodes=_many(_one(Episode))),
    "set_fact": _object(id=_TEXT, head=_one(Head)),
    "get_fact": _object(fact=_one(Fact)),
    "query_facts": _object(facts=_many(_one(Fact))),
    "fact_history": _object(facts=_many(_one(Fact))),
    "list_contradictions": _object(contradictions=_many(_one(Contradiction))),
    "resolve_contradiction": _object(head={"anyOf": [_one(Head), {"type": "null"}]}),
    "set_context": _object(context=_one(WorkingContext)),
    "get_context": _object(context=_one(WorkingContext)),
    "clear_context": _object(cleared=_FLAG),
    "list_namespaces": _object(namespaces=_many(_TEXT)),
    "create_namespace": _object(namespace=_TEXT),
}
"""What each operation on memory answers."""


def _route(method: str, name: str, summary: str, answer: Schema, body: Schema | None = None) -> Schema:
    form: Schema = {"summary": summary, "operationId": name, "responses": _responses(answer)}
    if body:
        form["requestBody"] = _body(body)
    if name != "stash":
        form["parameters"] = [{"name": "memory_id", "in": "path", "required": True, "schema": _TEXT}]
    return {method: form}


_WORKING_MEMORY: Schema = {
    "/stash": _route(
        "post", "stash", "Keep any JSON for some seconds.",
        _object(memory_id=_TEXT, ttl=_WHOLE, expires_at=_TIME), _object(("ttl",), data=_ANY, ttl=_SECONDS),
    ),
    "/recall/{memory_id}": _route(
        "get", "recall_memory", "What is kept under an id.",
        _object(memory_id=_TEXT, data=_ANY, ttl_remaining=_WHOLE),
    ),
    "/update/{memory_id}": _route(
        "patch", "update_memory", "Replace the data, add to the time that remains, or both.",
        _object(memory_id=_TEXT, ttl_remaining=_WHOLE, expires_at=_TIME),
        {**_object(("data", "extra_seconds"), data=_ANY, extra_seconds=_SECONDS), "minProperties": 1},
    ),
    "/forget/{memory_id}": _route(
        "delete", "forget_memory", "Remove it.", _object(memory_id=_TEXT, forgotten=_FLAG)
    ),
}  # fmt: skip


# --------------------------------------------------------------------------- values as schemas

_PLAIN: dict[Any, Schema] = {
    str: _TEXT, int: _WHOLE, float: {"type": "number"}, bool: _FLAG, Any: {}, NoneType: {"type": "null"},
}  # fmt: skip


def _schema_of_class(kind: type[Any]) -> Schema:
    """A dataclass as its fields are shown."""
    types = typing.get_type_hints(kind)
    return _object(**{field.name: _schema_of_type(types[field.name]) for field in fields(kind)})


def _schema_of_type(kind: Any) -> Schema:
    origin, inside = get_origin(kind), get_args(kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind in _SHOWN:
        return _one(kind)
    if origin is Literal:
        return {"enum": list(inside)}
    if origin in (UnionType, typing.Union):
        return {"anyOf": [_schema_of_type(one) for one in inside]}
    if origin is tuple:
        return _many(_schema_of_type(inside[0]))
    return {"type": "object", "additionalProperties": _schema_of_type(inside[1])}
