"""What a model may answer, and nothing else: a fixed set of operations on notes. There is no delete.

``answer_schema`` is the form that is asked for, ``parse_answer`` the gate that every answer passes whether
or not the provider kept to the form, and ``apply_operations`` the only way from an operation to bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from agentctx.errors import InvalidInput
from agentctx.hygiene import redact
from agentctx.model import Operation, OperationName, Refusal
from agentctx.notes import document
from agentctx.text import strip_hidden

OPERATIONS_LIMIT = 20
"""Operations on one note in one answer."""
TEXT_LIMIT = 20_000
"""Characters of one new text."""
LINE_LIMIT = 200
"""Characters of a title, a heading or a tag."""
WHY_LIMIT = 1_000

NEW_KINDS = ("decision", "pattern", "gotcha")
STATUSES = ("superseded", "archived")


@dataclass(frozen=True, slots=True)
class NoteAnswer:
    """What the model says about one note: its operations, or why they were not taken. One bad operation
    takes the others of the same note with it, since half an edit can say the opposite of the whole."""

    note_id: str
    why: str
    operations: tuple[Operation, ...] = ()
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """The answer for each note that was asked about, and what was wrong with the answer as a whole."""

    notes: tuple[NoteAnswer, ...] = ()
    refusals: tuple[Refusal, ...] = ()


# --------------------------------------------------------------------------- the form

_TEXT = {"type": "string"}
_NUMBER = {"type": "integer"}
_LIST = {"type": "array", "items": _TEXT}
_NUMBERS = {"type": "array", "items": _NUMBER}

_FORMS: dict[str, dict[str, dict[str, Any]]] = {
    "keep": {"why": _TEXT},
    "replace_text": {"old": _TEXT, "new": _TEXT},
    "replace_section": {"heading": _TEXT, "text": _TEXT},
    "append_section": {"heading": _TEXT, "text": _TEXT},
    "retitle": {"title": _TEXT},
    "retag": {"tags": _LIST},
    "set_status": {"status": {"type": "string", "enum": list(STATUSES)}, "by": _TEXT, "why": _TEXT},
    "anchor": {"candidate": _NUMBER},
    "new_note": {
        "kind": {"type": "string", "enum": list(NEW_KINDS)},
        "title": _TEXT,
        "text": _TEXT,
        "candidates": _NUMBERS,
    },
}


def answer_schema(note_ids: Sequence[str]) -> dict[str, Any]:
    """JSON Schema of an answer about these notes, within what every provider's constrained decoding knows."""
    forms = [_object({"op": {"type": "string", "enum": [op]}, **form}) for op, form in _FORMS.items()]
    operations = {"type": "array", "items": {"anyOf": forms}}
    note = {"type": "string", "enum": list(note_ids)}
    answer = _object({"note": note, "why": _TEXT, "operations": operations})
    return _object({"answers": {"type": "array", "items": answer}})


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    required = list(properties)
    return {
        "type": "object",
        "properties": dict(properties),
        "required": required,
        "additionalProperties": False,
    }


# --------------------------------------------------------------------------- the gate


def parse_answer(data: Any, offers: Mapping[str, Sequence[str]]) -> ParsedAnswer:
    """Operations out of a model's JSON.

    ``offers`` maps each note id that was asked about to the anchors offered for it; an operation names
    one by its number, and carries the anchor itself afterwards. Never raises: what is outside the form
    comes back as a ``Refusal`` with its reason.
    """
    if isinstance(data, dict) and set(data) == {"operations"} and len(offers) == 1:
        # Small models leave the wrapping out when there is only one note to speak of.
        data = {"answers": [{"note": next(iter(offers)), "why": "", "operations": data["operations"]}]}
    answers = data.get("answers") if isinstance(data, dict) else None
    if not isinstance(answers, list):
        return ParsedAnswer(refusals=(_outside("the answer is not an object with a list `answers`"),))
    notes: dict[str, NoteAnswer] = {}
    refusals: list[Refusal] = []
    for answer in answers:
        note_id = answer.get("note") if isinstance(answer, dict) else None
        if not isinstance(note_id, str) or note_id not in offers:
            refusals.append(_outside("the answer speaks of a note that it was not asked about"))
        elif note_id in notes:
            refusals.append(_outside(f"the answer speaks of {note_id} twice"))
            notes[note_id] = NoteAnswer(note_id, "", refusals=(_outside("the note is answered twice"),))
        else:
            notes[note_id] = _note_answer(note_id, answer, offers[note_id])
    return ParsedAnswer(tuple(notes.values()), tuple(refusals))


def _note_answer(note_id: str, answer: Mapping[str, Any], offered: Sequence[str]) -> NoteAnswer:
    why = answer.get("why", "")
    why = _clean(why)[:WHY_LIMIT] if isinstance(why, str) else ""
    raw = answer.get("operations")
    extra = set(answer) - {"note", "why", "operations"}
    if extra:
        return NoteAnswer(note_id, why, refusals=(_outside(f"unknown fields beside it: {_names(extra)}"),))
    if not isinstance(raw, list) or len(raw) > OPERATIONS_LIMIT:
        reason = f"`operations` is not a list of at most {OPERATIONS_LIMIT}"
        return NoteAnswer(note_id, why, refusals=(_outside(reason),))
    parsed = [_operation(item, offered) for item in raw]
    refusals = [result for result in parsed if isinstance(result, Refusal)]
    operations = [result for result in parsed if isinstance(result, Operation)]
    names = {operation.name for operation in operations}
    if "keep" in names and names - {"keep", "new_note"}:
        refusals.append(_outside("the answer keeps the note and changes it at the same time"))
    return NoteAnswer(note_id, why, () if refusals else tuple(operations), tuple(refusals))


