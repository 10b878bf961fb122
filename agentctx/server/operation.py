"""The form of one thing that an agent may ask for, and the check of what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from agentctx.errors import InvalidInput
from agentctx.text import did_you_mean

if TYPE_CHECKING:
    from agentctx.project import Project

Arguments = Mapping[str, Any]
INPUT_LIMIT = 100_000
"""Characters of one text that is given."""

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "array": list,
    "object": dict,
    "number": (int, float),
}


_WORDS = {
    "string": "a text", "integer": "a whole number", "boolean": "true or false", "array": "a list",
    "object": "an object", "number": "a number",
}  # fmt: skip


class Form(Protocol):
    """What arguments are checked against."""

    @property
    def name(self) -> str: ...
    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]: ...
    @property
    def required(self) -> tuple[str, ...]: ...


def schema_of(form: Form) -> dict[str, Any]:
    """JSON Schema of the arguments."""
    schema: dict[str, Any] = {"type": "object", "properties": dict(form.properties)}
    if form.required:
        schema["required"] = list(form.required)
    return {**schema, "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked for, with the form of its arguments (JSON Schema properties)."""

    name: str
    summary: str
    run: Callable[[Project, Arguments], str]
    properties: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    read_only: bool = True
    removes: ClassVar[bool] = False

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the arguments."""
        return schema_of(self)


def checked(operation: Form, arguments: Arguments) -> Arguments:
    """The arguments, or ``InvalidInput`` that says what to give instead."""
    for name, value in arguments.items():
        if name not in operation.properties:
            near = did_you_mean(name, operation.properties)
            known = ", ".join(operation.properties) or "none"
            hint = f"did you mean {near!r}?" if near else f"it knows: {known}"
            raise InvalidInput(f"{operation.name} has no argument {name[:60]!r}", hint)
        _check_value(f"{operation.name}: {name}", value, operation.properties[name])
    for name in operation.required:
        if name not in arguments:
            raise InvalidInput(f"{operation.name} needs {name!r}", _wanted(operation.properties[name]))
    return arguments


def _wanted(form: Mapping[str, Any]) -> str:
    kind, words = _WORDS.get(str(form.get("type", "")), ""), str(form.get("description", ""))
    return f"it is {kind}: {words}" if kind and words else f"it is {kind or words or 'any JSON'}"


def _check_value(what: str, value: Any, form: Mapping[str, Any]) -> None:
    wanted = str(form.get("type", ""))
    kind = _TYPES.get(wanted)
    if kind is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise InvalidInput(f"{what} must be of type {wanted}")
    if isinstance(value, str) and len(value) > INPUT_LIMIT:
        raise InvalidInput(f"{what} is longer than {INPUT_LIMIT} characters")
    items = str(form.get("items", {}).get("type", "string"))
    if isinstance(value, list) and not all(isinstance(item, _TYPES[items]) for item in value):
        if items != "string":
            raise InvalidInput(f"{what} must hold values of type {items} only")
        raise InvalidInput(f"{what} must hold texts only")
    if "enum" in form and value not in form["enum"]:
        raise InvalidInput(f"{what} cannot be {value!r}", f"one of: {', '.join(form['enum'])}")