def _operation(item: Any, offered: Sequence[str]) -> Operation | Refusal:
    if not isinstance(item, dict) or not isinstance(item.get("op"), str):
        return _outside("an operation is not an object with `op`")
    name = item["op"]
    form = _FORMS.get(name)
    if form is None:
        return _outside(f"there is no operation {name[:40]!r}")
    given = {key: value for key, value in item.items() if key != "op"}
    if set(given) != set(form):
        odd = _names(set(given) ^ set(form))
        return _outside(f"{name} has other fields than its own: {odd}")
    for key, value in given.items():
        wrong = _wrong(key, value, form[key])
        if wrong:
            return _outside(f"{name}.{key} {wrong}")
    return _resolved(cast("OperationName", name), given, offered)


def _wrong(key: str, value: Any, form: Mapping[str, Any]) -> str:
    """What is wrong with one argument, in words; empty when nothing is."""
    if form["type"] == "integer":
        return "" if type(value) is int else "is not a whole number"
    if form["type"] == "array":
        if not isinstance(value, list) or len(value) > OPERATIONS_LIMIT:
            return f"is not a list of at most {OPERATIONS_LIMIT}"
        return next(filter(None, (_wrong("item", item, form["items"]) for item in value)), "")
    if not isinstance(value, str):
        return "is not a text"
    if "enum" in form and value not in form["enum"]:
        return f"is none of {', '.join(form['enum'])}"
    limit = TEXT_LIMIT if key in ("old", "new", "text") else WHY_LIMIT if key == "why" else LINE_LIMIT
    if len(value) > limit:
        return f"is longer than {limit} characters"
    if any("\ud800" <= c <= "\udfff" for c in value) and key != "why":
        return "holds half a character"
    if limit == LINE_LIMIT and any(c in value for c in "\n\r\x0b\x0c\x85\u2028\u2029"):
        return "is not one line"
    empty = key in ("old", "title", "item") or (key == "text")
    return "is empty" if empty and not value.strip() else ""


def _resolved(name: OperationName, given: dict[str, Any], offered: Sequence[str]) -> Operation | Refusal:
    """Numbers of candidates become the anchors that were offered under them (counted from 1)."""
    if "why" in given:
        given["why"] = _clean(given["why"])
    if name == "anchor":
        numbers = [given["candidate"]]
    elif name == "new_note":
        numbers = given.pop("candidates")
    else:
        return Operation(name, given)
    if any(not 1 <= number <= len(offered) for number in numbers):
        return _outside(f"{name} names a candidate that was not offered")
    anchors = tuple(dict.fromkeys(offered[number - 1] for number in numbers))
    return Operation(name, {"anchor": anchors[0]} if name == "anchor" else {**given, "anchors": anchors})


def _clean(text: str) -> str:
    """A sentence that goes into logs and reviews: one line, nothing hidden, no secret."""
    return " ".join(strip_hidden(redact(text).text).split())


def _outside(reason: str) -> Refusal:
    return Refusal("format", reason)


def _names(names: set[Any]) -> str:
    return ", ".join(sorted(_clean(str(name))[:40] for name in names)[:5])


# --------------------------------------------------------------------------- to bytes


def apply_operations(data: bytes, operations: Sequence[Operation]) -> bytes | Refusal:
    """A note's bytes after the operations, in order; all of them or none.

    ``keep`` changes nothing, ``new_note`` is another file (``new_note_bytes``). A ``Refusal`` when one
    does not fit this note any more, for example because its ``old`` text is gone.
    """
    for operation in operations:
        try:
            data = _WRITERS[operation.name](data, operation.arguments)
        except InvalidInput as error:
            return Refusal("fit", f"{operation.name}: {error.message}")
    return data


def new_note_bytes(operation: Operation) -> bytes | Refusal:
    """The bytes of the note that a ``new_note`` proposes."""
    given = operation.arguments
    try:
        return document.new_note(given["title"], (), tuple(given["anchors"]), given["text"])
    except InvalidInput as error:
        return Refusal("fit", f"new_note: {error.message}")


def _set_status(data: bytes, given: Mapping[str, Any]) -> bytes:
    data = document.set_field(data, "status", given["status"])
    return document.set_field(data, "superseded_by", given["by"]) if given["by"] else data


def _anchor(data: bytes, given: Mapping[str, Any]) -> bytes:
    """Add an anchor; a repair puts it in the place of the one that moved (``replaces``)."""
    note, problems = document.parse("note.md", data, "decision")
    if note is None:
        raise InvalidInput(problems[0].message if problems else "the note cannot be read")
    anchors = [str(anchor) for anchor in note.anchors]
    old = given.get("replaces", "")
    if old and old not in anchors:
        raise InvalidInput(f"the note is not anchored at {old} any more")
    changed = [given["anchor"] if anchor == old else anchor for anchor in anchors]
    changed += [] if old else [given["anchor"]]
    return document.set_field(data, "anchors", tuple(dict.fromkeys(changed)))


_Writer = Callable[[bytes, Mapping[str, Any]], bytes]
_WRITERS: dict[str, _Writer] = {
    "keep": lambda data, given: data,
    "new_note": lambda data, given: data,
    "replace_text": lambda data, given: document.replace_text(data, given["old"], given["new"]),
    "replace_section": lambda data, given: document.replace_section(data, given["heading"], given["text"]),
    "append_section": lambda data, given: document.append_section(data, given["heading"], given["text"]),
    "retitle": lambda data, given: document.set_field(data, "title", given["title"]),
    "retag": lambda data, given: document.set_field(data, "tags", tuple(given["tags"])),
    "set_status": _set_status,
    "anchor": _anchor,
}
